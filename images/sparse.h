/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a file's data is, for formats that can say it (GNU tar's sparse map 1.0). */
#ifndef JAIL_IMAGES_SPARSE_H
#define JAIL_IMAGES_SPARSE_H

#include <sys/types.h>

#include "base/defs.h"

#define SPARSE_EXTENTS_MAX 65536 /* beyond, the rest counts as data */

struct sparse_extent {
	uint64_t at, n;
};

struct sparse_map {
	struct sparse_extent v[SPARSE_EXTENTS_MAX + 1];
	size_t n;
	uint64_t data; /* bytes outside of holes */
	bool holes; /* there are any; then a last extent of no bytes says how long the file is,
		       where it ends in one */
};

/* Moves fd's place. */
void sparse_look(int fd, off_t size, struct sparse_map *ret);

#endif
