/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk through two stacks at once, see treediff.h. */
#include "images/treediff.h"

#include "images/treediff_priv.h"

struct walk {
	tree_diff_fn *fn;
	void *arg;
	struct strbuf path;
};

static bool same_part(const struct tree_part *a, const struct tree_part *b)
{
	return a->st.st_dev == b->st.st_dev && a->st.st_ino == b->st.st_ino;
}

/* How many of the lowest are the same in both. */
static size_t common(const struct tree_level *a, const struct tree_level *b)
{
	size_t n = 0;

	while (n < a->n && n < b->n && same_part(&a->v[a->n - 1 - n], &b->v[b->n - 1 - n]))
		n++;
	return n;
}

static bool is_there(const struct tree_node *n)
{
	return n->kind == TREE_FILE || n->kind == TREE_DIRECTORY;
}

/* Return: 1 they differ, 0. Both are there. */
static int differs(const char *name, const struct tree_node *a, const struct tree_node *b,
		   struct err *e)
{
	if (same_part(a->part, b->part)) /* in one and the same directory of one tree */
		return 0;
	if ((a->st.st_mode & S_IFMT) != (b->st.st_mode & S_IFMT))
		return 1;
	return tree_file_differs(name, a, b, e);
}

static int tell(struct walk *w, const char *name, const struct tree_node *a,
		const struct tree_node *b, struct err *e)
{
	struct tree_difference d = { .path = strbuf_str(&w->path) };
	int r;

	if (strbuf_ok(&w->path, e) < 0)
		return -e->code;
	if (is_there(a) && is_there(b)) {
		r = differs(name, a, b, e);
		if (r <= 0)
			return r < 0 ? err_wrap(e, "%s", d.path) : 0;
		d.change = TREE_CHANGED;
		d.type = b->st.st_mode & S_IFMT;
		d.was = a->st.st_mode & S_IFMT;
	} else if (is_there(a)) {
		d.change = TREE_DELETED;
		d.type = d.was = a->st.st_mode & S_IFMT;
	} else if (is_there(b)) {
		d.change = TREE_ADDED;
		d.type = d.was = b->st.st_mode & S_IFMT;
	} else {
		return 0;
	}
	return w->fn(&d, w->arg, e);
}

static int walk(struct walk *w, const struct tree_level *a, const struct tree_level *b,
		unsigned depth, struct err *e);

static int walk_name(struct walk *w, const struct tree_level *a, const struct tree_level *b,
		     const char *name, unsigned depth, struct err *e)
{
	CLEANUP_NODE struct tree_node from = { .kind = TREE_NONE }, to = { .kind = TREE_NONE };
	size_t len = w->path.len;
	int r;

	if ((r = tree_level_look(a, name, &from, e)) < 0 ||
	    (r = tree_level_look(b, name, &to, e)) < 0)
		return err_wrap(e, "%s", strbuf_str(&w->path));
	strbuf_addf(&w->path, "/%s", name);
	r = tell(w, name, &from, &to, e);
	if (r >= 0 && (from.below.n || to.below.n))
		r = walk(w, &from.below, &to.below, depth + 1, e);
	if (!w->path.failed) {
		w->path.len = len;
		w->path.data[len] = '\0';
	}
	return r;
}

static int walk(struct walk *w, const struct tree_level *a, const struct tree_level *b,
		unsigned depth, struct err *e)
{
	CLEANUP_STRV struct strv names = { .v = NULL };
	size_t same = common(a, b);
	int r;

	if (same == a->n && same == b->n)
		return 0;
	if (depth == TREE_DEPTH_MAX)
		return err_set(e, E2BIG, "%.200s...: more than %d directories in each other",
			       strbuf_str(&w->path), TREE_DEPTH_MAX);
	if ((r = tree_level_names(a, a->n - same, &names, e)) < 0 ||
	    (r = tree_level_names(b, b->n - same, &names, e)) < 0)
		return err_wrap(e, "%s", strbuf_str(&w->path));
	tree_names_sort(&names);
	for (size_t i = 0; r >= 0 && i < names.n; i++)
		r = walk_name(w, a, b, names.v[i], depth, e);
	return r;
}

int tree_diff(const struct tree_stack *from, const struct tree_stack *to, tree_diff_fn *fn,
	      void *arg, struct err *e)
{
	CLEANUP_LEVEL struct tree_level a = { .n = 0 }, b = { .n = 0 };
	struct walk w = { .fn = fn, .arg = arg, .path = STRBUF_INIT };
	int r;

	if ((r = tree_level_root(from, &a, e)) < 0 || (r = tree_level_root(to, &b, e)) < 0)
		return r;
	tree_open_files_raise();
	r = walk(&w, &a, &b, 0, e);
	strbuf_free(&w.path);
	return r;
}
