/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail volume snapshot create, list, rm, and jail volume rollback. */
#include "base/clock.h"
#include "cmd/jail/snapshot.h"
#include "cmd/jail/verbs.h"
#include "runtime/volumes.h"

struct snapshot_values {
	bool json, quiet;
};

static const struct option create_options[] = {
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct snapshot_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

static const struct option list_options[] = {
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct snapshot_values, quiet),
	  .help = "only the names" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct snapshot_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

static void to_json(struct json_out *o, const struct snapshot *s)
{
	json_out_object(o, NULL);
	snapshot_members(o, s);
	json_out_object_end(o);
}

static int run_create(struct cli *c, struct err *e)
{
	const struct snapshot_values *v = c->values;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	char frozen[SNAPSHOT_FROZEN_MAX];
	struct jail_name volume, name;
	bool named = c->args.n_operands > 1;
	struct snapshot made;
	struct json_out out;
	int r = name_parse("volume", c->args.operands[0], &volume, e);

	if (r >= 0 && named)
		r = name_parse("snapshot", c->args.operands[1], &name, e);
	if (r >= 0)
		r = volume_snapshot_create(c->jail, &volume, named ? &name : NULL, &made, e);
	if (r < 0)
		return r;
	if (v->json) {
		json_out_init(&out, &b, true);
		to_json(&out, &made);
		return cli_print_json(&b, e);
	}
	snapshot_frozen_text(&made, frozen);
	if (made.frozen)
		(void)printf("%s (instances that have it stood still for %s)\n", made.name.s,
			     frozen);
	else
		(void)puts(made.name.s);
	return 0;
}

static void add_row(struct table *t, const struct snapshot *s, uint64_t now_ms)
{
	char age[16] = "-", frozen[SNAPSHOT_FROZEN_MAX];

	if (now_ms > s->created_ms)
		clock_format_age(now_ms - s->created_ms, age, sizeof(age));
	snapshot_frozen_text(s, frozen);
	table_row(t, (const char *[]){ s->name.s, age, frozen });
}

static int run_list(struct cli *c, struct err *e)
{
	const struct snapshot_values *v = c->values;
	CLEANUP_SNAPSHOTS struct snapshots all = SNAPSHOTS_INIT;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct jail_name volume;
	struct json_out out;
	struct table table;
	int r = name_parse("volume", c->args.operands[0], &volume, e);

	if (r >= 0)
		r = volume_snapshots(c->jail, &volume, &all, e);
	if (r < 0)
		return r;
	json_out_init(&out, &b, true);
	json_out_array(&out, NULL);
	table_init(&table, 3);
	table_row(&table, (const char *[]){ "NAME", "AGE", "FROZEN" });
	for (size_t i = 0; i < all.n; i++) {
		const struct snapshot *s = &all.v[i];

		if (s->unfinished || s->name.s[0] == '\0')
			continue;
		if (v->json)
			to_json(&out, s);
		else if (v->quiet)
			(void)puts(s->name.s);
		else
			add_row(&table, s, clock_wall_ms());
	}
	json_out_array_end(&out);
	if (!v->json && !v->quiet)
		return cli_print_table(&table, false, e);
	table_free(&table);
	return v->json ? cli_print_json(&b, e) : 0;
}

static int run_rm(struct cli *c, struct err *e)
{
	return snapshots_rm(c, "volume", volume_snapshot_remove, e);
}

static int run_rollback(struct cli *c, struct err *e)
{
	struct jail_name volume, name;
	int r = name_parse("volume", c->args.operands[0], &volume, e);

	if (r >= 0)
		r = name_parse("snapshot", c->args.operands[1], &name, e);
	return r < 0 ? r : volume_rollback(c->jail, &volume, &name, e);
}

const struct verb verb_volume_snapshot_create = {
	.name = "volume snapshot create",
	.operands = "VOLUME [SNAPSHOT]",
	.help = "Keep the files of a volume as they are now",
	.options = create_options,
	.values_size = sizeof(struct snapshot_values),
	.min_operands = 1,
	.max_operands = 2,
	.flags = VERB_STATE,
	.run = run_create,
};

const struct verb verb_volume_snapshot_list = {
	.name = "volume snapshot list",
	.alias = "volume snapshot ls",
	.operands = "VOLUME",
	.help = "List the snapshots of a volume",
	.options = list_options,
	.values_size = sizeof(struct snapshot_values),
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_STATE,
	.run = run_list,
};

const struct verb verb_volume_snapshot_rm = {
	.name = "volume snapshot rm",
	.operands = "VOLUME SNAPSHOT...",
	.help = "Remove snapshots of a volume",
	.min_operands = 2,
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run_rm,
};

const struct verb verb_volume_rollback = {
	.name = "volume rollback",
	.operands = "VOLUME SNAPSHOT",
	.help = "Bring the files of a volume back to a snapshot",
	.min_operands = 2,
	.max_operands = 2,
	.flags = VERB_STATE,
	.run = run_rollback,
};
