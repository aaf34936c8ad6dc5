/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_IMAGES_TREECOPY_PRIV_H
#define JAIL_IMAGES_TREECOPY_PRIV_H

#include <sys/stat.h>

#include "images/treecopy.h"

/* What may be set only when nothing is written any more: all of st, and extended attributes. The
 * entry `name` of two directories; "" = they themselves. root: the attributes that overlayfs and
 * jail keep on the root of a tree stay away. */
struct tree_pair {
	int from, to;
	const char *name;
	bool root;
};
int tree_copy_attributes(struct tree_copy *c, const struct tree_pair *p, const struct stat *st,
			 struct err *e);
int tree_copy_content(struct tree_copy *c, int from, int to, uint64_t size, struct err *e);
/* The regular file of this name, for reading. Of an instance that runs it may have become something
 * else, and a device is not even opened. Return: fd; -ENOENT without *e; -EBUSY: it is none. */
int tree_open_regular(int dir, const char *name, struct err *e);
/* What an extended attribute means where ids are shifted, in place: a form in which two that mean
 * the same are the same bytes. Return: its new length. */
size_t tree_xattr_seen(const struct tree_shift *s, const char *name, void *value, size_t n);
/* Deep trees take a descriptor or three for each level. */
void tree_open_files_raise(void);

#endif
