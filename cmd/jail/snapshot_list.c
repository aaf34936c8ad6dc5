/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail snapshot list */
#include "base/clock.h"
#include "cmd/jail/snapshot.h"
#include "cmd/jail/verbs.h"

struct list_values {
	bool json, quiet;
};

static const struct option options[] = {
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct list_values, quiet),
	  .help = "only the names" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct list_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

static void add_row(struct table *t, const struct snapshot_view *v, uint64_t now_ms)
{
	char age[16] = "-", frozen[SNAPSHOT_FROZEN_MAX];

	if (now_ms > v->s->created_ms)
		clock_format_age(now_ms - v->s->created_ms, age, sizeof(age));
	snapshot_frozen_text(v->s, frozen);
	table_row(t, (const char *[]){ v->s->name.s, age, v->current ? "yes" : "-",
				       v->parent ? v->parent->name.s : "-", frozen });
}

static int run(struct cli *c, struct err *e)
{
	const struct list_values *v = c->values;
	CLEANUP_SNAPSHOTS struct snapshots all = SNAPSHOTS_INIT;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct jail_name instance;
	struct json_out out;
	struct table table;
	int r = name_parse("instance", c->args.operands[0], &instance, e);

	if (r >= 0)
		r = instance_snapshots(c->jail, &instance, &all, e);
	if (r < 0)
		return r;
	json_out_init(&out, &b, true);
	json_out_array(&out, NULL);
	table_init(&table, 5);
	table_row(&table, (const char *[]){ "NAME", "AGE", "CURRENT", "PARENT", "FROZEN" });
	for (size_t i = 0; i < all.n; i++) {
		const struct snapshot *s = &all.v[i];
		const struct snapshot_view view = {
			.s = s,
			.parent = snapshots_named(&all, &s->parent),
			.current = snapshots_named(&all, &all.head) == s,
		};

		if (s->unfinished || s->name.s[0] == '\0')
			continue;
		if (v->json)
			snapshot_to_json(&out, &view);
		else if (v->quiet)
			(void)puts(s->name.s);
		else
			add_row(&table, &view, clock_wall_ms());
	}
	json_out_array_end(&out);
	if (!v->json && !v->quiet)
		return cli_print_table(&table, false, e);
	table_free(&table);
	return v->json ? cli_print_json(&b, e) : 0;
}

const struct verb verb_snapshot_list = {
	.name = "snapshot list",
	.alias = "snapshot ls",
	.operands = "NAME",
	.help = "List the snapshots of an instance",
	.options = options,
	.values_size = sizeof(struct list_values),
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_STATE,
	.run = run,
};
