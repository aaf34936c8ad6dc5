/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts that root of the instance can't take away, whatever it may do in its user namespace
 * (rows 24, 25, 30).
 *
 * The kernel locks what is mounted, and its flags, when a mount namespace is copied into one that
 * another user namespace owns (copy_mnt_ns(), lock_mnt_tree(); mount_namespaces(7), "Restrictions
 * on mount namespaces"): a mask can't be unmounted and "ro" not be taken off, while new mounts can
 * be made on top and elsewhere. So the mounts are made in a mount namespace of a user namespace
 * that exists for nothing else, and are then copied into the instance's own:
 *
 *   mounts_foreign()  a helper process makes a user namespace below the instance's with a mount
 *                     namespace, which the caller enters, and ends; no process is ever in that
 *                     user namespace again
 *   ...               everything is mounted; pivot_root
 *   mounts_lock()     unshare(CLONE_NEWNS): the locked copy, owned by the instance's user namespace
 *
 * All other namespaces, and the file systems, belong to the instance's user namespace throughout.
 */
#ifndef JAIL_NAMESPACES_LOCK_H
#define JAIL_NAMESPACES_LOCK_H

#include "base/err.h"

/* Caller: root of the instance's user namespace, with its ids mapped, single-threaded, a child not
 * yet visible to anybody. Needs user.max_user_namespaces >= 1 there. Root and working directory
 * become those of the new mount namespace. */
int mounts_foreign(struct err *e);
/* Descriptors that were opened before stay on mounts that nobody else sees: what the program gets
 * is opened after this. */
int mounts_lock(struct err *e);

#endif
