/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resource limits, oom_score_adj, and the number of user namespaces: what of a process's limits is
 * set from outside or from inside.
 *
 * RLIMIT_CORE. The soft limit is 1 unless the spec names another: with 1 no core file is written (a
 * file needs a page at least) and, which 0 doesn't do, the kernel doesn't run a piped core_pattern
 * either (do_coredump() keeps 1 for "never"), so that a crash inside isn't parsed by a program of
 * the host's root (row 62).
 */
#include <sys/syscall.h>

#include "base/file.h"
#include "base/str.h"
#include "runtime/creds_priv.h"

int creds_set_oom_score_adj(int proc_pid, int value, struct err *e)
{
	char text[16], now[16];
	int r;

	r = str_format(text, sizeof(text), "%d", value);
	if (r < 0)
		return err_ret(e, r, "oom_score_adj %d", value);
	/* Readable by all, and already right when the parent has written it. */
	if (file_peek_at(proc_pid, "oom_score_adj", now, sizeof(now)) >= 0 && str_eq(text, now))
		return 0;
	r = file_poke_at(proc_pid, "oom_score_adj", text, (size_t)r);
	if (r == -EACCES || r == -EPERM) {
		(void)err_ret(e, r, "set oom_score_adj to %d", value);
		return err_hint(e, "lowering it needs CAP_SYS_RESOURCE on the host");
	}
	if (r < 0)
		return err_ret(e, r, "set oom_score_adj to %d", value);
	if (file_peek_at(proc_pid, "oom_score_adj", now, sizeof(now)) < 0 || !str_eq(text, now))
		return err_set(e, EPERM, "oom_score_adj: wrote %s, the kernel has another value",
			       text);
	return 0;
}

static int set_rlimit(pid_t pid, const struct creds_rlimit *limit, struct err *e)
{
	struct {
		uint64_t soft, hard;
	} now, want = { limit->soft, limit->hard };

	if (limit->soft > limit->hard)
		return err_set(e, EINVAL, "resource limit %d: soft limit over the hard one",
			       limit->resource);
	if (syscall(SYS_prlimit64, pid, limit->resource, NULL, &now) < 0)
		return err_sys(e, "read resource limit %d", limit->resource);
	if (now.soft == want.soft && now.hard == want.hard)
		return 0;
	if (syscall(SYS_prlimit64, pid, limit->resource, &want, NULL) < 0) {
		if (errno == EPERM && want.hard > now.hard) {
			(void)err_sys(e, "raise hard resource limit %d from %llu to %llu",
				      limit->resource, (unsigned long long)now.hard,
				      (unsigned long long)want.hard);
			return err_hint(e, "needs CAP_SYS_RESOURCE on the host");
		}
		return err_sys(e, "set resource limit %d to %llu:%llu", limit->resource,
			       (unsigned long long)want.soft, (unsigned long long)want.hard);
	}
	if (syscall(SYS_prlimit64, pid, limit->resource, NULL, &now) < 0 || now.soft != want.soft ||
	    now.hard != want.hard)
		return err_set(e, EPERM, "resource limit %d: the kernel has another value",
			       limit->resource);
	return 0;
}

int creds_set_listed_rlimits(pid_t pid, const struct creds_rlimit *rlimits, size_t n, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = set_rlimit(pid, &rlimits[i], e);
	return r;
}

int creds_set_rlimits(pid_t pid, const struct creds_rlimit *rlimits, size_t n, struct err *e)
{
	struct creds_rlimit core = { .resource = RLIMIT_CORE };
	uint64_t now[2];
	int r = creds_set_listed_rlimits(pid, rlimits, n, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (rlimits[i].resource == RLIMIT_CORE)
			return 0;
	if (syscall(SYS_prlimit64, pid, RLIMIT_CORE, NULL, now) < 0)
		return err_sys(e, "read resource limit RLIMIT_CORE");
	core.hard = now[1];
	core.soft = core.hard < 1 ? core.hard : 1;
	return set_rlimit(pid, &core, e);
}

int creds_forbid_user_namespaces(int proc, struct err *e)
{
	static const char name[] = "sys/user/max_user_namespaces";
	unsigned inside, outside, count;
	char text[128];
	int r;

	if (file_peek_at(proc, "self/uid_map", text, sizeof(text)) < 0 ||
	    sscanf(text, "%10u %10u %10u", &inside, &outside, &count) != 3)
		return err_set(e, EIO, "/proc/self/uid_map: not readable");
	if (outside == 0 && count == UINT32_MAX)
		return err_set(e, EINVAL, "%s: not for the host's user namespace", name);
	r = file_poke_at(proc, name, "0", 1);
	if (r < 0)
		return err_ret(e, r, "write 0 to /proc/%s", name);
	if (file_peek_at(proc, name, text, sizeof(text)) < 0 || !str_eq(text, "0"))
		return err_set(e, EPERM, "/proc/%s: wrote 0, the kernel has another value", name);
	return 0;
}

int creds_step_oom_score_adj(const struct creds_work *w, struct err *e)
{
	if (!w->c->has_oom_score_adj)
		return 0;
	return creds_set_oom_score_adj(w->proc_self, w->c->oom_score_adj, e);
}

int creds_step_rlimits(const struct creds_work *w, struct err *e)
{
	const struct creds *c = w->c;

	return c->core_as_it_is ? creds_set_listed_rlimits(0, c->rlimits, c->n_rlimits, e)
				: creds_set_rlimits(0, c->rlimits, c->n_rlimits, e);
}
