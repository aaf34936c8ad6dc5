/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instances on a bridge: what reaches what, what is left, and that it costs the same for all. */
#include "netsetup_fixture.h"

#include <time.h>

#include "netsetup/conntrack_priv.h"

static bool nobody_alive(const struct jail_name *name, void *arg)
{
	(void)name;
	(void)arg;
	return false;
}

static bool only_web0_alive(const struct jail_name *name, void *arg)
{
	(void)arg;
	return str_eq(name->s, "web0");
}

static int setup(void **state)
{
	(void)world_make(state);
	ensure(1);
	return 0;
}

static int teardown(void **state)
{
	struct err e = ERR_INIT;
	const char *left;
	size_t i;

	(void)state;
	for (i = 0; i < INSTANCES_MAX; i++) {
		if (w.instances[i].name.s[0])
			fd_reset(&w.instances[i].netns);
		w.instances[i] = (struct instance){ .netns = -EBADF };
	}
	assert_int_equal(net_gc(nobody_alive, NULL, &e), 0);
	wait_no_veth();
	for (i = 0; i < NETWORKS_MAX; i++)
		if (net_host_remove(&w.networks[i], &e) < 0)
			fail_msg("%s", e.text);
	/* What is left of jail's table is what all share. */
	left = sh_output(w.home, "nft list ruleset");
	assert_null(strstr(left, "web"));
	assert_int_equal(net_table_remove(&e), 0);
	assert_string_equal(sh_output(w.home, "nft list ruleset; ip -o link show | "
					      "grep -v ' lo:\\| up0'; ip neigh show nud permanent; "
					      "ip -6 neigh show nud permanent"),
			    "");
	return world_drop(state);
}

#define NET_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static void test_inside(void **state)
{
	struct instance *a = instance_new(0);
	char expected[128], local[INET6_ADDRSTRLEN];
	struct in6_addr link_local;
	uint8_t mac[6];

	(void)state;
	attach(a);
	mac_of(a, mac);
	assert_int_equal(mac[0] & 3, 2);
	(void)snprintf(expected, sizeof(expected), "%s\n", mac_text(a, 0));
	assert_string_equal(sh_output(a->netns, "ip -o link show eth0 | "
						"sed 's/.*ether \\([^ ]*\\) .*/\\1/'"),
			    expected);
	assert_string_equal(sh_output(a->netns, "ip -o -4 addr show eth0 | awk '{print $4, $6}'"),
			    "10.88.0.2/16 10.88.255.255\n");
	/* Everything by the gateway, also what is in the same subnet. */
	assert_string_equal(sh_output(a->netns, "ip -4 route | sed 's/ *$//'"),
			    "default via " GATEWAY " dev eth0 proto static\n"
			    "10.88.0.0/16 via " GATEWAY " dev eth0 proto static\n" GATEWAY
			    " dev eth0 proto static scope link\n");
	net_link_local_of(mac, &link_local);
	assert_non_null(inet_ntop(AF_INET6, &link_local, local, sizeof(local)));
	(void)snprintf(expected, sizeof(expected), "fd88::2/64\n%s/64\n", local);
	assert_string_equal(sh_output(a->netns, "ip -6 -o addr show dev eth0 | awk '{print $4}' | "
						"sort"),
			    expected);
	assert_string_equal(sh_output(a->netns, "ip -6 -o addr show dev eth0 | grep -c tentative; "
						"true"),
			    "0\n");
	assert_string_equal(
		sh_output(a->netns,
			  "ip -6 route show dev eth0 | grep -v ^fe80 | awk '{print $1, $2, $3}'"),
		"fd88::/64 via fe80::1\ndefault via fe80::1\n");
	assert_string_equal(sh_output(a->netns, "ip neigh show nud permanent | awk '{print $1}' | "
						"sort"),
			    GATEWAY "\nfe80::1\n");
	/* The kernel's own comes later, from a work queue. */
	sh(a->netns,
	   "ip -6 route show table local proto static | grep -q '^local fd88::2 dev eth0'");
	sh(w.home,
	   "ip -6 route show table local proto static | grep -q '^local fd88::1 dev jail0'");
	sh(a->netns, "ip -o link show lo | grep -q LOOPBACK,UP");
	sh(w.home, "ip -o link show dev %s | grep -q 'master jail0'", host_interface(a));
	sh(w.home, "ip -o link show dev 'jail@web0' | grep -q %s", host_interface(a));
	sh(w.home, "ip link show dev %s | grep -q 'alias jail:web0'", host_interface(a));
	sh(w.home,
	   "bridge -d link show dev %s | tr '\\n' ' ' | grep 'learning off' | "
	   "grep 'mcast_flood off' | grep 'bcast_flood off' | grep 'isolated on' | "
	   "grep -q 'locked on'",
	   host_interface(a));
	sh(w.home,
	   "for a in 10.88.0.2 fd88::2 %s; do ip neigh show $a dev jail0 | grep %s | "
	   "grep -q PERMANENT || exit 1; done",
	   local, mac_text(a, 0));
}

/* What somebody else looks at is said in the same words at each start. */
static void test_same_names_again(void **state)
{
	struct instance *a = instance_new(0);
	struct net_attachment first;
	int first_netns = a->netns;

	(void)state;
	attach(a);
	first = a->at;
	/* The first life was not detached, and its namespace is still there. */
	(void)instance_new(0);
	attach(&w.instances[0]);
	assert_memory_equal(&first, &w.instances[0].at, sizeof(first));
	assert_true(ping(w.instances[0].netns, GATEWAY, WAIT_MS));
	assert_true(ping(w.instances[0].netns, GATEWAY6, WAIT_MS));
	assert_int_not_equal(sh_status(first_netns, "ip link show eth0 2>/dev/null"), 0);
	(void)close(first_netns);
}

/* The first packet arrives; a lost ARP request would be repeated after a second. */
static void test_ready_at_once(void **state)
{
	unsigned n;

	(void)state;
	for (n = 0; n < INSTANCES_MAX; n++) {
		(void)instance_new(n);
		attach(&w.instances[n]);
		assert_true(ping(w.instances[n].netns, GATEWAY, 500));
		assert_true(ping(w.instances[n].netns, GATEWAY6, 500));
	}
}

static void test_outward(void **state)
{
	struct instance *a = instance_new(0);
	int listener = bound(w.outside, SOCK_STREAM, "0.0.0.0", 7000);
	int listener6 = bound(w.outside, SOCK_STREAM, "::", 7000);

	(void)state;
	attach(a);
	assert_true(ping(a->netns, GATEWAY, WAIT_MS));
	assert_true(ping(a->netns, OUTSIDE_ADDRESS, WAIT_MS));
	assert_reaches(a->netns, OUTSIDE_ADDRESS, 7000, listener, HOST_ADDRESS);
	assert_true(ping(a->netns, GATEWAY6, WAIT_MS));
	assert_true(ping(a->netns, OUTSIDE_ADDRESS6, WAIT_MS));
	assert_reaches(a->netns, OUTSIDE_ADDRESS6, 7000, listener6, HOST_ADDRESS6);
	(void)close(listener);
	(void)close(listener6);
}

static void test_published(void **state)
{
	struct instance *a = instance_new(0), *b = instance_new(1);
	int web, web6, special;

	(void)state;
	add_port(a, "8080:80");
	add_port(a, HOST_ADDRESS ":8080:81");
	add_port(a, "9090:80/tcp");
	attach(a);
	attach(b);
	web = bound(a->netns, SOCK_STREAM, "0.0.0.0", 80);
	web6 = bound(a->netns, SOCK_STREAM, "::", 80);
	special = bound(a->netns, SOCK_STREAM, "0.0.0.0", 81);
	/* The real client is seen (row 74). */
	assert_reaches(w.outside, HOST_ADDRESS, 9090, web, OUTSIDE_ADDRESS);
	assert_reaches(w.home, HOST_ADDRESS, 9090, web, HOST_ADDRESS);
	assert_reaches(w.home, GATEWAY, 9090, web, GATEWAY);
	/* The port on one address goes before the one on all. */
	assert_reaches(w.outside, HOST_ADDRESS, 8080, special, OUTSIDE_ADDRESS);
	assert_reaches(w.home, GATEWAY, 8080, web, GATEWAY);
	/* Between instances, and of one with itself, by way of the host. */
	assert_reaches(b->netns, HOST_ADDRESS, 9090, web, "10.88.0.3");
	assert_reaches(b->netns, GATEWAY, 9090, web, "10.88.0.3");
	assert_reaches(a->netns, HOST_ADDRESS, 9090, web, GATEWAY);
	assert_reaches(w.outside, HOST_ADDRESS6, 9090, web6, OUTSIDE_ADDRESS6);
	assert_reaches(w.home, GATEWAY6, 9090, web6, GATEWAY6);
	assert_reaches(b->netns, HOST_ADDRESS6, 9090, web6, "fd88::3");
	/* Loopback is not led to the bridge. */
	assert_int_equal(tcp_connect(w.home, "127.0.0.1", 9090, WAIT_MS), -ECONNREFUSED);
	assert_int_equal(tcp_connect(w.outside, HOST_ADDRESS, 9091, WAIT_MS), -ECONNREFUSED);
	detach(a);
	assert_int_equal(tcp_connect(w.outside, HOST_ADDRESS, 9090, WAIT_MS), -ECONNREFUSED);
	(void)close(web);
	(void)close(web6);
	(void)close(special);
}

static void test_published_udp(void **state)
{
	struct instance *a = instance_new(0);
	struct address to = at_port(HOST_ADDRESS, 5353);
	struct sockaddr_in from;
	socklen_t n = sizeof(from);
	char text[8];
	int server, client;

	(void)state;
	add_port(a, "5353:53/udp");
	attach(a);
	server = bound(a->netns, SOCK_DGRAM, "0.0.0.0", 53);
	client = socket_in(w.outside, AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(sendto(client, "query", 5, 0, sa(&to), to.n), 5);
	assert_true(readable(server, WAIT_MS));
	assert_int_equal(recvfrom(server, text, sizeof(text), 0, (struct sockaddr *)&from, &n), 5);
	assert_int_equal(from.sin_addr.s_addr, ip(OUTSIDE_ADDRESS).s_addr);
	assert_int_equal(sendto(server, "answer", 6, 0, (struct sockaddr *)&from, n), 6);
	assert_true(arrives(client, WAIT_MS));
	(void)close(server);
	(void)close(client);
}

/* Row 79: nothing leads to the address any more, neither a port nor a flow. */
static void forget_flows(bool listed)
{
	struct instance *a = instance_new(0);
	int listener = bound(w.outside, SOCK_STREAM, "0.0.0.0", 7000), web, out[2], in[2];
	int listener6 = bound(w.outside, SOCK_STREAM, "::", 7000), web6;
	struct err e = ERR_INIT;
	struct nl nl = NL_INIT;

	add_port(a, "8080:80");
	attach(a);
	web = bound(a->netns, SOCK_STREAM, "0.0.0.0", 80);
	web6 = bound(a->netns, SOCK_STREAM, "::", 80);
	out[0] = tcp_connect(a->netns, OUTSIDE_ADDRESS, 7000, WAIT_MS);
	out[1] = tcp_connect(a->netns, OUTSIDE_ADDRESS6, 7000, WAIT_MS);
	in[0] = tcp_connect(w.outside, HOST_ADDRESS, 8080, WAIT_MS);
	in[1] = tcp_connect(w.outside, HOST_ADDRESS6, 8080, WAIT_MS);
	assert_true(out[0] >= 0 && in[0] >= 0 && out[1] >= 0 && in[1] >= 0);
	sh(w.home, "test $(cat /proc/sys/net/netfilter/nf_conntrack_count) -ge 4");
	if (listed) {
		assert_int_equal(nl_open(NETLINK_NETFILTER, &nl, &e), 0);
		assert_int_equal(
			conntrack_forget_listed(&nl, AF_INET, &a->interfaces[0].address4, &e), 0);
		assert_int_equal(
			conntrack_forget_listed(&nl, AF_INET6, &a->interfaces[0].address6, &e), 0);
		nl_close(&nl);
	} else {
		detach(a);
	}
	assert_string_equal(sh_output(w.home, "cat /proc/sys/net/netfilter/nf_conntrack_count"),
			    "0\n");
	for (size_t i = 0; i < 2; i++) {
		(void)close(out[i]);
		(void)close(in[i]);
	}
	(void)close(web);
	(void)close(web6);
	(void)close(listener);
	(void)close(listener6);
}

static void test_flows_forgotten(void **state)
{
	(void)state;
	forget_flows(false);
}

static void test_flows_forgotten_by_list(void **state)
{
	(void)state;
	forget_flows(true);
}

#define ALL_LEFT                                                                                   \
	"nft list table inet jail; nft list table arp jail; ip neigh show dev jail0; "             \
	"ip -6 neigh show dev jail0; ip -o link"

static void test_gc(void **state)
{
	struct instance *a = instance_new(0), *b = instance_new(1);
	struct err e = ERR_INIT;
	const char *left;

	(void)state;
	add_port(a, "8080:80");
	add_port(b, "8081:80");
	add_port(b, HOST_ADDRESS ":8082:80/udp");
	/* Of another slice than its bridge: a route of its own. */
	b->interfaces[0].address6 = ip6("fd88::7777");
	attach(a);
	attach(b);
	assert_non_null(strstr(sh_output(w.home, "ip -6 route"), "fd88::7777"));
	/* The end of an instance that nobody was there to tidy up after. */
	fd_reset(&b->netns);
	assert_int_equal(net_gc(only_web0_alive, NULL, &e), 0);
	left = sh_output(w.home, ALL_LEFT);
	assert_non_null(strstr(left, "comment \"web0\""));
	assert_null(strstr(left, "web1"));
	assert_null(strstr(left, "10.88.0.3"));
	assert_null(strstr(left, "fd88::7777"));
	assert_null(strstr(left, mac_text(b, 0)));
	assert_non_null(strstr(left, "fd88::2 lladdr"));
	assert_non_null(strstr(left, "10.88.0.2 lladdr"));
	assert_null(strstr(sh_output(w.home, "ip -6 route"), "fd88::7777"));
	assert_int_equal(net_gc(nobody_alive, NULL, &e), 0);
	left = sh_output(w.home, ALL_LEFT);
	assert_null(strstr(left, "web0"));
	assert_null(strstr(left, "10.88.0.2"));
	assert_null(strstr(left, mac_text(a, 0)));
	assert_non_null(strstr(left, "jail0"));
}

static void test_detach_twice(void **state)
{
	struct instance *a = instance_new(0);

	(void)state;
	add_port(a, "8080:80");
	attach(a);
	detach(a);
	detach(a);
	assert_null(strstr(sh_output(w.home, ALL_LEFT), "comment \"web0\""));
	assert_null(strstr(sh_output(w.home, ALL_LEFT), "lladdr"));
}

/* A port's element of a dead instance does not keep the new holder of the lease from it. */
static void test_stale_element(void **state)
{
	struct instance *dead = instance_new(0), *a = instance_new(1);
	int web;

	(void)state;
	add_port(dead, "8080:80");
	attach(dead);
	add_port(a, "8080:80");
	attach(a);
	web = bound(a->netns, SOCK_STREAM, "0.0.0.0", 80);
	assert_reaches(w.outside, HOST_ADDRESS, 8080, web, OUTSIDE_ADDRESS);
	(void)close(web);
}

static unsigned count_lines(const char *text, const char *with)
{
	unsigned n = 0;

	for (; (text = strstr(text, with)); text++)
		n++;
	return n;
}

static void test_constant_rules(void **state)
{
	const char *rules = "nft -j list ruleset";
	unsigned one, elements, n;

	(void)state;
	add_port(instance_new(0), "8000:80");
	attach(&w.instances[0]);
	one = count_lines(sh_output(w.home, rules), "\"rule\"");
	elements = count_lines(sh_output(w.home, rules), "\"web");
	assert_true(one >= 20 && elements > 0);
	for (n = 1; n < 50; n++) {
		char port[16];

		(void)instance_new(n);
		(void)snprintf(port, sizeof(port), "%u:80", 8000 + n);
		add_port(&w.instances[n], port);
		attach(&w.instances[n]);
	}
	assert_int_equal(count_lines(sh_output(w.home, rules), "\"rule\""), one);
	assert_int_equal(count_lines(sh_output(w.home, rules), "\"web"), 50 * elements);
}

static void test_many_ports(void **state)
{
	struct instance *a = instance_new(0);
	struct net_port *ports = calloc(LIMIT_PORTS, sizeof(*ports));
	struct net_plan plan = plan_of(a), part;
	const char *list = "for m in ports4 ports_at4; do nft list map inet jail $m; done";
	struct err e = ERR_INIT;
	uint16_t i;

	(void)state;
	assert_non_null(ports);
	for (i = 0; i < LIMIT_PORTS; i++)
		ports[i] = (struct net_port){
			.family = AF_INET,
			.host_address.v4 = ip(i % 3 ? "0.0.0.0" : HOST_ADDRESS),
			.host_port = (uint16_t)(20000 + i),
			.port = i,
			.count = 1,
			.protocol = i % 2 ? IPPROTO_TCP : IPPROTO_UDP,
		};
	memset(a->name.s, 'x', LIMIT_NAME_LEN); /* the longest comment */
	plan.ports = ports;
	plan.n_ports = LIMIT_PORTS;
	if (net_attach(&plan, a->netns, &a->at, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(count_lines(sh_output(w.home, list), "\"xxx"), LIMIT_PORTS);
	/* A part of them again, and then all. */
	part = plan;
	part.n_ports = 7;
	assert_int_equal(net_detach(&part, &a->at, &e), 0);
	assert_int_equal(count_lines(sh_output(w.home, list), "\"xxx"), LIMIT_PORTS - 7);
	assert_int_equal(net_gc(nobody_alive, NULL, &e), 0);
	assert_int_equal(count_lines(sh_output(w.home, list), "\"xxx"), 0);
	free(ports);
}

/* A second network joins the table; the first one's elements stay. */
static void test_second_network(void **state)
{
	struct instance *a = instance_new(0);
	struct err e = ERR_INIT;
	int web;

	(void)state;
	add_port(a, "8080:80");
	attach(a);
	web = bound(a->netns, SOCK_STREAM, "0.0.0.0", 80);
	/* It is new, so nobody's elements are missing. */
	assert_int_equal(net_host_ensure(&w.networks[1], 1, &e), 0);
	sh(w.home, "ip -o link show jail1 | grep -q ',UP'");
	ensure_n(2, 0);
	assert_reaches(w.outside, HOST_ADDRESS, 8080, web, OUTSIDE_ADDRESS);
	assert_int_equal(net_host_remove(&w.networks[1], &e), 0);
	assert_int_not_equal(sh_status(w.home, "ip link show jail1 2>/dev/null"), 0);
	ensure(0);
	assert_reaches(w.outside, HOST_ADDRESS, 8080, web, OUTSIDE_ADDRESS);
	(void)close(web);
}

static void restore_after(const char *damage)
{
	struct instance *a = instance_new(0);
	struct err e = ERR_INIT;
	struct net_plan plan;
	int web, web6;

	add_port(a, "8080:80");
	attach(a);
	plan = plan_of(a);
	web = bound(a->netns, SOCK_STREAM, "0.0.0.0", 80);
	web6 = bound(a->netns, SOCK_STREAM, "::", 80);
	sh(w.home, "%s", damage);
	ensure(1);
	ensure(0);
	assert_true(tcp_connect(w.outside, HOST_ADDRESS, 8080, WAIT_BLOCKED_MS) < 0);
	assert_int_equal(net_restore(&plan, &a->at, &e), 0);
	assert_int_equal(net_restore(&plan, &a->at, &e), 0);
	assert_reaches(w.outside, HOST_ADDRESS, 8080, web, OUTSIDE_ADDRESS);
	assert_reaches(w.outside, HOST_ADDRESS6, 8080, web6, OUTSIDE_ADDRESS6);
	assert_true(ping(a->netns, OUTSIDE_ADDRESS, WAIT_MS));
	assert_true(ping(a->netns, OUTSIDE_ADDRESS6, WAIT_MS));
	(void)close(web);
	(void)close(web6);
}

static void test_restore(void **state)
{
	(void)state;
	restore_after("nft flush ruleset");
}

static void test_restore_flushed_chains(void **state)
{
	(void)state;
	restore_after("nft flush table inet jail");
}

static void test_restore_one_chain(void **state)
{
	(void)state;
	restore_after("nft flush chain inet jail source");
}

static void test_restore_version(void **state)
{
	(void)state;
	restore_after("nft delete table inet jail; "
		      "nft add table inet jail '{ comment \"jail rules 0\"; }'");
}

/* The ports of the instances went with it. */
static void test_restore_deleted_bridge(void **state)
{
	struct instance *a = instance_new(0);
	struct net_plan plan;
	struct err e = ERR_INIT;

	(void)state;
	attach(a);
	plan = plan_of(a);
	sh(w.home, "ip link del jail0");
	assert_false(ping(a->netns, OUTSIDE_ADDRESS, WAIT_BLOCKED_MS));
	ensure(1);
	ensure(0);
	assert_int_equal(net_restore(&plan, &a->at, &e), 0);
	assert_true(ping(a->netns, OUTSIDE_ADDRESS, WAIT_MS));
	assert_true(ping(a->netns, OUTSIDE_ADDRESS6, WAIT_MS));
	sh(w.home,
	   "bridge -d link show dev %s | tr '\n' ' ' | grep 'isolated on' | grep -q 'locked on'",
	   host_interface(a));
	/* Its neighbour entries go when it is down. */
	sh(w.home, "ip link set jail0 down && ip link set jail0 up");
	assert_string_equal(sh_output(w.home, "ip neigh show nud permanent"), "");
	ensure(1);
	assert_int_equal(net_restore(&plan, &a->at, &e), 0);
	assert_true(ping(a->netns, OUTSIDE_ADDRESS, WAIT_MS));
	assert_true(ping(a->netns, OUTSIDE_ADDRESS6, WAIT_MS));
	/* A host's end that is gone can't be put back, and the error says what to do. */
	sh(w.home, "ip link del %s", host_interface(a));
	assert_int_equal(net_restore(&plan, &a->at, &e), -ENODEV);
	assert_non_null(strstr(e.text, host_interface(a)));
	assert_non_null(strstr(e.hint, "start it again"));
}

static void test_restore_bridge(void **state)
{
	static const char *const damages[] = {
		"ip link set jail0 down",
		"ip addr del " GATEWAY "/16 dev jail0",
		"ip addr del " GATEWAY6 "/64 dev jail0",
		"ip addr del fe80::1/64 dev jail0",
		"ip link set jail0 group 0",
		"echo 1 > /proc/sys/net/ipv6/conf/jail0/disable_ipv6",
	};
	char found[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		sh(w.home, "%s", damages[i]);
		ensure(1);
		ensure(0);
		(void)snprintf(found, sizeof(found), "%s",
			       sh_output(w.home,
					 "ip -o addr show dev jail0 | awk '{print $4}' | sort; "
					 "ip -o link show dev jail0 group 1784768876 | "
					 "grep -c ,UP"));
		assert_string_equal(found, GATEWAY "/16\n" GATEWAY6 "/64\nfe80::1/64\n1\n");
	}
	/* Nobody's elements are missing for this. */
	sh(w.home, "echo 0 > /proc/sys/net/ipv4/ip_forward");
	sh(w.home, "echo 0 > /proc/sys/net/ipv6/conf/all/forwarding");
	ensure(0);
	assert_string_equal(sh_output(w.home, "cat /proc/sys/net/ipv4/ip_forward "
					      "/proc/sys/net/ipv6/conf/all/forwarding"),
			    "1\n1\n");
}

static void assert_nothing_left(void)
{
	const char *left = sh_output(w.home, "nft list ruleset; ip neigh show dev jail0; "
					     "ip -6 neigh show dev jail0; ip -o link");

	assert_null(strstr(left, "web0"));
	assert_null(strstr(left, "10.88.0.2"));
	assert_null(strstr(left, "fd88::2"));
	assert_null(strstr(left, "lladdr"));
	assert_null(strstr(left, "master jail0"));
}

static void test_attach_fails(void **state)
{
	struct instance *a = instance_new(0);
	struct net_plan plan = plan_of(a);
	int not_a_namespace = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct net_attachment at = { .v = { { .host_interface = "untouched" } } };
	struct err e = ERR_INIT;

	(void)state;
	assert_true(net_attach(&plan, not_a_namespace, &at, &e) < 0);
	assert_non_null(strstr(e.text, "network of web0: create veth pair"));
	assert_nothing_left();
	/* Something in the namespace has the name already. */
	sh(a->netns, "ip link add eth0 type veth peer name eth1");
	e = ERR_INIT;
	assert_int_equal(net_attach(&plan, a->netns, &at, &e), -EEXIST);
	assert_non_null(strstr(e.text, "eth0: create veth pair"));
	assert_nothing_left();
	sh(a->netns, "ip link del eth0");
	/* The very last step: the table is not there. */
	sh(w.home, "nft flush ruleset");
	e = ERR_INIT;
	assert_int_equal(net_attach(&plan, a->netns, &at, &e), -ENOENT);
	assert_non_null(strstr(e.text, "nftables"));
	assert_nothing_left();
	assert_string_equal(at.v[0].host_interface, "untouched");
	ensure(1);
	/* The network has no interface. */
	sh(w.home, "ip link del jail0");
	e = ERR_INIT;
	assert_int_equal(net_attach(&plan, a->netns, &at, &e), -ENODEV);
	assert_non_null(strstr(e.text, "network default: there is no interface jail0"));
	ensure(1);
	attach(a);
	(void)close(not_a_namespace);
}

static void refuse(const struct net_network *n, int code, const char *text)
{
	struct err e = ERR_INIT;

	assert_int_equal(net_host_ensure(n, 1, &e), -code);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" is not in \"%s\"", text, e.text);
}

static void test_host_conflicts(void **state)
{
	struct net_network n;

	(void)state;
	/* A network that another interface has. */
	n = network_of("x", "jail9", "10.99", "fd99");
	n.subnet4 = ip("192.0.2.0");
	n.gateway4 = ip("192.0.2.9");
	n.prefix4 = 24;
	refuse(&n, EADDRINUSE, "network x: its subnet (192.0.2.9/24) is already that of up0");
	n = network_of("x", "jail9", "10.99", "2001:db8");
	refuse(&n, EADDRINUSE, "its subnet (2001:db8::1/64) is already that of ");
	n.gateway6 = ip6("2001:db8::9");
	refuse(&n, EADDRINUSE, "its subnet (2001:db8::9/64) is already that of up0");
	/* A name that is not a bridge. It stays as it is. */
	n = network_of("x", "up0", "10.99", "fd99");
	refuse(&n, EEXIST, "up0 is not a bridge");
	assert_string_equal(sh_output(w.home, "cat /proc/sys/net/ipv6/conf/up0/disable_ipv6"),
			    "0\n");
	n = network_of("x", "/ail9", "10.99", "fd99");
	refuse(&n, EINVAL, "interface name \"/ail9\"");
	n = network_of("x", "jail9", "10.99", "fd99");
	n.gateway4 = ip("10.98.0.1");
	refuse(&n, EINVAL, "not in its IPv4 subnet");
	n = network_of("x", "jail9", "10.99", "fd99");
	n.gateway6 = ip6("fd98::1");
	refuse(&n, EINVAL, "not in its IPv6 subnet");
	n = network_of("x", "jail9", "10.99", "fd99");
	n.mtu = 1279;
	refuse(&n, EINVAL, "MTU 1279");
	n = (struct net_network){ .name = { "x" }, .interface = "jail9" };
	refuse(&n, EINVAL, "no subnet");
	assert_int_not_equal(sh_status(w.home, "ip link show jail9 2>/dev/null"), 0);
}

static void test_remove_refused(void **state)
{
	struct instance *a = instance_new(0);
	struct err e = ERR_INIT;

	(void)state;
	attach(a);
	assert_int_equal(net_host_remove(&w.networks[0], &e), -EBUSY);
	ensure(0);
	/* Routed: no port, but routes. */
	detach(a);
	a->interfaces[0].routed = true;
	attach(a);
	e = ERR_INIT;
	assert_int_equal(net_host_remove(&w.networks[0], &e), -EBUSY);
	assert_non_null(strstr(e.text, "still has 2 ports or routes"));
	ensure(0);
}

static void test_ensure_together(void **state)
{
	struct err e = ERR_INIT;
	pid_t pids[64];
	int gate[2];
	size_t i;
	char c;

	(void)state;
	assert_int_equal(net_host_remove(&w.networks[0], &e), 0);
	assert_int_equal(pipe(gate), 0);
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] != 0)
			continue;
		close(gate[1]);
		(void)!read(gate[0], &c, 1);
		if (net_host_ensure(w.networks, 1, &e) >= 0)
			_exit(0);
		(void)fprintf(stderr, "%s\n", e.text);
		_exit(1);
	}
	close(gate[0]);
	close(gate[1]);
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	ensure(0);
	assert_int_equal(count_lines(sh_output(w.home, "nft list ruleset"), "jump source"), 1);
}

static void test_loopback_only(void **state)
{
	struct instance *a = instance_new(0);
	struct err e = ERR_INIT;

	(void)state;
	assert_false(ping(a->netns, "127.0.0.1", WAIT_BLOCKED_MS));
	assert_int_equal(net_loopback_up(a->netns, &e), 0);
	assert_true(ping(a->netns, "127.0.0.1", WAIT_MS));
}

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void test_bench(void **state)
{
	double start, attached = 0, ensured = 0, detached = 0;
	unsigned n;

	(void)state;
	for (n = 0; n < INSTANCES_MAX; n++) {
		(void)instance_new(n);
		start = now_ms();
		ensure(0);
		ensured += now_ms() - start;
		start = now_ms();
		attach(&w.instances[n]);
		attached += now_ms() - start;
	}
	for (n = 0; n < INSTANCES_MAX; n++) {
		start = now_ms();
		detach(&w.instances[n]);
		detached += now_ms() - start;
	}
	print_message("net_host_ensure %.3f ms, net_attach %.3f ms, net_detach %.3f ms\n",
		      ensured / n, attached / n, detached / n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NET_TEST(test_inside),
		NET_TEST(test_same_names_again),
		NET_TEST(test_ready_at_once),
		NET_TEST(test_outward),
		NET_TEST(test_published),
		NET_TEST(test_published_udp),
		NET_TEST(test_flows_forgotten),
		NET_TEST(test_flows_forgotten_by_list),
		NET_TEST(test_gc),
		NET_TEST(test_detach_twice),
		NET_TEST(test_stale_element),
		NET_TEST(test_constant_rules),
		NET_TEST(test_many_ports),
		NET_TEST(test_second_network),
		NET_TEST(test_restore),
		NET_TEST(test_restore_flushed_chains),
		NET_TEST(test_restore_one_chain),
		NET_TEST(test_restore_version),
		NET_TEST(test_restore_deleted_bridge),
		NET_TEST(test_restore_bridge),
		NET_TEST(test_attach_fails),
		NET_TEST(test_host_conflicts),
		NET_TEST(test_remove_refused),
		NET_TEST(test_ensure_together),
		NET_TEST(test_loopback_only),
		NET_TEST(test_bench),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
