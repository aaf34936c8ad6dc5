/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /dev: a tmpfs that the runtime makes and fills before anybody can see it (row 19). Nothing of the
 * image's /dev is used.
 *
 * The parent makes it, since only the host's root can make device nodes that work: a tmpfs of the
 * initial user namespace whose root directory and nodes belong to the instance's root. The instance
 * can remove them and make files, as on a machine, but can't make nodes (CAP_MKNOD counts in the
 * initial user namespace), can't remount it, and every other mount is nodev (row 31). Compared with
 * binding the host's nodes one by one this is six mounts less for each instance, and a device that
 * was granted belongs to the one it was granted to.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/path.h"
#include "base/str.h"
#include "namespaces/rootfs_priv.h"

/* The fixed list: Documentation/admin-guide/devices.rst, all world read-write. */
static const struct {
	const char *name;
	unsigned major, minor;
} dev_nodes[] = {
	{ "null", 1, 3 },   { "zero", 1, 5 },	 { "full", 1, 7 },
	{ "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static const struct {
	const char *name, *target;
} dev_links[] = {
	{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "ptmx", "pts/ptmx" },
};

static const char *const dev_dirs[] = { "pts", "shm", "mqueue" };

static int dev_node(int dir, const char *name, mode_t mode, dev_t rdev, uid_t uid, struct err *e)
{
	if (mknodat(dir, name, mode, rdev) < 0)
		return err_sys(e, "make device node %s", name);
	if (uid != 0 && fchownat(dir, name, uid, uid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "chown device node %s", name);
	return 0;
}

/*
 * Makes the directories of "net/tun" below dev and cuts them off *name. Return: fd of the last one
 * (owned by the caller), or -EBADF with no error when there is none.
 */
static int dev_parents(int dev, char **name, uid_t uid, struct err *e)
{
	CLEANUP_FD int dir = -EBADF;

	for (char *slash; (slash = strchr(*name, '/')); *name = slash + 1) {
		int next;

		*slash = '\0';
		next = path_make_dir_at(dir >= 0 ? dir : dev, *name, 0755, e);
		if (next < 0)
			return next;
		fd_reset(&dir);
		dir = next;
		if (uid != 0 && fchown(dir, uid, uid) < 0)
			return err_sys(e, "chown %s", *name);
	}
	return TAKE_FD(dir);
}

/* A device of the spec, like the host's node. */
static int dev_extra(int dev, const struct rootfs_device *d, uid_t uid, struct err *e)
{
	CLEANUP_FD int dir = -EBADF;
	char path[256];
	char *name = path + strlen("/dev/");

	if (path_clean(d->path, path, sizeof(path)) < 0 || !str_starts(path, "/dev/"))
		return err_set(e, EINVAL, "%s: expected a path below /dev", d->path);
	dir = dev_parents(dev, &name, uid, e);
	if (dir < 0 && e->code)
		return -e->code;
	return dev_node(dir >= 0 ? dir : dev, name, d->mode, d->rdev, uid, e);
}

static int dev_nodes_make(const struct rootfs_spec *spec, int dev, uid_t uid, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(dev_nodes); i++) {
		if (dev_node(dev, dev_nodes[i].name, S_IFCHR | 0666,
			     makedev(dev_nodes[i].major, dev_nodes[i].minor), uid, e) < 0)
			return -e->code;
	}
	for (size_t i = 0; i < spec->n_devices; i++) {
		if (dev_extra(dev, &spec->devices[i], uid, e) < 0)
			return err_wrap(e, "devices[%zu]", i);
	}
	return 0;
}

int rootfs_dev_build(const struct rootfs_spec *spec, struct err *e)
{
	uint32_t base = idmap_to_host(&spec->ids, 0);
	char id[16];
	struct mount_param params[] = {
		{ "source", "dev" },	 { "mode", "0755" }, { "size", "64k" },
		{ "nr_inodes", "1024" }, { "uid", id },	     { "gid", id },
	};
	CLEANUP_FD int dev = -EBADF;
	mode_t mask;
	int r = str_format(id, sizeof(id), "%u", base);

	if (r < 0)
		return err_ret(e, r, "/dev");
	dev = mountfd_new("tmpfs", params, ARRAY_SIZE(params),
			  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, e);
	if (dev < 0)
		return err_wrap(e, "/dev");
	mask = umask(0);
	r = dev_nodes_make(spec, dev, base, e);
	(void)umask(mask);
	return r < 0 ? err_wrap(e, "/dev") : TAKE_FD(dev);
}

int rootfs_dev_fill(const struct rootfs_spec *spec, int dev, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(dev_dirs); i++) {
		if (mkdirat(dev, dev_dirs[i], 0755) < 0)
			return err_sys(e, "make /dev/%s", dev_dirs[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(dev_links); i++) {
		if (symlinkat(dev_links[i].target, dev, dev_links[i].name) < 0)
			return err_sys(e, "make /dev/%s", dev_links[i].name);
	}
	if (spec->terminal) { /* the place to mount the pty on (row 18) */
		CLEANUP_FD int fd = openat(
			dev, "console", O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd < 0)
			return err_sys(e, "make /dev/console");
	}
	return 0;
}
