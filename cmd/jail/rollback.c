/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail rollback: an instance's files become those of a snapshot. */
#include "cmd/jail/snapshot.h"
#include "cmd/jail/verbs.h"

static int run(struct cli *c, struct err *e)
{
	struct jail_name instance, name;
	int r = name_parse("instance", c->args.operands[0], &instance, e);

	if (r >= 0)
		r = name_parse("snapshot", c->args.operands[1], &name, e);
	return r < 0 ? r : instance_rollback(c->jail, &instance, &name, e);
}

const struct verb verb_rollback = {
	.name = "rollback",
	.operands = "NAME SNAPSHOT",
	.help = "Bring the files of an instance back to a snapshot",
	.min_operands = 2,
	.max_operands = 2,
	.flags = VERB_STATE,
	.run = run,
};
