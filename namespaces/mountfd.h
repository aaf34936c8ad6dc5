/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one file that makes mount system calls. A mount is made detached, gets all its attributes
 * while nobody can reach it (row 24), and is attached by fd to a target that was resolved once (row
 * 14): a later swap of a path component cannot redirect it. There is no remount.
 */
#ifndef JAIL_NAMESPACES_MOUNTFD_H
#define JAIL_NAMESPACES_MOUNTFD_H

#include <linux/mount.h>

#include "base/err.h"

struct mount_param {
	const char *key;
	const char *value; /* NULL = a flag; under 256 bytes (fsconfig's limit) */
};

/* fsopen + fsconfig + fsmount. params: n pairs. attr: MOUNT_ATTR_*. Return: detached mount fd
 * (O_CLOEXEC). The kernel's own explanation (read from the fs context) is part of the error text.
 */
int mountfd_new(const char *fstype, const struct mount_param *params, size_t n, uint64_t attr,
		struct err *e);

/* The one exception, for options that fsconfig can't take: mount(2) with options as one string, in
 * the caller's own mount namespace, whose mounts are not shared. Return: detached mount fd. */
int mountfd_new_long(const char *fstype, const char *source, const char *data, struct err *e);

/* How a copy of a mount differs from its source. Zeroed with idmap_fd = -EBADF: not at all, and
 * private. */
struct mount_how {
	uint64_t attr_set, attr_clr; /* MOUNT_ATTR_*; clr first; an atime mode clears the old one */
	uint64_t propagation; /* MS_PRIVATE (0 means it too), MS_SLAVE, MS_SHARED, MS_UNBINDABLE */
	int idmap_fd; /* a user namespace fd, or -EBADF */
	bool recursive; /* the mounts below come along and get the same */
};
/* open_tree(OPEN_TREE_CLONE) of (dir, path) ("" = dir itself), nothing changed: a copy of a shared
 * mount is its peer until mountfd_change() says otherwise. link: a symlink itself. */
int mountfd_copy(int dir, const char *path, bool recursive, bool link, struct err *e);
/* One mount_setattr; here a propagation of 0 leaves it alone. An id map is for detached mounts. */
int mountfd_change(int mount_fd, const struct mount_how *how, struct err *e);
/* open_tree(OPEN_TREE_CLONE) of (dir, path) ("" = dir itself) and one mount_setattr on the copy.
 * Return: detached mount fd (O_CLOEXEC). */
int mountfd_clone_how(int dir, const char *path, const struct mount_how *how, struct err *e);
/* The same, private: a copy of a shared mount would otherwise carry what is attached to it back to
 * the host (row 29). */
int mountfd_clone(int dir, const char *path, bool recursive, uint64_t attr_set, uint64_t attr_clr,
		  int idmap_fd, struct err *e);
/* move_mount of a detached mount onto the object behind target_fd (O_PATH). The object may be a
 * symlink: it is covered, not followed. */
int mountfd_attach(int mount_fd, int target_fd, struct err *e);
/* Attributes of a mount that nothing but the caller can reach. */
int mountfd_set_attr(int mount_fd, uint64_t attr_set, struct err *e);
/* Makes the whole file system behind a detached mount read-only, for every mount of it. */
int mountfd_seal(int mount_fd, struct err *e);
/* Propagation of everything below "/" in this mount namespace (MS_PRIVATE or MS_SLAVE, recursive).
 */
int mountfd_propagation_all(uint64_t propagation, struct err *e);
/* Propagation of one attached or detached mount; MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE. */
int mountfd_propagation(int mount_fd, uint64_t propagation, bool recursive, struct err *e);
/* Takes the uppermost mount off `name` in the directory, where there is one; what holds it open
 * keeps it. Changes the working directory. */
int mountfd_detach_at(int dir, const char *name, struct err *e);
/* Makes the mount behind root_fd the root: pivot_root(".", "."), detach of the old root, cwd "/";
 * then verifies that getcwd is "/" and that the old root is gone. Applies to the calling process's
 * namespace. */
int mountfd_pivot(int root_fd, struct err *e);
/* Makes the directory behind root_fd the root by chroot(2), cwd "/". For a caller without a mount
 * namespace of its own, or after its mounts were moved onto "/": it hides, it takes nothing away.
 */
int mountfd_chroot(int root_fd, struct err *e);

#endif
