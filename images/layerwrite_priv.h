/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_IMAGES_LAYERWRITE_PRIV_H
#define JAIL_IMAGES_LAYERWRITE_PRIV_H

#include "images/tarheader.h"
#include "images/treediff_priv.h"

/* layerwrite_xattr.c: adds the attributes that a layer keeps, as they are seen inside. Buffers are
 * made when they are needed first. */
struct layer_xattrs;
int layer_xattrs_add(struct layer_xattrs **x, const struct tree_node *n, const char *name,
		     struct tar_member *m, struct err *e);
void layer_xattrs_free(struct layer_xattrs **x);

#endif
