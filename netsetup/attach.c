/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An instance joins its networks. The order of net_attach: for each interface the pair and the
 * host's end (3 exchanges), the inside of all (1 exchange through a socket of that namespace), a
 * look at the host's ends, and the table's elements (1 transaction). Each exchange is one
 * sendmsg(2) with the same messages whatever the number of other instances.
 *
 * The elements come last and in one transaction, so on failure only links and neighbour entries are
 * to be undone. The same steps, repeated, put back what somebody took away.
 */
#include "netsetup/network.h"

#include "base/rollback.h"
#include "netsetup/attach_priv.h"
#include "netsetup/nft_priv.h"

int attach_make(struct nl *nl, struct link_end *end, int netns_fd, struct err *e)
{
	int r;

	if (!end_has_veth(end)) {
		r = shape_set(nl, end, NULL, e);
		return r < 0 ? r : macvlan_create(nl, end, netns_fd, e);
	}
	r = veth_create(nl, end, netns_fd, e);
	if (r >= 0)
		r = veth_setup(nl, end, e);
	if (r >= 0)
		r = shape_set(nl, end, NULL, e);
	return r;
}

int attach_remove(struct nl *nl, struct link_end *end, int netns_fd, struct err *e)
{
	unsigned shaper = link_index(nl, end->shaper);
	int r = 0;

	if (!end_has_veth(end))
		return macvlan_remove(nl, end, netns_fd, e);
	if (end->index)
		r = end_unreach(nl, end, e);
	if (r >= 0 && end->index)
		r = link_delete(nl, end->index, e);
	if (r >= 0 && shaper)
		r = link_delete(nl, shaper, e);
	end->index = 0;
	return r;
}

struct attach_undo {
	struct nl *nl;
	struct link_ends *ends;
	int netns_fd;
	size_t n; /* that were begun */
};

static void attach_undo(void *arg)
{
	struct attach_undo *undo = arg;

	for (size_t i = 0; i < undo->n; i++) {
		struct err ignored = ERR_INIT;

		if (undo->ends->v[i].wanted)
			(void)attach_remove(undo->nl, &undo->ends->v[i], undo->netns_fd, &ignored);
	}
}

static int attach_elements(const struct net_plan *plan, const struct net_attachment *a,
			   struct err *e)
{
	struct nl *nft;
	int r = nft_socket(&nft, e);

	return r < 0 ? r : nft_instance_add(nft, plan, a, e);
}

static bool attach_has(const struct link_ends *ends, bool veth)
{
	for (size_t i = 0; i < ends->n; i++)
		if (ends->v[i].wanted && end_has_veth(&ends->v[i]) == veth)
			return true;
	return false;
}

static int attach_links(struct attach_undo *undo, struct err *e)
{
	struct link_ends *ends = undo->ends;
	size_t i;
	int r = 0;

	for (i = 0; r >= 0 && i < ends->n; i++) {
		undo->n = i + 1;
		if (ends->v[i].wanted)
			r = attach_make(undo->nl, &ends->v[i], undo->netns_fd, e);
	}
	if (r >= 0)
		r = inside_setup(undo->nl, ends, undo->netns_fd, ~0u, false, e);
	for (i = 0; r >= 0 && i < ends->n; i++)
		if (end_has_veth(&ends->v[i]))
			r = veth_settle(undo->nl, &ends->v[i], e);
	return r;
}

static int attach_all(const struct net_plan *plan, int netns_fd, struct nl *nl,
		      struct net_attachment *ret, struct err *e)
{
	struct link_ends ends;
	struct attach_undo undo = { .nl = nl, .ends = &ends, .netns_fd = netns_fd };
	CLEANUP_ROLLBACK struct rollback rollback = ROLLBACK_INIT;
	int r;

	ends_plan(plan, NULL, &ends);
	r = ends_find_networks(nl, &ends, e);
	if (r >= 0 && attach_has(&ends, false))
		r = macvlan_mark(nl, plan->id, netns_fd, e);
	if (r < 0)
		return r;
	rollback_push(&rollback, attach_undo, &undo);
	r = attach_links(&undo, e);
	if (r < 0)
		return r;
	ends_attachment(&ends, ret);
	if (attach_has(&ends, true))
		r = attach_elements(plan, ret, e);
	if (r >= 0)
		rollback_commit(&rollback);
	return r;
}

int net_attach(const struct net_plan *plan, int netns_fd, struct net_attachment *ret, struct err *e)
{
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	struct net_attachment a;
	int r;

	r = nl_open(NETLINK_ROUTE, &nl, e);
	if (r >= 0)
		r = ends_check(plan, e);
	if (r >= 0)
		r = attach_all(plan, netns_fd, &nl, &a, e);
	if (r < 0)
		return err_wrap(e, "network of %s", plan->instance->s);
	*ret = a;
	return 0;
}

/* ---- putting back ---- */

static int restore_end(struct nl *nl, struct link_end *end, struct err *e)
{
	bool routed = end->routed;
	int r;

	end->index = link_index(nl, end->name);
	if (end->index == 0) {
		err_set(e, ENODEV, "%s: its host interface %s is gone", end->inside, end->name);
		return err_hint(e, "stop the instance and start it again");
	}
	r = veth_setup(nl, end, e);
	if (r >= 0 && end->routed != routed)
		r = err_set(e, EXFULL, "%s: interface %s has no room for its port any more",
			    end->inside, end->port_of);
	return r;
}

/* What is lost of one interface keeps nothing from the others. */
static int restore_links(struct nl *nl, struct link_ends *ends, struct err *e)
{
	int r = ends_find_networks(nl, ends, e);

	for (size_t i = 0; r >= 0 && i < ends->n; i++) {
		struct err why = ERR_INIT;

		if (!end_has_veth(&ends->v[i]) || restore_end(nl, &ends->v[i], &why) >= 0)
			continue;
		if (e->code == 0)
			*e = why;
	}
	return -e->code;
}

int net_restore(const struct net_plan *plan, const struct net_attachment *a, struct err *e)
{
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	struct link_ends ends;
	struct err links = ERR_INIT;
	int r;

	ends_plan(plan, a, &ends);
	if (!attach_has(&ends, true))
		return 0;
	if (nl_open(NETLINK_ROUTE, &nl, &links) >= 0)
		(void)restore_links(&nl, &ends, &links);
	r = attach_elements(plan, a, e);
	if (r >= 0 && links.code) {
		*e = links;
		r = -links.code;
	}
	return r < 0 ? err_wrap(e, "restore network of %s", plan->instance->s) : 0;
}
