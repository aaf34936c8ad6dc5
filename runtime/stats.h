/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an instance uses: the counters of its cgroup and of its network interface. Each read is of
 * that instance alone and costs the same whatever the number of others.
 */
#ifndef JAIL_RUNTIME_STATS_H
#define JAIL_RUNTIME_STATS_H

#include "base/json.h"
#include "cgroups/stats.h"
#include "netsetup/stats.h"
#include "runtime/jail.h"

struct instance_stats {
	struct jail_name name;
	bool running; /* else nothing below is set */
	bool paused;
	uint64_t time_ms, started_ms; /* wall clock */
	uint64_t taken_usec; /* monotonic: for rates */
	struct cgroup_stats cgroup;
	size_t n_net; /* its interfaces that have an end on the host */
	struct instance_traffic {
		char host_interface[16];
		struct net_traffic count;
	} net[NET_INTERFACES_MAX];
	bool has_classes; /* traffic by class, of all its lives (runtime/traffic.h) */
	struct net_classes classes;
	struct instance_disk disk;
	bool has_percent; /* of one CPU, in thousandths, since the sample before */
	uint64_t cpu_percent_milli;
};
void instance_stats_free(struct instance_stats *s);

struct stats_reader; /* sockets and buffers for any number of reads */
int stats_open(struct jail *j, struct stats_reader **ret, struct err *e);
void stats_close(struct stats_reader **r);
#define CLEANUP_STATS CLEANUP(stats_close)
/* -ESRCH: it does not run; -EAGAIN: between two starts, or just ended; -ENOENT: no such instance.
 */
int stats_read(struct stats_reader *r, const struct jail_name *name, struct instance_stats *ret,
	       struct err *e);
/*
 * All instances in order of name; what ends meanwhile is left out, unless `down`: then the fn gets
 * those that do not run as well. A damaged one is a warning. *s is the fn's to free.
 */
typedef int stats_each_fn(struct instance_stats *s, void *arg);
int stats_each(struct stats_reader *r, bool down, stats_each_fn *fn, void *arg, struct err *e);
/* Sets the rate of `now`, when both samples are of the same run. */
void stats_rate(const struct instance_stats *before, struct instance_stats *now);
/* docs/json.md, "stats". */
void stats_to_json(const struct instance_stats *s, struct json_out *o, const char *key);

#endif
