/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An instance's own files for another one, with other owners. They are copied (contents are shared
 * where the file system can): trees that two instances share would have to outlive both, and be
 * idmapped from one range to the other, which changes hands when the source is removed.
 */
#include <fcntl.h>

#include "base/path.h"
#include "images/snapshot_priv.h"

static int copy(int dir, int from, int to, const struct tree_shift *shift, struct err *e)
{
	CLEANUP_FD int links = path_make_dir_at(dir, SNAPSHOT_LINKS, 0700, e);
	struct tree_copy c = { .links = links, .shift = *shift };
	int r = links < 0 ? links : tree_copy(&c, from, to, e);

	return r < 0 ? r : path_remove_tree(dir, SNAPSHOT_LINKS, e);
}

int snapshots_clone_layer(const struct snapshots *to, int fs, const struct tree_shift *shift,
			  struct snapshot_id *parent, struct err *e)
{
	struct snapshot_id id;
	CLEANUP_FD int entry = snapshot_entry_make(to, &id, e), copied = -EBADF;
	int r;

	if (entry < 0)
		return entry;
	copied = path_make_dir_at(entry, "fs", 0700, e);
	if (copied < 0)
		return copied;
	if ((r = copy(entry, fs, copied, shift, e)) < 0 ||
	    (r = snapshot_parent_set(copied, parent, e)) < 0)
		return r;
	*parent = id;
	return 0;
}

int snapshots_clone_upper(const struct snapshots *to, int like, bool content,
			  const struct tree_shift *shift, const struct snapshot_id *parent,
			  struct err *e)
{
	CLEANUP_FD int upper = path_open_beneath(to->holder, "upper", O_RDONLY | O_DIRECTORY, 0);
	/* Of the same file system, and of the same project. */
	CLEANUP_FD int work = path_open_beneath(to->holder, "work", O_RDONLY | O_DIRECTORY, 0);
	int r;

	if (upper < 0 || work < 0)
		return err_ret(e, upper < 0 ? upper : work, "open the new instance's files");
	r = content ? copy(work, like, upper, shift, e) : tree_copy_root(like, upper, shift, e);
	return r < 0 ? r : snapshot_parent_set(upper, parent, e);
}

int snapshots_add_layer(const struct snapshots *to, struct snapshot *what, struct err *e)
{
	CLEANUP_FD int entry = snapshot_entry_make(to, &what->id, e), fs = -EBADF;
	int r;

	if (entry < 0)
		return entry;
	fs = path_make_dir_at(entry, "fs", 0700, e);
	if (fs < 0)
		return fs;
	r = snapshot_parent_set(fs, &what->parent, e);
	return r < 0 || !what->name.s[0] ? r : snapshot_name(entry, what, e);
}

int snapshots_set_head(const struct snapshots *to, const struct snapshot_id *parent, struct err *e)
{
	CLEANUP_FD int upper = path_open_beneath(to->holder, "upper", O_RDONLY | O_DIRECTORY, 0);

	return upper < 0 ? err_ret(e, upper, "open the new instance's files")
			 : snapshot_parent_set(upper, parent, e);
}
