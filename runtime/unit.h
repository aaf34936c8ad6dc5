/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An instance whose supervisor is systemd: nobody of ours holds its lock while it is up. Instead
 * RUN/instances/NAME/unit has the cgroup of its unit, by inode and path, and the instance is up as
 * long as that cgroup exists: systemd makes it before the start and removes it after ExecStopPost,
 * which writes the exit record and tears down. So between the init's end and that moment the
 * instance counts as up, and nobody mistakes it for one whose supervisor was killed. Our cgroups of
 * the instance are below it.
 */
#ifndef JAIL_RUNTIME_UNIT_H
#define JAIL_RUNTIME_UNIT_H

#include "cgroups/place.h"

/* In a run directory. -ENOENT without touching *e: it isn't systemd's. */
int unit_place_read(int run, struct cgroup_place *ret, struct err *e);
int unit_place_write(int run, const struct cgroup_place *p, struct err *e);
/* The file is there and so is the cgroup. */
bool unit_is_up(int run);
/* The process is the first one of the instance `name` in that unit: below its cgroup, and PID 1 of
 * its pid namespace. Ask after pidfd_open, and then whether that has not ended. */
bool unit_owns_init(int run, const struct jail_name *name, pid_t pid);
/* Somebody has asked for the end that comes. */
void unit_mark_stopping(int run);
bool unit_is_stopping(int run);

/* A file beside the spec: the last start's output went to the journal. */
#define UNIT_JOURNAL "journal"

/* Why the launcher has failed, for `jail start`: a file beside the spec. */
#define UNIT_REPORT "start.error"
struct launch_report;
void unit_report_write(int dir, const struct launch_report *report);
/* Reads and removes it. Return: 0 or -ENOENT. */
int unit_report_take(int dir, struct launch_report *ret);

#endif
