/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of a running instance: that each takes effect, leaves the rest alone, and is taken back
 * whole when a later step fails. */
#include "netsetup_fixture.h"

static int setup(void **state)
{
	(void)world_make(state);
	ensure_n(NETWORKS_MAX, 1);
	(void)instance_new(0);
	attach(&w.instances[0]);
	return 0;
}

static int teardown(void **state)
{
	struct instance *a = &w.instances[0];

	detach(a);
	wait_no_veth();
	assert_null(strstr(sh_output(w.home, "nft list ruleset; ip neigh show nud permanent; "
					     "ip -6 neigh show nud permanent; ip route; "
					     "ip -6 route"),
			   "web0"));
	assert_string_equal(sh_output(w.home, "ip neigh show nud permanent; "
					      "ip -6 neigh show nud permanent; "
					      "(ip route; ip -6 route) | grep ' ve' ; true"),
			    "");
	fd_reset(&a->netns);
	*a = (struct instance){ .netns = -EBADF };
	return world_drop(state);
}

#define CHANGE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define A (&w.instances[0])

/* To what `to` says; it is A afterwards. */
static void change(const struct instance *to)
{
	struct net_plan from_plan = plan_of(A), to_plan = plan_of(to);
	struct net_attachment at = A->at;
	struct err e = ERR_INIT;

	if (net_change(&from_plan, &to_plan, A->netns, &at, &e) < 0)
		fail_msg("%s", e.text);
	*A = *to;
	A->at = at;
}

/* Host and instance, but for counters and what depends on time. */
static char *both_sides(void)
{
	static const char text[] =
		"(ip -o link | sed 's/^[0-9]*: //; s/@[^:]*//; s/<.*> //; s/state [A-Z]*//'; "
		"ip -o addr | sed 's/^[0-9]*: //; s/valid_lft.*//; s/tentative//'; "
		"ip route; ip -6 route; ip neigh show nud permanent; ip -6 neigh show nud "
		"permanent; tc qdisc; nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//') "
		"2>/dev/null | sed 's/linkdown//; s/link-netnsid.*//; s/  */ /g; s/ $//' | sort";
	char *host = strdup(sh_output(w.home, text)), *both = NULL;

	assert_non_null(host);
	assert_true(asprintf(&both, "%s\n%s", host, sh_output(A->netns, text)) > 0);
	free(host);
	return both;
}

static void assert_as(const char *before)
{
	char *now = both_sides();
	size_t at = 0, line = 0;

	for (; now[at] && now[at] == before[at]; at++)
		if (now[at] == '\n')
			line = at + 1;
	if (now[at] != before[at])
		fail_msg("before: %.300s\nnow: %.300s", before + line, now + line);
	free(now);
}

/* The change fails in its last step, the table's transaction, and all is as before. */
static void change_in_vain(const struct instance *to)
{
	struct net_plan from_plan = plan_of(A), to_plan = plan_of(to);
	struct net_attachment at = A->at;
	struct err e = ERR_INIT;
	char *before;

	sh(w.home, "nft flush ruleset");
	before = both_sides();
	assert_true(net_change(&from_plan, &to_plan, A->netns, &at, &e) < 0);
	assert_non_null(strstr(e.text, "change network of web0"));
	assert_non_null(strstr(e.text, "nftables"));
	assert_memory_equal(&at, &A->at, sizeof(at));
	assert_as(before);
	free(before);
	ensure_n(NETWORKS_MAX, 1);
	e = ERR_INIT;
	assert_int_equal(net_restore(&from_plan, &A->at, &e), 0);
}

static void assert_outside(void)
{
	assert_true(ping(A->netns, OUTSIDE_ADDRESS, WAIT_MS));
	assert_true(ping(A->netns, OUTSIDE_ADDRESS6, WAIT_MS));
}

static unsigned index_of(int netns, const char *name)
{
	unsigned index;

	enter(netns);
	index = if_nametoindex(name);
	enter(w.home);
	return index;
}

static void test_add_and_remove(void **state)
{
	struct instance to = *A;
	unsigned index = index_of(A->netns, "eth0");

	(void)state;
	add_interface(&to, 7, &w.networks[1]);
	add_interface(&to, 7, &w.networks[2]);
	change_in_vain(&to);
	change(&to);
	assert_string_equal(sh_output(A->netns, "ip -o -4 addr | grep eth | awk '{print $2, $4}'"),
			    "eth0 10.88.0.2/16\neth1 10.89.0.9/16\neth2 10.90.0.9/16\n");
	assert_true(ping(A->netns, "10.89.0.1", WAIT_MS));
	assert_true(ping(A->netns, "fd90::1", WAIT_MS));
	/* What was there has not been touched. */
	assert_int_equal(index_of(A->netns, "eth0"), index);
	assert_outside();
	/* The middle one goes. */
	to = *A;
	to.interfaces[1] = (struct net_interface){ .network = NULL };
	change_in_vain(&to);
	change(&to);
	wait_no_veth_of("jail@web0@eth1");
	assert_int_equal(index_of(A->netns, "eth1"), 0);
	assert_int_not_equal(index_of(A->netns, "eth2"), 0);
	assert_string_equal(A->at.v[1].host_interface, "");
	assert_string_equal(sh_output(w.home, "ip neigh show nud permanent | grep '10[.]89'; "
					      "nft list ruleset | grep '10[.]89[.]0[.]9'; true"),
			    "");
	assert_outside();
	assert_true(ping(A->netns, "fd90::1", WAIT_MS));
	/* And comes again, at once. */
	to = *A;
	to.n_interfaces = 1;
	add_interface(&to, 8, &w.networks[1]);
	change(&to);
	assert_true(ping(A->netns, "10.89.0.1", WAIT_MS));
	to = *A;
	to.n_interfaces = 1;
	change(&to);
	to.n_interfaces = 1;
	add_interface(&to, 8, &w.networks[1]);
	change(&to);
	assert_true(ping(A->netns, "10.89.0.1", WAIT_MS));
	assert_true(ping(A->netns, "fd89::1", WAIT_MS));
}

/* The default route leads by the first interface that has a gateway, whichever that is. */
static void test_default_route(void **state)
{
	static const char *const routes = "(ip route show default; ip -6 route show default) | "
					  "awk '{print $3, $5}'";
	struct instance to = *A;

	(void)state;
	add_interface(&to, 7, &w.networks[1]);
	change(&to);
	assert_string_equal(sh_output(A->netns, routes), GATEWAY " eth0\nfe80::1 eth0\n");
	to = *A;
	to.interfaces[0] = (struct net_interface){ .network = NULL };
	change_in_vain(&to);
	change(&to);
	wait_no_veth_of("jail@web0");
	assert_string_equal(sh_output(A->netns, routes), "10.89.0.1 eth1\nfe80::1 eth1\n");
	assert_outside();
	to = *A;
	to.n_interfaces = 0;
	add_interface(&to, 0, &w.networks[0]);
	to.n_interfaces = 2;
	change_in_vain(&to);
	change(&to);
	assert_string_equal(sh_output(A->netns, routes), GATEWAY " eth0\nfe80::1 eth0\n");
	assert_outside();
}

/* Another address, another network, another way of being on it; the same number. */
static void change_to(struct instance *to, unsigned same_link)
{
	unsigned index = index_of(A->netns, "eth0");

	change_in_vain(to);
	change(to);
	assert_int_equal(index_of(A->netns, "eth0") == index, same_link);
	assert_outside();
}

static void test_address(void **state)
{
	for (int routed = 0; routed < 2; routed++) {
		struct instance to = *A;

		(void)state;
		to.interfaces[0].routed = routed;
		if (routed)
			change_to(&to, false);
		to.n_interfaces = 0;
		add_interface(&to, 50 + (unsigned)routed, &w.networks[0]);
		to.interfaces[0].routed = routed;
		change_to(&to, true);
		assert_string_equal(sh_output(A->netns, "ip -o addr show eth0 scope global | "
							"awk '{print $4}'"),
				    routed ? "10.88.0.53/16\nfd88::35/64\n"
					   : "10.88.0.52/16\nfd88::34/64\n");
		assert_string_equal(sh_output(w.home,
					      "(ip neigh show nud permanent; ip -6 neigh "
					      "show nud permanent; ip route; ip -6 route; "
					      "nft list ruleset) | "
					      "grep '10[.]88[.]0[.]2\\>\\|fd88::2\\>'; true"),
				    "");
		assert_string_equal(sh_output(A->netns, "ip -6 route show table local | "
							"grep 'fd88::2\\>'; true"),
				    "");
		/* Of one family alone. */
		to.interfaces[0].address6 = ip6("fd88::7777");
		change_to(&to, true);
	}
}

static unsigned bridges(void)
{
	const char *text = sh_output(w.home, "ip -o link show type bridge | grep -c jail-network:");
	unsigned n = 0;

	assert_int_equal(sscanf(text, "%u", &n), 1);
	return n;
}

/* The address is one of another bridge's: the link stays, and the host routes it there. */
static void test_segment(void **state)
{
	static const char *const routes = "(ip route; ip -6 route) | grep -c "
					  "'^10.88.0.102 dev jail0 \\|^fd88::66 dev jail0 '; true";
	struct instance to = *A;
	unsigned n = bridges();

	(void)state;
	to.n_interfaces = 0;
	add_interface(&to, 100, &w.networks[0]);
	change_to(&to, true);
	assert_true(ping(A->netns, GATEWAY, WAIT_MS));
	assert_int_equal(bridges(), n);
	assert_int_equal(A->at.v[0].segment, 0);
	/* That of IPv4 is in jail0's own subnet, but another bridge may have a route to the slice.
	 */
	assert_string_equal(sh_output(w.home, routes), "2\n");
	to.n_interfaces = 0;
	add_interface(&to, 50, &w.networks[0]);
	change_to(&to, true);
	assert_string_equal(sh_output(w.home, routes), "0\n");
}

/* And one that was attached to another bridge stays there. */
static void test_other_segment(void **state)
{
	struct instance to = *A;
	unsigned n = bridges();

	(void)state;
	detach(A);
	to.n_interfaces = 0;
	add_interface(&to, 100, &w.networks[0]);
	*A = to;
	attach(A);
	assert_int_equal(bridges(), n + 1);
	assert_int_equal(A->at.v[0].segment, 1);
	assert_string_equal(sh_output(w.home, "ip route show 10.88.0.64/26 | wc -l; "
					      "ip -6 route show fd88::40/122 | wc -l"),
			    "1\n1\n");
	to = *A;
	to.n_interfaces = 0;
	add_interface(&to, 2, &w.networks[0]);
	change_to(&to, true);
	assert_int_equal(A->at.v[0].segment, 1);
	assert_true(ping(A->netns, GATEWAY, WAIT_MS));
}

static void test_network(void **state)
{
	struct instance to = *A;

	(void)state;
	to.n_interfaces = 0;
	add_interface(&to, 5, &w.networks[1]);
	change_to(&to, false);
	assert_string_equal(sh_output(A->netns, "ip -o -4 addr show eth0 | awk '{print $4}'"),
			    "10.89.0.7/16\n");
	assert_true(ping(A->netns, "10.89.0.1", WAIT_MS));
}

/* A macvlan beside it, and in its place. */
static void test_macvlan(void **state)
{
	static struct net_network lan;
	struct instance to = *A;

	(void)state;
	lan = network_of("lan", "", "10.97", "fd97");
	lan.mode = NET_MACVLAN;
	(void)snprintf(lan.uplink, sizeof(lan.uplink), "up0");
	lan.gateway4 = (struct in_addr){ 0 };
	lan.gateway6 = (struct in6_addr){ 0 };
	sh(w.outside, "ip addr add 10.97.0.1/16 dev eth0");
	add_interface(&to, 7, &lan); /* the table has no part in it */
	change(&to);
	assert_true(ping(A->netns, "10.97.0.1", WAIT_MS));
	assert_outside();
	to = *A;
	to.n_interfaces = 1;
	change(&to);
	assert_int_equal(index_of(A->netns, "eth1"), 0);
	to.n_interfaces = 0;
	add_interface(&to, 8, &lan);
	change(&to);
	assert_true(ping(A->netns, "10.97.0.1", WAIT_MS));
	assert_false(ping(A->netns, OUTSIDE_ADDRESS, WAIT_BLOCKED_MS));
	to.n_interfaces = 0;
	add_interface(&to, 0, &w.networks[0]);
	change_in_vain(&to);
	change(&to);
	assert_outside();
}

/* Ports and rules; what was let through is judged again. */
static void test_ports_and_rules(void **state)
{
	int web = bound(A->netns, SOCK_STREAM, "0.0.0.0", 80), client, server;
	struct instance to = *A;

	(void)state;
	add_port(&to, "8080:80");
	change_in_vain(&to);
	change(&to);
	assert_reaches(w.outside, HOST_ADDRESS, 8080, web, OUTSIDE_ADDRESS);
	client = tcp_connect(w.outside, HOST_ADDRESS, 8080, WAIT_MS);
	assert_true(client >= 0);
	server = accept4(web, NULL, NULL, SOCK_CLOEXEC);
	assert_true(server >= 0);
	/* A rate is none of the filter's business: the connection goes on. */
	to = *A;
	to.interfaces[0].ingress.bits_per_second = 1000000000;
	change(&to);
	assert_int_equal(write(client, "hello", 5), 5);
	assert_true(arrives(server, WAIT_MS));
	/* Denied, also what is open. */
	to = *A;
	to.n_rules = 1;
	to.rules[0] = (struct net_rule){ .protocol = IPPROTO_TCP, .first = 80, .last = 80 };
	change_in_vain(&to);
	change(&to);
	assert_int_equal(write(client, "hello", 5), 5);
	assert_false(arrives(server, WAIT_BLOCKED_MS));
	assert_blocked(w.outside, HOST_ADDRESS, 8080);
	to = *A;
	to.n_rules = 0;
	change(&to);
	assert_reaches(w.outside, HOST_ADDRESS, 8080, web, OUTSIDE_ADDRESS);
	/* A port that is taken back ends its connections too. */
	client = tcp_connect(w.outside, HOST_ADDRESS, 8080, WAIT_MS);
	assert_true(client >= 0);
	(void)close(server);
	server = accept4(web, NULL, NULL, SOCK_CLOEXEC);
	assert_true(server >= 0);
	to = *A;
	to.n_ports = 0;
	change(&to);
	assert_int_equal(write(client, "hello", 5), 5);
	assert_false(arrives(server, WAIT_BLOCKED_MS));
	(void)close(client);
	(void)close(server);
	(void)close(web);
}

/* A step in the middle fails: the name inside is taken. */
static void test_fails_early(void **state)
{
	struct instance to = *A;
	struct net_plan from_plan = plan_of(A), to_plan;
	struct net_attachment at = A->at;
	struct err e = ERR_INIT;
	char *before;

	(void)state;
	sh(A->netns, "ip link add eth2 type bridge");
	before = both_sides();
	to.interfaces[0].address4 = ip("10.88.0.60");
	add_interface(&to, 7, &w.networks[1]);
	add_interface(&to, 7, &w.networks[2]);
	to_plan = plan_of(&to);
	assert_int_equal(net_change(&from_plan, &to_plan, A->netns, &at, &e), -EEXIST);
	assert_non_null(strstr(e.text, "change network of web0: eth2"));
	assert_memory_equal(&at, &A->at, sizeof(at));
	assert_as(before);
	assert_outside();
	free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHANGE_TEST(test_add_and_remove), CHANGE_TEST(test_default_route),
		CHANGE_TEST(test_address),	  CHANGE_TEST(test_segment),
		CHANGE_TEST(test_other_segment),  CHANGE_TEST(test_network),
		CHANGE_TEST(test_macvlan),	  CHANGE_TEST(test_ports_and_rules),
		CHANGE_TEST(test_fails_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
