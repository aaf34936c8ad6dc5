/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of a layer that are no directories. */
#include <fcntl.h>
#include <limits.h>
#include <search.h>

#include "base/fd.h"
#include "images/layerwrite_priv.h"

/* The first name of a file that has several. */
struct link {
	dev_t dev;
	ino_t ino;
	char *name;
};

static int by_inode(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

void layer_link_free(void *p)
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

static int put_pad(struct layer_writer *w, uint64_t size, struct err *e)
{
	size_t over = (size_t)(size % TARHEADER_BLOCK);

	if (!over)
		return 0;
	memset(w->buffer, 0, TARHEADER_BLOCK);
	return layer_put(w, w->buffer, TARHEADER_BLOCK - over, e);
}

static int put_extent(struct layer_writer *w, int fd, uint64_t at, uint64_t n, struct err *e)
{
	for (uint64_t end = at + n; at < end;) {
		uint64_t left = end - at;
		ssize_t got = pread(fd, w->buffer,
				    left < LAYER_BUFFER ? (size_t)left : LAYER_BUFFER, (off_t)at);

		if (got < 0)
			return err_sys(e, "read");
		if (got == 0)
			return err_set(e, EBUSY, "became shorter while it was read");
		if (layer_put(w, w->buffer, (size_t)got, e) < 0)
			return -e->code;
		at += (uint64_t)got;
	}
	return 0;
}

/* A regular file, with its header, which says where its holes are if a layer may have them. */
static int put_regular(struct layer_writer *w, const struct tree_node *n, const char *name,
		       struct tar_member *m, struct err *e)
{
	CLEANUP_FD int fd = tree_open_regular(n->part->fd, name, e);
	uint64_t size = (uint64_t)n->st.st_size;
	int r;

	if (fd < 0)
		return fd == -ENOENT ? err_set(e, EBUSY, "vanished while it was read") : fd;
	if (w->exact)
		sparse_look(fd, n->st.st_size, &w->map);
	m->sparse = w->exact && w->map.holes ? &w->map : NULL;
	r = layer_put_header(w, m, e);
	if (!m->sparse) {
		r = r < 0 ? r : put_extent(w, fd, 0, size, e);
		return r < 0 ? r : put_pad(w, size, e);
	}
	for (size_t i = 0; r >= 0 && i < w->map.n; i++)
		r = put_extent(w, fd, w->map.v[i].at, w->map.v[i].n, e);
	return r < 0 ? r : put_pad(w, w->map.data, e);
}

static int read_target(const struct tree_node *n, const char *name, char target[static PATH_MAX],
		       struct err *e)
{
	ssize_t len = readlinkat(n->part->fd, name, target, PATH_MAX - 1);

	if (len < 0)
		return err_sys(e, "read the link");
	target[len] = '\0';
	return 0;
}

/* tar has no sockets: an empty file with a mark. */
static void become_socket_mark(struct tar_member *m)
{
	m->st.st_mode = S_IFREG | (m->st.st_mode & 07777);
	m->st.st_size = 0;
	tar_member_xattr(m, LAYER_SOCKET_XATTR, "y", 1);
}

static int put_first(struct layer_writer *w, const struct tree_node *n, const char *name,
		     struct tar_member *m, struct err *e)
{
	char target[PATH_MAX];
	int r = 0;

	if (S_ISLNK(n->st.st_mode)) {
		r = read_target(n, name, target, e);
		m->link = target;
	} else if (S_ISSOCK(n->st.st_mode)) {
		become_socket_mark(m);
	} else {
		r = layer_xattrs_add(&w->xattrs, n, name, m, e);
	}
	if (r >= 0)
		r = S_ISREG(n->st.st_mode) ? put_regular(w, n, name, m, e)
					   : layer_put_header(w, m, e);
	m->link = NULL;
	return r;
}

int layer_put_file(struct layer_writer *w, const struct tree_node *n, const char *name,
		   const char *full, struct err *e)
{
	struct tar_member m = { .name = full, .st = n->st, .xattrs = STRBUF_INIT };
	int r = 0;

	if (S_ISSOCK(n->st.st_mode) && !w->exact) {
		w->done.skipped_sockets++;
		return 0;
	}
	layer_owner(w, &m.st);
	if (n->st.st_nlink > 1)
		r = link_find(w, &n->st, full, &m.link, e);
	if (r >= 0 && m.link) {
		m.again = true;
		r = layer_put_header(w, &m, e);
	} else if (r >= 0) {
		r = put_first(w, n, name, &m, e);
	}
	strbuf_free(&m.xattrs);
	return r;
}
