/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spec's "resources": what the instance's cgroup enforces. Numbers are checked against the
 * kernel's own bounds here (cgroup-v2.rst); whether a controller is there is judged at start.
 */
#include "runtime/spec_priv.h"

#include "base/num.h"

#define SPEC(member) offsetof(struct jail_spec, member)
#define IO(member) offsetof(struct cgroup_io_limit, member)
#define PIDS_MAX 4194304 /* PID_MAX_LIMIT of 64-bit kernels */

static int decode_cpus(const struct decoder *d, const struct json *node, void *base,
		       const struct decode_field *f, struct err *e)
{
	char list[1024]; /* canonical lists are never longer than what was written */
	struct jail_spec *s = base;
	const char *text = NULL;
	char *copy;
	int r = decode_string(d, node, f->max, &text, e);

	if (r < 0)
		return r;
	if (num_parse_cpulist(text, list, sizeof(list), e) < 0)
		return decode_wrap(d, node, e);
	copy = strdup(list);
	if (!copy)
		return err_nomem(e);
	free(s->cpus);
	s->cpus = copy;
	s->limits.cpus = copy;
	return 0;
}

static const struct decode_field cpu_fields[] = {
	{ .key = "weight",
	  .decode = decode_u64,
	  .offset = SPEC(limits.cpu_weight),
	  .flag = SPEC(limits.has_cpu_weight),
	  .min = 1,
	  .max = 10000 },
	{ .key = "max",
	  .decode = decode_quantity_milli,
	  .offset = SPEC(limits.cpu_max_millis),
	  .flag = SPEC(limits.has_cpu_max),
	  .min = 1,
	  .max = 8192,
	  .parse = num_parse_cpus },
	{ .key = "burst",
	  .decode = decode_quantity_milli,
	  .offset = SPEC(limits.cpu_burst_millis),
	  .flag = SPEC(limits.has_cpu_burst),
	  .min = 1,
	  .max = 8192,
	  .parse = num_parse_cpus },
	{ .key = "cpus", .decode = decode_cpus, .max = 1023 },
};
static const struct decode_table cpu_table = { .fields = cpu_fields, .n = ARRAY_SIZE(cpu_fields) };

static const struct decode_field memory_fields[] = {
	{ .key = "max",
	  .decode = decode_quantity,
	  .offset = SPEC(limits.memory_max),
	  .flag = SPEC(limits.has_memory_max),
	  .max = SPEC_INTEGER_SIZE_MAX,
	  .parse = spec_parse_memory },
	{ .key = "high",
	  .decode = decode_quantity,
	  .offset = SPEC(limits.memory_high),
	  .flag = SPEC(limits.has_memory_high),
	  .max = SPEC_INTEGER_SIZE_MAX,
	  .parse = spec_parse_memory },
	{ .key = "low",
	  .decode = decode_quantity,
	  .offset = SPEC(limits.memory_low),
	  .flag = SPEC(limits.has_memory_low),
	  .max = SPEC_INTEGER_SIZE_MAX,
	  .parse = spec_parse_memory },
	{ .key = "swapMax",
	  .decode = decode_quantity,
	  .offset = SPEC(limits.swap_max),
	  .flag = SPEC(limits.has_swap_max),
	  .max = SPEC_INTEGER_SIZE_MAX,
	  .parse = spec_parse_memory },
};
static const struct decode_table memory_table = { .fields = memory_fields,
						  .n = ARRAY_SIZE(memory_fields) };

static int decode_io_device(const struct decoder *d, const struct json *node, void *base,
			    const struct decode_field *f, struct err *e)
{
	struct cgroup_io_limit *io = base;
	int r = decode_type(d, node, JSON_STRING, e);

	(void)f;
	if (r < 0)
		return r;
	if (spec_check_block_device(node->text, e) < 0 ||
	    (str_format(io->device, sizeof(io->device), "%s", node->text) < 0 &&
	     err_set(e, ENAMETOOLONG, "too long") < 0))
		return decode_wrap(d, node, e);
	return 0;
}

static const struct decode_field io_fields[] = {
	{ .key = "device", .decode = decode_io_device, .required = true },
	{ .key = "readBps",
	  .decode = decode_quantity,
	  .offset = IO(rbps),
	  .min = 1,
	  .max = SPEC_INTEGER_SIZE_MAX,
	  .parse = spec_parse_positive_size },
	{ .key = "writeBps",
	  .decode = decode_quantity,
	  .offset = IO(wbps),
	  .min = 1,
	  .max = SPEC_INTEGER_SIZE_MAX,
	  .parse = spec_parse_positive_size },
	{ .key = "readIops",
	  .decode = decode_u64,
	  .offset = IO(riops),
	  .min = 1,
	  .max = UINT32_MAX },
	{ .key = "writeIops",
	  .decode = decode_u64,
	  .offset = IO(wiops),
	  .min = 1,
	  .max = UINT32_MAX },
	{ .key = "weight", .decode = decode_u64, .offset = IO(weight), .min = 1, .max = 10000 },
};
static const struct decode_table io_table = { .fields = io_fields, .n = ARRAY_SIZE(io_fields) };

static int decode_io(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	struct jail_spec *s = base;
	struct cgroup_io_limit *io = spec_grow(&s->io, s->limits.n_io, sizeof(*io));
	int r;

	if (!io)
		return err_nomem(e);
	s->limits.io = s->io;
	s->limits.n_io++;
	r = decode_object(d, node, io, &io_table, e);
	if (r < 0)
		return r;
	if (node->count < 2)
		return json_err(d->doc, node, e, EINVAL, "no limit is given for %s", io->device);
	return 0;
}

static const struct decode_field pids_fields[] = {
	{ .key = "max",
	  .decode = decode_u64,
	  .offset = SPEC(limits.pids_max),
	  .flag = SPEC(limits.has_pids_max),
	  .min = 1,
	  .max = PIDS_MAX },
};
static const struct decode_table pids_table = { .fields = pids_fields,
						.n = ARRAY_SIZE(pids_fields) };

static const struct decode_field fields[] = {
	{ .key = "cpu", .decode = decode_nested, .table = &cpu_table },
	{ .key = "memory", .decode = decode_nested, .table = &memory_table },
	{ .key = "io", .decode = decode_array, .item = decode_io, .max = LIMIT_DEVICES },
	{ .key = "pids", .decode = decode_nested, .table = &pids_table },
	{ .key = "disk", .decode = decode_later },
	{ .key = "hugepages", .decode = decode_later },
};

const struct decode_table spec_resources_table = { .fields = fields, .n = ARRAY_SIZE(fields) };
