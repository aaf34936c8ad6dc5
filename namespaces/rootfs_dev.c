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
#include "namespaces/procfd.h"
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

_Static_assert(ARRAY_SIZE(dev_nodes) == ROOTFS_DEV_NODES, "the kit has room for them");

bool rootfs_dev_must_bind(void)
{
	CLEANUP_FD int fd = procfd_open("self/uid_map", O_RDONLY);
	char text[128];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *p = text;

	if (n <= 0)
		return false;
	text[n] = '\0';
	/* "0 0 4294967295", in columns: the initial user namespace. */
	for (int i = 0; i < 2; i++) {
		p += strspn(p, " ");
		if (*p != '0' || p[1] != ' ')
			return true;
		p++;
	}
	return !str_starts(p + strspn(p, " "), "4294967295");
}

int rootfs_dev_binds(const struct rootfs_spec *spec, struct rootfs_kit *kit, struct err *e)
{
	for (size_t i = 0; spec->bind_devices && i < ARRAY_SIZE(dev_nodes); i++) {
		char path[32];
		int fd;

		(void)str_format(path, sizeof(path), "/dev/%s", dev_nodes[i].name);
		fd = mountfd_clone(AT_FDCWD, path, false, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0,
				   -EBADF, e);
		if (fd < 0)
			return err_wrap(e, "/dev");
		kit->fds[kit->n++] = fd;
	}
	return 0;
}

int rootfs_dev_attach(struct rootfs_child *c, struct err *e)
{
	for (size_t i = 0; c->spec->bind_devices && i < ARRAY_SIZE(dev_nodes); i++) {
		CLEANUP_FD int fd = -EBADF, target = -EBADF;

		if (c->next >= c->kit->n)
			return err_set(e, EPROTO, "a device was not received");
		fd = TAKE_FD(c->kit->fds[c->next]);
		c->next++;
		target = path_open_beneath(c->fd[ROOTFS_DEV], dev_nodes[i].name,
					   O_PATH | O_NOFOLLOW, 0);
		if (target < 0)
			return err_ret(e, TAKE_FD(target), "open /dev/%s", dev_nodes[i].name);
		if (mountfd_attach(fd, target, e) < 0)
			return err_wrap(e, "/dev/%s", dev_nodes[i].name);
	}
	return 0;
}

/* An empty file that a node is mounted on. */
static int dev_place(int dir, const char *name, struct err *e)
{
	CLEANUP_FD int fd = openat(dir, name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 ? err_sys(e, "make %s", name) : 0;
}

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
	if (spec->bind_devices && spec->n_devices > 0)
		return err_set(e, EOPNOTSUPP,
			       "security.devices: nobody makes device nodes in a user namespace");
	for (size_t i = 0; i < ARRAY_SIZE(dev_nodes); i++) {
		if (spec->bind_devices) {
			if (dev_place(dev, dev_nodes[i].name, e) < 0)
				return -e->code;
			continue;
		}
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
	/* There is no virtual terminal; who is told to log users in on the first one finds the
	 * console. */
	if (spec->own_init && symlinkat("console", dev, "tty1") < 0)
		return err_sys(e, "make /dev/tty1");
	return 0;
}
