/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images out of the store, for other tools: an OCI image layout, or what `docker load` reads. The
 * config document goes out as it came in, and uncompressed layers as the very streams that they
 * were, so that config digest and diff ids are those of before. The same images give the same
 * bytes.
 */
#ifndef JAIL_IMAGES_EXPORT_H
#define JAIL_IMAGES_EXPORT_H

#include "images/store.h"

enum export_format { EXPORT_OCI, EXPORT_DOCKER };
enum export_compress { EXPORT_PLAIN, EXPORT_GZIP, EXPORT_ZSTD };
#define EXPORT_IMAGES_MAX 1024

struct export_request {
	const struct image_ref *refs; /* each once */
	size_t n_refs;
	enum export_format format;
	enum export_compress compress; /* of the layers; EXPORT_DOCKER takes none */
	int out; /* the tar is written here; borrowed */
	bool is_directory; /* `out` is an empty directory, to become the layout */
};

/* Return: 0; negative: what was written is of no use. Texts may hold names of files: escape. */
int store_export(const struct image_store *s, const struct export_request *req, struct err *e);

#endif
