/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to packets: false senders, routers and DHCP servers, published ports, counters, and
 * the packets and tables of others.
 */
#include "netsetup_nft_rig.h"

#include <linux/if_arp.h>
#include <linux/netfilter.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#define BRIDGED false
#define ROUTED true

/* ---- frames ---- */

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint32_t sum_of(const void *data, size_t n)
{
	const uint8_t *p = data;
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += (uint32_t)p[i] << (i % 2 ? 0 : 8);
	return sum;
}

static void mac_of_host(const struct box *b, uint8_t ret[static 6])
{
	struct ifreq request = { .ifr_name = "" };
	int fd = socket_in(rig.home, AF_INET, SOCK_DGRAM, 0);

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s",
		       b->interface.routed ? b->at.v[0].host_interface
					   : b->interface.network->interface);
	assert_int_equal(ioctl(fd, SIOCGIFHWADDR, &request), 0);
	memcpy(ret, request.ifr_hwaddr.sa_data, 6);
	(void)close(fd);
}

/* Out of eth0 as it is. */
static void send_frame(const struct box *b, const void *frame, size_t n)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };
	int fd = socket_in(b->netns, AF_PACKET, SOCK_RAW, 0);

	enter(b->netns);
	to.sll_ifindex = (int)if_nametoindex("eth0");
	enter(rig.home);
	assert_true(to.sll_ifindex > 0);
	assert_int_equal(sendto(fd, frame, n, 0, (struct sockaddr *)&to, sizeof(to)), n);
	(void)close(fd);
}

/* A frame with a packet of either family; `checksum`: where the payload has its own. */
static void send_packet(const struct box *b, const uint8_t *mac, const char *source, const char *to,
			uint8_t protocol, const void *payload, size_t n, size_t checksum)
{
	uint8_t frame[256] = { 0 }, pseudo[40] = { 0 };
	bool six = strchr(to, ':') != NULL;
	size_t header = six ? 40 : 20;
	uint8_t *ip = frame + 14, *data = ip + header;
	uint32_t sum;

	mac_of_host(b, frame);
	memcpy(frame + 6, mac, 6);
	frame[12] = six ? 0x86 : 0x08;
	frame[13] = six ? 0xdd : 0x00;
	memcpy(data, payload, n);
	if (six) {
		struct ip6_hdr h = { 0 };

		h.ip6_vfc = 0x60;
		h.ip6_hlim = 255;
		h.ip6_nxt = protocol;
		h.ip6_plen = htons((uint16_t)n);
		to_ip(source, AF_INET6, &h.ip6_src);
		to_ip(to, AF_INET6, &h.ip6_dst);
		memcpy(ip, &h, sizeof(h));
		memcpy(pseudo, ip + 8, 32);
	} else {
		struct iphdr h = { .version = 4, .ihl = 5, .ttl = 64, .protocol = protocol };

		h.tot_len = htons((uint16_t)(20 + n));
		to_ip(source, AF_INET, &h.saddr);
		to_ip(to, AF_INET, &h.daddr);
		h.check = htons((uint16_t)~fold(sum_of(&h, sizeof(h))));
		memcpy(ip, &h, sizeof(h));
		if (protocol != IPPROTO_ICMP)
			memcpy(pseudo, ip + 12, 8);
	}
	sum = sum_of(data, n);
	if (six || protocol != IPPROTO_ICMP)
		sum += sum_of(pseudo, sizeof(pseudo)) + protocol + (uint32_t)n;
	sum = (uint16_t)~fold(sum);
	data[checksum] = (uint8_t)(sum >> 8);
	data[checksum + 1] = (uint8_t)sum;
	send_frame(b, frame, 14 + header + n);
}

static void send_udp(const struct box *b, const uint8_t *mac, const char *source, const char *to,
		     uint16_t from_port, uint16_t port)
{
	uint8_t data[13] = { (uint8_t)(from_port >> 8),
			     (uint8_t)from_port,
			     (uint8_t)(port >> 8),
			     (uint8_t)port,
			     0,
			     13,
			     0,
			     0,
			     'h',
			     'e',
			     'l',
			     'l',
			     'o' };

	send_packet(b, mac, source, to, IPPROTO_UDP, data, sizeof(data), 6);
}

static void send_icmp(const struct box *b, const char *source, const char *to, uint8_t type)
{
	uint8_t data[64] = { type };
	bool six = strchr(to, ':') != NULL;

	send_packet(b, b->mac, source, to, six ? IPPROTO_ICMPV6 : IPPROTO_ICMP, data, sizeof(data),
		    2);
}

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

/* ---- published ports ---- */

static struct net_port published[] = {
	{ .host_port = 8080, .port = 80, .count = 1, .protocol = IPPROTO_TCP },
	{ .host_port = 9000, .port = 9000, .count = 100, .protocol = IPPROTO_TCP },
	{ .host_port = 7100, .port = 6100, .count = 3, .protocol = IPPROTO_UDP },
	{ .family = AF_INET, .host_port = 81, .port = 80, .count = 1, .protocol = IPPROTO_TCP },
	{ .family = AF_INET6, .host_port = 82, .port = 80, .count = 1, .protocol = IPPROTO_TCP },
	{ .family = AF_INET6,
	  .host_port = 9050,
	  .port = 9050,
	  .count = 2,
	  .protocol = IPPROTO_SCTP },
	{ .family = AF_INET, .host_port = 83, .port = 80, .count = 1, .protocol = IPPROTO_TCP },
};

static void publish(struct box *b)
{
	struct net_plan to = b->plan;

	to_ip(HOST4, AF_INET, &published[3].host_address);
	to_ip(HOST6, AF_INET6, &published[4].host_address);
	to_ip("127.0.0.1", AF_INET, &published[6].host_address);
	to.ports = published;
	to.n_ports = ARRAY_SIZE(published);
	box_change(b, &to);
}

static void try_published(struct box *b, struct box *other)
{
	int web4 = bound(b->netns, SOCK_STREAM, "0.0.0.0", 80);
	int web6 = bound(b->netns, SOCK_STREAM, "::", 80);
	int mid4 = bound(b->netns, SOCK_STREAM, "0.0.0.0", 9042);
	int mid6 = bound(b->netns, SOCK_STREAM, "::", 9099);
	int udp4 = bound(b->netns, SOCK_DGRAM, "0.0.0.0", 6102);

	/* From outside, as who it is (row 74). */
	assert_reaches(rig.outside, HOST4, 8080, web4, OUTSIDE4);
	assert_reaches(rig.outside, HOST6, 8080, web6, OUTSIDE6);
	assert_reaches(rig.outside, HOST4, 9042, mid4, OUTSIDE4);
	assert_reaches(rig.outside, HOST6, 9099, mid6, OUTSIDE6);
	assert_reaches(rig.outside, HOST4, 81, web4, OUTSIDE4);
	assert_reaches(rig.outside, HOST6, 82, web6, OUTSIDE6);
	/* The host itself, a neighbour, one of another network, and the very instance. */
	assert_reaches(rig.home, HOST4, 8080, web4, NULL);
	assert_reaches(rig.home, HOST6, 8080, web6, NULL);
	assert_reaches(other->netns, HOST4, 8080, web4, NULL);
	assert_reaches(other->netns, HOST6, 8080, web6, NULL);
	assert_reaches(other->netns, "10.89.0.1", 9042, mid4, NULL);
	assert_reaches(b->netns, HOST4, 8080, web4, NULL);
	assert_reaches(b->netns, HOST6, 8080, web6, NULL);
	sh(rig.outside, "printf hello | socat -u - UDP4:" HOST4 ":7102");
	assert_true(arrives(udp4, WAIT_MS));
	/* What is not published. */
	assert_blocked(rig.outside, b->ip4, 80);
	assert_int_equal(tcp_connect(rig.outside, HOST4, 9100, WAIT_MS), -ECONNREFUSED);
	assert_int_equal(tcp_connect(rig.outside, HOST4, 82, WAIT_MS), -ECONNREFUSED);
	assert_int_equal(tcp_connect(rig.outside, HOST6, 81, WAIT_MS), -ECONNREFUSED);
	assert_int_equal(tcp_connect(rig.home, HOST4, 83, WAIT_MS), -ECONNREFUSED);
	assert_int_equal(tcp_connect(rig.home, "127.0.0.1", 8080, WAIT_MS), -ECONNREFUSED);
	assert_int_equal(tcp_connect(rig.home, "127.0.0.1", 83, WAIT_MS), -ECONNREFUSED);
	(void)close(web4);
	(void)close(web6);
	(void)close(mid4);
	(void)close(mid6);
	(void)close(udp4);
}

static void test_published(void **state)
{
	struct box *a = box_new(0, &rig.front, BRIDGED), *b = box_new(1, &rig.front, ROUTED);
	struct box *other = box_new(2, &rig.back, BRIDGED);
	struct net_network n = rig.back;
	struct net_plan none;

	(void)state;
	/* To reach what is published one need not be of the same tenant. */
	(void)snprintf(n.tenant, sizeof(n.tenant), "acme");
	OK(nft_network_add(rig.nl, &n, &e));
	publish(a);
	try_published(a, other);
	none = a->plan;
	none.n_ports = 0;
	box_change(a, &none);
	assert_int_equal(tcp_connect(rig.outside, HOST4, 8080, WAIT_MS), -ECONNREFUSED);
	publish(b);
	try_published(b, other);
}

static uint32_t crc32c(const uint8_t *p, size_t n)
{
	uint32_t crc = ~0u;
	size_t i;
	int bit;

	for (i = 0; i < n; i++)
		for (crc ^= p[i], bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	return ~crc;
}

/* The first chunk of an association, to a published port, by raw sockets: none need speak SCTP. */
static bool sctp_arrives(int seen, const char *address, uint16_t port, uint16_t inside)
{
	uint8_t init[32] = { 0x13, 0x88, (uint8_t)(port >> 8), (uint8_t)port };
	struct where to = at_port(address, 0);
	int fd = socket_in(rig.outside, to.family, SOCK_RAW, IPPROTO_SCTP);
	uint8_t got[128], *at = got;
	uint32_t crc;

	init[12] = 1; /* INIT, 20 bytes */
	init[15] = 20;
	init[16] = 1; /* tag */
	init[20] = 1; /* window */
	init[25] = init[27] = 1; /* streams */
	crc = crc32c(init, sizeof(init));
	memcpy(init + 8, &crc, sizeof(crc));
	assert_int_equal(sendto(fd, init, sizeof(init), 0, (struct sockaddr *)&to.a, to.n),
			 sizeof(init));
	(void)close(fd);
	if (!readable(seen, WAIT_MS) || recv(seen, got, sizeof(got), 0) <= 0)
		return false;
	if (to.family == AF_INET)
		at += 20;
	return at[2] == inside >> 8 && at[3] == (inside & 0xff);
}

static void test_published_sctp(void **state)
{
	static const struct net_port ports[] = {
		{ .host_port = 7200, .port = 6200, .count = 1, .protocol = IPPROTO_SCTP },
		{ .host_port = 7300, .port = 7300, .count = 9, .protocol = IPPROTO_SCTP },
	};
	struct box *b = box_new(0, &rig.front, BRIDGED);
	int seen4 = socket_in(b->netns, AF_INET, SOCK_RAW, IPPROTO_SCTP);
	int seen6 = socket_in(b->netns, AF_INET6, SOCK_RAW, IPPROTO_SCTP);
	struct net_plan to = b->plan;

	(void)state;
	to.ports = ports;
	to.n_ports = ARRAY_SIZE(ports);
	box_change(b, &to);
	assert_true(sctp_arrives(seen4, HOST4, 7200, 6200));
	assert_true(sctp_arrives(seen4, HOST4, 7308, 7308));
	assert_true(sctp_arrives(seen6, HOST6, 7200, 6200));
	assert_true(sctp_arrives(seen6, HOST6, 7300, 7300));
	(void)close(seen4);
	(void)close(seen6);
}

/* The instance's rules are asked about published ports too. */
static void test_published_and_rules(void **state)
{
	struct net_rule in[] = { { .allow = true,
				   .peer = NET_PEER_ADDRESS,
				   .family = AF_INET,
				   .prefix = 32,
				   .protocol = IPPROTO_TCP,
				   .first = 80,
				   .last = 80 } };
	struct box *b = box_new(0, &rig.front, BRIDGED);
	int web4 = bound(b->netns, SOCK_STREAM, "0.0.0.0", 80);
	int web6 = bound(b->netns, SOCK_STREAM, "::", 80);

	(void)state;
	publish(b);
	to_ip(OUTSIDE4, AF_INET, &in[0].address);
	box_rules(b, in, 1);
	assert_reaches(rig.outside, HOST4, 8080, web4, OUTSIDE4);
	assert_blocked(rig.outside, HOST6, 8080);
	to_ip("192.0.2.3", AF_INET, &in[0].address);
	box_rules(b, NULL, 0);
	box_rules(b, in, 1);
	assert_blocked(rig.outside, HOST4, 8080);
	box_rules(b, NULL, 0);
	assert_reaches(rig.outside, HOST6, 8080, web6, OUTSIDE6);
	(void)close(web4);
	(void)close(web6);
}

/* ---- counters ---- */

static void counts_are(const struct box *b, const char *text)
{
	struct net_classes c;
	struct err why = ERR_INIT;
	char is[128];

	assert_int_equal(nft_instance_classes(rig.nl, &b->plan, &c, &why), 0);
	(void)snprintf(is, sizeof(is), "received %ju/%ju %ju/%ju sent %ju/%ju %ju/%ju",
		       (uintmax_t)c.received_inside.packets, (uintmax_t)c.received_inside.bytes,
		       (uintmax_t)c.received_outside.packets, (uintmax_t)c.received_outside.bytes,
		       (uintmax_t)c.sent_inside.packets, (uintmax_t)c.sent_inside.bytes,
		       (uintmax_t)c.sent_outside.packets, (uintmax_t)c.sent_outside.bytes);
	assert_string_equal(is, text);
}

static void test_counters(void **state)
{
	int out4 = bound(rig.outside, SOCK_DGRAM, OUTSIDE4, 7300);
	int out6 = bound(rig.outside, SOCK_DGRAM, OUTSIDE6, 7300);
	struct box *a = box_new(0, &rig.front, BRIDGED), *b = box_new(1, &rig.front, ROUTED);
	int in4 = bound(b->netns, SOCK_DGRAM, b->ip4, 7300);
	int back4 = bound(a->netns, SOCK_DGRAM, a->ip4, 5100);
	struct net_rule deny[] = { { .out = true, .protocol = IPPROTO_UDP } };
	struct sockaddr_storage from;
	socklen_t n = sizeof(from);
	char text[16];

	(void)state;
	counts_are(a, "received 0/0 0/0 sent 0/0 0/0");
	send_udp(a, a->mac, a->ip4, OUTSIDE4, 5100, 7300); /* 20 + 8 + 5 bytes */
	assert_true(readable(out4, WAIT_MS));
	assert_int_equal(recvfrom(out4, text, sizeof(text), 0, (struct sockaddr *)&from, &n), 5);
	counts_are(a, "received 0/0 0/0 sent 0/0 1/33");
	assert_int_equal(sendto(out4, text, 7, 0, (struct sockaddr *)&from, n), 7);
	assert_true(arrives(back4, WAIT_MS));
	send_udp(a, a->mac, a->ip6, OUTSIDE6, 5100, 7300);
	assert_true(arrives(out6, WAIT_MS));
	send_udp(a, a->mac, a->ip4, b->ip4, 5101, 7300);
	assert_true(arrives(in4, WAIT_MS));
	counts_are(a, "received 0/0 1/35 sent 1/33 2/86");
	counts_are(b, "received 1/33 0/0 sent 0/0 0/0");
	/* The host is inside. */
	assert_true(ping(a->netns, "10.88.0.1", WAIT_MS));
	counts_are(a, "received 1/28 1/35 sent 2/61 2/86");
	/* What is dropped, by us or by others, was not let through. */
	send_udp(a, a->mac, "10.88.0.99", OUTSIDE4, 5102, 7300);
	box_rules(a, deny, 1);
	send_udp(a, a->mac, a->ip4, OUTSIDE4, 5103, 7300);
	box_rules(a, NULL, 0);
	sh(rig.home, "nft add table inet firewall && nft add chain inet firewall f "
		     "'{ type filter hook forward priority 10; policy drop; }'");
	send_udp(a, a->mac, a->ip4, OUTSIDE4, 5104, 7300);
	assert_false(arrives(out4, WAIT_BLOCKED_MS));
	sh(rig.home, "nft delete table inet firewall");
	counts_are(a, "received 1/28 1/35 sent 2/61 2/86");
	(void)close(out4);
	(void)close(out6);
	(void)close(in4);
	(void)close(back4);
}

/* ---- others ---- */

/* Packets that are none of ours, from a namespace that is no instance: nothing here is for them. */
static void test_packets_of_others(void **state)
{
	int plain = netns_new(), host, out4, out6;

	(void)state;
	sh(rig.home,
	   "ip link add pl0 type veth peer name eth0 netns /proc/%d/fd/%d && "
	   "ip addr add 10.77.0.1/24 dev pl0 && ip addr add fd00:77::1/64 dev pl0 nodad && "
	   "ip link set pl0 up",
	   (int)getpid(), plain);
	sh(plain,
	   "sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0 && "
	   "ip addr add 10.77.0.2/24 dev eth0 && ip addr add fd00:77::2/64 dev eth0 nodad && "
	   "ip link set eth0 up && ip route add default via 10.77.0.1 && "
	   "ip -6 route add default via fd00:77::1");
	host = bound(rig.home, SOCK_STREAM, "0.0.0.0", 7400);
	out4 = bound(rig.outside, SOCK_STREAM, OUTSIDE4, 7400);
	out6 = bound(rig.outside, SOCK_STREAM, OUTSIDE6, 7400);
	assert_reaches(plain, HOST4, 7400, host, "10.77.0.2");
	assert_reaches(plain, OUTSIDE4, 7400, out4, "10.77.0.2");
	assert_reaches(plain, OUTSIDE6, 7400, out6, "fd00:77::2");
	/* Another's table that drops by default goes on doing that. */
	sh(rig.home, "nft add table inet firewall && nft add chain inet firewall f "
		     "'{ type filter hook forward priority 10; policy drop; }'");
	assert_blocked(plain, OUTSIDE4, 7400);
	assert_reaches(plain, HOST4, 7400, host, "10.77.0.2");
	sh(rig.home, "nft delete table inet firewall && ip link del pl0");
	(void)close(plain);
	(void)close(host);
	(void)close(out4);
	(void)close(out6);
}

/* With a firewall that drops by default both have to agree: ours never opens what it closes. */
static void test_tables_of_others(void **state)
{
	struct box *b = box_new(0, &rig.front, BRIDGED);
	int web = bound(b->netns, SOCK_STREAM, "0.0.0.0", 80);
	int out = bound(rig.outside, SOCK_STREAM, OUTSIDE4, 7500);

	(void)state;
	publish(b);
	sh(rig.home, "nft add table inet firewall && nft add chain inet firewall f "
		     "'{ type filter hook forward priority 10; policy drop; }'");
	assert_blocked(b->netns, OUTSIDE4, 7500);
	assert_blocked(rig.outside, HOST4, 8080);
	sh(rig.home,
	   "nft add rule inet firewall f iifgroup %u accept && "
	   "nft add rule inet firewall f oifgroup %u accept",
	   NET_GROUP, NET_GROUP);
	assert_reaches(b->netns, OUTSIDE4, 7500, out, HOST4);
	assert_reaches(rig.outside, HOST4, 8080, web, OUTSIDE4);
	assert_blocked(rig.outside, b->ip4, 80);
	sh(rig.home, "nft delete table inet firewall");
	(void)close(web);
	(void)close(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PACKET_TEST(test_false_senders),    PACKET_TEST(test_arp),
		PACKET_TEST(test_routers_and_dhcp), PACKET_TEST(test_loopback),
		PACKET_TEST(test_no_flow),	    PACKET_TEST(test_published),
		PACKET_TEST(test_published_sctp),   PACKET_TEST(test_published_and_rules),
		PACKET_TEST(test_counters),	    PACKET_TEST(test_packets_of_others),
		PACKET_TEST(test_tables_of_others),
	};

	return cmocka_run_group_tests(tests, rig_make, NULL);
}
