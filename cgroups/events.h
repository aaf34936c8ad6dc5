/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who the out-of-memory killer took from an instance, and whose limit made it act.
 *
 * Sources: the counters of memory.events, which are exact, and the kernel's log (/dev/kmsg), which
 * alone names the victim. Text of the log is in part the instance's own choosing (names of programs
 * and of cgroups in its delegated subtree), so a line that can be read in two ways is not used:
 * victim and, if need be, level are then unknown, the numbers never wrong.
 */
#ifndef JAIL_CGROUPS_EVENTS_H
#define JAIL_CGROUPS_EVENTS_H

#include "cgroups/cgroup.h"

enum cgroup_oom_level {
	CGROUP_OOM_NONE, /* nothing was killed */
	CGROUP_OOM_INSTANCE, /* resources.memory.max, or a limit that the instance gave itself */
	CGROUP_OOM_TENANT, /* a cgroup between the instance's and that of all instances */
	CGROUP_OOM_HOST, /* all instances together, a cgroup above them, or the machine's memory */
	CGROUP_OOM_UNKNOWN,
};
/* "none", "instance", "tenant", "host", "unknown". */
const char *cgroup_oom_level_name(enum cgroup_oom_level level);
/* The reverse; CGROUP_OOM_UNKNOWN for anything else. */
enum cgroup_oom_level cgroup_oom_level_parse(const char *name);

struct cgroup_oom {
	uint64_t kills; /* processes of the instance that were killed, since its start */
	enum cgroup_oom_level level; /* of the last kill, as far as that can be told */
	uint64_t peak_bytes; /* memory.peak, or memory.current before 6.x; 0 = unknown */
	pid_t victim_pid; /* of the last kill, as the initial pid namespace has it; 0 = unknown */
	char victim[64]; /* its name, bytes that are not printable as \xNN; "" = unknown */
};

/*
 * What has happened since NAME was made. For running instances, and at the end before
 * cgroup_destroy(). Without a memory controller, and when nothing was killed, all is 0 (peak_bytes
 * apart). -ENOENT, with *e set: no such cgroup. Costs one small read while nothing was killed.
 */
int cgroup_oom_read(const struct cgroup_tree *t, const struct jail_name *name,
		    struct cgroup_oom *ret, struct err *e);

#endif
