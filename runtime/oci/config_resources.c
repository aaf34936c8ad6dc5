/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "linux.resources" (config-linux.md, "Control groups"): of config.json, and alone in the file that
 * `update` reads. What the values mean for cgroup v2 is the cgroup's business; here they are read,
 * and refused where no cgroup could have them.
 */
#include "cgroups/devices.h"
#include "runtime/oci/config_priv.h"

#define RES(member) OCI(resources.member)
#define MINUS_ONE ((uint64_t)-1)
#define MAJOR_MAX 4095 /* bits of dev_t */
#define MINOR_MAX 1048575

/* ---- devices */

#define RULE(member) offsetof(struct oci_device_rule, member)

static int decode_rule_type(const struct decoder *d, const struct json *node, void *base,
			    const struct decode_field *f, struct err *e)
{
	struct oci_device_rule *rule = base;
	int r = decode_type(d, node, JSON_STRING, e);

	(void)f;
	if (r < 0 || node->len == 0)
		return r;
	if (node->len != 1 || !strchr("abc", node->text[0]))
		return json_err(d->doc, node, e, EINVAL,
				"\"%.20s\": expected \"a\", \"b\" or \"c\"", node->text);
	rule->type = node->text[0];
	return 0;
}

static int decode_access(const struct decoder *d, const struct json *node, void *base,
			 const struct decode_field *f, struct err *e)
{
	struct oci_device_rule *rule = base;
	int r = decode_type(d, node, JSON_STRING, e);

	(void)f;
	if (r < 0)
		return r;
	rule->access = 0;
	for (const char *p = node->text; *p; p++) {
		if (*p == 'r')
			rule->access |= CGROUP_DEVICE_READ;
		else if (*p == 'w')
			rule->access |= CGROUP_DEVICE_WRITE;
		else if (*p == 'm')
			rule->access |= CGROUP_DEVICE_MKNOD;
		else
			return json_err(d->doc, node, e, EINVAL,
					"\"%.20s\": expected letters of \"rwm\"", node->text);
	}
	if (rule->access == 0)
		return json_err(d->doc, node, e, EINVAL, "is empty");
	return 0;
}

static const struct decode_field rule_fields[] = {
	{ .key = "allow", .decode = decode_bool, .offset = RULE(allow), .required = true },
	{ .key = "type", .decode = decode_rule_type },
	{ .key = "major",
	  .decode = decode_i64,
	  .offset = RULE(major),
	  .min = MINUS_ONE,
	  .max = MAJOR_MAX },
	{ .key = "minor",
	  .decode = decode_i64,
	  .offset = RULE(minor),
	  .min = MINUS_ONE,
	  .max = MINOR_MAX },
	{ .key = "access", .decode = decode_access },
};
static const struct decode_table rule_table = OCI_TABLE(rule_fields);

static int decode_rule(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	struct oci_device_rule *rule = base;

	*rule = (struct oci_device_rule){
		.type = 'a', .major = -1, .minor = -1, .access = CGROUP_DEVICE_ALL
	};
	return decode_object(d, node, base, &rule_table, e);
}

/* ---- memory, cpu, pids */

/* Engines write -1 as 2^64 - 1 for what nobody asked for; the cgroup's code knows it. */
static int decode_swappiness(const struct decoder *d, const struct json *node, void *base,
			     const struct decode_field *f, struct err *e)
{
	const struct oci_config *c = base;
	int r = decode_u64_all(d, node, base, f, e);

	if (r < 0 || c->resources.memory.swappiness > INT64_MAX)
		return r;
	if (c->resources.memory.swappiness > 100)
		return json_err(d->doc, node, e, ERANGE, "%s: expected an integer from 0 to 100",
				node->text);
	return 0;
}

#define MEMORY(name, member)                                                                       \
	{                                                                                          \
		.key = (name), .decode = decode_i64, .offset = RES(memory.member),                 \
		.flag = RES(memory.has_##member), .min = MINUS_ONE, .max = INT64_MAX               \
	}
static const struct decode_field memory_fields[] = {
	MEMORY("limit", limit),
	MEMORY("reservation", reservation),
	MEMORY("swap", swap),
	MEMORY("kernel", kernel),
	MEMORY("kernelTCP", kernel_tcp),
	{ .key = "swappiness",
	  .decode = decode_swappiness,
	  .offset = RES(memory.swappiness),
	  .flag = RES(memory.has_swappiness) },
	{ .key = "disableOOMKiller",
	  .decode = decode_bool,
	  .offset = RES(memory.disable_oom_killer) },
	{ .key = "useHierarchy", .decode = decode_bool, .offset = RES(memory.use_hierarchy) },
	{ .key = "checkBeforeUpdate",
	  .decode = decode_bool,
	  .offset = RES(memory.check_before_update),
	  .flag = RES(memory.has_check_before_update) },
};
static const struct decode_table memory_table = OCI_TABLE(memory_fields);

#define CPU_U64(name, member)                                                                      \
	{                                                                                          \
		.key = (name), .decode = decode_u64_all, .offset = RES(cpu.member),                \
		.flag = RES(cpu.has_##member)                                                      \
	}
#define CPU_I64(name, member, least, most)                                                         \
	{                                                                                          \
		.key = (name), .decode = decode_i64, .offset = RES(cpu.member),                    \
		.flag = RES(cpu.has_##member), .min = (least), .max = (most)                       \
	}
static const struct decode_field cpu_fields[] = {
	CPU_U64("shares", shares),
	CPU_I64("quota", quota, MINUS_ONE, INT64_MAX),
	CPU_U64("burst", burst),
	CPU_U64("period", period),
	CPU_I64("realtimeRuntime", rt_runtime, MINUS_ONE, INT64_MAX),
	CPU_U64("realtimePeriod", rt_period),
	{ .key = "cpus",
	  .decode = decode_ref_given,
	  .offset = RES(cpu.cpus),
	  .check = oci_check_list },
	{ .key = "mems",
	  .decode = decode_ref_given,
	  .offset = RES(cpu.mems),
	  .check = oci_check_list },
	CPU_I64("idle", idle, 0, 1),
};
static const struct decode_table cpu_table = OCI_TABLE(cpu_fields);

static const struct decode_field pids_fields[] = {
	{ .key = "limit",
	  .decode = decode_i64,
	  .offset = RES(pids.limit),
	  .flag = RES(pids.has_limit),
	  .min = MINUS_ONE,
	  .max = INT64_MAX },
};
static const struct decode_table pids_table = OCI_TABLE(pids_fields);

/* ---- block devices */

#define BLOCK(member) offsetof(struct oci_block_device, member)
#define BLOCK_NUMBERS                                                                              \
	{ .key = "major",                                                                          \
	  .decode = decode_u32,                                                                    \
	  .offset = BLOCK(major),                                                                  \
	  .max = MAJOR_MAX,                                                                        \
	  .required = true },                                                                      \
	{                                                                                          \
		.key = "minor", .decode = decode_u32, .offset = BLOCK(minor), .max = MINOR_MAX,    \
		.required = true                                                                   \
	}
static const struct decode_field rate_fields[] = {
	BLOCK_NUMBERS,
	{ .key = "rate", .decode = decode_u64_all, .offset = BLOCK(value), .required = true },
};
static const struct decode_table rate_table = OCI_TABLE(rate_fields);

static int refuse_leaf_weight(const struct decoder *d, const struct json *node, void *base,
			      const struct decode_field *f, struct err *e)
{
	int64_t weight = 0;

	(void)base;
	(void)f;
	if (decode_integer(d, node, 0, UINT16_MAX, &weight, e) < 0)
		return -e->code;
	return weight ? json_err(d->doc, node, e, EOPNOTSUPP,
				 "is not supported, cgroup v2 has none")
		      : 0;
}

static const struct decode_field weight_device_fields[] = {
	BLOCK_NUMBERS,
	{ .key = "weight",
	  .decode = decode_u64,
	  .offset = BLOCK(value),
	  .max = UINT16_MAX,
	  .required = true },
	{ .key = "leafWeight", .decode = refuse_leaf_weight },
};
static const struct decode_table weight_device_table = OCI_TABLE(weight_device_fields);

#define BLOCK_DEVICES(name, member, of)                                                            \
	{                                                                                          \
		.key = (name), .decode = decode_elements, .offset = RES(block_io.member.v),        \
		.count = RES(block_io.member.n), .size = sizeof(struct oci_block_device),          \
		.table = &(of), .max = LIMIT_OCI_DEVICES                                           \
	}
static const struct decode_field block_fields[] = {
	{ .key = "weight",
	  .decode = decode_u16,
	  .offset = RES(block_io.weight),
	  .flag = RES(block_io.has_weight),
	  .max = UINT16_MAX },
	{ .key = "leafWeight",
	  .decode = decode_u16,
	  .offset = RES(block_io.leaf_weight),
	  .flag = RES(block_io.has_leaf_weight),
	  .max = UINT16_MAX },
	BLOCK_DEVICES("weightDevice", weight_device, weight_device_table),
	BLOCK_DEVICES("throttleReadBpsDevice", read_bps, rate_table),
	BLOCK_DEVICES("throttleWriteBpsDevice", write_bps, rate_table),
	BLOCK_DEVICES("throttleReadIOPSDevice", read_iops, rate_table),
	BLOCK_DEVICES("throttleWriteIOPSDevice", write_iops, rate_table),
};
static const struct decode_table block_table = OCI_TABLE(block_fields);

/* ---- huge pages, RDMA, network, raw files */

static int check_page_size(const char *text, struct err *e)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 6 || text[0] == '0' || !strchr("KMG", text[digits]) ||
	    !str_eq(text + digits + 1, "B"))
		return err_set(e, EINVAL, "\"%.40s\": expected a size like \"64KB\" or \"2MB\"",
			       text);
	return 0;
}

static const struct decode_field huge_fields[] = {
	{ .key = "pageSize",
	  .decode = decode_ref,
	  .offset = offsetof(struct oci_huge_limit, page_size),
	  .check = check_page_size,
	  .required = true },
	{ .key = "limit",
	  .decode = decode_u64_all,
	  .offset = offsetof(struct oci_huge_limit, limit),
	  .required = true },
};
static const struct decode_table huge_table = OCI_TABLE(huge_fields);

#define RDMA(member) offsetof(struct oci_rdma_limit, member)
static const struct decode_field rdma_fields[] = {
	{ .key = "hcaHandles",
	  .decode = decode_u32,
	  .offset = RDMA(handles),
	  .flag = RDMA(has_handles),
	  .max = UINT32_MAX },
	{ .key = "hcaObjects",
	  .decode = decode_u32,
	  .offset = RDMA(objects),
	  .flag = RDMA(has_objects),
	  .max = UINT32_MAX },
};
static const struct decode_table rdma_table = OCI_TABLE(rdma_fields);

/* A device's name is a word in a line of rdma.max. */
static int decode_rdma(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	struct oci_rdma_limit *l = base;
	int r = decode_object(d, node, base, &rdma_table, e);

	if (r < 0)
		return r;
	if (node->key[0] == '\0' || strpbrk(node->key, " \t\n"))
		return json_err_key(d->doc, node, e, EINVAL, "is no name of a device");
	if (!l->has_handles && !l->has_objects)
		return json_err(d->doc, node, e, EINVAL,
				"has neither \"hcaHandles\" nor \"hcaObjects\"");
	l->device = node->key;
	return 0;
}

static int decode_priorities(const struct decoder *d, const struct json *node, void *base,
			     const struct decode_field *f, struct err *e)
{
	struct oci_config *c = base;

	(void)f;
	c->resources.has_network_priorities = node->count > 0;
	return decode_type(d, node, JSON_ARRAY, e);
}

static int decode_class(const struct decoder *d, const struct json *node, void *base,
			const struct decode_field *f, struct err *e)
{
	struct oci_config *c = base;
	int64_t id = 0;

	(void)f;
	if (decode_integer(d, node, 0, UINT32_MAX, &id, e) < 0)
		return -e->code;
	c->resources.has_network_class = id != 0;
	return 0;
}

static const struct decode_field network_fields[] = {
	{ .key = "classID", .decode = decode_class },
	{ .key = "priorities", .decode = decode_priorities },
};
static const struct decode_table network_table = OCI_TABLE(network_fields);

static int decode_raw(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	if (strchr(node->key, '/') || !strchr(node->key, '.') || node->key[0] == '.')
		return json_err_key(d->doc, node, e, EINVAL,
				    "is no name of a cgroup's file, like \"memory.high\"");
	return oci_decode_pair(d, node, base, e);
}

/* ---- the object */

static const struct decode_field resources_fields[] = {
	{ .key = "devices",
	  .decode = decode_elements,
	  .offset = RES(devices),
	  .count = RES(n_devices),
	  .size = sizeof(struct oci_device_rule),
	  .item = decode_rule,
	  .max = LIMIT_OCI_DEVICES },
	{ .key = "memory", .decode = decode_nested, .table = &memory_table },
	{ .key = "cpu", .decode = decode_nested, .table = &cpu_table },
	{ .key = "pids", .decode = decode_nested, .table = &pids_table },
	{ .key = "blockIO", .decode = decode_nested, .table = &block_table },
	{ .key = "hugepageLimits",
	  .decode = decode_elements,
	  .offset = RES(huge),
	  .count = RES(n_huge),
	  .size = sizeof(struct oci_huge_limit),
	  .table = &huge_table,
	  .max = LIMIT_OCI_DEVICES },
	{ .key = "network", .decode = decode_nested, .table = &network_table },
	{ .key = "rdma",
	  .decode = decode_members,
	  .offset = RES(rdma),
	  .count = RES(n_rdma),
	  .size = sizeof(struct oci_rdma_limit),
	  .item = decode_rdma,
	  .max = LIMIT_OCI_DEVICES },
	{ .key = "unified",
	  .decode = decode_members,
	  .offset = RES(unified.v),
	  .count = RES(unified.n),
	  .size = sizeof(struct oci_pair),
	  .item = decode_raw,
	  .max = LIMIT_OCI_MAP },
};
const struct decode_table oci_resources_table = OCI_TABLE(resources_fields);

/* Docker writes "shares": 0 and "weight": 0 for what nobody asked for, and runc takes 0 as such. */
void oci_resources_finish(struct oci_resources *r)
{
	r->memory.has_limit &= r->memory.limit != 0;
	r->memory.has_reservation &= r->memory.reservation != 0;
	r->memory.has_swap &= r->memory.swap != 0;
	r->memory.has_kernel &= r->memory.kernel != 0;
	r->memory.has_kernel_tcp &= r->memory.kernel_tcp != 0;
	r->cpu.has_shares &= r->cpu.shares != 0;
	r->cpu.has_quota &= r->cpu.quota != 0;
	r->cpu.has_period &= r->cpu.period != 0;
	r->cpu.has_rt_runtime &= r->cpu.rt_runtime != 0;
	r->cpu.has_rt_period &= r->cpu.rt_period != 0;
	r->pids.has_limit &= r->pids.limit != 0;
	r->block_io.has_weight &= r->block_io.weight != 0;
	r->block_io.has_leaf_weight &= r->block_io.leaf_weight != 0;
}
