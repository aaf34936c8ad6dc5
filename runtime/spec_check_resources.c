/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of "resources" needs two values to be judged. */
#include "runtime/spec_priv.h"

static int check_io(const struct jail_spec *s, struct err *e)
{
	for (size_t i = 0; i < s->limits.n_io; i++)
		for (size_t k = 0; k < i; k++)
			if (str_eq(s->io[i].device, s->io[k].device))
				return err_set(e, EINVAL,
					       "resources.io[%zu].device: %s is listed twice", i,
					       s->io[i].device);
	return 0;
}

static int check_cpu(const struct cgroup_limits *l, struct err *e)
{
	if (l->has_cpu_burst && !l->has_cpu_max)
		return err_set(e, EINVAL, "resources.cpu.burst: needs resources.cpu.max");
	if (l->has_cpu_burst && l->cpu_burst_millis > l->cpu_max_millis)
		return err_set(e, EINVAL, "resources.cpu.burst: over resources.cpu.max");
	if (l->cpu_idle && l->has_cpu_weight)
		return err_set(e, EINVAL,
			       "resources.cpu.weight: has no meaning with resources.cpu.idle");
	return 0;
}

/* `part` may not be over `whole`; "max" is over nothing. */
static bool is_over(bool has_part, uint64_t part, bool has_whole, uint64_t whole)
{
	return has_part && has_whole && part != UINT64_MAX && part > whole;
}

static int check_memory(const struct cgroup_limits *l, struct err *e)
{
	if (l->has_memory_max && l->memory_max == 0)
		return err_set(e, EINVAL, "resources.memory.max: must be more than 0");
	if (is_over(l->has_memory_high, l->memory_high, l->has_memory_max, l->memory_max))
		return err_set(e, EINVAL, "resources.memory.high: over resources.memory.max");
	if (is_over(l->has_memory_low, l->memory_low, l->has_memory_max, l->memory_max))
		return err_set(e, EINVAL, "resources.memory.low: over resources.memory.max");
	if (is_over(l->has_memory_min, l->memory_min, l->has_memory_max, l->memory_max))
		return err_set(e, EINVAL, "resources.memory.min: over resources.memory.max");
	return 0;
}

/* One file has one master. */
static int check_raw(const struct cgroup_limits *l, struct err *e)
{
	for (size_t i = 0; i < l->n_raw; i++) {
		const char *typed = cgroup_limits_typed(l, l->raw[i].file);

		if (!typed)
			continue;
		(void)err_set(e, EINVAL, "resources.unified.%s: is set by %s too", l->raw[i].file,
			      typed);
		return err_hint(e, "give one of the two");
	}
	return 0;
}

/* A directory of the host is not the runtime's to limit. */
static int check_disk(const struct jail_spec *s, struct err *e)
{
	if (s->is_volatile && !s->has_image)
		return err_set(e, EINVAL, "volatile: only with \"image\", not with \"rootfs\"");
	if ((s->disk.size_bytes || s->disk.inodes) && !s->has_image)
		return err_set(e, EINVAL,
			       "resources.disk: only with \"image\", not with \"rootfs\"");
	if (s->disk.size_bytes &&
	    (s->disk.size_bytes < DISK_SIZE_MIN || s->disk.size_bytes > DISK_SIZE_MAX))
		return err_set(e, ERANGE, "resources.disk.size: at least 16MiB, at most 1024TiB");
	return 0;
}

int spec_check_resources(const struct jail_spec *s, struct err *e)
{
	int r = check_cpu(&s->limits, e);

	if (r < 0 || (r = check_memory(&s->limits, e)) < 0 || (r = check_io(s, e)) < 0)
		return r;
	r = check_disk(s, e);
	return r < 0 ? r : check_raw(&s->limits, e);
}
