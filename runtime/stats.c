/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One sample of one instance: that it runs (running_open()), then what the kernel has counted. */
#include "runtime/stats.h"

#include <time.h>

#include "base/clock.h"
#include "runtime/disk.h"
#include "runtime/engine_priv.h"
#include "runtime/traffic.h"

struct stats_reader {
	struct jail *j;
	struct cgroup_stats_reader cgroup;
	struct net_traffic_source traffic;
};

void instance_stats_free(struct instance_stats *s)
{
	cgroup_stats_free(&s->cgroup);
}

void stats_close(struct stats_reader **r)
{
	if (!*r)
		return;
	cgroup_stats_close(&(*r)->cgroup);
	net_traffic_close(&(*r)->traffic);
	free(*r);
	*r = NULL;
}

int stats_open(struct jail *j, struct stats_reader **ret, struct err *e)
{
	CLEANUP_STATS struct stats_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return err_nomem(e);
	r->j = j;
	r->traffic.fd = r->cgroup.devices = -EBADF;
	if (cgroup_stats_open(&r->cgroup, e) < 0 || net_traffic_open(&r->traffic, e) < 0)
		return -e->code;
	*ret = TAKE_PTR(r);
	return 0;
}

static uint64_t monotonic_usec(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* What was there a moment ago and is not any more: the instance has ended, which is no fault. */
static int ended(int r, const struct err *why, struct err *e)
{
	if (r == -ENOENT || r == -ENODEV)
		return err_set(e, EAGAIN, "has just ended");
	*e = *why;
	return r;
}

static int read_network(struct stats_reader *r, struct instance_stats *s,
			const struct running *running, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < NET_INTERFACES_MAX && rc >= 0; i++) {
		struct err why = ERR_INIT;
		const struct net_attached *a = &running->state.net.v[i];
		struct instance_traffic *t = &s->net[s->n_net];

		if (!a->host_interface[0])
			continue;
		memcpy(t->host_interface, a->host_interface, sizeof(t->host_interface));
		rc = net_traffic_read(&r->traffic, a->host_interface, &t->count, &why);
		if (rc == -ENODEV && !running_has_ended(running)) { /* somebody removed it */
			rc = 0;
			continue;
		}
		if (rc < 0)
			*e = why;
		(void)str_format(t->count.interface, sizeof(t->count.interface), "eth%zu", i);
		s->n_net += rc >= 0;
	}
	if (rc >= 0)
		rc = traffic_read(running->dir, true, &s->classes, e);
	s->has_classes = rc >= 0;
	return rc;
}

static int read_running(struct stats_reader *r, struct instance_stats *s, struct err *e)
{
	struct running running CLEANUP_RUNNING = RUNNING_INIT;
	const struct cgroup_tree *tree;
	struct err why = ERR_INIT;
	int rc = running_open(r->j, &s->name, &running, e);

	if (rc < 0)
		return rc;
	s->started_ms = running.state.started_ms;
	s->time_ms = clock_wall_ms();
	s->taken_usec = monotonic_usec();
	tree = instance_tree(r->j, &s->name, &why);
	rc = tree ? cgroup_stats_read(&r->cgroup, tree, &s->name, &s->cgroup, &why) : -why.code;
	if (rc >= 0)
		instance_disk_look(running.dir, running.state.pid, running.state.root_device,
				   &s->disk);
	if (rc >= 0 && running.state.has_net)
		rc = read_network(r, s, &running, &why);
	if (rc < 0) {
		cgroup_stats_free(&s->cgroup);
		return ended(rc, &why, e);
	}
	s->running = true;
	s->paused = s->cgroup.has[CGROUP_STAT_CGROUP_FROZEN] &&
		    s->cgroup.value[CGROUP_STAT_CGROUP_FROZEN] == 1;
	return 0;
}

int stats_read(struct stats_reader *r, const struct jail_name *name, struct instance_stats *ret,
	       struct err *e)
{
	struct instance_stats s = { .name = *name };
	int rc = read_running(r, &s, e);

	if (rc < 0)
		return err_wrap(e, "stats %s", name->s);
	*ret = s;
	return 0;
}

static int each_one(struct stats_reader *r, const char *file, bool down, stats_each_fn *fn,
		    void *arg)
{
	struct instance_stats s = { .name = { "" } };
	struct err why = ERR_INIT;
	struct jail_name name;
	int rc = name_parse("instance", file, &name, &why);

	if (rc >= 0)
		rc = stats_read(r, &name, &s, &why);
	if (rc == -ENOENT)
		return 0;
	if (rc < 0 && rc != -ESRCH && rc != -EAGAIN) {
		warn("%s", why.text);
		return 0;
	}
	if (rc < 0 && !down)
		return 0;
	s.name = name;
	return fn(&s, arg);
}

int stats_each(struct stats_reader *r, bool down, stats_each_fn *fn, void *arg, struct err *e)
{
	CLEANUP_STRV struct strv names = { 0 };
	int rc = instance_names(r->j, &names, e);

	for (size_t i = 0; i < names.n && rc >= 0; i++) {
		rc = each_one(r, names.v[i], down, fn, arg);
		if (rc < 0)
			return err_ret(e, rc, "stats %s", names.v[i]);
	}
	return rc;
}

void stats_rate(const struct instance_stats *before, struct instance_stats *now)
{
	const enum cgroup_stat usage = CGROUP_STAT_CPU_USAGE;
	uint64_t wall = now->taken_usec - before->taken_usec, used;

	if (!before->running || !now->running || before->started_ms != now->started_ms ||
	    !before->cgroup.has[usage] || !now->cgroup.has[usage] ||
	    now->taken_usec <= before->taken_usec ||
	    now->cgroup.value[usage] < before->cgroup.value[usage])
		return;
	used = now->cgroup.value[usage] - before->cgroup.value[usage];
	now->has_percent = true;
	now->cpu_percent_milli =
		(uint64_t)((unsigned __int128)used * 100000 / (unsigned __int128)wall);
}
