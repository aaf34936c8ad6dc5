/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cgroup of one instance: made with its limits before anything runs in it (row 66), ended by
 * cgroup.kill, which forks can't outrun (row 67). There is no list of processes to signal, and
 * nothing is read to decide what to do: each step is tried, and what the kernel says decides.
 */
#include "cgroups/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/file.h"
#include "base/path.h"
#include "cgroups/cgroup_priv.h"
#include "cgroups/directory.h"
#include "cgroups/limits_priv.h"

#define CGROUP_DELEGATE_DEPTH "16"
#define CGROUP_DELEGATE_COUNT "2048"

int cgroup_dir(const struct cgroup_tree *t, const struct jail_name *name, bool inside)
{
	char path[LIMIT_NAME_LEN + sizeof("/" CGROUP_INSIDE)];

	(void)snprintf(path, sizeof(path), "%s%s", name->s, inside ? "/" CGROUP_INSIDE : "");
	return path_open_beneath(t->root_fd, path, O_RDONLY | O_DIRECTORY, 0);
}

/* Removes NAME if nothing lives in it. Return: 0 (also when it is not there), -EBUSY, -errno. */
static int cgroup_remove(const struct cgroup_tree *t, const struct jail_name *name)
{
	char inside[LIMIT_NAME_LEN + sizeof("/" CGROUP_INSIDE)];

	/* The usual case: an instance that ended, with no cgroups of its own making. */
	(void)snprintf(inside, sizeof(inside), "%s/" CGROUP_INSIDE, name->s);
	(void)unlinkat(t->root_fd, inside, AT_REMOVEDIR);
	return cgroup_rmdir(t->root_fd, name->s);
}

/* Makes NAME anew: one that was left behind has another instance's limits. */
static int cgroup_make(const struct cgroup_tree *t, const struct jail_name *name, struct err *e)
{
	int r = cgroup_mkdir(t->root_fd, name->s);

	if (r == -EEXIST) {
		r = cgroup_remove(t, name);
		if (r == -EBUSY) {
			(void)err_set(e, EBUSY, "cgroup %s/%s: processes live in it", t->path,
				      name->s);
			return err_hint(e, "stop the instance first, or run \"jail gc\"");
		}
		if (r == 0)
			r = cgroup_mkdir(t->root_fd, name->s);
	}
	return r < 0 ? err_ret(e, r, "make cgroup %s/%s", t->path, name->s) : 0;
}

static int cgroup_make_inside(const struct cgroup_tree *t, const struct jail_name *name, int dir,
			      int *ret, struct err *e)
{
	int r = cgroup_mkdir(dir, CGROUP_INSIDE);

	if (r < 0)
		return err_ret(e, r, "make cgroup %s/%s/" CGROUP_INSIDE, t->path, name->s);
	r = cgroup_dir(t, name, true);
	if (r < 0)
		return err_ret(e, r, "open cgroup %s/%s/" CGROUP_INSIDE, t->path, name->s);
	*ret = r;
	return 0;
}

int cgroup_create(const struct cgroup_tree *t, const struct jail_name *name,
		  const struct cgroup_limits *limits, int *ret_inside, struct err *e)
{
	CLEANUP_FD int dir = -EBADF, inside = -EBADF;
	int r = cgroup_make(t, name, e);

	if (r < 0)
		return r;
	dir = cgroup_dir(t, name, false);
	if (dir < 0)
		r = err_ret(e, dir, "open cgroup %s/%s", t->path, name->s);
	else
		cgroup_oom_mark(t, dir);
	if (r == 0)
		r = limits_write(&(struct limits_place){ t, dir, -EBADF }, limits, e);
	if (r == 0)
		r = cgroup_make_inside(t, name, dir, &inside, e);
	if (r < 0) {
		(void)cgroup_remove(t, name);
		return r;
	}
	*ret_inside = TAKE_FD(inside);
	return 0;
}

int cgroup_delegate(const struct cgroup_tree *t, const struct jail_name *name, uid_t uid, gid_t gid,
		    struct err *e)
{
	CLEANUP_FD int dir = cgroup_dir(t, name, false);
	CLEANUP_FD int inside = cgroup_dir(t, name, true);
	struct strbuf add = STRBUF_INIT;
	uint32_t has = 0;
	int r = dir < 0 ? dir : inside < 0 ? inside : 0;

	if (r == 0)
		r = file_poke_at(dir, "cgroup.max.depth", CGROUP_DELEGATE_DEPTH,
				 strlen(CGROUP_DELEGATE_DEPTH));
	if (r == 0)
		r = file_poke_at(dir, "cgroup.max.descendants", CGROUP_DELEGATE_COUNT,
				 strlen(CGROUP_DELEGATE_COUNT));
	if (r == 0)
		r = cgroup_read_controllers(dir, "cgroup.controllers", &has);
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (has & cgroup_controllers[i].bit)
			strbuf_addf(&add, "+%s ", cgroup_controllers[i].name);
	}
	if (r == 0 && add.len > 0)
		r = file_poke_at(dir, "cgroup.subtree_control", add.data, add.len);
	strbuf_free(&add);
	if (r == 0)
		r = cgroup_directory_give(inside, uid, gid);
	return r < 0 ? err_ret(e, r, "delegate cgroup %s/%s", t->path, name->s) : 0;
}

int cgroup_open(const struct cgroup_tree *t, const struct jail_name *name, struct err *e)
{
	int fd = cgroup_dir(t, name, true);

	return fd < 0 ? err_ret(e, fd, "open cgroup %s/%s", t->path, name->s) : fd;
}

int cgroup_destroy(const struct cgroup_tree *t, const struct jail_name *name, unsigned wait_ms,
		   struct err *e)
{
	int r = cgroup_remove(t, name);

	if (r == -EBUSY)
		r = cgroup_end(t->root_fd, name->s, wait_ms);
	if (r == -ETIMEDOUT) {
		(void)err_set(e, ETIMEDOUT,
			      "end cgroup %s/%s: processes outlived SIGKILL for %u ms", t->path,
			      name->s, wait_ms);
		return err_hint(e, "a process in state D waits for a device; try again later");
	}
	return r < 0 ? err_ret(e, r, "remove cgroup %s/%s", t->path, name->s) : 0;
}

int cgroup_kill(const struct cgroup_tree *t, const struct jail_name *name, struct err *e)
{
	CLEANUP_FD int dir = cgroup_dir(t, name, false);
	int r = dir < 0 ? dir : file_poke_at(dir, "cgroup.kill", "1", 1);

	return r < 0 ? err_ret(e, r, "kill cgroup %s/%s", t->path, name->s) : 0;
}

int cgroup_freeze(const struct cgroup_tree *t, const struct jail_name *name, bool frozen,
		  unsigned wait_ms, struct err *e)
{
	CLEANUP_FD int dir = cgroup_dir(t, name, false);
	char path[sizeof(t->path) + sizeof(name->s) + 2];

	(void)snprintf(path, sizeof(path), "%s/%s", t->path, name->s);
	return dir < 0 ? err_ret(e, dir, "open cgroup %s", path)
		       : cgroup_directory_freeze(dir, path, frozen, wait_ms, e);
}

int cgroup_is_frozen(const struct cgroup_tree *t, const struct jail_name *name)
{
	CLEANUP_FD int dir = cgroup_dir(t, name, false);

	return dir < 0 ? dir : cgroup_event(dir, "frozen");
}

int cgroup_each(const struct cgroup_tree *t, cgroup_each_fn *fn, void *arg, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_open(t->root_fd);
	struct dirent *ent;

	if (!d)
		return err_sys(e, "open cgroup %s", t->path);
	while ((ent = cgroup_next_child(d))) {
		struct err ignored;
		struct jail_name name;
		int r;

		if (name_parse("cgroup", ent->d_name, &name, &ignored) < 0)
			continue; /* .monitor, or somebody else's */
		r = fn(&name, arg);
		if (r < 0)
			return err_ret(e, r, "cgroup %s/%s", t->path, name.s);
	}
	return errno ? err_sys(e, "read cgroup %s", t->path) : 0;
}

ssize_t cgroup_pids(const struct cgroup_tree *t, const struct jail_name *name, pid_t *ret,
		    size_t max)
{
	CLEANUP_FD int dir = cgroup_dir(t, name, false);
	CLEANUP_FREE pid_t *list = NULL;
	size_t n = 0;
	int r = dir < 0 ? dir : cgroup_pids_below(dir, max, &list, &n);

	if (r < 0)
		return r;
	if (n > 0)
		memcpy(ret, list, n * sizeof(*ret));
	return (ssize_t)n;
}
