/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the pax interchange format (POSIX.1-2008, "pax", ustar with extended headers), with
 * attributes as SCHILY.xattr records and sparse files as GNU tar 1.0 has them, which libarchive and
 * GNU tar read. Not by libarchive: its writer brings an XML library along, looks for tables of
 * character sets, and wants zeros for holes.
 *
 * A member is pax_begin(), any pax_xattr() and pax_hole_map(), pax_header(), then for a regular
 * file as many bytes of pax_data() as it has outside of holes, and pax_pad().
 */
#ifndef JAIL_COPY_PAX_H
#define JAIL_COPY_PAX_H

#include <sys/stat.h>

#include "base/str.h"
#include "images/sparse.h"

#define PAX_BUFFER ((size_t)256 << 10)

struct pax {
	int fd; /* borrowed */
	size_t n; /* in buf */
	uint64_t pad; /* that the member's data still wants */
	struct strbuf records; /* of the member */
	struct strbuf map; /* of a sparse one; empty: it isn't */
	uint64_t real_size;
	uint8_t buf[PAX_BUFFER];
};

void pax_init(struct pax *p, int fd);
void pax_free(struct pax *p);

void pax_begin(struct pax *p);
/* A name with '=' can't be said. Return: whether it could be. */
bool pax_xattr(struct pax *p, const char *name, const void *value, size_t n);
/* Where the data is; a last extent of no bytes says how long the file is. */
void pax_hole_map(struct pax *p, const struct sparse_extent *v, size_t n, uint64_t real_size);
/* type: the file's, and its size, of `st`; size: the bytes of data that follow. link: target of a
 * symbolic link, or (hard) the first name of the file. */
int pax_header(struct pax *p, const char *name, const struct stat *st, const char *link, bool hard,
	       uint64_t size, struct err *e);
int pax_data(struct pax *p, const void *data, size_t n, struct err *e);
int pax_pad(struct pax *p, struct err *e);
/* The end of the archive, and all that is buffered. */
int pax_end(struct pax *p, struct err *e);

#endif
