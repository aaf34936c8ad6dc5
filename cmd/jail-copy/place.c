/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the stream into a directory. Where everything goes is decided once, as cp(1) does it: into
 * the destination if that is a directory, else in its place. Then the first component of each name
 * stays or is replaced, and the members go through the importer's policy and tree
 * (images/entry.h, cmd/jail-unpack/tree.h): one component at a time below a held directory, never
 * through a link.
 *
 * Devices are not made, sockets can't be. Where a stranger's files become somebody else's, setuid
 * and setgid would be a present to whom they then belong to: dropped, but inside with the owners
 * that were asked for.
 */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "base/path.h"
#include "base/str.h"
#include "cmd/jail-copy/copy.h"
#include "cmd/jail-unpack/meta.h"

#define PLACE_BLOCK ((size_t)64 << 10)
#define XATTR_USER "user."

static int place_lookup(int root, const char *path, int flags)
{
	int fd;

	if (root >= 0)
		return path_open_in_root(root, path, flags, 0);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The path is no directory: splits it. */
static int place_open_parent(struct copy *c, int root, struct err *e)
{
	char path[PATH_MAX];
	const char *last;
	struct stat st;
	char *slash;

	(void)str_format(path, sizeof(path), "%s", c->request.path);
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	slash = strrchr(path, '/');
	last = slash ? slash + 1 : path;
	if (str_format(c->place, sizeof(c->place), "%s", last) < 0)
		return err_set(e, ENAMETOOLONG, "%s", c->request.path);
	if (!*last || str_eq(last, ".") || str_eq(last, ".."))
		return err_set(e, ENOENT, "%s: no such directory", c->request.path);
	if (slash)
		slash[slash == path] = '\0';
	c->top = place_lookup(root, slash ? path : root >= 0 ? "/" : ".", O_RDONLY | O_DIRECTORY);
	if (c->top < 0) {
		(void)err_ret(e, c->top, "directory of %s", c->request.path);
		return err_hint(e, "make it first: a copy makes no directories above its own");
	}
	c->exists = fstatat(c->top, c->place, &st, AT_SYMLINK_NOFOLLOW) == 0;
	return 0;
}

/* What is written to a tmpfs that ends with its only holder is gone. */
static int place_check_kept(const struct copy *c, struct err *e)
{
	struct statfs fs;

	if (!(c->request.flags & COPY_STOPPED))
		return 0;
	if (fstatfs(c->top, &fs) < 0)
		return err_sys(e, "statfs %s", c->request.path);
	if (fs.f_type != TMPFS_MAGIC)
		return 0;
	(void)err_set(e, EROFS, "%s is in memory while the instance runs, and it does not run",
		      c->request.path);
	return err_hint(e, "start it first");
}

int place_open(struct copy *c, int root, struct err *e)
{
	int fd = place_lookup(root, c->request.path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);

	if (fd >= 0)
		c->top = fd;
	else if (c->request.flags & COPY_FOREIGN)
		return err_ret(e, fd, "%s", c->request.path);
	else if (fd != -ENOENT && fd != -ENOTDIR)
		return err_ret(e, fd, "%s", c->request.path);
	else if (place_open_parent(c, root, e) < 0)
		return -e->code;
	return place_check_kept(c, e);
}

/* The first member says whether a directory comes. */
static int place_judge(const struct copy *c, bool is_dir, struct err *e)
{
	bool slash = c->request.flags & COPY_DIRECTORY;

	if (!c->place[0])
		return 0;
	if (c->exists && is_dir)
		return err_set(e, ENOTDIR, "%s is there and is not a directory", c->request.path);
	if (slash && (c->exists || !is_dir))
		return err_set(e, c->exists ? ENOTDIR : ENOENT, "%s: %s", c->request.path,
			       c->exists ? "not a directory" : "no such directory");
	return 0;
}

/* A name of the stream as one below `top`. */
static int place_name(struct copy *c, const char *text, struct entry_name *ret, struct err *e)
{
	const struct entry_limits limits = { .max_name = ENTRY_NAME_MAX,
					     .max_depth = ENTRY_DEPTH_MAX,
					     .whiteouts_are_names = true };
	bool content = c->request.flags & COPY_CONTENT;
	char renamed[ENTRY_NAME_MAX + NAME_MAX + 2];
	size_t len = 0;
	int r = entry_name_parse(text, strlen(text), &limits, ret, e);

	if (r < 0)
		return r;
	/* What was asked for has one name; the stream has no say in it. */
	if (!content && (ret->n == 0 || !str_eq(entry_component(ret, 0), c->request.name)))
		return err_set(e, EPROTO, "it is not below %s", c->request.name);
	if (!c->place[0])
		return 0;
	len = (size_t)str_format(renamed, sizeof(renamed), "%s", c->place);
	for (size_t i = content ? 0 : 1; i < ret->n; i++)
		len += (size_t)str_format(renamed + len, sizeof(renamed) - len, "/%s",
					  entry_component(ret, i));
	return entry_name_parse(renamed, len, &limits, ret, e);
}

static int place_xattrs(struct copy *c, int fd, struct archive_entry *entry, struct err *e)
{
	const char *name;
	const void *value;
	size_t n;

	(void)archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &n) == ARCHIVE_OK) {
		if (str_starts(name, XATTR_USER) && fsetxattr(fd, name, value, n, 0) == 0)
			continue;
		if (str_starts(name, XATTR_USER) && errno != EOPNOTSUPP)
			return err_sys(e, "set attribute %.100s", name);
		c->result.skipped_xattrs++;
	}
	return 0;
}

static int place_content(struct copy *c, struct archive *a, int fd, int64_t size, struct err *e)
{
	struct meta_piece p;
	int64_t end = 0;
	int r;

	while ((r = meta_next_piece(a, size, end, &p, e)) > 0) {
		if (tree_write(fd, p.data, p.n, p.at, e) < 0)
			return -e->code;
		c->result.bytes += p.n;
		end = p.at + (int64_t)p.n;
		copy_progress(c);
	}
	if (r < 0)
		return r;
	if (end < size && ftruncate(fd, size) < 0)
		return err_sys(e, "set its size to %lld", (long long)size);
	return 0;
}

static int place_file(struct copy *c, struct archive *a, struct archive_entry *entry,
		      const struct tree_meta *meta, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	int64_t size = archive_entry_size(entry);
	int r;

	if (size < 0)
		return err_set(e, EBADMSG, "its size is impossible");
	fd = tree_begin_file(&c->tree, &c->name, e);
	if (fd < 0)
		return fd;
	r = place_content(c, a, fd, size, e);
	if (r == 0)
		r = place_xattrs(c, fd, entry, e);
	if (r == 0)
		r = tree_set_owner(fd, meta, e);
	if (r == 0)
		r = tree_set_times(fd, &meta->mtime, e);
	if (r == 0)
		r = tree_place_file(&c->tree, &c->name, e);
	if (r < 0)
		tree_drop_file(&c->tree);
	return r;
}

static int place_dir(struct copy *c, struct archive_entry *entry, const struct tree_meta *meta,
		     struct err *e)
{
	int r;

	/* A directory that was there keeps its own attributes. */
	if (c->name.n == 0)
		return 0;
	r = tree_make_dir(&c->tree, &c->name, meta, e);
	return r < 0 ? r : place_xattrs(c, tree_top(&c->tree), entry, e);
}

static int place_link(struct copy *c, const char *target, struct err *e)
{
	int r = place_name(c, target, &c->target, e);

	return r < 0 ? err_wrap(e, "target of the hard link")
		     : tree_make_link(&c->tree, &c->name, &c->target, e);
}

static int place_symlink(struct copy *c, const char *target, const struct tree_meta *meta,
			 struct err *e)
{
	if (!target || !*target)
		return err_set(e, EBADMSG, "a symbolic link without a target");
	if (strlen(target) >= PATH_MAX)
		return err_set(e, ENAMETOOLONG, "the target of the symbolic link is too long");
	return tree_make_symlink(&c->tree, &c->name, target, meta, e);
}

static int place_meta(const struct copy *c, struct archive_entry *entry, struct tree_meta *ret,
		      struct err *e)
{
	bool archive = c->request.flags & COPY_ARCHIVE;
	int r = meta_read(entry, ret, e);

	if (r < 0)
		return r;
	if (!archive) {
		ret->uid = c->request.uid;
		ret->gid = c->request.gid;
	}
	if (!archive || !(c->request.flags & COPY_INSIDE))
		ret->mode &= 01777;
	return 0;
}

static int place_member(struct copy *c, struct archive *a, struct archive_entry *entry,
			struct err *e)
{
	const char *text = archive_entry_pathname(entry), *link = archive_entry_hardlink(entry);
	mode_t type = archive_entry_filetype(entry);
	struct tree_meta meta;
	int r;

	(void)snprintf(c->shown, sizeof(c->shown), "%s", text ? text : "");
	if (!text)
		return err_set(e, EBADMSG, "it has no name");
	r = c->result.members++ ? 0 : place_judge(c, !link && type == AE_IFDIR, e);
	if (r == 0)
		r = place_name(c, text, &c->name, e);
	if (r == 0)
		r = place_meta(c, entry, &meta, e);
	if (r < 0)
		return r;
	if (link)
		return place_link(c, link, e);
	switch (type) {
	case AE_IFREG:
		return place_file(c, a, entry, &meta, e);
	case AE_IFDIR:
		return place_dir(c, entry, &meta, e);
	case AE_IFLNK:
		return place_symlink(c, archive_entry_symlink(entry), &meta, e);
	case AE_IFIFO:
		return tree_make_node(&c->tree, &c->name, S_IFIFO, 0, &meta, e);
	case AE_IFCHR:
	case AE_IFBLK:
		c->result.devices++;
		return 0;
	case AE_IFSOCK:
		c->result.sockets++;
		return 0;
	default:
		return err_set(e, EBADMSG, "its type %o is unknown", type);
	}
}

/* As in cmd/jail-unpack/unpack.c: names stay the bytes that they are. */
static bool only_charset(struct archive *a)
{
	const char *why = archive_error_string(a);

	return why && strstr(why, "can't be converted from") != NULL;
}

static int place_all(struct copy *c, struct archive *a, struct err *e)
{
	for (;;) {
		struct archive_entry *entry;
		int status = archive_read_next_header(a, &entry);

		if (status == ARCHIVE_EOF)
			return 0;
		if (status != ARCHIVE_OK && !(status == ARCHIVE_WARN && only_charset(a)))
			return err_set(e, EBADMSG, "%s", archive_error_string(a));
		if (place_member(c, a, entry, e) < 0)
			return err_wrap(e, "%.300s", c->shown);
		copy_progress(c);
	}
}

/* By name: "all" would run programs (row 5). */
static bool place_filters(const struct copy *c, struct archive *a)
{
	if (archive_read_support_filter_none(a) != ARCHIVE_OK ||
	    archive_read_support_format_tar(a) != ARCHIVE_OK)
		return false;
	if (!(c->request.flags & COPY_FOREIGN))
		return true;
	return archive_read_support_filter_gzip(a) == ARCHIVE_OK &&
	       archive_read_support_filter_xz(a) == ARCHIVE_OK &&
	       archive_read_support_filter_zstd(a) == ARCHIVE_OK &&
	       archive_read_support_filter_bzip2(a) == ARCHIVE_OK &&
	       archive_read_support_filter_lz4(a) == ARCHIVE_OK;
}

int place_run(struct copy *c, struct err *e)
{
	struct archive *a = archive_read_new();
	int r;

	if (!a)
		return err_nomem(e);
	tree_init(&c->tree, c->top);
	c->tree.in_use = true;
	if (!place_filters(c, a))
		r = err_set(e, ENOTSUP, "this libarchive can't read tar archives");
	else if (archive_read_open_fd(a, COPY_FD_IN, PLACE_BLOCK) != ARCHIVE_OK)
		r = err_set(e, EBADMSG, "this is not a tar archive: %s", archive_error_string(a));
	else
		r = place_all(c, a, e);
	if (r == 0)
		r = tree_finish(&c->tree, e);
	tree_abandon(&c->tree);
	(void)archive_read_free(a);
	return r;
}
