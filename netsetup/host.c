/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's side that all instances share: each network's interface, forwarding, table. Each part
 * is asked for by name, in two exchanges without a dump, and made only when it is missing; several
 * starts at once may do so together.
 */
#include "netsetup/network.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>

#include "base/str.h"
#include "netsetup/host_priv.h"
#include "netsetup/link_priv.h"
#include "netsetup/nft_priv.h"
#include "netsetup/segment_priv.h"
#include "netsetup/sysctl_priv.h"

#define HOST_ATTEMPTS 8
#define HOST_LINKS_WAIT_MS 3000
#define HOST_LINKS_STEP_MS 20

/* Another interface with the same subnet would take the answers. */
static int host_check_conflict(const struct net_network *n, unsigned index,
			       const struct bridge_route *route, int family, struct err *e)
{
	const void *gateway = family == AF_INET ? (const void *)&n->gateway4 : &n->gateway6;
	unsigned prefix = family == AF_INET ? n->prefix4 : n->prefix6;
	char text[INET6_ADDRSTRLEN], other[IF_NAMESIZE] = "another link";

	if (route->index == 0 || route->index == index || route->prefix < prefix)
		return 0;
	(void)if_indextoname(route->index, other);
	/* Made by another start, between the questions about the interface and about the route. */
	if (str_eq(other, n->interface))
		return 0;
	(void)inet_ntop(family, gateway, text, sizeof(text));
	err_set(e, EADDRINUSE, "its subnet (%s/%u) is already that of %s", text, prefix, other);
	return err_hint(e, "choose another subnet for the instances");
}

static int host_check_conflicts(const struct net_network *n, const struct bridge_state *state,
				struct err *e)
{
	int r = 0;

	if (net_has4(n))
		r = host_check_conflict(n, state->link.index, &state->route4, AF_INET, e);
	if (r >= 0 && net_has6(n))
		r = host_check_conflict(n, state->link.index, &state->route6, AF_INET6, e);
	return r;
}

static int host_no_inet6(const struct net_network *n, struct err *e)
{
	if (net_has4(n)) {
		warn("network %s: this host has IPv6 turned off: its instances get IPv4 alone",
		     n->name.s);
		return 0;
	}
	err_set(e, EAFNOSUPPORT, "it has IPv6 alone, and this host has IPv6 turned off");
	return err_hint(e, "turn net.ipv6.conf.all.disable_ipv6 and "
			   "net.ipv6.conf.default.disable_ipv6 off, or give the network a subnet "
			   "of IPv4");
}

static int host_make_device(struct nl *nl, const struct net_network *n, struct bridge_state *state,
			    struct err *e)
{
	int r;

	r = host_check_conflicts(n, state, e);
	if (r >= 0 && state->link.index == 0)
		r = bridge_create(nl, n, e);
	if (r >= 0)
		r = bridge_query(nl, n, state, e);
	if (r < 0)
		return r;
	if (!str_eq(state->link.kind, "bridge"))
		return err_set(e, EEXIST, "%s is not a bridge", n->interface);
	r = sysctl_setup_network(n->interface, net_has6(n), e);
	if (r >= 0)
		r = bridge_query(nl, n, state, e);
	if (r >= 0 && net_has6(n) && !state->link.inet6)
		r = host_no_inet6(n, e);
	if (r < 0)
		return r;
	/* The kernel then changes the destination while the frame is still on the bridge, and sends
	 * it straight to the other port, which is isolated. Everything else works. */
	if (sysctl_bridge_filter())
		warn("network %s: net.bridge.bridge-nf-call-iptables is 1 on this host: instances "
		     "can't reach each other's published ports",
		     n->name.s);
	return bridge_up(nl, n, state->link.index, state->link.inet6, e);
}

static int host_forward(struct nl *nl, const struct net_network *n,
			const struct bridge_state *state, struct err *e)
{
	CLEANUP_FREE struct link_state *links = NULL;
	size_t n_links = 0;
	int r = 0;

	if (net_has4(n) && !state->forwarding4)
		r = sysctl_forward4(e);
	if (r < 0 || !net_has6(n) || !state->link.inet6 || state->forwarding6)
		return r;
	r = link_list(nl, NULL, &links, &n_links, e);
	return r < 0 ? r : sysctl_forward6(links, n_links, e);
}

/* Return: 1 it is, 0 something is missing, -errno. */
static int host_is_complete(const struct net_network *n, const struct bridge_state *s,
			    struct err *e)
{
	int usable;

	if (!str_eq(s->link.kind, "bridge") || !(s->link.flags & IFF_UP) ||
	    s->link.group != NET_GROUP || (n->mtu && n->mtu != s->link.mtu) ||
	    (net_has4(n) && !s->gateway4) || link_heeds_advertisements(&s->link))
		return 0;
	if (!net_has6(n))
		return 1;
	if (s->link.inet6)
		return s->gateway6;
	/* Nothing is missing when there can't be any. */
	usable = sysctl_inet6_usable(e);
	if (usable >= 0 && !usable && !net_has4(n))
		return host_no_inet6(n, e);
	return usable < 0 ? usable : !usable;
}

/* Return: 1 the interface was made or repaired. */
static int host_ensure_device(const struct net_network *n, struct err *e)
{
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	struct bridge_state state = { .forwarding4 = false };
	int r, complete = 0;

	r = nl_open(NETLINK_ROUTE, &nl, e);
	if (r >= 0)
		r = bridge_query(&nl, n, &state, e);
	if (r >= 0)
		r = complete = host_is_complete(n, &state, e);
	if (r == 0)
		r = host_make_device(&nl, n, &state, e);
	if (r >= 0)
		r = host_forward(&nl, n, &state, e);
	return r < 0 ? r : !complete;
}

/* Of macvlan: the other side is the uplink's network, which is not ours. */
static int host_check_uplink(const struct net_network *n, struct err *e)
{
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	struct link_state link = { .index = 0 };
	int r = nl_open(NETLINK_ROUTE, &nl, e);

	if (r >= 0)
		r = link_get(&nl, n->uplink, 0, &link, e);
	if (r < 0)
		return r;
	if (link.index == 0) {
		err_set(e, ENODEV, "its uplink %s does not exist", n->uplink);
		return err_hint(e, "`ip link` lists the interfaces of this host");
	}
	if (!(link.flags & IFF_UP)) {
		err_set(e, ENETDOWN, "its uplink %s is down", n->uplink);
		return err_hint(e, "bring it up: ip link set %s up", n->uplink);
	}
	return 0;
}

/* Adds the elements of those that have none, which are new: nobody's elements are to be restored
 * because their interface was made just now. */
static int host_add_networks(struct nl *nl, const struct net_network *networks, size_t n,
			     bool *made, struct err *e)
{
	uint64_t handle;
	size_t i;
	int r = 0;

	for (i = 0; r >= 0 && i < n; i++) {
		r = nft_table_query(nl, &networks[i], 1, &handle, e);
		if (r != NFT_TABLE_NO_NETWORK)
			continue;
		r = nft_network_add(nl, &networks[i], e);
		made[i] = false;
	}
	return r;
}

/* Return: 1 the table is new. */
static int host_ensure_table(const struct net_network *networks, size_t n, bool *made,
			     struct err *e)
{
	struct nl *nl;
	uint64_t handle;
	int attempt, r, anew = 0;

	r = nft_socket(&nl, e);
	if (r < 0)
		return r;
	for (attempt = 0; attempt < HOST_ATTEMPTS; attempt++) {
		r = nft_table_query(nl, networks, n, &handle, e);
		if (r < 0 || r == NFT_TABLE_WHOLE)
			return r < 0 ? r : anew;
		if (r == NFT_TABLE_WRONG) {
			r = nft_table_make(nl, handle, e);
			anew = 1;
		} else {
			r = host_add_networks(nl, networks, n, made, e);
		}
		if (r < 0 && r != -EAGAIN)
			return r;
	}
	return err_set(e, EAGAIN, "nftables table inet %s changes all the time", NFT_TABLE);
}

/* Of one network. Return: as host_ensure_device(). */
static int host_ensure_network(const struct net_network *n, struct err *e)
{
	int r = host_check_network(n, e);

	if (r >= 0)
		r = n->mode == NET_MACVLAN ? host_check_uplink(n, e) : host_ensure_device(n, e);
	return r < 0 ? err_wrap(e, "network %s", n->name.s) : r;
}

int net_host_ensure(const struct net_network *networks, size_t n, struct err *e)
{
	/* Those that have something on the host, and which of them was made or repaired. */
	CLEANUP_FREE struct net_network *ours = calloc(n + 1, sizeof(*ours));
	CLEANUP_FREE bool *made = calloc(n + 1, sizeof(*made));
	size_t i, n_ours = 0;
	int r = 0;

	if (!ours || !made)
		return err_nomem(e);
	for (i = 0; i < n; i++) {
		r = host_ensure_network(&networks[i], e);
		if (r < 0)
			return r;
		if (networks[i].mode == NET_MACVLAN)
			continue;
		made[n_ours] = r == 1;
		ours[n_ours++] = networks[i];
	}
	r = n_ours == 0 ? 0 : host_ensure_table(ours, n_ours, made, e);
	if (r < 0)
		return err_wrap(e, n_ours == 1 ? "network %s" : "networks %s, ...", ours[0].name.s);
	for (i = 0; i < n_ours; i++)
		r |= made[i];
	return r;
}

static int host_count_users(struct nl *nl, const struct net_network *n, unsigned index,
			    unsigned *ret, struct err *e)
{
	int r;

	*ret = 0;
	r = bridge_users(nl, n, index, ret, e);
	return r < 0 ? r : segments_users(nl, n, ret, e);
}

/* Links go a moment after the instance whose they were (sweep.c, and the namespace's own end). */
static int host_await_users(struct nl *nl, const struct net_network *n, unsigned index,
			    unsigned *ret, struct err *e)
{
	int r = host_count_users(nl, n, index, ret, e);

	for (int waited = 0; r >= 0 && *ret > 0 && waited < HOST_LINKS_WAIT_MS;
	     waited += HOST_LINKS_STEP_MS) {
		(void)poll(NULL, 0, HOST_LINKS_STEP_MS);
		r = host_count_users(nl, n, index, ret, e);
	}
	return r;
}

int net_host_remove(const struct net_network *network, struct err *e)
{
	CLEANUP(nl_close) struct nl route = NL_INIT, nft = NL_INIT;
	struct link_state link = { .index = 0 };
	unsigned users = 0;
	bool is_bridge;
	int r;

	if (network->mode == NET_MACVLAN)
		return 0;
	r = nl_open(NETLINK_ROUTE, &route, e);
	if (r >= 0)
		r = nl_open(NETLINK_NETFILTER, &nft, e);
	if (r >= 0)
		r = link_get(&route, network->interface, 0, &link, e);
	is_bridge = str_eq(link.kind, "bridge") && link.group == NET_GROUP;
	if (r >= 0 && is_bridge)
		r = host_await_users(&route, network, link.index, &users, e);
	else if (r >= 0)
		r = segments_users(&route, network, &users, e);
	if (r >= 0 && users > 0) {
		err_set(e, EBUSY, "its interface %s still has %u ports or routes of instances",
			network->interface, users);
		r = err_hint(e, "stop the instances that use it, or `jail gc` if they are gone");
	}
	if (r >= 0)
		r = nft_network_delete(&nft, network, e);
	if (r >= 0)
		r = segments_remove(&route, network, e);
	if (r >= 0 && is_bridge)
		r = link_delete(&route, link.index, e);
	return r < 0 ? err_wrap(e, "remove network %s", network->name.s) : 0;
}

int net_table_remove(struct err *e)
{
	CLEANUP(nl_close) struct nl nft = NL_INIT;
	int r = nl_open(NETLINK_NETFILTER, &nft, e);

	return r < 0 ? r : nft_table_delete(&nft, e);
}
