/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a container may not read, or only read: linux.maskedPaths, linux.readonlyPaths, root and
 * tmpfs that were to be read-only. The last thing that is done to the mounts.
 *
 * A file is covered with the host's /dev/null, a directory with an empty read-only tmpfs (rows 17,
 * 25); neither comes from the root file system. Paths are resolved inside the root, through links
 * too: what a program would reach by this name is what is covered. A path that isn't there needs
 * nothing; any other failure is fatal.
 */
#include <fcntl.h>

#include "base/path.h"
#include "namespaces/bundle_priv.h"

/* Sources of masks. The first time each is attached itself; only what is attached can be copied
 * (Linux < 6.15), so the next are copies of it. */
struct seal_source {
	int fd;
	bool attached;
};

static int seal_attach(struct seal_source *s, int target, struct err *e)
{
	CLEANUP_FD int copy = -EBADF;

	if (s->attached) {
		copy = mountfd_copy(s->fd, "", false, false, e);
		return copy < 0 ? copy : mountfd_attach(copy, target, e);
	}
	if (mountfd_attach(s->fd, target, e) < 0)
		return -e->code;
	s->attached = true;
	return 0;
}

/* Return: fd, or -EBADF with no error when there is nothing. */
static int seal_open(const struct bundle_root *root, const char *path, struct err *e)
{
	int fd = path_open_in_root(root->fd, path, O_PATH, 0);

	if (fd == -ENOENT || fd == -ENOTDIR)
		return -EBADF;
	return fd < 0 ? err_ret(e, fd, "open") : fd;
}

static int seal_read_only(const struct bundle_root *root, const char *path, struct err *e)
{
	CLEANUP_FD int target = seal_open(root, path, e);
	CLEANUP_FD int fd = -EBADF;

	if (target < 0)
		return target == -EBADF ? 0 : -e->code;
	fd = mountfd_clone(target, "", true, MOUNT_ATTR_RDONLY, 0, -EBADF, e);
	return fd < 0 ? fd : mountfd_attach(fd, target, e);
}

static int seal_empty(const struct bundle *b, const struct bundle_root *root, struct err *e)
{
	struct mount_param params[] = { { "source", "tmpfs" },
					{ "size", "4k" },
					{ "nr_inodes", "2" },
					{ "mode", "0555" },
					{ "context", b->mount_label } };
	bool label = root->selinux && b->mount_label;

	return mountfd_new(
		"tmpfs", params, ARRAY_SIZE(params) - (label ? 0 : 1),
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
}

static int seal_masks(const struct bundle *b, const struct bundle_root *root, struct err *e)
{
	struct seal_source file = { .fd = root->mask };
	CLEANUP_FD int empty = -EBADF;
	struct seal_source dir = { .fd = -EBADF };

	for (size_t i = 0; i < b->n_masked; i++) {
		CLEANUP_FD int target = seal_open(root, b->masked[i], e);
		struct stat st;

		if (target == -EBADF)
			continue;
		if (target < 0)
			return err_wrap(e, "linux.maskedPaths: %s", b->masked[i]);
		if (fstat(target, &st) < 0)
			return err_sys(e, "linux.maskedPaths: %s", b->masked[i]);
		if (S_ISDIR(st.st_mode) && empty < 0) {
			dir.fd = empty = seal_empty(b, root, e);
			if (empty < 0)
				return err_wrap(e, "linux.maskedPaths");
		}
		if (seal_attach(S_ISDIR(st.st_mode) ? &dir : &file, target, e) < 0)
			return err_wrap(e, "linux.maskedPaths: %s", b->masked[i]);
	}
	return 0;
}

int bundle_seal(const struct bundle *b, const struct bundle_root *root, struct err *e)
{
	if (!b->private_mounts)
		return 0;
	for (size_t i = 0; i < root->n_read_only; i++) {
		if (mountfd_set_attr(root->read_only[i], MOUNT_ATTR_RDONLY, e) < 0)
			return err_wrap(e, "read-only tmpfs");
	}
	for (size_t i = 0; i < b->n_read_only_paths; i++) {
		if (seal_read_only(root, b->read_only_paths[i], e) < 0)
			return err_wrap(e, "linux.readonlyPaths: %s", b->read_only_paths[i]);
	}
	if (seal_masks(b, root, e) < 0)
		return -e->code;
	if (b->read_only && mountfd_set_attr(root->fd, MOUNT_ATTR_RDONLY, e) < 0)
		return err_wrap(e, "root.readonly");
	return 0;
}
