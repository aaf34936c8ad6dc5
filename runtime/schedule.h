/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots that are made by themselves ("snapshots" of the spec). There is no state but the
 * snapshots: the record of each says for which schedules it was made, and a schedule is due when
 * the last one that was made for it is of another span of its length than now. So what was missed
 * is made up once, by whoever comes first, and a clock that is set back is worth one snapshot.
 *
 * One snapshot serves all schedules that are due, and goes when none of them keeps it any more.
 * What somebody asked for by name, or a schedule made that the spec no longer has, stays.
 */
#ifndef JAIL_RUNTIME_SCHEDULE_H
#define JAIL_RUNTIME_SCHEDULE_H

#include "runtime/snapshot.h"

/* Which of them (bit i: s->schedules[i]) are due. unchanged: nothing was written since the
 * snapshot `head`; then those whose last one that is are not. */
unsigned schedule_due(const struct jail_spec *s, const struct snapshots *all, uint64_t now_ms,
		      bool unchanged);
/* Whether a snapshot was made by schedules of the spec alone, and none of them keeps it. */
bool schedule_is_over(const struct jail_spec *s, const struct snapshots *all,
		      const struct snapshot *which);

struct schedule_result { /* of an instance that has schedules */
	struct jail_name instance;
	bool made;
	struct snapshot_made snapshot;
	struct strv removed; /* names */
	bool skipped; /* it starts, ends, or another command is at it: the next run's business */
	struct err why; /* code 0: all went well; else of the first thing that failed */
};
typedef void schedule_fn(const struct schedule_result *r, void *arg);
/*
 * Makes what is due and removes what is over, of these instances or of all (n 0). One that fails
 * keeps no other from its turn. Return: how many failed; -errno: nothing could be done.
 */
int schedules_run(struct jail *j, const struct jail_name *names, size_t n, schedule_fn *fn,
		  void *arg, struct err *e);

#endif
