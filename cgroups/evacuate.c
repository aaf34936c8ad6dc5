/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The root of the visible tree, where that is not the real one: jail in a container. A cgroup with
 * processes can't hand domain controllers to its children ("no internal processes" of cgroups(7)).
 * And it must not hand down the threaded ones, cpu and pids, which the kernel would allow: that
 * makes it a threaded domain, in whose children nothing can be started (EOPNOTSUPP).
 */
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "cgroups/cgroup_priv.h"

#define EVACUATE_ROUNDS 64 /* of looks; what forks meanwhile is in the next */
#define EVACUATE_BYTES 65536

/* One pid of each line. 0 is a process outside of our pid namespace, which can't be named. */
static int move_listed(int leaf, char *list)
{
	char *line, *next;

	for (line = list; *line; line = next) {
		int r;

		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		if (str_eq(line, "0"))
			return -EBUSY;
		r = file_poke_at(leaf, "cgroup.procs", line, strlen(line));
		if (r < 0 && r != -ESRCH) /* it has ended */
			return r;
	}
	return 0;
}

int cgroup_evacuate(int root_fd)
{
	CLEANUP_FREE char *list = malloc(EVACUATE_BYTES);
	CLEANUP_FD int leaf = -EBADF;
	int r;

	/* Only the real root has none. */
	if (faccessat(root_fd, "cgroup.type", F_OK, 0) < 0)
		return 0;
	if (!list)
		return -ENOMEM;
	for (int round = 0; round < EVACUATE_ROUNDS; round++) {
		ssize_t n = file_peek_at(root_fd, "cgroup.procs", list, EVACUATE_BYTES);

		if (n <= 0)
			return (int)n;
		if (leaf < 0) {
			r = cgroup_mkdir(root_fd, CGROUP_OUTSIDE);
			if (r < 0 && r != -EEXIST)
				return r;
			leaf = path_open_beneath(root_fd, CGROUP_OUTSIDE, O_RDONLY | O_DIRECTORY,
						 0);
		}
		r = leaf < 0 ? leaf : move_listed(leaf, list);
		if (r < 0)
			return r;
	}
	return -EBUSY;
}
