/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's side that all instances share: bridge, forwarding, table. Each part is asked for by
 * name, in two exchanges without a dump, and made only when it is missing; several starts at once
 * may do so together.
 */
#include "netsetup/network.h"

#include <arpa/inet.h>
#include <net/if.h>

#include "netsetup/link_priv.h"
#include "netsetup/nft_priv.h"
#include "netsetup/sysctl_priv.h"

#define HOST_ATTEMPTS 8

static int host_check_plan(const struct net_bridge *b, struct err *e)
{
	uint32_t mask;

	if (b->name[0] == '\0' || b->name[0] == '.' || strchr(b->name, '/') ||
	    strnlen(b->name, sizeof(b->name)) == sizeof(b->name))
		return err_set(e, EINVAL, "bridge name \"%.15s\" is not usable", b->name);
	if (b->prefix < 8 || b->prefix > 29)
		return err_set(e, EINVAL, "bridge %s: prefix length %u is not in 8..29", b->name,
			       b->prefix);
	mask = htonl(UINT32_MAX << (32 - b->prefix));
	if ((b->gateway.s_addr & mask) != (b->subnet.s_addr & mask))
		return err_set(e, EINVAL, "bridge %s: the gateway is not in its subnet", b->name);
	return 0;
}

/* Another interface with the same subnet would take the answers. */
static int host_check_conflict(const struct net_bridge *b, const struct link_bridge_state *state,
			       struct err *e)
{
	char text[INET_ADDRSTRLEN], other[IF_NAMESIZE] = "another link";

	if (state->gateway_index == 0 || state->gateway_index == state->index ||
	    state->gateway_prefix < b->prefix)
		return 0;
	(void)if_indextoname(state->gateway_index, other);
	(void)inet_ntop(AF_INET, &b->gateway, text, sizeof(text));
	err_set(e, EADDRINUSE, "network of bridge %s (%s/%u) is already that of %s", b->name, text,
		b->prefix, other);
	return err_hint(e, "choose another subnet for the instances");
}

static int host_make_bridge(struct nl *nl, const struct net_bridge *b,
			    struct link_bridge_state *state, struct err *e)
{
	int r;

	r = host_check_conflict(b, state, e);
	if (r >= 0 && state->index == 0)
		r = link_bridge_create(nl, b, e);
	if (r >= 0)
		r = link_bridge_query(nl, b, state, e);
	if (r < 0)
		return r;
	if (!state->is_bridge)
		return err_set(e, EEXIST, "%s is not a bridge", b->name);
	r = sysctl_setup_bridge(b->name, e);
	if (r < 0)
		return r;
	/* The kernel then changes the destination while the frame is still on the bridge, and sends
	 * it straight to the other port, which is isolated. Everything else works. */
	if (sysctl_bridge_filter())
		warn("network %s: net.bridge.bridge-nf-call-iptables is 1 on this host: instances "
		     "can't reach each other's published ports",
		     b->name);
	return link_bridge_up(nl, b, state->index, e);
}

static int host_ensure_bridge(const struct net_bridge *b, struct err *e)
{
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	struct link_bridge_state state = { .index = 0 };
	int r, made = 0;

	r = nl_open(NETLINK_ROUTE, &nl, e);
	if (r >= 0)
		r = link_bridge_query(&nl, b, &state, e);
	if (r >= 0 && !(state.is_bridge && state.up && state.has_gateway)) {
		r = host_make_bridge(&nl, b, &state, e);
		made = 1;
	}
	if (r >= 0 && !state.forwarding) {
		r = sysctl_forward(e);
		made = 1;
	}
	return r < 0 ? r : made;
}

static int host_ensure_table(const struct net_bridge *b, struct err *e)
{
	struct nl *nl;
	struct nft_element el;
	uint64_t handle;
	int attempt, r;

	r = nft_socket(&nl, e);
	if (r < 0)
		return r;
	for (attempt = 0; attempt < HOST_ATTEMPTS; attempt++) {
		r = nft_table_query(nl, b, &handle, e);
		if (r < 0 || r == NFT_TABLE_WHOLE)
			return r < 0 ? r : attempt > 0;
		if (r == NFT_TABLE_NO_BRIDGE) {
			nft_element_bridge(b, &el);
			r = nft_elements_add(nl, &el, 1, b->name, e);
		} else {
			r = nft_table_make(nl, b, handle, e);
		}
		if (r < 0 && r != -EAGAIN)
			return r;
	}
	return err_set(e, EAGAIN, "nftables table inet %s changes all the time", NFT_TABLE);
}

int net_host_ensure(const struct net_bridge *b, struct err *e)
{
	int bridge, table;

	if (host_check_plan(b, e) < 0)
		return -e->code;
	bridge = host_ensure_bridge(b, e);
	if (bridge < 0)
		return err_wrap(e, "network %s", b->name);
	table = host_ensure_table(b, e);
	if (table < 0)
		return err_wrap(e, "network %s", b->name);
	return bridge || table;
}

int net_host_remove(const struct net_bridge *b, struct err *e)
{
	CLEANUP(nl_close) struct nl route = NL_INIT, nft = NL_INIT;
	struct link_bridge_state state = { .index = 0 };
	unsigned ports = 0;
	int r;

	r = nl_open(NETLINK_ROUTE, &route, e);
	if (r >= 0)
		r = nl_open(NETLINK_NETFILTER, &nft, e);
	if (r >= 0)
		r = link_bridge_query(&route, b, &state, e);
	if (r >= 0 && state.is_bridge)
		r = link_bridge_ports(&route, state.index, &ports, e);
	if (r >= 0 && ports > 0)
		r = err_set(e, EBUSY, "bridge %s still has %u ports", b->name, ports);
	if (r >= 0)
		r = nft_table_delete(&nft, e);
	if (r >= 0 && state.is_bridge)
		r = link_delete(&route, b->name, e);
	return r < 0 ? err_wrap(e, "remove network %s", b->name) : 0;
}
