/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instance's own view of the machine: files of lxcfs, a FUSE file system on the host, over
 * those of /proc and /sys that would tell of the whole machine. Who reads one is asked for by his
 * cgroup.
 *
 * Of /sys only the list of CPUs that are online, which C libraries count: all of lxcfs' directory
 * would uncover what is masked below the host's.
 *
 * A bind of a file of FUSE dies with the server (ENOTCONN for every reader), so a new lxcfs means
 * new binds in the instances that run: rootfs_views_refresh().
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/vfs.h>

#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "namespaces/procfd.h"
#include "namespaces/rootfs_priv.h"

#define FUSE_MAGIC 0x65735546

static const struct {
	enum rootfs_slot base;
	const char *name; /* relative to base */
	const char *path; /* below lxcfs, and "/" */
} views[] = {
	{ ROOTFS_PROC, "cpuinfo", "proc/cpuinfo" },
	{ ROOTFS_PROC, "diskstats", "proc/diskstats" },
	{ ROOTFS_PROC, "loadavg", "proc/loadavg" },
	{ ROOTFS_PROC, "meminfo", "proc/meminfo" },
	{ ROOTFS_PROC, "stat", "proc/stat" },
	{ ROOTFS_PROC, "swaps", "proc/swaps" },
	{ ROOTFS_PROC, "uptime", "proc/uptime" },
	{ ROOTFS_SYS, "devices/system/cpu/online", "sys/devices/system/cpu/online" },
};
_Static_assert(ARRAY_SIZE(views) <= ROOTFS_VIEWS_MAX, "views fit into the kit");

int rootfs_views_probe(const char *dir, unsigned *ret, struct err *e)
{
	CLEANUP_FD int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open %s", dir);
	*ret = 0;
	for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
		CLEANUP_FD int file = path_open_beneath(fd, views[i].path, O_PATH, 0);

		if (file >= 0)
			*ret |= 1u << i;
		else if (file != -ENOENT)
			return err_ret(e, file, "open %s/%s", dir, views[i].path);
	}
	return *ret ? 0 : err_set(e, ENOENT, "%s has no files for instances", dir);
}

static int views_clone(const char *dir, size_t i, struct err *e)
{
	char path[1280];
	int r = str_format(path, sizeof(path), "%s/%s", dir, views[i].path);

	if (r < 0)
		return err_ret(e, r, "%s", dir);
	return mountfd_clone(AT_FDCWD, path, false,
			     MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				     MOUNT_ATTR_NOEXEC,
			     0, -EBADF, e);
}

int rootfs_views_build(const struct rootfs_spec *spec, struct rootfs_kit *kit, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
		int fd;

		if (!(spec->views & 1u << i))
			continue;
		fd = views_clone(spec->views_dir, i, e);
		if (fd < 0)
			return err_wrap(e, "lxcfs");
		kit->fds[kit->n++] = fd;
	}
	return 0;
}

int rootfs_views_attach(struct rootfs_child *c, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
		CLEANUP_FD int fd = -EBADF, target = -EBADF;

		if (!(c->spec->views & 1u << i))
			continue;
		if (c->next >= c->kit->n)
			return err_set(e, EPROTO, "a file of lxcfs was not received");
		fd = TAKE_FD(c->kit->fds[c->next]);
		c->next++;
		target = path_open_beneath(c->fd[views[i].base], views[i].name, O_PATH, 0);
		if (target == -ENOENT) /* a kernel without it */
			continue;
		if (target < 0)
			return err_ret(e, TAKE_FD(target), "open /%s", views[i].path);
		if (mountfd_attach(fd, target, e) < 0)
			return err_wrap(e, "mount lxcfs on /%s", views[i].path);
	}
	return 0;
}

/* ---- a running instance */

struct refresh {
	int own_mounts, own_cwd;
	int fds[ARRAY_SIZE(views)];
};

static void refresh_close(struct refresh *r)
{
	fd_reset(&r->own_mounts);
	fd_reset(&r->own_cwd);
	for (size_t i = 0; i < ARRAY_SIZE(r->fds); i++)
		fd_reset(&r->fds[i]);
}

static bool is_kernel_file(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC);
}

static bool is_fuse(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) < 0 ? errno == ENOTCONN : fs.f_type == FUSE_MAGIC;
}

/*
 * In the instance's mount namespace. Its directories of /proc and /sys can't be changed by anybody,
 * but with CAP_SYS_ADMIN it may have mounted something else there: then it keeps what it has.
 */
static int refresh_one(size_t i, int fd, struct err *e)
{
	CLEANUP_FD int dir = -EBADF, target = -EBADF;
	const char *slash = strrchr(views[i].path, '/');
	char parent[64];

	if (str_format(parent, sizeof(parent), "/%.*s", (int)(slash - views[i].path),
		       views[i].path) < 0)
		return err_set(e, EINVAL, "%s", views[i].path);
	dir = open(parent, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || !is_kernel_file(dir))
		return 0;
	if (mountfd_detach_at(dir, slash + 1, e) < 0)
		return -e->code;
	/* Where the first one is locked (namespaces/lock.h) it stays below. */
	target = path_open_beneath(dir, slash + 1, O_PATH | O_NOFOLLOW, 0);
	if (target < 0 || !(is_kernel_file(target) || is_fuse(target)))
		return 0;
	return mountfd_attach(fd, target, e) < 0 ? err_wrap(e, "/%s", views[i].path) : 0;
}

int rootfs_views_refresh(const char *dir, unsigned which, int pidfd, struct err *e)
{
	CLEANUP(refresh_close) struct refresh s = { .own_mounts = -EBADF, .own_cwd = -EBADF };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(s.fds); i++)
		s.fds[i] = -EBADF;
	s.own_mounts = procfd_open("self/ns/mnt", O_RDONLY);
	s.own_cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s.own_mounts < 0 || s.own_cwd < 0)
		return err_set(e, EIO, "open the own mount namespace");
	for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
		if (!(which & 1u << i))
			continue;
		s.fds[i] = views_clone(dir, i, e);
		if (s.fds[i] < 0)
			return err_wrap(e, "lxcfs");
	}
	if (sys_setns(pidfd, CLONE_NEWNS) < 0)
		return err_sys(e, "enter the instance's mount namespace");
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(views); i++)
		r = s.fds[i] >= 0 ? refresh_one(i, s.fds[i], e) : 0;
	/* As in rootfs_build(): never to go on in an instance's namespace. */
	if (sys_setns(s.own_mounts, CLONE_NEWNS) < 0 || fchdir(s.own_cwd) < 0)
		abort();
	return r;
}
