/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process of an instance may do. creds_apply() is the one function that both start and exec
 * call, so that the two can't differ (row 9; invariant 7).
 *
 * Order, and why it is this one:
 *   1. What needs the host's privilege and depends on nothing below: labels for the coming exec
 *      (before no_new_privs, under which security modules refuse most changes), the session
 *      keyring, oom_score_adj, rlimits, scheduling, memory policy, personality.
 *   2. no_new_privs (when asked), securebits to their default, bounding set: need CAP_SETPCAP.
 *   3. supplementary groups, gids, uids, in this order: each needs what the next one takes away.
 *      Non-dumpable again, because a change of ids makes the kernel set it to fs.suid_dumpable.
 *   4. ambient set emptied, capability sets, ambient set.
 *   5. c->prepare(), under the final ids: the caller's chdir.
 *   6. seccomp, last, so that the filter has to allow as little as possible of our own calls.
 * The kernel takes a filter from a process that has no_new_privs or CAP_SYS_ADMIN in its user
 * namespace. With no_new_privs off, step 4 therefore leaves CAP_SYS_ADMIN in the permitted set
 * (effective only for the one call that installs the filter), and one capset(2) follows the filter
 * unless the process is to have CAP_SYS_ADMIN anyway. A profile that doesn't allow that capset
 * can't be used with no_new_privs off: the filter is asked beforehand and the answer is an error,
 * not a killed child. (Other runtimes install such filters before all the calls of 3 and 4, so
 * there they have to allow those too.) Were the last capset to be faked, the set would still end at
 * exec: the bounding set has no CAP_SYS_ADMIN and uid > 0 keeps nothing.
 *
 * Everything is read back (rows 53, 54), before the filter where it could block that.
 */
#ifndef JAIL_RUNTIME_CREDS_H
#define JAIL_RUNTIME_CREDS_H

#include <linux/filter.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/limits.h"

struct creds_user {
	uid_t uid;
	gid_t gid;
	gid_t groups[LIMIT_GROUPS];
	size_t n_groups;
	char home[256]; /* "/" when unknown; no control characters */
	char name[64]; /* login name or "" */
};

struct creds_rlimit {
	int resource;
	uint64_t soft, hard;
};

/* The five sets, where a caller names each (OCI: process.capabilities). */
struct creds_sets {
	uint64_t bounding, effective, inheritable, permitted, ambient;
};

/* What the kernel's schedulers are told; zeroed: nothing. */
struct creds_scheduling {
	bool has_policy, has_io, has_affinity, has_memory;
	int policy, nice, priority; /* sched_setattr(2) */
	uint64_t flags, runtime, deadline, period;
	int io_class, io_priority; /* ioprio_set(2) */
	const char *affinity; /* CPU list, "0-3,7" */
	int memory_mode; /* set_mempolicy(2): MPOL_* */
	unsigned memory_flags; /* MPOL_F_* */
	const char *memory_nodes;
};

struct creds {
	struct creds_user user;
	uint64_t capabilities; /* bounding = permitted = effective for uid 0; inheritable and
				  ambient empty; a user that is not root keeps none */
	const struct creds_sets *sets; /* instead of `capabilities`; NULL = that. Capabilities that
					  the caller hasn't, and ambient ones that can't be raised,
					  are left out with a warning (runc, crun) */
	bool no_new_privileges;
	const struct creds_rlimit *rlimits;
	size_t n_rlimits;
	bool has_oom_score_adj;
	int oom_score_adj;
	const struct sock_filter *filter; /* compiled seccomp program; NULL = unconfined */
	size_t n_filter;
	uint32_t filter_flags; /* struct seccomp_program's */
	mode_t umask; /* 022 */
	bool keep_keyring; /* no new session keyring ("--no-new-keyring") */
	const char *keyring; /* name of the new one; NULL = anonymous */
	bool core_as_it_is; /* RLIMIT_CORE is left alone unless it is listed (OCI) */
	const struct creds_scheduling *scheduling; /* or NULL */
	bool has_personality;
	unsigned long personality;
	const char *apparmor, *selinux; /* for the coming exec, written to proc_self; or NULL */
	/* A filter with SCMP_ACT_NOTIFY: its listener's fd is stored here, and nothing is done
	 * until the one who shares this memory has replaced it; see seccomp_notify.h. */
	int *ret_listener;
	/* Called (if set) with the final ids and capabilities, before the filter: chdir and the
	 * like. */
	int (*prepare)(void *arg, struct err *e);
	void *prepare_arg;
};

/*
 * In the child, after its mounts: changes the calling process, which is single-threaded. Makes no
 * allocation. Every failure is fatal to the caller. Afterwards the process is still non-dumpable
 * until it executes, and its parent-death signal is cleared (the kernel does that with the ids).
 * proc_self: an O_PATH|O_DIRECTORY fd of a trusted /proc/self (for oom_score_adj; not needed when
 * creds_set_oom_score_adj() was called for it), or -EBADF.
 */
int creds_apply(const struct creds *c, int proc_self, struct err *e);
/*
 * Before creds_apply(), where the process becomes visible to the instance earlier than it applies:
 * drops all capabilities but those that c ends with and those that creds_apply() needs, so that
 * whoever catches it gains little (row 3).
 */
int creds_narrow(const struct creds *c, struct err *e);
/*
 * Things that a child inside its own user namespace may not be able to do for itself: raise
 * a hard limit, and write oom_score_adj while it is non-dumpable (/proc/self then belongs to the
 * host's root). The parent calls these for it; creds_apply() then finds the values in place.
 * pid: 0 = self. proc_pid: an fd of /proc/PID. RLIMIT_CORE: see creds_limits.c.
 */
int creds_set_rlimits(pid_t pid, const struct creds_rlimit *rlimits, size_t n, struct err *e);
int creds_set_oom_score_adj(int proc_pid, int value, struct err *e);
/* Those that are listed and no other: RLIMIT_CORE stays (core_as_it_is). */
int creds_set_listed_rlimits(pid_t pid, const struct creds_rlimit *rlimits, size_t n,
			     struct err *e);
/*
 * A third one: affinity, policy and I/O priority of `pid` (0 = self), which for the real-time ones
 * takes CAP_SYS_NICE of the host. Values that are in place are not set again. Memory policy is
 * creds_apply()'s alone: the kernel takes it from the process itself.
 */
int creds_set_scheduling(pid_t pid, const struct creds_scheduling *s, struct err *e);

/*
 * Row 55: no user namespace can be made inside that of the caller, by user.max_user_namespaces = 0,
 * whatever the filter says. In the child, which is in a user namespace of its own (it is an error
 * in the host's) and still has its capabilities. proc: an fd of a procfs mount's root.
 */
int creds_forbid_user_namespaces(int proc, struct err *e);

/* Default set: the 14 of the OCI default less what reaches outside; see the table in creds_caps.c.
 */
uint64_t creds_default_capabilities(void);
/* What a whole system's init needs besides, in a user namespace of its own; see there too. */
uint64_t creds_system_capabilities(void);
/* What container engines inside need besides that. */
uint64_t creds_nesting_capabilities(void);
/* "CAP_NET_RAW", "net_raw" -> number; -ENOENT. */
int creds_capability_parse(const char *name);
const char *creds_capability_name(int number); /* "CAP_CHOWN", or NULL */
/* Bits that this kernel knows (cap_last_cap). */
uint64_t creds_capabilities_known(void);

/*
 * Resolves "user[:group]" against /etc/passwd and /etc/group inside `root` (a directory fd), read
 * bounded and without following what is not a regular file (row 46). Digits only = a number in [0,
 * 2^32 - 2], else a name. A numeric uid need not be in passwd. max_id: ids at or over it are
 * refused (65536 with a private user namespace). "" = root.
 * Groups: with "user" alone those of /etc/group that list the user; with "user:group" none of them.
 * The primary group is always in the list too, so that a set-group-id program can't shed it
 * (CVE-2022-36109).
 */
int userdb_resolve(int root, const char *text, uint32_t max_id, struct creds_user *ret,
		   struct err *e);
/* The home directory of a number alone; "/" where the database knows none, lacks, or is of no use.
 */
void userdb_home(int root, uid_t uid, char *ret, size_t n);

#endif
