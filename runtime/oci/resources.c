/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The conversion, by parts of linux.resources; blockIO, huge pages, RDMA and unified are in
 * resources_lists.c. Order does not matter: cgroup_settings_order() has it.
 */
#include "runtime/oci/resources.h"

#include <inttypes.h>

#include "base/num.h"
#include "base/str.h"
#include "runtime/oci/resources_priv.h"

#define SHARES_MIN 2
#define SHARES_MAX 262144 /* MAX_SHARES, kernel/sched */
#define WEIGHT_MAX 10000
#define PERIOD_US 100000 /* the kernel's default for cpu.max */

#define FIX_BITS 30 /* after the binary point */
#define FIX_ONE (UINT64_C(1) << FIX_BITS)
#define FIX_LOG2_10 UINT64_C(3566893132) /* log2 of 10 */
#define FIX_ERROR (FIX_ONE >> 19) /* more than what rounding adds up to */

/* log2 of 1 <= x < 2^63: the integer part by the highest bit, each further bit by a square of what
 * is left. */
static uint64_t fix_log2(uint64_t x)
{
	unsigned whole = 63 - (unsigned)__builtin_clzll(x);
	uint64_t rest = x << (62 - whole); /* 1 <= rest < 2, with 62 bits after the point */
	uint64_t ret = (uint64_t)whole << FIX_BITS;

	for (uint64_t bit = FIX_ONE >> 1; bit; bit >>= 1) {
		rest = (uint64_t)(((unsigned __int128)rest * rest) >> 62);
		if (rest >> 63) {
			rest >>= 1;
			ret |= bit;
		}
	}
	return ret;
}

/*
 * weight = ceil(10 ^ ((l^2 + 125 l) / 612 - 7 / 34)) with l = log2(shares): what runc 1.3.2 and
 * crun 1.23 came to, by which v1's smallest, default and largest (2, 1024, 262144) are v2's (1,
 * 100, 10000). So 612 log2(weight) >= log2(10) (l^2 + 125 l - 126) is solved for the smallest
 * weight, which needs no libm.
 */
uint64_t oci_shares_to_weight(uint64_t shares)
{
	uint64_t l, want, low = 1, high = WEIGHT_MAX;

	if (shares == 0)
		return 0;
	if (shares <= SHARES_MIN)
		return 1;
	if (shares >= SHARES_MAX)
		return WEIGHT_MAX;
	l = fix_log2(shares);
	want = (uint64_t)(((unsigned __int128)l * l) >> FIX_BITS) + 125 * l - 126 * FIX_ONE;
	want = (uint64_t)(((unsigned __int128)want * FIX_LOG2_10) >> FIX_BITS) - FIX_ERROR;
	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if (612 * fix_log2(middle) >= want)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

int resources_refuse(const char *key, const char *why, struct err *e)
{
	(void)err_set(e, EOPNOTSUPP, "linux.resources.%s: %s", key, why);
	return err_hint(e, "remove linux.resources.%s", key);
}

static int add_bytes(struct cgroup_settings *s, const char *key, const char *file, int64_t value,
		     bool may_lack, struct err *e)
{
	struct cgroup_setting one;

	if (value < -1)
		return err_set(e, EINVAL, "%s: %" PRIi64 " is neither a size nor -1", key, value);
	cgroup_setting_init(&one, key, file);
	if (value < 0)
		cgroup_setting_number(&one, UINT64_MAX);
	else
		cgroup_setting_bytes(&one, (uint64_t)value);
	one.may_lack = may_lack;
	return cgroup_settings_add(s, &one, e);
}

/* v1 counts memory and swap together, v2 each by itself. Without swap in the kernel there is none
 * to forbid, and none that could be unlimited. */
static int convert_swap(const struct oci_resources *r, struct cgroup_settings *s, struct err *e)
{
	static const char key[] = "linux.resources.memory.swap";
	int64_t limit = r->memory.has_limit ? r->memory.limit : 0;
	int64_t swap = r->memory.has_swap ? r->memory.swap : 0;

	if (swap == 0 && limit == -1) /* "no limit" is meant for both */
		swap = -1;
	if (swap == 0)
		return 0;
	if (swap > 0 && limit == 0) {
		(void)err_set(e, EINVAL,
			      "%s: is memory and swap together, and linux.resources."
			      "memory.limit is not given",
			      key);
		return err_hint(e, "give both");
	}
	if (swap > 0 && limit > 0) {
		if (swap < limit)
			return err_set(e, EINVAL,
				       "%s: %" PRIi64 " is memory and swap together, and less than "
				       "linux.resources.memory.limit",
				       key, swap);
		swap -= limit;
	}
	return add_bytes(s, key, "memory.swap.max", swap, swap <= 0, e);
}

/* What cgroup v2 has nothing for. Values that ask for what is the case anyway are fine. */
static int refuse_memory(const struct oci_resources *r, struct err *e)
{
	static const char gone[] = "cgroup v2 has no such limit: it is part of memory.limit";

	if (r->memory.has_kernel && r->memory.kernel > 0)
		return resources_refuse("memory.kernel", gone, e);
	if (r->memory.has_kernel_tcp && r->memory.kernel_tcp > 0)
		return resources_refuse("memory.kernelTCP", gone, e);
	/* Engines that mean "not given" send -1, also where the type has no sign. */
	if (r->memory.has_swappiness && r->memory.swappiness <= INT64_MAX)
		return resources_refuse("memory.swappiness", "cgroup v2 has none", e);
	if (r->memory.disable_oom_killer)
		return resources_refuse("memory.disableOOMKiller",
					"with cgroup v2 it can't be disabled", e);
	return 0;
}

static int convert_memory(const struct oci_resources *r, struct cgroup_settings *s, struct err *e)
{
	int ret = refuse_memory(r, e);

	if (ret >= 0)
		ret = convert_swap(r, s, e);
	if (ret >= 0 && r->memory.has_reservation && r->memory.reservation)
		ret = add_bytes(s, "linux.resources.memory.reservation", "memory.low",
				r->memory.reservation, false, e);
	if (ret >= 0 && r->memory.has_limit && r->memory.limit)
		ret = add_bytes(s, "linux.resources.memory.limit", "memory.max", r->memory.limit,
				false, e);
	return ret;
}

static int add_list(struct cgroup_settings *s, const char *key, const char *file, const char *list,
		    struct err *e)
{
	struct cgroup_setting one;
	char canonical[CGROUP_VALUE_MAX];

	if (!list || !*list)
		return 0;
	if (num_parse_cpulist(list, canonical, sizeof(canonical), e) < 0)
		return err_wrap(e, "%s", key);
	cgroup_setting_init(&one, key, file);
	one.match = CGROUP_MATCH_LIST;
	cgroup_setting_text(&one, canonical);
	return cgroup_settings_add(s, &one, e);
}

/* The kernel leaves out what is not written only at the end: a period alone needs the quota. */
static int convert_quota(const struct oci_resources *r, const struct oci_resource_facts *facts,
			 struct cgroup_settings *s, struct err *e)
{
	int64_t quota = r->cpu.has_quota ? r->cpu.quota : 0;
	uint64_t period = r->cpu.has_period ? r->cpu.period : 0;
	struct cgroup_setting one;
	char text[CGROUP_VALUE_MAX];
	int n;

	if (quota == 0 && period == 0)
		return 0;
	if (quota > 0)
		n = snprintf(text, sizeof(text), "%" PRIi64, quota);
	else if (quota == 0 && facts->cpu_max)
		n = snprintf(text, sizeof(text), "%.*s", (int)strcspn(facts->cpu_max, " "),
			     facts->cpu_max);
	else
		n = snprintf(text, sizeof(text), "max");
	if (period || !facts->cpu_max)
		(void)snprintf(text + n, sizeof(text) - (size_t)n, " %" PRIu64,
			       period ? period : PERIOD_US);
	cgroup_setting_init(&one,
			    quota ? "linux.resources.cpu.quota" : "linux.resources.cpu.period",
			    "cpu.max");
	cgroup_setting_raw(&one, text);
	return cgroup_settings_add(s, &one, e);
}

static int add_number(struct cgroup_settings *s, const char *key, const char *file, uint64_t value,
		      struct err *e)
{
	struct cgroup_setting one;

	cgroup_setting_init(&one, key, file);
	cgroup_setting_number(&one, value);
	return cgroup_settings_add(s, &one, e);
}

static int convert_cpu(const struct oci_resources *r, const struct oci_resource_facts *facts,
		       struct cgroup_settings *s, struct err *e)
{
	bool idle = r->cpu.has_idle && r->cpu.idle == 1;
	int ret = 0;

	if ((r->cpu.has_rt_runtime && r->cpu.rt_runtime > 0) ||
	    (r->cpu.has_rt_period && r->cpu.rt_period > 0))
		return resources_refuse(r->cpu.rt_period ? "cpu.realtimePeriod"
							 : "cpu.realtimeRuntime",
					"cgroup v2 has no limits for real-time tasks", e);
	if (r->cpu.has_idle && r->cpu.idle != 0 && r->cpu.idle != 1)
		return err_set(e, EINVAL, "linux.resources.cpu.idle: is neither 0 nor 1");
	/* The kernel refuses a weight of an idle group. Engines always send one. */
	if (r->cpu.has_shares && r->cpu.shares && idle)
		warn("linux.resources.cpu.shares: means nothing while linux.resources.cpu.idle is "
		     "1");
	else if (r->cpu.has_shares && r->cpu.shares)
		ret = add_number(s, "linux.resources.cpu.shares", "cpu.weight",
				 oci_shares_to_weight(r->cpu.shares), e);
	if (ret >= 0 && r->cpu.has_idle && (idle || facts->cpu_max))
		ret = add_number(s, "linux.resources.cpu.idle", "cpu.idle", idle, e);
	if (ret >= 0)
		ret = convert_quota(r, facts, s, e);
	if (ret >= 0 && r->cpu.has_burst && (r->cpu.burst || facts->cpu_max))
		ret = add_number(s, "linux.resources.cpu.burst", "cpu.max.burst", r->cpu.burst, e);
	if (ret >= 0)
		ret = add_list(s, "linux.resources.cpu.cpus", "cpuset.cpus", r->cpu.cpus, e);
	if (ret >= 0)
		ret = add_list(s, "linux.resources.cpu.mems", "cpuset.mems", r->cpu.mems, e);
	return ret;
}

/* For a new cgroup "no limit" is what it has, also without the controller. */
static int convert_pids(const struct oci_resources *r, const struct oci_resource_facts *facts,
			struct cgroup_settings *s, struct err *e)
{
	struct cgroup_setting one;

	if (!r->pids.has_limit)
		return 0;
	cgroup_setting_init(&one, "linux.resources.pids.limit", "pids.max");
	cgroup_setting_number(&one, r->pids.limit > 0 ? (uint64_t)r->pids.limit : UINT64_MAX);
	if (r->pids.limit <= 0 && !facts->cpu_max)
		return 0;
	return cgroup_settings_add(s, &one, e);
}

int oci_resources_convert(const struct oci_resources *r, const struct oci_resource_facts *facts,
			  struct cgroup_settings *ret, struct err *e)
{
	int result;

	if (r->has_network_class || r->has_network_priorities)
		return resources_refuse("network", "cgroup v2 has no network controllers", e);
	if ((result = convert_memory(r, ret, e)) < 0 ||
	    (result = convert_cpu(r, facts, ret, e)) < 0 ||
	    (result = convert_pids(r, facts, ret, e)) < 0 ||
	    (result = resources_block_io(r, facts, ret, e)) < 0 ||
	    (result = resources_huge(r, ret, e)) < 0 || (result = resources_rdma(r, ret, e)) < 0)
		return result;
	return resources_unified(r, ret, e);
}
