/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What differs between two states of a root file system, each a stack of trees as overlayfs sees it
 * (whiteouts, opaque directories). Looked up in the trees themselves, without a mount: where both
 * stacks have the same trees below a directory, nothing differs, so the work grows with what was
 * changed and not with the image.
 */
#ifndef JAIL_IMAGES_TREEDIFF_H
#define JAIL_IMAGES_TREEDIFF_H

#include <sys/stat.h>

#include "images/treecopy.h"

struct tree_layer {
	int dir; /* borrowed */
	struct tree_shift shift; /* from the owners on disk to those that are seen */
};

struct tree_stack {
	const struct tree_layer *v; /* top first */
	size_t n;
};

enum tree_change { TREE_ADDED, TREE_CHANGED, TREE_DELETED };

struct tree_difference {
	enum tree_change change;
	const char *path; /* with a leading '/'; any bytes */
	mode_t type; /* S_IFREG, ...: as it is, or, when it was deleted, as it was */
	mode_t was; /* of a change: before; the same unless the kind changed */
};
typedef int tree_diff_fn(const struct tree_difference *d, void *arg, struct err *e);

/*
 * In order of path. Of a directory that was added or deleted all that is in it is told too. Changed
 * are: kind, owner, mode, content, target, device numbers, extended attributes; not times alone.
 * Return: 0; what fn returned below 0; -E2BIG: too deep, or a directory is too large.
 */
int tree_diff(const struct tree_stack *from, const struct tree_stack *to, tree_diff_fn *fn,
	      void *arg, struct err *e);

#endif
