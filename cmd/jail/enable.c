/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail enable: the instance starts with the host. The switch is `autostart` of its spec. */
#include "cmd/jail/names.h"
#include "cmd/jail/verbs.h"

struct enable_values {
	bool all;
};

static const struct option options[] = {
	{ .name = "all",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct enable_values, all),
	  .help = "all instances" },
	OPTION_END,
};

static int enable_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	(void)arg;
	return instance_autostart(c->jail, name, true, e);
}

static int run(struct cli *c, struct err *e)
{
	const struct enable_values *v = c->values;

	return names_run(c, v->all, names_any, enable_one, NULL, e);
}

const struct verb verb_enable = {
	.name = "enable",
	.operands = "NAME...",
	.help = "Start instances with the host",
	.options = options,
	.values_size = sizeof(struct enable_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
