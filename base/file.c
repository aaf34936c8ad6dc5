/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole files. A write goes to ".NAME.tmp" and is renamed over NAME. The temporary file is locked
 * while it is written: a second writer of the same name waits for the first, and the leftover of
 * one that was killed is unlocked, so it is simply truncated and used.
 */
#include "base/file.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/fd.h"
#include "base/lock.h"
#include "base/str.h"

#define FILE_WRITER_WAIT_MS 10000

int file_read_at(int dir, const char *name, size_t max, char **ret, size_t *ret_len, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	struct stat st;
	int r;

	/* O_NONBLOCK: a FIFO in the place of the file must not hang us (row 46). */
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s", name);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, S_ISDIR(st.st_mode) ? EISDIR : EINVAL,
			       "read %s: not a regular file", name);
	r = fd_read_all(fd, max, ret, ret_len);
	if (r == -EFBIG)
		return err_set(e, EFBIG, "read %s: larger than %zu bytes", name, max);
	if (r < 0)
		return err_ret(e, r, "read %s", name);
	return 0;
}

/* Fills the locked temporary file. Return: 0 or -errno. */
static int file_fill(int fd, const void *data, size_t n, mode_t mode, enum file_sync sync)
{
	int r;

	if (ftruncate(fd, 0) < 0 || fchmod(fd, mode) < 0)
		return -errno;
	r = fd_write_all(fd, data, n);
	if (r < 0)
		return r;
	if (sync == FILE_SYNC && fsync(fd) < 0)
		return -errno;
	return 0;
}

/* Makes the directory that holds `name` durable: the rename itself lives there. */
static int file_sync_parent(int dir, const char *name)
{
	CLEANUP_FD int parent = -EBADF;
	char path[PATH_MAX];
	const char *slash = strrchr(name, '/');
	int len = slash ? (int)(slash - name) + 1 : 0;

	if (str_format(path, sizeof(path), "%.*s.", len, name) < 0)
		return -ENAMETOOLONG;
	parent = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return -errno;
	return fsync(parent) < 0 ? -errno : 0;
}

int file_write_at(int dir, const char *name, const void *data, size_t n, mode_t mode,
		  enum file_sync sync, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	char tmp[PATH_MAX];
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;
	struct stat st;
	int r;

	if (str_format(tmp, sizeof(tmp), "%.*s.%s.tmp", (int)(base - name), name, base) < 0)
		return err_set(e, ENAMETOOLONG, "write %s: name too long", name);
	fd = lock_take_at(dir, tmp, LOCK_MODE_EXCLUSIVE, FILE_WRITER_WAIT_MS, e);
	if (fd < 0)
		return err_wrap(e, "write %s", name);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", tmp);
	/* Where others may write, too, it could be theirs, and so would be the result. */
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != geteuid())
		return err_set(e, EINVAL, "write %s: %s is not a file of its own", name, tmp);
	r = file_fill(fd, data, n, mode, sync);
	if (r == 0 && renameat(dir, tmp, dir, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dir, tmp, 0);
		return err_ret(e, r, "write %s", name);
	}
	if (sync == FILE_SYNC)
		r = file_sync_parent(dir, name);
	return r < 0 ? err_ret(e, r, "sync directory of %s", name) : 0;
}

static bool is_unfinished(const char *name)
{
	size_t n = strlen(name);

	return name[0] == '.' && n > strlen(".tmp") && str_eq(name + n - strlen(".tmp"), ".tmp");
}

/* Return: 1 removed, 0 it is somebody's, or no file. */
static int remove_unfinished(int dir, const char *name, struct err *e)
{
	CLEANUP_FD int lock = -EBADF;
	struct err why = ERR_INIT;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	lock = lock_take_at(dir, name, LOCK_MODE_EXCLUSIVE, 0, &why);
	if (lock == -EWOULDBLOCK)
		return 0;
	if (lock < 0) {
		*e = why;
		return lock;
	}
	/* Who waits for it looks again whether it is still there. */
	return unlinkat(dir, name, 0) < 0 ? err_sys(e, "remove %s", name) : 1;
}

int file_remove_unfinished(int dir, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_open(dir);
	struct dirent *entry;
	int n = 0;

	if (!d)
		return err_sys(e, "list a directory");
	while ((errno = 0, entry = readdir(d))) {
		int r = is_unfinished(entry->d_name) ? remove_unfinished(dir, entry->d_name, e) : 0;

		if (r < 0)
			return r;
		n += r;
	}
	return errno ? err_sys(e, "list a directory") : n;
}

int file_open_append(const char *path, mode_t mode)
{
	CLEANUP_FD int fd =
		open(path,
		     O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		     mode);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode) && st.st_nlink > 1)
		return -EMLINK;
	return S_ISREG(st.st_mode) || S_ISCHR(st.st_mode) ? TAKE_FD(fd) : -ENXIO;
}

int file_poke_at(int dir, const char *name, const void *data, size_t n)
{
	CLEANUP_FD int fd = -EBADF;
	ssize_t w;

	fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do
		w = write(fd, data, n);
	while (w < 0 && errno == EINTR);
	if (w < 0)
		return -errno;
	return (size_t)w == n ? 0 : -EIO;
}

ssize_t file_peek_at(int dir, const char *name, char *buf, size_t n)
{
	CLEANUP_FD int fd = -EBADF;
	size_t len = 0;

	if (n == 0)
		return -ENOBUFS;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (len < n) {
		ssize_t r = read(fd, buf + len, n - len);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		len += (size_t)r;
	}
	if (len == n) { /* no room for the NUL: the file may be longer */
		buf[0] = '\0';
		return -ENOBUFS;
	}
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return (ssize_t)len;
}
