/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A running instance changes. Interfaces are told apart by their number:
 *
 *     made          there was none
 *     removed       there is to be none
 *     replaced      another network, or another way of being on it: removed and made
 *     readdressed   other addresses on the same network
 *     reshaped      other rates
 *
 * The order: links and the inside, then the table's transaction, then what can't be taken back:
 * links that are removed, flows. When a step fails, the same steps lead back, from the new plan to
 * the old one.
 */
#include "netsetup/network.h"

#include "base/str.h"
#include "netsetup/attach_priv.h"
#include "netsetup/detach_priv.h"
#include "netsetup/nft_priv.h"
#include "netsetup/sweep_priv.h"

struct change {
	struct nl *route;
	int netns_fd;
	struct link_ends from, to;
	unsigned made, removed, replaced, readdressed, reshaped; /* bit N: ethN */
	bool defaults; /* default routes lead by other interfaces */
};

static bool change_same_network(const struct net_interface *a, const struct net_interface *b)
{
	return str_eq(a->network->name.s, b->network->name.s) &&
	       str_eq(a->network->interface, b->network->interface) &&
	       str_eq(a->network->uplink, b->network->uplink) &&
	       a->network->mode == b->network->mode && a->routed == b->routed;
}

static bool change_same_addresses(const struct net_interface *a, const struct net_interface *b)
{
	return a->address4.s_addr == b->address4.s_addr &&
	       IN6_ARE_ADDR_EQUAL(&a->address6, &b->address6);
}

static bool change_same_rate(const struct net_rate *a, const struct net_rate *b)
{
	return a->bits_per_second == b->bits_per_second && a->burst_bytes == b->burst_bytes;
}

static void change_judge(struct change *c, unsigned i)
{
	struct link_end *from = &c->from.v[i], *to = &c->to.v[i];
	const struct net_interface *had = from->wanted, *wanted = to->wanted;
	const unsigned bit = 1u << i;

	if (from->wanted)
		from->index = link_index(c->route, from->name);
	if (!had && !wanted)
		return;
	if (!had) {
		c->made |= bit;
	} else if (!wanted) {
		c->removed |= bit;
	} else if (!change_same_network(had, wanted)) {
		c->replaced |= bit;
	} else {
		to->index = from->index;
		to->routed = from->routed; /* also when the bridge was full */
		if (!change_same_addresses(had, wanted))
			c->readdressed |= bit;
		if (!change_same_rate(&had->ingress, &wanted->ingress) ||
		    !change_same_rate(&had->egress, &wanted->egress))
			c->reshaped |= bit;
	}
}

static bool change_same_default(const struct change *c, int family)
{
	const struct link_end *had = ends_default(&c->from, family);
	const struct link_end *wanted = ends_default(&c->to, family);

	return had && wanted ? had->number == wanted->number : had == wanted;
}

/* An address that belongs to another of the network's bridges is no reason for another link. */
static void change_keep_segments(struct change *c)
{
	for (unsigned i = 0; i < NET_INTERFACES_MAX; i++) {
		const struct link_end *from = &c->from.v[i];
		struct link_end *to = &c->to.v[i];

		if (!from->wanted || !to->wanted || !change_same_network(from->wanted, to->wanted))
			continue;
		to->segment = from->segment;
		memcpy(to->port_of, from->port_of, sizeof(to->port_of));
	}
}

static int change_plan(struct change *c, const struct net_plan *from, const struct net_plan *to,
		       const struct net_attachment *a, struct err *e)
{
	int r;

	ends_plan(from, a, &c->from);
	ends_plan(to, NULL, &c->to);
	change_keep_segments(c);
	r = ends_find_networks(c->route, &c->from, e);
	if (r >= 0)
		r = ends_find_networks(c->route, &c->to, e);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < NET_INTERFACES_MAX; i++)
		change_judge(c, i);
	c->defaults = !change_same_default(c, AF_INET) || !change_same_default(c, AF_INET6);
	return 0;
}

/* ---- links ---- */

static int change_readdress_host(struct change *c, unsigned i, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;

	if (!end_has_veth(&c->to.v[i]))
		return 0;
	nl_batch_reserve(&b, 2 * END_BATCH_SIZE);
	end_put_no_reach(&b, &c->from.v[i]);
	end_put_reach(&b, &c->to.v[i]);
	return nl_run(c->route, &b, NULL, NULL, e);
}

static int change_end(struct change *c, unsigned i, struct err *e)
{
	const unsigned bit = 1u << i;
	int r = 0;

	if (c->replaced & bit)
		r = attach_remove(c->route, &c->from.v[i], c->netns_fd, e);
	if (r >= 0 && ((c->made | c->replaced) & bit))
		r = attach_make(c->route, &c->to.v[i], c->netns_fd, e);
	if (r >= 0 && (c->readdressed & bit))
		r = change_readdress_host(c, i, e);
	if (r >= 0 && (c->reshaped & bit))
		r = shape_set(c->route, &c->to.v[i], c->from.v[i].wanted, e);
	return r < 0 ? err_wrap(e, "eth%u", i) : 0;
}

static int change_inside(struct change *c, struct err *e)
{
	const unsigned new = c->made | c->replaced;
	const unsigned which = new | c->readdressed;
	int r = 0;

	if (c->readdressed)
		r = inside_clear(c->route, &c->from, c->netns_fd, c->readdressed, e);
	if (r >= 0 && (which || c->defaults))
		r = inside_setup(c->route, &c->to, c->netns_fd, which, c->defaults, e);
	for (unsigned i = 0; r >= 0 && i < NET_INTERFACES_MAX; i++)
		if ((new & 1u << i) && end_has_veth(&c->to.v[i]))
			r = veth_settle(c->route, &c->to.v[i], e);
	return r;
}

static int change_links(struct change *c, struct err *e)
{
	int r = 0;

	for (unsigned i = 0; r >= 0 && i < NET_INTERFACES_MAX; i++)
		r = change_end(c, i, e);
	return r < 0 ? r : change_inside(c, e);
}

/* The way back. Nothing stops it; what could not be changed back is told. */
static void change_back(struct change *c, const char *instance)
{
	struct change back = *c;
	struct err why = ERR_INIT, step;
	unsigned i;

	back.from = c->to;
	back.to = c->from;
	back.made = 0;
	for (i = 0; i < NET_INTERFACES_MAX; i++) {
		step = ERR_INIT;
		if ((c->made & 1u << i) &&
		    attach_remove(c->route, &back.from.v[i], c->netns_fd, &step) < 0)
			why = step;
		step = ERR_INIT;
		if (change_end(&back, i, &step) < 0)
			why = step;
	}
	step = ERR_INIT;
	if (change_inside(&back, &step) < 0)
		why = step;
	if (why.code)
		warn("network of %s: not all could be changed back: %s", instance, why.text);
}

/* ---- what can't be taken back ---- */

/* By fields: what is between them may be anything. Behind an IPv4 address are zeros. */
static bool change_same_port(const struct net_port *a, const struct net_port *b)
{
	return a->family == b->family &&
	       IN6_ARE_ADDR_EQUAL(&a->host_address.v6, &b->host_address.v6) &&
	       a->host_port == b->host_port && a->port == b->port && a->count == b->count &&
	       a->protocol == b->protocol;
}

static bool change_same_rule(const struct net_rule *a, const struct net_rule *b)
{
	return a->allow == b->allow && a->out == b->out && a->protocol == b->protocol &&
	       a->first == b->first && a->last == b->last && a->peer == b->peer &&
	       a->family == b->family && a->prefix == b->prefix &&
	       IN6_ARE_ADDR_EQUAL(&a->address.v6, &b->address.v6) && a->group == b->group;
}

static bool change_same_filter(const struct net_plan *a, const struct net_plan *b)
{
	size_t i;

	if (a->n_ports != b->n_ports || a->n_rules != b->n_rules)
		return false;
	for (i = 0; i < a->n_ports; i++)
		if (!change_same_port(&a->ports[i], &b->ports[i]))
			return false;
	for (i = 0; i < a->n_rules; i++)
		if (!change_same_rule(&a->rules[i], &b->rules[i]))
			return false;
	return true;
}

static int change_finish(struct change *c, bool forget_all, struct err *e)
{
	CLEANUP(detach_close) struct detach d = DETACH_INIT;
	int r;

	r = nl_open(NETLINK_ROUTE, &d.route, e);
	if (r >= 0)
		r = nft_socket_take(&d.nft, e);
	for (unsigned i = 0; r >= 0 && i < NET_INTERFACES_MAX; i++) {
		const unsigned bit = 1u << i;
		struct link_end *from = &c->from.v[i];

		if ((c->removed & bit) && !end_has_veth(from))
			r = macvlan_remove(&d.route, from, c->netns_fd, e);
		else if (c->removed & bit)
			r = detach_end(&d, from, e);
		else if (from->wanted && (forget_all || ((c->replaced | c->readdressed) & bit)))
			r = detach_flows(&d.nft, from, e);
	}
	if (d.n_links)
		sweep_start(&d.route, &d.nft, d.links, d.n_links);
	else if (d.nft.fd >= 0)
		net_socket_give(TAKE_FD(d.nft.fd));
	return r;
}

static int change_all(struct change *c, const struct net_plan *from, const struct net_plan *to,
		      struct net_attachment *a, struct err *e)
{
	struct err left = ERR_INIT;
	struct net_attachment ta;
	struct nl *nft;
	int r;

	r = change_links(c, e);
	ends_attachment(&c->to, &ta);
	if (r >= 0)
		r = nft_socket(&nft, e);
	if (r >= 0)
		r = nft_instance_change(nft, from, a, to, &ta, e);
	if (r < 0) {
		change_back(c, to->instance->s);
		return r;
	}
	*a = ta;
	/* From here on there is no way back; gc finds what is left. */
	if (change_finish(c, !change_same_filter(from, to), &left) < 0)
		warn("network of %s: changed, but not all of before is gone: %s", to->instance->s,
		     left.text);
	return 0;
}

int net_change(const struct net_plan *from, const struct net_plan *to, int netns_fd,
	       struct net_attachment *a, struct err *e)
{
	CLEANUP(nl_close) struct nl route = NL_INIT;
	struct change c = { .route = &route, .netns_fd = netns_fd };
	int r;

	r = nl_open(NETLINK_ROUTE, &route, e);
	if (r >= 0)
		r = ends_check(to, e);
	if (r >= 0)
		r = change_plan(&c, from, to, a, e);
	if (r >= 0)
		r = change_all(&c, from, to, a, e);
	return r < 0 ? err_wrap(e, "change network of %s", to->instance->s) : 0;
}
