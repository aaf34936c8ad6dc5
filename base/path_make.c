/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making mount points inside a root file system that somebody else wrote (rows 14, 22).
 *
 * The longest start of the path that exists is opened by one confined openat2(2); what is missing
 * is made below that fd, one component at a time, never through a symlink. A dangling symlink in
 * the way (a Debian image's /etc/resolv.conf) is read and its target takes its place in the path,
 * then all begins anew from the root: a path is only ever resolved by the kernel, under IN_ROOT.
 * Whoever swaps components meanwhile can make this fail or end elsewhere in the root, never
 * outside.
 */
#include <fcntl.h>
#include <limits.h>

#include "base/path.h"
#include "base/str.h"

#define PATH_LINKS_MAX 40 /* as the kernel, path_resolution(7) */

/* Checks that fd is what was asked for. Return: fd taken over, or -errno. */
static int path_check_kind(int owned, bool is_dir)
{
	CLEANUP_FD int fd = owned;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (is_dir && !S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (!is_dir && S_ISDIR(st.st_mode))
		return -EISDIR;
	return TAKE_FD(fd);
}

/* Makes and opens one component below a held directory, not through a link. */
static int path_make_component(int dir, const char *name, bool is_dir, mode_t mode)
{
	if (is_dir) {
		if (mkdirat(dir, name, mode) < 0 && errno != EEXIST)
			return -errno;
		return path_open_beneath(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	}
	return path_open_beneath(dir, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY,
				 mode);
}

/* Makes all of `rest` ("a/b/c") below *dir, which is taken over. Return: fd of the last. */
static int path_make_rest(int owned_dir, char *rest, bool is_dir, mode_t mode)
{
	CLEANUP_FD int dir = owned_dir;

	for (;;) {
		char *slash = strchr(rest, '/');
		int next;

		if (slash)
			*slash = '\0';
		/* The kernel did not resolve this part, so we don't either. */
		if (str_eq(rest, ".."))
			return -ENOENT;
		next = path_make_component(dir, rest, slash || is_dir, slash ? 0755 : mode);
		if (next < 0)
			return next;
		if (!slash)
			return next;
		fd_reset(&dir);
		dir = next;
		rest = slash + 1;
	}
}

/* Drops "." and empty components; the rest, with "..", stays as it is. path: size PATH_MAX. */
static void path_squeeze(char *path)
{
	char *in = path, *out = path;

	while (*in) {
		size_t n = strcspn(in, "/");

		if (n > 0 && !(n == 1 && in[0] == '.')) {
			if (out != path)
				*out++ = '/';
			memmove(out, in, n);
			out += n;
			in += n;
		} else {
			in += n;
		}
		if (*in == '/')
			in++;
	}
	*out = '\0';
}

/*
 * Finds the longest start of `path` that exists. Return: O_PATH fd of it, *ret_rest = offset of
 * what is missing (path[*ret_rest - 1] is the '/' before it, or it is 0), or -errno.
 */
static int path_open_existing(int root, const char *path, size_t *ret_rest)
{
	char start[PATH_MAX];
	size_t n = strlen(path);

	memcpy(start, path, n + 1);
	for (;;) {
		char *slash = strrchr(start, '/');
		int fd;

		*ret_rest = slash ? (size_t)(slash - start) + 1 : 0;
		if (slash)
			*slash = '\0';
		else
			start[0] = '\0';
		fd = path_open_in_root(root, start[0] ? start : ".", O_PATH | O_DIRECTORY, 0);
		if (fd != -ENOENT || start[0] == '\0')
			return fd;
	}
}

/* If the first component of path[rest..] is a symlink in dir: puts its target into path. Return: 1
 * replaced, 0 no symlink, -errno. */
static int path_splice_link(int dir, char *path, size_t rest)
{
	char target[PATH_MAX], name[NAME_MAX + 1], whole[PATH_MAX];
	size_t n = strcspn(path + rest, "/");
	ssize_t len;
	int r;

	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, path + rest, n);
	name[n] = '\0';
	len = readlinkat(dir, name, target, sizeof(target) - 1);
	if (len < 0)
		return errno == EINVAL || errno == ENOENT ? 0 : -errno;
	target[len] = '\0';
	r = str_format(whole, sizeof(whole), "%.*s%s%s", target[0] == '/' ? 0 : (int)rest, path,
		       target, path + rest + n);
	if (r < 0)
		return r;
	path_squeeze(whole);
	memcpy(path, whole, strlen(whole) + 1);
	return 1;
}

/* One attempt per symlink in the way. `path` is a work copy. */
static int path_make(int root, char path[static PATH_MAX], bool is_dir, mode_t mode)
{
	for (int links = 0; links < PATH_LINKS_MAX; links++) {
		CLEANUP_FD int dir = -EBADF;
		size_t rest = 0;
		int fd, r;

		fd = path_open_in_root(root, path[0] ? path : ".", O_PATH, 0);
		if (fd >= 0)
			return path_check_kind(fd, is_dir);
		if (fd != -ENOENT)
			return fd;
		dir = path_open_existing(root, path, &rest);
		if (dir < 0)
			return TAKE_FD(dir);
		r = path_splice_link(dir, path, rest);
		if (r < 0)
			return r;
		if (r == 0) {
			r = path_make_rest(TAKE_FD(dir), path + rest, is_dir, mode);
			return r < 0 ? r : path_check_kind(r, is_dir);
		}
	}
	return -ELOOP;
}

int path_make_in_root(int root, const char *path, bool is_dir, mode_t mode, struct err *e)
{
	char work[PATH_MAX];
	int fd;

	if (str_format(work, sizeof(work), "%s", path) < 0)
		return err_set(e, ENAMETOOLONG, "%s: path too long", path);
	path_squeeze(work);
	fd = path_make(root, work, is_dir, mode);
	if (fd < 0)
		return err_ret(e, fd, "make %s %s in the root file system",
			       is_dir ? "directory" : "file", path);
	return fd;
}
