/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of a container's cgroup share. */
#ifndef JAIL_RUNTIME_OCI_CGROUP_PRIV_H
#define JAIL_RUNTIME_OCI_CGROUP_PRIV_H

#include "runtime/oci/cgroup.h"

/* linux.resources.devices, and what runc adds to them: puts the filter on the open cgroup. */
int oci_devices_set(int dir, const struct oci_resources *r, struct err *e);

#endif
