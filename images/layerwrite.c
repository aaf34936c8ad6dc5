/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "images/layerwrite.h"

#include <nettle/sha2.h>
#include <search.h>

#include "base/fd.h"
#include "images/digest.h"
#include "images/layerwrite_priv.h"
#include "images/store.h"

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"

int layer_put(struct layer_writer *w, const void *data, size_t n, struct err *e)
{
	sha256_update(&w->sha256, n, data);
	w->done.bytes += n;
	return w->sink(data, n, w->arg, e);
}

int layer_put_header(struct layer_writer *w, const struct tar_member *m, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	int r = tar_member_header(m, &b, e);

	return r < 0 ? r : layer_put(w, b.data, b.len, e);
}

void layer_owner(const struct layer_writer *w, struct stat *st)
{
	if (!w->exact || !w->shifted)
		return;
	if (st->st_uid > LAYER_ID_MAX)
		st->st_uid = LAYER_ID_NOBODY;
	if (st->st_gid > LAYER_ID_MAX)
		st->st_gid = LAYER_ID_NOBODY;
}

/* ".wh.NAME", or the mark that hides all: an empty file; or overlayfs's own. */
static int put_mark(struct layer_writer *w, const char *name, struct err *e)
{
	struct tar_member m = { .name = name, .st = { .st_mode = w->exact ? S_IFCHR : S_IFREG } };

	return layer_put_header(w, &m, e);
}

static int put_directory(struct layer_writer *w, const struct tree_node *n, const char *name,
			 const char *full, struct err *e)
{
	struct tar_member m = { .name = full, .st = n->st, .xattrs = STRBUF_INIT };
	int r = layer_xattrs_add(&w->xattrs, n, name, &m, e);

	if (w->exact && n->below.opaque)
		tar_member_xattr(&m, STORE_OPAQUE_XATTR, "y", 1);
	layer_owner(w, &m.st);
	if (r >= 0)
		r = layer_put_header(w, &m, e);
	strbuf_free(&m.xattrs);
	return r;
}

static int walk(struct layer_writer *w, const struct tree_level *l, unsigned depth, struct err *e);

/* path: cut back to `len` afterwards. */
static void path_cut(struct layer_writer *w, size_t len)
{
	if (w->path.failed || !w->path.data)
		return;
	w->path.len = len;
	w->path.data[len] = '\0';
}

static int put_below(struct layer_writer *w, const struct tree_node *n, size_t len, unsigned depth,
		     struct err *e)
{
	size_t here = w->path.len;
	int r = 0;

	if (n->below.opaque && !w->exact) {
		strbuf_adds(&w->path, OPAQUE);
		r = strbuf_ok(&w->path, e);
		if (r >= 0)
			r = put_mark(w, strbuf_str(&w->path), e);
		path_cut(w, here);
	}
	if (r >= 0)
		r = walk(w, &n->below, depth + 1, e);
	path_cut(w, len);
	return r;
}

static int put_one(struct layer_writer *w, const struct tree_level *l, const char *name,
		   unsigned depth, struct err *e)
{
	CLEANUP_NODE struct tree_node n = { .kind = TREE_NONE };
	size_t len = w->path.len;
	int r = tree_level_look(l, name, &n, e);

	if (r < 0 || n.kind == TREE_NONE)
		return r;
	if (str_starts(name, WHITEOUT) && !w->exact) {
		(void)err_set(e, EPERM,
			      "%s: in a layer, names that begin with \"" WHITEOUT "\" mean that "
			      "something is deleted",
			      name);
		return err_hint(e, "rename or remove it");
	}
	strbuf_addf(&w->path, "%s%s%s", n.kind == TREE_WHITEOUT && !w->exact ? WHITEOUT : "", name,
		    n.kind == TREE_DIRECTORY ? "/" : "");
	r = strbuf_ok(&w->path, e);
	if (r >= 0 && w->exact && w->path.len > ENTRY_NAME_MAX)
		r = err_set(e, ENAMETOOLONG, "a path of more than %d bytes", ENTRY_NAME_MAX);
	if (r >= 0 && n.kind == TREE_WHITEOUT)
		r = put_mark(w, strbuf_str(&w->path), e);
	else if (r >= 0 && n.kind == TREE_FILE)
		r = layer_put_file(w, &n, name, strbuf_str(&w->path), e);
	else if (r >= 0)
		r = put_directory(w, &n, name, strbuf_str(&w->path), e);
	if (r < 0)
		(void)err_wrap(e, "%s", strbuf_str(&w->path));
	else if (n.kind == TREE_DIRECTORY)
		return put_below(w, &n, len, depth, e);
	path_cut(w, len);
	return r;
}

static int walk(struct layer_writer *w, const struct tree_level *l, unsigned depth, struct err *e)
{
	CLEANUP_STRV struct strv names = { .v = NULL };
	int r;

	unsigned most = w->exact ? ENTRY_DEPTH_MAX - 1 : TREE_DEPTH_MAX;

	if (depth == most)
		return err_set(e, E2BIG, "%.200s...: more than %u directories in each other",
			       strbuf_str(&w->path), most);
	r = tree_level_names(l, l->n, &names, e);
	if (r < 0)
		return err_wrap(e, "%s", strbuf_str(&w->path));
	tree_names_sort(&names);
	for (size_t i = 0; r >= 0 && i < names.n; i++)
		r = put_one(w, l, names.v[i], depth, e);
	return r;
}

/* The root itself: what it looks like is the uppermost tree's. */
static int put_root(struct layer_writer *w, const struct tree_level *root, struct err *e)
{
	const struct tree_part *p = &root->v[0];
	struct tree_node n = { .kind = TREE_DIRECTORY, .st = p->st, .part = p };

	n.st.st_uid = tree_shift_id(&p->layer->shift, p->st.st_uid);
	n.st.st_gid = tree_shift_id(&p->layer->shift, p->st.st_gid);
	return put_directory(w, &n, ".", "./", e);
}

static int write_all(struct layer_writer *w, const struct tree_stack *stack, struct err *e)
{
	CLEANUP_LEVEL struct tree_level root = { .n = 0 };
	int r = tree_level_root(stack, &root, e);

	tree_open_files_raise();
	if (r >= 0)
		r = put_root(w, &root, e);
	if (r >= 0)
		r = walk(w, &root, 0, e);
	memset(w->buffer, 0, 2 * (size_t)TARHEADER_BLOCK);
	return r < 0 ? r : layer_put(w, w->buffer, 2 * (size_t)TARHEADER_BLOCK, e);
}

static int run(struct layer_writer *w, const struct tree_stack *stack, struct layer_written *ret,
	       struct err *e)
{
	uint8_t sha256[SHA256_DIGEST_SIZE];
	int r;

	sha256_init(&w->sha256);
	r = write_all(w, stack, e);
	if (r >= 0) {
		sha256_digest(&w->sha256, sizeof(sha256), sha256);
		digest_from_bytes(sha256, &w->done.digest);
		*ret = w->done;
	}
	tdestroy(w->links, layer_link_free);
	strbuf_free(&w->path);
	layer_xattrs_free(&w->xattrs);
	free(w);
	return r;
}

static int to_file(const void *data, size_t n, void *arg, struct err *e)
{
	int r = fd_write_all(*(const int *)arg, data, n);

	return r < 0 ? err_ret(e, r, "write the layer") : 0;
}

int layer_write(const struct tree_stack *stack, int out, struct layer_written *ret, struct err *e)
{
	struct layer_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return err_nomem(e);
	w->sink = to_file;
	w->arg = &out;
	return run(w, stack, ret, e);
}

int layer_write_exact(const struct tree_stack *stack, layer_sink_fn *sink, void *arg,
		      struct layer_written *ret, struct err *e)
{
	struct layer_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return err_nomem(e);
	w->sink = sink;
	w->arg = arg;
	w->exact = true;
	w->shifted = stack->n > 0 && stack->v[0].shift.count > 0;
	return run(w, stack, ret, e);
}
