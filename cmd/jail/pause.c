/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail pause, jail resume: the freezer of the instance's cgroup. */
#include "cmd/jail/names.h"
#include "cmd/jail/verbs.h"

struct pause_values {
	bool all;
};

static const struct option options[] = {
	{ .name = "all",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct pause_values, all),
	  .help = "all that are in the other state" },
	OPTION_END,
};

static int pause_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	const bool *pause = arg;

	return instance_pause(c->jail, name, *pause, e);
}

static int run_pause(struct cli *c, struct err *e)
{
	const struct pause_values *v = c->values;
	bool pause = true;

	return names_run(c, v->all, names_running, pause_one, &pause, e);
}

static int run_resume(struct cli *c, struct err *e)
{
	const struct pause_values *v = c->values;
	bool pause = false;

	return names_run(c, v->all, names_paused, pause_one, &pause, e);
}

const struct verb verb_pause = {
	.name = "pause",
	.operands = "NAME...",
	.help = "Freeze all processes of instances",
	.options = options,
	.values_size = sizeof(struct pause_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run_pause,
};

const struct verb verb_resume = {
	.name = "resume",
	.operands = "NAME...",
	.help = "Let frozen instances go on",
	.options = options,
	.values_size = sizeof(struct pause_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run_resume,
};
