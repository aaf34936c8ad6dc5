/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail disable: the instance does not start with the host. The switch is `autostart` of its spec.
 */
#include "cmd/jail/names.h"
#include "cmd/jail/verbs.h"

struct disable_values {
	bool all;
};

static const struct option options[] = {
	{ .name = "all",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct disable_values, all),
	  .help = "all instances" },
	OPTION_END,
};

static int disable_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	(void)arg;
	return instance_autostart(c->jail, name, false, e);
}

static int run(struct cli *c, struct err *e)
{
	const struct disable_values *v = c->values;

	return names_run(c, v->all, names_any, disable_one, NULL, e);
}

const struct verb verb_disable = {
	.name = "disable",
	.operands = "NAME...",
	.help = "Do not start instances with the host",
	.options = options,
	.values_size = sizeof(struct disable_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
