/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail policy check: which instances would not be let in by the policy of today. */
#include "cmd/jail/names.h"
#include "cmd/jail/verbs.h"
#include "runtime/policy.h"

struct check_values {
	bool all;
};

static const struct option options[] = {
	{ .name = "all",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct check_values, all),
	  .help = "all instances" },
	OPTION_END,
};

static int check_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	CLEANUP_INFO struct instance_info i = { .n_networks = 0 };
	int r = instance_info(c->jail, name, true, &i, e);

	(void)arg;
	if (r < 0)
		return r;
	r = policy_apply(&c->config, &i.spec, e);
	return r < 0 ? err_wrap(e, "%s", name->s) : 0;
}

static int run(struct cli *c, struct err *e)
{
	const struct check_values *v = c->values;

	return names_run(c, v->all, names_any, check_one, NULL, e);
}

const struct verb verb_policy_check = {
	.name = "policy check",
	.operands = "[NAME...]",
	.help = "Say which instances the policy would not let in",
	.options = options,
	.values_size = sizeof(struct check_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
