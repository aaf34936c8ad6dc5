/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a provider lets a customer's spec ask for: the host's paths, devices, capabilities,
 * networks, ports, hooks, resources. It stands between a spec that somebody else wrote and the
 * host, and says yes to what it lists; all else that has power over the host or over others is
 * refused with the JSON path of the spec. docs/policy.md describes the file.
 *
 * A policy is applied where a spec comes in or changes: create, run, clone, import, set, rebuild.
 * It never changes a spec.
 */
#ifndef JAIL_RUNTIME_POLICY_H
#define JAIL_RUNTIME_POLICY_H

#include "base/arena.h"
#include "runtime/spec.h"

#define POLICY_LIST_MAX 1024 /* of each list */

enum policy_rules { POLICY_RULES_NONE, POLICY_RULES_IN, POLICY_RULES_ANY };

struct policy_path {
	const char *path; /* absolute and clean: itself and all below it */
	bool read_only; /* only to be read */
};

/* A list of a policy; `given` false: the default that docs/policy.md names. Patterns are those of
 * fnmatch(3) without flags. */
struct policy_list {
	const char **v;
	size_t n;
	bool given;
};

struct policy_limit {
	uint64_t most;
	bool given;
};

struct policy {
	/* Patterns. */
	struct policy_list names, tenants, images, networks;
	struct policy_list instances; /* that it may name: `requires`, network.instance */
	/* Words. */
	struct policy_list modes, network_modes, user_namespaces, rlimits;
	/* Values as the spec has them. */
	struct policy_list rootfs, block_devices, devices, seccomp;
	struct policy_path *host_paths;
	size_t n_host_paths;
	struct net_port *ports; /* host_address, host_port, count, protocol (0: any) count */
	size_t n_ports;
	uint64_t capabilities; /* beyond those that a spec has which says nothing */
	enum policy_rules allow; /* network.allow; default POLICY_RULES_IN */
	bool nesting, hooks, volumes, raw_limits, addresses;
	int64_t oom_score_adj; /* the least; default 0 */
	/* What has to be given, and at most this. */
	struct policy_limit cpu_max, memory_max, swap_max, pids_max, disk_size, disk_inodes,
		ingress, egress;
	struct policy_limit log; /* all its files together; a spec always has a size */
	/* What may be given, and at most this: it takes from others. */
	struct policy_limit cpu_weight, memory_low, memory_min, io_weight;

	struct json_doc *doc; /* what the strings above belong to */
	struct arena arena;
};

void policy_free(struct policy *p);
#define CLEANUP_POLICY CLEANUP(policy_free)

/* Unknown keys are errors, as in a spec. *ret: policy_free(), also after a failure. */
int policy_decode(const char *file, const char *text, size_t n, struct policy *ret, struct err *e);
/* A file that nobody but root, or the caller, can have written. -ENOENT: there is none. */
int policy_read(const char *file, struct policy *ret, struct err *e);

/* spec: finished. -EACCES: "mounts[0].source: /etc: the policy has no host path that holds it". */
int policy_check(const struct policy *p, const struct jail_spec *spec, struct err *e);

struct jail_config;
/* By the policy of the configuration, if there is one. */
int policy_apply(const struct jail_config *c, const struct jail_spec *spec, struct err *e);

/* Which part of a policy judges a field of the spec ("mounts[].source" -> "hostPaths"); "": it has
 * power over nothing but the instance; NULL: no such field. A test compares this with
 * config.schema.json, so that no new field is forgotten. */
const char *policy_judge_of(const char *field);

#endif
