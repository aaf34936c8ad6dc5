/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a tree into the stream, while others may change it (row 50). Each object is looked up once,
 * as one component below its held directory, by an O_PATH fd that follows nothing; what it is is
 * asked of that fd, and only a regular file or a directory is then opened, through /proc/self/fd:
 * the same object whatever its name means by then. So no FIFO makes us wait and no device notices.
 *
 * The format is pax, with the owners as we see them, times to the nanosecond, user.* attributes,
 * holes. A file has the size that it had when it was opened: one that shrinks is filled up with
 * zeros, and counted.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/xattr.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "base/dir.h"
#include "base/path.h"
#include "base/str.h"
#include "cmd/jail-copy/copy.h"
#include "cmd/jail-copy/pax.h"
#include "cmd/jail-copy/seen.h"

#define PACK_BLOCK ((size_t)64 << 10)

struct pack_level {
	DIR *dir;
	size_t name_len; /* of `path` up to here */
	dev_t dev;
};

struct pack {
	struct copy *c;
	struct pax out;
	struct seen seen;
	struct sparse_map map; /* of the file at hand */
	struct pack_level levels[ENTRY_DEPTH_MAX];
	size_t n;
	char path[ENTRY_NAME_MAX + 1]; /* of the member at hand */
	uint8_t buf[PACK_BLOCK], xattr[ENTRY_XATTR_VALUE_MAX];
};

static struct pack pack; /* large */

/* The object behind an O_PATH fd, open. */
static int pack_reopen(const struct pack *p, int fd, int flags, struct err *e)
{
	char number[16];
	int r;

	(void)str_format(number, sizeof(number), "%d", fd);
	r = openat(p->c->fds, number, flags | O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return r < 0 ? err_sys(e, "open") : r;
}

static int pack_xattr(struct pack *p, int fd, const char *name, struct err *e)
{
	ssize_t n = fgetxattr(fd, name, p->xattr, sizeof(p->xattr));

	if (n < 0) /* gone meanwhile */
		return errno == ENODATA ? 0 : err_sys(e, "read attribute %.100s", name);
	if (!pax_xattr(&p->out, name, p->xattr, (size_t)n))
		p->c->result.skipped_xattrs++;
	return 0;
}

static int pack_xattrs(struct pack *p, int fd, struct err *e)
{
	CLEANUP_FREE char *list = NULL;
	ssize_t n = flistxattr(fd, NULL, 0);
	int r = 0;

	if (n == 0 || (n < 0 && errno == EOPNOTSUPP))
		return 0;
	list = malloc(XATTR_LIST_MAX);
	if (!list)
		return err_nomem(e);
	n = flistxattr(fd, list, XATTR_LIST_MAX);
	if (n < 0)
		return err_sys(e, "list attributes");
	for (const char *name = list; r == 0 && name < list + n; name += strlen(name) + 1)
		if (str_starts(name, XATTR_USER_PREFIX))
			r = pack_xattr(p, fd, name, e);
	return r;
}

static int pack_extent(struct pack *p, int fd, const struct sparse_extent *x, bool *whole,
		       struct err *e)
{
	for (uint64_t done = 0; done < x->n;) {
		uint64_t left = x->n - done;
		size_t want = left < sizeof(p->buf) ? (size_t)left : sizeof(p->buf);
		ssize_t n = pread(fd, p->buf, want, (off_t)(x->at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read");
		if (n == 0) {
			*whole = false;
			memset(p->buf, 0, want);
			n = (ssize_t)want;
		}
		if (pax_data(&p->out, p->buf, (size_t)n, e) < 0)
			return -e->code;
		done += (uint64_t)n;
		p->c->result.bytes += (uint64_t)n;
		copy_progress(p->c);
	}
	return 0;
}

static int pack_content(struct pack *p, int fd, struct err *e)
{
	bool whole = true;

	for (size_t i = 0; i < p->map.n; i++)
		if (pack_extent(p, fd, &p->map.v[i], &whole, e) < 0)
			return -e->code;
	p->c->result.changed += !whole;
	return pax_pad(&p->out, e);
}

static void pack_begin(struct pack *p)
{
	pax_begin(&p->out);
	p->c->result.members++;
}

static int pack_file(struct pack *p, int object, struct err *e)
{
	CLEANUP_FD int fd = pack_reopen(p, object, 0, e);
	const char *first = NULL;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat");
	pack_begin(p);
	if (st.st_nlink > 1 && seen_name(&p->seen, &st, p->path, &first, e) < 0)
		return -e->code;
	if (first)
		return pax_header(&p->out, p->path, &st, first, true, 0, e);
	if (pack_xattrs(p, fd, e) < 0)
		return -e->code;
	sparse_look(fd, st.st_size, &p->map);
	if (p->map.holes)
		pax_hole_map(&p->out, p->map.v, p->map.n, (uint64_t)st.st_size);
	if (pax_header(&p->out, p->path, &st, NULL, false, p->map.data, e) < 0)
		return -e->code;
	return pack_content(p, fd, e);
}

static int pack_symlink(struct pack *p, int object, const struct stat *st, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(object, "", target, sizeof(target) - 1);

	if (n < 0)
		return err_sys(e, "read the link");
	target[n] = '\0';
	pack_begin(p);
	return pax_header(&p->out, p->path, st, target, false, 0, e);
}

/* File systems of the kernel's, which are not the instance's files. */
static bool pack_is_virtual(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	return fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC ||
	       fs.f_type == CGROUP2_SUPER_MAGIC || fs.f_type == DEVPTS_SUPER_MAGIC ||
	       fs.f_type == DEBUGFS_MAGIC || fs.f_type == TRACEFS_MAGIC ||
	       fs.f_type == SECURITYFS_MAGIC || fs.f_type == BPF_FS_MAGIC;
}

static int pack_dir(struct pack *p, int object, const struct stat *st, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	struct pack_level *level;

	if (p->n == ARRAY_SIZE(p->levels))
		return err_set(e, ELOOP, "more than %d directories deep", ENTRY_DEPTH_MAX);
	fd = pack_reopen(p, object, O_DIRECTORY, e);
	if (fd < 0)
		return fd;
	pack_begin(p);
	if (pack_xattrs(p, fd, e) < 0 || pax_header(&p->out, p->path, st, NULL, false, 0, e) < 0)
		return -e->code;
	if (p->n > 0 && st->st_dev != p->levels[p->n - 1].dev && pack_is_virtual(fd))
		return 0;
	level = &p->levels[p->n];
	level->dir = dir_take(&fd);
	if (!level->dir)
		return err_sys(e, "open");
	level->dev = st->st_dev;
	level->name_len = strlen(p->path);
	p->n++;
	return 0;
}

/* One object, whatever it is by now. Directories go onto the stack. */
static int pack_object(struct pack *p, int object, struct err *e)
{
	struct stat st;

	if (fstat(object, &st) < 0)
		return err_sys(e, "stat");
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return pack_file(p, object, e);
	case S_IFDIR:
		return pack_dir(p, object, &st, e);
	case S_IFLNK:
		return pack_symlink(p, object, &st, e);
	case S_IFIFO:
		pack_begin(p);
		return pax_header(&p->out, p->path, &st, NULL, false, 0, e);
	case S_IFSOCK:
		p->c->result.sockets++;
		break;
	default:
		p->c->result.devices++;
		break;
	}
	if (p->n == 0)
		return err_set(e, EINVAL, "a device or socket can't be copied");
	return 0;
}

static int pack_next(struct pack *p, struct err *e)
{
	struct pack_level *level = &p->levels[p->n - 1];
	CLEANUP_FD int object = -EBADF;
	const struct dirent *d;

	errno = 0;
	d = readdir(level->dir);
	if (!d && errno)
		return err_sys(e, "read the directory");
	if (!d) {
		dir_close(&level->dir);
		p->n--;
		return 0;
	}
	if (str_eq(d->d_name, ".") || str_eq(d->d_name, ".."))
		return 0;
	if (str_format(p->path + level->name_len, sizeof(p->path) - level->name_len, "/%s",
		       d->d_name) < 0)
		return err_set(e, ENAMETOOLONG, "a name in it is too long");
	object = path_open_beneath(dirfd(level->dir), d->d_name, O_PATH | O_NOFOLLOW, 0);
	if (object == -ENOENT) /* removed meanwhile */
		return 0;
	return object < 0 ? err_ret(e, object, "look up") : pack_object(p, object, e);
}

static int pack_all(struct pack *p, struct err *e)
{
	int r = pack_object(p, p->c->top, e);

	while (r == 0 && p->n > 0) {
		p->path[p->levels[p->n - 1].name_len] = '\0';
		r = pack_next(p, e);
		copy_progress(p->c);
	}
	return r < 0 ? err_wrap(e, "%.300s", p->path) : 0;
}

int pack_open(struct copy *c, int root, struct err *e)
{
	const char *path = c->request.path;
	int flags = O_PATH | (c->request.flags & COPY_FOLLOW ? 0 : O_NOFOLLOW);
	struct stat st;
	int r;

	if (root >= 0) {
		r = path_open_in_root(root, path, flags, 0);
	} else {
		r = open(path, flags | O_CLOEXEC);
		r = r < 0 ? -errno : r;
	}
	if (r < 0)
		return err_ret(e, r, "%s", path);
	c->top = r;
	if (fstat(r, &st) < 0)
		return err_sys(e, "stat %s", path);
	if (c->request.flags & (COPY_CONTENT | COPY_DIRECTORY) && !S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "%s", path);
	return 0;
}

int pack_run(struct copy *c, struct err *e)
{
	struct pack *p = &pack;
	int r;

	p->c = c;
	pax_init(&p->out, COPY_FD_OUT);
	(void)str_format(p->path, sizeof(p->path), "%s",
			 c->request.flags & COPY_CONTENT ? "." : c->request.name);
	r = pack_all(p, e);
	while (p->n > 0)
		dir_close(&p->levels[--p->n].dir);
	seen_free(&p->seen);
	/* What a failure leaves is no archive: it has no end. */
	if (r == 0)
		r = pax_end(&p->out, e);
	pax_free(&p->out);
	return r;
}
