/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making and joining an instance's namespaces: one clone3(2) in, one setns(2) on the pidfd to join.
 */
#ifndef JAIL_NAMESPACES_CLONE_H
#define JAIL_NAMESPACES_CLONE_H

#include <sys/types.h>

#include "base/err.h"
#include "namespaces/idmap.h"

struct ns_clone {
	uint64_t namespaces; /* CLONE_NEW* flags; with CLONE_NEWTIME its clocks start at zero */
	int cgroup_fd; /* born here (CLONE_INTO_CGROUP), borrowed; -EBADF = the caller's */
	uint32_t owner_uid; /* effective uid during the clone: owner of the new user namespace, so
			       that per-user kernel pools (inotify, keys, pending signals) are the
			       instance's own; 0 with the host's */
	bool sibling; /* a child of our parent (CLONE_PARENT), who reaps it */
};

/*
 * Return: 0 in the child, pid in the parent with *ret_pidfd (caller closes); -errno with *e set:
 * EPERM, ENOSPC (user.max_*_namespaces), EINVAL (kernel without one of the namespaces, named in the
 * text) are told apart. In the child all signals are default and unblocked, and the id maps are not
 * written yet: it waits for that, then calls ns_become_root().
 */
pid_t ns_clone(const struct ns_clone *c, int *ret_pidfd, struct err *e);

/* In the child, once its id maps are written: uid, gid 0 of its user namespace, no supplementary
 * groups (but where setgroups(2) is denied to it, the caller's own), not dumpable; a parent death
 * signal is kept. Also fine without a user namespace. */
int ns_become_root(struct err *e);

/*
 * CLOCK_MONOTONIC and CLOCK_BOOTTIME of the next children start at zero: unshare(CLONE_NEWTIME) +
 * timens_offsets. The caller's own clock is unchanged; ns_time_reset() undoes it for later
 * children. ns_clone() does both for CLONE_NEWTIME; others rarely need them.
 */
int ns_time_zero(struct err *e);
int ns_time_reset(struct err *e);

/*
 * Joins all namespaces of the process held by pidfd with one setns(2), after which the next child
 * is in its pid namespace. `namespaces`: the flags that differ from ours. Drops no capability,
 * becomes root of the user namespace when CLONE_NEWUSER is among them. The caller has stripped its
 * fds (rows 2, 3); the private /proc handle is closed here, and the process is made non-dumpable
 * before.
 */
int ns_join(int pidfd, uint64_t namespaces, struct err *e);

#endif
