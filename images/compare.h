/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two trees that should be the same: kinds, owners, modes, times, sizes, targets, device numbers,
 * hard links, extended attributes. Contents only where the caller does not know them already.
 */
#ifndef JAIL_IMAGES_COMPARE_H
#define JAIL_IMAGES_COMPARE_H

#include <sys/stat.h>

#include "base/str.h"

#define COMPARE_PROBLEMS_MAX 100 /* that are told; what is more is counted */

struct compare {
	/* Whether the content of this regular file of `is` is known to be right. */
	bool (*is_proven)(const struct stat *st, void *arg);
	void *arg;
	struct strv problems; /* "etc/passwd: mode 0644, 0600 in the layer"; owned */
	size_t n_problems; /* of all kinds, also those that are not told */
	bool contents; /* one of them is a content that was changed */
};

/* `should`: as it should be. Directory fds, borrowed. Return: 0, whatever the problems; negative:
 * it could not be compared. */
int compare_trees(struct compare *c, int should, int is, struct err *e);
void compare_free(struct compare *c);
#define CLEANUP_COMPARE CLEANUP(compare_free)
/* One more problem. path: NULL for none. */
int compare_problem(struct compare *c, const char *path, const char *fmt, ...) PRINTF(3, 4);

/* compare_file.c: two files of one kind, whose stat(2) is known. name: in both directories. */
struct compare_pair {
	int should_dir, is_dir;
	const char *name, *path;
	struct stat should, is;
};
int compare_file(struct compare *c, const struct compare_pair *p, struct err *e);

#endif
