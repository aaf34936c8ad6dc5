/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk. Names of both directories are sorted and merged; a level holds two descriptors, so that
 * the depth of a layer (ENTRY_DEPTH_MAX) needs twice as many.
 */
#include "images/compare.h"

#include <fcntl.h>
#include <stdarg.h>

#include "base/dir.h"
#include "base/path.h"
#include "images/entry.h"

#define COMPARE_DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW)

struct compare_path {
	char s[ENTRY_NAME_MAX + 1];
	size_t n;
};

void compare_free(struct compare *c)
{
	strv_free(&c->problems);
}

int compare_problem(struct compare *c, const char *path, const char *fmt, ...)
{
	char text[512];
	va_list args;

	if (c->n_problems++ >= COMPARE_PROBLEMS_MAX)
		return 0;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!path)
		return strv_add(&c->problems, text);
	return strv_addf(&c->problems, "%s: %s", *path ? path : "/", text);
}

static int compare_by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_names(int dir, struct strv *ret, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_open(dir);
	struct dirent *ent;

	if (!d)
		return err_sys(e, "read directory");
	while ((errno = 0, ent = readdir(d))) {
		if (str_eq(ent->d_name, ".") || str_eq(ent->d_name, ".."))
			continue;
		if (strv_add(ret, ent->d_name) < 0)
			return err_nomem(e);
	}
	if (errno)
		return err_sys(e, "read directory");
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_by_name);
	return 0;
}

static const char *compare_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "a file";
	case S_IFDIR:
		return "a directory";
	case S_IFLNK:
		return "a symbolic link";
	case S_IFCHR:
		return "a character device";
	case S_IFBLK:
		return "a block device";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "something unknown";
	}
}

static int compare_dirs(struct compare *c, struct compare_path *path, int should, int is,
			struct err *e);

/* NOLINTNEXTLINE(misc-no-recursion) */
static int compare_below(struct compare *c, struct compare_path *path, const char *name, int should,
			 int is, struct err *e)
{
	CLEANUP_FD int a = path_open_beneath(should, name, COMPARE_DIR_FLAGS, 0);
	CLEANUP_FD int b = path_open_beneath(is, name, COMPARE_DIR_FLAGS, 0);

	if (a < 0 || b < 0)
		return err_ret(e, a < 0 ? a : b, "open %s", path->s);
	return compare_dirs(c, path, a, b, e);
}

/* A name that both have. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static int compare_both(struct compare *c, struct compare_path *path, const char *name, int should,
			int is, struct err *e)
{
	struct compare_pair p = { should, is, name, path->s, { 0 }, { 0 } };
	int r;

	if (fstatat(should, name, &p.should, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatat(is, name, &p.is, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "stat %s", path->s);
	if ((p.should.st_mode & S_IFMT) != (p.is.st_mode & S_IFMT)) {
		r = compare_problem(c, path->s, "is %s, %s in the layer",
				    compare_kind(p.is.st_mode), compare_kind(p.should.st_mode));
		return r < 0 ? err_nomem(e) : 0;
	}
	r = compare_file(c, &p, e);
	if (r == 0 && S_ISDIR(p.should.st_mode))
		r = compare_below(c, path, name, should, is, e);
	return r;
}

/* *a and *b: names of one order; the smaller one comes next. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static int compare_next(struct compare *c, struct compare_path *path, const char *a, const char *b,
			const int dirs[static 2], struct err *e)
{
	int order = !a ? 1 : !b ? -1 : strcmp(a, b);
	const char *name = order > 0 ? b : a;
	size_t above = path->n;
	int n = str_format(path->s + above, sizeof(path->s) - above, "%s%s", above ? "/" : "",
			   name);
	int r;

	if (n < 0)
		return err_ret(e, n, "path below %s", path->s);
	path->n += (size_t)n;
	if (order == 0)
		r = compare_both(c, path, name, dirs[0], dirs[1], e);
	else if (compare_problem(c, path->s, "%s",
				 order < 0 ? "is missing" : "is not in the layer") < 0)
		r = err_nomem(e);
	else
		r = 0;
	path->n = above;
	path->s[above] = '\0';
	return r;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static int compare_dirs(struct compare *c, struct compare_path *path, int should, int is,
			struct err *e)
{
	CLEANUP_STRV struct strv a = { .v = NULL }, b = { .v = NULL };
	const int dirs[2] = { should, is };
	size_t i = 0, k = 0;
	int r = compare_names(should, &a, e);

	if (r == 0)
		r = compare_names(is, &b, e);
	while (r == 0 && (i < a.n || k < b.n)) {
		const char *x = i < a.n ? a.v[i] : NULL, *y = k < b.n ? b.v[k] : NULL;
		int order = !x ? 1 : !y ? -1 : strcmp(x, y);

		r = compare_next(c, path, x, y, dirs, e);
		i += order <= 0;
		k += order >= 0;
	}
	return r;
}

int compare_trees(struct compare *c, int should, int is, struct err *e)
{
	struct compare_path path = { .n = 0 };
	struct compare_pair root = { should, is, ".", "", { 0 }, { 0 } };
	int r;

	if (fstat(should, &root.should) < 0 || fstat(is, &root.is) < 0)
		return err_sys(e, "stat the tree");
	r = compare_file(c, &root, e);
	return r < 0 ? r : compare_dirs(c, &path, should, is, e);
}
