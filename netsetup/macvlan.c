/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An interface on the uplink's own network, born in the instance's namespace. The host has no end
 * of it, and neither bridge nor table see its packets: who may send what is for that network to
 * say.
 *
 * To find it again when the instance is gone the namespace gets a number (RTM_NEWNSID), which
 * follows from the id. Numbers that the kernel gives by itself count from 0; ours have bit 30.
 */
#include "netsetup/end_priv.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

#include "base/str.h"
#include "netsetup/sysctl_priv.h"

static uint32_t macvlan_nsid(const char *id)
{
	uint8_t hash[NET_MAC_LEN];
	uint32_t n;

	link_mac_of("network namespace", id, hash);
	memcpy(&n, hash + 2, sizeof(n));
	return (n & 0x3fffffff) | 0x40000000;
}

/* It has a number, or ours is that of a namespace which outlives an earlier life: then it is not
 * found at the end, which is no reason not to start. */
static bool macvlan_marked(int result)
{
	return result == -EEXIST;
}

int macvlan_mark(struct nl *nl, const char *id, int netns_fd, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;

	nl_batch_reserve(&b, END_BATCH_SIZE);
	(void)nl_begin(&b, RTM_NEWNSID, NLM_F_ACK, sizeof(struct rtgenmsg),
		       "number network namespace");
	nl_allow(&b, macvlan_marked);
	nl_put_u32(&b, NETNSA_NSID, macvlan_nsid(id));
	nl_put_u32(&b, NETNSA_FD, (uint32_t)netns_fd);
	return nl_run(nl, &b, NULL, NULL, e);
}

static int macvlan_send(struct nl *nl, const struct link_end *end, unsigned uplink, int netns_fd,
			struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	size_t info, data;

	nl_batch_reserve(&b, END_BATCH_SIZE);
	(void)nl_begin(&b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
		       sizeof(struct ifinfomsg), "create macvlan");
	link_put_common(&b, end->inside, end->mac, end->wanted->network->mtu);
	nl_put_u32(&b, IFLA_LINK, uplink);
	nl_put_u32(&b, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	info = nl_nest(&b, IFLA_LINKINFO);
	nl_put_str(&b, IFLA_INFO_KIND, "macvlan");
	data = nl_nest(&b, IFLA_INFO_DATA);
	nl_put_u32(&b, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
	nl_nest_end(&b, data);
	nl_nest_end(&b, info);
	return nl_run(nl, &b, NULL, NULL, e);
}

int macvlan_create(struct nl *nl, const struct link_end *end, int netns_fd, struct err *e)
{
	const struct net_network *n = end->wanted->network;
	unsigned uplink = link_index(nl, n->uplink);
	int r;

	if (uplink == 0)
		return err_set(e, ENODEV, "network %s: its uplink %s does not exist", n->name.s,
			       n->uplink);
	r = macvlan_send(nl, end, uplink, netns_fd, e);
	if (r < 0)
		err_wrap(e, "%s on %s", end->inside, n->uplink);
	if (r == -EOPNOTSUPP)
		return err_hint(e, "this kernel has no macvlan: load the module macvlan");
	if (r == -EBUSY)
		return err_hint(e, "%s is in use otherwise, perhaps as the port of a bridge",
				n->uplink);
	return r;
}

/* What the instance made of that name, or another's namespace, is left alone. */
static bool macvlan_is(const struct link_state *link, const struct link_end *end)
{
	return str_eq(link->kind, "macvlan") && memcmp(link->mac, end->mac, sizeof(link->mac)) == 0;
}

int macvlan_remove(struct nl *nl, const struct link_end *end, int netns_fd, struct err *e)
{
	CLEANUP(nl_close) struct nl there = NL_INIT;
	CLEANUP(netns_leave) int home = -EBADF;
	struct link_state link = { .index = 0 };
	int r = netns_enter(netns_fd, nl, &home, e);

	if (r >= 0)
		r = nl_open(NETLINK_ROUTE, &there, e);
	if (r >= 0)
		r = link_get(&there, end->inside, 0, &link, e);
	return r < 0 || !macvlan_is(&link, end) ? r : link_delete(&there, link.index, e);
}

static bool macvlan_no_namespace(int result)
{
	return result == -EINVAL || link_is_missing(result);
}

static int macvlan_take(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	(void)index;
	if (nlh->nlmsg_type == RTM_NEWLINK)
		link_take_state(nlh, arg);
	return 0;
}

static void macvlan_put(struct nl_batch *b, const struct link_end *end, int type, const char *what)
{
	(void)nl_begin(b, type, NLM_F_ACK, sizeof(struct ifinfomsg), what);
	nl_allow(b, macvlan_no_namespace);
	nl_put_u32(b, IFLA_TARGET_NETNSID, macvlan_nsid(end->id));
	nl_put_str(b, IFLA_IFNAME, end->inside);
}

int macvlan_delete(struct nl *nl, const struct link_end *end, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch look = NL_BATCH_INIT, delete = NL_BATCH_INIT;
	struct link_state link = { .index = 0 };
	int r;

	nl_batch_reserve(&look, END_BATCH_SIZE);
	macvlan_put(&look, end, RTM_GETLINK, "look up macvlan");
	r = nl_run(nl, &look, macvlan_take, &link, e);
	if (r < 0 || !macvlan_is(&link, end))
		return r;
	nl_batch_reserve(&delete, END_BATCH_SIZE);
	macvlan_put(&delete, end, RTM_DELLINK, "delete macvlan");
	return nl_run(nl, &delete, NULL, NULL, e);
}
