/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * linux.resources, which is written for cgroup v1, as files of the v2 tree. The same list serves
 * the cgroup file system and, for what systemd knows, the properties of a scope. What runc and crun
 * do alike is done here too; where they leave something out silently, it is an error (promise 2).
 *
 * 0 is "not given" for every number that v1 had no 0 for, as engines written in Go send it.
 */
#ifndef JAIL_RUNTIME_OCI_RESOURCES_H
#define JAIL_RUNTIME_OCI_RESOURCES_H

#include "cgroups/settings.h"
#include "runtime/oci/config.h"

/* What the conversion depends on besides the configuration. */
struct oci_resource_facts {
	bool has_bfq; /* the cgroup has an io.bfq.weight, whose scale is that of v1 */
	const char *cpu_max; /* of a running container: what cpu.max says; NULL: a new one */
};

/* *ret is to be freed, also on failure. "unified" is last and replaces what it repeats. */
int oci_resources_convert(const struct oci_resources *r, const struct oci_resource_facts *facts,
			  struct cgroup_settings *ret, struct err *e);
/* cpu.shares as cpu.weight, 1 to 10000; 0 stays 0. */
uint64_t oci_shares_to_weight(uint64_t shares);
/* blockIO.weight, 10 to 1000, as io.weight, 1 to 10000. */
uint64_t oci_block_weight(uint16_t weight);

#endif
