/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What remains of an instance that is gone: its elements in the table, its neighbour entry on the
 * bridge, its flows in conntrack; the veth went with the namespace, or goes now. The same for one
 * instance that ends (net_detach: keys are computed, nothing is listed) and for all that are dead
 * without having been detached (net_gc: elements and links are listed and tell their owner).
 *
 * Both must run before the leases are given back, else the next holder of the address would inherit
 * what is left.
 */
#include "netsetup/network.h"

#include "netsetup/attach_priv.h"
#include "netsetup/conntrack_priv.h"
#include "netsetup/nft_priv.h"
#include "netsetup/sweep_priv.h"

struct detach {
	struct nl route, nft;
};
#define DETACH_INIT                                                                                \
	{                                                                                          \
		.route = NL_INIT, .nft = NL_INIT                                                   \
	}

static void detach_close(struct detach *d)
{
	nl_close(&d->route);
	nl_close(&d->nft);
}

static int detach_open(struct detach *d, struct err *e)
{
	int r = nl_open(NETLINK_ROUTE, &d->route, e);

	return r < 0 ? r : nft_socket_take(&d->nft, e);
}

/* Neighbour entry and flows. */
static int detach_address(struct detach *d, struct in_addr address, struct err *e)
{
	unsigned bridge;
	int r;

	r = link_route_index(&d->route, address, &bridge, e);
	if (r >= 0 && bridge != 0)
		r = link_neighbour_delete(&d->route, bridge, address, e);
	return r < 0 ? r : conntrack_forget(&d->nft, address, e);
}

/* The state file could be damaged; no other interface may be deleted for it. */
static bool detach_is_ours(const char *interface)
{
	return strnlen(interface, 16) == 14 && interface[0] == 'v' && interface[1] == 'e' &&
	       strspn(interface + 2, "0123456789abcdef") == 12;
}

int net_detach(const struct jail_name *instance, const struct net_attachment *a,
	       const struct net_port *ports, size_t n_ports, struct err *e)
{
	CLEANUP_FREE struct nft_element *els = NULL;
	CLEANUP(detach_close) struct detach d = DETACH_INIT;
	size_t n = 0;
	int r;

	if (attach_elements(a, ports, n_ports, &els, &n) < 0)
		return err_nomem(e);
	r = detach_open(&d, e);
	if (r >= 0)
		r = nft_elements_delete(&d.nft, els, n, e);
	if (r >= 0)
		r = detach_address(&d, a->address, e);
	if (d.nft.fd >= 0)
		sweep_start(&d.route, &d.nft,
			    detach_is_ours(a->host_interface) ? a->host_interface : NULL);
	return r < 0 ? err_wrap(e, "detach network of %s", instance->s) : 0;
}

static bool gc_is_dead(const char *text, net_alive_fn *alive, void *arg)
{
	struct err ignored = ERR_INIT;
	struct jail_name name;

	/* What can't be a name is nobody's. */
	return name_parse("instance", text, &name, &ignored) < 0 || !alive(&name, arg);
}

/* Picks the elements of dead instances. Neighbours in the list often have the same owner. */
static size_t gc_pick_dead(const struct nft_found *found, size_t n, struct nft_element *ret,
			   net_alive_fn *alive, void *arg)
{
	const char *last = NULL;
	bool dead = false;
	size_t i, n_dead = 0;

	for (i = 0; i < n; i++) {
		if (found[i].element.set == NFT_SET_BRIDGES)
			continue;
		if (!last || strcmp(found[i].comment, last) != 0)
			dead = gc_is_dead(found[i].comment, alive, arg);
		last = found[i].comment;
		if (dead)
			ret[n_dead++] = found[i].element;
	}
	return n_dead;
}

static int gc_elements(struct detach *d, net_alive_fn *alive, void *arg, struct err *e)
{
	CLEANUP_FREE struct nft_found *found = NULL;
	CLEANUP_FREE struct nft_element *dead = NULL;
	size_t n = 0, n_dead, i;
	int r;

	r = nft_elements_list(&d->nft, &found, &n, e);
	if (r < 0 || n == 0)
		return r;
	dead = calloc(n, sizeof(*dead));
	if (!dead)
		return err_nomem(e);
	n_dead = gc_pick_dead(found, n, dead, alive, arg);
	if (n_dead > 0)
		r = nft_elements_delete(&d->nft, dead, n_dead, e);
	for (i = 0; r >= 0 && i < n_dead; i++)
		if (dead[i].set == NFT_SET_ADDRESSES)
			r = detach_address(d, nft_element_get_address(&dead[i]), e);
	return r;
}

static int gc_links(struct detach *d, net_alive_fn *alive, void *arg, struct err *e)
{
	CLEANUP_FREE struct link_found *found = NULL;
	size_t n = 0, i;
	int r;

	r = link_list_veths(&d->route, &found, &n, e);
	for (i = 0; r >= 0 && i < n; i++)
		if (gc_is_dead(found[i].instance, alive, arg))
			r = link_delete(&d->route, found[i].name, e);
	return r;
}

int net_gc(net_alive_fn *alive, void *arg, struct err *e)
{
	CLEANUP(detach_close) struct detach d = DETACH_INIT;
	int r;

	r = detach_open(&d, e);
	if (r >= 0)
		r = gc_elements(&d, alive, arg, e);
	if (r >= 0)
		r = gc_links(&d, alive, arg, e);
	return r < 0 ? err_wrap(e, "collect dead network parts") : 0;
}
