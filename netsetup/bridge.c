/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bridge. It is brought up last, so "up, with the gateway's address" is the mark of a bridge
 * that is complete, and one query without a dump tells it. Its MAC address is set, else it would
 * change with the lowest of the ports'; multicast snooping is off, because no port may send to
 * another anyway.
 */
#include "netsetup/link_priv.h"

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>

#include "base/str.h"

#define BRIDGE_BATCH_SIZE 1024

int link_bridge_create(struct nl *nl, const struct net_bridge *b, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch batch = NL_BATCH_INIT;
	uint8_t mac[LINK_MAC_LEN];
	size_t info, data;
	int r;

	link_mac_of("bridge", b->name, mac);
	nl_batch_reserve(&batch, BRIDGE_BATCH_SIZE);
	(void)nl_begin(&batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
		       sizeof(struct ifinfomsg), "create bridge");
	nl_put_str(&batch, IFLA_IFNAME, b->name);
	nl_put(&batch, IFLA_ADDRESS, mac, sizeof(mac));
	if (b->mtu)
		nl_put_u32(&batch, IFLA_MTU, b->mtu);
	info = nl_nest(&batch, IFLA_LINKINFO);
	nl_put_str(&batch, IFLA_INFO_KIND, "bridge");
	data = nl_nest(&batch, IFLA_INFO_DATA);
	nl_put_u8(&batch, IFLA_BR_MCAST_SNOOPING, 0);
	nl_nest_end(&batch, data);
	nl_nest_end(&batch, info);
	r = nl_exchange(nl, &batch, NULL, NULL, e);
	/* Another start was faster. */
	if (r < 0 || batch.messages[0].result == -EEXIST)
		return r;
	return nl_check(&batch, 0, e);
}

int link_bridge_up(struct nl *nl, const struct net_bridge *b, unsigned index, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch batch = NL_BATCH_INIT;
	struct ifinfomsg *ifi;

	nl_batch_reserve(&batch, BRIDGE_BATCH_SIZE);
	link_put_no_ipv6_address(&batch, index);
	link_put_address(&batch, index, b->gateway, b->prefix);
	ifi = nl_begin(&batch, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi), "bring bridge up");
	ifi->ifi_index = (int)index;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	return nl_run(nl, &batch, NULL, NULL, e);
}

static int bridge_info_attribute(const struct nlattr *attr, void *arg)
{
	struct link_bridge_state *state = arg;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		state->is_bridge = str_eq(mnl_attr_get_str(attr), "bridge");
	return MNL_CB_OK;
}

static int bridge_link_attribute(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
		return mnl_attr_parse_nested(attr, bridge_info_attribute, arg);
	return MNL_CB_OK;
}

static int bridge_route_attribute(const struct nlattr *attr, void *arg)
{
	struct link_bridge_state *state = arg;

	if (mnl_attr_get_type(attr) == RTA_OIF)
		state->gateway_index = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int bridge_netconf_attribute(const struct nlattr *attr, void *arg)
{
	struct link_bridge_state *state = arg;

	if (mnl_attr_get_type(attr) == NETCONFA_FORWARDING)
		state->forwarding = mnl_attr_get_u32(attr) != 0;
	return MNL_CB_OK;
}

static int bridge_take_state(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	struct link_bridge_state *state = arg;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct rtmsg *rt = mnl_nlmsg_get_payload(nlh);

	(void)index;
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
		state->index = (unsigned)ifi->ifi_index;
		state->up = (ifi->ifi_flags & IFF_UP) != 0;
		(void)mnl_attr_parse(nlh, sizeof(*ifi), bridge_link_attribute, state);
		return 0;
	case RTM_NEWROUTE:
		state->gateway_prefix = rt->rtm_dst_len;
		state->has_gateway = rt->rtm_type == RTN_LOCAL;
		(void)mnl_attr_parse(nlh, sizeof(*rt), bridge_route_attribute, state);
		return 0;
	case RTM_NEWNETCONF:
		(void)mnl_attr_parse(nlh, sizeof(struct netconfmsg), bridge_netconf_attribute,
				     state);
		return 0;
	default:
		return 0;
	}
}

static void bridge_put_route_query(struct nl_batch *batch, struct in_addr to)
{
	struct rtmsg *rt;

	rt = nl_begin(batch, RTM_GETROUTE, NLM_F_ACK, sizeof(*rt), "look up route");
	rt->rtm_family = AF_INET;
	rt->rtm_dst_len = 32;
	rt->rtm_flags = RTM_F_FIB_MATCH;
	nl_put(batch, RTA_DST, &to, sizeof(to));
}

static void bridge_put_queries(struct nl_batch *batch, const struct net_bridge *b)
{
	struct netconfmsg *conf;

	(void)nl_begin(batch, RTM_GETLINK, NLM_F_ACK, sizeof(struct ifinfomsg), "look up bridge");
	nl_put_u32(batch, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	nl_put_str(batch, IFLA_IFNAME, b->name);
	bridge_put_route_query(batch, b->gateway);
	conf = nl_begin(batch, RTM_GETNETCONF, NLM_F_ACK, sizeof(*conf), "look up forwarding");
	conf->ncm_family = AF_INET;
	nl_put_u32(batch, NETCONFA_IFINDEX, (uint32_t)NETCONFA_IFINDEX_ALL);
}

static bool bridge_no_route(int result)
{
	return result == -ENETUNREACH || result == -EHOSTUNREACH;
}

int link_bridge_query(struct nl *nl, const struct net_bridge *b, struct link_bridge_state *ret,
		      struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch batch = NL_BATCH_INIT;
	struct link_bridge_state state = { .index = 0 };
	int r;

	nl_batch_reserve(&batch, BRIDGE_BATCH_SIZE);
	bridge_put_queries(&batch, b);
	r = nl_exchange(nl, &batch, bridge_take_state, &state, e);
	if (r < 0)
		return r;
	/* A bridge or a route that is not there is an answer. */
	if (batch.messages[0].result != -ENODEV)
		r = nl_check(&batch, 0, e);
	if (r >= 0 && !bridge_no_route(batch.messages[1].result))
		r = nl_check(&batch, 1, e);
	if (r >= 0)
		r = nl_check(&batch, 2, e);
	if (r < 0)
		return r;
	state.has_gateway = state.has_gateway && state.gateway_index == state.index;
	*ret = state;
	return 0;
}

int link_route_index(struct nl *nl, struct in_addr to, unsigned *ret, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch batch = NL_BATCH_INIT;
	struct link_bridge_state state = { .index = 0 };
	int r;

	nl_batch_reserve(&batch, BRIDGE_BATCH_SIZE);
	bridge_put_route_query(&batch, to);
	r = nl_exchange(nl, &batch, bridge_take_state, &state, e);
	if (r >= 0 && !bridge_no_route(batch.messages[0].result))
		r = nl_check(&batch, 0, e);
	if (r >= 0)
		*ret = state.gateway_index;
	return r;
}

static int bridge_count_port(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	unsigned *count = arg;

	(void)index;
	if (nlh->nlmsg_type == RTM_NEWLINK)
		(*count)++;
	return 0;
}

int link_bridge_ports(struct nl *nl, unsigned index, unsigned *ret, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch batch = NL_BATCH_INIT;
	unsigned count = 0;
	int r;

	nl_batch_reserve(&batch, BRIDGE_BATCH_SIZE);
	(void)nl_begin(&batch, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg),
		       "list ports of bridge");
	nl_put_u32(&batch, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	nl_put_u32(&batch, IFLA_MASTER, index);
	r = nl_run(nl, &batch, bridge_count_port, &count, e);
	if (r >= 0)
		*ret = count;
	return r;
}
