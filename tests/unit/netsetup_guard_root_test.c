/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an instance, or a neighbour of the host, tries and must not get (rows 70 to 75). Each
 * attempt is made again with the one protection taken away, and must then succeed: else the test
 * would prove nothing. All of it for instances that are ports of a bridge, and for routed ones.
 */
#include "netsetup_fixture.h"

#include <net/if_arp.h>

#define A (&w.instances[0])
#define B (&w.instances[1])

/* The two families, in the same words. */
static const struct family {
	const char *a, *b, *gateway, *host, *outside, *any, *other, *foreign;
} families[] = {
	{ "10.88.0.2", "10.88.0.3", GATEWAY, HOST_ADDRESS, OUTSIDE_ADDRESS, "0.0.0.0", "10.88.7.7",
	  "198.51.100.1" },
	{ "fd88::2", "fd88::3", GATEWAY6, HOST_ADDRESS6, OUTSIDE_ADDRESS6, "::", "fd88::7:7",
	  "2001:db8:5::1" },
};
#define EACH_FAMILY(f)                                                                             \
	for (const struct family *f = families; f < families + ARRAY_SIZE(families); f++)

static bool routed;
static char by[2][16]; /* the host's interface that A's, B's frames arrive at */
static uint8_t a_mac[6], b_mac[6];

static int setup(void **state, bool as_routed)
{
	routed = as_routed;
	(void)world_make(state);
	ensure(1);
	(void)instance_new(0);
	(void)instance_new(1);
	add_port(A, "8080:80");
	for (unsigned i = 0; i < 2; i++) {
		w.instances[i].interfaces[0].routed = routed;
		attach(&w.instances[i]);
		(void)snprintf(by[i], sizeof(by[i]), "%s",
			       routed ? host_interface(&w.instances[i]) : "jail0");
	}
	mac_of(A, a_mac);
	mac_of(B, b_mac);
	return 0;
}

static int setup_port(void **state)
{
	return setup(state, false);
}

static int setup_routed(void **state)
{
	return setup(state, true);
}

static int teardown(void **state)
{
	fd_reset(&w.instances[0].netns);
	fd_reset(&w.instances[1].netns);
	return world_drop(state);
}

#define PORT_TEST(fn)                                                                              \
	{                                                                                          \
#fn " port", fn, setup_port, teardown, NULL                                        \
	}
#define ROUTED_TEST(fn)                                                                            \
	{                                                                                          \
#fn " routed", fn, setup_routed, teardown, NULL                                    \
	}

static void take_away(const char *chain)
{
	sh(w.home, "nft flush chain inet jail %s", chain);
}

static void set_port_flag(const struct instance *i, const char *flag, const char *value)
{
	sh(w.home, "bridge link set dev %s %s %s", host_interface(i), flag, value);
}

static void from_a(const uint8_t *mac, const char *source, const char *to, uint16_t port)
{
	send_udp_by(A->netns, by[0], mac, source, to, port);
}

/* Row 75: between instances, by way of the gateway. */
static void test_instance_to_instance(void **state)
{
	(void)state;
	EACH_FAMILY(f)
	{
		assert_blocked(A->netns, f->b, 80);
		assert_false(ping(A->netns, f->b, WAIT_BLOCKED_MS));
	}
	take_away("entering");
	EACH_FAMILY(f)
	{
		int web = bound(B->netns, SOCK_STREAM, f->any, 80);

		assert_reaches(A->netns, f->b, 80, web, f->a);
		(void)close(web);
	}
}

/* And straight, from one port to the other. */
static void test_frames(void **state)
{
	(void)state;
	EACH_FAMILY(f)
	{
		sh(A->netns,
		   "ip route replace %s dev eth0 && ip neigh replace %s dev eth0 lladdr %s", f->b,
		   f->b, mac_text(B, 0));
		sh(B->netns,
		   "ip route replace %s dev eth0 && ip neigh replace %s dev eth0 lladdr %s", f->a,
		   f->a, mac_text(A, 0));
	}
	take_away("entering");
	EACH_FAMILY(f)
	assert_blocked(A->netns, f->b, 80);
	if (routed)
		return; /* there is nothing that could pass it on */
	set_port_flag(A, "isolated", "off");
	EACH_FAMILY(f)
	{
		int web = bound(B->netns, SOCK_STREAM, f->any, 80);

		assert_reaches(A->netns, f->b, 80, web, f->a);
		(void)close(web);
	}
}

/* Row 73: a route to the subnet is no way in. */
static void test_unpublished_port(void **state)
{
	(void)state;
	EACH_FAMILY(f)
	{
		int web = bound(A->netns, SOCK_STREAM, f->any, 80);

		assert_reaches(w.outside, f->host, 8080, web, f->outside);
		assert_blocked(w.outside, f->a, 80);
		assert_blocked(w.outside, f->a, 81);
		assert_false(ping(w.outside, f->a, WAIT_BLOCKED_MS));
		(void)close(web);
	}
	take_away("entering");
	EACH_FAMILY(f)
	{
		int web = bound(A->netns, SOCK_STREAM, f->any, 80);
		int other = bound(A->netns, SOCK_STREAM, f->any, 81);

		assert_reaches(w.outside, f->a, 80, web, f->outside);
		assert_reaches(w.outside, f->a, 81, other, f->outside);
		assert_true(ping(w.outside, f->a, WAIT_MS));
		(void)close(web);
		(void)close(other);
	}
}

/* The gateway's on its link. */
static const char *gateway_link_local(const struct instance *i)
{
	return sh_output(i->netns, "ip -6 route show default | awk '{printf $3}'");
}

/* Row 75: services of the host. */
static void test_host_service(void **state)
{
	int service6;

	(void)state;
	EACH_FAMILY(f)
	{
		int service = bound(w.home, SOCK_STREAM, f->any, 9999);
		int datagrams = bound(w.home, SOCK_DGRAM, f->any, 9999);

		assert_blocked(A->netns, f->gateway, 9999);
		assert_blocked(A->netns, f->host, 9999);
		from_a(a_mac, f->a, f->gateway, 9999);
		assert_false(arrives(datagrams, WAIT_BLOCKED_MS));
		assert_true(ping(A->netns, f->gateway, WAIT_MS));
		assert_false(ping(A->netns, f->host, WAIT_BLOCKED_MS));
		(void)close(service);
		(void)close(datagrams);
	}
	service6 = bound(w.home, SOCK_STREAM, "::", 9999);
	assert_blocked(A->netns, gateway_link_local(A), 9999);
	assert_true(ping(A->netns, gateway_link_local(A), WAIT_MS));
	(void)close(service6);
	take_away("host");
	EACH_FAMILY(f)
	{
		int service = bound(w.home, SOCK_STREAM, f->any, 9999);
		int datagrams = bound(w.home, SOCK_DGRAM, f->any, 9999);

		assert_reaches(A->netns, f->gateway, 9999, service, f->a);
		assert_reaches(A->netns, f->host, 9999, service, f->a);
		from_a(a_mac, f->a, f->gateway, 9999);
		assert_true(arrives(datagrams, WAIT_MS));
		(void)close(service);
		(void)close(datagrams);
	}
	service6 = bound(w.home, SOCK_STREAM, "::", 9999);
	assert_true(tcp_connect(A->netns, gateway_link_local(A), 9999, WAIT_MS) >= 0);
	(void)close(service6);
}

/* Rows 72, 75: loopback addresses on the wire, and the metadata service of clouds. */
static void test_special_addresses(void **state)
{
	int metadata, loopback;

	(void)state;
	sh(w.outside, "ip addr add 169.254.169.254/32 dev lo");
	sh(w.home, "ip route add 169.254.169.254/32 via " OUTSIDE_ADDRESS);
	metadata = bound(w.outside, SOCK_DGRAM, "169.254.169.254", 80);
	loopback = bound(w.home, SOCK_DGRAM, "127.0.0.1", 9999);
	from_a(a_mac, "10.88.0.2", "169.254.169.254", 80);
	assert_false(arrives(metadata, WAIT_BLOCKED_MS));
	from_a(a_mac, "10.88.0.2", "127.0.0.1", 9999);
	assert_false(arrives(loopback, WAIT_BLOCKED_MS));
	assert_string_equal(sh_output(w.home, "cat /proc/sys/net/ipv4/conf/*/route_localnet | "
					      "sort -u"),
			    "0\n");
	/* Even on a host where somebody turned route_localnet on. */
	sh(w.home, "echo 1 > /proc/sys/net/ipv4/conf/%s/route_localnet", by[0]);
	from_a(a_mac, "10.88.0.2", "127.0.0.1", 9999);
	assert_false(arrives(loopback, WAIT_BLOCKED_MS));
	take_away("source");
	take_away("host");
	take_away("leaving");
	from_a(a_mac, "10.88.0.2", "169.254.169.254", 80);
	assert_true(arrives(metadata, WAIT_MS));
	from_a(a_mac, "10.88.0.2", "127.0.0.1", 9999);
	assert_true(arrives(loopback, WAIT_MS));
	(void)close(metadata);
	(void)close(loopback);
}

/* Row 71: only its own MAC and IP addresses. */
static void test_spoofing(void **state)
{
	static const uint8_t strange_mac[6] = { 2, 1, 2, 3, 4, 5 };

	(void)state;
	EACH_FAMILY(f)
	{
		int sink = bound(w.outside, SOCK_DGRAM, f->any, 7000);

		from_a(a_mac, f->a, f->outside, 7000);
		assert_true(arrives(sink, WAIT_MS));
		/* Own MAC address, another's or a strange IP address. */
		from_a(a_mac, f->b, f->outside, 7000);
		from_a(a_mac, f->gateway, f->outside, 7000);
		from_a(a_mac, f->other, f->outside, 7000);
		from_a(a_mac, f->foreign, f->outside, 7000);
		from_a(a_mac, f->any, f->outside, 7000);
		/* Another's MAC address, with either IP address; a strange one. */
		from_a(b_mac, f->b, f->outside, 7000);
		from_a(b_mac, f->a, f->outside, 7000);
		from_a(strange_mac, f->a, f->outside, 7000);
		assert_false(arrives(sink, WAIT_BLOCKED_MS));
		(void)close(sink);
	}
	/* Without the table's check the address passes. */
	take_away("source");
	EACH_FAMILY(f)
	{
		int sink = bound(w.outside, SOCK_DGRAM, f->any, 7000);

		from_a(a_mac, f->b, f->outside, 7000);
		assert_true(arrives(sink, WAIT_MS));
		/* And without the lock the MAC address. */
		from_a(strange_mac, f->a, f->outside, 7000);
		assert_int_equal(arrives(sink, routed ? WAIT_MS : WAIT_BLOCKED_MS), routed);
		(void)close(sink);
	}
	if (routed)
		return;
	set_port_flag(A, "locked", "off");
	EACH_FAMILY(f)
	{
		int sink = bound(w.outside, SOCK_DGRAM, f->any, 7000);

		from_a(strange_mac, f->a, f->outside, 7000);
		assert_true(arrives(sink, WAIT_MS));
		(void)close(sink);
	}
}

/* Row 71: another's link-local address, in a datagram to the host. */
static void test_spoofed_link_local(void **state)
{
	int sink = bound(w.home, SOCK_DGRAM, "::", 7000);
	struct in6_addr mine, other;
	char text[2][INET6_ADDRSTRLEN];

	(void)state;
	net_link_local_of(a_mac, &mine);
	net_link_local_of(b_mac, &other);
	assert_non_null(inet_ntop(AF_INET6, &mine, text[0], sizeof(text[0])));
	assert_non_null(inet_ntop(AF_INET6, &other, text[1], sizeof(text[1])));
	take_away("host");
	from_a(a_mac, text[1], gateway_link_local(A), 7000);
	assert_false(arrives(sink, WAIT_BLOCKED_MS));
	from_a(a_mac, text[0], gateway_link_local(A), 7000);
	assert_true(arrives(sink, WAIT_MS));
	take_away("source");
	from_a(a_mac, text[1], gateway_link_local(A), 7000);
	assert_true(arrives(sink, WAIT_MS));
	(void)close(sink);
}

struct arp_frame {
	struct ethhdr eth;
	struct arphdr arp;
	uint8_t sender_mac[6];
	struct in_addr sender;
	uint8_t target_mac[6];
	struct in_addr target;
} __attribute__((packed));

/* A gratuitous reply: "address is at mac". */
static void send_arp(int netns, const uint8_t *mac, const char *address)
{
	struct arp_frame f = {
		.eth = { .h_dest = { 255, 255, 255, 255, 255, 255 }, .h_proto = htons(ETH_P_ARP) },
		.arp = { .ar_hrd = htons(ARPHRD_ETHER),
			 .ar_pro = htons(ETH_P_IP),
			 .ar_hln = 6,
			 .ar_pln = 4,
			 .ar_op = htons(ARPOP_REPLY) },
		.sender = ip(address),
		.target = ip(address),
	};

	memcpy(f.eth.h_source, mac, 6);
	memcpy(f.sender_mac, mac, 6);
	memset(f.target_mac, 0xff, 6);
	send_frame(netns, &f, sizeof(f));
}

struct na_frame {
	struct ethhdr eth;
	struct ip6_hdr ip;
	struct nd_neighbor_advert na;
	struct nd_opt_hdr option;
	uint8_t target_mac[6];
} __attribute__((packed));

/* The same of IPv6, overriding what is known; from an address that is the sender's own. */
static void send_na(int netns, const uint8_t *mac, const char *address)
{
	struct na_frame f = {
		.eth = { .h_dest = { 0x33, 0x33, 0, 0, 0, 1 }, .h_proto = htons(ETH_P_IPV6) },
		.na = { .nd_na_type = ND_NEIGHBOR_ADVERT,
			.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE },
		.option = { .nd_opt_type = ND_OPT_TARGET_LINKADDR, .nd_opt_len = 1 },
	};
	const size_t n = sizeof(f.na) + sizeof(f.option) + sizeof(f.target_mac);
	struct in6_addr from;

	memcpy(f.eth.h_source, mac, 6);
	memcpy(f.target_mac, mac, 6);
	f.ip.ip6_flow = htonl(6u << 28);
	f.ip.ip6_plen = htons((uint16_t)n);
	f.ip.ip6_nxt = IPPROTO_ICMPV6;
	f.ip.ip6_hlim = 255;
	net_link_local_of(mac, &from);
	f.ip.ip6_src = from;
	f.ip.ip6_dst = ip6("ff02::1");
	f.na.nd_na_target = ip6(address);
	f.na.nd_na_cksum = checksum6(&f.ip, &f.na, n);
	send_frame(netns, &f, sizeof(f));
}

static bool host_has_neighbour(const char *address, const struct instance *i)
{
	return sh_status(w.home, "ip neigh show %s dev %s | grep -qi %s", address, by[1],
			 mac_text(i, 0)) == 0;
}

/* B's addresses of both families, by the host's table. */
static bool both_are_at(const struct instance *i)
{
	return host_has_neighbour(families[0].b, i) && host_has_neighbour(families[1].b, i);
}

/* Row 71: ARP and neighbour advertisements. */
static void test_neighbours(void **state)
{
	(void)state;
	/* B does not hear a word of it: its gateway stays where it is. */
	send_arp(A->netns, a_mac, "10.88.0.3");
	send_na(A->netns, a_mac, "fd88::3");
	send_arp(A->netns, a_mac, GATEWAY);
	send_na(A->netns, a_mac, gateway_link_local(B));
	(void)usleep(50000);
	EACH_FAMILY(f)
	{
		assert_true(host_has_neighbour(f->b, B));
		assert_false(host_has_neighbour(f->b, A));
		assert_true(ping(B->netns, f->gateway, WAIT_MS));
		assert_true(ping(B->netns, f->outside, WAIT_MS));
	}
	/* Nor does it get addresses into the host's table that nobody has. */
	send_arp(A->netns, a_mac, "10.88.9.9");
	send_na(A->netns, a_mac, "fd88::9:9");
	(void)usleep(50000);
	assert_string_equal(sh_output(w.home, "ip neigh | grep '10.88.9.9\\|fd88::9:9'; true"), "");
	if (routed)
		return;
	/* An entry that is not permanent would have been changed. */
	sh(w.home, "nft flush chain arp jail input && "
		   "echo 0 > /proc/sys/net/ipv4/neigh/jail0/locktime");
	EACH_FAMILY(f)
	sh(w.home, "ip neigh replace %s dev jail0 nud stale lladdr %s", f->b, mac_text(B, 0));
	for (int tries = 0; tries < 50 && !both_are_at(A); tries++) {
		send_arp(A->netns, a_mac, "10.88.0.3");
		send_na(A->netns, a_mac, "fd88::3");
		(void)usleep(50000);
	}
	assert_true(both_are_at(A));
}

/* Row 71: a flood of addresses leaves no trace in the fdb. */
static void test_fdb_flood(void **state)
{
	const char *count = "bridge fdb show br jail0 | wc -l";
	char before[32];
	unsigned i;

	(void)state;
	(void)snprintf(before, sizeof(before), "%s", sh_output(w.home, count));
	for (i = 0; i < 200; i++) {
		uint8_t mac[6] = { 2, 0, 0, 0, 1, (uint8_t)i };

		from_a(mac, families[0].a, OUTSIDE_ADDRESS, 7000);
	}
	assert_string_equal(sh_output(w.home, count), before);
	set_port_flag(A, "locked", "off");
	set_port_flag(A, "learning", "on");
	for (i = 0; i < 200; i++) {
		uint8_t mac[6] = { 2, 0, 0, 0, 1, (uint8_t)i };

		from_a(mac, families[0].a, OUTSIDE_ADDRESS, 7000);
	}
	assert_string_not_equal(sh_output(w.home, count), before);
}

/* A router advertisement with a prefix and a default route, from fe80::1. */
struct ra_frame {
	struct ethhdr eth;
	struct ip6_hdr ip;
	struct nd_router_advert ra;
	struct nd_opt_prefix_info prefix;
} __attribute__((packed));

static void send_router_advertisement(int netns, const uint8_t *mac, const char *source)
{
	struct ra_frame f = {
		.eth = { .h_dest = { 0x33, 0x33, 0, 0, 0, 1 }, .h_proto = htons(ETH_P_IPV6) },
	};
	const uint32_t n = sizeof(f.ra) + sizeof(f.prefix);

	memcpy(f.eth.h_source, mac, 6);
	f.ip.ip6_flow = htonl(6u << 28);
	f.ip.ip6_plen = htons((uint16_t)n);
	f.ip.ip6_nxt = IPPROTO_ICMPV6;
	f.ip.ip6_hlim = 255;
	f.ip.ip6_src = ip6(source);
	f.ip.ip6_dst = ip6("ff02::1");
	f.ra.nd_ra_type = ND_ROUTER_ADVERT;
	f.ra.nd_ra_router_lifetime = htons(1800);
	f.prefix = (struct nd_opt_prefix_info){
		.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION,
		.nd_opt_pi_len = 4,
		.nd_opt_pi_prefix_len = 64,
		.nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO,
		.nd_opt_pi_valid_time = htonl(3600),
		.nd_opt_pi_preferred_time = htonl(3600),
	};
	f.prefix.nd_opt_pi_prefix = ip6("2001:db8:bad::");
	f.ra.nd_ra_cksum = checksum6(&f.ip, &f.ra, n);
	send_frame(netns, &f, sizeof(f));
}

static bool has_evil_route(int netns)
{
	return sh_status(netns, "ip -6 route | grep -Eq '2001:db8:bad::|via fe80::bad'") == 0;
}

/* Row 70. */
static void test_router_advertisement(void **state)
{
	int tries;
	struct in6_addr own;
	char text[INET6_ADDRSTRLEN];

	(void)state;
	net_link_local_of(a_mac, &own);
	assert_non_null(inet_ntop(AF_INET6, &own, text, sizeof(text)));
	assert_string_equal(sh_output(w.home, "cd /proc/sys/net/ipv6/conf/jail0 && "
					      "cat accept_ra autoconf"),
			    "0\n0\n");
	send_router_advertisement(A->netns, a_mac, "fe80::bad");
	send_router_advertisement(A->netns, a_mac, text);
	(void)usleep(200000);
	assert_false(has_evil_route(w.home));
	assert_false(has_evil_route(B->netns));
	if (!routed) {
		/* B would take it, if it came. */
		set_port_flag(A, "isolated", "off");
		set_port_flag(B, "mcast_flood", "on");
		for (tries = 0; tries < 50 && !has_evil_route(B->netns); tries++) {
			send_router_advertisement(A->netns, a_mac, "fe80::bad");
			(void)usleep(100000);
		}
		assert_true(has_evil_route(B->netns));
	}
	/* The host has two guards: the table, and that it does not listen. */
	take_away("source");
	take_away("host");
	send_router_advertisement(A->netns, a_mac, "fe80::bad");
	(void)usleep(200000);
	assert_false(has_evil_route(w.home));
	sh(w.home, "cd /proc/sys/net/ipv6/conf/%s && echo 2 > accept_ra && echo 1 > autoconf",
	   by[0]);
	for (tries = 0; tries < 50 && !has_evil_route(w.home); tries++) {
		send_router_advertisement(A->netns, a_mac, "fe80::bad");
		(void)usleep(100000);
	}
	assert_true(has_evil_route(w.home));
}

/* Where the host's administrator has told all interfaces to listen, a new veth does not. */
static void test_listening_host(void **state)
{
	(void)state;
	detach(A);
	wait_no_link(host_interface(A));
	sh(w.home, "echo 2 > /proc/sys/net/ipv6/conf/default/accept_ra");
	attach(A);
	assert_string_equal(sh_output(w.home, "cat /proc/sys/net/ipv6/conf/default/accept_ra"),
			    "2\n");
	take_away("source");
	take_away("host");
	send_router_advertisement(A->netns, a_mac, "fe80::bad");
	(void)usleep(200000);
	assert_false(has_evil_route(w.home));
	sh(w.home, "echo 2 > /proc/sys/net/ipv6/conf/%s/accept_ra", by[0]);
	for (int tries = 0; tries < 50 && !has_evil_route(w.home); tries++) {
		send_router_advertisement(A->netns, a_mac, "fe80::bad");
		(void)usleep(100000);
	}
	assert_true(has_evil_route(w.home));
}

/* With br_netfilter in the way, what is promised to work works, and what is blocked is blocked. */
static void test_bridge_filter(void **state)
{
	(void)state;
	if (sh_status(w.home, "sysctl -q -w net.bridge.bridge-nf-call-iptables=1 "
			      "net.bridge.bridge-nf-call-ip6tables=1 2>/dev/null"))
		skip();
	EACH_FAMILY(f)
	{
		int web = bound(A->netns, SOCK_STREAM, f->any, 80);
		int sink = bound(w.outside, SOCK_DGRAM, f->any, 7000);

		assert_reaches(w.outside, f->host, 8080, web, f->outside);
		assert_reaches(w.home, f->host, 8080, web, f->host);
		assert_true(ping(B->netns, f->outside, WAIT_MS));
		assert_blocked(B->netns, f->a, 80);
		from_a(a_mac, f->a, f->outside, 7000);
		assert_true(arrives(sink, WAIT_MS));
		from_a(a_mac, f->b, f->outside, 7000);
		assert_false(arrives(sink, WAIT_BLOCKED_MS));
		(void)close(web);
		(void)close(sink);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PORT_TEST(test_instance_to_instance),
		ROUTED_TEST(test_instance_to_instance),
		PORT_TEST(test_frames),
		ROUTED_TEST(test_frames),
		PORT_TEST(test_unpublished_port),
		ROUTED_TEST(test_unpublished_port),
		PORT_TEST(test_host_service),
		ROUTED_TEST(test_host_service),
		PORT_TEST(test_special_addresses),
		ROUTED_TEST(test_special_addresses),
		PORT_TEST(test_spoofing),
		ROUTED_TEST(test_spoofing),
		PORT_TEST(test_spoofed_link_local),
		ROUTED_TEST(test_spoofed_link_local),
		PORT_TEST(test_neighbours),
		ROUTED_TEST(test_neighbours),
		PORT_TEST(test_fdb_flood),
		PORT_TEST(test_router_advertisement),
		ROUTED_TEST(test_router_advertisement),
		ROUTED_TEST(test_listening_host),
		PORT_TEST(test_bridge_filter),
		ROUTED_TEST(test_bridge_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
