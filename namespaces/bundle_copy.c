/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "tmpcopyup": what the image has in a directory, again in the tmpfs that covers it.
 *
 * The tree is hostile. Every step is openat2 beneath a
 * held fd, through no link and no mount; depth and number of entries are bounded, the amount of
 * data is by the file system that it goes to. What is more than that is an error: a part of a
 * directory would be found out much later.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/dir.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "namespaces/bundle_copy.h"

#define COPY_DEPTH 64
#define COPY_ENTRIES 262144
#define COPY_XATTRS 4096 /* bytes of names */
#define COPY_CHUNK (1u << 20)

struct copy {
	unsigned entries;
};

static int copy_open(int dir, const char *name, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};

	return sys_openat2(dir, name, &how);
}

/* Those that the tmpfs, or we, can't set stay behind, as with cp -a. */
static int copy_xattrs(int from, int to, struct err *e)
{
	char names[COPY_XATTRS], value[COPY_XATTRS];
	ssize_t n = flistxattr(from, names, sizeof(names));

	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : err_sys(e, "list extended attributes");
	for (const char *name = names; name < names + n; name += strlen(name) + 1) {
		ssize_t size = fgetxattr(from, name, value, sizeof(value));

		if (size < 0 && errno == ENODATA)
			continue;
		if (size < 0)
			return err_sys(e, "read %s", name);
		if (fsetxattr(to, name, value, (size_t)size, 0) < 0 && errno != EOPNOTSUPP &&
		    errno != EPERM)
			return err_sys(e, "write %s", name);
	}
	return 0;
}

/* The owner first: changing it takes setuid bits and capabilities off. */
static int copy_meta(int from, int to, const struct stat *st, struct err *e)
{
	const struct timespec times[] = { st->st_atim, st->st_mtim };

	if (fchown(to, st->st_uid, st->st_gid) < 0)
		return err_sys(e, "chown");
	if (fchmod(to, st->st_mode & 07777) < 0)
		return err_sys(e, "chmod");
	if (copy_xattrs(from, to, e) < 0)
		return -e->code;
	return futimens(to, times) < 0 ? err_sys(e, "set times") : 0;
}

static int copy_file(int from_dir, int to_dir, const char *name, struct err *e)
{
	CLEANUP_FD int from = copy_open(from_dir, name, O_RDONLY | O_NONBLOCK);
	CLEANUP_FD int to = -EBADF;
	struct stat st;
	ssize_t n;

	if (from < 0)
		return err_sys(e, "open");
	if (fstat(from, &st) < 0)
		return err_sys(e, "stat");
	if (!S_ISREG(st.st_mode))
		return err_set(e, ESTALE, "changed while it was copied");
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return err_sys(e, "make");
	do
		n = sendfile(to, from, NULL, COPY_CHUNK);
	while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		return err_sys(e, "copy");
	return copy_meta(from, to, &st, e);
}

static int copy_link(int from_dir, int to_dir, const char *name, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return err_sys(e, "read the link");
	target[n] = '\0';
	return symlinkat(target, to_dir, name) < 0 ? err_sys(e, "make the link") : 0;
}

static int copy_special(int from_dir, int to_dir, const char *name, const struct stat *st,
			struct err *e)
{
	const struct timespec times[] = { st->st_atim, st->st_mtim };
	int r = S_ISLNK(st->st_mode) ? copy_link(from_dir, to_dir, name, e)
				     : mknodat(to_dir, name, st->st_mode, st->st_rdev);

	if (r < 0)
		return e->code ? -e->code : err_sys(e, "make the node");
	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "chown");
	/* chown took the setuid bits of a node off, if it ever had some; the umask is 0. */
	return utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? err_sys(e, "set times")
								       : 0;
}

static int copy_dir(struct copy *c, int from, int to, unsigned depth, struct err *e);

static int copy_subdir(struct copy *c, const int dirs[static 2], const char *name, unsigned depth,
		       struct err *e)
{
	CLEANUP_FD int from = copy_open(dirs[0], name, O_RDONLY | O_DIRECTORY);
	CLEANUP_FD int to = -EBADF;

	if (from < 0)
		return errno == EXDEV ? 0 : err_sys(e, "open"); /* another mount */
	if (mkdirat(dirs[1], name, 0700) < 0)
		return err_sys(e, "make");
	to = copy_open(dirs[1], name, O_RDONLY | O_DIRECTORY);
	if (to < 0)
		return err_sys(e, "open the copy");
	return copy_dir(c, from, to, depth + 1, e);
}

static int copy_entry(struct copy *c, const int dirs[static 2], const char *name, unsigned depth,
		      struct err *e)
{
	struct stat st;

	if (++c->entries > COPY_ENTRIES || depth > COPY_DEPTH)
		return err_set(e, E2BIG, "more than %d entries, or %d levels", COPY_ENTRIES,
			       COPY_DEPTH);
	if (fstatat(dirs[0], name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "stat");
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		return copy_subdir(c, dirs, name, depth, e);
	case S_IFREG:
		return copy_file(dirs[0], dirs[1], name, e);
	default:
		return copy_special(dirs[0], dirs[1], name, &st, e);
	}
}

static int copy_dir(struct copy *c, int from, int to, unsigned depth, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_open(from);
	const int dirs[] = { from, to };
	struct dirent *entry;
	struct stat st;

	if (!d || fstat(from, &st) < 0)
		return err_sys(e, "read the directory");
	while ((errno = 0, entry = readdir(d))) {
		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		if (copy_entry(c, dirs, entry->d_name, depth, e) < 0)
			return err_wrap(e, "%s", entry->d_name);
	}
	return errno ? err_sys(e, "read the directory") : copy_meta(from, to, &st, e);
}

static int copy_tree(int from, int to, struct err *e)
{
	CLEANUP_FD int source = copy_open(from, ".", O_RDONLY | O_DIRECTORY);
	CLEANUP_FD int copy = copy_open(to, ".", O_RDONLY | O_DIRECTORY);
	struct copy c = { .entries = 0 };

	if (source < 0 || copy < 0)
		return err_sys(e, "open the directory");
	return copy_dir(&c, source, copy, 0, e);
}

int bundle_copy_up(int from, int to, bool keep_mode, struct err *e)
{
	CLEANUP_FD int copy = copy_open(to, ".", O_RDONLY | O_DIRECTORY);
	struct stat st;

	if (copy < 0 || fstat(copy, &st) < 0)
		return err_sys(e, "tmpcopyup");
	if (copy_tree(from, copy, e) < 0)
		return err_wrap(e, "tmpcopyup");
	if (keep_mode && fchmod(copy, st.st_mode & 07777) < 0)
		return err_sys(e, "tmpcopyup: chmod");
	return 0;
}
