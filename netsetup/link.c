/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The veth pair of an instance. Its far end is born in the instance's namespace under its final
 * name, so that no interface of an instance is ever seen on the host and nothing has to be moved
 * or renamed. The host's end dies with the far end, that is, with the namespace.
 *
 * The port of the bridge is guarded before it carries its first frame (rows 70, 71): `isolated`
 * stops frames between instances, `locked` drops a frame whose source address has no entry in the
 * fdb for this very port, `learning` off means that the one static entry made here is the only
 * one, and no flooding towards the instance. The bridge has a permanent neighbour entry for the
 * instance, which no ARP message can change. What `locked` does not see, the IPv4 source address,
 * is checked by the table of nft_rules.c.
 */
#include "netsetup/link_priv.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <nettle/sha2.h>
#include <sys/ioctl.h>
#include <time.h>

#include "base/str.h"

#define LINK_BATCH_SIZE 2048
/* One queue: the default allocates one for each possible CPU, at each start. */
#define LINK_QUEUES 1
#define LINK_DUMPS 4

static void link_hash(const char *kind, const char *name, const void *salt, size_t n,
		      uint8_t ret[static SHA256_DIGEST_SIZE])
{
	struct sha256_ctx sha;

	sha256_init(&sha);
	sha256_update(&sha, strlen(kind) + 1, (const uint8_t *)kind);
	sha256_update(&sha, strlen(name) + 1, (const uint8_t *)name);
	sha256_update(&sha, n, salt);
	sha256_digest(&sha, SHA256_DIGEST_SIZE, ret);
}

void link_mac_of(const char *kind, const char *name, uint8_t ret[static LINK_MAC_LEN])
{
	uint8_t hash[SHA256_DIGEST_SIZE];

	link_hash(kind, name, "", 0, hash);
	memcpy(ret, hash, LINK_MAC_LEN);
	ret[0] = (uint8_t)((ret[0] & 0xfc) | 0x02);
}

void link_host_name(const struct jail_name *instance, char ret[static 16])
{
	uint8_t hash[SHA256_DIGEST_SIZE];
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	link_hash("host interface", instance->s, &now, sizeof(now), hash);
	(void)snprintf(ret, 16, "ve%02x%02x%02x%02x%02x%02x", hash[0], hash[1], hash[2], hash[3],
		       hash[4], hash[5]);
}

unsigned link_index(const struct nl *nl, const char *name)
{
	struct ifreq request = { .ifr_ifindex = 0 };

	if (str_format(request.ifr_name, sizeof(request.ifr_name), "%s", name) < 0)
		return 0;
	if (ioctl(nl->fd, SIOCGIFINDEX, &request) < 0)
		return 0;
	return (unsigned)request.ifr_ifindex;
}

static void link_put_common(struct nl_batch *b, const char *name, const uint8_t *mac, unsigned mtu)
{
	nl_put_str(b, IFLA_IFNAME, name);
	nl_put(b, IFLA_ADDRESS, mac, LINK_MAC_LEN);
	if (mtu)
		nl_put_u32(b, IFLA_MTU, mtu);
}

static void link_put_queues(struct nl_batch *b)
{
	nl_put_u32(b, IFLA_NUM_TX_QUEUES, LINK_QUEUES);
	nl_put_u32(b, IFLA_NUM_RX_QUEUES, LINK_QUEUES);
}

int link_veth_create(struct nl *nl, const struct link_veth *v, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	uint8_t host_mac[LINK_MAC_LEN];
	size_t info, data, peer;

	/* Set, or udev would choose another one for a random address. Above all of the instances'
	 * addresses of this kind, and different from the far end's. */
	link_mac_of("host interface", v->host_name, host_mac);
	nl_batch_reserve(&b, LINK_BATCH_SIZE);
	(void)nl_begin(&b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
		       sizeof(struct ifinfomsg), "create veth pair");
	link_put_common(&b, v->host_name, host_mac, v->mtu);
	link_put_queues(&b);
	nl_put_u32(&b, IFLA_MASTER, v->bridge_index);
	info = nl_nest(&b, IFLA_LINKINFO);
	nl_put_str(&b, IFLA_INFO_KIND, "veth");
	data = nl_nest(&b, IFLA_INFO_DATA);
	peer = nl_nest(&b, VETH_INFO_PEER);
	(void)nl_put_raw(&b, sizeof(struct ifinfomsg));
	link_put_common(&b, LINK_INSIDE, v->mac, v->mtu);
	link_put_queues(&b);
	nl_put_u32(&b, IFLA_NET_NS_FD, (uint32_t)v->netns_fd);
	nl_nest_end(&b, peer);
	nl_nest_end(&b, data);
	nl_nest_end(&b, info);
	return nl_run(nl, &b, NULL, NULL, e);
}

static const struct {
	uint16_t attribute;
	uint8_t value;
} link_port_flags[] = {
	{ IFLA_BRPORT_ISOLATED, 1 }, /* no frames to and from other isolated ports */
	{ IFLA_BRPORT_LOCKED, 1 }, /* Linux 5.18 */
	{ IFLA_BRPORT_LEARNING, 0 },
	{ IFLA_BRPORT_UNICAST_FLOOD, 0 }, /* frames for unknown addresses are for nobody here */
	{ IFLA_BRPORT_MCAST_FLOOD, 0 },
	{ IFLA_BRPORT_PROTECT, 1 }, /* may not become the root port */
	{ IFLA_BRPORT_GUARD, 1 }, /* BPDUs disable it */
};

void link_put_no_ipv6_address(struct nl_batch *b, unsigned index)
{
	struct ifinfomsg *ifi;
	size_t families, inet6;

	ifi = nl_begin(b, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi), "keep IPv6 off the interface");
	ifi->ifi_index = (int)index;
	families = nl_nest(b, IFLA_AF_SPEC);
	inet6 = nl_nest(b, AF_INET6);
	nl_put_u8(b, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nl_nest_end(b, inet6);
	nl_nest_end(b, families);
}

static void link_put_port(struct nl_batch *b, const struct link_veth *v, unsigned index)
{
	char alias[sizeof(LINK_ALIAS_PREFIX) + LIMIT_NAME_LEN];
	struct ifinfomsg *ifi;
	size_t info, data, i;

	(void)snprintf(alias, sizeof(alias), LINK_ALIAS_PREFIX "%s", v->instance);
	link_put_no_ipv6_address(b, index);
	ifi = nl_begin(b, RTM_NEWLINK, NLM_F_ACK, sizeof(*ifi), "guard bridge port");
	ifi->ifi_index = (int)index;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	nl_put_str(b, IFLA_IFALIAS, alias);
	info = nl_nest(b, IFLA_LINKINFO);
	nl_put_str(b, IFLA_INFO_SLAVE_KIND, "bridge");
	data = nl_nest(b, IFLA_INFO_SLAVE_DATA);
	for (i = 0; i < ARRAY_SIZE(link_port_flags); i++)
		nl_put_u8(b, link_port_flags[i].attribute, link_port_flags[i].value);
	nl_nest_end(b, data);
	nl_nest_end(b, info);
}

int link_port_setup(struct nl *nl, const struct link_veth *v, unsigned index, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct ndmsg *nd;

	nl_batch_reserve(&b, LINK_BATCH_SIZE);
	link_put_port(&b, v, index);
	/* Replace: the port of an earlier life, not yet gone, may hold the entry. */
	nd = nl_begin(&b, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, sizeof(*nd),
		      "set fdb entry of bridge port");
	nd->ndm_family = AF_BRIDGE;
	nd->ndm_ifindex = (int)index;
	nd->ndm_state = NUD_NOARP; /* static */
	nd->ndm_flags = NTF_MASTER;
	nl_put(&b, NDA_LLADDR, v->mac, LINK_MAC_LEN);
	link_neighbour_put(&b, v->bridge_index, v->address, v->mac);
	return nl_run(nl, &b, NULL, NULL, e);
}

/* Asking for a link makes the kernel look at its carrier first (Linux 6.8, linkwatch_sync_dev). The
 * port, then the bridge, which has a carrier when one of its ports has. */
int link_settle(struct nl *nl, const struct link_veth *v, unsigned index, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	const unsigned links[] = { index, v->bridge_index };
	struct ifinfomsg *ifi;
	size_t i;

	nl_batch_reserve(&b, LINK_BATCH_SIZE);
	for (i = 0; i < ARRAY_SIZE(links); i++) {
		ifi = nl_begin(&b, RTM_GETLINK, NLM_F_ACK, sizeof(*ifi), "look up bridge port");
		ifi->ifi_index = (int)links[i];
		nl_put_u32(&b, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	}
	return nl_run(nl, &b, NULL, NULL, e);
}

int link_delete(struct nl *nl, const char *name, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	int r;

	nl_batch_reserve(&b, LINK_BATCH_SIZE);
	(void)nl_begin(&b, RTM_DELLINK, NLM_F_ACK, sizeof(struct ifinfomsg), "delete link");
	nl_put_str(&b, IFLA_IFNAME, name);
	r = nl_exchange(nl, &b, NULL, NULL, e);
	if (r < 0 || b.messages[0].result == -ENODEV)
		return r;
	return nl_check(&b, 0, e);
}

/* ---- listing, for gc ---- */

struct link_listing {
	struct link_found *found;
	size_t n, room;
	const char *name, *alias;
};

static int link_take_attribute(const struct nlattr *attr, void *arg)
{
	struct link_listing *l = arg;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		l->name = mnl_attr_get_str(attr);
		break;
	case IFLA_IFALIAS:
		l->alias = mnl_attr_get_str(attr);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int link_take(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	const size_t prefix = sizeof(LINK_ALIAS_PREFIX) - 1;
	struct link_listing *l = arg;
	struct link_found *f;

	(void)index;
	l->name = l->alias = NULL;
	(void)mnl_attr_parse(nlh, sizeof(struct ifinfomsg), link_take_attribute, l);
	if (!l->name || !l->alias || !str_starts(l->alias, LINK_ALIAS_PREFIX))
		return 0;
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;

		f = reallocarray(l->found, room, sizeof(*f));
		if (!f)
			return -ENOMEM;
		l->found = f;
		l->room = room;
	}
	f = &l->found[l->n];
	if (str_format(f->name, sizeof(f->name), "%s", l->name) >= 0 &&
	    str_format(f->instance, sizeof(f->instance), "%s", l->alias + prefix) >= 0)
		l->n++;
	return 0;
}

static int link_dump_veths(struct nl *nl, struct link_listing *l, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	size_t info;

	nl_batch_reserve(&b, LINK_BATCH_SIZE);
	(void)nl_begin(&b, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg), "list links");
	nl_put_u32(&b, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	info = nl_nest(&b, IFLA_LINKINFO);
	nl_put_str(&b, IFLA_INFO_KIND, "veth");
	nl_nest_end(&b, info);
	l->n = 0;
	return nl_run(nl, &b, link_take, l, e);
}

int link_list_veths(struct nl *nl, struct link_found **ret, size_t *ret_n, struct err *e)
{
	struct link_listing l = { .found = NULL };
	struct err why = ERR_INIT;
	int attempt, r = -EINTR;

	/* -EINTR: links came or went during the dump. What was seen is real all the same. */
	for (attempt = 0; attempt < LINK_DUMPS && r == -EINTR; attempt++) {
		why = ERR_INIT;
		r = link_dump_veths(nl, &l, &why);
	}
	if (r < 0 && r != -EINTR) {
		*e = why;
		free(l.found);
		return r;
	}
	*ret = l.found;
	*ret_n = l.n;
	return 0;
}
