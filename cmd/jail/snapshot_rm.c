/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail snapshot rm */
#include "cmd/jail/names.h"
#include "cmd/jail/snapshot.h"
#include "cmd/jail/verbs.h"

struct removal {
	struct jail_name of;
	snapshot_rm_fn *fn;
};

static int remove_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	const struct removal *r = arg;

	return r->fn(c->jail, &r->of, name, e);
}

int snapshots_rm(struct cli *c, const char *kind, snapshot_rm_fn *fn, struct err *e)
{
	struct removal removal = { .fn = fn };
	int r = name_parse(kind, c->args.operands[0], &removal.of, e);

	return r < 0 ? r : names_operands(c, "snapshot", 1, remove_one, &removal);
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
