/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail volume set: limits and labels of a volume, in use or not. */
#include "cmd/jail/verbs.h"
#include "runtime/volumes.h"

struct set_values {
	bool json;
};

static const struct option options[] = {
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct set_values, json),
	  .help = "print the volume as JSON (docs/json.md)" },
	OPTION_END,
};

static int run(struct cli *c, struct err *e)
{
	const struct set_values *v = c->values;
	CLEANUP_VOLUME struct volume volume = { .mode = 0 };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out out;
	struct jail_name name;
	int r = name_parse("volume", c->args.operands[0], &name, e);

	if (r >= 0)
		r = volume_set(c->jail, &name, (const char *const *)(c->args.operands + 1),
			       c->args.n_operands - 1, &volume, e);
	if (r < 0 || !v->json)
		return r;
	json_out_init(&out, &b, true);
	r = volumes_to_json(c->jail, &volume, 1, &out, NULL, e);
	return r < 0 ? r : cli_print_json(&b, e);
}

const struct verb verb_volume_set = {
	.name = "volume set",
	.operands = "VOLUME KEY=VALUE...",
	.help = "Change size, inodes or labels.KEY of a volume",
	.options = options,
	.values_size = sizeof(struct set_values),
	.min_operands = 2,
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
