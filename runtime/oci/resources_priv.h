/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the conversion. All add to the list. */
#ifndef JAIL_RUNTIME_OCI_RESOURCES_PRIV_H
#define JAIL_RUNTIME_OCI_RESOURCES_PRIV_H

#include "runtime/oci/resources.h"

int resources_block_io(const struct oci_resources *r, const struct oci_resource_facts *facts,
		       struct cgroup_settings *s, struct err *e);
int resources_huge(const struct oci_resources *r, struct cgroup_settings *s, struct err *e);
int resources_rdma(const struct oci_resources *r, struct cgroup_settings *s, struct err *e);
int resources_unified(const struct oci_resources *r, struct cgroup_settings *s, struct err *e);
/* "linux.resources.KEY: WHY", with a hint. Return: -EOPNOTSUPP. */
int resources_refuse(const char *key, const char *why, struct err *e);

#endif
