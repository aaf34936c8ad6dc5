/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parser and the readers of a JSON document share. */
#ifndef JAIL_BASE_JSON_PRIV_H
#define JAIL_BASE_JSON_PRIV_H

#include "base/json.h"

struct json_chunk; /* memory for nodes and strings, freed together */

struct json_doc {
	char *file; /* for messages */
	const struct json *root;
	struct json_chunk *chunks;
};

/* n bytes that live as long as the document, suitably aligned, or NULL. */
void *json_doc_alloc(struct json_doc *doc, size_t n);

#endif
