/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits as a table: which field of the spec goes into which file of which controller, in what
 * form, and what the file holds when nothing is asked for. Devices and raw files follow.
 */
#include <inttypes.h>
#include <limits.h>

#include "base/num.h"
#include "cgroups/limits_priv.h"

#define LIMITS_PERIOD_US 100000u /* the kernel's default for cpu.max */
#define LIMITS_PERIOD_MAX_US 1000000u
#define LIMITS_QUOTA_MIN_US 1000u /* the kernel's minimum */

const struct cgroup_huge_size cgroup_huge_sizes[CGROUP_HUGE_SIZES] = {
	{ "64KiB", "64KB", UINT64_C(1) << 16 }, { "1MiB", "1MB", UINT64_C(1) << 20 },
	{ "2MiB", "2MB", UINT64_C(1) << 21 },	{ "16MiB", "16MB", UINT64_C(1) << 24 },
	{ "32MiB", "32MB", UINT64_C(1) << 25 }, { "512MiB", "512MB", UINT64_C(1) << 29 },
	{ "1GiB", "1GB", UINT64_C(1) << 30 },	{ "2GiB", "2GB", UINT64_C(1) << 31 },
	{ "16GiB", "16GB", UINT64_C(1) << 34 },
};

struct limits_key;
/* Fills in value and expect. */
typedef void limits_format_fn(const struct cgroup_limits *l, const struct limits_key *k,
			      struct cgroup_setting *s);

struct limits_key {
	const char *json;
	uint32_t controller;
	const char *file;
	const char *unset; /* the kernel's default */
	size_t given, value; /* offsets */
	limits_format_fn *format;
};

static uint64_t limits_u64(const struct cgroup_limits *l, const struct limits_key *k)
{
	uint64_t v;

	memcpy(&v, (const char *)l + k->value, sizeof(v));
	return v;
}

static void limits_same(struct cgroup_setting *s)
{
	(void)snprintf(s->expect, sizeof(s->expect), "%s", s->value);
}

/* Period of cpu.max: the default, or the longest where the quota would be below its minimum. */
static uint64_t limits_period(const struct cgroup_limits *l)
{
	return !l->has_cpu_max || l->cpu_max_millis * LIMITS_PERIOD_US / 1000 >= LIMITS_QUOTA_MIN_US
		       ? LIMITS_PERIOD_US
		       : LIMITS_PERIOD_MAX_US;
}

static void limits_cpu_max(const struct cgroup_limits *l, const struct limits_key *k,
			   struct cgroup_setting *s)
{
	uint64_t period = limits_period(l);

	(void)snprintf(s->value, sizeof(s->value), "%" PRIu64 " %" PRIu64,
		       limits_u64(l, k) * period / 1000, period);
	limits_same(s);
}

static void limits_cpu_burst(const struct cgroup_limits *l, const struct limits_key *k,
			     struct cgroup_setting *s)
{
	(void)snprintf(s->value, sizeof(s->value), "%" PRIu64,
		       limits_u64(l, k) * limits_period(l) / 1000);
	limits_same(s);
}

static void limits_number(const struct cgroup_limits *l, const struct limits_key *k,
			  struct cgroup_setting *s)
{
	cgroup_setting_number(s, limits_u64(l, k));
}

static void limits_bytes(const struct cgroup_limits *l, const struct limits_key *k,
			 struct cgroup_setting *s)
{
	cgroup_setting_bytes(s, limits_u64(l, k));
}

static void limits_list(const struct cgroup_limits *l, const struct limits_key *k,
			struct cgroup_setting *s)
{
	const char *list;

	memcpy(&list, (const char *)l + k->value, sizeof(list));
	cgroup_setting_text(s, list);
	s->match = CGROUP_MATCH_LIST;
}

static void limits_on(const struct cgroup_limits *l, const struct limits_key *k,
		      struct cgroup_setting *s)
{
	(void)l;
	(void)k;
	cgroup_setting_text(s, "1");
}

#define HUGE_NO_LIMIT (UINT64_C(1) << 62)
#define L(member) offsetof(struct cgroup_limits, member)

/* The burst stands behind the quota that it may not exceed; what can kill stands last. */
static const struct limits_key limits_keys[] = {
	{ "resources.cpu.weight", CGROUP_CPU, "cpu.weight", "100", L(has_cpu_weight), L(cpu_weight),
	  limits_number },
	{ "resources.cpu.idle", CGROUP_CPU, "cpu.idle", "0", L(cpu_idle), 0, limits_on },
	{ "resources.cpu.max", CGROUP_CPU, "cpu.max", "max 100000", L(has_cpu_max),
	  L(cpu_max_millis), limits_cpu_max },
	{ "resources.cpu.burst", CGROUP_CPU, "cpu.max.burst", "0", L(has_cpu_burst),
	  L(cpu_burst_millis), limits_cpu_burst },
	{ "resources.cpu.cpus", CGROUP_CPUSET, "cpuset.cpus", "", L(cpus), L(cpus), limits_list },
	{ "resources.cpu.mems", CGROUP_CPUSET, "cpuset.mems", "", L(mems), L(mems), limits_list },
	{ "resources.pids.max", CGROUP_PIDS, "pids.max", "max", L(has_pids_max), L(pids_max),
	  limits_number },
	{ "resources.memory.oomGroup", CGROUP_MEMORY, "memory.oom.group", "0", L(oom_group), 0,
	  limits_on },
	{ "resources.memory.swapMax", CGROUP_MEMORY, "memory.swap.max", "max", L(has_swap_max),
	  L(swap_max), limits_bytes },
	{ "resources.memory.zswapMax", CGROUP_MEMORY, "memory.zswap.max", "max", L(has_zswap_max),
	  L(zswap_max), limits_bytes },
	{ "resources.memory.min", CGROUP_MEMORY, "memory.min", "0", L(has_memory_min),
	  L(memory_min), limits_bytes },
	{ "resources.memory.low", CGROUP_MEMORY, "memory.low", "0", L(has_memory_low),
	  L(memory_low), limits_bytes },
	{ "resources.memory.high", CGROUP_MEMORY, "memory.high", "max", L(has_memory_high),
	  L(memory_high), limits_bytes },
	{ "resources.memory.max", CGROUP_MEMORY, "memory.max", "max", L(has_memory_max),
	  L(memory_max), limits_bytes },
};

/* A list is given when its pointer is set; anything else has a bool. */
static bool limits_given(const struct cgroup_limits *l, const struct limits_key *k)
{
	const void *list;

	if (k->format != limits_list)
		return *(const bool *)((const char *)l + k->given);
	memcpy(&list, (const char *)l + k->given, sizeof(list));
	return list != NULL;
}

const char *limits_plan_file(size_t i)
{
	static const char *const more[] = { "io.max", "io.weight", "io.bfq.weight" };

	if (i < ARRAY_SIZE(limits_keys))
		return limits_keys[i].file;
	i -= ARRAY_SIZE(limits_keys);
	return i < ARRAY_SIZE(more) ? more[i] : NULL;
}

bool limits_plan_is_none(const char *file, const char *value)
{
	struct err ignored = ERR_INIT;
	uint64_t n;

	if (!value[0] || str_eq(value, "max") || str_starts(value, "max ") ||
	    str_eq(value, "default 100"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(limits_keys); i++)
		if (str_eq(file, limits_keys[i].file))
			return str_eq(value, limits_keys[i].unset);
	/* Of huge pages the kernel shows the largest counter, rounded to pages, and no "max". */
	return num_parse_u64(value, HUGE_NO_LIMIT, UINT64_MAX, &n, &ignored) >= 0;
}

/* A page that is reserved by mmap(2) is out of the host's pool before it is used: both are bound.
 */
static int plan_huge(const struct cgroup_limits *l, struct cgroup_settings *p, struct err *e)
{
	for (size_t i = 0; i < CGROUP_HUGE_SIZES; i++) {
		const struct cgroup_huge_size *size = &cgroup_huge_sizes[i];
		struct cgroup_setting s = { .controller = CGROUP_HUGETLB };

		if (!l->huge[i].given)
			continue;
		(void)snprintf(s.key, sizeof(s.key), "resources.hugepages.%s", size->name);
		cgroup_setting_number(&s, l->huge[i].pages * size->bytes);
		(void)snprintf(s.file, sizeof(s.file), "hugetlb.%s.rsvd.max", size->kernel);
		if (cgroup_settings_add(p, &s, e) < 0)
			return -e->code;
		(void)snprintf(s.file, sizeof(s.file), "hugetlb.%s.max", size->kernel);
		if (cgroup_settings_add(p, &s, e) < 0)
			return -e->code;
	}
	return 0;
}

/* Two entries on one disk would overwrite each other. */
static int plan_device(struct cgroup_settings *p, const struct cgroup_setting *s, struct err *e)
{
	const struct cgroup_setting *taken = cgroup_settings_find(p, s);

	if (taken) {
		(void)err_set(e, EINVAL, "%s: is on the same disk (%s) as %s", s->key, s->device,
			      taken->key);
		return err_hint(e, "the kernel limits whole disks: give one entry for each");
	}
	return cgroup_settings_add(p, s, e);
}

static bool io_has_rate(const struct cgroup_io_limit *io)
{
	return io->rbps || io->wbps || io->riops || io->wiops;
}

static int limits_rate(char *ret, size_t n, const char *name, uint64_t value)
{
	return value ? str_format(ret, n, "%s=%" PRIu64 " ", name, value)
		     : str_format(ret, n, "%s=max ", name);
}

static void limits_rates(const struct cgroup_io_limit *io, char *ret, size_t n)
{
	int used = limits_rate(ret, n, "rbps", io->rbps);

	used += limits_rate(ret + used, n - (size_t)used, "wbps", io->wbps);
	used += limits_rate(ret + used, n - (size_t)used, "riops", io->riops);
	used += limits_rate(ret + used, n - (size_t)used, "wiops", io->wiops);
	ret[used - 1] = '\0';
}

static int plan_io_one(const struct cgroup_io_limit *io, const struct io_device *d,
		       struct cgroup_settings *p, struct err *e)
{
	struct cgroup_setting s = { .match = CGROUP_MATCH_DEVICE, .controller = CGROUP_IO };
	int r = 0;

	(void)snprintf(s.key, sizeof(s.key), "resources.io.%s", io->device);
	if (io_has_rate(io)) {
		(void)snprintf(s.file, sizeof(s.file), "io.max");
		(void)snprintf(s.device, sizeof(s.device), "%s", d->rate);
		limits_rates(io, s.value, sizeof(s.value));
		limits_same(&s);
		r = plan_device(p, &s, e);
	}
	/* io.weight belongs to the cost model, io.bfq.weight to the BFQ scheduler: which one a disk
	 * has, the kernel says when it is written. */
	s.other = "io.bfq.weight";
	(void)snprintf(s.file, sizeof(s.file), "io.weight");
	cgroup_setting_number(&s, io->weight);
	for (size_t i = 0; io->weight && r >= 0 && i < d->n_disks; i++) {
		(void)snprintf(s.device, sizeof(s.device), "%s", d->disks[i]);
		r = plan_device(p, &s, e);
	}
	return r;
}

static int plan_io(const struct cgroup_limits *l, int sys_block, bool lenient,
		   struct cgroup_settings *p, struct err *e)
{
	for (size_t i = 0; i < l->n_io; i++) {
		struct err ignored = ERR_INIT, *why = lenient ? &ignored : e;
		struct io_device d;
		char key[CGROUP_KEY_MAX];
		int r;

		(void)snprintf(key, sizeof(key), "resources.io[%zu]", i);
		r = io_device_resolve(sys_block, key, l->io[i].device, &d, why);
		if (r >= 0)
			r = plan_io_one(&l->io[i], &d, p, why);
		if (r < 0 && !lenient)
			return r;
	}
	return 0;
}

const char *cgroup_limits_typed(const struct cgroup_limits *l, const char *file)
{
	static const char *const huge_ends[] = { ".max", ".rsvd.max" };

	for (size_t i = 0; i < ARRAY_SIZE(limits_keys); i++) {
		if (str_eq(limits_keys[i].file, file))
			return limits_given(l, &limits_keys[i]) ? limits_keys[i].json : NULL;
	}
	for (size_t i = 0; i < 2 * CGROUP_HUGE_SIZES; i++) {
		char name[CGROUP_FILE_MAX];

		(void)snprintf(name, sizeof(name), "hugetlb.%s%s", cgroup_huge_sizes[i / 2].kernel,
			       huge_ends[i % 2]);
		if (l->huge[i / 2].given && str_eq(name, file))
			return "resources.hugepages";
	}
	for (size_t i = 0; i < l->n_io; i++) {
		if ((str_eq(file, "io.max") && io_has_rate(&l->io[i])) ||
		    (str_starts(file, "io.") && str_eq(file + strlen(file) - 6, "weight") &&
		     l->io[i].weight))
			return "resources.io";
	}
	return NULL;
}

bool cgroup_setting_reset(struct cgroup_setting *s)
{
	const char *unset = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(limits_keys); i++) {
		if (str_eq(limits_keys[i].file, s->file))
			unset = limits_keys[i].unset;
	}
	if (str_starts(s->file, "hugetlb."))
		unset = "max";
	else if (str_eq(s->file, "io.max"))
		unset = "rbps=max wbps=max riops=max wiops=max";
	else if (str_eq(s->file, "io.weight") || str_eq(s->file, "io.bfq.weight"))
		unset = "default";
	if (!unset || (str_starts(s->file, "io.") && !s->device[0]))
		return false;
	s->reset = true;
	s->match = s->device[0] ? CGROUP_MATCH_DEVICE : CGROUP_MATCH_EXACT;
	cgroup_setting_text(s, unset);
	return true;
}

int limits_plan_make(const struct cgroup_limits *l, int sys_block, bool lenient,
		     struct cgroup_settings *ret, struct err *e)
{
	CLEANUP_SETTINGS struct cgroup_settings p = { .n = 0 };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(limits_keys) && r >= 0; i++) {
		const struct limits_key *k = &limits_keys[i];
		struct cgroup_setting s = { .controller = k->controller };

		if (!limits_given(l, k))
			continue;
		(void)snprintf(s.key, sizeof(s.key), "%s", k->json);
		(void)snprintf(s.file, sizeof(s.file), "%s", k->file);
		k->format(l, k, &s);
		r = cgroup_settings_add(&p, &s, e);
	}
	if (r < 0 || (r = plan_huge(l, &p, e)) < 0 ||
	    (r = plan_io(l, sys_block, lenient, &p, e)) < 0 || (r = limits_plan_raw(l, &p, e)) < 0)
		return r;
	*ret = p;
	p = (struct cgroup_settings){ .n = 0 };
	return 0;
}
