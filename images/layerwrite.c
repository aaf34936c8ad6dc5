/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "images/layerwrite.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include <nettle/sha2.h>
#include <search.h>
#include <sys/xattr.h>

#include "base/fd.h"
#include "images/digest.h"
#include "images/layerwrite_priv.h"
#include "images/tarheader.h"

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"
#define OUT_BUFFER (256u << 10)

/* The first name of a file that has several. */
struct link {
	dev_t dev;
	ino_t ino;
	char *name;
};

struct layer_writer {
	int out; /* borrowed */
	struct sha256_ctx sha256;
	struct layer_written done;
	struct strbuf path; /* of the directory that is walked: "" or "a/b/" */
	void *links; /* of tsearch(3) */
	struct layer_xattrs *xattrs; /* buffers */
	char buffer[OUT_BUFFER];
};

static int by_inode(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static void link_free(void *p)
{
	struct link *l = p;

	free(l->name);
	free(l);
}

/* *ret: the name that the file came by before, or NULL: it is the first time. */
static int link_find(struct layer_writer *w, const struct stat *st, const char *name,
		     const char **ret, struct err *e)
{
	struct link *l = calloc(1, sizeof(*l));
	struct link **found;

	if (!l)
		return err_nomem(e);
	l->dev = st->st_dev;
	l->ino = st->st_ino;
	found = (struct link **)tsearch(l, &w->links, by_inode);
	if (!found) {
		free(l);
		return err_nomem(e);
	}
	*ret = NULL;
	if (*found != l) {
		free(l);
		*ret = (*found)->name;
		return 0;
	}
	l->name = strdup(name);
	return l->name ? 0 : err_nomem(e);
}

static int put(struct layer_writer *w, const void *data, size_t n, struct err *e)
{
	int r = fd_write_all(w->out, data, n);

	sha256_update(&w->sha256, n, data);
	w->done.bytes += n;
	return r < 0 ? err_ret(e, r, "write the layer") : 0;
}

static int put_header(struct layer_writer *w, const struct tar_member *m, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	int r = tar_member_header(m, &b, e);

	return r < 0 ? r : put(w, b.data, b.len, e);
}

/* ".wh.NAME", or the mark that hides all: an empty file. */
static int put_mark(struct layer_writer *w, const char *name, struct err *e)
{
	struct tar_member m = { .name = name, .st = { .st_mode = S_IFREG } };

	return put_header(w, &m, e);
}

static int put_content(struct layer_writer *w, const struct tree_node *n, const char *name,
		       struct err *e)
{
	CLEANUP_FD int fd = tree_open_regular(n->part->fd, name, e);
	uint64_t left = (uint64_t)n->st.st_size;
	size_t over = (size_t)(left % TARHEADER_BLOCK);

	if (fd < 0)
		return fd == -ENOENT ? err_set(e, EBUSY, "vanished while it was read") : fd;
	while (left > 0) {
		ssize_t got = read(fd, w->buffer, left < OUT_BUFFER ? (size_t)left : OUT_BUFFER);

		if (got < 0)
			return err_sys(e, "read");
		if (got == 0)
			return err_set(e, EBUSY, "became shorter while it was read");
		if (put(w, w->buffer, (size_t)got, e) < 0)
			return -e->code;
		left -= (uint64_t)got;
	}
	if (!over)
		return 0;
	memset(w->buffer, 0, TARHEADER_BLOCK);
	return put(w, w->buffer, TARHEADER_BLOCK - over, e);
}

/* A file, link or node. full: its name in the archive. */
static int put_file(struct layer_writer *w, const struct tree_node *n, const char *name,
		    const char *full, struct err *e)
{
	struct tar_member m = { .name = full, .st = n->st, .xattrs = STRBUF_INIT };
	char target[PATH_MAX];
	int r = 0;

	if (S_ISSOCK(n->st.st_mode)) {
		w->done.skipped_sockets++;
		return 0;
	}
	if (n->st.st_nlink > 1) {
		r = link_find(w, &n->st, full, &m.link, e);
		m.again = m.link != NULL;
	}
	if (r >= 0 && !m.again && S_ISLNK(n->st.st_mode)) {
		ssize_t len = readlinkat(n->part->fd, name, target, sizeof(target) - 1);

		if (len < 0)
			return err_sys(e, "read the link");
		target[len] = '\0';
		m.link = target;
	}
	if (r >= 0 && !m.again && !S_ISLNK(n->st.st_mode))
		r = layer_xattrs_add(&w->xattrs, n, name, &m, e);
	if (r >= 0)
		r = put_header(w, &m, e);
	strbuf_free(&m.xattrs);
	if (r >= 0 && !m.again && S_ISREG(n->st.st_mode))
		r = put_content(w, n, name, e);
	return r;
}

static int put_directory(struct layer_writer *w, const struct tree_node *n, const char *name,
			 const char *full, struct err *e)
{
	struct tar_member m = { .name = full, .st = n->st, .xattrs = STRBUF_INIT };
	int r = layer_xattrs_add(&w->xattrs, n, name, &m, e);

	if (r >= 0)
		r = put_header(w, &m, e);
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

	if (n->below.opaque) {
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
	if (str_starts(name, WHITEOUT)) {
		(void)err_set(e, EPERM,
			      "%s: in a layer, names that begin with \"" WHITEOUT "\" mean that "
			      "something is deleted",
			      name);
		return err_hint(e, "rename or remove it");
	}
	strbuf_addf(&w->path, "%s%s%s", n.kind == TREE_WHITEOUT ? WHITEOUT : "", name,
		    n.kind == TREE_DIRECTORY ? "/" : "");
	r = strbuf_ok(&w->path, e);
	if (r >= 0 && n.kind == TREE_WHITEOUT)
		r = put_mark(w, strbuf_str(&w->path), e);
	else if (r >= 0 && n.kind == TREE_FILE)
		r = put_file(w, &n, name, strbuf_str(&w->path), e);
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

	if (depth == TREE_DEPTH_MAX)
		return err_set(e, E2BIG, "%.200s...: more than %d directories in each other",
			       strbuf_str(&w->path), TREE_DEPTH_MAX);
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
	return r < 0 ? r : put(w, w->buffer, 2 * (size_t)TARHEADER_BLOCK, e);
}

int layer_write(const struct tree_stack *stack, int out, struct layer_written *ret, struct err *e)
{
	struct layer_writer *w = calloc(1, sizeof(*w));
	uint8_t sha256[SHA256_DIGEST_SIZE];
	int r;

	if (!w)
		return err_nomem(e);
	w->out = out;
	sha256_init(&w->sha256);
	r = write_all(w, stack, e);
	if (r >= 0) {
		sha256_digest(&w->sha256, sizeof(sha256), sha256);
		digest_from_bytes(sha256, &w->done.digest);
		*ret = w->done;
	}
	tdestroy(w->links, link_free);
	strbuf_free(&w->path);
	layer_xattrs_free(&w->xattrs);
	free(w);
	return r;
}
