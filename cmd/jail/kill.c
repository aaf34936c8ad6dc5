/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail kill: a signal to the instance's init; SIGKILL ends everything in its cgroup. */
#include <signal.h>

#include "cmd/jail/names.h"
#include "cmd/jail/verbs.h"

struct kill_values {
	bool all;
	const char *signal;
};

static const struct option options[] = {
	{ .name = "all",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct kill_values, all),
	  .help = "all that run" },
	{ .name = "signal",
	  .letter = 's',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct kill_values, signal),
	  .value = "SIGNAL",
	  .help = "default KILL, which counts as a stop" },
	OPTION_END,
};

static int kill_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	const int *signal = arg;

	return instance_kill(c->jail, name, *signal, e);
}

static int run(struct cli *c, struct err *e)
{
	struct kill_values *v = c->values;
	int signal = SIGKILL;

	if (v->signal && spec_set_signal(v->signal, &signal, e) < 0)
		return err_wrap(e, "--signal");
	return names_run(c, v->all, names_alive, kill_one, &signal, e);
}

const struct verb verb_kill = {
	.name = "kill",
	.operands = "NAME...",
	.help = "Send a signal to instances, KILL if none is given",
	.options = options,
	.values_size = sizeof(struct kill_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
