/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extended attributes and ACLs of a member, onto an open file. */
#ifndef JAIL_UNPACK_XATTR_H
#define JAIL_UNPACK_XATTR_H

#include "base/err.h"

struct archive_entry;
struct tree;
struct tree_shift;

/*
 * Sets what images/entry.h allows. is_dir: a default ACL is left to `tree`, whose top the directory
 * is. shift: of the ids in them, as of struct unpack_request. *skipped grows by the attributes that
 * were not set.
 */
struct xattr_how {
	const struct tree_shift *shift;
	struct tree *is_dir;
	uint64_t *skipped;
};
int xattr_apply(int fd, struct archive_entry *entry, const struct xattr_how *how, struct err *e);
/* For a member that can't have any: counts them. */
void xattr_skip(struct archive_entry *entry, uint64_t *skipped);
/* Removes those that an earlier member of the same name left. */
int xattr_clear(int fd, struct err *e);

#endif
