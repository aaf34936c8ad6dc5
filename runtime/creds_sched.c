/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's schedulers are told of a process, and its personality. CPU affinity comes
 * before the policy: a deadline is admitted for the CPUs that the process may use.
 */
#include <linux/ioprio.h>
#include <linux/sched/types.h>
#include <sys/personality.h>
#include <sys/syscall.h>

#include "base/num.h"
#include "runtime/creds_priv.h"

#define LONG_BITS (8 * sizeof(unsigned long))
struct number_set {
	unsigned long bits[NUM_CPUS_MAX / LONG_BITS];
};

static int parse_set(const char *text, struct number_set *ret, struct err *e)
{
	uint8_t bytes[NUM_CPUS_MAX / 8];
	int r = num_parse_cpubits(text, bytes, e);

	if (r < 0)
		return r;
	*ret = (struct number_set){ { 0 } };
	for (size_t i = 0; i < NUM_CPUS_MAX; i++)
		if (bytes[i / 8] & 1u << i % 8)
			ret->bits[i / LONG_BITS] |= 1UL << i % LONG_BITS;
	return 0;
}

/* Real-time classes and negative nice values ask for CAP_SYS_NICE in the host's user namespace. */
static int needs_nice(struct err *e)
{
	return e->code == EPERM ? err_hint(e, "needs CAP_SYS_NICE on the host") : -e->code;
}

static int set_affinity(pid_t pid, const char *list, struct err *e)
{
	struct number_set set;

	if (parse_set(list, &set, e) < 0)
		return err_wrap(e, "CPU affinity");
	if (syscall(SYS_sched_setaffinity, pid, sizeof(set), &set) < 0) {
		(void)err_sys(e, "set CPU affinity to %s", list);
		return e->code == EINVAL ? err_hint(e, "none of these CPUs is on line and allowed "
						       "by the cgroup's cpuset")
					 : -e->code;
	}
	return 0;
}

static bool same_policy(const struct sched_attr *a, const struct sched_attr *b)
{
	return a->sched_policy == b->sched_policy && a->sched_flags == b->sched_flags &&
	       a->sched_nice == b->sched_nice && a->sched_priority == b->sched_priority &&
	       a->sched_runtime == b->sched_runtime && a->sched_deadline == b->sched_deadline &&
	       a->sched_period == b->sched_period;
}

static int set_policy(pid_t pid, const struct creds_scheduling *s, struct err *e)
{
	struct sched_attr now, want = {
		.size = sizeof(want),
		.sched_policy = (uint32_t)s->policy,
		.sched_flags = s->flags,
		.sched_nice = s->nice,
		.sched_priority = (uint32_t)s->priority,
		.sched_runtime = s->runtime,
		.sched_deadline = s->deadline,
		.sched_period = s->period,
	};

	if (syscall(SYS_sched_getattr, pid, &now, sizeof(now), 0) == 0 && same_policy(&now, &want))
		return 0;
	if (syscall(SYS_sched_setattr, pid, &want, 0) == 0)
		return 0;
	(void)err_sys(e, "set scheduling policy %d (nice %d, priority %d)", s->policy, s->nice,
		      s->priority);
	return needs_nice(e);
}

static int set_io_priority(pid_t pid, const struct creds_scheduling *s, struct err *e)
{
	int want = IOPRIO_PRIO_VALUE(s->io_class, s->io_priority);

	if (syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, pid) == want ||
	    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, want) == 0)
		return 0;
	(void)err_sys(e, "set I/O priority to class %d, level %d", s->io_class, s->io_priority);
	return needs_nice(e);
}

int creds_set_scheduling(pid_t pid, const struct creds_scheduling *s, struct err *e)
{
	int r = 0;

	if (s->has_affinity)
		r = set_affinity(pid, s->affinity, e);
	if (r == 0 && s->has_policy)
		r = set_policy(pid, s, e);
	if (r == 0 && s->has_io)
		r = set_io_priority(pid, s, e);
	return r;
}

int creds_step_scheduling(const struct creds_work *w, struct err *e)
{
	return w->c->scheduling ? creds_set_scheduling(0, w->c->scheduling, e) : 0;
}

int creds_step_memory_policy(const struct creds_work *w, struct err *e)
{
	const struct creds_scheduling *s = w->c->scheduling;
	struct number_set nodes = { { 0 } };
	bool some = s && s->memory_nodes && s->memory_nodes[0];

	if (!s || !s->has_memory)
		return 0;
	if (some && parse_set(s->memory_nodes, &nodes, e) < 0)
		return err_wrap(e, "memory policy");
	if (syscall(SYS_set_mempolicy, s->memory_mode | (int)s->memory_flags,
		    some ? nodes.bits : NULL, some ? NUM_CPUS_MAX : 0) < 0) {
		(void)err_sys(e, "set memory policy %d (flags 0x%x, nodes %s)", s->memory_mode,
			      s->memory_flags, some ? s->memory_nodes : "none");
		return e->code == ENOSYS ? err_hint(e, "this kernel has no NUMA support")
					 : -e->code;
	}
	return 0;
}

int creds_step_personality(const struct creds_work *w, struct err *e)
{
	unsigned long want = w->c->personality;

	if (!w->c->has_personality)
		return 0;
	/* Raw: the 32-bit value that asks is a valid one for glibc's type only by accident. */
	if (syscall(SYS_personality, want) < 0)
		return err_sys(e, "set personality 0x%lx", want);
	if ((unsigned long)syscall(SYS_personality, 0xffffffffUL) != want)
		return err_set(e, EPERM, "personality: set 0x%lx, the kernel has another", want);
	return 0;
}
