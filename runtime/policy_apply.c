/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy that is in force for what comes in now. */
#include "runtime/jail.h"
#include "runtime/policy.h"

int policy_apply(const struct jail_config *c, const struct jail_spec *spec, struct err *e)
{
	CLEANUP_POLICY struct policy p = { .doc = NULL };
	struct err why = ERR_INIT;
	int r;

	if (!c->policy[0])
		return 0;
	r = policy_read(c->policy, &p, &why);
	if (r == -ENOENT && !c->policy_given)
		return 0;
	if (r < 0) {
		*e = why;
		return err_wrap(e, "policy");
	}
	r = policy_check(&p, spec, e);
	return r < 0 ? err_wrap(e, "policy %s", c->policy) : 0;
}
