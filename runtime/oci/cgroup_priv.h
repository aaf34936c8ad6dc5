/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of a container's cgroup share. */
#ifndef JAIL_RUNTIME_OCI_CGROUP_PRIV_H
#define JAIL_RUNTIME_OCI_CGROUP_PRIV_H

#include "cgroups/settings.h"
#include "runtime/oci/cgroup.h"
#include "runtime/oci/resources.h"

/* Takes note of the new cgroup's inode and puts limits and device filter on it. *ret: what was
 * written, also on failure the caller's to free. */
int cgroup_fill(struct oci_cgroup *g, const struct oci_config *c, int dir,
		struct cgroup_settings *ret, struct err *e);
/* With the systemd manager: tells it what was written. */
int cgroup_scope_update(const struct oci_cgroup *g, const struct cgroup_settings *settings,
			struct err *e);
/* Ends the scope, whose cgroup is empty or gone. */
int cgroup_scope_end(const struct oci_cgroup *g, struct err *e);
/* linux.resources.devices, and what runc adds to them: puts the filter on the open cgroup. */
int oci_devices_set(int dir, const struct oci_resources *r, struct err *e);

#endif
