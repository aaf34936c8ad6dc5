/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that is left of instances which died without having been detached. Links tell their owner by
 * their alias, elements by their comment; neighbour entries have no such mark, so they go by the
 * addresses that the elements had. Lists, so for gc only.
 */
#include "netsetup/network.h"

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "base/str.h"
#include "netsetup/conntrack_priv.h"
#include "netsetup/link_priv.h"
#include "netsetup/nft_priv.h"
#include "netsetup/route_priv.h"

#define GC_DUMPS 4
#define GC_BATCH_SIZE 1024

struct gc_address {
	uint8_t family;
	uint8_t bytes[16]; /* zeros behind those of IPv4 */
};

struct gc_neighbour {
	struct gc_address address;
	unsigned index;
};

struct gc {
	struct nl route, nft;
	struct gc_address *dead;
	size_t n_dead, room_dead;
	struct gc_neighbour *neighbours; /* of dead addresses */
	size_t n_neighbours, room_neighbours;
};

static void gc_free(struct gc *gc)
{
	nl_close(&gc->route);
	nl_close(&gc->nft);
	free(gc->dead);
	free(gc->neighbours);
}

static bool gc_is_dead(const char *text, net_alive_fn *alive, void *arg)
{
	struct err ignored = ERR_INIT;
	struct jail_name name;

	/* What can't be a name is nobody's. */
	return name_parse("instance", text, &name, &ignored) < 0 || !alive(&name, arg);
}

/* ---- links ---- */

static int gc_links(struct gc *gc, const char *kind, net_alive_fn *alive, void *arg, struct err *e)
{
	const size_t prefix = sizeof(LINK_ALIAS_PREFIX) - 1;
	CLEANUP_FREE struct link_state *links = NULL;
	size_t n = 0, i;
	int r;

	r = link_list(&gc->route, kind, &links, &n, e);
	for (i = 0; r >= 0 && i < n; i++)
		/* A kernel that doesn't know the kind lists all links. */
		if (str_eq(links[i].kind, kind) && link_is_ours(links[i].name) &&
		    str_starts(links[i].alias, LINK_ALIAS_PREFIX) &&
		    gc_is_dead(links[i].alias + prefix, alive, arg))
			r = link_delete(&gc->route, links[i].index, e);
	return r;
}

/* ---- addresses ---- */

static struct gc_address gc_address_of(uint8_t family, const void *address)
{
	struct gc_address a = { .family = family };

	memcpy(a.bytes, address, family == AF_INET ? 4 : 16);
	return a;
}

static int gc_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct gc_address));
}

static int gc_keep_dead(uint8_t family, const void *address, void *arg, struct err *e)
{
	struct gc *gc = arg;

	if (gc->n_dead == gc->room_dead) {
		size_t room = gc->room_dead ? 2 * gc->room_dead : 64;
		struct gc_address *dead = reallocarray(gc->dead, room, sizeof(*dead));

		if (!dead)
			return err_nomem(e);
		gc->dead = dead;
		gc->room_dead = room;
	}
	gc->dead[gc->n_dead++] = gc_address_of(family, address);
	return 0;
}

static int gc_take_destination(const struct nlattr *attr, void *arg)
{
	const struct nlattr **to = arg;

	if (mnl_attr_get_type(attr) == NDA_DST)
		*to = attr;
	return MNL_CB_OK;
}

static int gc_take_neighbour(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *to = NULL;
	struct gc *gc = arg;
	struct gc_address address;

	(void)index;
	if (nlh->nlmsg_type != RTM_NEWNEIGH || !(nd->ndm_state & NUD_PERMANENT))
		return 0;
	(void)mnl_attr_parse(nlh, sizeof(*nd), gc_take_destination, &to);
	if (!to || mnl_attr_get_payload_len(to) != (nd->ndm_family == AF_INET ? 4 : 16))
		return 0;
	address = gc_address_of(nd->ndm_family, mnl_attr_get_payload(to));
	if (!bsearch(&address, gc->dead, gc->n_dead, sizeof(address), gc_compare))
		return 0;
	if (gc->n_neighbours == gc->room_neighbours) {
		size_t room = gc->room_neighbours ? 2 * gc->room_neighbours : 64;
		struct gc_neighbour *v = reallocarray(gc->neighbours, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		gc->neighbours = v;
		gc->room_neighbours = room;
	}
	gc->neighbours[gc->n_neighbours++] =
		(struct gc_neighbour){ .address = address, .index = (unsigned)nd->ndm_ifindex };
	return 0;
}

static int gc_list_neighbours(struct gc *gc, uint8_t family, struct err *e)
{
	const size_t before = gc->n_neighbours;
	struct err why = ERR_INIT;
	int r = -EINTR;

	for (int attempt = 0; attempt < GC_DUMPS && r == -EINTR; attempt++) {
		CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
		struct ndmsg *nd;

		why = ERR_INIT;
		gc->n_neighbours = before;
		nl_batch_reserve(&b, GC_BATCH_SIZE);
		nd = nl_begin(&b, RTM_GETNEIGH, NLM_F_DUMP, sizeof(*nd), "list neighbours");
		nl_allow(&b, link_no_family);
		nd->ndm_family = family;
		r = nl_run(&gc->route, &b, gc_take_neighbour, gc, &why);
	}
	if (r < 0 && r != -EINTR) {
		*e = why;
		return r;
	}
	return 0;
}

/* Only where the interface is ours: an address can be that of somebody else's neighbour as well. */
static int gc_delete_neighbours(struct gc *gc, struct err *e)
{
	struct link_state link = { .index = 0 };
	int r = 0;

	for (size_t i = 0; r >= 0 && i < gc->n_neighbours; i++) {
		CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
		const struct gc_neighbour *n = &gc->neighbours[i];

		if (link.index != n->index)
			r = link_get(&gc->route, NULL, n->index, &link, e);
		if (r < 0 || link.group != NET_GROUP)
			continue;
		nl_batch_reserve(&b, GC_BATCH_SIZE);
		route_put_unreach(&b, n->index, n->address.family, n->address.bytes);
		r = nl_run(&gc->route, &b, NULL, NULL, e);
	}
	return r;
}

static int gc_addresses(struct gc *gc, struct err *e)
{
	int r;

	if (gc->n_dead == 0)
		return 0;
	qsort(gc->dead, gc->n_dead, sizeof(*gc->dead), gc_compare);
	r = gc_list_neighbours(gc, AF_INET, e);
	if (r >= 0)
		r = gc_list_neighbours(gc, AF_INET6, e);
	if (r >= 0)
		r = gc_delete_neighbours(gc, e);
	for (size_t i = 0; r >= 0 && i < gc->n_dead; i++)
		r = conntrack_forget(&gc->nft, gc->dead[i].family, gc->dead[i].bytes, e);
	return r;
}

int net_gc(net_alive_fn *alive, void *arg, struct err *e)
{
	CLEANUP(gc_free) struct gc gc = { .route = NL_INIT, .nft = NL_INIT };
	int r;

	r = nl_open(NETLINK_ROUTE, &gc.route, e);
	if (r >= 0)
		r = nft_socket_take(&gc.nft, e);
	if (r >= 0)
		r = gc_links(&gc, "veth", alive, arg, e);
	if (r >= 0)
		r = gc_links(&gc, "ifb", alive, arg, e);
	if (r >= 0)
		r = nft_gc(&gc.nft, alive, arg, gc_keep_dead, &gc, e);
	if (r >= 0)
		r = gc_addresses(&gc, e);
	return r < 0 ? err_wrap(e, "collect dead network parts") : 0;
}
