/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "linux" (config-linux.md), but for resources, sysctl's rules and id mappings. */
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <sys/personality.h>

#include "runtime/oci/config_priv.h"

#define MPOL_WEIGHTED_INTERLEAVE_6_9 6 /* Linux 6.9, younger than Debian 12's headers */

int oci_decode_pair(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	struct oci_pair *pair = base;
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	*pair = (struct oci_pair){ .key = node->key, .value = node->text };
	return 0;
}

/* ---- namespaces */

const struct decode_name oci_namespace_names[] = {
	{ "cgroup", CLONE_NEWCGROUP }, { "ipc", CLONE_NEWIPC }, { "mount", CLONE_NEWNS },
	{ "network", CLONE_NEWNET },   { "pid", CLONE_NEWPID }, { "time", CLONE_NEWTIME },
	{ "user", CLONE_NEWUSER },     { "uts", CLONE_NEWUTS }, { NULL, 0 },
};

static const struct decode_field namespace_fields[] = {
	{ .key = "type",
	  .decode = decode_named,
	  .offset = offsetof(struct oci_namespace, flag),
	  .names = oci_namespace_names,
	  .required = true },
	{ .key = "path",
	  .decode = decode_ref_given,
	  .offset = offsetof(struct oci_namespace, path),
	  .check = oci_check_absolute },
};
static const struct decode_table namespace_table = OCI_TABLE(namespace_fields);

static int decode_namespace(const struct decoder *d, const struct json *node, void *base,
			    struct err *e)
{
	struct oci_config *c = base;
	struct oci_namespace ns = { .path = NULL };
	int r = decode_object(d, node, &ns, &namespace_table, e);

	if (r < 0)
		return r;
	if (oci_namespace_find(c, ns.flag))
		return json_err(d->doc, node, e, EINVAL, "\"%s\" is listed twice",
				json_get(node, "type")->text);
	c->namespaces[c->n_namespaces++] = ns; /* each kind once: they fit */
	return 0;
}

/* ---- time */

#define CLOCK(clock)                                                                               \
	static const struct decode_field clock##_fields[] = {                                      \
		{ .key = "secs",                                                                   \
		  .decode = decode_i64,                                                            \
		  .offset = OCI(clock.seconds),                                                    \
		  .min = (uint64_t)INT64_MIN,                                                      \
		  .max = INT64_MAX },                                                              \
		{ .key = "nanosecs",                                                               \
		  .decode = decode_u32,                                                            \
		  .offset = OCI(clock.nanoseconds),                                                \
		  .max = 999999999 },                                                              \
	};                                                                                         \
	static const struct decode_table clock##_table = OCI_TABLE(clock##_fields)
CLOCK(monotonic);
CLOCK(boottime);

static const struct decode_field offset_fields[] = {
	{ .key = "monotonic",
	  .decode = decode_nested,
	  .flag = OCI(monotonic.given),
	  .table = &monotonic_table },
	{ .key = "boottime",
	  .decode = decode_nested,
	  .flag = OCI(boottime.given),
	  .table = &boottime_table },
};
/* Not open: a clock that has no offset can't be ignored. */
static const struct decode_table offset_table = { .fields = offset_fields,
						  .n = ARRAY_SIZE(offset_fields) };

/* ---- personality, memory policy */

static const struct decode_name domains[] = {
	{ "LINUX", PER_LINUX },
	{ "LINUX32", PER_LINUX32 },
	{ NULL, 0 },
};

/* "Currently no flag values are supported" (config-linux.md). */
static const struct decode_name no_flags[] = { { NULL, 0 } };

struct raw_personality {
	uint64_t domain, flags;
};

static const struct decode_field personality_fields[] = {
	{ .key = "domain",
	  .decode = decode_named,
	  .offset = offsetof(struct raw_personality, domain),
	  .names = domains,
	  .required = true },
	{ .key = "flags",
	  .decode = decode_flags,
	  .offset = offsetof(struct raw_personality, flags),
	  .names = no_flags },
};
static const struct decode_table personality_table = OCI_TABLE(personality_fields);

static int decode_personality(const struct decoder *d, const struct json *node, void *base,
			      const struct decode_field *f, struct err *e)
{
	struct oci_config *c = base;
	struct raw_personality raw = { .domain = 0 };
	int r = decode_object(d, node, &raw, f->table, e);

	if (r < 0)
		return r;
	c->personality = (unsigned long)(raw.domain | raw.flags);
	return 0;
}

const struct decode_name oci_memory_modes[] = {
	{ "MPOL_BIND", MPOL_BIND },
	{ "MPOL_DEFAULT", MPOL_DEFAULT },
	{ "MPOL_INTERLEAVE", MPOL_INTERLEAVE },
	{ "MPOL_LOCAL", MPOL_LOCAL },
	{ "MPOL_PREFERRED", MPOL_PREFERRED },
	{ "MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY },
	{ "MPOL_WEIGHTED_INTERLEAVE", MPOL_WEIGHTED_INTERLEAVE_6_9 },
	{ NULL, 0 },
};
const struct decode_name oci_memory_flags[] = {
	{ "MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING },
	{ "MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES },
	{ "MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES },
	{ NULL, 0 },
};

struct raw_policy {
	int mode;
	uint64_t flags;
	const char *nodes;
};

static const struct decode_field policy_fields[] = {
	{ .key = "mode",
	  .decode = decode_named_int,
	  .offset = offsetof(struct raw_policy, mode),
	  .names = oci_memory_modes,
	  .required = true },
	{ .key = "nodes",
	  .decode = decode_ref_given,
	  .offset = offsetof(struct raw_policy, nodes),
	  .check = oci_check_list },
	{ .key = "flags",
	  .decode = decode_flags,
	  .offset = offsetof(struct raw_policy, flags),
	  .names = oci_memory_flags },
};
static const struct decode_table policy_table = OCI_TABLE(policy_fields);

/* set_mempolicy(2). */
static int decode_policy(const struct decoder *d, const struct json *node, void *base,
			 const struct decode_field *f, struct err *e)
{
	struct oci_config *c = base;
	struct raw_policy raw = { .nodes = NULL };
	int r = decode_object(d, node, &raw, f->table, e);
	bool none = raw.mode == MPOL_DEFAULT || raw.mode == MPOL_LOCAL;

	if (r < 0)
		return r;
	if (none && (raw.nodes || raw.flags))
		return json_err(d->doc, node, e, EINVAL, "the mode takes neither nodes nor flags");
	if (!none && !raw.nodes && raw.mode != MPOL_PREFERRED)
		return json_err(d->doc, node, e, EINVAL, "\"nodes\" is missing");
	if ((raw.flags & MPOL_F_STATIC_NODES) && (raw.flags & MPOL_F_RELATIVE_NODES))
		return json_err(d->doc, node, e, EINVAL,
				"MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
	c->memory_policy = (struct oci_memory_policy){
		.given = true, .mode = raw.mode, .flags = (unsigned)raw.flags, .nodes = raw.nodes
	};
	return 0;
}

/* ---- what is a word or a path */

static int decode_propagation(const struct decoder *d, const struct json *node, void *base,
			      const struct decode_field *f, struct err *e)
{
	struct oci_config *c = base;
	int r = decode_type(d, node, JSON_STRING, e);

	(void)f;
	if (r < 0 || node->len == 0)
		return r;
	c->bundle.propagation = oci_propagation(node->text, &c->bundle.propagation_recursive);
	if (c->bundle.propagation)
		return 0;
	(void)json_err(d->doc, node, e, EINVAL, "\"%.40s\" is not a known value", node->text);
	return err_hint(e, "known: private, slave, shared, unbindable, each with or without \"r\"");
}

static const struct decode_field seccomp_fields[] = {
	{ .key = "listenerPath", .decode = decode_ref_given, .offset = OCI(seccomp_listener) },
	{ .key = "listenerMetadata", .decode = decode_ref_given, .offset = OCI(seccomp_metadata) },
};
static const struct decode_table seccomp_table = OCI_TABLE(seccomp_fields);

/* Engines write {} or an empty default action for "no filter" (runc takes it as such). */
static int decode_seccomp(const struct decoder *d, const struct json *node, void *base,
			  const struct decode_field *f, struct err *e)
{
	struct oci_config *c = base;
	const struct json *action, *calls;
	int r = decode_object(d, node, base, f->table, e);

	if (r < 0)
		return r;
	if (c->seccomp_metadata && !c->seccomp_listener)
		return json_err(d->doc, node, e, EINVAL,
				"\"listenerMetadata\" needs \"listenerPath\"");
	action = json_get(node, "defaultAction");
	calls = json_get(node, "syscalls");
	if ((action && action->type != JSON_NULL && action->len > 0) || (calls && calls->count > 0))
		c->seccomp = node;
	return 0;
}

static int decode_unsupported(const struct decoder *d, const struct json *node, void *base,
			      const struct decode_field *f, struct err *e)
{
	(void)base;
	(void)f;
	return json_err_key(d->doc, node, e, EOPNOTSUPP, "is not supported");
}

/* ---- the object */

#define PATHS(name, member)                                                                        \
	{                                                                                          \
		.key = (name), .decode = decode_refs, .offset = OCI(bundle.member),                \
		.count = OCI(bundle.n_##member), .check = oci_check_absolute,                      \
		.max = LIMIT_OCI_PATHS                                                             \
	}
#define MAPS(name, member)                                                                         \
	{                                                                                          \
		.key = (name), .decode = decode_elements, .offset = OCI(maps.member),              \
		.count = OCI(maps.n_##member), .size = sizeof(struct id_mapping),                  \
		.table = &oci_mapping_table, .max = LIMIT_ID_MAPS                                  \
	}

static const struct decode_field linux_fields[] = {
	{ .key = "namespaces", .decode = decode_array, .item = decode_namespace },
	MAPS("uidMappings", uids),
	MAPS("gidMappings", gids),
	{ .key = "timeOffsets", .decode = decode_nested, .table = &offset_table },
	{ .key = "devices",
	  .decode = decode_elements,
	  .offset = OCI(bundle.devices),
	  .count = OCI(bundle.n_devices),
	  .size = sizeof(struct bundle_device),
	  .item = oci_decode_device,
	  .max = LIMIT_OCI_DEVICES },
	{ .key = "netDevices",
	  .decode = decode_members,
	  .offset = OCI(net_devices),
	  .count = OCI(n_net_devices),
	  .size = sizeof(struct oci_net_device),
	  .item = oci_decode_net_device,
	  .max = LIMIT_OCI_NET_DEVICES },
	{ .key = "cgroupsPath", .decode = decode_ref_given, .offset = OCI(cgroups_path) },
	{ .key = "resources", .decode = decode_nested, .table = &oci_resources_table },
	{ .key = "intelRdt", .decode = decode_unsupported },
	{ .key = "sysctl",
	  .decode = decode_members,
	  .offset = OCI(sysctl.v),
	  .count = OCI(sysctl.n),
	  .size = sizeof(struct oci_pair),
	  .item = oci_decode_pair,
	  .max = LIMIT_OCI_MAP },
	{ .key = "seccomp", .decode = decode_seccomp, .table = &seccomp_table },
	{ .key = "rootfsPropagation", .decode = decode_propagation },
	PATHS("maskedPaths", masked),
	PATHS("readonlyPaths", read_only_paths),
	{ .key = "mountLabel", .decode = decode_ref_given, .offset = OCI(bundle.mount_label) },
	{ .key = "personality",
	  .decode = decode_personality,
	  .flag = OCI(has_personality),
	  .table = &personality_table },
	{ .key = "memoryPolicy", .decode = decode_policy, .table = &policy_table },
};
const struct decode_table oci_linux_table = OCI_TABLE(linux_fields);
