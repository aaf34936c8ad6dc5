/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening paths. Every lookup is one openat2(2) that the kernel confines, so there is no moment
 * between a check and a use (rows 14 to 22). openat2 fails with EAGAIN when a rename or a mount
 * raced with a ".." in the path: it is tried again a bounded number of times.
 */
#include "base/path.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "base/str.h"
#include "base/sys.h"

#define PATH_RACE_ATTEMPTS 128

static int path_open(int dir, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = { .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
				.resolve = resolve | RESOLVE_NO_MAGICLINKS };

	/* openat2 refuses a mode where it has no meaning. */
	if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE)
		how.mode = mode & 07777;
	for (int i = 0; i < PATH_RACE_ATTEMPTS; i++) {
		int fd = sys_openat2(dir, path, &how);

		if (fd >= 0)
			return fd;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

int path_open_in_root(int root, const char *path, int flags, mode_t mode)
{
	return path_open(root, path, flags, mode, RESOLVE_IN_ROOT);
}

int path_open_beneath(int dir, const char *path, int flags, mode_t mode)
{
	return path_open(dir, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

int path_open_in_root_nolink(int root, const char *path, int flags, mode_t mode)
{
	return path_open(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
}

int path_open_nolink(const char *path, int flags)
{
	return path_open(AT_FDCWD, path, flags, 0, RESOLVE_NO_SYMLINKS);
}

int path_enter(const char *dir)
{
	char now[PATH_MAX];

	if (chdir(dir) < 0 || syscall(SYS_getcwd, now, sizeof(now)) < 0)
		return -errno;
	return now[0] == '/' ? 0 : -EXDEV;
}

int path_clean(const char *path, char *ret, size_t n)
{
	char out[PATH_MAX];
	size_t len = 0;

	if (path[0] != '/' || n == 0)
		return -EINVAL;
	while (*path) {
		size_t part = strcspn(path, "/");

		if (part == 2 && path[0] == '.' && path[1] == '.') {
			while (len > 0 && out[--len] != '/')
				;
		} else if (part > 0 && !(part == 1 && path[0] == '.')) {
			if (len + part + 2 > sizeof(out))
				return -EINVAL;
			out[len++] = '/';
			memcpy(out + len, path, part);
			len += part;
		}
		path += part + (path[part] == '/');
	}
	if (len == 0)
		out[len++] = '/';
	if (len >= n)
		return -EINVAL;
	memcpy(ret, out, len);
	ret[len] = '\0';
	return 0;
}

/* Checks that nobody but root and us can change what is in the directory (row 84). `last`: it is
 * ours alone. A sticky directory (/tmp) passes as a parent: what is in it is checked in turn. */
static int path_check_ours(int fd, const char *path, bool last, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(e, EPERM, "directory %s: owned by uid %u, not by root", path,
			       st.st_uid);
	if (last ? (st.st_mode & 077) != 0 : (st.st_mode & 022) != 0 && !(st.st_mode & S_ISVTX)) {
		(void)err_set(e, EPERM, "directory %s: mode %04o lets other users in", path,
			      st.st_mode & 07777);
		return err_hint(e, "chmod %s %s", last ? "0700" : "go-w", path);
	}
	return 0;
}

/*
 * Opens a directory, made before if it isn't there. It nearly always is, and a mkdir(2) that finds
 * it locks the directory above for writing, "/" among them, against everybody. *ret_made may be
 * NULL.
 */
static int path_open_or_make(int dir, const char *name, mode_t mode, bool *ret_made)
{
	int fd = path_open_beneath(dir, name, O_RDONLY | O_DIRECTORY, 0);

	if (fd != -ENOENT)
		return fd;
	if (mkdirat(dir, name, mode) == 0) {
		if (ret_made)
			*ret_made = true;
	} else if (errno != EEXIST) { /* else another was faster */
		return -errno;
	}
	return path_open_beneath(dir, name, O_RDONLY | O_DIRECTORY, 0);
}

int path_make_state_dir(const char *path, struct err *e)
{
	CLEANUP_FD int dir = -EBADF;
	char clean[PATH_MAX];
	char *p = clean;

	if (path_clean(path, clean, sizeof(clean)) < 0 || str_eq(clean, "/"))
		return err_set(e, EINVAL, "directory %s: expected an absolute path, not /", path);
	dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "open /");
	/* At each turn `clean`, cut at the end of one component, is the path so far. */
	while (*p == '/' && p[1] != '\0') {
		char *end = strchrnul(p + 1, '/');
		char cut = *end;
		int next;

		*end = '\0';
		next = path_open_or_make(dir, p + 1, 0700, NULL);
		if (next == -ELOOP)
			return err_set(e, ELOOP, "directory %s: is a symbolic link", clean);
		if (next < 0)
			return err_ret(e, next, "make directory %s", clean);
		fd_reset(&dir);
		dir = next;
		if (path_check_ours(dir, clean, cut == '\0', e) < 0)
			return -e->code;
		*end = cut;
		p = end;
	}
	return TAKE_FD(dir);
}

int path_make_dir_at(int dir, const char *name, mode_t mode, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	bool made = false;

	if (name[0] == '\0' || strchr(name, '/') || str_eq(name, ".") || str_eq(name, ".."))
		return err_set(e, EINVAL, "make directory \"%s\": not one path component", name);
	fd = path_open_or_make(dir, name, mode, &made);
	if (fd < 0)
		return err_ret(e, TAKE_FD(fd), "make directory %s", name);
	/* mkdir(2) took the umask off. */
	if (made && fchmod(fd, mode) < 0)
		return err_sys(e, "chmod %s", name);
	return TAKE_FD(fd);
}
