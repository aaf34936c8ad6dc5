/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an instance, or a neighbour of the host, tries and must not get (rows 70 to 75). Each
 * attempt is made again with the one protection taken away, and must then succeed: else the test
 * would prove nothing.
 */
#include "netsetup_fixture.h"

#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>

static int setup(void **state)
{
	(void)world_make(state);
	ensure(1);
	(void)instance_new(0);
	(void)instance_new(1);
	add_port(&w.instances[0], "8080:80");
	attach(&w.instances[0]);
	attach(&w.instances[1]);
	return 0;
}

static int teardown(void **state)
{
	fd_reset(&w.instances[0].netns);
	fd_reset(&w.instances[1].netns);
	return world_drop(state);
}

#define GUARD_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define A (&w.instances[0])
#define B (&w.instances[1])
#define A_ADDRESS "10.88.0.2"
#define B_ADDRESS "10.88.0.3"

static void take_away(const char *chain)
{
	sh(w.home, "nft flush chain inet jail %s", chain);
}

static void set_port_flag(const struct instance *i, const char *flag, const char *value)
{
	sh(w.home, "bridge link set dev %s %s %s", i->at.host_interface, flag, value);
}

/* Row 75: between instances. */
static void test_instance_to_instance(void **state)
{
	int web = bound(B->netns, SOCK_STREAM, "0.0.0.0", 80);

	(void)state;
	sh(A->netns, "ip neigh replace " B_ADDRESS " dev eth0 lladdr %02x:%02x:%02x:%02x:%02x:%02x",
	   B->at.mac[0], B->at.mac[1], B->at.mac[2], B->at.mac[3], B->at.mac[4], B->at.mac[5]);
	sh(B->netns, "ip neigh replace " A_ADDRESS " dev eth0 lladdr %02x:%02x:%02x:%02x:%02x:%02x",
	   A->at.mac[0], A->at.mac[1], A->at.mac[2], A->at.mac[3], A->at.mac[4], A->at.mac[5]);
	assert_blocked(A->netns, B_ADDRESS, 80);
	assert_false(ping(A->netns, B_ADDRESS, WAIT_BLOCKED_MS));
	/* By way of the gateway, too. */
	sh(A->netns, "ip route add " B_ADDRESS "/32 via " GATEWAY);
	assert_blocked(A->netns, B_ADDRESS, 80);
	take_away("instance");
	sh(B->netns, "ip route add " A_ADDRESS "/32 via " GATEWAY);
	assert_reaches(A->netns, B_ADDRESS, 80, web, A_ADDRESS);
	sh(A->netns, "ip route del " B_ADDRESS "/32");
	sh(B->netns, "ip route del " A_ADDRESS "/32");
	assert_blocked(A->netns, B_ADDRESS, 80);
	set_port_flag(A, "isolated", "off");
	assert_reaches(A->netns, B_ADDRESS, 80, web, A_ADDRESS);
	(void)close(web);
}

/* Row 73: a route to the subnet is no way in. */
static void test_unpublished_port(void **state)
{
	int web = bound(A->netns, SOCK_STREAM, "0.0.0.0", 80);
	int other = bound(A->netns, SOCK_STREAM, "0.0.0.0", 81);

	(void)state;
	assert_reaches(w.outside, HOST_ADDRESS, 8080, web, OUTSIDE_ADDRESS);
	assert_blocked(w.outside, A_ADDRESS, 80);
	assert_blocked(w.outside, A_ADDRESS, 81);
	assert_false(ping(w.outside, A_ADDRESS, WAIT_BLOCKED_MS));
	take_away("instance");
	assert_reaches(w.outside, A_ADDRESS, 80, web, OUTSIDE_ADDRESS);
	assert_reaches(w.outside, A_ADDRESS, 81, other, OUTSIDE_ADDRESS);
	assert_true(ping(w.outside, A_ADDRESS, WAIT_MS));
	(void)close(web);
	(void)close(other);
}

/* Row 75: services of the host. */
static void test_host_service(void **state)
{
	int service = bound(w.home, SOCK_STREAM, "0.0.0.0", 9999);
	int datagrams = bound(w.home, SOCK_DGRAM, "0.0.0.0", 9999);

	(void)state;
	assert_blocked(A->netns, GATEWAY, 9999);
	assert_blocked(A->netns, HOST_ADDRESS, 9999);
	send_udp_from(A->netns, A->at.mac, A_ADDRESS, GATEWAY, 9999);
	assert_false(arrives(datagrams, WAIT_BLOCKED_MS));
	assert_true(ping(A->netns, GATEWAY, WAIT_MS));
	assert_false(ping(A->netns, HOST_ADDRESS, WAIT_BLOCKED_MS));
	/* The host has no IPv6 address there to talk to. */
	assert_string_equal(sh_output(w.home, "ip -6 addr show dev jail0"), "");
	take_away("host");
	assert_reaches(A->netns, GATEWAY, 9999, service, A_ADDRESS);
	assert_reaches(A->netns, HOST_ADDRESS, 9999, service, A_ADDRESS);
	send_udp_from(A->netns, A->at.mac, A_ADDRESS, GATEWAY, 9999);
	assert_true(arrives(datagrams, WAIT_MS));
	(void)close(service);
	(void)close(datagrams);
}

/* Rows 72, 75: 127/8 on the wire, and the metadata service of clouds. */
static void test_special_addresses(void **state)
{
	int metadata, loopback;

	(void)state;
	sh(w.outside, "ip addr add 169.254.169.254/32 dev lo");
	sh(w.home, "ip route add 169.254.169.254/32 via " OUTSIDE_ADDRESS);
	metadata = bound(w.outside, SOCK_DGRAM, "169.254.169.254", 80);
	loopback = bound(w.home, SOCK_DGRAM, "127.0.0.1", 9999);
	send_udp_from(A->netns, A->at.mac, A_ADDRESS, "169.254.169.254", 80);
	assert_false(arrives(metadata, WAIT_BLOCKED_MS));
	send_udp_from(A->netns, A->at.mac, A_ADDRESS, "127.0.0.1", 9999);
	assert_false(arrives(loopback, WAIT_BLOCKED_MS));
	assert_string_equal(sh_output(w.home, "cat /proc/sys/net/ipv4/conf/*/route_localnet | "
					      "sort -u"),
			    "0\n");
	/* Even on a host where somebody turned route_localnet on. */
	sh(w.home, "echo 1 > /proc/sys/net/ipv4/conf/jail0/route_localnet");
	send_udp_from(A->netns, A->at.mac, A_ADDRESS, "127.0.0.1", 9999);
	assert_false(arrives(loopback, WAIT_BLOCKED_MS));
	take_away("source");
	take_away("host");
	send_udp_from(A->netns, A->at.mac, A_ADDRESS, "169.254.169.254", 80);
	assert_true(arrives(metadata, WAIT_MS));
	send_udp_from(A->netns, A->at.mac, A_ADDRESS, "127.0.0.1", 9999);
	assert_true(arrives(loopback, WAIT_MS));
	(void)close(metadata);
	(void)close(loopback);
}

/* Row 71: only its own MAC and IPv4 address. */
static void test_spoofing(void **state)
{
	static const uint8_t strange_mac[6] = { 2, 1, 2, 3, 4, 5 };
	int sink = bound(w.outside, SOCK_DGRAM, "0.0.0.0", 7000);

	(void)state;
	send_udp_from(A->netns, A->at.mac, A_ADDRESS, OUTSIDE_ADDRESS, 7000);
	assert_true(arrives(sink, WAIT_MS));
	/* Own MAC address, another's or a strange IP address. */
	send_udp_from(A->netns, A->at.mac, B_ADDRESS, OUTSIDE_ADDRESS, 7000);
	send_udp_from(A->netns, A->at.mac, GATEWAY, OUTSIDE_ADDRESS, 7000);
	send_udp_from(A->netns, A->at.mac, "10.88.7.7", OUTSIDE_ADDRESS, 7000);
	send_udp_from(A->netns, A->at.mac, "198.51.100.1", OUTSIDE_ADDRESS, 7000);
	send_udp_from(A->netns, A->at.mac, "0.0.0.0", OUTSIDE_ADDRESS, 7000);
	/* Another's MAC address, with either IP address; a strange one. */
	send_udp_from(A->netns, B->at.mac, B_ADDRESS, OUTSIDE_ADDRESS, 7000);
	send_udp_from(A->netns, B->at.mac, A_ADDRESS, OUTSIDE_ADDRESS, 7000);
	send_udp_from(A->netns, strange_mac, A_ADDRESS, OUTSIDE_ADDRESS, 7000);
	assert_false(arrives(sink, WAIT_BLOCKED_MS));
	/* Without the table's check the address passes. */
	take_away("source");
	send_udp_from(A->netns, A->at.mac, B_ADDRESS, OUTSIDE_ADDRESS, 7000);
	assert_true(arrives(sink, WAIT_MS));
	/* And without the lock the MAC address. */
	send_udp_from(A->netns, strange_mac, A_ADDRESS, OUTSIDE_ADDRESS, 7000);
	assert_false(arrives(sink, WAIT_BLOCKED_MS));
	set_port_flag(A, "locked", "off");
	send_udp_from(A->netns, strange_mac, A_ADDRESS, OUTSIDE_ADDRESS, 7000);
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

static bool host_has_neighbour(const char *address, const uint8_t *mac)
{
	return sh_status(w.home,
			 "ip neigh show %s dev jail0 | grep -qi "
			 "'%02x:%02x:%02x:%02x:%02x:%02x'",
			 address, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]) == 0;
}

/* Row 71: ARP. */
static void test_arp(void **state)
{
	(void)state;
	assert_true(host_has_neighbour(B_ADDRESS, B->at.mac));
	send_arp(A->netns, A->at.mac, B_ADDRESS);
	(void)usleep(50000);
	assert_true(host_has_neighbour(B_ADDRESS, B->at.mac));
	assert_false(host_has_neighbour(B_ADDRESS, A->at.mac));
	/* B does not hear a word of it: its gateway stays where it is. */
	assert_true(ping(B->netns, GATEWAY, WAIT_MS));
	send_arp(A->netns, A->at.mac, GATEWAY);
	(void)usleep(50000);
	assert_true(ping(B->netns, GATEWAY, WAIT_MS));
	/* An entry that is not permanent would have been changed. */
	sh(w.home,
	   "ip neigh replace " B_ADDRESS
	   " dev jail0 nud stale lladdr %02x:%02x:%02x:%02x:%02x:%02x",
	   B->at.mac[0], B->at.mac[1], B->at.mac[2], B->at.mac[3], B->at.mac[4], B->at.mac[5]);
	(void)usleep(1200000); /* neighbours are locked for a second */
	send_arp(A->netns, A->at.mac, B_ADDRESS);
	(void)usleep(50000);
	assert_true(host_has_neighbour(B_ADDRESS, A->at.mac));
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

		send_udp_from(A->netns, mac, A_ADDRESS, OUTSIDE_ADDRESS, 7000);
	}
	assert_string_equal(sh_output(w.home, count), before);
	set_port_flag(A, "locked", "off");
	set_port_flag(A, "learning", "on");
	for (i = 0; i < 200; i++) {
		uint8_t mac[6] = { 2, 0, 0, 0, 1, (uint8_t)i };

		send_udp_from(A->netns, mac, A_ADDRESS, OUTSIDE_ADDRESS, 7000);
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

static void send_router_advertisement(int netns, const uint8_t *mac)
{
	struct ra_frame f = {
		.eth = { .h_dest = { 0x33, 0x33, 0, 0, 0, 1 }, .h_proto = htons(ETH_P_IPV6) },
	};
	struct {
		struct in6_addr from, to;
		uint32_t n, next;
		struct nd_router_advert ra;
		struct nd_opt_prefix_info prefix;
	} __attribute__((packed)) pseudo;
	const uint32_t n = sizeof(f.ra) + sizeof(f.prefix);

	memcpy(f.eth.h_source, mac, 6);
	f.ip.ip6_flow = htonl(6u << 28);
	f.ip.ip6_plen = htons((uint16_t)n);
	f.ip.ip6_nxt = IPPROTO_ICMPV6;
	f.ip.ip6_hlim = 255;
	assert_int_equal(inet_pton(AF_INET6, "fe80::1", &f.ip.ip6_src), 1);
	assert_int_equal(inet_pton(AF_INET6, "ff02::1", &f.ip.ip6_dst), 1);
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
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::", &f.prefix.nd_opt_pi_prefix), 1);
	pseudo.from = f.ip.ip6_src;
	pseudo.to = f.ip.ip6_dst;
	pseudo.n = htonl(n);
	pseudo.next = htonl(IPPROTO_ICMPV6);
	pseudo.ra = f.ra;
	pseudo.prefix = f.prefix;
	f.ra.nd_ra_cksum = checksum(&pseudo, sizeof(pseudo));
	send_frame(netns, &f, sizeof(f));
}

static bool has_evil_route(int netns)
{
	return sh_status(netns, "ip -6 route | grep -Eq '2001:db8::|via fe80::1'") == 0;
}

/* Row 70. */
static void test_router_advertisement(void **state)
{
	static const uint8_t naive_mac[6] = { 2, 9, 9, 9, 9, 9 };
	int naive = netns_new(), tries;

	(void)state;
	assert_string_equal(sh_output(w.home, "cd /proc/sys/net/ipv6/conf/jail0 && "
					      "cat accept_ra autoconf disable_ipv6"),
			    "0\n0\n1\n");
	send_router_advertisement(A->netns, A->at.mac);
	(void)usleep(200000);
	assert_false(has_evil_route(w.home));
	assert_false(has_evil_route(B->netns));
	/* B would take it, if it came. */
	sh(B->netns, "ip -6 addr add fe80::b/64 dev eth0 nodad");
	set_port_flag(A, "isolated", "off");
	set_port_flag(B, "mcast_flood", "on");
	for (tries = 0; tries < 50 && !has_evil_route(B->netns); tries++) {
		send_router_advertisement(A->netns, A->at.mac);
		(void)usleep(100000);
	}
	assert_true(has_evil_route(B->netns));
	assert_false(has_evil_route(w.home));
	/* The same frame works on a bridge as it is made by default. */
	sh(w.home,
	   "ip link add naive0 type bridge && ip link add n0 master naive0 type veth "
	   "peer name eth0 netns /proc/%d/fd/%d && ip link set naive0 up && ip link set n0 up",
	   (int)getpid(), naive);
	sh(naive, "ip link set eth0 up");
	for (tries = 0; tries < 50 && !has_evil_route(w.home); tries++) {
		send_router_advertisement(naive, naive_mac);
		(void)usleep(100000);
	}
	assert_true(has_evil_route(w.home));
	(void)close(naive);
}

/* With br_netfilter in the way, what is promised to work works, and what is blocked is blocked. */
static void test_bridge_filter(void **state)
{
	int web = bound(A->netns, SOCK_STREAM, "0.0.0.0", 80);
	int sink = bound(w.outside, SOCK_DGRAM, "0.0.0.0", 7000);

	(void)state;
	if (sh_status(w.home, "sysctl -q -w net.bridge.bridge-nf-call-iptables=1 2>/dev/null"))
		skip();
	assert_reaches(w.outside, HOST_ADDRESS, 8080, web, OUTSIDE_ADDRESS);
	assert_reaches(w.home, HOST_ADDRESS, 8080, web, HOST_ADDRESS);
	assert_true(ping(B->netns, OUTSIDE_ADDRESS, WAIT_MS));
	assert_blocked(B->netns, A_ADDRESS, 80);
	send_udp_from(A->netns, A->at.mac, A_ADDRESS, OUTSIDE_ADDRESS, 7000);
	assert_true(arrives(sink, WAIT_MS));
	send_udp_from(A->netns, A->at.mac, B_ADDRESS, OUTSIDE_ADDRESS, 7000);
	assert_false(arrives(sink, WAIT_BLOCKED_MS));
	(void)close(web);
	(void)close(sink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUARD_TEST(test_instance_to_instance),
		GUARD_TEST(test_unpublished_port),
		GUARD_TEST(test_host_service),
		GUARD_TEST(test_special_addresses),
		GUARD_TEST(test_spoofing),
		GUARD_TEST(test_arp),
		GUARD_TEST(test_fdb_flood),
		GUARD_TEST(test_router_advertisement),
		GUARD_TEST(test_bridge_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
