/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The veth pair of an instance. Its far end is born in the instance's namespace under its final
 * name, so that no interface of an instance is ever seen on the host and nothing has to be moved
 * or renamed. The host's end dies with the far end, that is, with the namespace.
 *
 * A port of the bridge is guarded before it carries its first frame (rows 70, 71): `isolated` stops
 * frames between instances, `locked` drops a frame whose source address has no entry in the fdb for
 * this very port, `learning` off means that the one static entry made here is the only one, and no
 * flooding towards the instance. The host has permanent neighbour entries for the instance, which
 * no ARP or ND message can change. What `locked` does not see, the IP source address, is checked by
 * the table of nft_rules.c.
 *
 * A veth without a bridge (mode routed, or a bridge that has its 1,023 ports) has nothing that a
 * frame could be passed on to; what comes in is routed, or for the host. There the table checks the
 * MAC address as well. Routes of IPv6 that differ in the interface alone are a list in the
 * kernel, whose end is looked for with each further one, so there are none but those that can't be
 * otherwise; and it walks through all routes with each interface that comes or goes, so there are
 * few.
 */
#include "netsetup/end_priv.h"

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "base/str.h"
#include "netsetup/route_priv.h"
#include "netsetup/sysctl_priv.h"

#define VETH_ALTNAME_MAX 128 /* ALTIFNAMSIZ */

static int veth_send_create(struct nl *nl, const struct link_end *end, int netns_fd, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	unsigned mtu = end->wanted->network->mtu;
	size_t info, data, peer;
	struct ifinfomsg *ifi;

	nl_batch_reserve(&b, END_BATCH_SIZE);
	ifi = nl_begin(&b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, sizeof(*ifi),
		       "create veth pair");
	/* As the bridge makes it anyway, and then tells everybody. */
	if (!end->routed)
		ifi->ifi_flags = ifi->ifi_change = IFF_PROMISC;
	link_put_common(&b, end->name, end->host_mac, mtu);
	link_put_queues(&b);
	nl_put_u32(&b, IFLA_GROUP, NET_GROUP);
	info = nl_nest(&b, IFLA_LINKINFO);
	nl_put_str(&b, IFLA_INFO_KIND, "veth");
	data = nl_nest(&b, IFLA_INFO_DATA);
	peer = nl_nest(&b, VETH_INFO_PEER);
	(void)nl_put_raw(&b, sizeof(struct ifinfomsg));
	link_put_common(&b, end->inside, end->mac, mtu);
	link_put_queues(&b);
	nl_put_u32(&b, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	nl_nest_end(&b, peer);
	nl_nest_end(&b, data);
	nl_nest_end(&b, info);
	end_put_alias(&b, end, end->name);
	return nl_run(nl, &b, NULL, NULL, e);
}

int veth_create(struct nl *nl, struct link_end *end, int netns_fd, struct err *e)
{
	int r = end_make_room(nl, end, end->name, e);

	if (r < 0)
		return r;
	r = veth_send_create(nl, end, netns_fd, e);
	if (r == -EEXIST)
		return err_wrap(e, "%s", end->inside);
	if (r < 0)
		return r;
	end->index = link_index(nl, end->name);
	return end->index ? 0 : err_set(e, ENODEV, "host interface %s is gone again", end->name);
}

/* ---- names, and the bridge ---- */

static void veth_altname(const struct link_end *end, char ret[static VETH_ALTNAME_MAX])
{
	if (end->number == 0)
		(void)snprintf(ret, VETH_ALTNAME_MAX, "jail@%s", end->instance);
	else
		(void)snprintf(ret, VETH_ALTNAME_MAX, "jail@%s@%s", end->instance, end->inside);
}

static bool veth_name_taken(int result)
{
	return result == -EEXIST;
}

static void veth_put_altname(struct nl_batch *b, const struct link_end *end)
{
	char name[VETH_ALTNAME_MAX];
	struct ifinfomsg *ifi;
	size_t list;

	veth_altname(end, name);
	ifi = nl_begin(b, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND | NLM_F_ACK,
		       sizeof(*ifi), "set altname");
	nl_allow(b, veth_name_taken);
	ifi->ifi_index = (int)end->index;
	list = nl_nest(b, IFLA_PROP_LIST);
	nl_put_str(b, IFLA_ALT_IFNAME, name);
	nl_nest_end(b, list);
}

static bool veth_bridge_full(int result)
{
	return result == -EXFULL;
}

/* The altname is for people: that somebody else has it is no reason not to start. */
static int veth_take_altname(struct nl *nl, const struct link_end *end, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct link_state holder = { .index = 0 };
	char name[VETH_ALTNAME_MAX];
	int r;

	veth_altname(end, name);
	r = link_get(nl, name, 0, &holder, e);
	if (r < 0 || holder.index == end->index)
		return r;
	r = holder.index == 0 ? 1 : end_clear_leftover(nl, end, &holder, e);
	if (r < 0)
		return r;
	if (r == 0) {
		warn("network of %s: the altname %s is that of %s", end->instance, name,
		     holder.name);
		return 0;
	}
	nl_batch_reserve(&b, END_BATCH_SIZE);
	veth_put_altname(&b, end);
	return nl_run(nl, &b, NULL, NULL, e);
}

static const struct {
	uint16_t attribute;
	uint8_t value;
} veth_port_flags[] = {
	{ IFLA_BRPORT_ISOLATED, 1 }, /* no frames to and from other isolated ports */
	{ IFLA_BRPORT_LOCKED, 1 }, /* Linux 5.18 */
	{ IFLA_BRPORT_LEARNING, 0 },
	{ IFLA_BRPORT_UNICAST_FLOOD, 0 }, /* frames for unknown addresses are for nobody here */
	{ IFLA_BRPORT_MCAST_FLOOD, 0 },
	{ IFLA_BRPORT_BCAST_FLOOD, 0 },
	{ IFLA_BRPORT_PROTECT, 1 }, /* may not become the root port */
	{ IFLA_BRPORT_GUARD, 1 }, /* BPDUs disable it */
};

static void veth_put_master(struct nl_batch *b, const struct link_end *end)
{
	struct ifinfomsg *ifi = nl_begin(b, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi), "join bridge");

	nl_allow(b, veth_bridge_full);
	ifi->ifi_index = (int)end->index;
	nl_put_u32(b, IFLA_MASTER, end->bridge);
}

static void veth_put_guard(struct nl_batch *b, const struct link_end *end)
{
	struct ifinfomsg *ifi;
	struct ndmsg *nd;
	size_t info, data, i;

	ifi = nl_begin(b, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi), "guard bridge port");
	ifi->ifi_index = (int)end->index;
	info = nl_nest(b, IFLA_LINKINFO);
	nl_put_str(b, IFLA_INFO_SLAVE_KIND, "bridge");
	data = nl_nest(b, IFLA_INFO_SLAVE_DATA);
	for (i = 0; i < ARRAY_SIZE(veth_port_flags); i++)
		nl_put_u8(b, veth_port_flags[i].attribute, veth_port_flags[i].value);
	nl_nest_end(b, data);
	nl_nest_end(b, info);
	/* Replace: the port of an earlier life, not yet gone, may hold the entry. */
	nd = nl_begin(b, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, sizeof(*nd),
		      "set fdb entry of bridge port");
	nd->ndm_family = AF_BRIDGE;
	nd->ndm_ifindex = (int)end->index;
	nd->ndm_state = NUD_NOARP; /* static */
	nd->ndm_flags = NTF_MASTER;
	nl_put(b, NDA_LLADDR, end->mac, LINK_MAC_LEN);
}

struct veth_named {
	bool altname_taken, full;
};

/*
 * All that can be said to the link while it is down: the kernel then notifies nobody. Each of its
 * notifications, and each RTM_GETLINK, looks for the number of the far end's namespace among all
 * there are (__peernet2id(), Linux 6.18), so what it costs grows with the instances.
 */
static int veth_name(struct nl *nl, const struct link_end *end, struct veth_named *ret,
		     struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	unsigned altname, i, n;
	int r;

	nl_batch_reserve(&b, END_BATCH_SIZE);
	link_put_no_address(&b, end->index);
	altname = b.n;
	veth_put_altname(&b, end);
	n = b.n;
	if (!end->routed) {
		veth_put_master(&b, end);
		veth_put_guard(&b, end);
	}
	r = nl_exchange(nl, &b, NULL, NULL, e);
	if (r < 0)
		return r;
	*ret = (struct veth_named){
		.altname_taken = b.messages[altname].result < 0,
		.full = !end->routed && veth_bridge_full(b.messages[n].result),
	};
	/* What is no port can't be guarded. */
	n = ret->full ? n : b.n;
	for (i = 0; r >= 0 && i < n; i++)
		r = nl_check(&b, i, e);
	return r;
}

/* IPv6 of the host's end, before it is up. */
static int veth_limit_inet6(struct nl *nl, const struct link_end *end, struct err *e)
{
	struct link_state link;
	int r;

	if (!end->routed) {
		sysctl_no_inet6(end->name);
		return 0;
	}
	/* Row 70. Seldom: who forwards IPv6 takes advertisements only if accept_ra is 2. Not
	 * always, because opening a file of /proc/sys costs in proportion to the number of
	 * namespaces. */
	r = link_get(nl, NULL, end->index, &link, e);
	if (r >= 0 && link_heeds_advertisements(&link))
		r = sysctl_ignore_advertisements(end->name, e);
	return r;
}

static void veth_put_up(struct nl_batch *b, const struct link_end *end)
{
	struct ifinfomsg *ifi =
		nl_begin(b, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi), "bring host interface up");

	ifi->ifi_index = (int)end->index;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	if (end->routed) /* it may have been meant as a port */
		ifi->ifi_change |= IFF_PROMISC;
}

int veth_setup(struct nl *nl, struct link_end *end, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct veth_named named = { .full = false };
	int r;

	r = veth_name(nl, end, &named, e);
	if (r >= 0 && named.altname_taken)
		r = veth_take_altname(nl, end, e);
	if (r < 0)
		return r;
	end->routed = end->routed || named.full;
	r = veth_limit_inet6(nl, end, e);
	if (r < 0)
		return r;
	nl_batch_reserve(&b, END_BATCH_SIZE);
	veth_put_up(&b, end);
	end_put_reach(&b, end);
	return nl_run(nl, &b, NULL, NULL, e);
}

static int veth_move_multicast(struct nl *nl, const struct link_end *end, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;

	nl_batch_reserve(&b, END_BATCH_SIZE);
	route_put_multicast(&b, end->index);
	return nl_run(nl, &b, NULL, NULL, e);
}

int veth_settle(struct nl *nl, const struct link_end *end, struct err *e)
{
	/* The port, then the bridge, which has a carrier when one of its ports has: also where it
	 * had one before, for that may have been by a port of an earlier life, gone by now. */
	link_sync_carrier(nl, end->name);
	if (!end->routed)
		link_sync_carrier(nl, end->port_of);
	return end->routed && end->use6 ? veth_move_multicast(nl, end, e) : 0;
}
