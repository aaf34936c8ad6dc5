/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies below a cgroup: its processes, and its end. cgroup.kill ends what forks (row 67); then
 * the directories go, deepest first. Nothing is read to decide what to do: each step is tried, and
 * what the kernel says decides.
 */
#include <fcntl.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "base/path.h"
#include "cgroups/cgroup_priv.h"

#define WALK_DEPTH_MAX 64 /* delegation allows far less */
#define WALK_KILL_ROUNDS 64

struct dirent *cgroup_next_child(DIR *d)
{
	struct dirent *ent;

	do {
		errno = 0;
		ent = readdir(d);
	} while (ent &&
		 (ent->d_type != DT_DIR || str_eq(ent->d_name, ".") || str_eq(ent->d_name, "..")));
	return ent;
}

/* Removes what lies below dir, deepest first. */
static int remove_walk(int dir, int depth)
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
		r = child < 0 ? TAKE_FD(child) : remove_walk(child, depth - 1);
		if (r < 0)
			return r;
		if (unlinkat(dir, ent->d_name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			return -errno;
	}
	return errno ? -errno : 0;
}

int cgroup_remove_below(int dir)
{
	return remove_walk(dir, WALK_DEPTH_MAX);
}

int cgroup_rmdir(int at, const char *path)
{
	CLEANUP_FD int dir = -EBADF;
	int r;

	if (unlinkat(at, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return -errno;
	dir = path_open_beneath(at, path, O_RDONLY | O_DIRECTORY, 0);
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
	return unlinkat(at, path, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int cgroup_end(int at, const char *path, unsigned wait_ms)
{
	uint64_t deadline_ms = clock_boot_ms() + wait_ms;
	int r = -EBUSY;

	/* A second round is for a process that a clone3 in flight put in after the kill. */
	for (int round = 0; r == -EBUSY && round < WALK_KILL_ROUNDS; round++) {
		CLEANUP_FD int dir = path_open_beneath(at, path, O_RDONLY | O_DIRECTORY, 0);

		r = dir == -ENOENT ? 0 : dir < 0 ? dir : file_poke_at(dir, "cgroup.kill", "1", 1);
		if (r == 0 && dir >= 0)
			r = cgroup_event_wait(dir, "populated", 0, deadline_ms);
		if (r == 0 || r == -ENODEV || r == -ENOENT) /* or removed by another meanwhile */
			r = cgroup_rmdir(at, path);
	}
	return r;
}

struct pid_list {
	pid_t *v;
	size_t n, room, max;
};

static int pid_add(struct pid_list *list, pid_t pid)
{
	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		pid_t *grown = reallocarray(list->v, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->v = grown;
		list->room = room;
	}
	list->v[list->n++] = pid;
	return 0;
}

/* Adds the processes of one cgroup. Return: 0 or -errno. */
static int pids_at(int dir, struct pid_list *list)
{
	FILE *f;
	int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC), r = 0;
	char line[32];

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	f = fdopen(fd, "re");
	if (!f) {
		(void)close(fd);
		return -ENOMEM;
	}
	/* A threaded cgroup refuses the read (EOPNOTSUPP): its processes are listed above it. */
	while (r == 0 && list->n < list->max && fgets(line, sizeof(line), f)) {
		struct err ignored;
		uint64_t pid = 0;

		line[strcspn(line, "\n")] = '\0';
		/* 0: a process that this pid namespace can't see. */
		if (num_parse_u64(line, 1, INT32_MAX, &pid, &ignored) == 0)
			r = pid_add(list, (pid_t)pid);
	}
	(void)fclose(f);
	return r;
}

/* Adds the processes of dir and all below it. */
static int pids_walk(int dir, struct pid_list *list, int depth)
{
	CLEANUP_DIR DIR *d = dir_open(dir);
	struct dirent *ent;
	int r;

	if (!d)
		return -errno;
	r = pids_at(dir, list);
	if (r < 0 || depth == 0)
		return r;
	while (list->n < list->max && (ent = cgroup_next_child(d))) {
		CLEANUP_FD int child =
			path_open_beneath(dir, ent->d_name, O_RDONLY | O_DIRECTORY, 0);

		/* A cgroup that is gone by now has no processes. */
		r = child < 0 ? 0 : pids_walk(child, list, depth - 1);
		if (r < 0)
			return r;
	}
	return 0;
}

int cgroup_pids_below(int dir, size_t max, pid_t **ret, size_t *ret_n)
{
	struct pid_list list = { .max = max };
	int r = pids_walk(dir, &list, WALK_DEPTH_MAX);

	if (r < 0) {
		free(list.v);
		return r;
	}
	*ret = list.v;
	*ret_n = list.n;
	return 0;
}
