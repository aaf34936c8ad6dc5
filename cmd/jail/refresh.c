/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail refresh: the host's lxcfs was restarted; running instances get its files anew. */
#include "cmd/jail/names.h"
#include "cmd/jail/verbs.h"

struct refresh_values {
	bool all;
};

static const struct option options[] = {
	{ .name = "all",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct refresh_values, all),
	  .help = "all that are running" },
	OPTION_END,
};

static int refresh_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	(void)arg;
	return instance_refresh(c->jail, name, e);
}

static int run_refresh(struct cli *c, struct err *e)
{
	const struct refresh_values *v = c->values;

	return names_run(c, v->all, names_running, refresh_one, NULL, e);
}

const struct verb verb_refresh = {
	.name = "refresh",
	.operands = "NAME...",
	.help = "After a restart of lxcfs: mount its files anew",
	.options = options,
	.values_size = sizeof(struct refresh_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run_refresh,
};
