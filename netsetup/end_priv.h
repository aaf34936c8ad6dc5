/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One interface of an instance, and the steps of its making: end.c (what follows from the plan, and
 * how the host reaches it), veth.c, macvlan.c, shape.c (rates), inside.c (the instance's side). All
 * borrow the socket, which is one of the host's namespace. Each step may be repeated: it puts back
 * what is missing, and replaces what an earlier life left.
 */
#ifndef JAIL_NETSETUP_END_PRIV_H
#define JAIL_NETSETUP_END_PRIV_H

#include "netsetup/link_priv.h"

struct link_end {
	const struct net_interface *wanted; /* of the plan; NULL: a gap */
	const char *instance, *id;
	unsigned number; /* N of ethN */
	char name[16], shaper[16]; /* of the host's links */
	char inside[16]; /* ethN */
	uint8_t mac[LINK_MAC_LEN], host_mac[LINK_MAC_LEN];
	struct in6_addr link_local; /* of mac */
	bool use4, use6; /* it has an address of the family; 6: and the host has IPv6 there */
	unsigned segment; /* which of the network's bridges (segment_priv.h) */
	char port_of[16]; /* that one's name */
	unsigned bridge; /* and index */
	uint8_t bridge_mac[LINK_MAC_LEN];
	unsigned index; /* the host's end; 0 = not there */
	bool routed; /* it is no port of the bridge */
};

/* ---- end.c ---- */

struct link_ends {
	struct link_end v[NET_INTERFACES_MAX];
	size_t n;
};
/* It has no more interfaces than there is room for. */
int ends_check(const struct net_plan *plan, struct err *e);
/* What the plan says, by itself. a: as it was attached, or NULL. */
void ends_plan(const struct net_plan *plan, const struct net_attachment *a, struct link_ends *ret);
/* Looks for the networks' interfaces; that one is missing is an error, but a segment is made then.
 * One exchange. */
int ends_find_networks(struct nl *nl, struct link_ends *ends, struct err *e);
/* Is a veth, and not a macvlan or a gap. */
bool end_has_veth(const struct link_end *end);
/* The gateway's on this link: fe80::1 of a bridge. A host's end without one has an address of its
 * own, by its MAC: the kernel's hash of IPv6 addresses, and its list of routes to one, would grow
 * with each that has the same. */
void end_gateway_link_local(const struct link_end *end, struct in6_addr *ret);
void ends_attachment(const struct link_ends *ends, struct net_attachment *ret);
/* The first one by which a default route of the family leads, or NULL. */
const struct link_end *ends_default(const struct link_ends *ends, int family);

/* Message: the alias, by which gc and people know whose the host's link `name` is. It travels with
 * the one that makes the link: whenever the sender is killed, there is none without. */
void end_put_alias(struct nl_batch *b, const struct link_end *end, const char *name);
/* The holder of a name that is wanted is a link of an earlier life, or of an interface that was
 * taken out of this one, or it is somebody else's. Return: 1 it is gone now; 0 it is not ours. */
int end_clear_leftover(struct nl *nl, const struct link_end *end, const struct link_state *holder,
		       struct err *e);
/* Before a link of that name is made. -EEXIST: somebody else has one. */
int end_make_room(struct nl *nl, const struct link_end *end, const char *name, struct err *e);

/* Messages: how the host reaches the instance's addresses: neighbour entries and, unless it is a
 * port, routes. The second one's missing parts are fine, as are interfaces that are gone. */
void end_put_reach(struct nl_batch *b, const struct link_end *end);
void end_put_no_reach(struct nl_batch *b, const struct link_end *end);
int end_unreach(struct nl *nl, const struct link_end *end, struct err *e);

#define END_BATCH_SIZE 4096

/* ---- veth.c ---- */

/* Makes the pair, down; the far end is born in the namespace. Sets index. */
int veth_create(struct nl *nl, struct link_end *end, int netns_fd, struct err *e);
/* Names it, makes it a port of the bridge (or sets `routed` when that has no room, or it is wanted
 * so), guards it, brings it up, and lets the host reach the instance. */
int veth_setup(struct nl *nl, struct link_end *end, struct err *e);
/* Lets the host's end, which has just got its carrier, send now, not when the kernel's worker comes
 * to it: the first packet would be lost. */
int veth_settle(struct nl *nl, const struct link_end *end, struct err *e);

/* ---- macvlan.c ---- */

/* Gives the namespace a number by which macvlan_delete() finds it; before any link is made. */
int macvlan_mark(struct nl *nl, const char *id, int netns_fd, struct err *e);
int macvlan_create(struct nl *nl, const struct link_end *end, int netns_fd, struct err *e);
/* The interface goes with the namespace, but that can live for minutes after the instance, and
 * would go on answering for its address. Missing is fine. */
int macvlan_delete(struct nl *nl, const struct link_end *end, struct err *e);

/* The same with the namespace at hand, whether it is marked or not. */
int macvlan_remove(struct nl *nl, const struct link_end *end, int netns_fd, struct err *e);

/* ---- shape.c ---- */

/* Makes both directions as `wanted` says; `had` is what there is (NULL: nothing). */
int shape_set(struct nl *nl, const struct link_end *end, const struct net_interface *had,
	      struct err *e);

/* ---- inside.c ---- */

/* Sets up those of `which` (bit N: ethN) and lo; default routes by those of them that carry one, or
 * with `defaults` in any case. */
int inside_setup(struct nl *nl, const struct link_ends *ends, int netns_fd, unsigned which,
		 bool defaults, struct err *e);
/* Takes the addresses of those of `which` away, and with the last one of a family its routes. */
int inside_clear(struct nl *nl, const struct link_ends *ends, int netns_fd, unsigned which,
		 struct err *e);

#endif
