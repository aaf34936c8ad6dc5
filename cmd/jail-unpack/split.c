/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The split file of the layer (images/split.h), written while it is unpacked. The tar watch says
 * where a member's data stands and whether it is the content as it is; the tree says when a file
 * is about to lose its name to a later member.
 */
#include <fcntl.h>
#include <string.h>

#include "base/dir.h"
#include "base/path.h"
#include "base/str.h"
#include "cmd/jail-unpack/unpack.h"

struct split_path {
	char s[ENTRY_NAME_MAX + 1];
	size_t n;
};

static int split_path_add(struct split_path *p, const char *component, struct err *e)
{
	int n = str_format(p->s + p->n, sizeof(p->s) - p->n, "%s%s", p->n ? "/" : "", component);

	if (n < 0)
		return err_ret(e, n, "path of %s", component);
	p->n += (size_t)n;
	return 0;
}

static void split_path_cut(struct split_path *p, size_t n)
{
	p->n = n;
	p->s[n] = '\0';
}

static int split_remove(struct unpack *u, struct split_path *p, int dir, const char *name,
			struct err *e);

static int split_remove_members(struct unpack *u, struct split_path *p, int *dir, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_take(dir);
	struct dirent *ent;
	int r = 0;

	if (!d)
		return err_sys(e, "read directory %s", p->s);
	while (r == 0) {
		errno = 0;
		ent = readdir(d);
		if (!ent)
			return errno ? err_sys(e, "read directory %s", p->s) : 0;
		if (!str_eq(ent->d_name, ".") && !str_eq(ent->d_name, ".."))
			r = split_remove(u, p, dirfd(d), ent->d_name, e);
	}
	return r;
}

/* Notes each regular file at or below `name`. As deep as a member's name can be. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static int split_remove(struct unpack *u, struct split_path *p, int dir, const char *name,
			struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	size_t above = p->n;
	struct stat st;
	int r = split_path_add(p, name, e);

	if (r < 0)
		return r;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "stat %s", p->s);
	/* Empty ones have no content that the split file could speak of. */
	if (S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size > 0)) {
		fd = path_open_beneath(dir, name, O_RDONLY | O_NOFOLLOW, 0);
		if (fd < 0)
			return err_ret(e, fd, "open %s", p->s);
		r = S_ISDIR(st.st_mode) ? split_remove_members(u, p, &fd, e)
					: split_replaced(u->split, p->s, fd, e);
	}
	split_path_cut(p, above);
	return r;
}

static int split_replace(const struct tree *t, const char *name, void *arg, struct err *e)
{
	struct unpack *u = arg;
	struct split_path p = { .n = 0 };
	struct stat st;

	/* Nothing there, as far as the caller knew. */
	if (fstatat(tree_top(t), name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	for (size_t i = 1; i < t->n; i++)
		if (split_path_add(&p, t->dirs[i].name, e) < 0)
			return -e->code;
	return split_remove(u, &p, tree_top(t), name, e);
}

int split_start(struct unpack *u, struct err *e)
{
	u->as_is = false;
	u->split_failed = ERR_INIT;
	u->tree.scratch = (u->limits.flags & UNPACK_HOLLOW) != 0;
	if (u->limits.flags & UNPACK_SPLIT) {
		int r = split_begin(UNPACK_FD_SPLIT, &u->split, e);

		if (r < 0)
			return r;
		u->tree.replace = split_replace;
		u->tree.replace_arg = u;
	}
	splitter_init(&u->splitter, u->split);
	return 0;
}

/* What holds blobs is no layer: whoever asked for the file has no use for it. */
static void split_check_mode(struct unpack *u)
{
	if (u->mode == UNPACK_BLOBS && u->split)
		split_abandon(u);
}

int split_give_back(struct unpack *u)
{
	split_check_mode(u);
	return splitter_keep(&u->splitter, tarwatch_settled(&u->watch), &u->split_failed);
}

void split_block(struct unpack *u, const uint8_t *block, size_t n)
{
	splitter_block(&u->splitter, block, n);
}

int split_member(struct unpack *u, int64_t size, struct err *e)
{
	const struct tarwatch_member *m = &u->watch.member;
	struct split_path p = { .n = 0 };

	u->as_is = size > 0 && !m->sparse && m->size == (uint64_t)size;
	if (!u->as_is || !u->split)
		return 0;
	for (size_t i = 0; i < u->name.n; i++)
		if (split_path_add(&p, entry_component(&u->name, i), e) < 0)
			return -e->code;
	return splitter_file(&u->splitter, m->data, p.s, m->size, e);
}

int split_content(struct unpack *u, uint32_t crc, struct err *e)
{
	return u->as_is && u->split ? split_check(u->split, crc, e) : 0;
}

int split_finish(struct unpack *u, struct err *e)
{
	split_check_mode(u);
	return splitter_end(&u->splitter, e);
}

void split_abandon(struct unpack *u)
{
	split_free(&u->split);
	splitter_free(&u->splitter);
	splitter_init(&u->splitter, NULL);
	u->tree.replace = NULL;
}
