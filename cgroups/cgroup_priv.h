/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share. */
#ifndef JAIL_CGROUPS_CGROUP_PRIV_H
#define JAIL_CGROUPS_CGROUP_PRIV_H

#include "base/dir.h"
#include "cgroups/cgroup.h"
#include "cgroups/events.h"

#define CGROUP_INSIDE "inside"
#define CGROUP_MONITOR ".monitor"
#define CGROUP_OUTSIDE "outside"

/* Makes a cgroup that everybody may look into, whatever the umask: the instance's root, who is
 * somebody else to the host, finds its limits there, and kernels before 6.16 walk the whole path
 * with its rights when it mounts its tree. Return: 0 or a negative errno. */
int cgroup_mkdir(int dir, const char *name);

/* One controller: its bit, its name in the v2 tree and in the v1 hierarchies. */
struct cgroup_controller {
	uint32_t bit;
	const char *name;
	const char *v1_name;
};
#define CGROUP_CONTROLLERS 6
extern const struct cgroup_controller cgroup_controllers[CGROUP_CONTROLLERS];

/* Reads a list such as cgroup.controllers. Return: 0 and *ret, or -errno. */
int cgroup_read_controllers(int dir, const char *file, uint32_t *ret);
/* Opens the root of the v2 tree. Fills ret->path (of the root) and ret->hybrid. Return: fd. */
int cgroup_find_root(struct cgroup_tree *ret, struct err *e);
/* In a container the root of what we see has processes of its own, ours among them: moves them to
 * a leaf, ROOT/outside, so that controllers can be handed down. Nothing on a host, whose real root
 * may have both. Return: 0 (none is left), -EBUSY, -errno. */
int cgroup_evacuate(int root_fd);
/* Hands every controller that the host can give down to ROOT/jail's children. What can't be had is
 * no error here. Return: the controllers that its children have now. */
uint32_t cgroup_enable(int root_fd, int jail_fd);
/* The same for one directory; not one that has processes, see evacuate.c. */
uint32_t cgroup_hand_down(int dir);
/* Whether a cgroup below the real root has processes: with any, what the kernel still lets it hand
 * down makes it a threaded domain, in whose children nothing can be started. */
bool cgroup_has_processes(int dir);
/* Sets the error for a key whose controller is missing: what, where, why, and a hint. `above`: the
 * cgroup whose children should have it, at `path`. Return: -EOPNOTSUPP. */
int cgroup_missing(int above, const char *path, const char *key, uint32_t controller,
		   struct err *e);
/* Value of "KEY N" in cgroup.events of dir. Return: N, or -errno. */
int cgroup_event(int dir, const char *key);
/* Waits until "KEY N" has the wanted value. Return: 0, -ETIMEDOUT, -errno. */
int cgroup_event_wait(int dir, const char *key, int want, uint64_t deadline_ms);
/* The next child cgroup, or NULL; errno tells an error from the end. */
struct dirent *cgroup_next_child(DIR *d);
/* Removes the cgroups below `dir`. Return: 0, -EBUSY (something lives there), -errno. */
int cgroup_remove_below(int dir);
/* Removes at/path and what is below it, if nothing lives there. Return: 0 (also when it is not
 * there), -EBUSY, -errno. */
int cgroup_rmdir(int at, const char *path);
/* Kills what lives there first. Return: 0, -ETIMEDOUT, -errno. */
int cgroup_end(int at, const char *path, unsigned wait_ms);
/* The processes of `dir` and all below it, at most max, in the kernel's order. *ret: owned by the
 * caller, NULL when there are none. Return: 0 or -errno. */
int cgroup_pids_below(int dir, size_t max, pid_t **ret, size_t *ret_n);
/* How many processes in it and below the out-of-memory killer took; 0 without a memory controller.
 */
uint64_t cgroup_oom_kills(int dir);
/* Opens NAME, or NAME/inside. Return: fd or -errno. */
int cgroup_dir(const struct cgroup_tree *t, const struct jail_name *name, bool inside);

#define CGROUP_ABOVE_MAX 8 /* cgroups above an instance's that are looked at */
#define CGROUP_PATH_MAX 4096

/* A cgroup above the instance's. */
struct cgroup_above {
	uint64_t inode, ooms;
	enum cgroup_oom_level level; /* of its limit */
};

/* Where the instance's cgroup is, as the kernel's log names it. */
struct cgroup_oom_place {
	char path[CGROUP_PATH_MAX]; /* below the mount: "/jail/web" */
	size_t own_len; /* how much of it is the top one that is the instance's alone */
	size_t all_len; /* and the one of all instances ("/jail"), or 0 */
	bool whole; /* the mount shows the whole tree: no unknown part before it */
	struct cgroup_above above[CGROUP_ABOVE_MAX]; /* nearest first */
	size_t n_above;
};
/* Notes in the new cgroup `dir` what the ones above it had counted before its time. */
void cgroup_oom_mark(const struct cgroup_tree *t, int dir);
/* One record of /dev/kmsg, which is taken apart. Return: whether it tells of a kill in this place
 * after since_us (CLOCK_MONOTONIC); then victim and level are filled in. */
bool cgroup_oom_parse(const struct cgroup_oom_place *p, uint64_t since_us, char *line,
		      struct cgroup_oom *oom);
/* All records of `log`, of which each read(2) gives one. */
void cgroup_oom_search(int log, const struct cgroup_oom_place *p, uint64_t since_us,
		       struct cgroup_oom *oom);

#endif
