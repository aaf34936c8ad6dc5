/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an instance must not say: as another, as a router or DHCP server, to the host's loopback, or
 * in answer to nothing.
 */
#include "netsetup_nft_frames.h"

/* ---- senders (row 71) ---- */

#define UDP_PORT 7000

static const struct {
	const char *what, *source4, *source6;
	bool wrong_mac;
} false_senders[] = {
	{ "another's MAC address", NULL, NULL, true },
	{ "a neighbour's address", "10.88.0.12", "fd00:88::c", false },
	{ "the gateway's address", "10.88.0.1", "fd00:88::1", false },
	{ "the address of another network", "10.89.0.10", "fd00:89::a", false },
	{ "a foreign address", "198.51.100.7", "2001:db8:7::7", false },
	{ "the outside's own network", "192.0.2.77", "2001:db8::77", false },
};

static void send_falsely(const struct box *b, size_t i, uint16_t port, bool six)
{
	uint8_t mac[NET_MAC_LEN];

	memcpy(mac, b->mac, sizeof(mac));
	mac[5] ^= false_senders[i].wrong_mac;
	if (six)
		send_udp(b, mac, false_senders[i].source6 ? false_senders[i].source6 : b->ip6,
			 OUTSIDE6, port, UDP_PORT);
	else
		send_udp(b, mac, false_senders[i].source4 ? false_senders[i].source4 : b->ip4,
			 OUTSIDE4, port, UDP_PORT);
}

static void try_senders(const struct box *b, int udp4, int udp6)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(false_senders); i++) {
		send_falsely(b, i, (uint16_t)(4000 + i), false);
		send_falsely(b, i, (uint16_t)(4000 + i), true);
	}
	if (arrives(udp4, WAIT_BLOCKED_MS) || arrives(udp6, WAIT_BLOCKED_MS))
		fail_msg("a false sender of %s got through", b->name.s);
	send_udp(b, b->mac, b->ip4, OUTSIDE4, 5000, UDP_PORT);
	send_udp(b, b->mac, b->ip6, OUTSIDE6, 5000, UDP_PORT);
	assert_true(arrives(udp4, WAIT_MS));
	assert_true(arrives(udp6, WAIT_MS));
}

static void test_false_senders(void **state)
{
	int udp4 = bound(rig.outside, SOCK_DGRAM, "0.0.0.0", UDP_PORT);
	int udp6 = bound(rig.outside, SOCK_DGRAM, "::", UDP_PORT);
	struct box *a = box_new(0, &rig.front, BRIDGED), *b = box_new(1, &rig.front, ROUTED);
	size_t i;

	(void)state;
	(void)box_new(2, &rig.front, BRIDGED); /* the neighbour */
	try_senders(a, udp4, udp6);
	try_senders(b, udp4, udp6);
	/* The right address by the wrong interface: the interface is part of it. */
	send_udp(b, a->mac, a->ip4, OUTSIDE4, 5001, UDP_PORT);
	send_udp(b, a->mac, a->ip6, OUTSIDE6, 5001, UDP_PORT);
	assert_false(arrives(udp4, WAIT_BLOCKED_MS));
	assert_false(arrives(udp6, WAIT_BLOCKED_MS));
	/* Without the protection all get through that are not answered by the others. */
	sh(rig.home,
	   "nft flush chain inet jail source && nft insert rule inet jail outside return");
	for (i = 3; i < ARRAY_SIZE(false_senders); i++) {
		send_falsely(a, i, (uint16_t)(4500 + i), false);
		send_falsely(a, i, (uint16_t)(4500 + i), true);
		if (!arrives(udp4, WAIT_MS) || !arrives(udp6, WAIT_MS))
			fail_msg("control: %s does not arrive", false_senders[i].what);
	}
	(void)close(udp4);
	(void)close(udp6);
}

/* Asks the gateway for its MAC address as somebody. */
static void send_arp(const struct box *b, const uint8_t *mac, const char *as)
{
	struct {
		struct ethhdr eth;
		struct arphdr arp;
		uint8_t sha[6], spa[4], tha[6], tpa[4];
	} __attribute__((packed)) f = {
		.eth = { .h_proto = htons(ETH_P_ARP) },
		.arp = { .ar_hrd = htons(ARPHRD_ETHER),
			 .ar_pro = htons(ETH_P_IP),
			 .ar_hln = 6,
			 .ar_pln = 4,
			 .ar_op = htons(ARPOP_REQUEST) },
	};

	memset(f.eth.h_dest, 0xff, 6);
	memcpy(f.eth.h_source, b->mac, 6);
	memcpy(f.sha, mac, 6);
	to_ip(as, AF_INET, f.spa);
	to_ip("10.88.0.1", AF_INET, f.tpa);
	send_frame(b, &f, sizeof(f));
}

static bool known_to_host(const char *address)
{
	char command[128], *text;
	bool known;

	(void)snprintf(command, sizeof(command), "ip neigh show to %s", address);
	assert_int_equal(sh_run(rig.home, command, &text), 0);
	known = text[0] != '\0';
	free(text);
	return known;
}

static void test_arp(void **state)
{
	struct box *boxes[2] = { box_new(0, &rig.front, BRIDGED), box_new(1, &rig.front, ROUTED) };
	uint8_t other[6] = { 2, 1, 1, 1, 1, 1 };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct box *b = boxes[i];

		sh(rig.home, "ip neigh flush all");
		send_arp(b, b->mac, "10.88.0.77");
		send_arp(b, other, b->ip4);
		assert_true(ping(b->netns, "fd00:88::1", WAIT_MS)); /* it is through by now */
		assert_false(known_to_host("10.88.0.77"));
		assert_false(known_to_host(b->ip4));
		send_arp(b, b->mac, b->ip4);
		assert_true(ping(b->netns, "10.88.0.1", WAIT_MS));
		assert_true(known_to_host(b->ip4));
	}
	sh(rig.home, "nft flush chain arp jail input");
	send_arp(boxes[0], boxes[0]->mac, "10.88.0.77");
	assert_true(ping(boxes[0]->netns, "fd00:88::1", WAIT_MS));
	assert_true(known_to_host("10.88.0.77"));
}

/* Row 70: what an instance must not tell its neighbours. They would be reached, but for that. */
static void test_routers_and_dhcp(void **state)
{
	struct box *a = box_new(0, &rig.front, BRIDGED), *b = box_new(1, &rig.front, BRIDGED);
	int dhcp4 = bound(b->netns, SOCK_DGRAM, b->ip4, 68);
	int dhcp6 = bound(b->netns, SOCK_DGRAM, b->ip6, 546);
	int icmp6 = socket_in(b->netns, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	int icmp4 = socket_in(b->netns, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	struct icmp6_filter filter;
	unsigned pass;

	(void)state;
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ND_ROUTER_ADVERT, &filter);
	ICMP6_FILTER_SETPASS(ND_REDIRECT, &filter);
	assert_int_equal(setsockopt(icmp6, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)),
			 0);
	for (pass = 0; pass < 3; pass++) {
		bool open = pass == 2;
		int wait = open ? WAIT_MS : WAIT_BLOCKED_MS;

		/* `source` stops them, also where the way is open behind it; then nothing does. */
		if (pass == 1)
			sh(rig.home, "nft flush chain inet jail leaving && "
				     "nft insert rule inet jail entering accept");
		if (open)
			sh(rig.home, "nft flush chain inet jail source");
		send_icmp(a, a->ip6, b->ip6, ND_ROUTER_ADVERT);
		assert_int_equal(arrives(icmp6, wait), open);
		send_icmp(a, a->ip6, b->ip6, ND_REDIRECT);
		assert_int_equal(arrives(icmp6, wait), open);
		send_icmp(a, a->ip4, b->ip4, 5);
		assert_int_equal(arrives(icmp4, wait), open);
		send_udp(a, a->mac, a->ip4, b->ip4, 67, 68);
		assert_int_equal(arrives(dhcp4, wait), open);
		send_udp(a, a->mac, a->ip6, b->ip6, 547, 546);
		assert_int_equal(arrives(dhcp6, wait), open);
		/* Other ports are nobody's business. */
		send_udp(a, a->mac, a->ip4, b->ip4, 66, 68);
		assert_true(arrives(dhcp4, WAIT_MS));
	}
	(void)close(dhcp4);
	(void)close(dhcp6);
	(void)close(icmp4);
	(void)close(icmp6);
}

/* Sends to a neighbour until the host tells that he is on the same link; not for every packet, the
 * kernel does that. */
static bool redirected(const struct box *a, const struct box *b, int icmp, bool six, unsigned tries)
{
	int udp = bound(b->netns, SOCK_DGRAM, six ? b->ip6 : b->ip4, 7600);
	bool got = false;

	while (!got && tries-- > 0) {
		if (six)
			send_udp(a, a->mac, a->ip6, b->ip6, 5300, 7600);
		else
			send_udp(a, a->mac, a->ip4, b->ip4, 5300, 7600);
		assert_true(arrives(udp, WAIT_MS));
		got = arrives(icmp, WAIT_BLOCKED_MS);
	}
	(void)close(udp);
	return got;
}

/* It can't reach him there. */
static void test_redirects(void **state)
{
	unsigned open;

	(void)state;
	for (open = 0; open < 2; open++) {
		struct box *a = box_new(2 * open, &rig.front, BRIDGED);
		struct box *b = box_new(2 * open + 1, &rig.front, BRIDGED);
		int icmp4 = socket_in(a->netns, AF_INET, SOCK_RAW, IPPROTO_ICMP);
		int icmp6 = socket_in(a->netns, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
		struct icmp6_filter filter;

		ICMP6_FILTER_SETBLOCKALL(&filter);
		ICMP6_FILTER_SETPASS(ND_REDIRECT, &filter);
		assert_int_equal(
			setsockopt(icmp6, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)),
			0);
		if (open)
			sh(rig.home, "nft flush chain inet jail output");
		assert_int_equal(redirected(a, b, icmp4, false, open ? 50 : 4), open);
		assert_int_equal(redirected(a, b, icmp6, true, open ? 50 : 4), open);
		(void)close(icmp4);
		(void)close(icmp6);
	}
}

/* An answer to nothing: no address translation would hide where it comes from. */
static void test_no_flow(void **state)
{
	struct box *a = box_new(0, &rig.front, BRIDGED);
	int icmp4 = socket_in(rig.outside, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	int icmp6 = socket_in(rig.outside, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	struct icmp6_filter filter;

	(void)state;
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
	assert_int_equal(setsockopt(icmp6, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)),
			 0);
	send_icmp(a, a->ip4, OUTSIDE4, 0);
	send_icmp(a, a->ip6, OUTSIDE6, ICMP6_ECHO_REPLY);
	assert_false(arrives(icmp4, WAIT_BLOCKED_MS));
	assert_false(arrives(icmp6, WAIT_BLOCKED_MS));
	sh(rig.home, "nft flush chain inet jail leaving");
	send_icmp(a, a->ip4, OUTSIDE4, 0);
	send_icmp(a, a->ip6, OUTSIDE6, ICMP6_ECHO_REPLY);
	assert_true(arrives(icmp4, WAIT_MS));
	assert_true(arrives(icmp6, WAIT_MS));
	(void)close(icmp4);
	(void)close(icmp6);
}

/* Row 72: what comes behind `source` sees no packet for the host's own 127.0.0.0/8. */
static void test_loopback(void **state)
{
	struct box *boxes[2] = { box_new(0, &rig.front, BRIDGED), box_new(1, &rig.front, ROUTED) };
	char *text;
	size_t i;

	(void)state;
	sh(rig.home, "nft add table ip watch && nft add chain ip watch c "
		     "'{ type filter hook prerouting priority -290; }' && "
		     "nft add rule ip watch c ip daddr 127.0.0.0/8 counter");
	for (i = 0; i < 4; i++) {
		if (i == 2)
			sh(rig.home, "nft flush chain inet jail source");
		send_udp(boxes[i % 2], boxes[i % 2]->mac, boxes[i % 2]->ip4, "127.0.0.1", 5200, 53);
		assert_true(ping(boxes[i % 2]->netns, "10.88.0.1", WAIT_MS)); /* it is through */
		assert_int_equal(sh_run(rig.home, "nft list table ip watch", &text), 0);
		assert_non_null(strstr(text, i < 2   ? "packets 0 "
					     : i < 3 ? "packets 1 "
						     : "packets 2 "));
		free(text);
	}
	sh(rig.home, "nft delete table ip watch");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PACKET_TEST(test_false_senders),    PACKET_TEST(test_arp),
		PACKET_TEST(test_routers_and_dhcp), PACKET_TEST(test_redirects),
		PACKET_TEST(test_no_flow),	    PACKET_TEST(test_loopback),
	};

	return cmocka_run_group_tests(tests, rig_make, NULL);
}
