/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "images/sparse.h"

#include <errno.h>
#include <unistd.h>

void sparse_look(int fd, off_t size, struct sparse_map *ret)
{
	off_t at = 0;

	ret->n = 0;
	ret->data = 0;
	while (at < size && ret->n < SPARSE_EXTENTS_MAX) {
		off_t data = lseek(fd, at, SEEK_DATA), hole;

		if (data < 0 && errno != ENXIO)
			data = at; /* a file system that can't tell */
		if (data < 0 || data >= size) /* nothing but a hole to the end */
			break;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole <= data || hole > size || ret->n + 1 == SPARSE_EXTENTS_MAX)
			hole = size;
		ret->v[ret->n++] =
			(struct sparse_extent){ (uint64_t)data, (uint64_t)(hole - data) };
		ret->data += (uint64_t)(hole - data);
		at = hole;
	}
	ret->holes = ret->data < (uint64_t)size;
	if (ret->holes && at < size)
		ret->v[ret->n++] = (struct sparse_extent){ (uint64_t)size, 0 };
}
