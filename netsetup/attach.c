/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An instance joins the network and leaves it. The order of net_attach: pair and port on the host
 * (2 exchanges), the inside (1 exchange through a socket of that namespace), a look at the port,
 * and the table's elements (1 transaction). Each exchange is one sendmsg(2) whatever the number of
 * instances or ports.
 *
 * The elements come last and in one transaction, so on failure only the pair and the neighbour
 * entry are to be undone. The same function puts them back after somebody flushed the table.
 */
#include "netsetup/network.h"

#include "base/rollback.h"
#include "base/str.h"
#include "netsetup/attach_priv.h"
#include "netsetup/sysctl_priv.h"

#define ATTACH_NAME_ATTEMPTS 4

int attach_elements(const struct net_attachment *a, const struct net_port *ports, size_t n_ports,
		    struct nft_element **ret, size_t *ret_n)
{
	struct nft_element *els, el;
	size_t i, n = 0;
	int set;

	els = calloc(n_ports + 1, sizeof(*els));
	if (!els)
		return -ENOMEM;
	nft_element_address(a->mac, a->address, &els[n++]);
	for (set = NFT_SET_PORTS; set <= NFT_SET_PORTS_AT; set++) {
		for (i = 0; i < n_ports; i++) {
			nft_element_port(&ports[i], a->address, &el);
			if ((int)el.set == set)
				els[n++] = el;
		}
	}
	*ret = els;
	*ret_n = n;
	return 0;
}

static int attach_add_elements(const struct net_plan *plan, const struct net_attachment *a,
			       struct err *e)
{
	struct nl *nl;
	CLEANUP_FREE struct nft_element *els = NULL;
	struct err first = ERR_INIT;
	size_t n = 0;
	int r;

	if (attach_elements(a, plan->ports, plan->n_ports, &els, &n) < 0)
		return err_nomem(e);
	r = nft_socket(&nl, e);
	if (r < 0)
		return r;
	r = nft_elements_add(nl, els, n, plan->instance->s, &first);
	if (r < 0 && r != -EEXIST) {
		*e = first;
		return r;
	}
	if (r >= 0)
		return 0;
	/* The lease of the port is ours, so what holds the element is a dead instance's (row 79).
	 */
	r = nft_elements_delete(nl, els, n, e);
	return r < 0 ? r : nft_elements_add(nl, els, n, plan->instance->s, e);
}

/*
 * No sysctl is written here, accept_ra of eth0 included (row 70): the cache of /proc/sys keeps the
 * entries of all namespaces under the same names, so one open costs in proportion to the number of
 * instances (0.13 ms at 1,000). It isn't needed: nobody can send a router advertisement to eth0.
 * The port is isolated and takes no multicast from the bridge, and the bridge has no IPv6.
 */
static int attach_inside(const struct net_plan *plan, int netns_fd, const struct nl *host,
			 struct err *e)
{
	CLEANUP(netns_leave) int home = -EBADF;
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	int r;

	r = netns_enter(netns_fd, host, &home, e);
	if (r >= 0)
		r = nl_open(NETLINK_ROUTE, &nl, e);
	return r < 0 ? r : link_inside_setup(&nl, plan, e);
}

/* A name that is taken is that of an unlucky hash: another one. */
static int attach_create_pair(struct nl *nl, const struct jail_name *instance,
			      struct link_veth *veth, char name[static 16], struct err *e)
{
	struct err why = ERR_INIT;
	int attempt, r = -EEXIST;

	for (attempt = 0; attempt < ATTACH_NAME_ATTEMPTS; attempt++) {
		link_host_name(instance, name);
		why = ERR_INIT;
		r = link_veth_create(nl, veth, &why);
		if (r != -EEXIST || link_index(nl, name) == 0)
			break;
	}
	if (r < 0)
		*e = why;
	if (r == -EXFULL)
		return err_hint(e, "a bridge takes 1023 ports: stop instances, or use another "
				   "network for some");
	return r;
}

struct attach_undo {
	struct nl *nl;
	const struct link_veth *veth;
};

static void attach_delete_pair(void *arg)
{
	const struct attach_undo *undo = arg;
	struct err ignored = ERR_INIT;

	(void)link_neighbour_delete(undo->nl, undo->veth->bridge_index, undo->veth->address,
				    &ignored);
	(void)link_delete(undo->nl, undo->veth->host_name, &ignored);
}

static int attach_all(const struct net_plan *plan, int netns_fd, struct nl *nl,
		      struct net_attachment *a, struct err *e)
{
	struct link_veth veth = {
		.host_name = a->host_interface,
		.mac = a->mac,
		.netns_fd = netns_fd,
		.mtu = plan->bridge->mtu,
		.instance = plan->instance->s,
		.address = plan->address,
	};
	struct attach_undo undo = { .nl = nl, .veth = &veth };
	unsigned index;
	CLEANUP_ROLLBACK struct rollback rollback = ROLLBACK_INIT;
	int r;

	veth.bridge_index = link_index(nl, plan->bridge->name);
	if (veth.bridge_index == 0)
		return err_set(e, ENODEV, "there is no bridge %s", plan->bridge->name);
	r = attach_create_pair(nl, plan->instance, &veth, a->host_interface, e);
	if (r < 0)
		return r;
	rollback_push(&rollback, attach_delete_pair, &undo);
	index = link_index(nl, a->host_interface);
	r = link_port_setup(nl, &veth, index, e);
	if (r >= 0)
		r = attach_inside(plan, netns_fd, nl, e);
	if (r >= 0)
		r = link_settle(nl, &veth, index, e);
	if (r >= 0)
		r = attach_add_elements(plan, a, e);
	if (r >= 0)
		rollback_commit(&rollback);
	return r;
}

int net_attach(const struct net_plan *plan, int netns_fd, struct net_attachment *ret, struct err *e)
{
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	struct net_attachment a = { .address = plan->address };
	int r;

	link_mac_of("instance", plan->instance->s, a.mac);
	r = nl_open(NETLINK_ROUTE, &nl, e);
	if (r >= 0)
		r = attach_all(plan, netns_fd, &nl, &a, e);
	if (r < 0)
		return err_wrap(e, "network of %s", plan->instance->s);
	*ret = a;
	return 0;
}

int net_restore(const struct net_plan *plan, const struct net_attachment *a, struct err *e)
{
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	unsigned bridge;
	int r;

	r = nl_open(NETLINK_ROUTE, &nl, e);
	bridge = r < 0 ? 0 : link_index(&nl, plan->bridge->name);
	if (bridge != 0)
		r = link_neighbour_set(&nl, bridge, a->address, a->mac, e);
	if (r >= 0)
		r = attach_add_elements(plan, a, e);
	return r < 0 ? err_wrap(e, "restore network of %s", plan->instance->s) : 0;
}

int net_loopback_up(int netns_fd, struct err *e)
{
	CLEANUP(nl_close) struct nl anchor = NL_INIT;
	CLEANUP(netns_leave) int home = -EBADF;
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	int r;

	r = nl_open(NETLINK_ROUTE, &anchor, e);
	if (r >= 0)
		r = netns_enter(netns_fd, &anchor, &home, e);
	if (r >= 0)
		r = nl_open(NETLINK_ROUTE, &nl, e);
	return r < 0 ? r : link_loopback_up(&nl, e);
}
