/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether two entries of one kind differ. */
#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include <sys/xattr.h>

#include "images/treediff_priv.h"

#define BUFFER (64u << 10)

struct both_buffers {
	_Alignas(uint64_t) char a[XATTR_SIZE_MAX]; /* structures lie in them */
	_Alignas(uint64_t) char b[XATTR_SIZE_MAX];
	char names[XATTR_LIST_MAX + 1];
};

struct side {
	const struct tree_node *node;
	char path[NAME_MAX + 64];
};

/* What the host alone knows of is no part of the state. */
static bool counts(const char *name)
{
	return !str_starts(name, XATTR_TRUSTED_PREFIX);
}

static ssize_t get(const struct side *s, const char *name, char *value)
{
	ssize_t n = lgetxattr(s->path, name, value, XATTR_SIZE_MAX);

	if (n > 0)
		n = (ssize_t)tree_xattr_seen(&s->node->part->layer->shift, name, value, (size_t)n);
	return n;
}

/* Whether b lacks one of a's, or, with values, has another value. */
static int xattrs_lack(const struct side *a, const struct side *b, bool values,
		       struct both_buffers *x, struct err *e)
{
	ssize_t n = llistxattr(a->path, x->names, XATTR_LIST_MAX);

	if (n < 0)
		return errno == EOPNOTSUPP || errno == ENOENT ? 0 : err_sys(e, "list attributes");
	x->names[n] = '\0';
	for (const char *name = x->names; name < x->names + n; name += strlen(name) + 1) {
		ssize_t p, q;

		if (!counts(name))
			continue;
		p = values ? get(a, name, x->a) : 0;
		q = values ? get(b, name, x->b) : lgetxattr(b->path, name, NULL, 0);
		if (q < 0 || (values && (p != q || memcmp(x->a, x->b, (size_t)p) != 0)))
			return 1;
	}
	return 0;
}

static int side_init(struct side *s, const struct tree_node *n, const char *name, struct err *e)
{
	int r = str_format(s->path, sizeof(s->path), "/proc/self/fd/%d/%s", n->part->fd, name);

	s->node = n;
	return r < 0 ? err_ret(e, r, "%s", name) : 0;
}

static int xattrs_differ(const char *name, const struct tree_node *a, const struct tree_node *b,
			 struct err *e)
{
	CLEANUP_FREE struct both_buffers *x = NULL;
	struct side from, to;
	int r;

	if (side_init(&from, a, name, e) < 0 || side_init(&to, b, name, e) < 0)
		return -e->code;
	if (llistxattr(from.path, NULL, 0) <= 0 && llistxattr(to.path, NULL, 0) <= 0)
		return 0;
	x = malloc(sizeof(*x));
	if (!x)
		return err_nomem(e);
	r = xattrs_lack(&from, &to, true, x, e);
	return r != 0 ? r : xattrs_lack(&to, &from, false, x, e);
}

static int contents_differ(const char *name, const struct tree_node *a, const struct tree_node *b,
			   struct err *e)
{
	struct err why = ERR_INIT;
	CLEANUP_FD int x = tree_open_regular(a->part->fd, name, &why), y = -EBADF;
	CLEANUP_FREE char *buffer = malloc(2 * BUFFER);

	if (!buffer)
		return err_nomem(e);
	if (x >= 0)
		y = tree_open_regular(b->part->fd, name, &why);
	if (x == -ENOENT || y == -ENOENT || why.code == EBUSY)
		return 1; /* of one that runs */
	if (x < 0 || y < 0) {
		*e = why;
		return -e->code;
	}
	for (off_t at = 0; at < a->st.st_size;) {
		ssize_t n = pread(x, buffer, BUFFER, at), m = pread(y, buffer + BUFFER, BUFFER, at);

		if (n < 0 || m < 0)
			return err_sys(e, "read");
		if (n != m || n == 0 || memcmp(buffer, buffer + BUFFER, (size_t)n) != 0)
			return 1;
		at += n;
	}
	return 0;
}

static int targets_differ(const char *name, const struct tree_node *a, const struct tree_node *b,
			  struct err *e)
{
	char x[PATH_MAX], y[PATH_MAX];
	ssize_t n = readlinkat(a->part->fd, name, x, sizeof(x));
	ssize_t m = readlinkat(b->part->fd, name, y, sizeof(y));

	if (n < 0 || m < 0)
		return errno == ENOENT || errno == EINVAL ? 1 : err_sys(e, "read the link");
	return n != m || memcmp(x, y, (size_t)n) != 0;
}

int tree_file_differs(const char *name, const struct tree_node *a, const struct tree_node *b,
		      struct err *e)
{
	const struct stat *x = &a->st, *y = &b->st;
	int r;

	if (x->st_mode != y->st_mode || x->st_uid != y->st_uid || x->st_gid != y->st_gid)
		return 1;
	if ((S_ISCHR(x->st_mode) || S_ISBLK(x->st_mode)) && x->st_rdev != y->st_rdev)
		return 1;
	if (S_ISREG(x->st_mode) && x->st_size != y->st_size)
		return 1;
	r = xattrs_differ(name, a, b, e);
	if (r == 0 && S_ISREG(x->st_mode))
		r = contents_differ(name, a, b, e);
	else if (r == 0 && S_ISLNK(x->st_mode))
		r = targets_differ(name, a, b, e);
	return r;
}
