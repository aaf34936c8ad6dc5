/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share. */
#ifndef JAIL_CGROUPS_CGROUP_PRIV_H
#define JAIL_CGROUPS_CGROUP_PRIV_H

#include "cgroups/cgroup.h"

#define CGROUP_INSIDE "inside"
#define CGROUP_MONITOR ".monitor"

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
/* Hands every controller that the host can give down to ROOT/jail's children. What can't be had is
 * no error here. Return: the controllers that its children have now. */
uint32_t cgroup_enable(int root_fd, int jail_fd);
/* Sets the error for a key whose controller is missing: what, where, why, and a hint. Return:
 * -EOPNOTSUPP. */
int cgroup_missing(const struct cgroup_tree *t, const char *key, uint32_t controller,
		   struct err *e);
/* Writes the limits to the cgroup `dir` and reads them back. */
int cgroup_write_limits(const struct cgroup_tree *t, int dir, const struct cgroup_limits *limits,
			struct err *e);
/* Value of "KEY N" in cgroup.events of dir. Return: N, or -errno. */
int cgroup_event(int dir, const char *key);
/* Waits until "KEY N" has the wanted value. Return: 0, -ETIMEDOUT, -errno. */
int cgroup_event_wait(int dir, const char *key, int want, uint64_t deadline_ms);
/* Removes the cgroups below `dir`. Return: 0, -EBUSY (something lives there), -errno. */
int cgroup_remove_below(int dir);
/* Opens NAME, or NAME/inside. Return: fd or -errno. */
int cgroup_dir(const struct cgroup_tree *t, const struct jail_name *name, bool inside);

#endif
