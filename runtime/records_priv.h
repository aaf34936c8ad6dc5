/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the records share. */
#ifndef JAIL_RUNTIME_RECORDS_PRIV_H
#define JAIL_RUNTIME_RECORDS_PRIV_H

#include "runtime/engine_priv.h"

/* Reads and parses; -ENOENT without touching *e when `optional`. */
int record_read(int dir, const char *name, bool optional, struct json_doc **ret, struct err *e);
int record_write(int dir, const char *name, struct strbuf *b, enum file_sync sync, struct err *e);
void meta_networks_write(struct json_out *o, const struct meta *m);
int meta_networks_read(const struct json_doc *doc, const struct json *root, struct meta *m,
		       struct err *e);
void state_networks_write(struct json_out *o, const struct net_attachment *a);
int state_networks_read(const struct json_doc *doc, const struct json *root,
			struct net_attachment *a, struct err *e);

#endif
