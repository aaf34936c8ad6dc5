/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel keeps a link's MAC address and MTU when it changes namespaces, and drops its addresses
 * and routes, so those that were configured are read before and set again after. Names are looked
 * up in the container's namespace before the link is moved: a rename that fails afterwards would
 * leave it there under the old one.
 */
#include "netsetup/netdev.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "base/str.h"
#include "netsetup/link_priv.h"
#include "netsetup/sysctl_priv.h"

#define NETDEV_ADDRESSES 256
#define NETDEV_NUMBERS 4096 /* tried for "eth%d" */
#define NETDEV_DUMPS 4

struct netdev_address {
	uint8_t family, prefix;
	bool has_local, has_peer, has_broadcast;
	uint8_t local[16], peer[16], broadcast[4];
	uint32_t flags, priority;
};

struct netdev_list {
	unsigned index; /* of the link */
	size_t n;
	struct netdev_address v[NETDEV_ADDRESSES];
	bool too_many;
};

static size_t netdev_address_len(const struct netdev_address *a)
{
	return a->family == AF_INET ? 4 : 16;
}

static bool netdev_take_bytes(const struct nlattr *attr, uint8_t *ret, size_t n)
{
	if (mnl_attr_get_payload_len(attr) != n)
		return false;
	memcpy(ret, mnl_attr_get_payload(attr), n);
	return true;
}

static int netdev_take_attribute(const struct nlattr *attr, void *arg)
{
	struct netdev_address *a = arg;

	switch (mnl_attr_get_type(attr)) {
	case IFA_LOCAL:
		a->has_local = netdev_take_bytes(attr, a->local, netdev_address_len(a));
		break;
	case IFA_ADDRESS:
		a->has_peer = netdev_take_bytes(attr, a->peer, netdev_address_len(a));
		break;
	case IFA_BROADCAST:
		a->has_broadcast = netdev_take_bytes(attr, a->broadcast, sizeof(a->broadcast));
		break;
	case IFA_FLAGS:
		(void)netdev_take_bytes(attr, (uint8_t *)&a->flags, sizeof(a->flags));
		break;
	case IFA_RT_PRIORITY:
		(void)netdev_take_bytes(attr, (uint8_t *)&a->priority, sizeof(a->priority));
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int netdev_take_address(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct netdev_list *list = arg;
	struct netdev_address a = { .family = ifa->ifa_family,
				    .prefix = ifa->ifa_prefixlen,
				    .flags = ifa->ifa_flags };

	(void)index;
	if (ifa->ifa_index != list->index || ifa->ifa_scope != RT_SCOPE_UNIVERSE ||
	    (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6))
		return 0;
	(void)mnl_attr_parse(nlh, sizeof(*ifa), netdev_take_attribute, &a);
	if (!(a.flags & IFA_F_PERMANENT) || !(a.has_local || a.has_peer))
		return 0;
	if (list->n == NETDEV_ADDRESSES) {
		list->too_many = true;
		return 0;
	}
	list->v[list->n++] = a;
	return 0;
}

static int netdev_dump(struct nl *nl, int family, struct netdev_list *list, struct err *e)
{
	size_t before = list->n;
	int r = -EINTR;

	for (int i = 0; i < NETDEV_DUMPS && r == -EINTR; i++) {
		CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
		struct ifaddrmsg *ifa;

		*e = ERR_INIT;
		list->n = before;
		nl_batch_reserve(&b, 256);
		ifa = nl_begin(&b, RTM_GETADDR, NLM_F_DUMP, sizeof(*ifa), "list addresses");
		ifa->ifa_family = (uint8_t)family;
		ifa->ifa_index = list->index;
		r = nl_run(nl, &b, netdev_take_address, list, e);
	}
	return r;
}

static int netdev_addresses(struct nl *nl, struct netdev_list *list, struct err *e)
{
	int r = netdev_dump(nl, AF_INET, list, e);

	if (r >= 0)
		r = netdev_dump(nl, AF_INET6, list, e);
	if (r == -EAFNOSUPPORT || r == -EOPNOTSUPP) { /* a kernel without IPv6 */
		*e = ERR_INIT;
		r = 0;
	}
	if (r >= 0 && list->too_many)
		r = err_set(e, E2BIG, "more than %d addresses", NETDEV_ADDRESSES);
	return r;
}

/* The name that it will have there. nl: a socket of that namespace. */
static int netdev_name(const struct nl *nl, const char *wanted, char ret[static IFNAMSIZ],
		       struct err *e)
{
	const char *number = strstr(wanted, "%d");

	if (!number) {
		if (str_format(ret, IFNAMSIZ, "%s", wanted) < 0)
			return err_set(e, EINVAL, "%s: the name is too long", wanted);
		return link_index(nl, ret) == 0
			       ? 0
			       : err_set(e, EEXIST, "the container has a %s already", ret);
	}
	for (unsigned i = 0; i < NETDEV_NUMBERS; i++) {
		if (str_format(ret, IFNAMSIZ, "%.*s%u%s", (int)(number - wanted), wanted, i,
			       number + 2) < 0)
			return err_set(e, EINVAL, "%s: the name is too long", wanted);
		if (link_index(nl, ret) == 0)
			return 0;
	}
	return err_set(e, EEXIST, "%s: no number is free", wanted);
}

static int netdev_send(struct nl *nl, unsigned index, int netns_fd, const char *name, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct ifinfomsg *ifi;

	nl_batch_reserve(&b, 512);
	ifi = nl_begin(&b, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi), "move link");
	ifi->ifi_index = (int)index;
	nl_put_u32(&b, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	nl_put_str(&b, IFLA_IFNAME, name);
	return nl_run(nl, &b, NULL, NULL, e);
}

/* Flags of state, and of how an address came to be, aren't given. */
#define NETDEV_FLAGS (IFA_F_NODAD | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN | IFA_F_HOMEADDRESS)

static void netdev_put_address(struct nl_batch *b, unsigned index, const struct netdev_address *a)
{
	struct ifaddrmsg *ifa = nl_begin(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK,
					 sizeof(*ifa), "set address");

	ifa->ifa_family = a->family;
	ifa->ifa_prefixlen = a->prefix;
	ifa->ifa_scope = RT_SCOPE_UNIVERSE;
	ifa->ifa_index = index;
	if (a->has_local)
		nl_put(b, IFA_LOCAL, a->local, netdev_address_len(a));
	if (a->has_peer)
		nl_put(b, IFA_ADDRESS, a->peer, netdev_address_len(a));
	if (a->has_broadcast && a->family == AF_INET)
		nl_put(b, IFA_BROADCAST, a->broadcast, sizeof(a->broadcast));
	nl_put_u32(b, IFA_FLAGS, a->flags & NETDEV_FLAGS);
	if (a->priority)
		nl_put_u32(b, IFA_RT_PRIORITY, a->priority);
}

static int netdev_set_addresses(struct nl *nl, unsigned index, const struct netdev_list *list,
				struct err *e)
{
	for (size_t i = 0; i < list->n; i++) {
		CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;

		nl_batch_reserve(&b, 512);
		netdev_put_address(&b, index, &list->v[i]);
		if (nl_run(nl, &b, NULL, NULL, e) < 0)
			return -e->code;
	}
	return 0;
}

static int netdev_up(struct nl *nl, unsigned index, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct ifinfomsg *ifi;

	nl_batch_reserve(&b, 256);
	ifi = nl_begin(&b, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi), "bring link up");
	ifi->ifi_index = (int)index;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	return nl_run(nl, &b, NULL, NULL, e);
}

static int netdev_arrive(struct nl *nl, const char *name, const struct netdev_list *list,
			 struct err *e)
{
	unsigned index = link_index(nl, name);

	if (index == 0)
		return err_set(e, ENODEV, "%s did not arrive", name);
	if (netdev_set_addresses(nl, index, list, e) < 0)
		return -e->code;
	return netdev_up(nl, index, e);
}

/* A socket of the container's namespace. */
static int netdev_socket(int netns_fd, const struct nl *here, struct nl *ret, struct err *e)
{
	CLEANUP(netns_leave) int home = -EBADF;

	if (netns_enter(netns_fd, here, &home, e) < 0)
		return -e->code;
	return nl_open(NETLINK_ROUTE, ret, e);
}

static int netdev_move_all(struct nl *here, const char *name, const char *new_name, int netns_fd,
			   struct err *e)
{
	CLEANUP(nl_close) struct nl there = NL_INIT;
	CLEANUP_FREE struct netdev_list *list = calloc(1, sizeof(*list));
	CLEANUP_FD int home = ioctl(here->fd, SIOCGSKNS);
	struct err ignored = ERR_INIT;
	char final[IFNAMSIZ];

	if (home < 0)
		return err_sys(e, "open own network namespace");
	if (!list)
		return err_nomem(e);
	list->index = link_index(here, name);
	if (list->index == 0)
		return err_set(e, ENODEV, "the host has no such link");
	if (netdev_socket(netns_fd, here, &there, e) < 0 ||
	    netdev_name(&there, new_name ? new_name : name, final, e) < 0 ||
	    netdev_addresses(here, list, e) < 0 ||
	    netdev_send(here, list->index, netns_fd, final, e) < 0)
		return -e->code;
	if (netdev_arrive(&there, final, list, e) == 0)
		return 0;
	(void)netdev_send(&there, link_index(&there, final), home, name, &ignored);
	return -e->code;
}

int netdev_move(const char *name, const char *new_name, int netns_fd, struct err *e)
{
	CLEANUP(nl_close) struct nl here = NL_INIT;
	int r = nl_open(NETLINK_ROUTE, &here, e);

	if (r >= 0)
		r = netdev_move_all(&here, name, new_name, netns_fd, e);
	return r < 0 ? err_wrap(e, "network device %s", name) : 0;
}
