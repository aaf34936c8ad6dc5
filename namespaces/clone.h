/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making and joining an instance's namespaces: one clone3(2) in, one setns(2) on the pidfd to join.
 */
#ifndef JAIL_NAMESPACES_CLONE_H
#define JAIL_NAMESPACES_CLONE_H

#include <sys/types.h>

#include "base/err.h"
#include "namespaces/idmap.h"

/* Added to a clock of the host; nanoseconds below 1e9, seconds of any sign. */
struct ns_time_offset {
	int64_t seconds;
	uint32_t nanoseconds;
};

struct ns_clone {
	uint64_t namespaces; /* CLONE_NEW* flags */
	/* With CLONE_NEWTIME: both NULL = its clocks start at zero; one NULL = that clock is the
	 * host's. */
	const struct ns_time_offset *monotonic, *boottime;
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
 * The same where some namespaces are not made but joined. n <= 8, each kind once, none of them in
 * c->namespaces; the fds are borrowed; one that the caller is in already counts for nothing. pid
 * and time namespaces are joined by the child alone. With a mount, user or cgroup namespace among
 * them a helper process does it (the mount namespace would take the caller's root and cwd, and
 * there is no way back from a user namespace), else the caller for the length of the call; the
 * child is the caller's in any case, c->sibling is refused. With a user namespace what is new
 * belongs to it, no map is to be written, and c->owner_uid counts for nothing. Where its pid or
 * user namespace is joined the child is non-dumpable from birth, since others can see it; so is the
 * caller from then on, if it was the one that went.
 */
struct ns_joined {
	uint64_t flag; /* CLONE_NEW* */
	int fd;
};
pid_t ns_clone_joined(const struct ns_clone *c, const struct ns_joined *joined, size_t n,
		      int *ret_pidfd, struct err *e);

/*
 * A time namespace for the next children: unshare(CLONE_NEWTIME) + timens_offsets as in struct
 * ns_clone. The caller's own clock is unchanged; ns_time_reset() undoes it for later children.
 * ns_clone() does both for CLONE_NEWTIME; others rarely need them.
 */
int ns_time_new(const struct ns_time_offset *monotonic, const struct ns_time_offset *boottime,
		struct err *e);
int ns_time_reset(struct err *e);

/* Which namespaces of the process held by pidfd are not ours: the flags for ns_join(). -ESRCH when
 * it has ended. */
int ns_differing(int pidfd, uint64_t *ret, struct err *e);

/*
 * Joins all namespaces of the process held by pidfd with one setns(2), after which the next child
 * is in its pid namespace. `namespaces`: the flags that differ from ours. Drops no capability,
 * becomes root of the user namespace when CLONE_NEWUSER is among them. The caller has stripped its
 * fds (rows 2, 3); the private /proc handle is closed here, and the process is made non-dumpable
 * before.
 */
int ns_join(int pidfd, uint64_t namespaces, struct err *e);

#endif
