/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail network check: what the networks need of this host. Exit status 0 when nothing that they
 * can't do without is missing. */
#include "cmd/jail/network.h"
#include "cmd/jail/verbs.h"
#include "netsetup/netcheck.h"

#define NAME_COLUMNS 18
#define DETAIL_COLUMN 28

struct check_values {
	bool json;
};

static const struct option options[] = {
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct check_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

struct check_output {
	bool json;
	struct json_out out;
};

static const char *verdict_text(enum netcheck_verdict v, bool json)
{
	switch (v) {
	case NETCHECK_OK:
		return "ok";
	case NETCHECK_WARNING:
		return "warning";
	case NETCHECK_MISSING:
		return json ? "missing" : "MISSING";
	}
	return "?";
}

static void print_one(const struct netcheck_result *r, void *arg)
{
	struct check_output *output = arg;

	if (output->json) {
		json_out_object(&output->out, NULL);
		json_out_str(&output->out, "name", r->name);
		json_out_str(&output->out, "verdict", verdict_text(r->verdict, true));
		json_out_str(&output->out, "detail", r->detail);
		json_out_object_end(&output->out);
		return;
	}
	(void)printf("%-*s%-*s", NAME_COLUMNS, r->name, DETAIL_COLUMN - NAME_COLUMNS,
		     verdict_text(r->verdict, false));
	cli_print_rest(r->detail, DETAIL_COLUMN);
}

static int run(struct cli *c, struct err *e)
{
	const struct check_values *v = c->values;
	CLEANUP_FREE struct net_network *networks = NULL;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct check_output output = { .json = v->json };
	int missing, r;
	size_t n = 0;

	r = networks_read(c->jail, &networks, &n, e);
	if (r < 0)
		return r;
	json_out_init(&output.out, &b, true);
	json_out_object(&output.out, NULL);
	json_out_array(&output.out, "checks");
	missing = netcheck(networks, n, print_one, &output, e);
	if (missing < 0)
		return missing;
	json_out_array_end(&output.out);
	json_out_bool(&output.out, "usable", missing == 0);
	json_out_object_end(&output.out);
	if (v->json)
		r = cli_print_json(&b, e);
	else
		(void)printf("\n%s\n", missing ? "Instances have no network here: see MISSING."
					       : "The networks have what they need.");
	if (r < 0)
		return r;
	return missing ? EXIT_FAILED : 0;
}

const struct verb verb_network_check = {
	.name = "network check",
	.operands = "",
	.help = "Say what networks need here, and what stands in their way",
	.options = options,
	.values_size = sizeof(struct check_values),
	.flags = VERB_STATE,
	.run = run,
};
