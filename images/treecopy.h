/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy of a tree as it is: kinds, owners, modes, times, hard links, holes, extended attributes
 * (those of overlayfs, file capabilities and ACLs among them), whiteouts. File contents are shared
 * with the original where the file system can (FICLONE). What is copied is not trusted: names are
 * only used with the directories that hold them, nothing is followed, no mount is entered.
 */
#ifndef JAIL_IMAGES_TREECOPY_H
#define JAIL_IMAGES_TREECOPY_H

#include "base/err.h"

#define TREE_DEPTH_MAX 1024 /* directories in each other; two open files each */

/* Ids in [from, from + count) become those from `to` on; count 0: all stay. */
struct tree_shift {
	uint32_t from, to, count;
};
uint32_t tree_shift_id(const struct tree_shift *s, uint32_t id);
/* An extended attribute as an instance sees it becomes what is stored for it, in place; `value` has
 * room for TREE_XATTR_MORE bytes more. Return: false: it speaks of ids that the instance hasn't
 * got.
 */
#define TREE_XATTR_MORE 8
bool tree_xattr_stored(const struct tree_shift *s, const char *name, void *value, size_t *n);

struct tree_copy {
	int links; /* an empty directory of the same file system as the copy; borrowed */
	struct tree_shift shift;
	/* `from` is anybody's directory: other mounts below it stay behind, and so do attributes
	 * that the copy's file system hasn't, and what vanishes before its turn. */
	bool foreign;
	uint64_t mount_id; /* the copier's own */
	uint64_t files, bytes; /* ret */
	bool no_clone; /* the file system can't share contents */
	bool linked; /* ret: `links` holds names that can go */
	void *buffer; /* the copier's own, for attributes */
};

/* Into the empty directory `to`, which gets the attributes of `from`. */
int tree_copy(struct tree_copy *c, int from, int to, struct err *e);
/* Owner, mode, times and extended attributes (but for those that say what lies below) of one
 * directory. */
int tree_copy_root(int from, int to, const struct tree_shift *shift, struct err *e);

#endif
