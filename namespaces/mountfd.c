/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mount API of Linux 5.2 to 5.12 by raw system calls: glibc 2.36 declares it in <sys/mount.h>,
 * which can't be included beside the kernel's own header.
 *
 * Every function gives back a detached mount or attaches one; none takes a path of somebody else's
 * tree. Attributes are complete before a mount is attached (row 24), and every copy is private
 * unless the caller says otherwise: a copy of a shared mount is a peer of its source, so what is
 * attached below it would appear on the host too (row 29).
 */
#include "namespaces/mountfd.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>

#include "base/statx.h"
#include "base/str.h"

#define UMOUNT_DETACH 2 /* MNT_DETACH */
#define UMOUNT_NO_LINK 8 /* UMOUNT_NOFOLLOW */

/* A directory that every host has. Only in a mount namespace that nobody else is in. */
#define MOUNTFD_SCRATCH "/dev"

/* The kernel's log of a file system context: one line for each read, "e overlay: reason". */
static void mountfd_explain(int fs_fd, char *ret, size_t n)
{
	char line[256];
	size_t len = 0;

	ret[0] = '\0';
	for (int i = 0; i < 4; i++) {
		ssize_t r = read(fs_fd, line, sizeof(line) - 1);
		int w;

		if (r <= 0)
			return;
		while (r > 0 && line[r - 1] == '\n')
			r--;
		line[r] = '\0';
		w = str_format(ret + len, n - len, "%s%s", len ? "; " : " (",
			       r > 2 && line[1] == ' ' ? line + 2 : line);
		if (w < 0) {
			ret[len] = '\0';
			break;
		}
		len += (size_t)w;
	}
	if (len && len + 1 < n)
		memcpy(ret + len, ")", 2);
}

static int mountfd_fail(const char *fstype, const char *what, int fs_fd, struct err *e)
{
	int code = errno;
	char reason[512];

	mountfd_explain(fs_fd, reason, sizeof(reason));
	return err_ret(e, -code, "new %s%s%s%s", fstype, *what ? ": " : "", what, reason);
}

int mountfd_new(const char *fstype, const struct mount_param *params, size_t n, uint64_t attr,
		struct err *e)
{
	CLEANUP_FD int fs_fd = (int)syscall(SYS_fsopen, fstype, FSOPEN_CLOEXEC);
	int fd;

	if (fs_fd < 0) {
		int r = err_sys(e, "new %s", fstype);

		return r == -ENODEV ? err_hint(e, "this kernel has no %s; load its module", fstype)
				    : r;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned cmd = params[i].value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

		if (syscall(SYS_fsconfig, fs_fd, cmd, params[i].key, params[i].value, 0) < 0)
			return mountfd_fail(fstype, params[i].key, fs_fd, e);
	}
	if (syscall(SYS_fsconfig, fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return mountfd_fail(fstype, "", fs_fd, e);
	fd = (int)syscall(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC, (unsigned)attr);
	return fd < 0 ? mountfd_fail(fstype, "", fs_fd, e) : fd;
}

int mountfd_new_long(const char *fstype, const char *source, const char *data, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;

	if (syscall(SYS_mount, source, MOUNTFD_SCRATCH, fstype, 0ul, data) < 0)
		return err_sys(e, "new %s", fstype);
	fd = mountfd_copy(AT_FDCWD, MOUNTFD_SCRATCH, false, false, e);
	if (syscall(SYS_umount2, MOUNTFD_SCRATCH, UMOUNT_DETACH) < 0 && fd >= 0)
		return err_sys(e, "detach %s", MOUNTFD_SCRATCH);
	return TAKE_FD(fd);
}

static int mountfd_setattr(int fd, bool recursive, const struct mount_attr *attr)
{
	unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0u);

	return (int)syscall(SYS_mount_setattr, fd, "", flags, attr, sizeof(*attr));
}

int mountfd_copy(int dir, const char *path, bool recursive, bool link, struct err *e)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0u) |
			 (link ? AT_SYMLINK_NOFOLLOW : 0u) | (*path ? 0u : AT_EMPTY_PATH);
	int fd = (int)syscall(SYS_open_tree, dir, path, flags);

	if (fd < 0)
		return err_sys(e, "copy of the mount at %s", *path ? path : "a held directory");
	return fd;
}

int mountfd_change(int mount_fd, const struct mount_how *how, struct err *e)
{
	struct mount_attr attr = {
		.attr_set = how->attr_set,
		.attr_clr = how->attr_clr,
		.propagation = how->propagation,
	};
	int r;

	/* A field, not a bit: the kernel wants it cleared whole before a mode is set. */
	if ((attr.attr_set | attr.attr_clr) & MOUNT_ATTR__ATIME)
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	if (how->idmap_fd >= 0) {
		attr.attr_set |= MOUNT_ATTR_IDMAP;
		attr.userns_fd = (uint64_t)how->idmap_fd;
	}
	if (mountfd_setattr(mount_fd, how->recursive, &attr) == 0)
		return 0;
	r = err_sys(e, "attributes of the mount");
	if (how->idmap_fd >= 0 && (r == -EINVAL || r == -EPERM))
		return err_hint(e, "its file system may not support idmapped mounts, or "
				   "belongs to another user namespace");
	return r;
}

int mountfd_clone_how(int dir, const char *path, const struct mount_how *how, struct err *e)
{
	CLEANUP_FD int fd = mountfd_copy(dir, path, how->recursive, false, e);
	struct mount_how change = *how;

	if (fd < 0)
		return -e->code;
	if (!change.propagation)
		change.propagation = MS_PRIVATE;
	if (mountfd_change(fd, &change, e) < 0)
		return err_wrap(e, "copy of %s", *path ? path : "a directory");
	return TAKE_FD(fd);
}

int mountfd_clone(int dir, const char *path, bool recursive, uint64_t attr_set, uint64_t attr_clr,
		  int idmap_fd, struct err *e)
{
	struct mount_how how = {
		.attr_set = attr_set,
		.attr_clr = attr_clr,
		.idmap_fd = idmap_fd,
		.recursive = recursive,
	};

	return mountfd_clone_how(dir, path, &how, e);
}

int mountfd_attach(int mount_fd, int target_fd, struct err *e)
{
	if (syscall(SYS_move_mount, mount_fd, "", target_fd, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(e, "attach a mount");
	return 0;
}

int mountfd_set_attr(int mount_fd, uint64_t attr_set, struct err *e)
{
	struct mount_attr attr = { .attr_set = attr_set };

	if (mountfd_setattr(mount_fd, false, &attr) < 0)
		return err_sys(e, "set mount attributes");
	return 0;
}

int mountfd_propagation(int mount_fd, uint64_t propagation, bool recursive, struct err *e)
{
	struct mount_attr attr = { .propagation = propagation };

	if (mountfd_setattr(mount_fd, recursive, &attr) < 0)
		return err_sys(e, "set mount propagation");
	return 0;
}

int mountfd_seal(int mount_fd, struct err *e)
{
	CLEANUP_FD int fs_fd =
		(int)syscall(SYS_fspick, mount_fd, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);

	if (fs_fd < 0)
		return err_sys(e, "seal a file system");
	if (syscall(SYS_fsconfig, fs_fd, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    syscall(SYS_fsconfig, fs_fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		return err_sys(e, "seal a file system");
	return mountfd_set_attr(mount_fd, MOUNT_ATTR_RDONLY, e);
}

int mountfd_propagation_all(uint64_t propagation, struct err *e)
{
	struct mount_attr attr = { .propagation = propagation };

	if (syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return err_sys(e, "set propagation of all mounts");
	return 0;
}

/*
 * ".." at the root stays at the root but steps onto whatever is mounted on top of it, which is
 * where pivot_root(".", ".") put the old root: the two mount ids are equal exactly when it is gone.
 * The raw getcwd says "(unreachable)" where libc would say ENOENT (row 2).
 */
static int mountfd_verify_root(int root_fd, struct err *e)
{
	char cwd[PATH_MAX];
	struct statx root = { 0 }, top = { 0 };
	int flags = AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW;

	if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0)
		return err_sys(e, "getcwd after pivot_root");
	if (!str_eq(cwd, "/"))
		return err_set(e, EXDEV, "getcwd after pivot_root: %s instead of /", cwd);
	if (statx(root_fd, "", AT_EMPTY_PATH | flags, STATX_INO | STATX_MNT_ID, &root) < 0 ||
	    statx(AT_FDCWD, "/..", flags, STATX_INO | STATX_MNT_ID, &top) < 0)
		return err_sys(e, "statx of the new root");
	if (root.stx_mnt_id != top.stx_mnt_id || root.stx_ino != top.stx_ino)
		return err_set(e, EXDEV, "the old root is still mounted over the new one");
	return 0;
}

int mountfd_detach_at(int dir, const char *name, struct err *e)
{
	if (fchdir(dir) < 0)
		return err_sys(e, "chdir");
	if (syscall(SYS_umount2, name, UMOUNT_DETACH | UMOUNT_NO_LINK) == 0 || errno == EINVAL)
		return 0;
	return err_sys(e, "detach %s", name);
}

int mountfd_pivot(int root_fd, struct err *e)
{
	if (fchdir(root_fd) < 0)
		return err_sys(e, "chdir to the new root");
	if (syscall(SYS_pivot_root, ".", ".") < 0) {
		int r = err_sys(e, "pivot_root");

		return r == -EINVAL ? err_hint(e, "the host's root must not be an initramfs") : r;
	}
	/* "." now names the old root, which covers the new one (pivot_root(2), NOTES). */
	if (syscall(SYS_umount2, ".", UMOUNT_DETACH) < 0)
		return err_sys(e, "detach the old root");
	if (chdir("/") < 0)
		return err_sys(e, "chdir to /");
	return mountfd_verify_root(root_fd, e);
}

int mountfd_chroot(int root_fd, struct err *e)
{
	char cwd[PATH_MAX];

	if (fchdir(root_fd) < 0 || syscall(SYS_chroot, ".") < 0 || chdir("/") < 0)
		return err_sys(e, "change the root");
	if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0)
		return err_sys(e, "getcwd after chroot");
	return str_eq(cwd, "/") ? 0 : err_set(e, EXDEV, "getcwd after chroot: %s", cwd);
}
