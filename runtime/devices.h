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

#endif
