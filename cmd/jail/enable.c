/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail enable, jail disable: whether instances start with the host, `autostart` of their specs. */
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
	const bool *on = arg;

	return instance_autostart(c->jail, name, *on, e);
}

static int run_enable(struct cli *c, struct err *e)
{
	const struct enable_values *v = c->values;
	bool on = true;

	return names_run(c, v->all, names_any, enable_one, &on, e);
}

static int run_disable(struct cli *c, struct err *e)
{
	const struct enable_values *v = c->values;
	bool on = false;

	return names_run(c, v->all, names_any, enable_one, &on, e);
}

const struct verb verb_enable = {
	.name = "enable",
	.operands = "NAME...",
	.help = "Start instances with the host",
	.options = options,
	.values_size = sizeof(struct enable_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run_enable,
};

const struct verb verb_disable = {
	.name = "disable",
	.operands = "NAME...",
	.help = "Do not start instances with the host",
	.options = options,
	.values_size = sizeof(struct enable_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run_disable,
};
