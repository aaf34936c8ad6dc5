/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The child becomes what the spec says: a list of steps in the order that creds.h explains, each
 * fatal. Raw system calls where glibc's wrapper does more than the call (setxid signals every
 * thread it believes in); no allocation.
 *
 * RLIMIT_CORE. The soft limit is 1 unless the spec names another: with 1 no core file is written (a
 * file needs a page at least) and, which 0 doesn't do, the kernel doesn't run a piped core_pattern
 * either (do_coredump() keeps 1 for "never"), so that a crash inside isn't parsed by a program of
 * the host's root (row 62).
 */
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "base/num.h"
#include "base/str.h"
#include "runtime/creds_priv.h"
#include "runtime/seccomp.h"

/* 32-bit ABIs kept their 16-bit calls under the plain names. */
#ifdef SYS_setresuid32
#define NR_SETRESUID SYS_setresuid32
#define NR_SETRESGID SYS_setresgid32
#define NR_SETGROUPS SYS_setgroups32
#else
#define NR_SETRESUID SYS_setresuid
#define NR_SETRESGID SYS_setresgid
#define NR_SETGROUPS SYS_setgroups
#endif

struct apply {
	const struct creds *c;
	int proc_self;
	bool filter_by_admin; /* no no_new_privs: CAP_SYS_ADMIN is kept until the filter is in */
};

static int step_oom_score_adj(const struct apply *a, struct err *e)
{
	if (!a->c->has_oom_score_adj)
		return 0;
	return creds_set_oom_score_adj(a->proc_self, a->c->oom_score_adj, e);
}

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

/* Anonymous: nobody can join it by name (row 58). Charged to the user namespace's own uid. */
static int step_keyring(const struct apply *a, struct err *e)
{
	(void)a;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0) >= 0)
		return 0;
	if (errno == ENOSYS) /* no CONFIG_KEYS, or a filter around us all: nobody reaches one */
		return 0;
	if (errno == EDQUOT) {
		(void)err_sys(e, "new session keyring: the user's key quota is used up");
		return err_hint(e, "see /proc/key-users, and raise kernel.keys.maxkeys and "
				   "kernel.keys.maxbytes");
	}
	return err_sys(e, "new session keyring");
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

int creds_set_rlimits(pid_t pid, const struct creds_rlimit *rlimits, size_t n, struct err *e)
{
	struct creds_rlimit core = { .resource = RLIMIT_CORE };
	uint64_t now[2];
	bool has_core = false;
	int r;

	for (size_t i = 0; i < n; i++) {
		has_core |= rlimits[i].resource == RLIMIT_CORE;
		r = set_rlimit(pid, &rlimits[i], e);
		if (r < 0)
			return r;
	}
	if (has_core)
		return 0;
	if (syscall(SYS_prlimit64, pid, RLIMIT_CORE, NULL, now) < 0)
		return err_sys(e, "read resource limit RLIMIT_CORE");
	core.hard = now[1];
	core.soft = core.hard < 1 ? core.hard : 1;
	return set_rlimit(pid, &core, e);
}

static int step_rlimits(const struct apply *a, struct err *e)
{
	return creds_set_rlimits(0, a->c->rlimits, a->c->n_rlimits, e);
}

static int step_no_new_privileges(const struct apply *a, struct err *e)
{
	if (!a->c->no_new_privileges)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "set no_new_privs");
	return 0;
}

/*
 * A caller may have securebits of its own (NOROOT, KEEP_CAPS): with them uid 0 means something else
 * than the spec says. A new user namespace has the default ones already.
 */
static int step_securebits(const struct apply *a, struct err *e)
{
	(void)a;
	if (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == SECUREBITS_DEFAULT)
		return 0;
	if (prctl(PR_SET_SECUREBITS, SECUREBITS_DEFAULT, 0, 0, 0) < 0)
		return err_sys(e, "set securebits to their default");
	return 0;
}

static int step_bounding(const struct apply *a, struct err *e)
{
	uint64_t want = a->c->capabilities;
	uint64_t have = cap_bounding();
	char names[128];

	if (want & ~have) {
		(void)err_set(e, EPERM, "capabilities that the runtime itself doesn't have: %s",
			      cap_format(want & ~have, names, sizeof(names)));
		return err_hint(e, "leave them out of security.capabilities");
	}
	for (int i = 0; i < 64; i++)
		if (have & ~want & CAP_BIT(i) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			return err_sys(e, "drop %s from the bounding set",
				       cap_format(CAP_BIT(i), names, sizeof(names)));
	return 0;
}

/* The list is set even when it is empty: otherwise the host's groups stay (row 53). */
static int step_groups(const struct apply *a, struct err *e)
{
	const struct creds_user *u = &a->c->user;

	if (syscall(NR_SETGROUPS, u->n_groups, u->groups) < 0)
		return err_sys(e, "set %zu supplementary groups", u->n_groups);
	if (syscall(NR_SETRESGID, u->gid, u->gid, u->gid) < 0)
		return err_sys(e, "set group id %u", u->gid);
	return 0;
}

static int step_user(const struct apply *a, struct err *e)
{
	uid_t uid = a->c->user.uid;

	if (a->filter_by_admin && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(e, "keep capabilities until the seccomp filter is in place");
	if (syscall(NR_SETRESUID, uid, uid, uid) < 0)
		return err_sys(e, "set user id %u", uid);
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return err_sys(e, "end keeping capabilities");
	/* commit_creds() has just set it to fs.suid_dumpable, which may be 1 (rows 1, 3, 62). */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "make the process non-dumpable");
	return 0;
}

static int step_capabilities(const struct apply *a, struct err *e)
{
	struct cap_sets sets = {
		.permitted = creds_final_caps(a->c),
		.effective = creds_final_caps(a->c),
	};
	int r;

	/* Implied by the sets below (ambient is within permitted and inheritable); said anyway, so
	 * that it doesn't hang on that rule. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(e, "empty the ambient set");
	if (a->filter_by_admin)
		sets.permitted |= CAP_BIT(CAP_SYS_ADMIN);
	r = cap_sets_set(&sets);
	if (r < 0)
		return err_ret(e, r, "set capabilities");
	return creds_check_sets(sets.permitted, sets.effective, e);
}

int creds_narrow(const struct creds *c, struct err *e)
{
	/* Ids, groups and bounding set; the terminal is given to its user. */
	uint64_t keep = c->capabilities | CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) |
			CAP_BIT(CAP_SETPCAP) | CAP_BIT(CAP_CHOWN);
	struct cap_sets sets;
	int r = cap_sets_get(&sets);

	if (r < 0)
		return err_ret(e, r, "read capabilities");
	if (c->filter && !c->no_new_privileges)
		keep |= CAP_BIT(CAP_SYS_ADMIN);
	sets.permitted &= keep;
	sets.effective = sets.permitted;
	sets.inheritable = 0;
	r = cap_sets_set(&sets);
	return r < 0 ? err_ret(e, r, "drop the capabilities that are not needed") : 0;
}

static int step_check(const struct apply *a, struct err *e)
{
	int r;

	r = creds_check_ids(&a->c->user, e);
	if (r < 0)
		return r;
	return creds_check_fixed(a->c, e);
}

static int step_prepare(const struct apply *a, struct err *e)
{
	return a->c->prepare ? a->c->prepare(a->c->prepare_arg, e) : 0;
}

static bool filter_allows(const struct creds *c, long nr, uint64_t arg0)
{
	uint32_t action = seccomp_evaluate_native(c->filter, c->n_filter, (int)nr, arg0);

	action &= SECCOMP_RET_ACTION_FULL;
	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

/* Asked before it is installed: afterwards the answer could be our death without a word. */
static int check_filter(const struct apply *a, struct err *e)
{
	if (!filter_allows(a->c, SYS_execve, 0) && !filter_allows(a->c, SYS_execveat, 0))
		return err_set(e, EINVAL,
			       "the seccomp profile allows neither execve nor execveat: "
			       "nothing could be started");
	if (a->filter_by_admin && !filter_allows(a->c, SYS_capset, 0)) {
		(void)err_set(e, EINVAL,
			      "the seccomp profile doesn't allow capset, which must "
			      "follow the filter when no_new_privs is off");
		return err_hint(e, "allow capset in the profile, or set "
				   "security.noNewPrivileges");
	}
	return 0;
}

static int install_filter(const struct creds *c, struct err *e)
{
	struct sock_fprog program = {
		.len = (unsigned short)c->n_filter,
		.filter = (struct sock_filter *)(uintptr_t)c->filter,
	};

	if (c->n_filter > BPF_MAXINSNS)
		return err_set(e, E2BIG, "seccomp filter of %zu instructions, the kernel takes %d",
			       c->n_filter, BPF_MAXINSNS);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, c->filter_flags, &program) < 0)
		return err_sys(e, "install the seccomp filter");
	if (filter_allows(c, SYS_prctl, PR_GET_SECCOMP) &&
	    prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER)
		return err_set(e, EPERM,
			       "the seccomp filter is not in place after it was "
			       "installed");
	return 0;
}

static int step_filter(const struct apply *a, struct err *e)
{
	struct cap_sets final = { creds_final_caps(a->c), creds_final_caps(a->c), 0 };
	struct cap_sets admin = final;
	int r;

	if (!a->c->filter)
		return 0;
	r = check_filter(a, e);
	if (r < 0)
		return r;
	if (!a->filter_by_admin)
		return install_filter(a->c, e);

	admin.permitted |= CAP_BIT(CAP_SYS_ADMIN);
	admin.effective |= CAP_BIT(CAP_SYS_ADMIN);
	r = cap_sets_set(&admin);
	if (r < 0)
		return err_ret(e, r, "raise CAP_SYS_ADMIN for the seccomp filter");
	r = install_filter(a->c, e);
	if (r < 0)
		return r;
	r = cap_sets_set(&final);
	if (r < 0)
		return err_ret(e, r, "set capabilities after the seccomp filter");
	if (!filter_allows(a->c, SYS_capget, 0))
		return 0;
	return creds_check_sets(final.permitted, final.effective, e);
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

typedef int step_fn(const struct apply *a, struct err *e);

int creds_apply(const struct creds *c, int proc_self, struct err *e)
{
	static step_fn *const steps[] = {
		step_oom_score_adj, step_keyring,  step_rlimits, step_no_new_privileges,
		step_securebits,    step_bounding, step_groups,	 step_user,
		step_capabilities,  step_check,	   step_prepare, step_filter,
	};
	struct apply a = {
		.c = c,
		.proc_self = proc_self,
		.filter_by_admin = c->filter && !c->no_new_privileges,
	};
	int r;

	if (c->user.n_groups > ARRAY_SIZE(c->user.groups))
		return err_set(e, EINVAL, "%zu supplementary groups, at most %zu", c->user.n_groups,
			       ARRAY_SIZE(c->user.groups));
	(void)umask(c->umask);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		r = steps[i](&a, e);
		if (r < 0)
			return r;
	}
	return 0;
}
