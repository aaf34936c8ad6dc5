/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_IMAGES_IMAGE_DOCUMENT_H
#define JAIL_IMAGES_IMAGE_DOCUMENT_H

#include "images/store.h"

struct image_document {
	char *text; /* the bytes, owned */
	size_t n;
	struct digest digest; /* of them */
	struct image_config config; /* what they say */
};

/*
 * The config document of an image, parsed and found to be of the image's layers. An image that was
 * imported before the store kept configs gets the one that it would get now. -EBADMSG damaged.
 */
int image_document_read(const struct image_store *s, const struct image *image,
			struct image_document *ret, struct err *e);
void image_document_free(struct image_document *d);
#define CLEANUP_IMAGE_DOCUMENT CLEANUP(image_document_free)

#endif
