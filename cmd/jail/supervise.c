/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * _launch and _finish: what jail-monitor executes when the instance's init has exited (see
 * runtime/monitor_proto.h). They run with the monitor's pid, lock and descriptors;
 * the state tree is opened by the engine, once it has put those in order.
 */
#include "base/num.h"
#include "cmd/jail/verbs.h"

static int launch(struct cli *c, struct err *e)
{
	struct jail_name name;
	uint64_t retries = 0;
	int r = name_parse("instance", c->args.operands[0], &name, e);

	if (r >= 0)
		r = num_parse_u64(c->args.operands[1], 0, UINT32_MAX, &retries, e);
	if (r < 0)
		return r;
	return supervise_launch(&c->config, &name, (unsigned)retries, e);
}

/* What systemd's RestartPreventExitStatus= has for an end that somebody asked for. */
#define EXIT_WANTED 253

/* As a unit's main process we end as the program did. */
static int finish(struct cli *c, struct err *e)
{
	char **operands = c->args.operands;
	struct jail_name name;
	uint64_t remove = 0, status = 0;
	bool unit = false;
	int r = name_parse("instance", operands[0], &name, e);

	if (r >= 0)
		r = num_parse_u64(operands[3], 0, 1, &remove, e);
	if (r >= 0)
		r = num_parse_u64(operands[1], 0, 255, &status, e);
	if (r >= 0)
		r = supervise_finish(&c->config, &name, remove == 1, &unit, e);
	if (r < 0 || !unit)
		return r;
	return str_eq(operands[2], "stopped") || str_eq(operands[2], "poweroff") ? EXIT_WANTED
										 : (int)status;
}

const struct verb verb_launch = {
	.name = "_launch",
	.operands = "NAME RETRIES",
	.help = "Start an instance again, as its supervisor",
	.min_operands = 2,
	.max_operands = 2,
	.flags = VERB_HIDDEN,
	.run = launch,
};

const struct verb verb_finish = {
	.name = "_finish",
	.operands = "NAME STATUS REASON REMOVE",
	.help = "Tear an instance down, as its supervisor",
	.min_operands = 4,
	.max_operands = 4,
	.flags = VERB_HIDDEN,
	.run = finish,
};
