/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a network may be: the notation of each value, and what only the whole tells. Nothing here
 * looks at the host.
 */
#include <arpa/inet.h>

#include "runtime/networks_priv.h"

#define PREFIX4_MIN 8
#define PREFIX4_MAX 30 /* one address besides the gateway's */
#define PREFIX6_MIN 48
#define PREFIX6_MAX 120
#define MTU_MIN 576 /* what IPv4 wants; RFC 791 */
#define MTU_MIN6 1280 /* RFC 8200, 5 */
#define MTU_MAX 65535

static const char *const mode_names[] = {
	[NET_BRIDGE] = "bridge",
	[NET_ROUTED] = "routed",
	[NET_MACVLAN] = "macvlan",
	NULL,
};
const struct decode_words network_mode_words = { mode_names, NULL };

/* Nobody's to give: what they mean is laid down. */
static const struct {
	const char *subnet, *what;
} reserved[] = {
	{ "0.0.0.0/8", "no addresses of hosts" },
	{ "127.0.0.0/8", "loopback addresses" },
	{ "169.254.0.0/16", "link-local addresses" },
	{ "224.0.0.0/4", "multicast addresses" },
	{ "240.0.0.0/4", "reserved addresses" },
	{ "::/8", "reserved addresses" }, /* also ::1, ::ffff:0:0/96 */
	{ "fe80::/10", "link-local addresses" },
	{ "ff00::/8", "multicast addresses" },
};

int network_check_interface(const char *text, struct err *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-.";
	size_t n = strlen(text);

	if (n >= 1 && n <= NETWORK_INTERFACE_LEN && strspn(text, allowed) == n &&
	    !strchr("-.", text[0]))
		return 0;
	return err_set(e, EINVAL,
		       "\"%.40s\": an interface name is 1 to 15 letters, digits, '_', '-' and '.'",
		       text);
}

static int check_prefix(const char *text, const struct net_subnet *s, struct err *e)
{
	unsigned min = s->family == AF_INET ? PREFIX4_MIN : PREFIX6_MIN;
	unsigned max = s->family == AF_INET ? PREFIX4_MAX : PREFIX6_MAX;

	if (s->prefix >= min && s->prefix <= max)
		return 0;
	return err_set(e, EINVAL, "\"%.64s\": expected a prefix from %u to %u", text, min, max);
}

static int check_reserved(const char *text, const struct net_subnet *s, struct err *e)
{
	struct err never = ERR_INIT;
	struct net_subnet r;

	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (net_subnet_parse(reserved[i].subnet, &r, &never) == 0 &&
		    net_subnets_overlap(s, &r))
			return err_set(e, EINVAL, "\"%.64s\": there are %s in it (%s)", text,
				       reserved[i].what, reserved[i].subnet);
	return 0;
}

int network_set_subnet(struct net_network *n, const char *text, struct err *e)
{
	struct net_subnet s;
	int r = net_subnet_parse(text, &s, e);

	if (r >= 0)
		r = check_prefix(text, &s, e);
	if (r >= 0)
		r = check_reserved(text, &s, e);
	if (r < 0)
		return r;
	if (s.family == AF_INET) {
		n->subnet4 = s.address.v4;
		n->prefix4 = s.prefix;
	} else {
		n->subnet6 = s.address.v6;
		n->prefix6 = s.prefix;
	}
	return 0;
}

int network_set_gateway(struct net_network *n, const char *text, struct err *e)
{
	bool six = strchr(text, ':') != NULL;

	if (inet_pton(six ? AF_INET6 : AF_INET, text, six ? (void *)&n->gateway6 : &n->gateway4) !=
	    1)
		return err_set(e, EINVAL, "\"%.64s\": not an address", text);
	return 0;
}

static int refuse_gateway(int family, const void *gateway, const struct net_subnet *s,
			  struct err *e)
{
	char text[INET6_ADDRSTRLEN] = "", subnet[NET_SUBNET_TEXT_MAX];

	(void)inet_ntop(family, gateway, text, sizeof(text));
	if (!s)
		return err_set(e, EINVAL, "gateway %s: there is no IPv%d subnet", text,
			       family == AF_INET ? 4 : 6);
	net_subnet_format(s, subnet);
	return err_set(e, EINVAL, "gateway %s: not a host's address in %s", text, subnet);
}

static int judge_gateway4(struct net_network *n, struct err *e)
{
	uint32_t subnet = ntohl(n->subnet4.s_addr), gateway = ntohl(n->gateway4.s_addr), mask;
	struct net_subnet s;

	if (!net_subnet_of(n, AF_INET, &s))
		return gateway ? refuse_gateway(AF_INET, &n->gateway4, NULL, e) : 0;
	if (!gateway && n->mode == NET_MACVLAN)
		return 0;
	if (!gateway)
		gateway = subnet + 1;
	mask = ~(uint32_t)((UINT64_C(1) << (32 - n->prefix4)) - 1);
	if ((gateway & mask) != subnet || gateway == subnet || gateway == (subnet | ~mask))
		return refuse_gateway(AF_INET, &n->gateway4, &s, e);
	n->gateway4.s_addr = htonl(gateway);
	return 0;
}

static int judge_gateway6(struct net_network *n, struct err *e)
{
	bool given = !IN6_IS_ADDR_UNSPECIFIED(&n->gateway6);
	struct net_subnet s, host = { .family = AF_INET6, .prefix = 128 };

	if (!net_subnet_of(n, AF_INET6, &s))
		return given ? refuse_gateway(AF_INET6, &n->gateway6, NULL, e) : 0;
	if (!given && n->mode == NET_MACVLAN)
		return 0;
	if (!given) {
		n->gateway6 = n->subnet6;
		n->gateway6.s6_addr[15] |= 1;
	}
	host.address.v6 = n->gateway6;
	if (!net_subnets_overlap(&s, &host) || IN6_ARE_ADDR_EQUAL(&n->gateway6, &n->subnet6))
		return refuse_gateway(AF_INET6, &n->gateway6, &s, e);
	return 0;
}

static int judge_mtu(const struct net_network *n, struct err *e)
{
	unsigned min = n->prefix6 ? MTU_MIN6 : MTU_MIN;

	if (n->mtu == 0 || (n->mtu >= min && n->mtu <= MTU_MAX))
		return 0;
	return err_set(e, ERANGE, "mtu %u: expected %u to %u%s", n->mtu, min, MTU_MAX,
		       n->prefix6 && n->mtu < min ? ", because the network has IPv6" : "");
}

static int judge_mode(const struct net_network *n, struct err *e)
{
	if (str_eq(n->uplink, "lo"))
		return err_set(e, EINVAL, "uplink lo: leads nowhere");
	if (n->mode != NET_MACVLAN) {
		if (n->internal && n->uplink[0])
			return err_set(e, EINVAL,
				       "an internal network has no way out, so it has no uplink");
		return 0;
	}
	if (!n->uplink[0])
		return err_set(e, EINVAL, "mode macvlan needs an uplink");
	if (n->internal || n->isolated)
		return err_set(e, EINVAL,
			       "mode macvlan can't be %s: the host does not see its packets",
			       n->internal ? "internal" : "isolated");
	return 0;
}

int network_judge(struct net_network *n, struct err *e)
{
	int r = judge_mode(n, e);

	if (r < 0)
		return r;
	if (!n->prefix4 && !n->prefix6)
		return err_set(e, EINVAL, "no subnet of either family");
	if ((r = judge_gateway4(n, e)) < 0 || (r = judge_gateway6(n, e)) < 0 ||
	    (r = judge_mtu(n, e)) < 0)
		return r;
	/* Without a way out, or out of the host's sight, there is nothing to translate. */
	if (n->internal || n->mode == NET_MACVLAN)
		n->nat = false;
	return 0;
}
