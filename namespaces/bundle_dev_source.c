/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device nodes in a user namespace, where nobody can make them: the host's own, bound. A node is
 * what its numbers say, so it is them that are checked, also when udev's link by number had to be
 * taken because the host has the device under another name.
 */
#include "namespaces/bundle_priv.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include "base/str.h"

#define NODE(name, maj, min)                                                                       \
	{                                                                                          \
		.key = "/dev/" name, .path = "/dev/" name, .mode = S_IFCHR | 0666, .major = (maj), \
		.minor = (min)                                                                     \
	}

/* config-linux.md, "Default Devices". */
const struct bundle_device bundle_dev_nodes[BUNDLE_DEV_NODES] = {
	NODE("null", 1, 3),   NODE("zero", 1, 5),    NODE("full", 1, 7),
	NODE("random", 1, 8), NODE("urandom", 1, 9), NODE("tty", 5, 0),
};

const struct bundle_device *bundle_dev_at(const struct bundle *b, size_t i)
{
	return i < BUNDLE_DEV_NODES ? &bundle_dev_nodes[i] : &b->devices[i - BUNDLE_DEV_NODES];
}

static int dev_source_at(const struct bundle_device *d, const char *path, struct err *e)
{
	CLEANUP_FD int fd = mountfd_clone(AT_FDCWD, path, false,
					  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, -EBADF, e);
	struct stat st;

	if (fd < 0)
		return -e->code;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", path);
	if ((st.st_mode & S_IFMT) != (d->mode & S_IFMT) ||
	    st.st_rdev != makedev(d->major, d->minor))
		return err_set(e, ENODEV, "the host's %s is not the device %u:%u", path, d->major,
			       d->minor);
	return TAKE_FD(fd);
}

int bundle_dev_source(const struct bundle_device *d, struct err *e)
{
	struct err first = ERR_INIT;
	char path[64];
	int fd = dev_source_at(d, d->path, &first);

	if (fd >= 0)
		return fd;
	if (first.code == ENOENT || first.code == ENODEV) {
		(void)str_format(path, sizeof(path), "/dev/%s/%u:%u",
				 S_ISBLK(d->mode) ? "block" : "char", d->major, d->minor);
		fd = dev_source_at(d, path, e);
		if (fd >= 0)
			return fd;
	}
	*e = first;
	return -e->code;
}

int bundle_dev_sources(const struct bundle *b, struct bundle_kit *k, struct err *e)
{
	for (size_t i = 0; i < k->n_devices; i++) {
		const struct bundle_device *d = bundle_dev_at(b, i);

		if (S_ISFIFO(d->mode))
			continue; /* anybody can make those */
		k->devices[i] = bundle_dev_source(d, e);
		if (k->devices[i] < 0)
			return err_wrap(e, "%s", d->key);
	}
	return 0;
}
