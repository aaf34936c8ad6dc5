/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail network list */
#include "cmd/jail/network.h"
#include "cmd/jail/verbs.h"

#define NAME_COLUMNS 20

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

static void add_row(struct cli *c, const struct net_network *n, bool wide, struct table *t)
{
	CLEANUP_STRBUF struct strbuf subnets = STRBUF_INIT, flags = STRBUF_INIT, use = STRBUF_INIT;
	char name[LIMIT_NAME_LEN + 1], tenant[LIMIT_NAME_LEN + 1];

	cli_cut(n->name.s, wide ? LIMIT_NAME_LEN : NAME_COLUMNS, name);
	cli_cut(n->tenant[0] ? n->tenant : "-", wide ? LIMIT_NAME_LEN : NAME_COLUMNS, tenant);
	network_subnets_text(n, &subnets);
	network_flags_text(n, &flags);
	network_use_text(c->jail, n, &use);
	table_row(t, (const char *[]){ name, network_mode_text(n->mode), strbuf_str(&subnets),
				       strbuf_str(&use), tenant,
				       flags.len ? strbuf_str(&flags) : "-" });
}

static int run(struct cli *c, struct err *e)
{
	const struct list_values *v = c->values;
	CLEANUP_FREE struct net_network *networks = NULL;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out out;
	struct table table;
	size_t n = 0;
	int r = networks_read(c->jail, &networks, &n, e);

	if (r < 0)
		return r;
	if (v->json) {
		json_out_init(&out, &b, true);
		r = networks_to_json(c->jail, networks, n, &out, NULL, e);
		return r < 0 ? r : cli_print_json(&b, e);
	}
	if (v->quiet) {
		for (size_t i = 0; i < n; i++)
			(void)puts(networks[i].name.s);
		return 0;
	}
	table_init(&table, 6);
	table_row(&table, (const char *[]){ "NAME", "MODE", "SUBNETS", "USE", "TENANT", "FLAGS" });
	for (size_t i = 0; i < n; i++)
		add_row(c, &networks[i], v->wide, &table);
	return cli_print_table(&table, v->wide, e);
}

const struct verb verb_network_list = {
	.name = "network list",
	.alias = "network ls",
	.operands = "",
	.help = "List the networks",
	.options = options,
	.values_size = sizeof(struct list_values),
	.flags = VERB_STATE,
	.run = run,
};
