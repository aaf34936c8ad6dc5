/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsetup/route_priv.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "netsetup/link_priv.h"

#define ROUTE_LOCAL_METRIC 1024u
#define ROUTE_KERNEL_METRIC 256u /* IP6_RT_PRIO_ADDRCONF */
#define ROUTE_GROUPS_METRIC 0x7fffffffu

const struct in6_addr route_gateway_link_local = { .s6_addr = { 0xfe, 0x80, [15] = 1 } };

static size_t route_address_len(int family)
{
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

static struct ifaddrmsg *route_begin_address(struct nl_batch *b, int type, int flags,
					     unsigned index, int family, const void *address,
					     unsigned prefix, const char *what)
{
	struct ifaddrmsg *ifa = nl_begin(b, type, flags | NLM_F_ACK, sizeof(*ifa), what);

	ifa->ifa_family = (uint8_t)family;
	ifa->ifa_prefixlen = (uint8_t)prefix;
	ifa->ifa_index = index;
	nl_put(b, IFA_LOCAL, address, route_address_len(family));
	return ifa;
}

static void route_put_broadcast(struct nl_batch *b, const void *address, unsigned prefix)
{
	struct in_addr broadcast;

	memcpy(&broadcast, address, sizeof(broadcast));
	broadcast.s_addr |= htonl(prefix ? UINT32_MAX >> prefix : UINT32_MAX);
	nl_put(b, IFA_BROADCAST, &broadcast, sizeof(broadcast));
}

void route_put_address(struct nl_batch *b, unsigned index, int family, const void *address,
		       unsigned prefix, bool on_link)
{
	uint32_t flags = on_link ? 0 : IFA_F_NOPREFIXROUTE;

	(void)route_begin_address(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, family,
				  address, prefix,
				  family == AF_INET ? "set IPv4 address" : "set IPv6 address");
	if (family == AF_INET) {
		nl_put(b, IFA_ADDRESS, address, route_address_len(family));
		if (prefix < 31)
			route_put_broadcast(b, address, prefix);
	} else {
		flags |= IFA_F_NODAD;
	}
	nl_put_u32(b, IFA_FLAGS, flags);
}

/* Another metric than the kernel's, so that either can be deleted. */
static void route_put_local(struct nl_batch *b, int type, int flags, unsigned index,
			    const struct in6_addr *address, const char *what)
{
	struct rtmsg *rt = nl_begin(b, type, flags | NLM_F_ACK, sizeof(*rt), what);

	rt->rtm_family = AF_INET6;
	rt->rtm_table = RT_TABLE_LOCAL;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_type = RTN_LOCAL;
	rt->rtm_dst_len = 128;
	nl_put(b, RTA_DST, address, sizeof(*address));
	nl_put_u32(b, RTA_OIF, index);
	nl_put_u32(b, RTA_PRIORITY, ROUTE_LOCAL_METRIC);
}

void route_put_local6(struct nl_batch *b, unsigned index, const struct in6_addr *address)
{
	route_put_local(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, index, address,
			"set local route");
}

void route_put_no_address(struct nl_batch *b, unsigned index, int family, const void *address,
			  unsigned prefix)
{
	(void)route_begin_address(b, RTM_DELADDR, 0, index, family, address, prefix,
				  family == AF_INET ? "delete IPv4 address"
						    : "delete IPv6 address");
	nl_allow(b, link_is_missing);
	if (family == AF_INET)
		return;
	route_put_local(b, RTM_DELROUTE, 0, index, address, "delete local route");
	nl_allow(b, link_is_missing);
}

static struct ndmsg *route_begin_neighbour(struct nl_batch *b, int type, int flags, unsigned index,
					   int family, const void *address, const char *what)
{
	struct ndmsg *nd = nl_begin(b, type, flags | NLM_F_ACK, sizeof(*nd), what);

	nd->ndm_family = (uint8_t)family;
	nd->ndm_ifindex = (int)index;
	nl_put(b, NDA_DST, address, route_address_len(family));
	return nd;
}

void route_put_neighbour(struct nl_batch *b, unsigned index, int family, const void *address,
			 const uint8_t *mac)
{
	struct ndmsg *nd = route_begin_neighbour(b, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE,
						 index, family, address, "set neighbour entry");

	nd->ndm_state = NUD_PERMANENT;
	nl_put(b, NDA_LLADDR, mac, LINK_MAC_LEN);
}

void route_put_no_neighbour(struct nl_batch *b, unsigned index, int family, const void *address)
{
	(void)route_begin_neighbour(b, RTM_DELNEIGH, 0, index, family, address,
				    "delete neighbour entry");
	nl_allow(b, link_is_missing);
}

static void route_put_message(struct nl_batch *b, int type, int flags, const struct route *route,
			      const char *what)
{
	struct rtmsg *rt = nl_begin(b, type, flags | NLM_F_ACK, sizeof(*rt), what);
	size_t n = route_address_len(route->family);

	rt->rtm_family = (uint8_t)route->family;
	rt->rtm_table = RT_TABLE_MAIN;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_scope = route->via || route->family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	rt->rtm_type = RTN_UNICAST;
	rt->rtm_dst_len = (uint8_t)(route->to ? route->prefix : 0);
	if (route->to)
		nl_put(b, RTA_DST, route->to, n);
	if (route->via)
		nl_put(b, RTA_GATEWAY, route->via, n);
	if (route->source)
		nl_put(b, RTA_PREFSRC, route->source, n);
	nl_put_u32(b, RTA_OIF, route->index);
}

void route_put(struct nl_batch *b, const struct route *route)
{
	route_put_message(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route, "set route");
}

void route_put_none(struct nl_batch *b, const struct route *route)
{
	route_put_message(b, RTM_DELROUTE, 0, route, "delete route");
	nl_allow(b, link_is_missing);
}

void route_put_unreach(struct nl_batch *b, unsigned index, int family, const void *address)
{
	const struct route route = {
		.family = family,
		.index = index,
		.to = address,
		.prefix = (unsigned)(8 * route_address_len(family)),
	};

	route_put_none(b, &route);
	route_put_no_neighbour(b, index, family, address);
}

void route_put_link_local_address(struct nl_batch *b, unsigned index,
				  const struct in6_addr *address)
{
	route_put_address(b, index, AF_INET6, address, 128, false);
}

static bool route_exists(int result)
{
	return result == -EEXIST;
}

void route_put_link_local(struct nl_batch *b, unsigned index)
{
	static const struct in6_addr net = { .s6_addr = { 0xfe, 0x80 } };
	const struct route route = { .family = AF_INET6, .index = index, .to = &net, .prefix = 64 };

	/* Beside those of the other interfaces, which a replacement would take away. */
	route_put_message(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, &route,
			  "set link-local route");
	nl_allow(b, route_exists);
}

static void route_put_groups(struct nl_batch *b, int type, int flags, unsigned index,
			     uint32_t metric, const char *what)
{
	static const struct in6_addr all = { .s6_addr = { 0xff } };
	struct rtmsg *rt = nl_begin(b, type, flags | NLM_F_ACK, sizeof(*rt), what);

	rt->rtm_family = AF_INET6;
	rt->rtm_table = RT_TABLE_LOCAL;
	if (type == RTM_NEWROUTE) /* the other is RTPROT_KERNEL */
		rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_type = RTN_MULTICAST;
	rt->rtm_dst_len = 8;
	nl_put(b, RTA_DST, &all, sizeof(all));
	nl_put_u32(b, RTA_OIF, index);
	nl_put_u32(b, RTA_PRIORITY, metric);
}

void route_put_multicast(struct nl_batch *b, unsigned index)
{
	route_put_groups(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, index,
			 ROUTE_GROUPS_METRIC - index, "set multicast route");
	nl_allow(b, route_exists);
	route_put_groups(b, RTM_DELROUTE, 0, index, ROUTE_KERNEL_METRIC,
			 "delete the kernel's multicast route");
	nl_allow(b, link_is_missing);
}
