/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_IMAGES_LAYERWRITE_PRIV_H
#define JAIL_IMAGES_LAYERWRITE_PRIV_H

#include <nettle/sha2.h>

#include "images/entry.h"
#include "images/layerwrite.h"
#include "images/tarheader.h"
#include "images/treediff_priv.h"

#define LAYER_BUFFER (256u << 10)

struct layer_writer {
	layer_sink_fn *sink;
	void *arg;
	bool exact; /* as of layer_write_exact() */
	bool shifted; /* owners are those inside */
	struct sha256_ctx sha256;
	struct layer_written done;
	struct strbuf path; /* of the directory that is walked: "" or "a/b/" */
	void *links; /* of tsearch(3): names by inode */
	struct layer_xattrs *xattrs; /* buffers */
	struct sparse_map map; /* of the file at hand */
	char buffer[LAYER_BUFFER];
};
int layer_put(struct layer_writer *w, const void *data, size_t n, struct err *e);
int layer_put_header(struct layer_writer *w, const struct tar_member *m, struct err *e);
/* What is nobody's inside stays so elsewhere. */
#define LAYER_ID_MAX 65535u
#define LAYER_ID_NOBODY 65534u
void layer_owner(const struct layer_writer *w, struct stat *st);

/* layerwrite_file.c: a file, link or node. full: its name in the archive. */
int layer_put_file(struct layer_writer *w, const struct tree_node *n, const char *name,
		   const char *full, struct err *e);
void layer_link_free(void *p);

/* layerwrite_xattr.c: adds the attributes that a layer keeps, as they are seen inside. Buffers are
 * made when they are needed first. */
struct layer_xattrs;
int layer_xattrs_add(struct layer_xattrs **x, const struct tree_node *n, const char *name,
		     struct tar_member *m, struct err *e);
void layer_xattrs_free(struct layer_xattrs **x);

#endif
