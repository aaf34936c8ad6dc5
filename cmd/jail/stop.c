/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail stop: the spec's signal, then after the time-out everything in the cgroup is killed. */
#include "cmd/jail/stop.h"

#include "cmd/jail/verbs.h"

const struct stop_values stop_defaults = { .timeout_ms = UINT64_MAX };

const struct option stop_options[] = {
	{ .name = "all",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct stop_values, all),
	  .help = "all that run" },
	{ .name = "timeout",
	  .letter = 't',
	  .type = OPTION_DURATION,
	  .offset = offsetof(struct stop_values, timeout_ms),
	  .value = "DURATION",
	  .help = "before the kill, instead of the spec's" },
	OPTION_END,
};

int stop_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	const struct stop_values *v = arg;
	bool forced = false;
	int r = instance_stop(c->jail, name, v->timeout_ms, &forced, e);

	if (r >= 0 && forced)
		warn("%s did not end in time and was killed", name->s);
	return r;
}

static int run(struct cli *c, struct err *e)
{
	struct stop_values *v = c->values;

	return names_run(c, v->all, names_alive, stop_one, v, e);
}

const struct verb verb_stop = {
	.name = "stop",
	.operands = "NAME...",
	.help = "Stop instances, by force after a time-out",
	.options = stop_options,
	.values_size = sizeof(struct stop_values),
	.defaults = &stop_defaults,
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
