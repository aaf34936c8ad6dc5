/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a layer is still what its digest says. Its stream is made again and hashed; that proves
 * the contents of files. The headers in that stream are the recorded ones, so the tree is compared
 * to them too: jail-unpack, confined as for an import, unpacks the stream once more beside the
 * store, without the contents, and the two trees must be the same.
 */
#ifndef JAIL_IMAGES_VERIFY_H
#define JAIL_IMAGES_VERIFY_H

#include "images/store.h"

struct verify_result {
	struct strv problems; /* in words, at most some hundred; owned */
	size_t n_problems; /* 0: the layer is sound */
	uint64_t stream_bytes;
};

void verify_result_free(struct verify_result *v);
#define CLEANUP_VERIFY CLEANUP(verify_result_free)

/* Return: 0 and *ret, also for a damaged layer; negative: it could not be looked at. -ENODATA: it
 * was imported before there were split files. Texts hold names of files: escape them (row 80). */
int store_verify_layer(const struct image_store *s, const struct digest *layer,
		       struct verify_result *ret, struct err *e);

#endif
