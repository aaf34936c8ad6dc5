/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mount points. The tree was written by somebody else, and a volume in it may be changed by another
 * instance while we look (rows 14, 20, 22): a path is resolved once, by the kernel, confined to the
 * root, to an fd, and the mount goes onto that fd.
 *
 * Confinement is not enough for /proc and /sys: a target that ends on one of them, by whatever
 * links, would put the tenant's files where programs trust the kernel's (rows 15, 16). So what kind
 * of file system the fd is on is looked at after it was opened.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/path.h"
#include "base/str.h"
#include "namespaces/rootfs_priv.h"

bool rootfs_is_replaced(const struct rootfs_spec *spec, const char *path)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		if (str_eq(spec->mounts[i].destination, path))
			return true;
	}
	return false;
}

int rootfs_target_fixed(const struct rootfs_child *c, const char *name, struct err *e)
{
	int root = c->fd[ROOTFS_ROOT];
	int fd = path_open_in_root_nolink(root, name, O_PATH | O_DIRECTORY, 0);

	if (fd == -ENOENT) {
		if (mkdirat(root, name, 0755) < 0)
			return err_sys(e, "the root file system has no /%s and it can't be made",
				       name);
		fd = path_open_in_root_nolink(root, name, O_PATH | O_DIRECTORY, 0);
	}
	if (fd < 0)
		return err_ret(e, fd, "/%s of the root file system must be a directory", name);
	return fd;
}

static bool target_is(int fd, const struct stat *st)
{
	struct stat other;

	return fd >= 0 && fstat(fd, &other) == 0 && other.st_dev == st->st_dev &&
	       other.st_ino == st->st_ino;
}

static int target_check_kernel(int fd, const char *path, struct err *e)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return err_sys(e, "statfs %s", path);
	switch ((uint32_t)fs.f_type) {
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case DEVPTS_SUPER_MAGIC:
		return err_set(e, EPERM, "%s is on a file system of the kernel", path);
	}
	return 0;
}

static int target_check(const struct rootfs_child *c, int fd, const char *path, struct err *e)
{
	struct stat st;

	if (target_check_kernel(fd, path, e) < 0)
		return -e->code;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", path);
	if (target_is(c->fd[ROOTFS_ROOT], &st) || target_is(c->fd[ROOTFS_DEV], &st))
		return err_set(e, EPERM, "%s is the root or /dev itself", path);
	return 0;
}

int rootfs_target_path(const struct rootfs_child *c, const char *path, bool is_dir, struct err *e)
{
	CLEANUP_FD int fd =
		path_make_in_root(c->fd[ROOTFS_ROOT], path, is_dir, is_dir ? 0755 : 0644, e);

	if (fd < 0)
		return -e->code;
	if (target_check(c, fd, path, e) < 0)
		return -e->code;
	return TAKE_FD(fd);
}

/*
 * The directory may be reached through links inside the root, the last component is taken as it is:
 * where the /etc/resolv.conf of a Debian image points is of no interest, it is covered (row 47).
 */
int rootfs_target_file(const struct rootfs_child *c, const char *path, struct err *e)
{
	CLEANUP_FD int dir = -EBADF, fd = -EBADF;
	const char *name = strrchr(path, '/');
	char parent[PATH_MAX];
	struct stat st;
	int r;

	if (!name || !name[1])
		return err_set(e, EINVAL, "%s: expected the path of a file", path);
	r = str_format(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	if (r < 0)
		return err_ret(e, r, "%s", path);
	name++;
	dir = path_make_in_root(c->fd[ROOTFS_ROOT], parent, true, 0755, e);
	if (dir < 0 || target_check_kernel(dir, path, e) < 0)
		return -e->code;
	fd = path_open_beneath(dir, name, O_PATH | O_NOFOLLOW, 0);
	if (fd == -ENOENT)
		fd = path_open_beneath(dir, name,
				       O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY, 0644);
	if (fd < 0)
		return err_ret(e, TAKE_FD(fd), "open %s of the root file system", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", path);
	if (S_ISDIR(st.st_mode))
		return err_set(e, EISDIR, "%s of the root file system", path);
	return TAKE_FD(fd);
}
