/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cgroup of one instance: made with its limits before anything runs in it (row 66), ended by
 * cgroup.kill, which forks can't outrun (row 67). There is no list of processes to signal, and
 * nothing is read to decide what to do: each step is tried, and what the kernel says decides.
 */
#include "cgroups/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/num.h"
#include "base/path.h"
#include "cgroups/cgroup_priv.h"
#include "cgroups/limits_priv.h"

#define CGROUP_DEPTH_MAX 64 /* of a walk; delegation allows far less */
#define CGROUP_DELEGATE_DEPTH "16"
#define CGROUP_DELEGATE_COUNT "2048"
#define CGROUP_KILL_ROUNDS 64

int cgroup_dir(const struct cgroup_tree *t, const struct jail_name *name, bool inside)
{
	char path[LIMIT_NAME_LEN + sizeof("/" CGROUP_INSIDE)];

	(void)snprintf(path, sizeof(path), "%s%s", name->s, inside ? "/" CGROUP_INSIDE : "");
	return path_open_beneath(t->root_fd, path, O_RDONLY | O_DIRECTORY, 0);
}

/* The next child cgroup, or NULL; errno tells an error from the end. */
static struct dirent *cgroup_next_child(DIR *d)
{
	struct dirent *ent;

	do {
		errno = 0;
		ent = readdir(d);
	} while (ent &&
		 (ent->d_type != DT_DIR || str_eq(ent->d_name, ".") || str_eq(ent->d_name, "..")));
	return ent;
}

/* Removes what lies below dir, deepest first. The depth is bounded by cgroup_delegate(). */
static int cgroup_remove_walk(int dir, int depth)
{
	CLEANUP_DIR DIR *d = dir_open(dir);
	struct dirent *ent;

	if (!d)
		return -errno;
	if (depth == 0)
		return -ELOOP;
	while ((ent = cgroup_next_child(d))) {
		CLEANUP_FD int child = -EBADF;
		int r;

		if (unlinkat(dir, ent->d_name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			continue;
		if (errno != EBUSY)
			return -errno;
		child = path_open_beneath(dir, ent->d_name, O_RDONLY | O_DIRECTORY, 0);
		if (child == -ENOENT)
			continue;
		r = child < 0 ? TAKE_FD(child) : cgroup_remove_walk(child, depth - 1);
		if (r < 0)
			return r;
		if (unlinkat(dir, ent->d_name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			return -errno;
	}
	return errno ? -errno : 0;
}

int cgroup_remove_below(int dir)
{
	return cgroup_remove_walk(dir, CGROUP_DEPTH_MAX);
}

/* Removes NAME if nothing lives in it. Return: 0 (also when it is not there), -EBUSY, -errno. */
static int cgroup_remove(const struct cgroup_tree *t, const struct jail_name *name)
{
	CLEANUP_FD int dir = -EBADF;
	char inside[LIMIT_NAME_LEN + sizeof("/" CGROUP_INSIDE)];
	int r;

	/* The usual case: an instance that ended, with no cgroups of its own making. */
	(void)snprintf(inside, sizeof(inside), "%s/" CGROUP_INSIDE, name->s);
	if ((unlinkat(t->root_fd, inside, AT_REMOVEDIR) == 0 || errno == ENOENT) &&
	    (unlinkat(t->root_fd, name->s, AT_REMOVEDIR) == 0 || errno == ENOENT))
		return 0;
	if (errno != EBUSY)
		return -errno;
	dir = cgroup_dir(t, name, false);
	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return TAKE_FD(dir);
	r = cgroup_event(dir, "populated");
	if (r != 0)
		return r > 0 ? -EBUSY : r;
	r = cgroup_remove_below(dir);
	if (r < 0)
		return r;
	return unlinkat(t->root_fd, name->s, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
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
	/* Row 27: these and no others (cgroups(7), "Delegating a hierarchy"). */
	static const char *const owned[] = { "", "cgroup.procs", "cgroup.subtree_control",
					     "cgroup.threads" };
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
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(owned); i++) {
		if (fchownat(inside, owned[i], uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
			r = -errno;
	}
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
	uint64_t deadline_ms = clock_boot_ms() + wait_ms;
	int r = cgroup_remove(t, name);

	/* A second round is for a process that a clone3 in flight put in after the kill. */
	for (int round = 0; r == -EBUSY && round < CGROUP_KILL_ROUNDS; round++) {
		CLEANUP_FD int dir = cgroup_dir(t, name, false);

		r = dir == -ENOENT ? 0 : dir < 0 ? dir : file_poke_at(dir, "cgroup.kill", "1", 1);
		if (r == 0 && dir >= 0)
			r = cgroup_event_wait(dir, "populated", 0, deadline_ms);
		if (r == 0 || r == -ENODEV || r == -ENOENT) /* or removed by another meanwhile */
			r = cgroup_remove(t, name);
	}
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
	const char *verb = frozen ? "freeze" : "thaw";
	int r = dir < 0 ? dir : file_poke_at(dir, "cgroup.freeze", frozen ? "1" : "0", 1);

	if (r == 0)
		r = cgroup_event_wait(dir, "frozen", frozen, clock_boot_ms() + wait_ms);
	/* Row 67: half frozen is what nobody asked for. */
	if (r < 0 && frozen && dir >= 0)
		(void)file_poke_at(dir, "cgroup.freeze", "0", 1);
	if (r == -ETIMEDOUT)
		return err_set(e, ETIMEDOUT, "%s cgroup %s/%s: not done after %u ms", verb, t->path,
			       name->s, wait_ms);
	return r < 0 ? err_ret(e, r, "%s cgroup %s/%s", verb, t->path, name->s) : 0;
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

struct cgroup_pid_list {
	pid_t *pids;
	size_t n, max;
};

/* Adds the processes of one cgroup. Return: 0 or -errno. */
static int cgroup_pids_at(int dir, struct cgroup_pid_list *list)
{
	FILE *f;
	int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char line[32];

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	f = fdopen(fd, "re");
	if (!f) {
		(void)close(fd);
		return -ENOMEM;
	}
	while (list->n < list->max && fgets(line, sizeof(line), f)) {
		struct err ignored;
		uint64_t pid = 0;

		line[strcspn(line, "\n")] = '\0';
		/* 0: a process that this pid namespace can't see. */
		if (num_parse_u64(line, 1, INT32_MAX, &pid, &ignored) == 0)
			list->pids[list->n++] = (pid_t)pid;
	}
	(void)fclose(f);
	return 0;
}

/* Adds the processes of dir and all below it. */
static int cgroup_pids_walk(int dir, struct cgroup_pid_list *list, int depth)
{
	CLEANUP_DIR DIR *d = dir_open(dir);
	struct dirent *ent;
	int r;

	if (!d)
		return -errno;
	r = cgroup_pids_at(dir, list);
	if (r < 0 || depth == 0)
		return r;
	while (list->n < list->max && (ent = cgroup_next_child(d))) {
		CLEANUP_FD int child =
			path_open_beneath(dir, ent->d_name, O_RDONLY | O_DIRECTORY, 0);

		/* A cgroup that is gone by now has no processes. */
		r = child < 0 ? 0 : cgroup_pids_walk(child, list, depth - 1);
		if (r < 0)
			return r;
	}
	return 0;
}

ssize_t cgroup_pids(const struct cgroup_tree *t, const struct jail_name *name, pid_t *ret,
		    size_t max)
{
	CLEANUP_FD int dir = cgroup_dir(t, name, false);
	struct cgroup_pid_list list = { .pids = ret, .max = max };
	int r = dir < 0 ? dir : cgroup_pids_walk(dir, &list, CGROUP_DEPTH_MAX);

	return r < 0 ? r : (ssize_t)list.n;
}
