/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail network create */
#include "cmd/jail/network.h"
#include "cmd/jail/verbs.h"

struct create_values {
	const char *mode, *uplink, *tenant;
	struct option_list subnets, gateways;
	uint64_t mtu;
	bool no_ipv4, no_ipv6, internal, isolated, no_nat, json, quiet;
};

static const struct option options[] = {
	{ .name = "mode",
	  .letter = 'm',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct create_values, mode),
	  .value = "MODE",
	  .help = "bridge (default), routed or macvlan" },
	{ .name = "subnet",
	  .letter = 's',
	  .type = OPTION_LIST,
	  .offset = offsetof(struct create_values, subnets),
	  .value = "SUBNET",
	  .help = "of either family; default: free ones" },
	{ .name = "gateway",
	  .type = OPTION_LIST,
	  .offset = offsetof(struct create_values, gateways),
	  .value = "ADDRESS",
	  .help = "default: the first of the subnet" },
	{ .name = "no-ipv4",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct create_values, no_ipv4),
	  .help = "IPv6 only" },
	{ .name = "no-ipv6",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct create_values, no_ipv6),
	  .help = "IPv4 only" },
	{ .name = "uplink",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct create_values, uplink),
	  .value = "INTERFACE",
	  .help = "the only way out; macvlan: its parent" },
	{ .name = "mtu",
	  .type = OPTION_U64,
	  .offset = offsetof(struct create_values, mtu),
	  .value = "BYTES",
	  .help = "default: the kernel's" },
	{ .name = "internal",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct create_values, internal),
	  .help = "no way out of the host" },
	{ .name = "isolated",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct create_values, isolated),
	  .help = "instances do not reach each other" },
	{ .name = "no-nat",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct create_values, no_nat),
	  .help = "go out with their own addresses" },
	{ .name = "tenant",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct create_values, tenant),
	  .value = "NAME",
	  .help = "whose it is" },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct create_values, quiet),
	  .help = "print nothing but errors" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct create_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

static int add(const char *list[static 2], const char *text, const char *what, struct err *e)
{
	for (size_t i = 0; i < 2; i++) {
		if (list[i])
			continue;
		list[i] = text;
		return 0;
	}
	return err_set(e, EINVAL, "more than one %s of a family", what);
}

static int fill(const struct create_values *v, struct network_options *o, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < v->subnets.n && r >= 0; i++) {
		/* A word of the engine's, not of the user's. */
		if (str_starts(v->subnets.v[i], "none"))
			return err_set(e, EINVAL, "--subnet %s: expected ADDRESS/PREFIX",
				       v->subnets.v[i]);
		r = add(o->subnets, v->subnets.v[i], "--subnet", e);
	}
	if (r >= 0 && v->no_ipv4)
		r = add(o->subnets, "none4", "--subnet or --no-ipv4", e);
	if (r >= 0 && v->no_ipv6)
		r = add(o->subnets, "none6", "--subnet or --no-ipv6", e);
	for (size_t i = 0; i < v->gateways.n && r >= 0; i++)
		r = add(o->gateways, v->gateways.v[i], "--gateway", e);
	if (r >= 0 && v->mtu > UINT16_MAX)
		r = err_set(e, ERANGE, "--mtu: at most %d", UINT16_MAX);
	return r;
}

static int run(struct cli *c, struct err *e)
{
	const struct create_values *v = c->values;
	struct network_options o = {
		.mode = v->mode,
		.uplink = v->uplink,
		.tenant = v->tenant,
		.mtu = v->mtu > UINT16_MAX ? 0 : (unsigned)v->mtu,
		.internal = v->internal,
		.isolated = v->isolated,
		.no_nat = v->no_nat,
	};
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT, subnets = STRBUF_INIT;
	struct net_network made;
	struct json_out out;
	struct jail_name name;
	int r = name_parse("network", c->args.operands[0], &name, e);

	if (r >= 0)
		r = fill(v, &o, e);
	if (r >= 0)
		r = network_create(c->jail, &name, &o, &made, e);
	if (r < 0)
		return r;
	json_out_init(&out, &b, true);
	if (v->json) {
		r = networks_to_json(c->jail, &made, 1, &out, NULL, e);
		return r < 0 ? r : cli_print_json(&b, e);
	}
	network_subnets_text(&made, &subnets);
	if (!v->quiet)
		(void)printf("%s: %s\n", made.name.s, strbuf_str(&subnets));
	return 0;
}

const struct verb verb_network_create = {
	.name = "network create",
	.operands = "NAME",
	.help = "Make a network that instances can be on",
	.options = options,
	.values_size = sizeof(struct create_values),
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_STATE,
	.run = run,
};
