/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The container's root becomes /.
 *
 * pivot_root takes the old root away for good. On an initramfs, which can't be pivoted, the new
 * root is moved onto "/" and entered by chroot(2), and what lies below stays in the namespace. So
 * everything that is mounted on the old root is detached first: the host's unmasked /proc and /sys
 * above all, whose presence would also let a user namespace mount new ones (mount_too_revealing()).
 * What a user namespace holds locked is covered with nothing instead.
 */
#include <fcntl.h>

#include "base/fd.h"
#include "base/str.h"
#include "namespaces/bundle_priv.h"
#include "namespaces/procfd.h"

#define MOUNTINFO_MAX (16u << 20)

static int old_table(const struct bundle_root *root, char **ret, struct err *e)
{
	CLEANUP_FD int fd = root->proc >= 0
				    ? openat(root->proc, "self/mountinfo", O_RDONLY | O_CLOEXEC)
				    : procfd_open("self/mountinfo", O_RDONLY);
	int r = fd < 0 ? -ENOENT : fd_read_all(fd, MOUNTINFO_MAX, ret, NULL);

	return r < 0 ? err_ret(e, r, "read the mount table") : 0;
}

/* Undoes the table's escapes ("\040") in place. */
static void old_unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && s[1] && s[2] && s[3]) {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

static int old_cover(const char *path, struct err *e)
{
	static const struct mount_param params[] = { { "source", "none" },
						     { "size", "4k" },
						     { "nr_inodes", "2" } };
	CLEANUP_FD int target = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP_FD int fd = -EBADF;
	struct stat st;

	if (target < 0 || fstat(target, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0; /* gone with the one above it, or a file */
	fd = mountfd_new(
		"tmpfs", params, ARRAY_SIZE(params),
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
	return fd < 0 ? fd : mountfd_attach(fd, target, e);
}

/* The fields are: id, parent, major:minor, root, mount point. */
static int old_detach(char *table, struct err *e)
{
	CLEANUP_FD int slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *line_end = NULL;

	if (slash < 0)
		return err_sys(e, "open /");
	for (char *line = table; *line; line = line_end + 1) {
		char *path = line, *end;

		line_end = line + strcspn(line, "\n");
		if (*line_end == '\0')
			break;
		for (int field = 0; field < 4 && path < line_end; field++)
			path += strcspn(path, " \n") + 1;
		if (path >= line_end)
			continue;
		end = path + strcspn(path, " \n");
		*end = '\0';
		old_unescape(path);
		if (str_eq(path, "/"))
			continue;
		if (mountfd_detach_at(slash, path + 1, e) < 0 && e->code != ENOENT)
			return -e->code;
		*e = ERR_INIT;
		if (old_cover(path, e) < 0)
			return err_wrap(e, "cover %s of the host", path);
	}
	return 0;
}

static int root_move(const struct bundle_root *root, struct err *e)
{
	CLEANUP_FD int slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FREE char *table = NULL;

	if (slash < 0)
		return err_sys(e, "open /");
	if (old_table(root, &table, e) < 0)
		return -e->code;
	if (!root->on_top && mountfd_attach(root->fd, slash, e) < 0)
		return -e->code;
	if (old_detach(table, e) < 0)
		return -e->code;
	return mountfd_chroot(root->fd, e);
}

int bundle_pivot(const struct bundle *b, const struct bundle_root *root, struct err *e)
{
	int r;

	if (!b->private_mounts)
		return mountfd_chroot(root->fd, e);
	r = b->no_pivot ? root_move(root, e) : mountfd_pivot(root->fd, e);
	if (r < 0)
		return err_wrap(e, "root.path");
	if (b->propagation && mountfd_propagation(root->fd, b->propagation, false, e) < 0)
		return err_wrap(e, "linux.rootfsPropagation");
	return 0;
}
