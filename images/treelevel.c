/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories of a stack of trees, merged as overlayfs merges them. */
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/dir.h"
#include "base/path.h"
#include "images/store.h"
#include "images/treediff_priv.h"

void tree_level_free(struct tree_level *l)
{
	for (size_t i = 0; i < l->n; i++)
		fd_reset(&l->v[i].fd);
	free(l->v);
	*l = (struct tree_level){ .n = 0 };
}

/* Takes the fd. */
static int add_part(struct tree_level *l, int fd, const struct tree_layer *layer, struct err *e)
{
	CLEANUP_FD int mine = fd;
	struct tree_part p = { .layer = layer };
	struct tree_part *grown;

	if (fstat(mine, &p.st) < 0)
		return err_sys(e, "stat");
	grown = reallocarray(l->v, l->n + 1, sizeof(*grown));
	if (!grown)
		return err_nomem(e);
	l->v = grown;
	p.fd = TAKE_FD(mine);
	l->v[l->n++] = p;
	return 0;
}

int tree_level_root(const struct tree_stack *s, struct tree_level *ret, struct err *e)
{
	CLEANUP_LEVEL struct tree_level l = { .n = 0 };

	for (size_t i = 0; i < s->n; i++) {
		int fd = fcntl(s->v[i].dir, F_DUPFD_CLOEXEC, 0);

		if (fd < 0)
			return err_sys(e, "arrange fds");
		if (add_part(&l, fd, &s->v[i], e) < 0)
			return -e->code;
	}
	*ret = l;
	l = (struct tree_level){ .n = 0 };
	return 0;
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static void take_stat(struct tree_node *n, const struct tree_part *p, const struct stat *st)
{
	n->part = p;
	n->st = *st;
	n->st.st_uid = tree_shift_id(&p->layer->shift, st->st_uid);
	n->st.st_gid = tree_shift_id(&p->layer->shift, st->st_gid);
}

/* Return: 1 what is below is hidden; 0; negative. */
static int add_directory(struct tree_node *n, const struct tree_part *p, const char *name,
			 struct err *e)
{
	char value[2];
	int fd = path_open_beneath(p->fd, name, O_RDONLY | O_DIRECTORY, 0), r;

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return 0; /* of one that runs: gone since */
	if (fd < 0)
		return err_ret(e, fd, "%s: open", name);
	n->below.opaque =
		fgetxattr(fd, STORE_OPAQUE_XATTR, value, sizeof(value)) == 1 && value[0] == 'y';
	r = add_part(&n->below, fd, p->layer, e);
	return r < 0 ? r : n->below.opaque;
}

int tree_level_look(const struct tree_level *l, const char *name, struct tree_node *ret,
		    struct err *e)
{
	CLEANUP_NODE struct tree_node n = { .kind = TREE_NONE };
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		const struct tree_part *p = &l->v[i];
		struct stat st;

		if (fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno != ENOENT)
				return err_sys(e, "%s: stat", name);
			continue;
		}
		if (!S_ISDIR(st.st_mode)) {
			if (n.kind == TREE_NONE) {
				n.kind = is_whiteout(&st) ? TREE_WHITEOUT : TREE_FILE;
				take_stat(&n, p, &st);
			}
			n.below.opaque = n.kind == TREE_DIRECTORY;
			break;
		}
		if (n.kind == TREE_NONE) {
			n.kind = TREE_DIRECTORY;
			take_stat(&n, p, &st);
		}
		r = add_directory(&n, p, name, e);
	}
	if (r < 0)
		return r;
	*ret = n;
	n = (struct tree_node){ .kind = TREE_NONE };
	return 0;
}

int tree_level_names(const struct tree_level *l, size_t n, struct strv *ret, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP_DIR DIR *d = dir_open(l->v[i].fd);
		struct dirent *entry;

		if (!d)
			return err_sys(e, "list");
		while ((errno = 0, entry = readdir(d))) {
			if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
				continue;
			if (strv_add(ret, entry->d_name) < 0)
				return err_nomem(e);
		}
		if (errno)
			return err_sys(e, "list");
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void tree_names_sort(struct strv *names)
{
	size_t n = 0;

	if (names->n < 2)
		return;
	qsort(names->v, names->n, sizeof(*names->v), by_name);
	for (size_t i = 0; i < names->n; i++) {
		if (n > 0 && str_eq(names->v[n - 1], names->v[i]))
			free(names->v[i]);
		else
			names->v[n++] = names->v[i];
	}
	names->v[n] = NULL;
	names->n = n;
}
