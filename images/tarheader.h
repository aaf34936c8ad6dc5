/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Headers of a tar stream in the format pax (POSIX.1-2001), the same bytes for the same member: no
 * time of now, no name of a user, and an extended header only where the ustar one can't say it.
 * Pure.
 */
#ifndef JAIL_IMAGES_TARHEADER_H
#define JAIL_IMAGES_TARHEADER_H

#include <sys/stat.h>

#include "base/str.h"
#include "images/sparse.h"

#define TARHEADER_BLOCK 512

struct tar_member {
	const char *name; /* without a leading '/'; of a directory with a '/' at the end */
	const char *link; /* of a symlink its target, of one more name the first; or NULL */
	bool again; /* one more name (a hard link) */
	struct stat st; /* kind, mode, owner, size, mtime, rdev */
	struct strbuf xattrs; /* of tar_member_xattr(); owned */
	const struct sparse_map *sparse; /* or NULL: then all of st_size bytes follow */
};
/* Adds an extended attribute. In order of name, so that the header is the same each time. */
void tar_member_xattr(struct tar_member *m, const char *name, const void *value, size_t n);
/* Appends the headers, and of a sparse file its map; what follows is the content of a regular file
 * (without its holes), padded to whole blocks. -EMEDIUMTYPE: tar has no such kind (sockets). */
int tar_member_header(const struct tar_member *m, struct strbuf *out, struct err *e);

#endif
