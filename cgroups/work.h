/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cgroup for the helpers of one command, such as those that read a stranger's archive:
 * ROOT/jail/.work-ID. It is there while the command that made it runs, which holds it by a flock(2)
 * on the directory; gc removes those that nobody holds. A helper dies with its command, so that
 * nothing has to be ended but what a lost race left.
 */
#ifndef JAIL_CGROUPS_WORK_H
#define JAIL_CGROUPS_WORK_H

#include "cgroups/cgroup.h"

struct cgroup_work {
	int dir; /* for CLONE_INTO_CGROUP; holds the lock */
	char name[32];
};
#define CGROUP_WORK_INIT ((struct cgroup_work){ .dir = -EBADF })

struct cgroup_work_limits {
	uint64_t memory_bytes; /* of all, with the page cache of what they write; no swap beside it
				*/
	uint64_t pids; /* threads */
};

/* Makes one. A limit whose controller the tree hasn't got is left out. Return: 0; nothing is left
 * on failure. */
int cgroup_work_begin(const struct cgroup_tree *t, const struct cgroup_work_limits *limits,
		      struct cgroup_work *ret, struct err *e);
/* How many of its processes the out-of-memory killer took. */
uint64_t cgroup_work_kills(const struct cgroup_work *w);
/* Ends what is in it, and removes it. One that isn't there is fine. */
int cgroup_work_end(const struct cgroup_tree *t, struct cgroup_work *w, unsigned wait_ms,
		    struct err *e);
/* Removes those that nobody holds. *ret counts them also on failure. */
int cgroup_work_gc(const struct cgroup_tree *t, unsigned wait_ms, size_t *ret, struct err *e);

#endif
