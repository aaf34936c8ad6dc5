/* SPDX-License-Identifier: GPL-2.0-or-later */
/* update: other limits for a container, by options or by a document. */
#include "base/num.h"
#include "cmd/jail-oci/oci.h"

struct values {
	const char *resources;
	const char *memory, *memory_reservation, *memory_swap, *cpu_quota, *cpuset_cpus,
		*cpuset_mems, *pids_limit, *cpu_rt_runtime, *cpu_rt_period, *cpu_period, *cpu_share,
		*cpu_burst, *cpu_idle, *blkio_weight, *l3_cache_schema, *mem_bw_schema,
		*kernel_memory, *kernel_memory_tcp;
};

#define TEXT(field, name, text) OCI_TEXT(struct values, field, name, 0, "VALUE", text)
static const struct option options[] = {
	OCI_TEXT(struct values, resources, "resources", 'r', "FILE",
		 "linux.resources as JSON; \"-\": stdin"),
	TEXT(memory, "memory", "memory limit: bytes, or with k, m, g; -1: none"),
	TEXT(memory_reservation, "memory-reservation", "memory that is kept from reclaim"),
	TEXT(memory_swap, "memory-swap", "memory and swap together; -1: no limit of swap"),
	TEXT(cpu_share, "cpu-share", "CPU shares (2 to 262144)"),
	TEXT(cpu_quota, "cpu-quota", "CPU time in a period, microseconds; -1: no limit"),
	TEXT(cpu_period, "cpu-period", "length of a period, microseconds"),
	TEXT(cpu_burst, "cpu-burst", "CPU time that may be saved up, microseconds"),
	TEXT(cpu_idle, "cpu-idle", "1: only when nobody else wants the CPU"),
	TEXT(cpu_rt_runtime, "cpu-rt-runtime", "refused: cgroup v2 has no such limit"),
	TEXT(cpu_rt_period, "cpu-rt-period", "refused: cgroup v2 has no such limit"),
	TEXT(cpuset_cpus, "cpuset-cpus", "CPUs, \"0-3,7\""),
	TEXT(cpuset_mems, "cpuset-mems", "memory nodes"),
	TEXT(pids_limit, "pids-limit", "number of processes; -1: no limit"),
	TEXT(blkio_weight, "blkio-weight", "share of I/O, 10 to 1000"),
	TEXT(kernel_memory, "kernel-memory", "refused: cgroup v2 counts it as memory"),
	TEXT(kernel_memory_tcp, "kernel-memory-tcp", "refused: cgroup v2 counts it as memory"),
	TEXT(l3_cache_schema, "l3-cache-schema", "refused: Intel RDT is not supported"),
	TEXT(mem_bw_schema, "mem-bw-schema", "refused: Intel RDT is not supported"),
	OPTION_END,
};

/* "512m", "1073741824", "-1". */
static int take_size(const char *name, const char *text, bool *has, int64_t *ret, struct err *e)
{
	static const char units[] = "bkmgt";
	char digits[24];
	size_t n;
	const char *unit;
	int64_t value;
	unsigned shift;

	if (!text || !*text)
		return 0;
	n = strspn(text, "-0123456789");
	unit = text[n] ? strchr(units, text[n] | 0x20) : units;
	if (!unit ||
	    (text[n] && text[n + 1] && !str_eq(text + n + 1, "b") && !str_eq(text + n + 1, "B")))
		return err_set(e, EINVAL, "--%s \"%s\": bytes, or a number with b, k, m, g or t",
			       name, text);
	if (str_format(digits, sizeof(digits), "%.*s", (int)n, text) < 0 ||
	    num_parse_i64(digits, -1, INT64_MAX >> 40, &value, e) < 0) {
		*e = ERR_INIT;
		if (num_parse_i64(text, -1, INT64_MAX, &value, e) < 0)
			return err_wrap(e, "--%s", name);
	}
	shift = 10 * (unsigned)(unit - units);
	*ret = value < 0 ? -1 : (int64_t)((uint64_t)value << shift);
	*has = true;
	return 0;
}

static int take_i64(const char *name, const char *text, bool *has, int64_t *ret, struct err *e)
{
	if (!text || !*text)
		return 0;
	if (num_parse_i64(text, -1, INT64_MAX, ret, e) < 0)
		return err_wrap(e, "--%s", name);
	*has = true;
	return 0;
}

static int take_u64(const char *name, const char *text, uint64_t max, bool *has, uint64_t *ret,
		    struct err *e)
{
	if (!text || !*text)
		return 0;
	if (num_parse_u64(text, 0, max, ret, e) < 0)
		return err_wrap(e, "--%s", name);
	*has = true;
	return 0;
}

static int refuse(const struct values *v, struct err *e)
{
	const struct {
		const char *name, *value, *why;
	} no[] = {
		{ "cpu-rt-runtime", v->cpu_rt_runtime, "cgroup v2 has no real-time limits" },
		{ "cpu-rt-period", v->cpu_rt_period, "cgroup v2 has no real-time limits" },
		{ "kernel-memory", v->kernel_memory, "cgroup v2 counts it as memory" },
		{ "kernel-memory-tcp", v->kernel_memory_tcp, "cgroup v2 counts it as memory" },
		{ "l3-cache-schema", v->l3_cache_schema, "Intel RDT is not supported" },
		{ "mem-bw-schema", v->mem_bw_schema, "Intel RDT is not supported" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (no[i].value && no[i].value[0] && !str_eq(no[i].value, "0"))
			return err_set(e, EOPNOTSUPP, "--%s: %s", no[i].name, no[i].why);
	return 0;
}

static int take_options(const struct values *v, struct oci_resources *r, struct err *e)
{
	bool has_weight = false;
	uint64_t weight = 0;

	if (refuse(v, e) < 0 ||
	    take_size("memory", v->memory, &r->memory.has_limit, &r->memory.limit, e) < 0 ||
	    take_size("memory-reservation", v->memory_reservation, &r->memory.has_reservation,
		      &r->memory.reservation, e) < 0 ||
	    take_size("memory-swap", v->memory_swap, &r->memory.has_swap, &r->memory.swap, e) < 0 ||
	    take_u64("cpu-share", v->cpu_share, 262144, &r->cpu.has_shares, &r->cpu.shares, e) <
		    0 ||
	    take_i64("cpu-quota", v->cpu_quota, &r->cpu.has_quota, &r->cpu.quota, e) < 0 ||
	    take_u64("cpu-period", v->cpu_period, 1000000, &r->cpu.has_period, &r->cpu.period, e) <
		    0 ||
	    take_u64("cpu-burst", v->cpu_burst, INT64_MAX, &r->cpu.has_burst, &r->cpu.burst, e) <
		    0 ||
	    take_i64("cpu-idle", v->cpu_idle, &r->cpu.has_idle, &r->cpu.idle, e) < 0 ||
	    take_i64("pids-limit", v->pids_limit, &r->pids.has_limit, &r->pids.limit, e) < 0 ||
	    take_u64("blkio-weight", v->blkio_weight, 1000, &has_weight, &weight, e) < 0)
		return -e->code;
	if (has_weight && weight) {
		r->block_io.has_weight = true;
		r->block_io.weight = (uint16_t)weight;
	}
	if (v->cpuset_cpus && v->cpuset_cpus[0])
		r->cpu.cpus = v->cpuset_cpus;
	if (v->cpuset_mems && v->cpuset_mems[0])
		r->cpu.mems = v->cpuset_mems;
	return 0;
}

static int run(struct oci_cli *c, struct err *e)
{
	const struct values *v = c->values;
	struct oci_container k CLEANUP_OCI_CONTAINER = OCI_CONTAINER_INIT;
	struct oci_config config CLEANUP_OCI_CONFIG = OCI_CONFIG_INIT;
	int r;

	if (oci_container_open(&c->rt, &c->id, OCI_CHANGE, &k, e) < 0)
		return -e->code;
	if (oci_container_status(&k) == OCI_STOPPED)
		return err_set(e, ESRCH, "container %s is not running", c->id.s);
	if (v->resources && oci_resources_load(v->resources, &config, e) < 0)
		return -e->code;
	r = take_options(v, &config.resources, e);
	return r < 0 ? r : oci_cgroup_update(&k.state.cgroup, &config.resources, e);
}

const struct oci_command oci_command_update = {
	.name = "update",
	.operands = "ID",
	.help = "change the limits of a container",
	.flags = OCI_TAKES_ID,
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.values_size = sizeof(struct values),
	.run = run,
};
