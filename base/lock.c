/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Open file description locks (fcntl(2), F_OFD_*): like flock(2) they belong to the description,
 * not to the process, but they can also be asked about without being taken (F_OFD_GETLK), so that
 * `ps` never makes a `start` fail that tries the lock at the same moment.
 *
 * A lock file may be removed together with what it guards. Whoever waited for it then holds a lock
 * on a nameless file, which guards nothing: after locking, the name is looked up again, and if it
 * is not the same file any more, all starts anew.
 */
#include "base/lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"

#define LOCK_POLL_MS 2
#define LOCK_ATTEMPTS 100

/* 1 = locked, 0 = somebody else has it, or -errno. */
static int lock_try(int fd, enum lock_mode mode)
{
	struct flock fl = { .l_type = mode == LOCK_MODE_SHARED ? F_RDLCK : F_WRLCK,
			    .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &fl) == 0)
		return 1;
	return errno == EAGAIN || errno == EACCES || errno == EINTR ? 0 : -errno;
}

/* As lock_try, again and again until the deadline. */
static int lock_wait(int fd, enum lock_mode mode, uint64_t deadline_ms)
{
	for (;;) {
		struct timespec pause = { .tv_nsec = LOCK_POLL_MS * 1000000L };
		int r = lock_try(fd, mode);

		if (r != 0)
			return r;
		if (clock_boot_ms() >= deadline_ms)
			return -EWOULDBLOCK;
		(void)nanosleep(&pause, NULL);
	}
}

/* 1 = `name` is still the file that fd is, 0 = not, or -errno. */
static int lock_is_current(int fd, int dir, const char *name)
{
	struct stat mine, named;

	if (fstat(fd, &mine) < 0)
		return -errno;
	if (fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

int lock_take_at(int dir, const char *name, enum lock_mode mode, unsigned wait_ms, struct err *e)
{
	uint64_t deadline_ms = clock_boot_ms() + wait_ms;

	for (int i = 0; i < LOCK_ATTEMPTS; i++) {
		CLEANUP_FD int fd = -EBADF;
		int r;

		fd = openat(dir, name,
			    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
			    0600);
		if (fd < 0)
			return err_sys(e, "open lock %s", name);
		r = lock_wait(fd, mode, deadline_ms);
		if (r == -EWOULDBLOCK)
			return err_set(e, EWOULDBLOCK, "lock %s: held by another process", name);
		if (r < 0)
			return err_ret(e, r, "lock %s", name);
		r = lock_is_current(fd, dir, name);
		if (r < 0)
			return err_ret(e, r, "lock %s", name);
		if (r > 0)
			return TAKE_FD(fd);
	}
	return err_set(e, EWOULDBLOCK, "lock %s: the file is replaced again and again", name);
}

int lock_is_held_at(int dir, const char *name)
{
	struct flock fl = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	CLEANUP_FD int fd = -EBADF;

	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fcntl(fd, F_OFD_GETLK, &fl) < 0)
		return -errno;
	return fl.l_type == F_WRLCK;
}
