/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages about addresses, neighbours and routes, of both families. `to` and the like point to 4
 * or 16 bytes in network byte order. */
#ifndef JAIL_NETSETUP_ROUTE_PRIV_H
#define JAIL_NETSETUP_ROUTE_PRIV_H

#include <netinet/in.h>

#include "netsetup/nl_priv.h"

/* Gives the interface an address; what is there already is replaced. IPv6: without duplicate
 * address detection, which would keep it from being used for a second. on_link: with a route to the
 * whole subnet by this interface. */
void route_put_address(struct nl_batch *b, unsigned index, int family, const void *address,
		       unsigned prefix, bool on_link);
/*
 * After the interface is up: this host takes packets for the address now. The kernel makes the
 * route that says so in a work queue (addrconf_dad_start(), also without duplicate address
 * detection; of IPv4 at once), and what comes before that is lost.
 */
void route_put_local6(struct nl_batch *b, unsigned index, const struct in6_addr *address);
/* Takes address and local route away; missing is fine. */
void route_put_no_address(struct nl_batch *b, unsigned index, int family, const void *address,
			  unsigned prefix);

/*
 * The gateway's link-local address, and, once the interface is up, the way to the instances'
 * link-local addresses. In two parts, because a prefix would bring an anycast address along, and
 * the kernel walks through all routes of IPv6 with each interface that comes or goes.
 */
void route_put_link_local_address(struct nl_batch *b, unsigned index,
				  const struct in6_addr *address);
void route_put_link_local(struct nl_batch *b, unsigned index);
/* The route to all groups of IPv6, which the kernel makes with address and carrier, anew: before
 * those of older interfaces in the list, and behind that of the next one, which then need not look
 * for its end. */
void route_put_multicast(struct nl_batch *b, unsigned index);

/* A permanent neighbour entry, which no message of the network changes. */
void route_put_neighbour(struct nl_batch *b, unsigned index, int family, const void *address,
			 const uint8_t *mac);
/* Missing is fine. */
void route_put_no_neighbour(struct nl_batch *b, unsigned index, int family, const void *address);

struct route {
	int family;
	unsigned index; /* by which interface */
	const void *to; /* NULL: everything */
	unsigned prefix;
	const void *via; /* NULL: directly */
	const void *source; /* of packets of this host; NULL: chosen by the kernel */
};
/* In place of another to the same destination. */
void route_put(struct nl_batch *b, const struct route *route);
/* Missing is fine. */
void route_put_none(struct nl_batch *b, const struct route *route);

/* Both of an address, the route to it alone and the neighbour entry. Missing is fine. */
void route_put_unreach(struct nl_batch *b, unsigned index, int family, const void *address);

/* fe80::1, of the gateway on a bridge. */
extern const struct in6_addr route_gateway_link_local;

#endif
