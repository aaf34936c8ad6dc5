/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes in the /dev of an instance that runs. The tree is the instance's by now: it may have put
 * links, directories and, with CAP_SYS_ADMIN of its own, mounts anywhere. So every step is taken on
 * a descriptor, follows no link and stays on the one file system that the runtime made for it,
 * which is known by being a tmpfs with a device node that nobody inside can have made (rows 14,
 * 31).
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "namespaces/rootfs.h"

int rootfs_dev_open(pid_t pid, struct err *e)
{
	CLEANUP_FD int root = -EBADF, dev = -EBADF;
	struct stat st, null;
	struct statfs fs;
	char path[64];

	(void)str_format(path, sizeof(path), "/proc/%d/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, "open the instance's root");
	dev = path_open_in_root_nolink(root, "/dev", O_RDONLY | O_DIRECTORY, 0);
	if (dev < 0)
		return err_ret(e, dev, "open the instance's /dev");
	if (fstatfs(dev, &fs) < 0 || fstat(dev, &st) < 0)
		return err_sys(e, "look at the instance's /dev");
	if (fs.f_type != TMPFS_MAGIC || fstatat(dev, "null", &null, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISCHR(null.st_mode) || null.st_rdev != makedev(1, 3) || null.st_dev != st.st_dev) {
		(void)err_set(e, ESTALE, "the instance's /dev is not the one it was given");
		return err_hint(e, "--restart gives it a new one");
	}
	return TAKE_FD(dev);
}

/* The directory of the node below dev, whose name is cut off *name. Return: fd. */
static int live_parents(int dev, char **name, bool make, uid_t uid, struct err *e)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS |
					   RESOLVE_NO_MAGICLINKS };
	CLEANUP_FD int dir = fcntl(dev, F_DUPFD_CLOEXEC, 3);

	for (char *slash; dir >= 0 && (slash = strchr(*name, '/')); *name = slash + 1) {
		bool made;
		int next;

		*slash = '\0';
		made = make && mkdirat(dir, *name, 0755) == 0;
		next = sys_openat2(dir, *name, &how);
		if (next < 0)
			return err_sys(e, "open %s in the instance's /dev", *name);
		(void)close(dir);
		dir = next;
		if (made && fchown(dir, uid, uid) < 0)
			return err_sys(e, "chown %s", *name);
	}
	return dir < 0 ? err_sys(e, "/dev") : TAKE_FD(dir);
}

static int live_path(const char *path, char *ret, size_t n, struct err *e)
{
	if (path_clean(path, ret, n) < 0 || !str_starts(ret, "/dev/"))
		return err_set(e, EINVAL, "%s: expected a path below /dev", path);
	return 0;
}

int rootfs_dev_add(int dev, const struct rootfs_device *d, uid_t uid, struct err *e)
{
	CLEANUP_FD int dir = -EBADF;
	char path[256], *name = path + strlen("/dev/");
	mode_t mask;
	struct stat st;
	int r = live_path(d->path, path, sizeof(path), e);

	if (r < 0)
		return r;
	dir = live_parents(dev, &name, true, uid, e);
	if (dir < 0)
		return TAKE_FD(dir);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    ((st.st_mode ^ d->mode) & S_IFMT) == 0 && st.st_rdev == d->rdev)
		return 0;
	mask = umask(0);
	r = mknodat(dir, name, d->mode, d->rdev);
	(void)umask(mask);
	if (r < 0)
		return err_sys(e, "make device node %s", d->path);
	if (fchownat(dir, name, uid, uid, AT_SYMLINK_NOFOLLOW) < 0) {
		r = err_sys(e, "chown device node %s", d->path);
		(void)unlinkat(dir, name, 0);
		return r;
	}
	return 1;
}

void rootfs_dev_drop(int dev, const char *device)
{
	CLEANUP_FD int dir = -EBADF;
	char path[256], *name = path + strlen("/dev/");
	struct err ignored = ERR_INIT;
	struct stat st;

	if (live_path(device, path, sizeof(path), &ignored) < 0)
		return;
	dir = live_parents(dev, &name, false, 0, &ignored);
	if (dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
		(void)unlinkat(dir, name, 0);
}
