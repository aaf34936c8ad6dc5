/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Subnets of either family: their notation, and which of them this host uses already.
 */
#ifndef JAIL_NETSETUP_SUBNET_H
#define JAIL_NETSETUP_SUBNET_H

#include "netsetup/network.h"

struct net_subnet {
	uint8_t family, prefix; /* AF_INET or AF_INET6 */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} address; /* bits outside the prefix are 0 */
};

/* "10.1.0.0/24", "fd12::/64". -EINVAL: not that, or there are bits outside the prefix. */
int net_subnet_parse(const char *text, struct net_subnet *ret, struct err *e);
#define NET_SUBNET_TEXT_MAX (INET6_ADDRSTRLEN + 4)
void net_subnet_format(const struct net_subnet *s, char ret[static NET_SUBNET_TEXT_MAX]);
/* They have an address in common. */
bool net_subnets_overlap(const struct net_subnet *a, const struct net_subnet *b);
/* What a network has of a family. Return: whether it has. */
bool net_subnet_of(const struct net_network *n, int family, struct net_subnet *ret);

struct net_host_route {
	struct net_subnet to;
	char interface[16]; /* "" = none: a route that rejects, or several ways */
	bool ours; /* by an interface of jail's */
};
/*
 * All routes of this network namespace, both families and all tables, so also every address;
 * without default routes, multicast and link-local ones. A dump. Caller frees *ret.
 */
int net_host_routes(struct net_host_route **ret, size_t *ret_n, struct err *e);

#endif
