/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spec's "resources": what the instance's cgroup enforces, and its disk. Numbers are checked
 * against the kernel's own bounds here (cgroup-v2.rst); whether a controller is there is judged at
 * start.
 */
#include "runtime/spec_priv.h"

#include "base/num.h"

#define SPEC(member) offsetof(struct jail_spec, member)
#define IO(member) offsetof(struct cgroup_io_limit, member)
#define PIDS_MAX 4194304 /* PID_MAX_LIMIT of 64-bit kernels */
#define HUGE_PAGES_MAX 268435456 /* of the largest size still a number of 64 bits */
#define RAW_VALUE_MAX 1000

/* A canonical list in the spec's `field`; the limits point to it. */
static int decode_list(const struct decoder *d, const struct json *node,
		       const struct decode_field *f, char **field, struct err *e)
{
	char list[1024]; /* canonical lists are never longer than what was written */
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
	free(*field);
	*field = copy;
	return 0;
}

static int decode_cpus(const struct decoder *d, const struct json *node, void *base,
		       const struct decode_field *f, struct err *e)
{
	struct jail_spec *s = base;
	int r = decode_list(d, node, f, &s->cpus, e);

	s->limits.cpus = s->cpus;
	return r;
}

static int decode_mems(const struct decoder *d, const struct json *node, void *base,
		       const struct decode_field *f, struct err *e)
{
	struct jail_spec *s = base;
	int r = decode_list(d, node, f, &s->mems, e);

	s->limits.mems = s->mems;
	return r;
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
	{ .key = "mems", .decode = decode_mems, .max = 1023 },
	{ .key = "idle", .decode = decode_bool, .offset = SPEC(limits.cpu_idle) },
};
static const struct decode_table cpu_table = { .fields = cpu_fields, .n = ARRAY_SIZE(cpu_fields) };

#define MEMORY(key_, member)                                                                       \
	{                                                                                          \
		.key = (key_), .decode = decode_quantity, .offset = SPEC(limits.member),           \
		.flag = SPEC(limits.has_##member), .max = SPEC_INTEGER_SIZE_MAX,                   \
		.parse = spec_parse_memory                                                         \
	}

static const struct decode_field memory_fields[] = {
	MEMORY("max", memory_max),
	MEMORY("high", memory_high),
	MEMORY("low", memory_low),
	MEMORY("min", memory_min),
	MEMORY("swapMax", swap_max),
	MEMORY("zswapMax", zswap_max),
	{ .key = "oomGroup", .decode = decode_bool, .offset = SPEC(limits.oom_group) },
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

static int parse_max(const char *text, uint64_t *ret, struct err *e)
{
	if (!str_eq(text, "max"))
		return err_set(e, EINVAL, "\"%.40s\": expected a number or \"max\"", text);
	*ret = UINT64_MAX;
	return 0;
}

static const struct decode_field pids_fields[] = {
	{ .key = "max",
	  .decode = decode_quantity,
	  .offset = SPEC(limits.pids_max),
	  .flag = SPEC(limits.has_pids_max),
	  .min = 1,
	  .max = PIDS_MAX,
	  .parse = parse_max },
};
static const struct decode_table pids_table = { .fields = pids_fields,
						.n = ARRAY_SIZE(pids_fields) };

/* In the order of cgroup_huge_sizes, whose names these are; a test compares them. */
#define HUGE(i, name)                                                                              \
	{                                                                                          \
		.key = (name), .decode = decode_u64, .offset = SPEC(limits.huge[i].pages),         \
		.flag = SPEC(limits.huge[i].given), .max = HUGE_PAGES_MAX                          \
	}
static const struct decode_field huge_fields[] = {
	HUGE(0, "64KiB"),  HUGE(1, "1MiB"), HUGE(2, "2MiB"), HUGE(3, "16MiB"), HUGE(4, "32MiB"),
	HUGE(5, "512MiB"), HUGE(6, "1GiB"), HUGE(7, "2GiB"), HUGE(8, "16GiB"),
};
_Static_assert(ARRAY_SIZE(huge_fields) == CGROUP_HUGE_SIZES, "a field for each size");
static const struct decode_table huge_table = { .fields = huge_fields,
						.n = ARRAY_SIZE(huge_fields) };

/* One line of text that can be read: what kernel files take. */
static bool is_raw_value(const char *text)
{
	size_t n = strlen(text);

	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return n >= 1 && n <= RAW_VALUE_MAX;
}

static int decode_raw(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	struct jail_spec *s = base;
	struct cgroup_raw *raw;
	int r;

	if (!cgroup_raw_is_file(node->key)) {
		(void)err_set(e, EINVAL,
			      "\"%.100s\": expected the name of a controller's file, like "
			      "\"memory.high\"",
			      node->key);
		return decode_wrap_key(d, node, e);
	}
	r = decode_type(d, node, JSON_STRING, e);
	if (r < 0)
		return r;
	if (!is_raw_value(node->text))
		return json_err(d->doc, node, e, EINVAL,
				"expected one line of 1 to %d printable ASCII characters",
				RAW_VALUE_MAX);
	raw = spec_grow(&s->raw, s->limits.n_raw, sizeof(*raw));
	if (!raw)
		return err_nomem(e);
	s->limits.raw = s->raw;
	s->limits.n_raw++;
	raw->file = strdup(node->key);
	raw->value = strdup(node->text);
	return raw->file && raw->value ? 0 : err_nomem(e);
}

static const struct decode_field disk_fields[] = {
	{ .key = "size",
	  .decode = decode_quantity,
	  .offset = SPEC(disk.size_bytes),
	  .min = 1,
	  .max = SPEC_INTEGER_SIZE_MAX,
	  .parse = spec_parse_positive_size },
	{ .key = "inodes",
	  .decode = decode_u64,
	  .offset = SPEC(disk.inodes),
	  .min = DISK_INODES_MIN,
	  .max = DISK_INODES_MAX },
};
static const struct decode_table disk_table = { .fields = disk_fields,
						.n = ARRAY_SIZE(disk_fields) };

static const struct decode_field fields[] = {
	{ .key = "cpu", .decode = decode_nested, .table = &cpu_table },
	{ .key = "memory", .decode = decode_nested, .table = &memory_table },
	{ .key = "io", .decode = decode_array, .item = decode_io, .max = LIMIT_DEVICES },
	{ .key = "pids", .decode = decode_nested, .table = &pids_table },
	{ .key = "disk", .decode = decode_nested, .table = &disk_table },
	{ .key = "hugepages", .decode = decode_nested, .table = &huge_table },
	{ .key = "unified", .decode = decode_map, .item = decode_raw, .max = LIMIT_UNIFIED },
};

const struct decode_table spec_resources_table = { .fields = fields, .n = ARRAY_SIZE(fields) };

/* The entry of a device, made if there is none. */
static struct cgroup_io_limit *io_entry(struct jail_spec *s, const char *device)
{
	struct cgroup_io_limit *io;

	for (size_t i = 0; i < s->limits.n_io; i++)
		if (str_eq(s->io[i].device, device))
			return &s->io[i];
	io = spec_grow(&s->io, s->limits.n_io, sizeof(*io));
	if (!io)
		return NULL;
	s->limits.io = s->io;
	s->limits.n_io++;
	(void)str_format(io->device, sizeof(io->device), "%s", device);
	return io;
}

int spec_set_io(struct jail_spec *s, enum spec_io what, const char *text, struct err *e)
{
	const char *colon = strrchr(text, ':');
	bool bytes = what == SPEC_IO_READ_BPS || what == SPEC_IO_WRITE_BPS;
	char device[sizeof(s->io->device)];
	struct cgroup_io_limit *io;
	uint64_t value = 0;
	int r;

	if (!colon || colon == text || (size_t)(colon - text) >= sizeof(device))
		return err_set(e, EINVAL, "\"%.200s\": expected DEVICE:%s", text,
			       bytes ? "SIZE" : "NUMBER");
	(void)str_format(device, sizeof(device), "%.*s", (int)(colon - text), text);
	r = bytes ? spec_parse_positive_size(colon + 1, &value, e)
		  : num_parse_u64(colon + 1, 1, UINT32_MAX, &value, e);
	if (r < 0 || (r = spec_check_block_device(device, e)) < 0)
		return r;
	io = io_entry(s, device);
	if (!io)
		return err_nomem(e);
	*(uint64_t *[]){ &io->rbps, &io->wbps, &io->riops, &io->wiops }[what] = value;
	return 0;
}
