/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the out-of-memory killer did to an instance, as JSON and in the exit record. Whoever writes
 * the record knows the exit alone; teardown, which sees the cgroup last whatever ended the instance
 * (monitor, unit, a killed supervisor's successor), adds this. So the record of an exit is whole
 * when its cgroup is gone, and `jail wait` returns after that.
 */
#ifndef JAIL_RUNTIME_OOM_H
#define JAIL_RUNTIME_OOM_H

#include "base/json.h"
#include "cgroups/events.h"

/* {"kills", "level", "peakBytes", "victim", "victimPid"}, or null when nothing was killed. */
void oom_to_json(const struct cgroup_oom *oom, struct json_out *o, const char *key);
/* The reverse; NULL is null. Return: 0, -EBADMSG. */
int oom_from_json(const struct json *v, struct cgroup_oom *ret);
/* Adds what has happened in NAME to the exit record in `dir`, if there is one and something has. A
 * failure is a warning: it must not keep the cgroup from going. */
void oom_record(const struct cgroup_tree *t, const struct jail_name *name, int dir);

#endif
