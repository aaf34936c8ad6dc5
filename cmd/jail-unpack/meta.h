/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libarchive says of a member, judged. */
#ifndef JAIL_UNPACK_META_H
#define JAIL_UNPACK_META_H

#include "cmd/jail-unpack/tree.h"

struct archive;
struct archive_entry;

/* -EBADMSG: no file can have these. */
int meta_read(struct archive_entry *entry, struct tree_meta *ret, struct err *e);

struct meta_piece {
	const void *data; /* libarchive's, until the next one */
	size_t n;
	int64_t at;
};
/* The next piece of the content of a member of `size` bytes. `end`: of the last one. Return: 1; 0
 * after the last; -EBADMSG. */
int meta_next_piece(struct archive *a, int64_t size, int64_t end, struct meta_piece *ret,
		    struct err *e);

#endif
