/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mount points of an OCI container. The root was written by somebody else, and a volume in it may
 * be changed by another container while we look (rows 14, 20, 22): a destination is resolved once,
 * by the kernel, inside the root, to an fd, and the mount goes onto that fd.
 *
 * /proc and /sys are where programs, and we, trust the kernel's files (rows 15, 16). So proc and
 * sysfs go onto ordinary directories, reached through no symlink, and it is checked afterwards that
 * they are what is found there; and on procfs itself nothing is mounted but the few files that
 * lxcfs and the like stand in for, the list of other runtimes (runc's checkProcMount()), wherever a
 * destination may lead by links.
 */
#include "namespaces/bundle_priv.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "base/path.h"
#include "base/statx.h"
#include "base/str.h"

#define PROC_ROOT_INODE 1 /* PROC_ROOT_INO of the kernel */

static const char *const target_proc_files[] = {
	"/proc/cpuinfo",
	"/proc/diskstats",
	"/proc/meminfo",
	"/proc/stat",
	"/proc/swaps",
	"/proc/uptime",
	"/proc/loadavg",
	"/proc/slabinfo",
	"/proc/sys/kernel/ns_last_pid",
	"/proc/sys/crypto/fips_enabled",
};

static bool is_below_proc(const char *path)
{
	return str_starts(path, "/proc") && (path[5] == '\0' || path[5] == '/');
}

static bool is_proc_file(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(target_proc_files); i++) {
		if (str_eq(path, target_proc_files[i]))
			return true;
	}
	return false;
}

static bool is_kernel_fs(const struct bundle_mount *m)
{
	return m->kind == BUNDLE_NEW && (str_eq(m->fstype, "proc") || str_eq(m->fstype, "sysfs"));
}

static uint32_t fs_magic(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) < 0 ? 0 : (uint32_t)fs.f_type;
}

/* A directory through no symlink; missing components are made. */
static int target_ordinary(int root, const char *path, struct err *e)
{
	CLEANUP_FD int dir = path_open_in_root_nolink(root, path, O_PATH | O_DIRECTORY, 0);
	char work[PATH_MAX], *p = work;

	if (dir != -ENOENT)
		return dir < 0 ? err_ret(e, TAKE_FD(dir), "must be an ordinary directory")
			       : TAKE_FD(dir);
	dir = fcntl(root, F_DUPFD_CLOEXEC, 3);
	if (dir < 0 || str_format(work, sizeof(work), "%s", path) < 0)
		return err_set(e, EINVAL, "mount point");
	while (*(p += strspn(p, "/"))) {
		char *end = p + strcspn(p, "/");
		bool last = *end == '\0';
		int next;

		*end = '\0';
		next = path_make_dir_at(dir, p, 0755, e);
		if (next < 0)
			return err_wrap(e, "must be an ordinary directory");
		fd_reset(&dir);
		dir = next;
		p = last ? end : end + 1;
	}
	return TAKE_FD(dir);
}

/* A bind at or below /proc. */
static int target_proc(int root, const struct bundle_mount *m, int source, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	struct stat st;

	if (str_eq(m->destination, "/proc")) {
		if (m->kind != BUNDLE_BIND || fs_magic(source) != PROC_SUPER_MAGIC ||
		    fstat(source, &st) < 0 || st.st_ino != PROC_ROOT_INODE)
			return err_set(e, EPERM, "only a procfs can be mounted on /proc");
		return target_ordinary(root, m->destination, e);
	}
	if (m->kind != BUNDLE_BIND || !is_proc_file(m->destination))
		return err_set(e, EPERM, "nothing can be mounted there: it is inside /proc");
	fd = path_open_in_root_nolink(root, m->destination, O_PATH | O_NOFOLLOW, 0);
	return fd < 0 ? err_ret(e, TAKE_FD(fd), "mount point") : TAKE_FD(fd);
}

int bundle_target_nofollow(int root, const char *path, bool is_dir, struct err *e)
{
	const char *name = strrchr(path, '/');
	CLEANUP_FD int dir = -EBADF, fd = -EBADF;
	char parent[PATH_MAX];
	int r;

	if (!name || !name[1])
		return err_set(e, EINVAL, "%s: expected the path of a file", path);
	r = str_format(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	if (r < 0)
		return err_ret(e, r, "%s", path);
	name++;
	dir = path_make_in_root(root, parent, true, 0755, e);
	if (dir < 0)
		return -e->code;
	fd = path_open_beneath(dir, name, O_PATH | O_NOFOLLOW, 0);
	if (fd == -ENOENT && is_dir && mkdirat(dir, name, 0755) == 0)
		fd = path_open_beneath(dir, name, O_PATH | O_NOFOLLOW, 0);
	else if (fd == -ENOENT && !is_dir)
		fd = path_open_beneath(dir, name,
				       O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY, 0755);
	return fd < 0 ? err_ret(e, TAKE_FD(fd), "make %s in the root file system", path)
		      : TAKE_FD(fd);
}

static bool is_root(int root, int fd)
{
	struct stat a, b;

	return fstat(root, &a) == 0 && fstat(fd, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

int bundle_target(const struct bundle_child *c, const struct bundle_mount *m, bool is_dir,
		  int source, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;

	if (is_kernel_fs(m))
		return target_ordinary(c->root, m->destination, e);
	if (is_below_proc(m->destination))
		return target_proc(c->root, m, source, e);
	fd = m->destination_link ? bundle_target_nofollow(c->root, m->destination, is_dir, e)
				 : path_make_in_root(c->root, m->destination, is_dir, 0755, e);
	if (fd < 0)
		return -e->code;
	if (fs_magic(fd) == PROC_SUPER_MAGIC)
		return err_set(e, EPERM, "leads into a procfs");
	if (is_root(c->root, fd))
		return err_set(e, EPERM, "is the root itself");
	return TAKE_FD(fd);
}

int bundle_target_verify(const struct bundle_child *c, const struct bundle_mount *m, int mount,
			 struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	struct statx want = { 0 }, got = { 0 };
	int flags = AT_EMPTY_PATH | AT_NO_AUTOMOUNT;

	if (!is_kernel_fs(m))
		return 0;
	fd = path_open_in_root_nolink(c->root, m->destination, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return err_ret(e, TAKE_FD(fd), "open what was mounted");
	if (statx(mount, "", flags, STATX_INO | STATX_MNT_ID, &want) < 0 ||
	    statx(fd, "", flags, STATX_INO | STATX_MNT_ID, &got) < 0)
		return err_sys(e, "statx");
	if (want.stx_mnt_id != got.stx_mnt_id || want.stx_ino != got.stx_ino ||
	    fs_magic(fd) != (str_eq(m->fstype, "proc") ? PROC_SUPER_MAGIC : SYSFS_MAGIC))
		return err_set(e, EXDEV, "something else than the %s is there", m->fstype);
	return 0;
}
