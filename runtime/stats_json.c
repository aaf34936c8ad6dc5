/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples as JSON. What the kernel does not say has no member; "max" is null. */
#include "base/clock.h"
#include "runtime/disk.h"
#include "runtime/stats.h"
#include "runtime/traffic.h"

static void time_member(struct json_out *o, const char *key, uint64_t ms)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(ms, text, sizeof(text));
	json_out_str(o, key, text);
}

static void value_member(struct json_out *o, const char *key, bool has, uint64_t value)
{
	if (has && value == CGROUP_STAT_MAX)
		json_out_null(o, key);
	else if (has)
		json_out_u64(o, key, value);
}

/* Every group of the table that has a number; cpu has the rate too. */
static void groups(const struct instance_stats *s, struct json_out *o)
{
	const struct cgroup_stats *c = &s->cgroup;
	const char *open = NULL;

	for (size_t i = 0; i < CGROUP_STAT_END; i++) {
		const struct cgroup_stat_place *p = &cgroup_stat_places[i];

		if (!c->has[i] || i == CGROUP_STAT_CGROUP_FROZEN)
			continue;
		if (!open || strcmp(open, p->group) != 0) {
			if (open)
				json_out_object_end(o);
			json_out_object(o, p->group);
			open = p->group;
			if (i == CGROUP_STAT_CPU_USAGE && s->has_percent)
				json_out_milli(o, "percent", s->cpu_percent_milli);
		}
		value_member(o, p->json, true, c->value[i]);
	}
	if (open)
		json_out_object_end(o);
}

static void pressure_kind(struct json_out *o, const char *key, const struct cgroup_pressure *p)
{
	if (!p->has)
		return;
	json_out_object(o, key);
	json_out_milli(o, "avg10", p->avg10);
	json_out_milli(o, "avg60", p->avg60);
	json_out_milli(o, "avg300", p->avg300);
	json_out_u64(o, "totalUsec", p->total_usec);
	json_out_object_end(o);
}

static void pressure(const struct cgroup_stats *c, struct json_out *o)
{
	static const char *const names[CGROUP_PRESSURES] = {
		[CGROUP_PRESSURE_CPU] = "cpu",
		[CGROUP_PRESSURE_MEMORY] = "memory",
		[CGROUP_PRESSURE_IO] = "io",
	};
	bool any = false;

	for (size_t i = 0; i < CGROUP_PRESSURES; i++)
		any |= c->some[i].has || c->full[i].has;
	if (!any)
		return;
	json_out_object(o, "pressure");
	for (size_t i = 0; i < CGROUP_PRESSURES; i++) {
		if (!c->some[i].has && !c->full[i].has)
			continue;
		json_out_object(o, names[i]);
		pressure_kind(o, "some", &c->some[i]);
		pressure_kind(o, "full", &c->full[i]);
		json_out_object_end(o);
	}
	json_out_object_end(o);
}

static void io(const struct cgroup_stats *c, struct json_out *o)
{
	static const char *const keys[CGROUP_IO_VALUES] = {
		[CGROUP_IO_READ_BYTES] = "readBytes",
		[CGROUP_IO_WRITE_BYTES] = "writeBytes",
		[CGROUP_IO_READS] = "reads",
		[CGROUP_IO_WRITES] = "writes",
		[CGROUP_IO_DISCARD_BYTES] = "discardBytes",
		[CGROUP_IO_DISCARDS] = "discards",
	};

	if (!c->has_io)
		return;
	json_out_array(o, "io");
	for (size_t i = 0; i < c->n_io; i++) {
		const struct cgroup_io_stat *s = &c->io[i];
		char number[32];

		(void)str_format(number, sizeof(number), "%u:%u", s->major, s->minor);
		json_out_object(o, NULL);
		json_out_str(o, "device", number);
		if (s->name[0])
			json_out_str(o, "name", s->name);
		for (size_t k = 0; k < CGROUP_IO_VALUES; k++)
			value_member(o, keys[k], s->has[k], s->value[k]);
		json_out_object_end(o);
	}
	json_out_array_end(o);
}

static void huge(const struct cgroup_stats *c, struct json_out *o)
{
	static const char *const keys[CGROUP_HUGE_VALUES] = {
		[CGROUP_HUGE_CURRENT] = "current",
		[CGROUP_HUGE_MAX] = "max",
		[CGROUP_HUGE_RESERVED] = "reserved",
		[CGROUP_HUGE_FAILURES] = "failures",
	};

	if (!c->n_huge)
		return;
	json_out_array(o, "hugetlb");
	for (size_t i = 0; i < c->n_huge; i++) {
		json_out_object(o, NULL);
		json_out_str(o, "pageSize", c->huge[i].size);
		for (size_t k = 0; k < CGROUP_HUGE_VALUES; k++)
			value_member(o, keys[k], c->huge[i].has[k], c->huge[i].value[k]);
		json_out_object_end(o);
	}
	json_out_array_end(o);
}

static void interface(const struct instance_traffic *t, struct json_out *o)
{
	const struct net_traffic *n = &t->count;

	json_out_object(o, NULL);
	json_out_str(o, "interface", n->interface);
	json_out_str(o, "hostInterface", t->host_interface);
	json_out_u64(o, "rxBytes", n->rx_bytes);
	json_out_u64(o, "rxPackets", n->rx_packets);
	json_out_u64(o, "rxErrors", n->rx_errors);
	json_out_u64(o, "rxDropped", n->rx_dropped);
	json_out_u64(o, "txBytes", n->tx_bytes);
	json_out_u64(o, "txPackets", n->tx_packets);
	json_out_u64(o, "txErrors", n->tx_errors);
	json_out_u64(o, "txDropped", n->tx_dropped);
	json_out_object_end(o);
}

static void network(const struct instance_stats *s, struct json_out *o)
{
	if (s->n_net > 0) {
		json_out_array(o, "network");
		for (size_t i = 0; i < s->n_net; i++)
			interface(&s->net[i], o);
		json_out_array_end(o);
	}
	if (s->has_classes)
		traffic_to_json(&s->classes, o, "traffic");
}

void stats_to_json(const struct instance_stats *s, struct json_out *o, const char *key)
{
	json_out_object(o, key);
	json_out_str(o, "name", s->name.s);
	json_out_bool(o, "running", s->running);
	if (s->running) {
		json_out_bool(o, "paused", s->paused);
		time_member(o, "time", s->time_ms);
		time_member(o, "startedAt", s->started_ms);
		groups(s, o);
		pressure(&s->cgroup, o);
		io(&s->cgroup, o);
		huge(&s->cgroup, o);
		if (s->disk.has_usage)
			instance_disk_to_json(o, &s->disk);
		network(s, o);
	}
	json_out_object_end(o);
}
