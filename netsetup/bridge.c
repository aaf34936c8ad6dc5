/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interface of a network: a bridge, which in mode `routed` has no ports and carries the
 * gateway's addresses only. It is brought up last, so "up, with the gateway's addresses" is the
 * mark of one that is complete, and one query without a dump tells it. Its MAC address is set, else
 * it would change with the lowest of the ports'; multicast snooping is off, because no port may
 * send to another anyway.
 */
#include "netsetup/link_priv.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>

#include "netsetup/route_priv.h"

#define BRIDGE_BATCH_SIZE 2048
#define BRIDGE_DUMPS 4

static bool bridge_exists(int result)
{
	return result == -EEXIST;
}

int bridge_create(struct nl *nl, const struct net_network *n, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch batch = NL_BATCH_INIT;
	uint8_t mac[LINK_MAC_LEN];
	size_t info, data;

	link_mac_of("bridge", n->interface, mac);
	nl_batch_reserve(&batch, BRIDGE_BATCH_SIZE);
	(void)nl_begin(&batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
		       sizeof(struct ifinfomsg), "create bridge");
	nl_allow(&batch, bridge_exists); /* another start was faster */
	link_put_common(&batch, n->interface, mac, n->mtu);
	nl_put_u32(&batch, IFLA_GROUP, NET_GROUP);
	info = nl_nest(&batch, IFLA_LINKINFO);
	nl_put_str(&batch, IFLA_INFO_KIND, "bridge");
	data = nl_nest(&batch, IFLA_INFO_DATA);
	nl_put_u8(&batch, IFLA_BR_MCAST_SNOOPING, 0);
	nl_nest_end(&batch, data);
	nl_nest_end(&batch, info);
	return nl_run(nl, &batch, NULL, NULL, e);
}

void bridge_put_identity(struct nl_batch *b, unsigned index, const char *alias, unsigned mtu)
{
	struct ifinfomsg *ifi;

	ifi = nl_begin(b, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi), "set up bridge");
	ifi->ifi_index = (int)index;
	nl_put_u32(b, IFLA_GROUP, NET_GROUP);
	nl_put_str(b, IFLA_IFALIAS, alias);
	if (mtu)
		nl_put_u32(b, IFLA_MTU, mtu);
}

int bridge_up(struct nl *nl, const struct net_network *n, unsigned index, bool inet6, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch batch = NL_BATCH_INIT;
	char alias[LINK_ALIAS_MAX];

	(void)snprintf(alias, sizeof(alias), LINK_NETWORK_PREFIX "%s", n->name.s);
	nl_batch_reserve(&batch, BRIDGE_BATCH_SIZE);
	bridge_put_identity(&batch, index, alias, n->mtu);
	link_put_no_address(&batch, index);
	if (net_has4(n))
		route_put_address(&batch, index, AF_INET, &n->gateway4, n->prefix4, true);
	if (net_has6(n) && inet6) {
		route_put_address(&batch, index, AF_INET6, &n->gateway6, n->prefix6, true);
		route_put_address(&batch, index, AF_INET6, &route_gateway_link_local, 64, true);
	}
	link_put_up(&batch, index, "bring bridge up");
	if (net_has6(n) && inet6)
		route_put_local6(&batch, index, &n->gateway6);
	return nl_run(nl, &batch, NULL, NULL, e);
}

/* ---- asking ---- */

static int bridge_route_attribute(const struct nlattr *attr, void *arg)
{
	struct bridge_route *route = arg;

	if (mnl_attr_get_type(attr) == RTA_OIF)
		route->index = nl_u32(attr);
	return MNL_CB_OK;
}

static int bridge_netconf_attribute(const struct nlattr *attr, void *arg)
{
	bool *forwarding = arg;

	if (mnl_attr_get_type(attr) == NETCONFA_FORWARDING)
		*forwarding = nl_u32(attr) != 0;
	return MNL_CB_OK;
}

struct bridge_answer {
	struct bridge_state *state;
	unsigned addresses6; /* of those that were asked for */
	bool local4;
};

static int bridge_take_route(const struct nlmsghdr *nlh, struct bridge_answer *a)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(nlh);
	struct bridge_route *route;

	route = rt->rtm_family == AF_INET ? &a->state->route4 : &a->state->route6;
	route->prefix = rt->rtm_dst_len;
	if (rt->rtm_family == AF_INET)
		a->local4 = rt->rtm_type == RTN_LOCAL;
	(void)mnl_attr_parse(nlh, sizeof(*rt), bridge_route_attribute, route);
	return 0;
}

static int bridge_take(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	const struct netconfmsg *conf = mnl_nlmsg_get_payload(nlh);
	struct bridge_answer *a = arg;

	(void)index;
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
		link_take_state(nlh, &a->state->link);
		return 0;
	case RTM_NEWROUTE:
		return bridge_take_route(nlh, a);
	case RTM_NEWADDR:
		a->addresses6++;
		return 0;
	case RTM_NEWNETCONF:
		(void)mnl_attr_parse(nlh, sizeof(*conf), bridge_netconf_attribute,
				     conf->ncm_family == AF_INET ? &a->state->forwarding4
								 : &a->state->forwarding6);
		return 0;
	default:
		return 0;
	}
}

static bool bridge_no_route(int result)
{
	return result == -ENETUNREACH || result == -EHOSTUNREACH || link_no_family(result);
}

static void bridge_put_family(struct nl_batch *b, uint8_t family, const void *gateway, size_t n)
{
	struct netconfmsg *conf;
	struct rtmsg *rt;

	rt = nl_begin(b, RTM_GETROUTE, NLM_F_ACK, sizeof(*rt), "look up route");
	nl_allow(b, bridge_no_route);
	rt->rtm_family = family;
	rt->rtm_dst_len = (uint8_t)(8 * n);
	rt->rtm_flags = RTM_F_FIB_MATCH;
	nl_put(b, RTA_DST, gateway, n);
	conf = nl_begin(b, RTM_GETNETCONF, NLM_F_ACK, sizeof(*conf), "look up forwarding");
	nl_allow(b, link_no_family);
	conf->ncm_family = family;
	nl_put_u32(b, NETCONFA_IFINDEX, (uint32_t)NETCONFA_IFINDEX_ALL);
}

static void bridge_put_address_query(struct nl_batch *b, unsigned index,
				     const struct in6_addr *address)
{
	struct ifaddrmsg *ifa;

	ifa = nl_begin(b, RTM_GETADDR, NLM_F_ACK, sizeof(*ifa), "look up IPv6 address");
	nl_allow(b, link_is_missing);
	ifa->ifa_family = AF_INET6;
	ifa->ifa_index = index;
	nl_put(b, IFA_ADDRESS, address, sizeof(*address));
}

int bridge_query(struct nl *nl, const struct net_network *n, struct bridge_state *ret,
		 struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch batch = NL_BATCH_INIT;
	struct bridge_state state = { .forwarding4 = false };
	struct bridge_answer answer = { .state = &state };
	unsigned index = link_index(nl, n->interface);
	int r;

	nl_batch_reserve(&batch, BRIDGE_BATCH_SIZE);
	link_put_query(&batch, n->interface, 0);
	if (net_has4(n))
		bridge_put_family(&batch, AF_INET, &n->gateway4, sizeof(n->gateway4));
	if (net_has6(n))
		bridge_put_family(&batch, AF_INET6, &n->gateway6, sizeof(n->gateway6));
	if (net_has6(n) && index != 0) {
		bridge_put_address_query(&batch, index, &n->gateway6);
		/* Without ports nobody needs it; and all host ends of routed instances have it. */
		if (n->mode != NET_ROUTED)
			bridge_put_address_query(&batch, index, &route_gateway_link_local);
	}
	r = nl_run(nl, &batch, bridge_take, &answer, e);
	if (r < 0)
		return r;
	state.gateway4 = answer.local4 && state.route4.index == state.link.index;
	state.gateway6 = answer.addresses6 == (n->mode == NET_ROUTED ? 1 : 2);
	*ret = state;
	return 0;
}

/* ---- who uses it ---- */

struct bridge_users {
	const struct net_network *network;
	unsigned index, n;
};

static int bridge_count_port(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	struct bridge_users *users = arg;

	(void)index;
	if (nlh->nlmsg_type == RTM_NEWLINK)
		users->n++;
	return 0;
}

static bool bridge_in_subnet(const void *address, const void *subnet, unsigned prefix)
{
	const uint8_t *a = address, *b = subnet;
	unsigned whole = prefix / 8, rest = prefix % 8;

	return memcmp(a, b, whole) == 0 &&
	       (rest == 0 || ((a[whole] ^ b[whole]) & (0xff00u >> rest) & 0xff) == 0);
}

struct bridge_destination {
	const void *to;
	size_t length;
	unsigned index;
};

static int bridge_destination_attribute(const struct nlattr *attr, void *arg)
{
	struct bridge_destination *d = arg;

	if (mnl_attr_get_type(attr) == RTA_DST) {
		d->to = mnl_attr_get_payload(attr);
		d->length = mnl_attr_get_payload_len(attr);
	}
	if (mnl_attr_get_type(attr) == RTA_OIF)
		d->index = nl_u32(attr);
	return MNL_CB_OK;
}

/* An instance's: to a single address of the network, by an interface of its own. */
static int bridge_count_route(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(nlh);
	struct bridge_users *users = arg;
	const struct net_network *n = users->network;
	struct bridge_destination d = { .to = NULL };
	bool four = rt->rtm_family == AF_INET;

	(void)index;
	if (nlh->nlmsg_type != RTM_NEWROUTE || rt->rtm_dst_len != (four ? 32 : 128) ||
	    rt->rtm_type != RTN_UNICAST)
		return 0;
	(void)mnl_attr_parse(nlh, sizeof(*rt), bridge_destination_attribute, &d);
	if (!d.to || d.length != (four ? 4 : 16) || d.index == users->index)
		return 0;
	if (four ? net_has4(n) && bridge_in_subnet(d.to, &n->subnet4, n->prefix4)
		 : net_has6(n) && bridge_in_subnet(d.to, &n->subnet6, n->prefix6))
		users->n++;
	return 0;
}

static void bridge_put_dump(struct nl_batch *b, unsigned index, int family)
{
	struct rtmsg *rt;

	if (family == AF_UNSPEC) {
		(void)nl_begin(b, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg),
			       "list ports of bridge");
		nl_put_u32(b, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
		nl_put_u32(b, IFLA_MASTER, index);
		return;
	}
	rt = nl_begin(b, RTM_GETROUTE, NLM_F_DUMP, sizeof(*rt), "list routes");
	nl_allow(b, link_no_family);
	rt->rtm_family = (uint8_t)family;
	rt->rtm_table = RT_TABLE_MAIN;
}

static int bridge_count(struct nl *nl, struct bridge_users *users, int family, struct err *e)
{
	const unsigned before = users->n;
	struct err why = ERR_INIT;
	int r = -EINTR;

	for (int attempt = 0; attempt < BRIDGE_DUMPS && r == -EINTR; attempt++) {
		CLEANUP(nl_batch_free) struct nl_batch batch = NL_BATCH_INIT;

		why = ERR_INIT;
		users->n = before;
		nl_batch_reserve(&batch, BRIDGE_BATCH_SIZE);
		bridge_put_dump(&batch, users->index, family);
		r = nl_run(nl, &batch, family == AF_UNSPEC ? bridge_count_port : bridge_count_route,
			   users, &why);
	}
	if (r < 0)
		*e = why;
	return r;
}

int bridge_ports(struct nl *nl, unsigned index, unsigned *sum, struct err *e)
{
	struct bridge_users users = { .index = index };
	int r = bridge_count(nl, &users, AF_UNSPEC, e);

	*sum += users.n;
	return r;
}

int bridge_users(struct nl *nl, const struct net_network *n, unsigned index, unsigned *ret,
		 struct err *e)
{
	struct bridge_users users = { .network = n, .index = index };
	int r;

	r = bridge_count(nl, &users, AF_UNSPEC, e);
	if (r >= 0)
		r = bridge_count(nl, &users, AF_INET, e);
	if (r >= 0)
		r = bridge_count(nl, &users, AF_INET6, e);
	if (r >= 0)
		*ret = users.n;
	return r;
}
