/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /dev of an OCI container, as config-linux.md wants it ("Default Devices", "Dev symbolic links"),
 * and the devices of the configuration.
 *
 * Not where /dev is a bind of somebody's: that one has its nodes, and they aren't ours to change.
 * Everything is done by *at calls on directories that were resolved inside the root, with names of
 * one component (row 19): a /dev that is a link leads to a directory of the root at worst.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/path.h"
#include "base/str.h"
#include "namespaces/bundle_priv.h"

static const struct {
	const char *name, *target;
} dev_links[] = {
	{ "fd", "/proc/self/fd" },
	{ "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" },
};

static bool dev_is_bound(const struct bundle *b)
{
	for (size_t i = 0; i < b->n_mounts; i++) {
		if (b->mounts[i].kind == BUNDLE_BIND && str_eq(b->mounts[i].destination, "/dev"))
			return true;
	}
	return false;
}

/* The directory of the node, which is made, and its name. */
static int dev_parent(int root, const char *path, const char **ret_name, struct err *e)
{
	const char *name = strrchr(path, '/');
	char parent[PATH_MAX];
	struct statfs fs;
	CLEANUP_FD int dir = -EBADF;
	int r;

	if (!name || !name[1])
		return err_set(e, EINVAL, "%s: expected the path of a device", path);
	r = str_format(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	if (r < 0)
		return err_ret(e, r, "%s", path);
	dir = path_make_in_root(root, parent, true, 0755, e);
	if (dir < 0)
		return -e->code;
	if (fstatfs(dir, &fs) < 0)
		return err_sys(e, "statfs");
	if (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC)
		return err_set(e, EPERM, "%s leads into a file system of the kernel", path);
	*ret_name = name + 1;
	return TAKE_FD(dir);
}

/* config-linux.md: "If a file already exists at path that does not match the requested device, the
 * runtime MUST generate an error." */
static int dev_check(int fd, const struct bundle_device *d, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat");
	if ((st.st_mode & S_IFMT) != (d->mode & S_IFMT) ||
	    (!S_ISFIFO(d->mode) && st.st_rdev != makedev(d->major, d->minor)))
		return err_set(e, EEXIST, "something else is there already");
	return 0;
}

static int dev_make(int root, const struct bundle_device *d, struct err *e)
{
	const char *name = "";
	CLEANUP_FD int dir = dev_parent(root, d->path, &name, e);
	CLEANUP_FD int fd = -EBADF;
	dev_t rdev = S_ISFIFO(d->mode) ? 0 : makedev(d->major, d->minor);
	bool made;

	if (dir < 0)
		return -e->code;
	made = mknodat(dir, name, d->mode, rdev) == 0; /* the umask is 0 */
	if (!made && errno != EEXIST)
		return err_sys(e, "make the node");
	fd = path_open_beneath(dir, name, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return err_ret(e, TAKE_FD(fd), "open the node");
	if (dev_check(fd, d, e) < 0)
		return -e->code;
	if (made && (d->uid || d->gid) && fchownat(fd, "", d->uid, d->gid, AT_EMPTY_PATH) < 0)
		return err_sys(e, "chown the node");
	return 0;
}

/* The host's node, over an empty file, or whatever link is in its place. */
static int dev_bind(int root, const struct bundle_device *d, int source, struct err *e)
{
	CLEANUP_FD int target = bundle_target_nofollow(root, d->path, false, e);
	struct statfs fs;
	struct stat st;

	if (target < 0)
		return -e->code;
	if (fstatfs(target, &fs) < 0 || fstat(target, &st) < 0)
		return err_sys(e, "stat");
	if (fs.f_type == PROC_SUPER_MAGIC)
		return err_set(e, EPERM, "leads into a procfs");
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return dev_check(target, d, e);
	return mountfd_attach(source, target, e);
}

static int dev_one(const struct bundle_child *c, size_t i, struct err *e)
{
	const struct bundle_device *d = bundle_dev_at(c->b, i);
	CLEANUP_FD int source = -EBADF;
	struct err first = ERR_INIT;

	if (!c->b->private_user || S_ISFIFO(d->mode)) {
		if (dev_make(c->root, d, &first) == 0)
			return 0;
		/* EPERM: in a user namespace all the same, that of whoever runs us. */
		if (first.code != EPERM || S_ISFIFO(d->mode)) {
			*e = first;
			return -e->code;
		}
	}
	if (i < c->k->n_devices)
		source = TAKE_FD(c->k->devices[i]);
	if (source < 0)
		source = bundle_dev_source(d, e);
	return source < 0 ? -e->code : dev_bind(c->root, d, source, e);
}

static int dev_link(int dev, const char *name, const char *target, bool replace, struct err *e)
{
	char old[PATH_MAX];
	ssize_t n;

	if (symlinkat(target, dev, name) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(e, "make /dev/%s", name);
	n = readlinkat(dev, name, old, sizeof(old) - 1);
	if (!replace || (n == (ssize_t)strlen(target) && memcmp(old, target, (size_t)n) == 0))
		return 0;
	if (unlinkat(dev, name, 0) < 0 || symlinkat(target, dev, name) < 0)
		return err_sys(e, "make /dev/%s", name);
	return 0;
}

static int dev_links_make(const struct bundle_child *c, struct err *e)
{
	CLEANUP_FD int dev = path_make_in_root(c->root, "/dev", true, 0755, e);
	struct stat st;

	if (dev < 0)
		return -e->code;
	for (size_t i = 0; i < ARRAY_SIZE(dev_links); i++) {
		if (dev_link(dev, dev_links[i].name, dev_links[i].target, false, e) < 0)
			return -e->code;
	}
	if (c->proc >= 0 && fstatat(c->proc, "kcore", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    dev_link(dev, "core", "/proc/kcore", false, e) < 0)
		return -e->code;
	/* Any other than that of the container's own devpts hands out the host's terminals. */
	return dev_link(dev, "ptmx", "pts/ptmx", true, e);
}

int bundle_dev_apply(const struct bundle_child *c, struct err *e)
{
	size_t n = BUNDLE_DEV_NODES + c->b->n_devices;

	if (dev_is_bound(c->b))
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (dev_one(c, i, e) < 0)
			return err_wrap(e, "%s%s%s", bundle_dev_at(c->b, i)->key,
					i < BUNDLE_DEV_NODES ? "" : ": ",
					i < BUNDLE_DEV_NODES ? "" : bundle_dev_at(c->b, i)->path);
	}
	return dev_links_make(c, e);
}
