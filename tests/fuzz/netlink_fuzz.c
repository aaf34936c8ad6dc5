/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's answers: everything in netsetup/ that reads a netlink message, with the input as
 * what recv(2) gives. nl.c is included with its system calls replaced; what it hands to the parsers
 * ends at poisoned memory, so that a byte read behind a message is an error, not the rest of a
 * buffer.
 *
 * The first byte says who asks. Then come datagrams, each of them a length of two bytes and the
 * bytes, whose messages count their sequence numbers from 0. A length of 0xffNN fails with errno
 * NN, one of 0xfeNN is of a message that was longer than the buffer. A second byte of 1: sending
 * fails.
 *
 * Properties: an error has a reason, a text ends, what is sent is whole messages. Seeds are what a
 * kernel answered.
 */
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <sanitizer/asan_interface.h>
#include <sys/socket.h>

#include "netsetup/conntrack_priv.h"
#include "netsetup/end_priv.h"
#include "netsetup/netcheck_priv.h"
#include "netsetup/nft_priv.h"
#include "netsetup/nft_set_priv.h"
#include "netsetup/stats.h"
#include "tests/fuzz/fuzz.h"

static struct fuzz_input input;
static bool send_fails;
static char *poisoned;
static size_t n_poisoned;

static void fuzz_unpoison(void)
{
	ASAN_UNPOISON_MEMORY_REGION(poisoned, n_poisoned);
	n_poisoned = 0;
}

static bool fuzz_is_whole(const struct nlmsghdr *nlh, int left)
{
	return mnl_nlmsg_ok(nlh, left) && nlh->nlmsg_len <= (unsigned)left;
}

static ssize_t fuzz_recv(uint32_t seq, char *part, size_t room)
{
	unsigned kind = input.left >= 2 ? input.at[1] : 0xffu;
	struct nlmsghdr *nlh = (void *)part;
	const uint8_t *data;
	size_t n;
	int left;

	if (kind >= 0xfe) {
		errno = input.left < 2 ? EAGAIN : input.at[0] ? input.at[0] : EIO;
		(void)fuzz_u16(&input);
		return kind == 0xfe ? (ssize_t)room + 1 : -1;
	}
	n = fuzz_piece(&input, room, &data);
	memcpy(part, data, n);
	for (left = (int)n; fuzz_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		nlh->nlmsg_seq += seq;
	poisoned = part + n;
	n_poisoned = room - n;
	ASAN_POISON_MEMORY_REGION(poisoned, n_poisoned);
	return (ssize_t)n;
}

/* The only one that nl.c asks whether there is another message in a part. */
static bool fuzz_is_message(const struct nlmsghdr *nlh, int left)
{
	bool more = mnl_nlmsg_ok(nlh, left);

	if (!fuzz_is_whole(nlh, left))
		fuzz_unpoison();
	return more;
}

static ssize_t fuzz_send(const char *data, size_t n)
{
	const struct nlmsghdr *nlh = (const void *)data;
	int left = (int)n;

	while (mnl_nlmsg_ok(nlh, left))
		nlh = mnl_nlmsg_next(nlh, &left);
	fuzz_require(left == 0, "whole messages are sent");
	errno = ENOBUFS;
	return send_fails ? -1 : (ssize_t)n;
}

/* A socket that knows "lo", and that nobody hears. */
static int fuzz_socket(void)
{
	return (socket)(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int fuzz_fine(int fd, const void *what)
{
	return fd >= 0 && what ? 0 : -1;
}

#define recv(fd, part, n, flags) fuzz_recv(nl->seq, part, n)
#define send(fd, data, n, flags) fuzz_send(data, n)
#define socket(family, type, bus) fuzz_socket()
#define connect(fd, address, n) fuzz_fine(fd, address)
#define setsockopt(fd, level, option, value, n) fuzz_fine(fd, value)
#define mnl_nlmsg_ok(nlh, left) fuzz_is_message(nlh, left)
#include "netsetup/nl.c"
#undef recv
#undef send
#undef socket
#undef connect
#undef setsockopt
#undef mnl_nlmsg_ok
#include "netsetup/netdev.c"

static const struct jail_name instance = { "web" };
static struct net_network network = {
	.name = { "default" },
	.interface = "lo",
	.prefix4 = 24,
	.prefix6 = 64,
	.nat = true,
};
static struct net_interface interface = { .network = &network };
static const struct net_plan plan = {
	.instance = &instance,
	.id = "00112233445566778899aabbccddeeff",
	.tenant = "",
	.interfaces = &interface,
	.n_interfaces = 1,
};

/* -EINTR without a text: to be asked again. */
static void judge(int r, const struct err *e)
{
	if (r != -EINTR || e->code != 0)
		(void)fuzz_judged(r, e);
}

static void ask_links(struct nl *nl, unsigned who, struct err *e)
{
	struct link_state one = { .index = 0 }, *all = NULL;
	size_t n = 0;

	if (who == 0) {
		judge(link_get(nl, "jail0", 0, &one, e), e);
		all = &one;
		n = 1;
	} else {
		judge(link_list(nl, who == 1 ? "veth" : NULL, &all, &n, e), e);
	}
	for (size_t i = 0; i < n; i++)
		fuzz_require(strnlen(all[i].name, sizeof(all[i].name)) < sizeof(all[i].name) &&
				     strnlen(all[i].kind, sizeof(all[i].kind)) <
					     sizeof(all[i].kind) &&
				     strnlen(all[i].alias, LINK_ALIAS_MAX) < LINK_ALIAS_MAX,
			     "texts of links end");
	if (who != 0)
		free(all);
}

static void ask_bridge(struct nl *nl, unsigned who, struct err *e)
{
	struct bridge_state state = { .forwarding4 = false };
	unsigned users = 0;

	network.mode = who == 4 ? NET_ROUTED : NET_BRIDGE;
	if (who <= 4)
		judge(bridge_query(nl, &network, &state, e), e);
	else
		judge(bridge_users(nl, &network, 1, &users, e), e);
	network.mode = NET_BRIDGE;
}

static void ask_elements(struct nl *nl, struct err *e)
{
	CLEANUP(nft_listing_free) struct nft_listing l = { .v = NULL };

	judge(nft_elements_list(nl, NFT_SENDERS, NFT_INSTANCE_SETS, &l, e), e);
	for (size_t i = 0; i < l.n; i++) {
		const struct nft_element *el = &l.v[i].element;

		fuzz_require(strnlen(l.v[i].owner, NFT_OWNER_MAX) < NFT_OWNER_MAX, "an owner ends");
		fuzz_require(el->key_len > 0 && el->key_len <= NFT_KEY_MAX &&
				     el->data_len <= sizeof(el->data),
			     "keys and data fit");
	}
}

static bool alive(const struct jail_name *name, void *arg)
{
	(void)arg;
	return name->s[0] == 'w';
}

static int forget(uint8_t family, const void *address, void *arg, struct err *e)
{
	volatile uint8_t last = ((const uint8_t *)address)[family == AF_INET ? 3 : 15];

	(void)last;
	(void)arg;
	(void)e;
	return 0;
}

static void ask_table(struct nl *nl, unsigned who, struct err *e)
{
	struct net_classes classes;
	uint64_t handle = 0;

	if (who == 6)
		judge(nft_table_query(nl, &network, 1, &handle, e), e);
	else if (who == 7)
		ask_elements(nl, e);
	else if (who == 8)
		judge(nft_instance_classes(nl, &plan, &classes, e), e);
	else
		judge(nft_gc(nl, alive, NULL, forget, NULL, e), e);
}

static void ask_flows(struct nl *nl, unsigned who, struct err *e)
{
	if (who == 10)
		judge(conntrack_forget(nl, AF_INET6, &network.gateway6, e), e);
	else
		judge(conntrack_forget_listed(nl, AF_INET, &network.gateway4, e), e);
}

static void ask_ends(struct nl *nl, unsigned who, struct err *e)
{
	struct link_ends ends;

	network.mode = who == 13 ? NET_MACVLAN : NET_BRIDGE;
	ends_plan(&plan, NULL, &ends);
	if (who == 12)
		judge(ends_find_networks(nl, &ends, e), e);
	else
		judge(macvlan_delete(nl, &ends.v[0], e), e);
	network.mode = NET_BRIDGE;
}

static void say(const struct netcheck_result *r, void *arg)
{
	(void)arg;
	fuzz_require(r->name[0] != '\0' && r->detail[0] != '\0', "something is said");
}

static void ask_host(unsigned who, struct err *e)
{
	static struct netcheck check = { .networks = &network, .n = 1, .fn = say };
	struct net_traffic_source source = { .fd = -EBADF };
	struct net_traffic traffic;
	CLEANUP_FREE struct net_host_route *routes = NULL;
	size_t n = 0;

	if (who == 14) {
		judge(net_host_routes(&routes, &n, e), e);
		for (size_t i = 0; i < n; i++)
			fuzz_require(strnlen(routes[i].interface, 16) < 16, "a name ends");
	} else if (who == 15) {
		fuzz_require(net_traffic_open(&source, e) >= 0, "a socket");
		judge(net_traffic_read(&source, "lo", &traffic, e), e);
		net_traffic_close(&source);
	} else if (who == 16) {
		judge(net_forget_neighbours(plan.id, e), e);
	} else {
		judge(netcheck_firewalls(&check, e), e);
	}
}

static void ask_netdev(struct nl *nl, struct err *e)
{
	static struct netdev_list list;

	list = (struct netdev_list){ .index = 1 };
	judge(netdev_addresses(nl, &list, e), e);
	fuzz_require(list.n <= NETDEV_ADDRESSES, "so many addresses");
}

static void prepare(void)
{
	network.subnet4.s_addr = htonl(0x0a580000);
	network.gateway4.s_addr = htonl(0x0a580001);
	interface.address4.s_addr = htonl(0x0a580007);
	network.subnet6.s6_addr[0] = 0xfd;
	network.gateway6 = interface.address6 = network.subnet6;
	network.gateway6.s6_addr[15] = 1;
	interface.address6.s6_addr[15] = 7;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	struct err e = ERR_INIT;
	unsigned who;

	prepare();
	input = (struct fuzz_input){ data, size };
	who = fuzz_byte(&input) % 19;
	send_fails = fuzz_byte(&input) == 1;
	fuzz_require(nl_open(NETLINK_ROUTE, &nl, &e) >= 0, "a socket");
	if (who <= 2)
		ask_links(&nl, who, &e);
	else if (who <= 5)
		ask_bridge(&nl, who, &e);
	else if (who <= 9)
		ask_table(&nl, who, &e);
	else if (who <= 11)
		ask_flows(&nl, who, &e);
	else if (who <= 13)
		ask_ends(&nl, who, &e);
	else if (who <= 17)
		ask_host(who, &e);
	else
		ask_netdev(&nl, &e);
	fuzz_unpoison();
	return 0;
}
