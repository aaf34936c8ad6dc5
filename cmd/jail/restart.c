/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail restart: stop if it runs, then start. */
#include "cmd/jail/stop.h"
#include "cmd/jail/verbs.h"

static int restart_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	const struct start_options start = { .attach = false };
	struct err stop_error = ERR_INIT;
	bool exec_failed = false;
	int client = -EBADF, r = stop_one(c, name, arg, &stop_error);

	if (r < 0 && r != -ESRCH) {
		*e = stop_error;
		return r;
	}
	return instance_start(c->jail, name, &start, &client, &exec_failed, e);
}

static int run(struct cli *c, struct err *e)
{
	struct stop_values *v = c->values;

	return names_run(c, v->all, names_alive, restart_one, v, e);
}

const struct verb verb_restart = {
	.name = "restart",
	.operands = "NAME...",
	.help = "Stop instances that run, then start them",
	.options = stop_options,
	.values_size = sizeof(struct stop_values),
	.defaults = &stop_defaults,
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
