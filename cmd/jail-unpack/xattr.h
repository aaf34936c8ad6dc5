/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extended attributes and ACLs of a member, onto an open file. */
#ifndef JAIL_UNPACK_XATTR_H
#define JAIL_UNPACK_XATTR_H

#include "base/err.h"

struct archive_entry;
struct tree;

/*
 * Sets what images/entry.h allows. is_dir: a default ACL is left to `tree`, whose top the directory
 * is. *skipped grows by the attributes that were not set.
 */
int xattr_apply(int fd, struct archive_entry *entry, struct tree *is_dir, uint64_t *skipped,
		struct err *e);
/* For a member that can't have any: counts them. */
void xattr_skip(struct archive_entry *entry, uint64_t *skipped);
/* Removes those that an earlier member of the same name left. */
int xattr_clear(int fd, struct err *e);

#endif
