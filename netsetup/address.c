/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses, routes and neighbours; and with them the inside of an instance, in one exchange
 * through a socket of its namespace.
 */
#include "netsetup/link_priv.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#define ADDRESS_BATCH_SIZE 1024

void link_put_address(struct nl_batch *b, unsigned index, struct in_addr address, unsigned prefix)
{
	struct in_addr broadcast = { .s_addr = address.s_addr | htonl(UINT32_MAX >> prefix) };
	struct ifaddrmsg *ifa;

	ifa = nl_begin(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, sizeof(*ifa),
		       "set address");
	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = (uint8_t)prefix;
	ifa->ifa_scope = RT_SCOPE_UNIVERSE;
	ifa->ifa_index = index;
	nl_put(b, IFA_LOCAL, &address, sizeof(address));
	nl_put(b, IFA_ADDRESS, &address, sizeof(address));
	nl_put(b, IFA_BROADCAST, &broadcast, sizeof(broadcast));
}

static void link_put_default_route(struct nl_batch *b, unsigned index, struct in_addr gateway)
{
	struct rtmsg *rt;

	rt = nl_begin(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, sizeof(*rt),
		      "set default route");
	rt->rtm_family = AF_INET;
	rt->rtm_table = RT_TABLE_MAIN;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_scope = RT_SCOPE_UNIVERSE;
	rt->rtm_type = RTN_UNICAST;
	nl_put(b, RTA_GATEWAY, &gateway, sizeof(gateway));
	nl_put_u32(b, RTA_OIF, index);
}

void link_neighbour_put(struct nl_batch *b, unsigned index, struct in_addr address,
			const uint8_t *mac)
{
	struct ndmsg *nd;

	nd = nl_begin(b, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, sizeof(*nd),
		      "set neighbour entry");
	nd->ndm_family = AF_INET;
	nd->ndm_ifindex = (int)index;
	nd->ndm_state = NUD_PERMANENT;
	nl_put(b, NDA_DST, &address, sizeof(address));
	nl_put(b, NDA_LLADDR, mac, LINK_MAC_LEN);
}

int link_neighbour_set(struct nl *nl, unsigned index, struct in_addr address, const uint8_t *mac,
		       struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;

	nl_batch_reserve(&b, ADDRESS_BATCH_SIZE);
	link_neighbour_put(&b, index, address, mac);
	return nl_run(nl, &b, NULL, NULL, e);
}

int link_neighbour_delete(struct nl *nl, unsigned index, struct in_addr address, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct ndmsg *nd;
	int r;

	nl_batch_reserve(&b, ADDRESS_BATCH_SIZE);
	nd = nl_begin(&b, RTM_DELNEIGH, NLM_F_ACK, sizeof(*nd), "delete neighbour entry");
	nd->ndm_family = AF_INET;
	nd->ndm_ifindex = (int)index;
	nl_put(&b, NDA_DST, &address, sizeof(address));
	r = nl_exchange(nl, &b, NULL, NULL, e);
	if (r < 0 || b.messages[0].result == -ENOENT)
		return r;
	return nl_check(&b, 0, e);
}

static void link_put_loopback(struct nl_batch *b)
{
	struct ifinfomsg *ifi;

	ifi = nl_begin(b, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi), "bring lo up");
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	nl_put_str(b, IFLA_IFNAME, "lo");
}

int link_loopback_up(struct nl *nl, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;

	nl_batch_reserve(&b, ADDRESS_BATCH_SIZE);
	link_put_loopback(&b);
	return nl_run(nl, &b, NULL, NULL, e);
}

int link_inside_setup(struct nl *nl, const struct net_plan *plan, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	unsigned index = link_index(nl, LINK_INSIDE);
	struct ifinfomsg *ifi;

	if (index == 0)
		return err_set(e, ENODEV, "%s is not in the instance's network namespace",
			       LINK_INSIDE);
	nl_batch_reserve(&b, ADDRESS_BATCH_SIZE);
	link_put_loopback(&b);
	link_put_no_ipv6_address(&b, index);
	ifi = nl_begin(&b, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi), "bring " LINK_INSIDE " up");
	ifi->ifi_index = (int)index;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	link_put_address(&b, index, plan->address, plan->bridge->prefix);
	link_put_default_route(&b, index, plan->bridge->gateway);
	return nl_run(nl, &b, NULL, NULL, e);
}
