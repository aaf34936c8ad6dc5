/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hard links: both names are looked up below the root, and nothing is followed (row 35). */
#include <fcntl.h>

#include "base/path.h"
#include "base/str.h"
#include "cmd/jail-unpack/tree_priv.h"

/* Opens the directory of a hard link's target. Return: O_PATH fd. */
static int tree_open_parent(struct tree *t, const struct entry_name *name, struct err *e)
{
	char path[ENTRY_NAME_MAX + 2] = ".";
	size_t len = 1;
	int fd;

	for (size_t i = 0; i + 1 < name->n; i++) {
		int n = str_format(path + len, sizeof(path) - len, "/%s", entry_component(name, i));

		if (n < 0)
			return err_ret(e, n, "target of the hard link");
		len += (size_t)n;
	}
	fd = path_open_beneath(t->dirs[0].fd, path, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return err_set(e, EPERM,
			       "the target of the hard link is not in the archive before it");
	return fd;
}

int tree_make_link(struct tree *t, const struct entry_name *name, const struct entry_name *target,
		   struct err *e)
{
	CLEANUP_FD int from = -EBADF;
	const char *last = tree_last(name), *target_last = tree_last(target);
	struct stat st, there;
	int r;

	if (target->n == 0)
		return err_set(e, EPERM, "the target of the hard link is a directory");
	from = tree_open_parent(t, target, e);
	if (from < 0)
		return from;
	if (fstatat(from, target_last, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, EPERM,
			       "the target of the hard link is not in the archive before it");
	if (!S_ISREG(st.st_mode) && (!t->exact || S_ISDIR(st.st_mode)))
		return err_set(e, EPERM, "the target of the hard link is not a regular file");
	r = tree_enter_parent(t, name, e);
	if (r < 0)
		return r;
	if (fstatat(tree_top(t), last, &there, AT_SYMLINK_NOFOLLOW) == 0) {
		if (there.st_dev == st.st_dev && there.st_ino == st.st_ino)
			return 0;
		r = tree_clear(t, last, e);
		if (r < 0)
			return r;
	}
	/* Without AT_SYMLINK_FOLLOW. */
	if (linkat(from, target_last, tree_top(t), last, 0) < 0)
		return err_sys(e, "make hard link");
	return 0;
}
