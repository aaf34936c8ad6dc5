/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instance's side, set up through a socket that is opened during a visit to its namespace: one
 * exchange for all interfaces.
 *
 * The gateway is the only neighbour: every packet goes to it, also one to another instance of the
 * same subnet, because the host routes between instances. So the address has the subnet's length,
 * for programs that look, but no route comes with it; a permanent neighbour entry spares asking for
 * the gateway's MAC address, and what nobody asks nobody can answer wrongly (row 71).
 *
 * No sysctl is written here, accept_ra included (row 70): the cache of /proc/sys keeps the entries
 * of all namespaces under the same names, so one open costs in proportion to the number of
 * instances (0.13 ms at 1,000). It isn't needed: nobody but the host can send anything to a veth
 * of ours.
 */
#include "netsetup/end_priv.h"

#include <arpa/inet.h>

#include "netsetup/route_priv.h"
#include "netsetup/sysctl_priv.h"

#define INSIDE_BATCH_SIZE 16384

struct inside {
	struct nl nl; /* of the namespace */
	struct nl_batch b;
	const struct link_ends *ends;
	unsigned index[NET_INTERFACES_MAX];
};

static void inside_free(struct inside *in)
{
	nl_close(&in->nl);
	nl_batch_free(&in->b);
}

static int inside_open(struct inside *in, const struct nl *host, int netns_fd, struct err *e)
{
	CLEANUP(netns_leave) int home = -EBADF;
	int r = netns_enter(netns_fd, host, &home, e);

	return r < 0 ? r : nl_open(NETLINK_ROUTE, &in->nl, e);
}

static int inside_find(struct inside *in, unsigned which, struct err *e)
{
	for (size_t i = 0; i < in->ends->n; i++) {
		const struct link_end *end = &in->ends->v[i];

		in->index[i] = end->wanted ? link_index(&in->nl, end->inside) : 0;
		if ((which & 1u << i) && end->wanted && in->index[i] == 0)
			return err_set(e, ENODEV, "the instance has no %s any more", end->inside);
	}
	return 0;
}

static void inside_put_route(struct inside *in, const struct link_end *end, int family,
			     const void *to, unsigned prefix, const void *via)
{
	const struct route route = {
		.family = family,
		.index = in->index[end->number],
		.to = to,
		.prefix = prefix,
		.via = via,
	};

	route_put(&in->b, &route);
}

static void inside_put4(struct inside *in, const struct link_end *end)
{
	const struct net_network *n = end->wanted->network;
	const struct in_addr subnet = { .s_addr = n->subnet4.s_addr &
						  htonl(UINT32_MAX << (32 - n->prefix4)) };
	const uint8_t *mac = end->routed ? end->host_mac : end->bridge_mac;
	unsigned index = in->index[end->number];

	route_put_neighbour(&in->b, index, AF_INET, &n->gateway4, mac);
	inside_put_route(in, end, AF_INET, &n->gateway4, 32, NULL);
	inside_put_route(in, end, AF_INET, &subnet, n->prefix4, &n->gateway4);
}

static void inside_put6(struct inside *in, const struct link_end *end)
{
	const struct net_network *n = end->wanted->network;
	const uint8_t *mac = end->routed ? end->host_mac : end->bridge_mac;
	struct in6_addr gateway;

	end_gateway_link_local(end, &gateway);
	route_put_neighbour(&in->b, in->index[end->number], AF_INET6, &gateway, mac);
	inside_put_route(in, end, AF_INET6, &n->subnet6, n->prefix6, &gateway);
}

/* Addresses before the interface is up, so it never sends with another one; routes after. */
static void inside_put_end(struct inside *in, const struct link_end *end)
{
	const struct net_interface *i = end->wanted;
	unsigned index = in->index[end->number];
	bool veth = end_has_veth(end);

	link_put_no_address(&in->b, index);
	if (end->use4)
		route_put_address(&in->b, index, AF_INET, &i->address4, i->network->prefix4, !veth);
	if (end->use6) {
		route_put_address(&in->b, index, AF_INET6, &end->link_local, 64, true);
		route_put_address(&in->b, index, AF_INET6, &i->address6, i->network->prefix6,
				  !veth);
	}
	link_put_up(&in->b, index, "bring interface inside up");
	if (end->use6)
		route_put_local6(&in->b, index, &i->address6);
	if (veth && end->use4)
		inside_put4(in, end);
	if (veth && end->use6)
		inside_put6(in, end);
}

static void inside_put_default(struct inside *in, const struct link_end *end, int family)
{
	const struct net_network *n = end->wanted->network;
	const void *via = family == AF_INET ? (const void *)&n->gateway4 : &n->gateway6;
	struct in6_addr gateway;

	if (family == AF_INET6 && end_has_veth(end)) {
		end_gateway_link_local(end, &gateway);
		via = &gateway;
	}
	inside_put_route(in, end, family, NULL, 0, via);
}

static void inside_put_defaults(struct inside *in, unsigned which, bool always)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct link_end *end = ends_default(in->ends, families[i]);

		if (end && (always || (which & 1u << end->number)))
			inside_put_default(in, end, families[i]);
	}
}

int inside_setup(struct nl *nl, const struct link_ends *ends, int netns_fd, unsigned which,
		 bool defaults, struct err *e)
{
	CLEANUP(inside_free) struct inside in = { .nl = NL_INIT, .ends = ends };
	int r;

	r = inside_open(&in, nl, netns_fd, e);
	if (r >= 0)
		r = inside_find(&in, which, e);
	if (r < 0)
		return r;
	nl_batch_reserve(&in.b, INSIDE_BATCH_SIZE);
	link_put_up(&in.b, link_index(&in.nl, "lo"), "bring lo up");
	for (size_t i = 0; i < ends->n; i++)
		if (ends->v[i].wanted && (which & 1u << i))
			inside_put_end(&in, &ends->v[i]);
	inside_put_defaults(&in, which, defaults);
	return nl_run(&in.nl, &in.b, NULL, NULL, e);
}

int inside_clear(struct nl *nl, const struct link_ends *ends, int netns_fd, unsigned which,
		 struct err *e)
{
	CLEANUP(inside_free) struct inside in = { .nl = NL_INIT, .ends = ends };
	int r;

	r = inside_open(&in, nl, netns_fd, e);
	if (r >= 0)
		r = inside_find(&in, which, e);
	if (r < 0)
		return r;
	nl_batch_reserve(&in.b, INSIDE_BATCH_SIZE);
	for (size_t i = 0; i < ends->n; i++) {
		const struct net_interface *wanted = ends->v[i].wanted;

		if (!wanted || !(which & 1u << i))
			continue;
		if (ends->v[i].use4)
			route_put_no_address(&in.b, in.index[i], AF_INET, &wanted->address4,
					     wanted->network->prefix4);
		if (ends->v[i].use6)
			route_put_no_address(&in.b, in.index[i], AF_INET6, &wanted->address6,
					     wanted->network->prefix6);
	}
	return nl_run(&in.nl, &in.b, NULL, NULL, e);
}

int net_loopback_up(int netns_fd, struct err *e)
{
	CLEANUP(nl_close) struct nl anchor = NL_INIT;
	const struct link_ends none = { .n = 0 };
	int r = nl_open(NETLINK_ROUTE, &anchor, e);

	return r < 0 ? r : inside_setup(&anchor, &none, netns_fd, 0, false, e);
}
