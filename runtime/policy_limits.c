/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A spec's "resources" against a policy's. */
#include <inttypes.h>

#include "base/num.h"
#include "runtime/policy_priv.h"

#define CPU_WEIGHT_DEFAULT 100
#define IO_WEIGHT_DEFAULT 100
#define VALUE_TEXT 64

static void format(enum policy_unit unit, uint64_t v, char ret[static VALUE_TEXT])
{
	if (v == UINT64_MAX)
		(void)str_format(ret, VALUE_TEXT, "max");
	else if (unit == POLICY_SIZE)
		spec_format_size(v, ret, VALUE_TEXT);
	else if (unit == POLICY_CPUS)
		(void)str_format(ret, VALUE_TEXT, "%" PRIu64 ".%03u", v / 1000,
				 (unsigned)(v % 1000));
	else if (unit == POLICY_RATE)
		spec_format_rate(v, ret, VALUE_TEXT);
	else
		(void)str_format(ret, VALUE_TEXT, "%" PRIu64, v);
}

int policy_check_most(const char *field, const struct policy_limit *limit, bool given, uint64_t v,
		      enum policy_unit unit, struct err *e)
{
	char most[VALUE_TEXT], is[VALUE_TEXT];

	if (!limit->given || (given && v <= limit->most))
		return 0;
	format(unit, limit->most, most);
	format(unit, v, is);
	if (!given)
		return err_set(e, EACCES, "%s: is not given; the policy wants one of at most %s",
			       field, most);
	return err_set(e, EACCES, "%s: %s: the policy allows at most %s", field, is, most);
}

/* Of what takes from others: without a word in the policy no more than everybody has. */
static int check_share(const char *field, const struct policy_limit *limit, bool given, uint64_t v,
		       uint64_t everybody, enum policy_unit unit, struct err *e)
{
	struct policy_limit effective = *limit;

	if (!given)
		return 0;
	if (!limit->given)
		effective = (struct policy_limit){ .given = true, .most = everybody };
	return policy_check_most(field, &effective, true, v, unit, e);
}

static int check_cgroup(const struct policy *p, const struct jail_spec *s, struct err *e)
{
	const struct cgroup_limits *l = &s->limits;
	int r;

	if ((r = policy_check_most("resources.cpu.max", &p->cpu_max, l->has_cpu_max,
				   l->cpu_max_millis, POLICY_CPUS, e)) < 0 ||
	    (r = check_share("resources.cpu.weight", &p->cpu_weight, l->has_cpu_weight,
			     l->cpu_weight, CPU_WEIGHT_DEFAULT, POLICY_COUNT, e)) < 0 ||
	    (r = policy_check_most("resources.memory.max", &p->memory_max, l->has_memory_max,
				   l->memory_max, POLICY_SIZE, e)) < 0 ||
	    (r = policy_check_most("resources.memory.swapMax", &p->swap_max, l->has_swap_max,
				   l->swap_max, POLICY_SIZE, e)) < 0 ||
	    (r = check_share("resources.memory.low", &p->memory_low, l->has_memory_low,
			     l->memory_low, 0, POLICY_SIZE, e)) < 0 ||
	    (r = check_share("resources.memory.min", &p->memory_min, l->has_memory_min,
			     l->memory_min, 0, POLICY_SIZE, e)) < 0 ||
	    (r = policy_check_most("resources.pids.max", &p->pids_max, l->has_pids_max, l->pids_max,
				   POLICY_COUNT, e)) < 0)
		return r;
	for (size_t i = 0; i < l->n_io; i++)
		if ((r = check_share("resources.io", &p->io_weight, l->io[i].weight != 0,
				     l->io[i].weight, IO_WEIGHT_DEFAULT, POLICY_COUNT, e)) < 0)
			return r;
	if (l->n_raw > 0 && !p->raw_limits)
		return policy_refuse_flag(e, "resources.unified", "resources.unified");
	return 0;
}

static int check_disk(const struct policy *p, const struct jail_spec *s, struct err *e)
{
	int r = policy_check_most("resources.disk.size", &p->disk_size, s->disk.size_bytes != 0,
				  s->disk.size_bytes, POLICY_SIZE, e);

	/* Of an image with a size only it has as many as its size gives. */
	if (r < 0 || (s->disk.size_bytes && !s->disk.inodes))
		return r;
	return policy_check_most("resources.disk.inodes", &p->disk_inodes, s->disk.inodes != 0,
				 s->disk.inodes, POLICY_COUNT, e);
}

int policy_check_limits(const struct policy *p, const struct jail_spec *s, struct err *e)
{
	int r = check_cgroup(p, s, e);

	if (r < 0 || (r = check_disk(p, s, e)) < 0)
		return r;
	return policy_check_most("log.maxSize", &p->log, true,
				 s->log.max_size_bytes > UINT64_MAX / s->log.files
					 ? UINT64_MAX
					 : s->log.max_size_bytes * s->log.files,
				 POLICY_SIZE, e);
}
