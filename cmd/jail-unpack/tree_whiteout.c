/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whiteouts of an OCI layer as overlayfs has them: a character device 0:0 in the place of a deleted
 * file, and an attribute of an opaque directory. Nothing is ever deleted here: a layer is unpacked
 * into a directory of its own (row 38).
 *
 * Overlayfs has one name for both a whiteout and what the layer has of that name; then the latter
 * is there, and hides what is below by itself, but for a directory, which would be merged with the
 * lower one: it has to be opaque.
 */
#include <fcntl.h>

#include "cmd/jail-unpack/tree_priv.h"

bool tree_is_whiteout(const struct tree *t, const char *name)
{
	struct stat st;

	return !t->in_use && fstatat(tree_top(t), name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISCHR(st.st_mode) && st.st_rdev == 0;
}

int tree_became_opaque(struct tree *t, struct err *e)
{
	return t->opaque ? t->opaque(t, t->opaque_arg, e) : 0;
}

int tree_make_opaque(struct tree *t, const struct entry_name *name, struct err *e)
{
	int r = tree_enter(t, name, name->n, e);

	return r < 0 ? r : tree_became_opaque(t, e);
}

int tree_make_whiteout(struct tree *t, const struct entry_name *name, struct err *e)
{
	const char *last = entry_component(name, name->n - 1);
	/* Not the moment when it was unpacked: the same layer is to give the same tree. */
	const struct timespec times[2] = { { .tv_sec = 0 }, { .tv_sec = 0 } };
	struct stat st;
	int r = tree_enter(t, name, name->n - 1, e);

	if (r < 0)
		return r;
	if (mknodat(tree_top(t), last, S_IFCHR, 0) == 0) {
		if (utimensat(tree_top(t), last, times, AT_SYMLINK_NOFOLLOW) < 0)
			return err_sys(e, "set the time of whiteout %s", last);
		return 0;
	}
	if (errno != EEXIST)
		return err_sys(e, "make whiteout of %s", last);
	if (fstatat(tree_top(t), last, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "stat %s", last);
	return S_ISDIR(st.st_mode) ? tree_make_opaque(t, name, e) : 0;
}
