/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image out of another one and one layer more. The layer's stream is written into the staging
 * directory, and then it is imported like anybody's: a confined child unpacks it, its digest is
 * checked, its split file made. Killed anywhere, what remains is gc's.
 */
#ifndef JAIL_IMAGES_COMMIT_H
#define JAIL_IMAGES_COMMIT_H

#include "images/image_document.h"
#include "images/layerwrite.h"

/* What the new image says of its process. NULL: as the old one says. */
struct commit_process {
	const struct strv *args; /* becomes Cmd, without an Entrypoint */
	const struct strv *env;
	const char *cwd, *user;
};

struct commit_request {
	const struct digest *layers; /* of the old image, bottom first */
	size_t n_layers;
	const struct image_ref *image; /* what it was called, to find its config by */
	struct commit_process process;
	const char *created_by, *comment; /* of the history; comment may be NULL */
	struct import_request import; /* ref, replace, limits, progress */
};

/* The image's config with one layer more. old: its text. Deterministic. */
int image_config_commit(const char *old, size_t n, const struct commit_request *q,
			uint64_t created_ms, const struct digest *layer, struct strbuf *ret,
			struct err *e);

struct commit;
/* Checks what can be checked now, and opens a file for the layer. *ret: owned. -EEXIST. */
int commit_begin(struct image_store *s, const struct commit_request *q, struct commit **ret,
		 struct err *e);
/* Writes the layer. What it is written from is not needed afterwards. */
int commit_layer(struct commit *c, const struct tree_stack *stack, struct layer_written *ret,
		 struct err *e);
int commit_end(struct commit *c, struct imported_list *ret, struct err *e);
void commit_free(struct commit **c);
#define CLEANUP_COMMIT CLEANUP(commit_free)

#endif
