/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which property a file of the cgroup, or an annotation, is. systemd.resource-control(5). */
#include "runtime/oci/scope_property.h"

#include <inttypes.h>

#include "base/num.h"

#define ANNOTATION "org.systemd.property."
#define USEC_PER_SEC 1000000
#define PERIOD_US 100000 /* the kernel's default for cpu.max */

void scope_properties_free(struct scope_properties *p)
{
	for (size_t i = 0; i < p->n; i++)
		strv_free(&p->v[i].list);
	free(p->v);
	*p = (struct scope_properties){ .n = 0 };
}

/* Takes one->list over, also on failure. */
static int add(struct scope_properties *p, struct scope_property *one, struct err *e)
{
	struct scope_property *grown = NULL;

	if (p->n < SCOPE_PROPERTIES_MAX)
		grown = reallocarray(p->v, p->n + 1, sizeof(*grown));
	if (!grown) {
		strv_free(&one->list);
		return p->n < SCOPE_PROPERTIES_MAX
			       ? err_nomem(e)
			       : err_set(e, E2BIG, "more than %d properties of a unit",
					 SCOPE_PROPERTIES_MAX);
	}
	p->v = grown;
	p->v[p->n++] = *one;
	return 0;
}

static void name_it(struct scope_property *one, const char *name, const char *type)
{
	*one = (struct scope_property){ .n_bits = 0 };
	(void)snprintf(one->name, sizeof(one->name), "%s", name);
	(void)snprintf(one->type, sizeof(one->type), "%s", type);
}

int scope_add_text(struct scope_properties *p, const char *name, const char *value, struct err *e)
{
	struct scope_property one;

	name_it(&one, name, "s");
	return strv_add(&one.list, value) < 0 ? err_nomem(e) : add(p, &one, e);
}

int scope_add_number(struct scope_properties *p, const char *name, char type, uint64_t value,
		     struct err *e)
{
	struct scope_property one;

	name_it(&one, name, (char[]){ type, '\0' });
	one.number = value;
	return add(p, &one, e);
}

/* "0-3,7", which is canonical. */
static void set_bits(struct scope_property *one, const char *list)
{
	while (*list) {
		size_t first = 0, last;

		for (; *list >= '0' && *list <= '9'; list++)
			first = first * 10 + (size_t)(*list - '0');
		last = first;
		if (*list == '-')
			for (last = 0, list++; *list >= '0' && *list <= '9'; list++)
				last = last * 10 + (size_t)(*list - '0');
		for (size_t i = first; i <= last && i < SCOPE_CPUS_MAX; i++) {
			one->bits[i / 8] |= (uint8_t)(1u << i % 8);
			one->n_bits = i / 8 + 1;
		}
		list += *list == ',';
	}
}

static int add_list(struct scope_properties *p, const char *name, const char *list, struct err *e)
{
	struct scope_property one;
	struct err ignored = ERR_INIT;
	char canonical[CGROUP_VALUE_MAX];

	/* One of "unified" can be anything that the kernel takes; it is what counts. */
	if (num_parse_cpulist(list, canonical, sizeof(canonical), &ignored) < 0)
		return 0;
	name_it(&one, name, "ay");
	set_bits(&one, canonical);
	return add(p, &one, e);
}

static bool number_of(const char *text, uint64_t *ret)
{
	if (str_eq(text, "max")) {
		*ret = UINT64_MAX;
		return true;
	}
	return cgroup_bytes_parse(text, ret);
}

/* "QUOTA [PERIOD]" as time for each second. */
static int add_quota(struct scope_properties *p, const char *value, struct err *e)
{
	char quota[32], period[32];
	size_t n = strcspn(value, " ");
	uint64_t q, us = PERIOD_US;

	if (str_format(quota, sizeof(quota), "%.*s", (int)n, value) < 0 || !number_of(quota, &q) ||
	    str_format(period, sizeof(period), "%s", value + n + (value[n] == ' ')) < 0 ||
	    (period[0] && (!number_of(period, &us) || us == 0)))
		return 0;
	if (q != UINT64_MAX)
		q = (uint64_t)((unsigned __int128)q * USEC_PER_SEC / us);
	if (scope_add_number(p, "CPUQuotaPerSecUSec", 't', q, e) < 0)
		return -e->code;
	return period[0] ? scope_add_number(p, "CPUQuotaPeriodUSec", 't', us, e) : 0;
}

int scope_add_settings(struct scope_properties *p, const struct cgroup_settings *s, struct err *e)
{
	static const struct {
		const char *file, *name;
	} numbers[] = {
		{ "memory.max", "MemoryMax" }, { "memory.high", "MemoryHigh" },
		{ "memory.low", "MemoryLow" }, { "memory.min", "MemoryMin" },
		{ "pids.max", "TasksMax" },    { "memory.swap.max", "MemorySwapMax" },
		{ "cpu.weight", "CPUWeight" }, { "io.weight", "IOWeight" },
	};
	int r = 0;

	for (size_t i = 0; i < s->n && r >= 0; i++) {
		const struct cgroup_setting *one = &s->v[i];
		uint64_t value;

		if (one->device[0]) /* systemd wants a path to it, where we have numbers */
			continue;
		if (str_eq(one->file, "cpu.max"))
			r = add_quota(p, one->value, e);
		else if (str_eq(one->file, "cpuset.cpus"))
			r = add_list(p, "AllowedCPUs", one->value, e);
		else if (str_eq(one->file, "cpuset.mems"))
			r = add_list(p, "AllowedMemoryNodes", one->value, e);
		for (size_t k = 0; k < ARRAY_SIZE(numbers) && r >= 0; k++) {
			if (str_eq(one->file, numbers[k].file) && number_of(one->value, &value))
				r = scope_add_number(p, numbers[k].name, 't', value, e);
		}
	}
	return r;
}

/* Letters only, and not those by which the scope is what it is. */
static int check_name(const char *key, const char *name, struct err *e)
{
	static const char *const ours[] = { "PIDs", "Slice", "Delegate", "Controller" };
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	if (n < 3 || name[n] || n >= SCOPE_NAME_MAX)
		return err_set(e, EINVAL, "annotations.%s: no name of a property", key);
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		if (str_eq(name, ours[i]))
			return err_set(e, EPERM, "annotations.%s: %s is set by the runtime", key,
				       name);
	}
	return 0;
}

/* "TimeoutStopSec" is for people: the bus has "TimeoutStopUSec", a uint64. */
static int seconds(const char *key, struct scope_property *one, struct err *e)
{
	size_t n = strlen(one->name), base = n - strlen("Sec");
	bool is_seconds = n > 4 && str_eq(one->name + base, "Sec") && one->name[base - 1] >= 'a';

	if (!is_seconds)
		return 0;
	if (n + 1 >= sizeof(one->name) || !strchr("ynqiuxtd", one->type[0]) || one->type[1])
		return err_set(e, EINVAL, "annotations.%s: not a number of seconds", key);
	if (one->type[0] == 'd')
		one->number = (uint64_t)(one->real * USEC_PER_SEC);
	else if (one->number > UINT64_MAX / USEC_PER_SEC)
		return err_set(e, ERANGE, "annotations.%s: too many or negative seconds", key);
	else
		one->number *= USEC_PER_SEC;
	memcpy(one->name + base, "USec", sizeof("USec"));
	memcpy(one->type, "t", sizeof("t"));
	return 0;
}

int scope_add_annotations(struct scope_properties *p, const struct oci_map *annotations,
			  struct err *e)
{
	for (size_t i = 0; i < annotations->n; i++) {
		const char *key = annotations->v[i].key, *name = key + strlen(ANNOTATION);
		struct scope_property one;

		if (!str_starts(key, ANNOTATION))
			continue;
		if (check_name(key, name, e) < 0)
			return -e->code;
		name_it(&one, name, "");
		if (scope_value_parse(key, annotations->v[i].value, &one, e) < 0 ||
		    seconds(key, &one, e) < 0) {
			strv_free(&one.list);
			return -e->code;
		}
		if (add(p, &one, e) < 0)
			return -e->code;
	}
	return 0;
}
