/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another shared file in an instance that runs. It is mounted over the one that the instance was
 * given, in its own mount namespace: whatever paths lead to there are the instance's, and hurt
 * nobody else. The one it had is known by what it is, so what the instance put there itself stays.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "namespaces/procfd.h"
#include "namespaces/rootfs_priv.h"

#define LIVE_PATH_MAX 256

static bool live_same(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

/* What rootfs_files_make() makes, or another file that somebody mounted from a tmpfs. */
static bool live_is_generated(int dir, int fd)
{
	struct stat parent, st;
	struct statfs fs;

	return fstat(dir, &parent) == 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_dev != parent.st_dev && fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

static int live_open(int dir, const char *name)
{
	return path_open_beneath(dir, name, O_PATH | O_NOFOLLOW, 0);
}

/* In the instance's mount namespace. Return: 1 replaced, 0 it stays. */
static int live_replace(const char *path, int had, int fd, int mount_fd, struct err *e)
{
	CLEANUP_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int dir = -EBADF, target = -EBADF;
	const char *name = strrchr(path, '/') + 1;
	char parent[LIVE_PATH_MAX];

	if (root < 0 || str_format(parent, sizeof(parent), "%.*s", (int)(name - path), path) < 0)
		return err_set(e, EINVAL, "%s", path);
	dir = path_open_in_root(root, parent, O_PATH | O_DIRECTORY, 0);
	target = dir < 0 ? dir : live_open(dir, name);
	if (target < 0 || !(had >= 0 ? live_same(target, had) : live_is_generated(dir, target)))
		return 0;
	if (had >= 0) {
		/* The one of the start may be locked (namespaces/lock.h), and stays below. */
		if (mountfd_detach_at(dir, name, e) < 0)
			return -e->code;
		fd_reset(&target);
		target = live_open(dir, name);
		if (target < 0)
			return 0;
	}
	if (live_same(target, fd))
		return 1;
	return mountfd_attach(mount_fd, target, e) < 0 ? -e->code : 1;
}

int rootfs_file_replace(const char *path, int had, int fd, int pidfd, struct err *e)
{
	CLEANUP_FD int own_mounts = procfd_open("self/ns/mnt", O_RDONLY);
	CLEANUP_FD int own_cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int mount_fd = -EBADF;
	int r;

	if (own_mounts < 0 || own_cwd < 0)
		return err_set(e, EIO, "open the own mount namespace");
	mount_fd = mountfd_clone(fd, "", false, ROOTFS_SHARED_FILE_ATTR, 0, -EBADF, e);
	if (mount_fd < 0)
		return err_wrap(e, "file %s", path);
	if (sys_setns(pidfd, CLONE_NEWNS) < 0)
		return err_sys(e, "enter the instance's mount namespace");
	r = live_replace(path, had, fd, mount_fd, e);
	/* As in rootfs_build(): never to go on in an instance's namespace. */
	if (sys_setns(own_mounts, CLONE_NEWNS) < 0 || fchdir(own_cwd) < 0)
		abort();
	return r < 0 ? err_wrap(e, "file %s", path) : r;
}
