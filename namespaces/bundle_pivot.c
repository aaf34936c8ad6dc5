/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The container's root becomes /.
 *
 * pivot_root takes the old root away for good. An initramfs can't be pivoted: there, if --no-pivot
 * says so, the new root is moved onto "/" and entered by chroot(2), and what lies below stays in
 * the namespace, to be found by who may unmount "/" and enter his own namespace again. So where
 * pivot_root works it is taken, whatever was asked for, and else all that is mounted on the old
 * root is detached first: the host's unmasked /proc and /sys above all, whose presence would also
 * let a user namespace mount new ones (mount_too_revealing()). What a user namespace holds locked
 * is covered with an empty directory.
 */
#include <fcntl.h>

#include "base/fd.h"
#include "base/statx.h"
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

/* Still a mount point after it was detached: locked. */
static bool old_stays(int slash, const char *name)
{
	struct statx st = { 0 };

	return statx(slash, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) && S_ISDIR(st.stx_mode);
}

static int old_cover(int slash, const char *name, struct err *e)
{
	static const struct mount_param params[] = { { "source", "none" },
						     { "size", "4k" },
						     { "nr_inodes", "2" } };
	CLEANUP_FD int target = openat(slash, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP_FD int fd = -EBADF;

	if (target < 0)
		return err_sys(e, "open");
	fd = mountfd_new(
		"tmpfs", params, ARRAY_SIZE(params),
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
	return fd < 0 ? fd : mountfd_attach(fd, target, e);
}

static int old_remove(int slash, const char *name, struct err *e)
{
	struct err gone = ERR_INIT;

	/* EACCES: root of a user namespace doesn't get there, now or ever. */
	if (mountfd_detach_at(slash, name, &gone) < 0 && gone.code != ENOENT &&
	    gone.code != EACCES) {
		*e = gone;
		return -e->code;
	}
	return old_stays(slash, name) ? old_cover(slash, name, e) : 0;
}

/* Cuts the mount point out of a line: id, parent, major:minor, root, mount point. Return: where the
 * next line begins, or NULL. */
static char *old_line(char *line, char **ret_path)
{
	char *next = strchr(line, '\n');
	char *path = line;

	if (!next)
		return NULL;
	*next = '\0';
	for (int field = 0; field < 4; field++)
		path += strcspn(path, " ") + (path[strcspn(path, " ")] == ' ');
	path[strcspn(path, " ")] = '\0';
	old_unescape(path);
	*ret_path = path;
	return next + 1;
}

static int old_detach(int slash, char *table, struct err *e)
{
	char *path = NULL;

	while ((table = old_line(table, &path))) {
		if (path[0] == '/' && path[1] && old_remove(slash, path + 1, e) < 0)
			return err_wrap(e, "the host's %s", path);
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
	if (old_detach(slash, table, e) < 0)
		return -e->code;
	return mountfd_chroot(root->fd, e);
}

int bundle_pivot(const struct bundle *b, const struct bundle_root *root, struct err *e)
{
	int r;

	if (!b->private_mounts)
		return mountfd_chroot(root->fd, e);
	r = mountfd_pivot(root->fd, e);
	if (r == -EINVAL && b->no_pivot) {
		*e = ERR_INIT;
		r = root_move(root, e);
	}
	if (r < 0)
		return err_wrap(e, "root.path");
	if (b->propagation && mountfd_propagation(root->fd, b->propagation, false, e) < 0)
		return err_wrap(e, "linux.rootfsPropagation");
	return 0;
}
