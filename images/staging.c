/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Staging directories. Each is locked by flock(2) on the directory itself: the lock dies with its
 * holder, and there is no lock file to clean up. Making one and locking it happen under the store's
 * lock, and so does looking for dead ones, so that none is ever seen unlocked before its time.
 */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/path.h"
#include "images/store_priv.h"

#define STAGING_ATTEMPTS 16

static int staging_random_id(char *ret, size_t n, struct err *e)
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_sys(e, "random number");
	return str_format(ret, n, "%016llx%016llx", (unsigned long long)random[0],
			  (unsigned long long)random[1]);
}

int staging_make(const struct image_store *s, struct staging *ret, struct err *e)
{
	CLEANUP_FD int lock = -EBADF;

	lock = store_lock(s, e);
	if (lock < 0)
		return lock;
	for (int i = 0; i < STAGING_ATTEMPTS; i++) {
		struct staging st = STAGING_INIT;
		int r = staging_random_id(st.id, sizeof(st.id), e);

		if (r < 0)
			return r;
		if (mkdirat(s->staging, st.id, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			return err_sys(e, "make staging directory %s", st.id);
		}
		st.dir = path_open_beneath(s->staging, st.id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
					   0);
		if (st.dir < 0)
			return err_ret(e, st.dir, "open staging directory %s", st.id);
		if (flock(st.dir, LOCK_EX | LOCK_NB) < 0) {
			r = err_sys(e, "lock staging directory %s", st.id);
			fd_reset(&st.dir);
			return r;
		}
		*ret = st;
		return 0;
	}
	return err_set(e, EEXIST, "no free name for a staging directory");
}

int staging_adopt(const struct image_store *s, const char *id, struct staging *ret, struct err *e)
{
	struct staging st = STAGING_INIT;
	int r;

	/* Not one of ours: it may be anything, and is in the way of nobody. */
	if (str_format(st.id, sizeof(st.id), "%s", id) < 0)
		return 0;
	st.dir = path_open_beneath(s->staging, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (st.dir == -ENOENT || st.dir == -ENOTDIR || st.dir == -ELOOP)
		return 0;
	if (st.dir < 0)
		return err_ret(e, st.dir, "open staging directory %s", id);
	if (flock(st.dir, LOCK_EX | LOCK_NB) == 0) {
		*ret = st;
		return 1;
	}
	r = errno == EWOULDBLOCK ? 0 : err_sys(e, "lock staging directory %s", id);
	fd_reset(&st.dir);
	return r;
}

/* A layer that was moved out has another name now, and the old one is free for others. */
static bool staging_is_there(const struct image_store *s, const struct staging *st)
{
	struct stat mine, named;

	return fstat(st->dir, &mine) == 0 &&
	       fstatat(s->staging, st->id, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

int staging_remove(const struct image_store *s, struct staging *st, struct err *e)
{
	int r = 0;

	if (st->dir < 0)
		return 0;
	if (staging_is_there(s, st))
		r = path_remove_tree(s->staging, st->id, e);
	fd_reset(&st->dir);
	return r < 0 ? err_wrap(e, "remove staging directory") : 0;
}
