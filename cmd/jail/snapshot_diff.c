/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail snapshot diff, and jail diff: what differs between two states of an instance's files. */
#include "cmd/jail/snapshot.h"
#include "cmd/jail/verbs.h"

struct diff_values {
	bool json;
};

static const struct option options[] = {
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct diff_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

static int run(struct cli *c, struct err *e)
{
	const struct diff_values *v = c->values;
	struct jail_name instance, name[2];
	size_t n = c->args.n_operands - 1;
	int r = name_parse("instance", c->args.operands[0], &instance, e);

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = name_parse("snapshot", c->args.operands[i + 1], &name[i], e);
	if (r < 0)
		return r;
	return diff_print(c, &instance, n > 0 ? &name[0] : NULL, n > 1 ? &name[1] : NULL, v->json,
			  e);
}

const struct verb verb_snapshot_diff = {
	.name = "snapshot diff",
	.operands = "NAME SNAPSHOT [SNAPSHOT]",
	.help = "Show what has changed since a snapshot, or between two",
	.options = options,
	.values_size = sizeof(struct diff_values),
	.min_operands = 2,
	.max_operands = 3,
	.flags = VERB_STATE,
	.run = run,
};

const struct verb verb_diff = {
	.name = "diff",
	.operands = "NAME",
	.help = "Show what an instance has changed of its image",
	.options = options,
	.values_size = sizeof(struct diff_values),
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_STATE,
	.run = run,
};
