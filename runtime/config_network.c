/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The default network. Its IPv6 subnet is, unless something else is said, one of the host's own
 * (networks_choose.c), which is in the state tree and so not known here.
 */
#include "runtime/config_priv.h"
#include "runtime/networks_priv.h"

static int decode_bridge(const struct decoder *d, const struct json *node, void *base,
			 const struct decode_field *f, struct err *e)
{
	struct jail_config *c = base;
	int r = decode_type(d, node, JSON_STRING, e);

	(void)f;
	if (r < 0)
		return r;
	if (network_check_interface(node->text, e) < 0)
		return decode_wrap(d, node, e);
	memcpy(c->network.interface, node->text, node->len + 1);
	return 0;
}

/* A subnet takes the place of the default one; "none" takes it away. */
static int decode_subnet4(const struct decoder *d, const struct json *node, void *base,
			  const struct decode_field *f, struct err *e)
{
	struct jail_config *c = base;

	if (node->type != JSON_STRING || !str_eq(node->text, "none"))
		return network_decode_subnet4(d, node, base, f, e);
	c->network.subnet4.s_addr = 0;
	c->network.prefix4 = 0;
	return 0;
}

static int decode_subnet6(const struct decoder *d, const struct json *node, void *base,
			  const struct decode_field *f, struct err *e)
{
	struct jail_config *c = base;

	c->network_auto6 = node->type == JSON_STRING && str_eq(node->text, "auto");
	if (c->network_auto6 || (node->type == JSON_STRING && str_eq(node->text, "none")))
		return 0;
	return network_decode_subnet6(d, node, base, f, e);
}

/* Its members are those of every instance that says nothing, on whatever interface that needs. */
static const char *const modes[] = {
	[NET_BRIDGE] = "bridge",
	[NET_ROUTED] = "routed",
	NULL,
};
static const struct decode_words mode_words = { modes, NULL };

static const struct decode_field fields[] = {
	{ .key = "bridge", .decode = decode_bridge },
	{ .key = "mode",
	  .decode = decode_word,
	  .offset = CONFIG(network.mode),
	  .words = &mode_words },
	{ .key = "subnet", .decode = decode_subnet4, .offset = CONFIG(network) },
	{ .key = "gateway", .decode = network_decode_gateway4, .offset = CONFIG(network) },
	{ .key = "subnet6", .decode = decode_subnet6, .offset = CONFIG(network) },
	{ .key = "gateway6", .decode = network_decode_gateway6, .offset = CONFIG(network) },
	{ .key = "uplink", .decode = network_decode_uplink, .offset = CONFIG(network) },
	{ .key = "mtu", .decode = network_decode_mtu, .offset = CONFIG(network) },
	{ .key = "isolated", .decode = decode_bool, .offset = CONFIG(network.isolated) },
	{ .key = "nat", .decode = decode_bool, .offset = CONFIG(network.nat) },
};
const struct decode_table config_network_table = { .fields = fields, .n = ARRAY_SIZE(fields) };

void config_network_defaults(struct jail_config *c)
{
	c->network = (struct net_network){
		.name = { NETWORK_DEFAULT },
		.interface = "jail0",
		.subnet4.s_addr = htonl(0x0a580000), /* 10.88.0.0 */
		.prefix4 = 16,
		.isolated = true,
		.nat = true,
	};
	c->network_auto6 = true;
}

int config_network_judge(struct jail_config *c, struct err *e)
{
	/* With a subnet that stands for the one to come. */
	struct net_network like = c->network;
	int r;

	if (str_eq(c->network.interface, c->network.uplink))
		return err_set(e, EINVAL, "network: bridge and uplink are one interface");
	if (!c->network_auto6) {
		r = network_judge(&c->network, e);
		return r < 0 ? err_wrap(e, "network") : 0;
	}
	if (!IN6_IS_ADDR_UNSPECIFIED(&c->network.gateway6)) {
		(void)err_set(e, EINVAL, "network: gateway6 needs a subnet6 that is not \"auto\"");
		return err_hint(e, "the gateway of \"auto\" is its first address");
	}
	network_set_ula(&like, &(const struct in6_addr){ .s6_addr = { 0xfd } }, 0);
	r = network_judge(&like, e);
	if (r < 0)
		return err_wrap(e, "network");
	c->network.gateway4 = like.gateway4;
	return 0;
}
