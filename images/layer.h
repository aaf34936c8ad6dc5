/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A layer of the store, open for reading. While it is, gc leaves it alone: the directory is locked
 * (flock(2), shared), and gc removes only what it can lock alone (images/staging.c).
 */
#ifndef JAIL_IMAGES_LAYER_H
#define JAIL_IMAGES_LAYER_H

#include "images/split.h"
#include "images/store.h"

struct layer {
	struct digest digest;
	int dir; /* layers/HEX, holds the lock */
	const struct unpacker *how; /* the store's: its split file is read by a child */
};
#define LAYER_INIT ((struct layer){ .dir = -EBADF })

/* -ENOENT: the store hasn't got it. */
int store_layer_open(const struct image_store *s, const struct digest *digest, struct layer *ret,
		     struct err *e);
void store_layer_close(struct layer *l);
#define CLEANUP_LAYER CLEANUP(store_layer_close)

/* Its fs/. Return: fd. */
int layer_open_tree(const struct layer *l, struct err *e);

/*
 * Makes the layer's stream and compares its sha256 at the end. Return: 0; -EBADMSG the stream is
 * another one, or can't be made; -ENODATA it was imported before there were split files; what `out`
 * returned. All of the stream has been given by then.
 */
int layer_stream(const struct layer *l, const struct split_output *out, struct err *e);
/* How long the stream is. */
int layer_stream_size(const struct layer *l, uint64_t *ret, struct err *e);

#endif
