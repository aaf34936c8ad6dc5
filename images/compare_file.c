/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two files of one kind: what stat(2) says of them, then what only reading them tells. */
#include <fcntl.h>
#include <limits.h>
#include <linux/xattr.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/path.h"
#include "images/compare.h"

#define FILE_PIECE ((size_t)64 << 10)

/* Those of an archive, and overlayfs's. Others are the host's business (SELinux, IMA). */
static bool file_xattr_counts(const char *name)
{
	return str_starts(name, XATTR_USER_PREFIX) || str_eq(name, XATTR_NAME_POSIX_ACL_ACCESS) ||
	       str_eq(name, XATTR_NAME_POSIX_ACL_DEFAULT) || str_eq(name, XATTR_NAME_CAPS) ||
	       str_starts(name, XATTR_TRUSTED_PREFIX "overlay.");
}

struct file_xattrs {
	char names[2][XATTR_LIST_MAX]; /* of both files, each with its NUL */
	ssize_t n[2];
	uint8_t values[2][XATTR_SIZE_MAX];
};

static int file_xattrs_list(int fd, struct file_xattrs *x, size_t i, struct err *e)
{
	x->n[i] = flistxattr(fd, x->names[i], XATTR_LIST_MAX);
	if (x->n[i] < 0 && errno == EOPNOTSUPP)
		x->n[i] = 0;
	return x->n[i] < 0 ? err_sys(e, "list attributes") : 0;
}

static bool file_xattr_same(const char *name, int a, int b, struct file_xattrs *x)
{
	ssize_t n = fgetxattr(a, name, x->values[0], XATTR_SIZE_MAX);
	ssize_t m = fgetxattr(b, name, x->values[1], XATTR_SIZE_MAX);

	return n >= 0 && n == m && memcmp(x->values[0], x->values[1], (size_t)n) == 0;
}

static int file_xattrs_check(struct compare *c, const struct compare_pair *p, int should, int is,
			     struct err *e)
{
	/* Most files have none: no memory for two values then. */
	CLEANUP_FREE struct file_xattrs *x = NULL;
	int r;

	if (flistxattr(should, NULL, 0) <= 0 && flistxattr(is, NULL, 0) <= 0)
		return 0;
	x = malloc(sizeof(*x));
	r = x ? file_xattrs_list(should, x, 0, e) : err_nomem(e);
	if (r == 0)
		r = file_xattrs_list(is, x, 1, e);
	for (size_t i = 0; r == 0 && i < 2; i++) {
		const char *end = x->names[i] + x->n[i];

		for (const char *name = x->names[i]; name < end; name += strlen(name) + 1) {
			if (!file_xattr_counts(name))
				continue;
			if (i == 1 && fgetxattr(should, name, NULL, 0) >= 0)
				continue; /* seen */
			if (!file_xattr_same(name, should, is, x) &&
			    compare_problem(c, p->path, "attribute %s %s", name,
					    i == 0 ? "differs" : "is not in the layer") < 0)
				return err_nomem(e);
		}
	}
	return r;
}

static int file_read(int fd, void *ret, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t part = read(fd, (uint8_t *)ret + got, n - got);

		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
			return part < 0 ? -errno : (int)got;
		got += (size_t)part;
	}
	return (int)got;
}

static int file_content_check(struct compare *c, const struct compare_pair *p, int should, int is,
			      struct err *e)
{
	CLEANUP_FREE uint8_t *a = malloc(FILE_PIECE), *b = malloc(FILE_PIECE);
	int n, m;

	if (!a || !b)
		return err_nomem(e);
	do {
		n = file_read(should, a, FILE_PIECE);
		m = file_read(is, b, FILE_PIECE);
		if (n < 0 || m < 0)
			return err_ret(e, n < 0 ? n : m, "read %s", p->path);
	} while (n > 0 && n == m && memcmp(a, b, (size_t)n) == 0);
	if (n == 0 && m == 0)
		return 0;
	c->contents = true;
	return compare_problem(c, p->path, "its content was changed") < 0 ? err_nomem(e) : 0;
}

/* What only an open file tells. Links, devices and FIFOs have none of it: the importer gives them
 * no attributes. */
static int file_check_open(struct compare *c, const struct compare_pair *p, struct err *e)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	CLEANUP_FD int should = path_open_beneath(p->should_dir, p->name, flags, 0);
	CLEANUP_FD int is = path_open_beneath(p->is_dir, p->name, flags, 0);
	int r;

	if (should < 0 || is < 0)
		return err_ret(e, should < 0 ? should : is, "open %s", p->path);
	r = file_xattrs_check(c, p, should, is, e);
	if (r == 0 && S_ISREG(p->is.st_mode) && p->is.st_size == p->should.st_size &&
	    p->is.st_size > 0 && !c->is_proven(&p->is, c->arg))
		r = file_content_check(c, p, should, is, e);
	return r;
}

static int file_check_target(struct compare *c, const struct compare_pair *p, struct err *e)
{
	char a[PATH_MAX], b[PATH_MAX];
	ssize_t n = readlinkat(p->should_dir, p->name, a, sizeof(a));
	ssize_t m = readlinkat(p->is_dir, p->name, b, sizeof(b));

	if (n < 0 || m < 0)
		return err_sys(e, "read link %s", p->path);
	if (n == m && memcmp(a, b, (size_t)n) == 0)
		return 0;
	return compare_problem(c, p->path, "leads to %.*s, %.*s in the layer",
			       (int)(m > 200 ? 200 : m), b, (int)(n > 200 ? 200 : n), a) < 0
		       ? err_nomem(e)
		       : 0;
}

static int file_check_time(struct compare *c, const struct compare_pair *p)
{
	const struct timespec *a = &p->should.st_mtim, *b = &p->is.st_mtim;

	if (a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec)
		return 0;
	return compare_problem(c, p->path, "modified at %lld.%09ld, %lld.%09ld in the layer",
			       (long long)b->tv_sec, b->tv_nsec, (long long)a->tv_sec, a->tv_nsec);
}

static int file_check_stat(struct compare *c, const struct compare_pair *p)
{
	const struct stat *a = &p->should, *b = &p->is;
	bool device = S_ISCHR(a->st_mode) || S_ISBLK(a->st_mode), regular = S_ISREG(a->st_mode);
	int r = 0;

	if (a->st_uid != b->st_uid || a->st_gid != b->st_gid)
		r = compare_problem(c, p->path, "owner %u:%u, %u:%u in the layer", b->st_uid,
				    b->st_gid, a->st_uid, a->st_gid);
	if (r == 0 && (a->st_mode & 07777) != (b->st_mode & 07777))
		r = compare_problem(c, p->path, "mode %04o, %04o in the layer", b->st_mode & 07777,
				    a->st_mode & 07777);
	if (r == 0 && regular && a->st_size != b->st_size)
		r = compare_problem(c, p->path, "%lld bytes, %lld in the layer",
				    (long long)b->st_size, (long long)a->st_size);
	if (r == 0 && regular && a->st_nlink != b->st_nlink)
		r = compare_problem(c, p->path, "%lu hard links, %lu in the layer",
				    (unsigned long)b->st_nlink, (unsigned long)a->st_nlink);
	if (r == 0 && device && a->st_rdev != b->st_rdev)
		r = compare_problem(c, p->path, "device %u:%u, %u:%u in the layer",
				    major(b->st_rdev), minor(b->st_rdev), major(a->st_rdev),
				    minor(a->st_rdev));
	return r < 0 ? r : file_check_time(c, p);
}

int compare_file(struct compare *c, const struct compare_pair *p, struct err *e)
{
	if (file_check_stat(c, p) < 0)
		return err_nomem(e);
	if (S_ISLNK(p->is.st_mode))
		return file_check_target(c, p, e);
	if (S_ISREG(p->is.st_mode) || S_ISDIR(p->is.st_mode))
		return file_check_open(c, p, e);
	return 0;
}
