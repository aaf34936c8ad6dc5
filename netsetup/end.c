/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsetup/end_priv.h"

#include <linux/rtnetlink.h>

#include "base/str.h"
#include "netsetup/route_priv.h"
#include "netsetup/segment_priv.h"

static bool end_has_address4(const struct net_interface *i)
{
	return net_has4(i->network) && i->address4.s_addr != 0;
}

static bool end_has_address6(const struct net_interface *i)
{
	return net_has6(i->network) && !IN6_IS_ADDR_UNSPECIFIED(&i->address6);
}

int ends_check(const struct net_plan *plan, struct err *e)
{
	if (plan->n_interfaces <= NET_INTERFACES_MAX)
		return 0;
	return err_set(e, E2BIG, "%zu interfaces are more than %d", plan->n_interfaces,
		       NET_INTERFACES_MAX);
}

void ends_plan(const struct net_plan *plan, const struct net_attachment *a, struct link_ends *ret)
{
	size_t i;

	*ret = (struct link_ends){ .n = plan->n_interfaces };
	for (i = 0; i < plan->n_interfaces; i++) {
		const struct net_interface *wanted = &plan->interfaces[i];
		struct link_end *end = &ret->v[i];

		if (!wanted->network)
			continue;
		end->wanted = wanted;
		end->instance = plan->instance->s;
		end->id = plan->id;
		end->number = (unsigned)i;
		net_host_name_of(plan->id, end->number, end->name);
		net_shaper_name_of(plan->id, end->number, end->shaper);
		(void)snprintf(end->inside, sizeof(end->inside), "eth%u", end->number);
		net_mac_of(plan->id, end->number, end->mac);
		net_link_local_of(end->mac, &end->link_local);
		/* Set, or udev would choose another one for a random address. */
		link_mac_of("host interface", end->name, end->host_mac);
		end->use4 = end_has_address4(wanted);
		end->use6 = end_has_address6(wanted);
		end->segment = a ? a->v[i].segment : segment_of(wanted);
		segment_name(wanted->network, end->segment, end->port_of);
		end->routed =
			a ? a->v[i].routed : wanted->routed || wanted->network->mode == NET_ROUTED;
	}
}

bool end_has_veth(const struct link_end *end)
{
	return end->wanted && end->wanted->network->mode != NET_MACVLAN;
}

struct end_networks {
	struct link_ends *ends;
	unsigned who[NET_INTERFACES_MAX]; /* that the message asks for */
};

static void end_set_bridge(struct link_end *end, const struct link_state *link)
{
	end->bridge = link->index;
	memcpy(end->bridge_mac, link->mac, sizeof(link->mac));
	end->use6 = end->use6 && link->inet6;
}

static int end_take_network(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	struct end_networks *networks = arg;
	struct link_end *end = &networks->ends->v[networks->who[index]];
	struct link_state link;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return 0;
	link_take_state(nlh, &link);
	if (end->segment == 0 || segment_is_complete(&link))
		end_set_bridge(end, &link);
	return 0;
}

static int end_make_segment(struct nl *nl, struct link_end *end, struct err *e)
{
	const struct net_network *n = end->wanted->network;
	struct link_state link = { .index = 0 };
	int r;

	if (end->segment == 0)
		return err_set(e, ENODEV, "network %s: there is no interface %s", n->name.s,
			       n->interface);
	r = segment_make(nl, n, end->segment, &link, e);
	if (r >= 0)
		end_set_bridge(end, &link);
	return r;
}

int ends_find_networks(struct nl *nl, struct link_ends *ends, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct end_networks networks = { .ends = ends };
	size_t i;
	int r;

	nl_batch_reserve(&b, END_BATCH_SIZE);
	for (i = 0; i < ends->n; i++) {
		if (!end_has_veth(&ends->v[i]))
			continue;
		networks.who[b.n] = (unsigned)i;
		link_put_query(&b, ends->v[i].port_of, 0);
	}
	r = nl_run(nl, &b, end_take_network, &networks, e);
	for (i = 0; r >= 0 && i < ends->n; i++)
		if (end_has_veth(&ends->v[i]) && ends->v[i].bridge == 0)
			r = end_make_segment(nl, &ends->v[i], e);
	return r;
}

void end_gateway_link_local(const struct link_end *end, struct in6_addr *ret)
{
	if (end->routed)
		net_link_local_of(end->host_mac, ret);
	else
		*ret = route_gateway_link_local;
}

void ends_attachment(const struct link_ends *ends, struct net_attachment *ret)
{
	*ret = (struct net_attachment){ .v = { { .routed = false } } };
	for (size_t i = 0; i < ends->n; i++) {
		if (!end_has_veth(&ends->v[i]))
			continue;
		(void)snprintf(ret->v[i].host_interface, sizeof(ret->v[i].host_interface), "%s",
			       ends->v[i].name);
		ret->v[i].routed = ends->v[i].routed;
		ret->v[i].segment = ends->v[i].segment;
	}
}

const struct link_end *ends_default(const struct link_ends *ends, int family)
{
	for (size_t i = 0; i < ends->n; i++) {
		const struct link_end *end = &ends->v[i];
		const struct net_network *n = end->wanted ? end->wanted->network : NULL;

		if (!n || n->internal)
			continue;
		if (family == AF_INET ? end->use4 && n->gateway4.s_addr != 0
				      : end->use6 && !IN6_IS_ADDR_UNSPECIFIED(&n->gateway6))
			return end;
	}
	return NULL;
}

/* ---- the names of its links ---- */

static void end_alias(const struct link_end *end, char ret[static LINK_ALIAS_MAX])
{
	(void)snprintf(ret, LINK_ALIAS_MAX, LINK_ALIAS_PREFIX "%s", end->instance);
}

void end_put_alias(struct nl_batch *b, const struct link_end *end, const char *name)
{
	char alias[LINK_ALIAS_MAX];

	end_alias(end, alias);
	(void)nl_begin(b, RTM_NEWLINK, NLM_F_ACK, sizeof(struct ifinfomsg), "set alias");
	nl_put_str(b, IFLA_IFNAME, name);
	nl_put_str(b, IFLA_IFALIAS, alias);
}

int end_clear_leftover(struct nl *nl, const struct link_end *end, const struct link_state *holder,
		       struct err *e)
{
	char alias[LINK_ALIAS_MAX];
	int r;

	end_alias(end, alias);
	if (!link_is_ours(holder->name) || !str_eq(holder->alias, alias))
		return 0;
	r = link_delete(nl, holder->index, e);
	return r < 0 ? r : 1;
}

int end_make_room(struct nl *nl, const struct link_end *end, const char *name, struct err *e)
{
	struct link_state holder = { .index = 0 };
	int r;

	if (link_index(nl, name) == 0)
		return 0;
	r = link_get(nl, name, 0, &holder, e);
	if (r < 0 || holder.index == 0)
		return r;
	r = end_clear_leftover(nl, end, &holder, e);
	if (r != 0)
		return r < 0 ? r : 0;
	err_set(e, EEXIST, "the host has an interface %s already (alias \"%s\")", name,
		holder.alias);
	return err_hint(e, "if it belongs to no instance, remove it: ip link del %s", name);
}

/* ---- how the host reaches it ---- */

/* By which interface of the host. */
static unsigned end_way(const struct link_end *end)
{
	return end->routed ? end->index : end->bridge;
}

/* Return: false: the network's own route leads to it. ret_own: it is to this address alone. */
static bool end_route(const struct link_end *end, int family, struct segment_slice *slice,
		      struct route *ret, bool *ret_own)
{
	bool needed =
		segment_route(end->wanted, end->segment, family, end_way(end), slice, ret, ret_own);

	if (!end->routed)
		return needed;
	ret->to = family == AF_INET ? (const void *)&end->wanted->address4 : &end->wanted->address6;
	ret->prefix = family == AF_INET ? 32 : 128;
	*ret_own = true;
	return true;
}

static void end_put_family(struct nl_batch *b, const struct link_end *end, int family,
			   const void *address)
{
	struct segment_slice slice;
	struct route route;
	bool own;

	route_put_neighbour(b, end_way(end), family, address, end->mac);
	if (end_route(end, family, &slice, &route, &own))
		route_put(b, &route);
}

void end_put_reach(struct nl_batch *b, const struct link_end *end)
{
	const struct net_interface *i = end->wanted;
	struct in6_addr gateway;

	if (end->use4)
		end_put_family(b, end, AF_INET, &i->address4);
	if (!end->use6)
		return;
	if (end->routed) {
		end_gateway_link_local(end, &gateway);
		route_put_link_local_address(b, end->index, &gateway);
		route_put(b, &(struct route){ .family = AF_INET6,
					      .index = end->index,
					      .to = &end->link_local,
					      .prefix = 128 });
	}
	end_put_family(b, end, AF_INET6, &i->address6);
	route_put_neighbour(b, end_way(end), AF_INET6, &end->link_local, end->mac);
}

/* Routes to slices stay, as the bridges do. */
static void end_put_no_family(struct nl_batch *b, const struct link_end *end, int family,
			      const void *address)
{
	struct segment_slice slice;
	struct route route;
	bool own;

	if (end_route(end, family, &slice, &route, &own) && own)
		route_put_none(b, &route);
	route_put_no_neighbour(b, end_way(end), family, address);
}

void end_put_no_reach(struct nl_batch *b, const struct link_end *end)
{
	const struct net_interface *i = end->wanted;

	/* With the interface went all this. */
	if (end_way(end) == 0)
		return;
	if (i->address4.s_addr != 0)
		end_put_no_family(b, end, AF_INET, &i->address4);
	if (IN6_IS_ADDR_UNSPECIFIED(&i->address6))
		return;
	end_put_no_family(b, end, AF_INET6, &i->address6);
	route_put_no_neighbour(b, end_way(end), AF_INET6, &end->link_local);
}

int end_unreach(struct nl *nl, const struct link_end *end, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;

	nl_batch_reserve(&b, END_BATCH_SIZE);
	end_put_no_reach(&b, end);
	return nl_run(nl, &b, NULL, NULL, e);
}
