/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail rm: removes instances with everything that is theirs. */
#include "cmd/jail/names.h"
#include "cmd/jail/verbs.h"

struct rm_values {
	bool all, force;
};

static const struct option options[] = {
	{ .name = "all",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct rm_values, all),
	  .help = "all that do not run; with --force, all" },
	{ .name = "force",
	  .letter = 'f',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct rm_values, force),
	  .help = "kill them first if they run" },
	OPTION_END,
};

static int remove_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	const struct rm_values *v = arg;

	return instance_remove(c->jail, name, v->force, e);
}

static int run(struct cli *c, struct err *e)
{
	struct rm_values *v = c->values;

	return names_run(c, v->all, v->force ? names_any : names_not_alive, remove_one, v, e);
}

const struct verb verb_rm = {
	.name = "rm",
	.operands = "NAME...",
	.help = "Remove instances",
	.options = options,
	.values_size = sizeof(struct rm_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
