/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail volume list */
#include "base/num.h"
#include "cmd/jail/verbs.h"
#include "runtime/volumes.h"

#define NAME_COLUMNS 24

struct list_values {
	bool json, quiet, wide;
};

static const struct option options[] = {
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct list_values, quiet),
	  .help = "only the names" },
	{ .name = "wide",
	  .letter = 'w',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct list_values, wide),
	  .help = "cut nothing to fit the terminal" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct list_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

static void add_row(struct cli *c, const struct volume *v, const struct volume_uses *u, bool wide,
		    struct table *t)
{
	char name[LIMIT_NAME_LEN + 1], tenant[LIMIT_NAME_LEN + 1], size[32] = "-", used[32] = "-";
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct instance_disk disk;

	volume_look(c->jail, v, &disk);
	if (v->limits.size_bytes)
		num_format_size_short(v->limits.size_bytes, size, sizeof(size));
	if (disk.has_usage)
		num_format_size_short(disk.usage.used_bytes, used, sizeof(used));
	cli_cut(v->name.s, wide ? LIMIT_NAME_LEN : NAME_COLUMNS, name);
	cli_cut(v->tenant.s[0] ? v->tenant.s : "-", wide ? LIMIT_NAME_LEN : NAME_COLUMNS, tenant);
	for (size_t i = 0; i < u->volumes.n; i++)
		if (str_eq(u->volumes.v[i], v->name.s))
			strbuf_addf(&b, "%s%s", b.len ? ", " : "", u->instances.v[i]);
	table_row(t, (const char *[]){ name, size, used, tenant, b.len ? strbuf_str(&b) : "-" });
}

static int run(struct cli *c, struct err *e)
{
	const struct list_values *v = c->values;
	CLEANUP_VOLUMES struct volumes all = { .n = 0 };
	CLEANUP_VOLUME_USES struct volume_uses uses = { { .n = 0 }, { .n = 0 } };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out out;
	struct table table;
	int r = volumes_read(c->jail, false, &all, e);

	if (r < 0)
		return r;
	if (v->json) {
		json_out_init(&out, &b, true);
		r = volumes_to_json(c->jail, all.v, all.n, &out, NULL, e);
		return r < 0 ? r : cli_print_json(&b, e);
	}
	if (v->quiet) {
		for (size_t i = 0; i < all.n; i++)
			(void)puts(all.v[i].name.s);
		return 0;
	}
	r = volume_uses(c->jail, false, &uses, e);
	if (r < 0)
		return r;
	table_init(&table, 5);
	table_row(&table, (const char *[]){ "NAME", "SIZE", "USED", "TENANT", "INSTANCES" });
	for (size_t i = 0; i < all.n; i++)
		add_row(c, &all.v[i], &uses, v->wide, &table);
	return cli_print_table(&table, v->wide, e);
}

const struct verb verb_volume_list = {
	.name = "volume list",
	.alias = "volume ls",
	.operands = "",
	.help = "List the volumes",
	.options = options,
	.values_size = sizeof(struct list_values),
	.flags = VERB_STATE,
	.run = run,
};
