/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stack of open directories. There is no other writer below the root, so what was looked at a
 * moment ago still stands.
 */
#include <fcntl.h>
#include <linux/xattr.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/path.h"
#include "base/str.h"
#include "cmd/jail-unpack/tree_priv.h"
#include "cmd/jail-unpack/xattr.h"

#define TREE_DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
#define TREE_IMPLICIT_MODE 0755
/* The root's: not writable by others whatever the archive says (row 37). */
#define TREE_ROOT_MODE_MASK 01755

static struct tree_dir *tree_push(struct tree *t, int fd, const char *name)
{
	struct tree_dir *d = &t->dirs[t->n++];

	d->fd = fd;
	d->mtime = (struct timespec){ .tv_sec = 0 };
	d->acl = NULL;
	d->acl_len = 0;
	(void)str_format(d->name, sizeof(d->name), "%s", name); /* a component fits */
	return d;
}

void tree_init(struct tree *t, int root_fd)
{
	t->n = 0;
	t->default_acls = false;
	t->opaque = NULL;
	t->replace = NULL;
	t->scratch = false;
	t->in_use = false;
	t->exact = false;
	t->temp[0] = '\0';
	(void)tree_push(t, root_fd, "");
}

int tree_top(const struct tree *t)
{
	return t->dirs[t->n - 1].fd;
}

void tree_set_default_acl(struct tree *t, void *acl, size_t n)
{
	struct tree_dir *d = &t->dirs[t->n - 1];

	free(d->acl);
	d->acl = acl;
	d->acl_len = n;
	t->default_acls = true;
}

int tree_set_owner(int fd, const struct tree_meta *meta, struct err *e)
{
	/* In this order: a change of owner clears setuid and setgid. */
	if (fchown(fd, meta->uid, meta->gid) < 0)
		return err_sys(e, "set owner %u:%u", meta->uid, meta->gid);
	if (fchmod(fd, meta->mode) < 0)
		return err_sys(e, "set mode %04o", meta->mode);
	return 0;
}

int tree_set_times(int fd, const struct timespec *mtime, struct err *e)
{
	struct timespec times[2] = { *mtime, *mtime };

	return futimens(fd, times) < 0 ? err_sys(e, "set its time") : 0;
}

/* Nothing is made in the directory any more: what its making would have spoilt. */
static int tree_settle(const struct tree_dir *d, struct err *e)
{
	if (d->acl && fsetxattr(d->fd, XATTR_NAME_POSIX_ACL_DEFAULT, d->acl, d->acl_len, 0) < 0)
		return err_sys(e, "set default ACL of directory %s", d->name);
	return tree_set_times(d->fd, &d->mtime, e);
}

/* Leaves the directory on top. */
static int tree_pop(struct tree *t, struct err *e)
{
	struct tree_dir *d = &t->dirs[t->n - 1];
	int r = tree_settle(d, e);

	free(d->acl);
	d->acl = NULL;
	fd_reset(&d->fd);
	t->n--;
	return r;
}

int tree_finish(struct tree *t, struct err *e)
{
	while (t->n > 1) {
		int r = tree_pop(t, e);

		if (r < 0)
			return r;
	}
	if (t->in_use) {
		tree_abandon(t);
		return 0;
	}
	/* Written once, with everything else of the file system that is waiting: for many small
	 * files far cheaper than one fsync for each. */
	if (tree_settle(&t->dirs[0], e) < 0)
		return -e->code;
	if (!t->scratch && syncfs(t->dirs[0].fd) < 0)
		return err_sys(e, "write the layer to disk");
	tree_abandon(t);
	return 0;
}

void tree_abandon(struct tree *t)
{
	while (t->n > 0) {
		struct tree_dir *d = &t->dirs[--t->n];

		free(d->acl);
		d->acl = NULL;
		fd_reset(&d->fd);
	}
}

/* Enters an existing directory: what its next members will disturb is noted first. */
static int tree_reenter(struct tree *t, int fd, const char *name, struct err *e)
{
	struct tree_dir *d = tree_push(t, fd, name);
	struct stat st;
	void *acl;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat directory %s", name);
	d->mtime = st.st_mtim;
	if (!t->default_acls)
		return 0;
	n = fgetxattr(fd, XATTR_NAME_POSIX_ACL_DEFAULT, NULL, 0);
	if (n < 0)
		return errno == ENODATA ? 0 : err_sys(e, "read default ACL of %s", name);
	acl = malloc((size_t)n);
	if (!acl)
		return err_nomem(e);
	n = fgetxattr(fd, XATTR_NAME_POSIX_ACL_DEFAULT, acl, (size_t)n);
	tree_set_default_acl(t, acl, n < 0 ? 0 : (size_t)n);
	if (n < 0 || fremovexattr(fd, XATTR_NAME_POSIX_ACL_DEFAULT) < 0)
		return err_sys(e, "read default ACL of %s", name);
	return 0;
}

/* A parent that the archive does not list (or not yet). */
static int tree_make_implicit(struct tree *t, const char *name, struct err *e)
{
	const struct tree_meta meta = { .mode = TREE_IMPLICIT_MODE };
	int dir = tree_top(t);
	int fd;

	if (t->exact)
		return err_set(e, EPERM, "its parent %s is not in the archive before it", name);
	if (mkdirat(dir, name, 0700) < 0)
		return err_sys(e, "make directory %s", name);
	fd = path_open_beneath(dir, name, TREE_DIR_FLAGS, 0);
	if (fd < 0)
		return err_ret(e, fd, "open directory %s", name);
	(void)tree_push(t, fd, name);
	return tree_set_owner(fd, &meta, e);
}

/* ENOTDIR stands for a symbolic link too, when O_DIRECTORY meets O_NOFOLLOW. */
static int tree_bad_parent(const struct tree *t, const char *name, struct err *e)
{
	struct stat st;

	if (fstatat(tree_top(t), name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		return err_set(e, EPERM, "its parent %s is a symbolic link", name);
	return err_set(e, EPERM, "its parent %s is not a directory", name);
}

static int tree_descend(struct tree *t, const char *name, struct err *e)
{
	int fd = path_open_beneath(tree_top(t), name, TREE_DIR_FLAGS, 0);

	if (fd == -ENOENT)
		return tree_make_implicit(t, name, e);
	if ((fd == -ELOOP || fd == -ENOTDIR) && tree_is_whiteout(t, name)) {
		if (unlinkat(tree_top(t), name, 0) < 0)
			return err_sys(e, "replace whiteout %s", name);
		return tree_make_implicit(t, name, e) < 0 ? -e->code : tree_became_opaque(t, e);
	}
	if (fd == -ELOOP || fd == -ENOTDIR)
		return tree_bad_parent(t, name, e);
	if (fd < 0)
		return err_ret(e, fd, "open directory %s", name);
	return tree_reenter(t, fd, name, e);
}

int tree_enter(struct tree *t, const struct entry_name *name, size_t n, struct err *e)
{
	size_t same = 0;
	int r;

	while (same < n && same + 1 < t->n &&
	       str_eq(t->dirs[same + 1].name, entry_component(name, same)))
		same++;
	while (t->n > same + 1) {
		r = tree_pop(t, e);
		if (r < 0)
			return r;
	}
	for (size_t i = same; i < n; i++) {
		r = tree_descend(t, entry_component(name, i), e);
		if (r < 0)
			return r;
	}
	return 0;
}

int tree_enter_parent(struct tree *t, const struct entry_name *name, struct err *e)
{
	if (name->n == 0)
		return err_set(e, EPERM, "the root of the image can only be a directory");
	return tree_enter(t, name, name->n - 1, e);
}

int tree_clear(struct tree *t, const char *name, struct err *e)
{
	int dir = tree_top(t);
	int r = t->replace ? t->replace(t, name, t->replace_arg, e) : 0;

	if (r < 0)
		return r;
	if (unlinkat(dir, name, 0) == 0)
		return 0;
	if (errno != EISDIR)
		return err_sys(e, "replace %s", name);
	if (t->in_use)
		return err_set(e, EISDIR, "a directory of that name is there, and is not replaced");
	return path_remove_tree(dir, name, e);
}

static int tree_make_root(struct tree *t, const struct tree_meta *meta, struct err *e)
{
	struct tree_meta root = *meta;
	int r = tree_enter(t, &(struct entry_name){ .n = 0 }, 0, e);

	if (r < 0)
		return r;
	if (!t->exact)
		root.mode &= TREE_ROOT_MODE_MASK;
	t->dirs[0].mtime = meta->mtime;
	return tree_set_owner(t->dirs[0].fd, &root, e);
}

/* A directory again: its members stay, its attributes are the later member's. */
static int tree_reuse_dir(struct tree *t, const char *name, struct err *e)
{
	int fd = path_open_beneath(tree_top(t), name, TREE_DIR_FLAGS, 0);
	bool replaced = false;

	if ((fd == -ELOOP || fd == -ENOTDIR) && t->in_use)
		return err_set(e, ENOTDIR,
			       "something else of that name is there, and is not replaced by a "
			       "directory");
	if (fd == -ELOOP || fd == -ENOTDIR) {
		int r = tree_clear(t, name, e);

		if (r < 0)
			return r;
		replaced = true;
		if (mkdirat(tree_top(t), name, 0700) < 0)
			return err_sys(e, "make directory");
		fd = path_open_beneath(tree_top(t), name, TREE_DIR_FLAGS, 0);
	}
	if (fd < 0)
		return err_ret(e, fd, "open directory");
	(void)tree_push(t, fd, name);
	/* What was there, a whiteout or a file, hid the lower layers' directory of that name. */
	if (replaced)
		return tree_became_opaque(t, e);
	return t->in_use ? 0 : xattr_clear(fd, e);
}

int tree_make_dir(struct tree *t, const struct entry_name *name, const struct tree_meta *meta,
		  struct err *e)
{
	const char *last = tree_last(name);
	int fd, r;

	if (name->n == 0)
		return tree_make_root(t, meta, e);
	r = tree_enter_parent(t, name, e);
	if (r < 0)
		return r;
	if (mkdirat(tree_top(t), last, 0700) == 0) {
		fd = path_open_beneath(tree_top(t), last, TREE_DIR_FLAGS, 0);
		if (fd < 0)
			return err_ret(e, fd, "open directory");
		(void)tree_push(t, fd, last);
	} else if (errno == EEXIST) {
		r = tree_reuse_dir(t, last, e);
		if (r < 0)
			return r;
	} else {
		return err_sys(e, "make directory");
	}
	t->dirs[t->n - 1].mtime = meta->mtime;
	return tree_set_owner(tree_top(t), meta, e);
}

int tree_make_file(struct tree *t, const struct entry_name *name, struct err *e)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
	const char *last = tree_last(name);
	int fd, r;

	r = tree_enter_parent(t, name, e);
	if (r < 0)
		return r;
	/* Never an existing file, whose other links would be written too (row 35). */
	fd = path_open_beneath(tree_top(t), last, flags, 0600);
	if (fd == -EEXIST) {
		r = tree_clear(t, last, e);
		if (r < 0)
			return r;
		fd = path_open_beneath(tree_top(t), last, flags, 0600);
	}
	return fd < 0 ? err_ret(e, fd, "make file") : fd;
}

/* Owner and times of what can't be opened: by name in a held directory, not following. */
static int tree_set_by_name(struct tree *t, const char *name, const struct tree_meta *meta,
			    struct err *e)
{
	struct timespec times[2] = { meta->mtime, meta->mtime };

	if (fchownat(tree_top(t), name, meta->uid, meta->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "set owner %u:%u", meta->uid, meta->gid);
	if (utimensat(tree_top(t), name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "set its time");
	return 0;
}

int tree_make_symlink(struct tree *t, const struct entry_name *name, const char *target,
		      const struct tree_meta *meta, struct err *e)
{
	const char *last = tree_last(name);
	int r = tree_enter_parent(t, name, e);

	if (r < 0)
		return r;
	r = symlinkat(target, tree_top(t), last);
	if (r < 0 && errno == EEXIST) {
		if (tree_clear(t, last, e) < 0)
			return -e->code;
		r = symlinkat(target, tree_top(t), last);
	}
	if (r < 0)
		return err_sys(e, "make symbolic link");
	return tree_set_by_name(t, last, meta, e);
}

int tree_make_node(struct tree *t, const struct entry_name *name, mode_t type, dev_t dev,
		   const struct tree_meta *meta, struct err *e)
{
	const char *last = tree_last(name);
	int r = tree_enter_parent(t, name, e);

	if (r < 0)
		return r;
	r = mknodat(tree_top(t), last, type | (meta->mode & 0777), dev);
	if (r < 0 && errno == EEXIST) {
		if (tree_clear(t, last, e) < 0)
			return -e->code;
		r = mknodat(tree_top(t), last, type | (meta->mode & 0777), dev);
	}
	if (r < 0)
		return err_sys(e, "make device or FIFO");
	return tree_set_by_name(t, last, meta, e);
}
