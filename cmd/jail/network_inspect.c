/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail network inspect */
#include "cmd/jail/names.h"
#include "cmd/jail/network.h"

#include <arpa/inet.h>
#include <inttypes.h>

#include "cmd/jail/verbs.h"

struct inspect_values {
	bool json;
};

static const struct option options[] = {
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct inspect_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

/* What is not given has no line. */
static void field(const char *title, const char *text)
{
	if (text[0])
		cli_print_field(title, text);
}

static int print_text(struct cli *c, const struct net_network *n, struct err *e)
{
	CLEANUP_STRBUF struct strbuf subnets = STRBUF_INIT, flags = STRBUF_INIT, use = STRBUF_INIT;
	CLEANUP_STRV struct strv users = { .v = NULL };
	char text[INET6_ADDRSTRLEN];
	int r;

	network_subnets_text(n, &subnets);
	network_flags_text(n, &flags);
	network_use_text(c->jail, n, &use);
	field("network", n->name.s);
	field("mode", network_mode_text(n->mode));
	field("tenant", n->tenant);
	field("interface", n->interface);
	field("uplink", n->uplink);
	field("subnets", strbuf_str(&subnets));
	if (n->gateway4.s_addr)
		field("gateway", inet_ntop(AF_INET, &n->gateway4, text, sizeof(text)));
	if (!IN6_IS_ADDR_UNSPECIFIED(&n->gateway6))
		field("gateway", inet_ntop(AF_INET6, &n->gateway6, text, sizeof(text)));
	if (n->mtu)
		(void)printf("%-*s%u\n", CLI_FIELD_COLUMNS, "mtu", n->mtu);
	field("flags", strbuf_str(&flags));
	field("addresses", strbuf_str(&use));
	r = network_users(c->jail, &n->name, &users, e);
	for (size_t i = 0; i < users.n; i++)
		field("used by", users.v[i]);
	return r;
}

struct found {
	struct net_network *v; /* room for all */
	size_t n;
	bool json;
};

static int inspect_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	struct found *f = arg;
	int r = network_read(c->jail, name, &f->v[f->n], e);

	if (r >= 0 && !f->json)
		r = print_text(c, &f->v[f->n], e);
	f->n += r >= 0;
	return r;
}

static int run(struct cli *c, struct err *e)
{
	const struct inspect_values *v = c->values;
	CLEANUP_FREE struct net_network *networks = calloc(c->args.n_operands, sizeof(*networks));
	struct found found = { .v = networks, .json = v->json };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out out;
	int status, r;

	if (!networks)
		return err_nomem(e);
	status = names_operands(c, "network", 0, inspect_one, &found);
	if (!v->json)
		return status;
	json_out_init(&out, &b, true);
	r = networks_to_json(c->jail, found.v, found.n, &out, NULL, e);
	if (r >= 0)
		r = cli_print_json(&b, e);
	return r < 0 ? r : status;
}

const struct verb verb_network_inspect = {
	.name = "network inspect",
	.operands = "NETWORK...",
	.help = "Show all that is known about networks",
	.options = options,
	.values_size = sizeof(struct inspect_values),
	.min_operands = 1,
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
