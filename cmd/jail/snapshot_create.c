/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail snapshot create */
#include "cmd/jail/snapshot.h"
#include "cmd/jail/verbs.h"

struct create_values {
	bool json;
};

static const struct option options[] = {
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct create_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

static int print_json(const struct snapshot_view *v, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	json_out_init(&o, &b, true);
	snapshot_to_json(&o, v);
	return cli_print_json(&b, e);
}

static int run(struct cli *c, struct err *e)
{
	const struct create_values *v = c->values;
	struct jail_name instance, name;
	char frozen[SNAPSHOT_FROZEN_MAX];
	struct snapshot_made made;
	bool named = c->args.n_operands > 1;
	int r = name_parse("instance", c->args.operands[0], &instance, e);

	if (r >= 0 && named)
		r = name_parse("snapshot", c->args.operands[1], &name, e);
	if (r >= 0)
		r = instance_snapshot_create(c->jail, &instance, named ? &name : NULL, &made, e);
	if (r < 0)
		return r;
	if (v->json)
		return print_json(&(struct snapshot_view){ &made.snapshot,
							   made.has_parent ? &made.parent : NULL,
							   !made.snapshot.copied },
				  e);
	snapshot_frozen_text(&made.snapshot, frozen);
	if (made.snapshot.frozen)
		(void)printf("%s (the instance stood still for %s)\n", made.snapshot.name.s,
			     frozen);
	else
		(void)puts(made.snapshot.name.s);
	return 0;
}

const struct verb verb_snapshot_create = {
	.name = "snapshot create",
	.operands = "NAME [SNAPSHOT]",
	.help = "Keep the files of an instance as they are now",
	.options = options,
	.values_size = sizeof(struct create_values),
	.min_operands = 1,
	.max_operands = 2,
	.flags = VERB_STATE,
	.run = run,
};
