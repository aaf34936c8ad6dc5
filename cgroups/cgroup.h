/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cgroup v2 tree of jail: ROOT/jail/NAME (limits, owned by the host) and ROOT/jail/NAME/inside
 * (the processes; the root of the instance's cgroup namespace), so that what is delegated can never
 * lift a limit (row 68). Monitors live in ROOT/jail/.monitor. ROOT is found by the mount table:
 * pure v2, or the v2 part of a hybrid host. All access is by openat on held directory fds and names
 * out of a table.
 */
#ifndef JAIL_CGROUPS_CGROUP_H
#define JAIL_CGROUPS_CGROUP_H

#include <sys/types.h>

#include "base/ident.h"
#include "base/str.h"

struct cgroup_tree {
	int root_fd; /* ROOT/jail, O_DIRECTORY */
	char path[256]; /* "/sys/fs/cgroup/jail" */
	uint32_t controllers; /* CGROUP_CPU | ... that ROOT/jail hands to its children */
	bool hybrid; /* v1 controllers are mounted elsewhere */
};

enum {
	CGROUP_CPU = 1,
	CGROUP_CPUSET = 2,
	CGROUP_MEMORY = 4,
	CGROUP_IO = 8,
	CGROUP_PIDS = 16,
	CGROUP_HUGETLB = 32
};

struct cgroup_io_limit {
	char device[256]; /* path of a block device or "MAJ:MIN" */
	uint64_t rbps, wbps, riops, wiops; /* 0 = not given */
	uint64_t weight; /* 1..10000, 0 = not given */
};

/* Sizes that huge pages have on some machine. */
#define CGROUP_HUGE_SIZES 9
struct cgroup_huge_size {
	const char *name; /* "2MiB" */
	const char *kernel; /* "2MB", in "hugetlb.2MB.max" */
	uint64_t bytes;
};
extern const struct cgroup_huge_size cgroup_huge_sizes[CGROUP_HUGE_SIZES];

/* A controller's file by its name. */
struct cgroup_raw {
	char *file; /* "memory.high"; cgroup_raw_is_file() */
	char *value; /* one line */
};

struct cgroup_limits {
	bool has_cpu_weight, has_cpu_max, has_cpu_burst, has_memory_max, has_memory_high,
		has_memory_low, has_memory_min, has_swap_max, has_zswap_max, has_pids_max;
	bool cpu_idle, oom_group;
	uint64_t cpu_weight; /* 1..10000 */
	uint64_t cpu_max_millis; /* thousandths of a CPU */
	uint64_t cpu_burst_millis;
	const char *cpus, *mems; /* canonical lists or NULL */
	/* Bytes, UINT64_MAX = "max". */
	uint64_t memory_max, memory_high, memory_low, memory_min, swap_max, zswap_max;
	uint64_t pids_max; /* UINT64_MAX = "max" */
	struct {
		bool given;
		uint64_t pages;
	} huge[CGROUP_HUGE_SIZES];
	const struct cgroup_io_limit *io;
	size_t n_io;
	const struct cgroup_raw *raw;
	size_t n_raw;
};
/* NAME.NAME[.NAME], and not one of the cgroup itself ("cgroup.procs"). */
bool cgroup_raw_is_file(const char *name);
/* The field ("resources.memory.high") that is given and writes the file, or NULL. */
const char *cgroup_limits_typed(const struct cgroup_limits *l, const char *file);

/* Finds (and makes, with the controllers that the host can give) ROOT/jail and ROOT/jail/.monitor.
 */
int cgroup_tree_open(struct cgroup_tree *ret, struct err *e);
void cgroup_tree_close(struct cgroup_tree *t);
/* Only looks: -ENOENT when there is no v2 mount; `controllers` = what ROOT offers. Makes nothing.
 * For check. */
int cgroup_probe(struct cgroup_tree *ret, struct err *e);
/* Directory fd of ROOT/jail/.monitor, for CLONE_INTO_CGROUP. */
int cgroup_monitor_fd(const struct cgroup_tree *t, struct err *e);

/*
 * Makes NAME and NAME/inside and writes the limits; a stale empty one is replaced, one with live
 * processes is -EBUSY. A limit whose controller is missing is -EOPNOTSUPP: "resources.memory.max:
 * the memory controller is not available in ...: because ...". Written values are read back.
 * Nothing is left on failure. *ret_inside: directory fd for CLONE_INTO_CGROUP.
 */
int cgroup_create(const struct cgroup_tree *t, const struct jail_name *name,
		  const struct cgroup_limits *limits, int *ret_inside, struct err *e);
/*
 * Changes the limits of a running instance from `old` to `limits`: what differs is written, and
 * what belongs to a field of `again` (JSON paths, "resources.memory.max") even if it is the same;
 * what is no longer given gets the kernel's default. The order is one in which no step is refused
 * or takes more than the end result. All or nothing: on failure what had been written is as before.
 * *ret_undo takes it back later; NULL when nothing was written.
 */
struct cgroup_undo;
int cgroup_change_limits(const struct cgroup_tree *t, const struct jail_name *name,
			 const struct cgroup_limits *old, const struct cgroup_limits *limits,
			 const struct strv *again, struct cgroup_undo **ret_undo, struct err *e);
/* Restores what the kernel had, newest first; a failure of that is a warning. Frees. */
void cgroup_undo_run(struct cgroup_undo **undo);
void cgroup_undo_free(struct cgroup_undo **undo);
#define CLEANUP_UNDO CLEANUP(cgroup_undo_free)
/* Calls fn for each file of NAME that limits something now, with what the kernel has in it (lines
 * joined by ", "). */
typedef void cgroup_limit_fn(const char *file, const char *value, void *arg);
int cgroup_read_limits(const struct cgroup_tree *t, const struct jail_name *name,
		       cgroup_limit_fn *fn, void *arg);
/*
 * Lets the instance manage what lies below NAME/inside (mode "system": its init is a cgroup
 * manager), as cgroups(7) "Delegation" says: the directory, cgroup.procs, cgroup.subtree_control
 * and cgroup.threads of `inside` become uid's and gid's, NAME hands its controllers down, and the
 * number and depth of cgroups below NAME get a maximum. NAME itself, which holds the limits, stays
 * the host's. Call before the first process is in it.
 */
int cgroup_delegate(const struct cgroup_tree *t, const struct jail_name *name, uid_t uid, gid_t gid,
		    struct err *e);
/* Directory fd of NAME/inside of a running instance; -ENOENT. */
int cgroup_open(const struct cgroup_tree *t, const struct jail_name *name, struct err *e);
/* The same of the cgroup below NAME/inside that process `pid` is in: where an instance manages its
 * own subtree, `inside` itself takes no processes any more. */
int cgroup_open_of(const struct cgroup_tree *t, const struct jail_name *name, pid_t pid,
		   struct err *e);
/* cgroup.kill on NAME, waits until it is empty (poll on cgroup.events, bounded by wait_ms), removes
 * the directories below it and itself. A missing one is success. Thaws nothing: kill works on
 * frozen cgroups. */
int cgroup_destroy(const struct cgroup_tree *t, const struct jail_name *name, unsigned wait_ms,
		   struct err *e);
/* SIGKILL to everything in NAME. */
int cgroup_kill(const struct cgroup_tree *t, const struct jail_name *name, struct err *e);
/* Freezes or thaws and waits for cgroup.events to say so, bounded by wait_ms. */
int cgroup_freeze(const struct cgroup_tree *t, const struct jail_name *name, bool frozen,
		  unsigned wait_ms, struct err *e);
/* 1 frozen, 0 not, -ENOENT. */
int cgroup_is_frozen(const struct cgroup_tree *t, const struct jail_name *name);
/* Calls fn for each instance directory below ROOT/jail. For gc. */
typedef int cgroup_each_fn(const struct jail_name *name, void *arg);
int cgroup_each(const struct cgroup_tree *t, cgroup_each_fn *fn, void *arg, struct err *e);
/* Pids of NAME (host view), at most max. For `inspect` and `ps`. Return: number. */
ssize_t cgroup_pids(const struct cgroup_tree *t, const struct jail_name *name, pid_t *ret,
		    size_t max);

#endif
