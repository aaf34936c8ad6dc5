/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removing a tree that somebody else filled (row 23). Directories are opened by openat2(2) with
 * NO_XDEV and NO_SYMLINKS, so neither a mount nor a link is ever entered; what is found is removed
 * by (held directory, name).
 *
 * The walk keeps at most REMOVE_DEPTH directories open. One that lies deeper is renamed up into the
 * top directory and removed from there, so that the depth that a tenant can build costs neither
 * stack nor descriptors.
 *
 * Two that remove the same tree at the same time both succeed: what is gone already is fine.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>

#include "base/dir.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"

#define REMOVE_DEPTH 24
#define REMOVE_RENAMES 100000000u

struct remove_level {
	DIR *d;
	char name[NAME_MAX + 1]; /* in the level above */
};

struct remove_walk {
	struct remove_level levels[REMOVE_DEPTH];
	size_t depth; /* levels in use */
	unsigned renames;
	bool renamed; /* since the top directory was last read from its start */
};

static void remove_walk_end(struct remove_walk *w)
{
	while (w->depth > 0)
		(void)closedir(w->levels[--w->depth].d);
}

/* Opens a directory without entering a mount or a link. Return: fd or -errno; -EXDEV: a mount. */
static int remove_open(int dir, const char *name)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
					   RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV };
	int fd = sys_openat2(dir, name, &how);

	return fd < 0 ? -errno : fd;
}

static int remove_push(struct remove_walk *w, int dir, const char *name)
{
	struct remove_level *l = &w->levels[w->depth];
	CLEANUP_FD int fd = remove_open(dir, name);

	if (fd < 0)
		return TAKE_FD(fd);
	if (str_format(l->name, sizeof(l->name), "%s", name) < 0)
		return -ENAMETOOLONG;
	l->d = dir_take(&fd);
	if (!l->d)
		return -errno;
	w->depth++;
	return 0;
}

/* Moves a directory that lies too deep up to the top, under a name that is free there. */
static int remove_lift(struct remove_walk *w, int dir, const char *name)
{
	int top = dirfd(w->levels[0].d);

	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return errno == ENOENT ? 0 : -errno;
	while (w->renames < REMOVE_RENAMES) {
		char up[32];

		(void)snprintf(up, sizeof(up), ".deep-%u", w->renames++);
		if (sys_renameat2(dir, name, top, up, RENAME_NOREPLACE) == 0) {
			w->renamed = true;
			return 0;
		}
		if (errno != EEXIST)
			return -errno;
	}
	return -EMLINK;
}

/* Removes one entry of the current directory, or enters it. */
static int remove_entry(struct remove_walk *w, const struct dirent *ent)
{
	int dir = dirfd(w->levels[w->depth - 1].d), r;

	if (ent->d_type != DT_DIR) {
		if (unlinkat(dir, ent->d_name, 0) == 0 || errno == ENOENT)
			return 0;
		if (errno != EISDIR)
			return -errno;
	}
	if (w->depth == REMOVE_DEPTH)
		return remove_lift(w, dir, ent->d_name);
	r = remove_push(w, dir, ent->d_name);
	return r == -ENOENT ? 0 : r;
}

/* The current directory was read to its end: leaves it and removes it from the one above. */
static int remove_pop(struct remove_walk *w)
{
	struct remove_level *l = &w->levels[w->depth - 1];

	if (w->depth == 1 && w->renamed) {
		w->renamed = false;
		rewinddir(l->d);
		return 0;
	}
	(void)closedir(l->d);
	w->depth--;
	if (w->depth == 0)
		return 0;
	if (unlinkat(dirfd(w->levels[w->depth - 1].d), l->name, AT_REMOVEDIR) < 0 &&
	    errno != ENOENT)
		return -errno;
	return 0;
}

/* Empties the tree whose top is level 0. */
static int remove_all(struct remove_walk *w)
{
	while (w->depth > 0) {
		struct dirent *ent;
		int r;

		errno = 0;
		ent = readdir(w->levels[w->depth - 1].d);
		if (!ent && errno)
			return -errno;
		if (!ent)
			r = remove_pop(w);
		else if (str_eq(ent->d_name, ".") || str_eq(ent->d_name, ".."))
			r = 0;
		else
			r = remove_entry(w, ent);
		if (r < 0)
			return r;
	}
	return 0;
}

int path_remove_tree(int dir, const char *name, struct err *e)
{
	CLEANUP(remove_walk_end) struct remove_walk w = { .depth = 0 };
	int r;

	if (name[0] == '\0' || strchr(name, '/') || str_eq(name, ".") || str_eq(name, ".."))
		return err_set(e, EINVAL, "remove \"%s\": not one path component", name);
	r = remove_push(&w, dir, name);
	if (r == -ENOENT)
		return 0;
	if (r == -ENOTDIR || r == -ELOOP) {
		if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
			return err_sys(e, "remove %s", name);
		return 0;
	}
	if (r == 0)
		r = remove_all(&w);
	if (r == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	if (r == -EXDEV || r == -EBUSY) {
		(void)err_set(e, EBUSY, "remove %s: something is mounted in it", name);
		return err_hint(e, "see what with findmnt(8), unmount it, then try again");
	}
	return r < 0 ? err_ret(e, r, "remove %s", name) : 0;
}
