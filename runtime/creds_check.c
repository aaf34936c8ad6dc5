/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Read-backs of creds_apply(): what the kernel says the process is, against what was asked for
 * (rows 53, 54). A call that returned success and did something else (a filter of an outer
 * container that fakes a result, an LSM, a bug here) ends the child instead of running it with more
 * than it should have.
 */
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runtime/creds_priv.h"

static bool groups_hold(const gid_t *set, size_t n, gid_t gid)
{
	for (size_t i = 0; i < n; i++)
		if (set[i] == gid)
			return true;
	return false;
}

/* The kernel sorts the list, so compare as sets. */
static int check_groups(const struct creds_user *user, struct err *e)
{
	gid_t groups[LIMIT_GROUPS];
	int n;

	n = getgroups(ARRAY_SIZE(groups), groups);
	if (n < 0)
		return err_sys(e, "read supplementary groups back");
	if ((size_t)n != user->n_groups)
		return err_set(e, EPERM, "supplementary groups: set %zu, the kernel has %d",
			       user->n_groups, n);
	for (int i = 0; i < n; i++)
		if (!groups_hold(user->groups, user->n_groups, groups[i]) ||
		    !groups_hold(groups, (size_t)n, user->groups[i]))
			return err_set(e, EPERM,
				       "supplementary groups: the kernel's list differs from the "
				       "one that was set");
	return 0;
}

int creds_check_ids(const struct creds_user *user, struct err *e)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) < 0 || getresgid(&rgid, &egid, &sgid) < 0)
		return err_sys(e, "read user and group ids back");
	if (ruid != user->uid || euid != user->uid || suid != user->uid)
		return err_set(e, EPERM, "user ids: set %u, the kernel has %u %u %u", user->uid,
			       ruid, euid, suid);
	if (rgid != user->gid || egid != user->gid || sgid != user->gid)
		return err_set(e, EPERM, "group ids: set %u, the kernel has %u %u %u", user->gid,
			       rgid, egid, sgid);
	return check_groups(user, e);
}

int creds_check_fixed(const struct creds_work *w, struct err *e)
{
	char want[128], have[128];
	uint64_t bounding = cap_bounding();
	uint64_t ambient = cap_ambient();
	int nnp = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);

	if (bounding != w->final.bounding)
		return err_set(e, EPERM, "bounding set: set %s, the kernel has %s",
			       cap_format(w->final.bounding, want, sizeof(want)),
			       cap_format(bounding, have, sizeof(have)));
	if (ambient != w->final.ambient)
		return err_set(e, EPERM, "ambient set: set %s, the kernel has %s",
			       cap_format(w->final.ambient, want, sizeof(want)),
			       cap_format(ambient, have, sizeof(have)));
	/* It may be on without having been asked for: a caller that has it can't shed it. */
	if (nnp < 0 || nnp < (w->c->no_new_privileges ? 1 : 0))
		return err_set(e, EPERM, "no_new_privs: set, but the kernel has it off");
	if (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != SECUREBITS_DEFAULT)
		return err_set(e, EPERM, "securebits: not the default after they were set to it");
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_set(e, EPERM, "process is dumpable after it was made non-dumpable");
	return 0;
}

static int check_set(const char *name, uint64_t want, uint64_t have, struct err *e)
{
	char wanted[128], got[128];

	if (want == have)
		return 0;
	return err_set(e, EPERM, "%s capabilities: set %s, the kernel has %s", name,
		       cap_format(want, wanted, sizeof(wanted)),
		       cap_format(have, got, sizeof(got)));
}

int creds_check_sets(const struct cap_sets *want, struct err *e)
{
	struct cap_sets have;
	int r;

	r = cap_sets_get(&have);
	if (r < 0)
		return err_ret(e, r, "read capabilities back");
	r = check_set("permitted", want->permitted, have.permitted, e);
	if (r == 0)
		r = check_set("effective", want->effective, have.effective, e);
	return r < 0 ? r : check_set("inheritable", want->inheritable, have.inheritable, e);
}
