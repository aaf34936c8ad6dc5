/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An instance leaves: its elements in the table, neighbour entries and routes on the host, its
 * flows in conntrack; the veth went with the namespace, or goes now, and the shaper with it. Keys
 * and names are computed, nothing is listed (gc.c does, for those that nobody detached).
 *
 * It must run before the leases are given back, else the next holder of the address would inherit
 * what is left. Routes are therefore deleted here, though they would go with the veth: that can
 * take its time.
 */
#include "netsetup/detach_priv.h"

#include "netsetup/conntrack_priv.h"
#include "netsetup/nft_priv.h"
#include "netsetup/sweep_priv.h"

void detach_close(struct detach *d)
{
	nl_close(&d->route);
	nl_close(&d->nft);
}

int detach_flows(struct nl *nft, const struct link_end *end, struct err *e)
{
	const struct net_interface *i = end->wanted;
	int r = 0;

	if (i->address4.s_addr != 0)
		r = conntrack_forget(nft, AF_INET, &i->address4, e);
	if (r >= 0 && !IN6_IS_ADDR_UNSPECIFIED(&i->address6))
		r = conntrack_forget(nft, AF_INET6, &i->address6, e);
	return r;
}

int detach_end(struct detach *d, struct link_end *end, struct err *e)
{
	unsigned shaper = link_index(&d->route, end->shaper);
	int r;

	if (!end_has_veth(end))
		return macvlan_delete(&d->route, end, e);
	end->index = link_index(&d->route, end->name);
	end->bridge = link_index(&d->route, end->port_of);
	if (end->index)
		d->links[d->n_links++] = end->index;
	if (shaper)
		d->links[d->n_links++] = shaper;
	r = end_unreach(&d->route, end, e);
	return r < 0 ? r : detach_flows(&d->nft, end, e);
}

int net_detach(const struct net_plan *plan, const struct net_attachment *a, struct err *e)
{
	CLEANUP(detach_close) struct detach d = DETACH_INIT;
	struct link_ends ends;
	int r;

	ends_plan(plan, a, &ends);
	r = nl_open(NETLINK_ROUTE, &d.route, e);
	if (r >= 0)
		r = nft_socket_take(&d.nft, e);
	if (r < 0)
		return err_wrap(e, "detach network of %s", plan->instance->s);
	r = nft_instance_delete(&d.nft, plan, a, e);
	for (size_t i = 0; i < ends.n; i++) {
		struct err why = ERR_INIT;

		/* The rest is taken down all the same. */
		if (!ends.v[i].wanted || detach_end(&d, &ends.v[i], &why) >= 0 || r < 0)
			continue;
		*e = why;
		r = -why.code;
	}
	sweep_start(&d.route, &d.nft, d.links, d.n_links);
	return r < 0 ? err_wrap(e, "detach network of %s", plan->instance->s) : 0;
}

int net_classes_read(const struct net_plan *plan, struct net_classes *ret, struct err *e)
{
	struct nl *nft;
	int r = nft_socket(&nft, e);

	if (r >= 0)
		r = nft_instance_classes(nft, plan, ret, e);
	return r < 0 ? err_wrap(e, "traffic of %s", plan->instance->s) : 0;
}
