/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: the life of instances, written down by whoever makes it happen (commands, the supervisor,
 * jail-monitor), since no daemon is there to see it. docs/json.md, "events", has the shape of each;
 * events_proto.h how they are stored.
 */
#ifndef JAIL_RUNTIME_EVENTS_H
#define JAIL_RUNTIME_EVENTS_H

#include <stdio.h>

#include "cgroups/events.h"
#include "runtime/jail.h"

enum event {
	EVENT_CREATED, /* id, image */
	EVENT_STARTED, /* pid, restarts */
	EVENT_EXITED, /* status, reason */
	EVENT_RESTARTING, /* jail-monitor's */
	EVENT_OOM, /* oom: what the whole run has had, at its end */
	EVENT_STOPPED, /* everything of the run is torn down */
	EVENT_KILLED, /* signal: sent by a command; forced: by the time-out of a stop */
	EVENT_PAUSED,
	EVENT_RESUMED,
	EVENT_RENAMED, /* new_name */
	EVENT_REMOVED, /* id */
	EVENT_REBUILT, /* image */
	EVENT_SNAPSHOT, /* snapshot: made */
	EVENT_SNAPSHOT_REMOVED, /* snapshot */
	EVENT_ROLLED_BACK, /* snapshot */
	EVENT_CLONED, /* new_name, snapshot */
	EVENT_COMMITTED, /* image, snapshot */
	EVENTS
};
const char *event_name(enum event event);

/* What is NULL or 0 is left out; the status is printed with a reason. */
struct event_detail {
	const char *id, *image, *reason, *new_name, *snapshot;
	const struct cgroup_oom *oom;
	int status, signal;
	pid_t pid;
	unsigned restarts;
	bool forced;
};
/* Appends. `d` may be NULL. */
int event_try(struct jail *j, enum event event, const struct jail_name *name,
	      const struct event_detail *d, struct err *e);
/* The same; what has happened has happened, so a failure is a warning. */
void event_record(struct jail *j, enum event event, const struct jail_name *name,
		  const struct event_detail *d);

struct event_options {
	const struct jail_name *names; /* only these; none: all */
	size_t n_names;
	uint64_t since_ms; /* wall clock; 0 = from the oldest */
	bool follow;
	bool only_new; /* with follow: nothing of the past */
	bool json; /* the lines as they are stored */
	size_t width; /* else: columns that a line may have, 0 = any */
	/* Waits until `fd` is readable. Return: whether to go on. */
	bool (*wait)(int fd, void *arg);
	void *arg;
};
/* Prints, oldest first, and flushes `out` before each wait. Damaged lines are counted in a warning.
 * Return: 0, also when wait() has ended it; -EPIPE. */
int events_print(struct jail *j, const struct event_options *o, FILE *out, struct err *e);

#endif
