/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bridges of a network in mode `bridge`. What it costs to add a port grows with the ports that
 * a bridge has (the kernel walks through them a dozen times), so none has more than a few: the
 * network's own interface is segment 0, and each further slice of SEGMENT_PORTS addresses has a
 * bridge of its own, a segment, made by the first instance that needs it. The host routes the slice
 * to it. Frames never pass between instances anyway, so which bridge an instance is on can't be
 * told from inside: the gateway is the same, and answers on every segment.
 *
 * The segment follows from the address that an instance starts with, and nothing keeps a list of
 * them. An address that it gets while it runs is routed to where it is.
 */
#ifndef JAIL_NETSETUP_SEGMENT_PRIV_H
#define JAIL_NETSETUP_SEGMENT_PRIV_H

#include "netsetup/link_priv.h"
#include "netsetup/route_priv.h"

#define SEGMENT_PORTS 64

/* Where it is attached: by its IPv4 address, without one by its IPv6 address. 0 in another mode. */
unsigned segment_of(const struct net_interface *i);
/* "jn" and 12 hex digits; of segment 0 the network's own. */
void segment_name(const struct net_network *n, unsigned segment, char ret[static 16]);

/*
 * The route by which the host reaches an address of an interface on this segment: to the whole
 * slice where the address is in it, else to the address alone (*ret_own). Return: false when the
 * network's own route leads there. ret->to points to `slice`, or is `address`.
 */
struct segment_slice {
	struct in6_addr to; /* of IPv4, the first 4 bytes */
};
bool segment_route(const struct net_interface *i, unsigned segment, int family, unsigned index,
		   struct segment_slice *slice, struct route *ret, bool *ret_own);

/* Makes the bridge of a segment other than 0, or repairs it. Several may do so at once. */
int segment_make(struct nl *nl, const struct net_network *n, unsigned segment,
		 struct link_state *ret, struct err *e);
/* It was made wholly, and is as it was made. */
bool segment_is_complete(const struct link_state *s);
/* Ports on all segments but 0 (a dump), and their removal. */
int segments_users(struct nl *nl, const struct net_network *n, unsigned *ret, struct err *e);
int segments_remove(struct nl *nl, const struct net_network *n, struct err *e);

#endif
