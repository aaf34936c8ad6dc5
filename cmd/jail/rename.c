/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail rename: a new name for an instance that does not run. */
#include "cmd/jail/verbs.h"

static int run(struct cli *c, struct err *e)
{
	struct jail_name from, to;
	int r = name_parse("instance", c->args.operands[0], &from, e);

	if (r < 0)
		return r;
	r = name_parse("instance", c->args.operands[1], &to, e);
	if (r < 0)
		return r;
	return instance_rename(c->jail, &from, &to, e);
}

const struct verb verb_rename = {
	.name = "rename",
	.operands = "NAME NEW-NAME",
	.help = "Rename an instance that does not run",
	.min_operands = 2,
	.max_operands = 2,
	.flags = VERB_STATE,
	.run = run,
};
