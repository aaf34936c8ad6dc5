/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsetup/segment_priv.h"

#include <linux/if.h>
#include <stddef.h>

#include "base/str.h"
#include "netsetup/sysctl_priv.h"

#define SEGMENT_BATCH_SIZE 2048
#define SEGMENT_BITS 6
_Static_assert(1 << SEGMENT_BITS == SEGMENT_PORTS, "SEGMENT_BITS");
/* "jail-network:front/3" */
#define SEGMENT_ALIAS LINK_NETWORK_PREFIX "%s/"

#define SEGMENT_NONE UINT32_MAX

static unsigned segment_of4(const struct net_network *n, const struct in_addr *a)
{
	return net_host_part4(n, a) >> SEGMENT_BITS;
}

/* Leased ones have only the low 32 bits of the host part (address_lease.c), like the slices. */
static unsigned segment_of6(const struct net_network *n, const struct in6_addr *a)
{
	uint64_t part = net_host_part6(n, a);

	return part > UINT32_MAX ? SEGMENT_NONE : (unsigned)part >> SEGMENT_BITS;
}

unsigned segment_of(const struct net_interface *i)
{
	const struct net_network *n = i->network;
	unsigned segment = 0;

	if (n->mode != NET_BRIDGE || i->routed)
		return 0;
	if (net_has4(n) && i->address4.s_addr != 0)
		return segment_of4(n, &i->address4);
	if (net_has6(n) && !IN6_IS_ADDR_UNSPECIFIED(&i->address6))
		segment = segment_of6(n, &i->address6);
	return segment == SEGMENT_NONE ? 0 : segment;
}

void segment_name(const struct net_network *n, unsigned segment, char ret[static 16])
{
	if (segment == 0)
		(void)snprintf(ret, 16, "%s", n->interface);
	else
		link_segment_name_of(n->interface, segment, ret);
}

bool segment_route(const struct net_interface *i, unsigned segment, int family, unsigned index,
		   struct segment_slice *slice, struct route *ret, bool *ret_own)
{
	const struct net_network *n = i->network;
	const bool four = family == AF_INET;
	const void *address = four ? (const void *)&i->address4 : &i->address6;
	unsigned at = four ? segment_of4(n, &i->address4) : segment_of6(n, &i->address6);
	unsigned bytes = four ? 4 : 16;

	*ret = (struct route){
		.family = family,
		.index = index,
		.to = address,
		.prefix = four ? 32 : 128,
		.source = four ? (const void *)&n->gateway4 : &n->gateway6,
	};
	*ret_own = at != segment;
	if (*ret_own)
		/* In no slice: the network's own route is to segment 0. */
		return at != SEGMENT_NONE || segment != 0;
	memcpy(&slice->to, address, bytes);
	slice->to.s6_addr[bytes - 1] &= (uint8_t) ~(SEGMENT_PORTS - 1);
	ret->to = &slice->to;
	ret->prefix -= SEGMENT_BITS;
	return segment != 0;
}

/* ---- the bridge ---- */

bool segment_is_complete(const struct link_state *s)
{
	return str_eq(s->kind, "bridge") && (s->flags & IFF_UP) && s->group == NET_GROUP &&
	       !link_heeds_advertisements(s);
}

/* It has no address but the link-local one: the gateway's are this host's on whatever interface
 * they are, and twice they would be in each other's way. */
static int segment_up(struct nl *nl, const struct net_network *n, unsigned segment,
		      const struct link_state *link, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	bool inet6 = net_has6(n) && link->inet6;
	char alias[LINK_ALIAS_MAX];

	(void)snprintf(alias, sizeof(alias), SEGMENT_ALIAS "%u", n->name.s, segment);
	nl_batch_reserve(&b, SEGMENT_BATCH_SIZE);
	bridge_put_identity(&b, link->index, alias, n->mtu);
	link_put_no_address(&b, link->index);
	if (inet6)
		route_put_link_local_address(&b, link->index, &route_gateway_link_local);
	link_put_up(&b, link->index, "bring bridge up");
	if (inet6)
		route_put_link_local(&b, link->index);
	return nl_run(nl, &b, NULL, NULL, e);
}

int segment_make(struct nl *nl, const struct net_network *n, unsigned segment,
		 struct link_state *ret, struct err *e)
{
	struct net_network own = *n;
	int r;

	segment_name(n, segment, own.interface);
	r = bridge_create(nl, &own, e);
	if (r >= 0)
		r = sysctl_setup_network(own.interface, net_has6(n), e);
	if (r >= 0)
		r = link_get(nl, own.interface, 0, ret, e);
	if (r >= 0 && !str_eq(ret->kind, "bridge"))
		r = err_set(e, EEXIST, "%s is not a bridge", own.interface);
	if (r >= 0)
		r = segment_up(nl, n, segment, ret, e);
	return r < 0 ? err_wrap(e, "bridge %u of network %s", segment, n->name.s) : 0;
}

/* ---- all of a network ---- */

typedef int segment_fn(struct nl *nl, const struct link_state *link, unsigned *sum, struct err *e);

static int segments_each(struct nl *nl, const struct net_network *n, segment_fn *fn, unsigned *sum,
			 struct err *e)
{
	CLEANUP_FREE struct link_state *links = NULL;
	char prefix[LINK_ALIAS_MAX];
	size_t n_links = 0;
	int r;

	(void)snprintf(prefix, sizeof(prefix), SEGMENT_ALIAS, n->name.s);
	r = link_list(nl, "bridge", &links, &n_links, e);
	for (size_t i = 0; r >= 0 && i < n_links; i++)
		/* A kernel that doesn't know the kind lists all links. */
		if (str_eq(links[i].kind, "bridge") && links[i].group == NET_GROUP &&
		    str_starts(links[i].alias, prefix))
			r = fn(nl, &links[i], sum, e);
	return r;
}

static int segment_count(struct nl *nl, const struct link_state *link, unsigned *sum, struct err *e)
{
	return bridge_ports(nl, link->index, sum, e);
}

static int segment_remove(struct nl *nl, const struct link_state *link, unsigned *sum,
			  struct err *e)
{
	(void)sum;
	return link_delete(nl, link->index, e);
}

int segments_users(struct nl *nl, const struct net_network *n, unsigned *ret, struct err *e)
{
	return segments_each(nl, n, segment_count, ret, e);
}

int segments_remove(struct nl *nl, const struct net_network *n, struct err *e)
{
	return segments_each(nl, n, segment_remove, NULL, e);
}
