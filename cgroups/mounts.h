/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cgroup mounts of this mount namespace, out of /proc/self/mountinfo (proc(5)). */
#ifndef JAIL_CGROUPS_MOUNTS_H
#define JAIL_CGROUPS_MOUNTS_H

#include "base/err.h"

struct cgroup_mount {
	bool v2; /* "cgroup2", else "cgroup" */
	const char *path; /* mount point, unescaped */
	const char *options; /* v1: its controllers, "cpu,cpuacct"; "" for a named hierarchy */
};

/* Calls fn for each; stops at a non-zero return and passes it on. */
typedef int cgroup_mount_fn(const struct cgroup_mount *m, void *arg);
int cgroup_mounts_each(cgroup_mount_fn *fn, void *arg, struct err *e);
/* Parses one line, which is taken apart. Return: whether it is a cgroup mount. */
bool cgroup_mount_parse(char *line, struct cgroup_mount *ret);
/* Whether the v1 mount has the controller. */
bool cgroup_mount_has(const struct cgroup_mount *m, const char *v1_name);

#endif
