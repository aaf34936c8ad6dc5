/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cgroup is made and locked in two steps. Whoever finds it between them unlocked may remove it,
 * so the maker looks whether it is still there once it has the lock, and else makes another one;
 * gc removes only under that lock.
 */
#include "cgroups/work.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/path.h"
#include "cgroups/cgroup_priv.h"
#include "cgroups/limits_priv.h"

#define WORK_PREFIX ".work-"
#define WORK_ATTEMPTS 16

/* It is the one that is called so by now. */
static bool work_is_there(const struct cgroup_tree *t, int dir, const char *name)
{
	struct stat mine, named;

	return fstat(dir, &mine) == 0 &&
	       fstatat(t->root_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_ino == named.st_ino;
}

/* Opens and locks. Return: fd; -ENOENT it is gone; -EWOULDBLOCK somebody holds it; -errno. */
static int work_hold(const struct cgroup_tree *t, const char *name)
{
	CLEANUP_FD int dir = path_open_beneath(t->root_fd, name, O_RDONLY | O_DIRECTORY, 0);

	if (dir < 0)
		return TAKE_FD(dir);
	if (flock(dir, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return work_is_there(t, dir, name) ? TAKE_FD(dir) : -ENOENT;
}

static int work_make(const struct cgroup_tree *t, struct cgroup_work *ret, struct err *e)
{
	for (int i = 0; i < WORK_ATTEMPTS; i++) {
		struct cgroup_work w = CGROUP_WORK_INIT;
		uint64_t id;
		int r;

		if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
			return err_sys(e, "random number");
		(void)snprintf(w.name, sizeof(w.name), WORK_PREFIX "%016llx",
			       (unsigned long long)id);
		r = cgroup_mkdir(t->root_fd, w.name);
		if (r == -EEXIST)
			continue;
		if (r < 0)
			return err_ret(e, r, "make cgroup %s/%s", t->path, w.name);
		w.dir = work_hold(t, w.name);
		if (w.dir >= 0) {
			*ret = w;
			return 0;
		}
		if (w.dir == -EWOULDBLOCK || w.dir == -ENOENT)
			continue; /* gc was faster */
		(void)cgroup_rmdir(t->root_fd, w.name);
		return err_ret(e, w.dir, "open cgroup %s/%s", t->path, w.name);
	}
	return err_set(e, EAGAIN,
		       "cgroups %s/" WORK_PREFIX "* are removed as fast as they are made", t->path);
}

int cgroup_work_begin(const struct cgroup_tree *t, const struct cgroup_work_limits *limits,
		      struct cgroup_work *ret, struct err *e)
{
	struct cgroup_limits l = { .memory_max = limits->memory_bytes, .pids_max = limits->pids };
	struct cgroup_work w = CGROUP_WORK_INIT;
	int r = work_make(t, &w, e);

	if (r < 0)
		return r;
	l.has_memory_max = (t->controllers & CGROUP_MEMORY) != 0;
	/* Without the file there is no swap to account for. */
	l.has_swap_max = l.has_memory_max && faccessat(w.dir, "memory.swap.max", F_OK, 0) == 0;
	l.has_pids_max = (t->controllers & CGROUP_PIDS) != 0;
	r = limits_write(&(struct limits_place){ t, w.dir, -EBADF }, &l, e);
	if (r < 0) {
		(void)cgroup_rmdir(t->root_fd, w.name);
		fd_reset(&w.dir);
		return r;
	}
	*ret = w;
	return 0;
}

uint64_t cgroup_work_kills(const struct cgroup_work *w)
{
	return w->dir < 0 ? 0 : cgroup_oom_kills(w->dir);
}

/* Held. Return: 0 or -errno. */
static int work_remove(const struct cgroup_tree *t, const char *name, unsigned wait_ms)
{
	int r = cgroup_rmdir(t->root_fd, name);

	return r == -EBUSY ? cgroup_end(t->root_fd, name, wait_ms) : r;
}

int cgroup_work_end(const struct cgroup_tree *t, struct cgroup_work *w, unsigned wait_ms,
		    struct err *e)
{
	int r = 0;

	if (w->dir < 0)
		return 0;
	if (work_is_there(t, w->dir, w->name))
		r = work_remove(t, w->name, wait_ms);
	fd_reset(&w->dir);
	return r < 0 ? err_ret(e, r, "remove cgroup %s/%s", t->path, w->name) : 0;
}

int cgroup_work_gc(const struct cgroup_tree *t, unsigned wait_ms, size_t *ret, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_open(t->root_fd);
	struct dirent *ent;
	int failed = 0;

	if (!d)
		return err_sys(e, "open cgroup %s", t->path);
	while ((ent = cgroup_next_child(d))) {
		CLEANUP_FD int dir = -EBADF;
		int r;

		if (!str_starts(ent->d_name, WORK_PREFIX))
			continue;
		dir = work_hold(t, ent->d_name);
		if (dir == -ENOENT || dir == -EWOULDBLOCK)
			continue;
		r = dir < 0 ? dir : work_remove(t, ent->d_name, wait_ms);
		if (r == 0)
			(*ret)++;
		else
			failed = err_ret(e, r, "remove cgroup %s/%s", t->path, ent->d_name);
	}
	return failed;
}
