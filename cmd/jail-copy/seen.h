/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files with several names: under which one each was met first. Zeroed it is empty. */
#ifndef JAIL_COPY_SEEN_H
#define JAIL_COPY_SEEN_H

#include <sys/stat.h>

#include "base/err.h"

struct seen_file {
	dev_t dev;
	ino_t ino;
	char *name; /* NULL: a free place */
};

struct seen {
	struct seen_file *v; /* by hash, at most three quarters full */
	size_t n, room; /* room: a power of two, or 0 */
};

/* *ret: its first name, borrowed; NULL: `name` is, and is kept. */
int seen_name(struct seen *s, const struct stat *st, const char *name, const char **ret,
	      struct err *e);
void seen_free(struct seen *s);

#endif
