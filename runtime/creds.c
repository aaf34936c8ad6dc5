/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The child becomes what the spec says: a list of steps in the order that creds.h explains, each
 * fatal. Raw system calls where glibc's wrapper does more than the call (setxid signals every
 * thread it believes in); no allocation.
 */
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "runtime/creds_priv.h"

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

static int step_no_new_privileges(const struct creds_work *w, struct err *e)
{
	if (!w->c->no_new_privileges)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "set no_new_privs");
	return 0;
}

/*
 * A caller may have securebits of its own (NOROOT, KEEP_CAPS): with them uid 0 means something else
 * than the spec says. A new user namespace has the default ones already.
 */
static int step_securebits(const struct creds_work *w, struct err *e)
{
	(void)w;
	if (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == SECUREBITS_DEFAULT)
		return 0;
	if (prctl(PR_SET_SECUREBITS, SECUREBITS_DEFAULT, 0, 0, 0) < 0)
		return err_sys(e, "set securebits to their default");
	return 0;
}

static int step_bounding(const struct creds_work *w, struct err *e)
{
	uint64_t want = w->final.bounding;
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
static int step_groups(const struct creds_work *w, struct err *e)
{
	const struct creds_user *u = &w->c->user;

	if (syscall(NR_SETGROUPS, u->n_groups, u->groups) < 0)
		return err_sys(e, "set %zu supplementary groups", u->n_groups);
	if (syscall(NR_SETRESGID, u->gid, u->gid, u->gid) < 0)
		return err_sys(e, "set group id %u", u->gid);
	return 0;
}

static int step_user(const struct creds_work *w, struct err *e)
{
	const struct cap_sets *sets = &w->final.sets;
	uid_t uid = w->c->user.uid;
	bool keep = w->filter_by_admin || (uid != 0 && (sets->permitted || sets->inheritable));

	/* For the filter, or because the sets of another user than root are not empty. */
	if (keep && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(e, "keep capabilities over the change of the user id");
	if (syscall(NR_SETRESUID, uid, uid, uid) < 0)
		return err_sys(e, "set user id %u", uid);
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return err_sys(e, "end keeping capabilities");
	/* commit_creds() has just set it to fs.suid_dumpable, which may be 1 (rows 1, 3, 62). */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "make the process non-dumpable");
	return 0;
}

static int raise_ambient(uint64_t set, struct err *e)
{
	char name[64];

	for (int i = 0; i < 64; i++)
		if (set & CAP_BIT(i) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
			return err_sys(e, "raise %s in the ambient set",
				       cap_format(CAP_BIT(i), name, sizeof(name)));
	return 0;
}

static int step_capabilities(const struct creds_work *w, struct err *e)
{
	struct cap_sets sets = w->final.sets;
	int r;

	/* Implied by the sets below (ambient is within permitted and inheritable); said anyway, so
	 * that it doesn't hang on that rule. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(e, "empty the ambient set");
	if (w->filter_by_admin)
		sets.permitted |= CAP_BIT(CAP_SYS_ADMIN);
	r = cap_sets_set(&sets);
	if (r < 0)
		return err_ret(e, r, "set capabilities");
	r = creds_check_sets(&sets, e);
	return r < 0 ? r : raise_ambient(w->final.ambient, e);
}

int creds_narrow(const struct creds *c, struct err *e)
{
	/* Ids, groups and bounding set; the terminal is given to its user. */
	uint64_t keep = CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETPCAP) |
			CAP_BIT(CAP_CHOWN);
	struct cap_sets sets;
	int r = cap_sets_get(&sets);

	if (r < 0)
		return err_ret(e, r, "read capabilities");
	keep |= c->sets ? c->sets->permitted | c->sets->inheritable : c->capabilities;
	if (c->filter && !c->no_new_privileges)
		keep |= CAP_BIT(CAP_SYS_ADMIN);
	if (c->scheduling)
		keep |= CAP_BIT(CAP_SYS_NICE);
	sets.permitted &= keep;
	sets.effective = sets.permitted;
	sets.inheritable = 0;
	r = cap_sets_set(&sets);
	return r < 0 ? err_ret(e, r, "drop the capabilities that are not needed") : 0;
}

static int step_check(const struct creds_work *w, struct err *e)
{
	int r;

	r = creds_check_ids(&w->c->user, e);
	if (r < 0)
		return r;
	return creds_check_fixed(w, e);
}

static int step_prepare(const struct creds_work *w, struct err *e)
{
	return w->c->prepare ? w->c->prepare(w->c->prepare_arg, e) : 0;
}

int creds_apply(const struct creds *c, int proc_self, struct err *e)
{
	static creds_step_fn *const steps[] = {
		creds_step_selinux,
		creds_step_apparmor,
		creds_step_keyring,
		creds_step_oom_score_adj,
		creds_step_rlimits,
		creds_step_scheduling,
		creds_step_memory_policy,
		creds_step_personality,
		step_no_new_privileges,
		step_securebits,
		step_bounding,
		step_groups,
		step_user,
		step_capabilities,
		step_check,
		step_prepare,
		creds_step_filter,
	};
	struct creds_work w = {
		.c = c,
		.proc_self = proc_self,
		.filter_by_admin = c->filter && !c->no_new_privileges,
	};
	int r;

	if (c->user.n_groups > ARRAY_SIZE(c->user.groups))
		return err_set(e, EINVAL, "%zu supplementary groups, at most %zu", c->user.n_groups,
			       ARRAY_SIZE(c->user.groups));
	(void)umask(c->umask);
	r = creds_final_sets(c, &w.final, e);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(steps); i++)
		r = steps[i](&w, e);
	return r < 0 ? r : 0;
}
