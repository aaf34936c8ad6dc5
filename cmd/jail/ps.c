/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail ps: all instances, one on a line. */
#include "base/clock.h"
#include "cmd/jail/names.h"
#include "cmd/jail/verbs.h"

#include <arpa/inet.h>

#define NAME_COLUMNS 22

struct ps_values {
	bool json, quiet, running, wide;
};

static const struct option options[] = {
	{ .name = "running",
	  .letter = 'r',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct ps_values, running),
	  .help = "only those that run, are paused or restart" },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct ps_values, quiet),
	  .help = "only the names" },
	{ .name = "wide",
	  .letter = 'w',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct ps_values, wide),
	  .help = "cut nothing to fit the terminal" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct ps_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

struct ps_output {
	const struct ps_values *values;
	struct json_out out;
	struct table table;
	uint64_t now_ms;
};

/* The first address: IPv4 before IPv6. "-" when there is none. */
static void address_text(const struct instance_info *i, char ret[static INET6_ADDRSTRLEN])
{
	for (size_t n = 0; n < i->n_networks; n++) {
		const struct net_addresses *a = &i->networks[n].addresses;

		if (a->v4.s_addr && inet_ntop(AF_INET, &a->v4, ret, INET6_ADDRSTRLEN))
			return;
		if (!IN6_IS_ADDR_UNSPECIFIED(&a->v6) &&
		    inet_ntop(AF_INET6, &a->v6, ret, INET6_ADDRSTRLEN))
			return;
	}
	memcpy(ret, "-", 2);
}

static void print_row(struct ps_output *output, const struct instance_info *i)
{
	char name[LIMIT_NAME_LEN + 1], status[32], pid[16] = "-", age[16] = "-";
	char address[INET6_ADDRSTRLEN];
	bool alive = names_alive(i);

	cli_cut(i->name.s, output->values->wide ? LIMIT_NAME_LEN : NAME_COLUMNS, name);
	if (i->status == INSTANCE_STOPPED && i->last_exit.present)
		(void)str_format(status, sizeof(status), "stopped %d%s", i->last_exit.status,
				 instance_exit_is_oom(&i->last_exit) ? ", out of memory" : "");
	else
		(void)str_format(status, sizeof(status), "%s", instance_status_name(i->status));
	if (alive && i->pid > 0)
		(void)str_format(pid, sizeof(pid), "%d", i->pid);
	if (i->started_ms > 0 && output->now_ms > i->started_ms)
		clock_format_age(output->now_ms - i->started_ms, age, sizeof(age));
	address_text(i, address);
	table_row(&output->table, (const char *[]){ name, status, pid, address, age,
						    i->spec.has_image ? i->spec.image.s : "-" });
}

static int print_one(const struct instance_info *i, void *arg)
{
	struct ps_output *output = arg;

	if (output->values->running && !names_alive(i))
		return 0;
	if (output->values->json)
		instance_to_json(i, &output->out, NULL);
	else if (output->values->quiet)
		(void)puts(i->name.s);
	else
		print_row(output, i);
	return 0;
}

static int run(struct cli *c, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct ps_output output = { .values = c->values, .now_ms = clock_wall_ms() };
	int r;

	json_out_init(&output.out, &b, true);
	json_out_array(&output.out, NULL);
	table_init(&output.table, 6);
	table_row(&output.table,
		  (const char *[]){ "NAME", "STATUS", "PID", "ADDRESS", "UP", "IMAGE" });
	r = instance_each(c->jail, print_one, &output, e);
	json_out_array_end(&output.out);
	if (r >= 0 && output.values->json)
		r = cli_print_json(&b, e);
	if (r < 0 || output.values->json || output.values->quiet) {
		table_free(&output.table);
		return r < 0 ? r : 0;
	}
	return cli_print_table(&output.table, output.values->wide, e);
}

const struct verb verb_ps = {
	.name = "ps",
	.alias = "list",
	.operands = "",
	.help = "List the instances",
	.options = options,
	.values_size = sizeof(struct ps_values),
	.flags = VERB_STATE,
	.run = run,
};
