/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices that a spec grants: nodes for the instance's /dev, and its filter. */
#ifndef JAIL_RUNTIME_DEVICES_H
#define JAIL_RUNTIME_DEVICES_H

#include "cgroups/devices.h"
#include "namespaces/rootfs.h"
#include "runtime/spec.h"

/* All n_devices of the spec; paths are borrowed from it. */
struct devices {
	struct rootfs_device nodes[LIMIT_DEVICES];
	struct cgroup_device allowed[LIMIT_DEVICES];
};

/* Looks each device of the host up, once: node and filter are of the same one whatever becomes of
 * the path. -ENODEV: it is no device. */
int devices_find(const struct jail_spec *spec, struct devices *ret, struct err *e);
/* Puts the filter on NAME's cgroup, or exchanges it. Where there can't be one (devices.h of
 * cgroups/) a device with less than full access is an error: nothing would enforce it. */
int devices_filter(const struct cgroup_tree *t, const struct jail_name *name,
		   const struct jail_spec *spec, const struct devices *d, struct err *e);

/* A running instance whose devices change. All borrowed. */
struct devices_live {
	const struct cgroup_tree *tree;
	const struct jail_name *name;
	pid_t pid; /* of the init, which the caller holds */
	uid_t uid; /* the host's id of the instance's root */
};
/*
 * From the devices of `old` to those of `now`: what is granted anew gets its node, then the filter
 * is exchanged in one step, then nodes that nobody may use any more go. What the instance has open
 * stays open: a filter judges opens. On failure all is as before. The reverse call takes it back.
 */
int devices_change(const struct devices_live *l, const struct jail_spec *old,
		   const struct jail_spec *now, struct err *e);
/* Whether they differ. */
bool devices_differ(const struct jail_spec *a, const struct jail_spec *b);

#endif
