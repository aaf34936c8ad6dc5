/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail snapshot rm */
#include "cmd/jail/snapshot.h"
#include "cmd/jail/verbs.h"

int snapshots_rm(struct cli *c, const char *kind, snapshot_rm_fn *fn, struct err *e)
{
	struct jail_name of;
	int status = 0, r = name_parse(kind, c->args.operands[0], &of, e);

	if (r < 0)
		return r;
	for (size_t i = 1; i < c->args.n_operands; i++) {
		struct err one = ERR_INIT;
		struct jail_name name;

		r = name_parse("snapshot", c->args.operands[i], &name, &one);
		if (r >= 0)
			r = fn(c->jail, &of, &name, &one);
		if (r < 0) {
			cli_error(&one);
			status = EXIT_FAILED;
		}
	}
	return status;
}

static int run(struct cli *c, struct err *e)
{
	return snapshots_rm(c, "instance", instance_snapshot_remove, e);
}

const struct verb verb_snapshot_rm = {
	.name = "snapshot rm",
	.operands = "NAME SNAPSHOT...",
	.help = "Remove snapshots; those that stand on them stay",
	.min_operands = 2,
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
