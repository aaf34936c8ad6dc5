/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of links, and said to them, whatever they are. */
#include "netsetup/link_priv.h"

#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "base/str.h"

#define LINK_BATCH_SIZE 1024
#define LINK_DUMPS 4

unsigned link_index(const struct nl *nl, const char *name)
{
	struct ifreq request = { .ifr_ifindex = 0 };

	if (str_format(request.ifr_name, sizeof(request.ifr_name), "%s", name) < 0)
		return 0;
	if (ioctl(nl->fd, SIOCGIFINDEX, &request) < 0)
		return 0;
	return (unsigned)request.ifr_ifindex;
}

void link_sync_carrier(const struct nl *nl, const char *name)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GLINK };
	struct ifreq request = { .ifr_data = (void *)&value };

	if (str_format(request.ifr_name, sizeof(request.ifr_name), "%s", name) >= 0)
		(void)ioctl(nl->fd, SIOCETHTOOL, &request);
}

bool link_no_family(int result)
{
	return result == -EAFNOSUPPORT || result == -EOPNOTSUPP || result == -EPFNOSUPPORT;
}

bool link_is_missing(int result)
{
	return result == -ENOENT || result == -ESRCH || result == -ENODEV || result == -ENXIO ||
	       result == -EADDRNOTAVAIL || link_no_family(result);
}

/* ---- asking ---- */

static int link_take_info(const struct nlattr *attr, void *arg)
{
	struct link_state *s = arg;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		(void)nl_text(attr, s->kind, sizeof(s->kind));
	return MNL_CB_OK;
}

/* The interface's settings, as /proc/sys/net/ipv6/conf has them, in the order of linux/ipv6.h. */
static int link_take_inet6(const struct nlattr *attr, void *arg)
{
	struct link_state *s = arg;
	int32_t conf[DEVCONF_DISABLE_IPV6 + 1];

	if (mnl_attr_get_type(attr) != IFLA_INET6_CONF ||
	    mnl_attr_get_payload_len(attr) < sizeof(conf))
		return MNL_CB_OK;
	memcpy(conf, mnl_attr_get_payload(attr), sizeof(conf));
	s->inet6 = conf[DEVCONF_DISABLE_IPV6] == 0;
	s->accept_ra = conf[DEVCONF_ACCEPT_RA];
	s->autoconf = conf[DEVCONF_AUTOCONF];
	s->forwarding6 = conf[DEVCONF_FORWARDING];
	return MNL_CB_OK;
}

static int link_take_family(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == AF_INET6)
		return mnl_attr_parse_nested(attr, link_take_inet6, arg);
	return MNL_CB_OK;
}

static int link_take_attribute(const struct nlattr *attr, void *arg)
{
	struct link_state *s = arg;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		(void)nl_text(attr, s->name, sizeof(s->name));
		break;
	case IFLA_IFALIAS:
		(void)nl_text(attr, s->alias, sizeof(s->alias));
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(attr) == sizeof(s->mac))
			memcpy(s->mac, mnl_attr_get_payload(attr), sizeof(s->mac));
		break;
	case IFLA_MTU:
		s->mtu = nl_u32(attr);
		break;
	case IFLA_GROUP:
		s->group = nl_u32(attr);
		break;
	case IFLA_MASTER:
		s->master = nl_u32(attr);
		break;
	case IFLA_LINKINFO:
		return mnl_attr_parse_nested(attr, link_take_info, arg);
	case IFLA_AF_SPEC:
		return mnl_attr_parse_nested(attr, link_take_family, arg);
	default:
		break;
	}
	return MNL_CB_OK;
}

void link_take_state(const struct nlmsghdr *nlh, struct link_state *ret)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	*ret = (struct link_state){ .index = (unsigned)ifi->ifi_index, .flags = ifi->ifi_flags };
	(void)mnl_attr_parse(nlh, sizeof(*ifi), link_take_attribute, ret);
}

void link_put_query(struct nl_batch *b, const char *name, unsigned index)
{
	struct ifinfomsg *ifi;

	ifi = nl_begin(b, RTM_GETLINK, NLM_F_ACK, sizeof(*ifi), "look up link");
	ifi->ifi_index = name ? 0 : (int)index;
	nl_put_u32(b, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	nl_allow(b, link_is_missing);
	if (name)
		nl_put_str(b, strlen(name) < IFNAMSIZ ? IFLA_IFNAME : IFLA_ALT_IFNAME, name);
}

static int link_take_one(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	(void)index;
	if (nlh->nlmsg_type == RTM_NEWLINK)
		link_take_state(nlh, arg);
	return 0;
}

int link_get(struct nl *nl, const char *name, unsigned index, struct link_state *ret, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct link_state state = { .index = 0 };
	int r;

	nl_batch_reserve(&b, LINK_BATCH_SIZE);
	link_put_query(&b, name, index);
	r = nl_run(nl, &b, link_take_one, &state, e);
	if (r >= 0)
		*ret = state;
	return r;
}

bool link_heeds_advertisements(const struct link_state *s)
{
	/* net/ipv6.h, ipv6_accept_ra(): a router takes them only when told so. */
	return s->inet6 && (s->forwarding6 ? s->accept_ra == 2 : s->accept_ra != 0);
}

struct link_listing {
	struct link_state *v;
	size_t n, room;
};

static int link_take_listed(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	struct link_listing *l = arg;

	(void)index;
	if (nlh->nlmsg_type != RTM_NEWLINK)
		return 0;
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		struct link_state *v = reallocarray(l->v, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		l->v = v;
		l->room = room;
	}
	link_take_state(nlh, &l->v[l->n++]);
	return 0;
}

static int link_dump(struct nl *nl, const char *kind, struct link_listing *l, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	size_t info;

	nl_batch_reserve(&b, LINK_BATCH_SIZE);
	(void)nl_begin(&b, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg), "list links");
	nl_put_u32(&b, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (kind) {
		info = nl_nest(&b, IFLA_LINKINFO);
		nl_put_str(&b, IFLA_INFO_KIND, kind);
		nl_nest_end(&b, info);
	}
	l->n = 0;
	return nl_run(nl, &b, link_take_listed, l, e);
}

int link_list(struct nl *nl, const char *kind, struct link_state **ret, size_t *ret_n,
	      struct err *e)
{
	struct link_listing l = { .v = NULL };
	struct err why = ERR_INIT;
	int attempt, r = -EINTR;

	/* -EINTR: links came or went during the dump. What was seen is real all the same. */
	for (attempt = 0; attempt < LINK_DUMPS && r == -EINTR; attempt++) {
		why = ERR_INIT;
		r = link_dump(nl, kind, &l, &why);
	}
	if (r < 0 && r != -EINTR) {
		*e = why;
		free(l.v);
		return r;
	}
	*ret = l.v;
	*ret_n = l.n;
	return 0;
}

/* ---- changing ---- */

int link_delete(struct nl *nl, unsigned index, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct ifinfomsg *ifi;

	nl_batch_reserve(&b, LINK_BATCH_SIZE);
	ifi = nl_begin(&b, RTM_DELLINK, NLM_F_ACK, sizeof(*ifi), "delete link");
	nl_allow(&b, link_is_missing);
	ifi->ifi_index = (int)index;
	return nl_run(nl, &b, NULL, NULL, e);
}

void link_put_common(struct nl_batch *b, const char *name, const uint8_t *mac, unsigned mtu)
{
	nl_put_str(b, IFLA_IFNAME, name);
	nl_put(b, IFLA_ADDRESS, mac, LINK_MAC_LEN);
	if (mtu)
		nl_put_u32(b, IFLA_MTU, mtu);
}

void link_put_queues(struct nl_batch *b)
{
	nl_put_u32(b, IFLA_NUM_TX_QUEUES, LINK_QUEUES);
	nl_put_u32(b, IFLA_NUM_RX_QUEUES, LINK_QUEUES);
}

void link_put_no_address(struct nl_batch *b, unsigned index)
{
	struct ifinfomsg *ifi;
	size_t families, inet6;

	ifi = nl_begin(b, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi), "keep IPv6 off the interface");
	nl_allow(b, link_no_family);
	ifi->ifi_index = (int)index;
	families = nl_nest(b, IFLA_AF_SPEC);
	inet6 = nl_nest(b, AF_INET6);
	nl_put_u8(b, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nl_nest_end(b, inet6);
	nl_nest_end(b, families);
}

void link_put_up(struct nl_batch *b, unsigned index, const char *what)
{
	struct ifinfomsg *ifi = nl_begin(b, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi), what);

	ifi->ifi_index = (int)index;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
}
