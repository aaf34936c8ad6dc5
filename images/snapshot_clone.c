/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An instance's own files for another one, with other owners; or elsewhere for itself. They are
 * copied (contents are shared where the file system can): trees that two instances share would have
 * to outlive both, and be idmapped from one range to the other, which changes hands when the source
 * is removed.
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
	CLEANUP_FD int entry = snapshot_entry_make_fs(to, &what->parent, &what->id, e);

	if (entry < 0)
		return entry;
	return what->name.s[0] ? snapshot_record_write(entry, what, e) : 0;
}

int snapshots_set_head(const struct snapshots *to, const struct snapshot_id *parent, struct err *e)
{
	CLEANUP_FD int upper = path_open_beneath(to->holder, "upper", O_RDONLY | O_DIRECTORY, 0);

	return upper < 0 ? err_ret(e, upper, "open the new instance's files")
			 : snapshot_parent_set(upper, parent, e);
}

static int copy_entry(const struct snapshots *from, const struct snapshot *one,
		      const struct snapshots *to, struct err *e)
{
	const struct tree_shift none = { 0 };
	CLEANUP_FD int entry = path_make_dir_at(to->dir, one->id.s, 0700, e), fs = -EBADF;
	CLEANUP_FD int like = entry < 0 ? -EBADF : snapshots_open_fs(from, &one->id, e);
	int r;

	if (like < 0)
		return like;
	fs = path_make_dir_at(entry, "fs", 0700, e);
	if (fs < 0)
		return fs;
	if ((r = copy(entry, like, fs, &none, e)) < 0 ||
	    (r = snapshot_parent_set(fs, &one->parent, e)) < 0)
		return r;
	return one->name.s[0] ? snapshot_record_write(entry, one, e) : 0;
}

int snapshots_copy_all(const struct snapshots *from, const struct snapshots *to, struct err *e)
{
	CLEANUP_FD int upper = path_open_beneath(from->holder, "upper", O_RDONLY | O_DIRECTORY, 0);
	CLEANUP_FREE bool *used = calloc(from->n + 1, sizeof(*used));
	const struct tree_shift none = { 0 };
	int r;

	if (!used)
		return err_nomem(e);
	if (upper < 0)
		return err_ret(e, upper, "open the instance's own files");
	r = snapshots_mark(from, used, e);
	for (size_t i = 0; i < from->n && r >= 0; i++)
		if (used[i] && (r = copy_entry(from, &from->v[i], to, e)) < 0)
			(void)err_wrap(e, SNAPSHOT_DIR "/%s", from->v[i].id.s);
	return r < 0 ? r : snapshots_clone_upper(to, upper, true, &none, &from->head, e);
}
