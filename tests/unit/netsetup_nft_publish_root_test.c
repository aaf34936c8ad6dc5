/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Published ports, counters, and the packets and tables of others. */
#include "netsetup_nft_frames.h"

/* ---- published ports ---- */

static struct net_port published[] = {
	{ .host_port = 8080, .port = 80, .count = 1, .protocol = IPPROTO_TCP },
	{ .host_port = 9000, .port = 9000, .count = 100, .protocol = IPPROTO_TCP },
	{ .host_port = 7100, .port = 6100, .count = 3, .protocol = IPPROTO_UDP },
	{ .family = AF_INET, .host_port = 81, .port = 80, .count = 1, .protocol = IPPROTO_TCP },
	{ .family = AF_INET6, .host_port = 82, .port = 80, .count = 1, .protocol = IPPROTO_TCP },
	{ .family = AF_INET, .host_port = 84, .port = 84, .count = 2, .protocol = IPPROTO_TCP },
	{ .family = AF_INET6, .host_port = 84, .port = 84, .count = 2, .protocol = IPPROTO_TCP },
	{ .family = AF_INET, .host_port = 83, .port = 80, .count = 1, .protocol = IPPROTO_TCP },
};

static void publish(struct box *b)
{
	struct net_plan to = b->plan;

	to_ip(HOST4, AF_INET, &published[3].host_address);
	to_ip(HOST6, AF_INET6, &published[4].host_address);
	to_ip(HOST4, AF_INET, &published[5].host_address);
	to_ip(HOST6, AF_INET6, &published[6].host_address);
	to_ip("127.0.0.1", AF_INET, &published[7].host_address);
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
	int at4 = bound(b->netns, SOCK_STREAM, "0.0.0.0", 85);
	int at6 = bound(b->netns, SOCK_STREAM, "::", 85);
	int udp4 = bound(b->netns, SOCK_DGRAM, "0.0.0.0", 6102);
	int out4 = bound(rig.outside, SOCK_STREAM, OUTSIDE4, 8080);
	int out6 = bound(rig.outside, SOCK_STREAM, OUTSIDE6, 9042);

	/* From outside, as who it is (row 74). */
	assert_reaches(rig.outside, HOST4, 8080, web4, OUTSIDE4);
	assert_reaches(rig.outside, HOST6, 8080, web6, OUTSIDE6);
	assert_reaches(rig.outside, HOST4, 9042, mid4, OUTSIDE4);
	assert_reaches(rig.outside, HOST6, 9099, mid6, OUTSIDE6);
	assert_reaches(rig.outside, HOST4, 81, web4, OUTSIDE4);
	assert_reaches(rig.outside, HOST6, 82, web6, OUTSIDE6);
	assert_reaches(rig.outside, HOST4, 85, at4, OUTSIDE4);
	assert_reaches(rig.outside, HOST6, 85, at6, OUTSIDE6);
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
	/* The same ports of others are theirs. */
	assert_reaches(other->netns, OUTSIDE4, 8080, out4, HOST4);
	assert_reaches(other->netns, OUTSIDE6, 9042, out6, HOST6);
	/* What is not published. */
	assert_int_equal(tcp_connect(rig.home, "10.88.0.1", 85, WAIT_MS), -ECONNREFUSED);
	assert_int_equal(tcp_connect(rig.home, "::1", 8080, WAIT_MS), -ECONNREFUSED);
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
	(void)close(at4);
	(void)close(at6);
	(void)close(udp4);
	(void)close(out4);
	(void)close(out6);
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
		PACKET_TEST(test_published),	       PACKET_TEST(test_published_sctp),
		PACKET_TEST(test_published_and_rules), PACKET_TEST(test_counters),
		PACKET_TEST(test_packets_of_others),   PACKET_TEST(test_tables_of_others),
	};

	return cmocka_run_group_tests(tests, rig_make, NULL);
}
