/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk of a copy. Of a file with several names the first copy is linked into `links` under its
 * inode number, where those that come later find it, however long the paths are.
 */
#include "images/treecopy.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/dir.h"
#include "base/path.h"
#include "base/str.h"
#include "images/treecopy_priv.h"

#define READ_SIZE (32u << 10)

/* For two file systems. Return: bytes, 0 at the end. */
static ssize_t copy_by_hand(int from, off_t *at, int to, off_t *out, size_t n)
{
	char buffer[READ_SIZE];
	ssize_t got = pread(from, buffer, n < sizeof(buffer) ? n : sizeof(buffer), *at);

	for (ssize_t done = 0; done < got;) {
		ssize_t put = pwrite(to, buffer + done, (size_t)(got - done), *out);

		if (put < 0)
			return -1;
		done += put;
		*out += put;
	}
	if (got > 0)
		*at += got;
	return got;
}

static ssize_t copy_some(int from, off_t *at, int to, off_t *out, size_t n)
{
	ssize_t r = copy_file_range(from, at, to, out, n, 0);

	if (r >= 0 || (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP))
		return r;
	return copy_by_hand(from, at, to, out, n);
}

/* Extents that hold data, one after the other; what lies between stays a hole. */
static int copy_extents(int from, int to, off_t size, struct err *e)
{
	for (off_t at = 0; at < size;) {
		off_t data = lseek(from, at, SEEK_DATA), end, out;

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			return err_sys(e, "look for data");
		end = lseek(from, data, SEEK_HOLE);
		if (end < 0)
			return err_sys(e, "look for the end of data");
		out = data;
		while (data < end) {
			ssize_t n = copy_some(from, &data, to, &out, (size_t)(end - data));

			if (n < 0)
				return err_sys(e, "copy the content");
			if (n == 0)
				return err_set(e, EIO, "copy the content: the file ended early");
		}
		at = end;
	}
	return ftruncate(to, size) < 0 ? err_sys(e, "set the size") : 0;
}

int tree_copy_content(struct tree_copy *c, int from, int to, uint64_t size, struct err *e)
{
	if (size == 0)
		return 0;
	if (!c->no_clone) {
		if (ioctl(to, FICLONE, from) == 0)
			return 0;
		/* For this file, or for all: asking again costs little, so only the latter is kept.
		 */
		c->no_clone = errno == EOPNOTSUPP || errno == ENOTTY || errno == EXDEV;
	}
	return copy_extents(from, to, (off_t)size, e);
}

int tree_open_regular(int dir, const char *name, struct err *e)
{
	CLEANUP_FD int found = path_open_beneath(dir, name, O_PATH | O_NOFOLLOW, 0);
	char path[64];
	struct stat st;
	int fd;

	if (found < 0)
		return found == -ENOENT ? TAKE_FD(found) : err_ret(e, TAKE_FD(found), "open");
	if (fstat(found, &st) < 0)
		return err_sys(e, "stat");
	if (!S_ISREG(st.st_mode))
		return err_set(e, EBUSY, "was replaced while it was read");
	(void)str_format(path, sizeof(path), "/proc/self/fd/%d", found);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? err_sys(e, "open") : fd;
}

static int copy_regular(struct tree_copy *c, const struct tree_pair *p, const struct stat *st,
			struct err *e)
{
	CLEANUP_FD int from = tree_open_regular(p->from, p->name, e), to = -EBADF;
	struct stat now;
	int r;

	if (from < 0)
		return from == -ENOENT ? err_set(e, EBUSY, "vanished while it was copied") : from;
	if (fstat(from, &now) < 0)
		return err_sys(e, "stat");
	if (now.st_ino != st->st_ino)
		return err_set(e, EBUSY, "was replaced while it was copied");
	to = openat(p->to, p->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (to < 0)
		return err_sys(e, "make");
	r = tree_copy_content(c, from, to, (uint64_t)now.st_size, e);
	c->files++;
	c->bytes += (uint64_t)now.st_size;
	return r;
}

static int copy_symlink(const struct tree_pair *p, struct err *e)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(p->from, p->name, target, sizeof(target));

	if (n < 0 || (size_t)n == sizeof(target))
		return err_sys(e, "read the link");
	target[n] = '\0';
	return symlinkat(target, p->to, p->name) < 0 ? err_sys(e, "make the link") : 0;
}

/* One more name of what was copied already. Return: 1 done; 0 it is the first. */
static int copy_link(struct tree_copy *c, const struct tree_pair *p, const struct stat *st,
		     char number[static 24], struct err *e)
{
	(void)str_format(number, 24, "%" PRIu64, (uint64_t)st->st_ino); /* fits */
	if (st->st_nlink < 2)
		return 0;
	if (linkat(c->links, number, p->to, p->name, 0) == 0)
		return 1;
	return errno == ENOENT ? 0 : err_sys(e, "link");
}

static int copy_other(struct tree_copy *c, const struct tree_pair *p, const struct stat *st,
		      struct err *e)
{
	char number[24];
	int r = copy_link(c, p, st, number, e);

	if (r != 0)
		return r < 0 ? r : 0;
	if (S_ISREG(st->st_mode))
		r = copy_regular(c, p, st, e);
	else if (S_ISLNK(st->st_mode))
		r = copy_symlink(p, e);
	else if (mknodat(p->to, p->name, st->st_mode & (S_IFMT | 0600), st->st_rdev) < 0)
		r = err_sys(e, "make");
	if (r >= 0)
		r = tree_copy_attributes(c, p, st, e);
	if (r < 0 || st->st_nlink < 2)
		return r;
	if (linkat(p->to, p->name, c->links, number, 0) < 0)
		return err_sys(e, "link");
	c->linked = true;
	return 0;
}

static int copy_directory(struct tree_copy *c, int from, int to, unsigned depth, struct err *e);

static int copy_below(struct tree_copy *c, const struct tree_pair *p, const struct stat *st,
		      unsigned depth, struct err *e)
{
	CLEANUP_FD int from = -EBADF, to = -EBADF;
	const struct tree_pair itself = { .name = "" };
	struct tree_pair pair = itself;
	int r;

	if (depth == TREE_DEPTH_MAX)
		return err_set(e, E2BIG, "more than %d directories in each other", TREE_DEPTH_MAX);
	from = path_open_beneath(p->from, p->name, O_RDONLY | O_DIRECTORY, 0);
	if (from < 0)
		return err_ret(e, from, "open");
	if (mkdirat(p->to, p->name, 0700) < 0)
		return err_sys(e, "make");
	to = path_open_beneath(p->to, p->name, O_RDONLY | O_DIRECTORY, 0);
	if (to < 0)
		return err_ret(e, to, "open the copy");
	r = copy_directory(c, from, to, depth + 1, e);
	if (r < 0)
		return r;
	pair.from = from;
	pair.to = to;
	return tree_copy_attributes(c, &pair, st, e);
}

static int mount_of(int dir, const char *name, uint64_t *ret)
{
	const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;
	struct statx x;

	if (statx(dir, name, flags, STATX_MNT_ID, &x) < 0)
		return -errno;
	*ret = x.stx_mnt_id;
	return 0;
}

/* Also a bind mount of the same file system. */
static bool stays_behind(const struct tree_copy *c, const struct tree_pair *p)
{
	uint64_t id = c->mount_id;

	return c->foreign && (mount_of(p->from, p->name, &id) == -ENOENT || id != c->mount_id);
}

static int copy_directory(struct tree_copy *c, int from, int to, unsigned depth, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_open(from);
	struct dirent *entry;

	if (!d)
		return err_sys(e, "list");
	while ((errno = 0, entry = readdir(d))) {
		const struct tree_pair p = { .from = from, .to = to, .name = entry->d_name };
		struct stat st;
		int r;

		if (str_eq(p.name, ".") || str_eq(p.name, "..") || stays_behind(c, &p))
			continue;
		if (fstatat(from, p.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_sys(e, "%s: stat", p.name);
		r = S_ISDIR(st.st_mode) ? copy_below(c, &p, &st, depth, e)
					: copy_other(c, &p, &st, e);
		if (r < 0) {
			/* The text would be nothing but names: the last few tell where it is. */
			return depth < 8 ? err_wrap(e, "%s", p.name) : r;
		}
	}
	return errno ? err_sys(e, "list") : 0;
}

void tree_open_files_raise(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

/*
 * Quotas and reserved blocks don't bind who may exceed resource limits, and a copy would take what
 * the instance may not have. So the right to is put aside, and taken back afterwards. *ret:
 * what was in effect until now.
 */
static int limits_bind(bool bind, uint32_t before, uint32_t *ret, struct err *e)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct v[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (syscall(SYS_capget, &h, v) < 0)
		return err_sys(e, "capget");
	*ret = v[0].effective;
	v[0].effective = bind ? v[0].effective & ~(UINT32_C(1) << CAP_SYS_RESOURCE) : before;
	return syscall(SYS_capset, &h, v) < 0 ? err_sys(e, "capset") : 0;
}

int tree_copy(struct tree_copy *c, int from, int to, struct err *e)
{
	const struct tree_pair p = { .from = from, .to = to, .name = "", .root = true };
	struct err ignored = ERR_INIT;
	uint32_t before = 0, now;
	struct stat st;
	int r;

	tree_open_files_raise();
	r = c->foreign ? mount_of(from, "", &c->mount_id) : 0;
	if (r < 0)
		return err_ret(e, r, "stat");
	r = limits_bind(true, 0, &before, e);
	if (r < 0)
		return r;
	r = copy_directory(c, from, to, 0, e);
	(void)limits_bind(false, before, &now, &ignored);
	if (r >= 0)
		r = fstat(from, &st) < 0 ? err_sys(e, "stat") : 0;
	if (r >= 0)
		r = tree_copy_attributes(c, &p, &st, e);
	free(c->buffer);
	c->buffer = NULL;
	return r;
}
