/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways of being on a network: routed, a bridge that is full, several networks, macvlan; and
 * what the host keeps of its own. */
#include "netsetup_fixture.h"

#include <linux/rtnetlink.h>

#include "netsetup/end_priv.h"

#define BRIDGE_PORTS 1023

static bool nobody_alive(const struct jail_name *name, void *arg)
{
	(void)name;
	(void)arg;
	return false;
}

/* Links, addresses, routes, neighbours and rules of the host, without what depends on the carrier.
 * In a buffer of its own. */
static char *snapshot(void)
{
	char *text = strdup(sh_output(
		w.home, "(ip -o link | sed 's/@[^:]*//; s/<.*> //; s/state [A-Z]*//'; "
			"ip -o addr | sed 's/valid_lft.*//; s/tentative//'; ip route; ip -6 route; "
			"ip neigh show nud permanent; ip -6 neigh show nud permanent; "
			"nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//') 2>/dev/null | "
			"sed 's/linkdown//; s/  */ /g; s/ $//'"));

	assert_non_null(text);
	return text;
}

/* Tells the first line that differs. */
static void assert_as(const char *before)
{
	char *now = snapshot();
	size_t at = 0, line = 0;

	for (; now[at] && now[at] == before[at]; at++)
		if (now[at] == '\n')
			line = at + 1;
	if (now[at] != before[at])
		fail_msg("before: %.300s\nnow: %.300s", before + line, now + line);
	free(now);
}

static int setup(void **state)
{
	(void)world_make(state);
	for (size_t i = 0; i < NETWORKS_MAX; i++)
		w.networks[i].isolated = false;
	ensure_n(NETWORKS_MAX, 1);
	return 0;
}

static int teardown(void **state)
{
	for (size_t i = 0; i < INSTANCES_MAX; i++) {
		if (w.instances[i].name.s[0])
			fd_reset(&w.instances[i].netns);
		w.instances[i] = (struct instance){ .netns = -EBADF };
	}
	return world_drop(state);
}

#define LINK_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define A (&w.instances[0])
#define B (&w.instances[1])

static void address_text(const struct instance *i, unsigned number, char ret[2][INET6_ADDRSTRLEN])
{
	assert_non_null(
		inet_ntop(AF_INET, &i->interfaces[number].address4, ret[0], INET6_ADDRSTRLEN));
	assert_non_null(
		inet_ntop(AF_INET6, &i->interfaces[number].address6, ret[1], INET6_ADDRSTRLEN));
}

/* TCP of both families, the source being the instance's own address. */
static void assert_talks(const struct instance *from, unsigned from_number,
			 const struct instance *to, unsigned to_number)
{
	char source[2][INET6_ADDRSTRLEN], destination[2][INET6_ADDRSTRLEN];

	address_text(from, from_number, source);
	address_text(to, to_number, destination);
	for (unsigned i = 0; i < 2; i++) {
		int web = bound(to->netns, SOCK_STREAM, i ? "::" : "0.0.0.0", 80);

		assert_reaches(from->netns, destination[i], 80, web, source[i]);
		(void)close(web);
	}
}

static void assert_outside(const struct instance *i)
{
	assert_true(ping(i->netns, OUTSIDE_ADDRESS, WAIT_MS));
	assert_true(ping(i->netns, OUTSIDE_ADDRESS6, WAIT_MS));
}

static void unreach(const struct instance *i)
{
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	struct net_plan plan = plan_of(i);
	struct link_ends ends;
	struct err e = ERR_INIT;

	assert_int_equal(nl_open(NETLINK_ROUTE, &nl, &e), 0);
	ends_plan(&plan, &i->at, &ends);
	ends.v[0].index = link_index(&nl, ends.v[0].name);
	assert_int_equal(end_unreach(&nl, &ends.v[0], &e), 0);
	assert_int_equal(end_unreach(&nl, &ends.v[0], &e), 0);
}

static void test_routed(void **state)
{
	char *before = snapshot();

	(void)state;
	(void)instance_new(0);
	(void)instance_new(1);
	A->interfaces[0].routed = true;
	add_port(A, "8080:80");
	attach(A);
	attach(B);
	assert_true(A->at.v[0].routed);
	assert_false(B->at.v[0].routed);
	sh(w.home, "ip route show 10.88.0.2 | grep -q 'dev %s .*src " GATEWAY "'",
	   host_interface(A));
	sh(w.home, "ip -6 route show fd88::2 | grep -q 'dev %s .*src " GATEWAY6 "'",
	   host_interface(A));
	/* Not fe80::1, of which the kernel would have a list as long as there are instances. */
	sh(w.home, "test \"$(ip -6 -o addr show dev %s | awk '{print $4}')\" = '%s/128'",
	   host_interface(A), sh_output(A->netns, "ip -6 route show default | awk '{printf $3}'"));
	sh(w.home, "ip -o link show dev %s | grep -qv master", host_interface(A));
	sh(w.home, "ip -o link show dev %s group 1784768876 | grep -q ,UP", host_interface(A));
	sh(w.home, "ip -o link show dev 'jail@web0' | grep -q %s", host_interface(A));
	assert_string_equal(sh_output(A->netns, "ip -o -4 addr show eth0 | awk '{print $4}'"),
			    "10.88.0.2/16\n");
	assert_outside(A);
	assert_talks(A, 0, B, 0);
	assert_talks(B, 0, A, 0);
	for (unsigned i = 0; i < 2; i++) {
		int web = bound(A->netns, SOCK_STREAM, i ? "::" : "0.0.0.0", 80);

		assert_reaches(w.outside, i ? HOST_ADDRESS6 : HOST_ADDRESS, 8080, web,
			       i ? OUTSIDE_ADDRESS6 : OUTSIDE_ADDRESS);
		assert_reaches(w.home, i ? "fd88::2" : "10.88.0.2", 80, web,
			       i ? GATEWAY6 : GATEWAY);
		(void)close(web);
	}
	/* A stop takes the routes away by itself, whatever becomes of the veth and when. */
	unreach(A);
	sh(w.home, "ip link show %s >/dev/null", host_interface(A));
	assert_string_equal(sh_output(w.home, "ip route show 10.88.0.2; ip -6 route show fd88::2"),
			    "");
	detach(A);
	assert_string_equal(sh_output(w.home, "ip route show 10.88.0.2; ip -6 route show fd88::2"),
			    "");
	detach(B);
	fd_reset(&A->netns);
	fd_reset(&B->netns);
	wait_no_veth();
	assert_as(before);
	free(before);
}

/* All of a network. */
static void test_routed_network(void **state)
{
	(void)state;
	w.networks[0].mode = NET_ROUTED;
	(void)instance_new(0);
	(void)instance_new(1);
	attach(A);
	attach(B);
	assert_true(A->at.v[0].routed && B->at.v[0].routed);
	assert_string_equal(sh_output(w.home, "ip -o link show master jail0"), "");
	assert_outside(A);
	assert_talks(A, 0, B, 0);
	/* Restoring puts it all back. */
	sh(w.home, "nft flush ruleset && ip link set %s down && ip link set %s up",
	   host_interface(A), host_interface(A));
	assert_string_equal(sh_output(w.home, "ip -6 route show fd88::2"), "");
	ensure_n(NETWORKS_MAX, 1);
	for (unsigned i = 0; i < 2; i++) {
		struct net_plan plan = plan_of(&w.instances[i]);
		struct err e = ERR_INIT;

		assert_int_equal(net_restore(&plan, &w.instances[i].at, &e), 0);
	}
	assert_outside(A);
	assert_talks(A, 0, B, 0);
	assert_talks(B, 0, A, 0);
}

/* A bridge takes 1,023 ports; who follows is routed, and all is the same. */
static void test_full_bridge(void **state)
{
	struct net_plan plan;
	struct err e = ERR_INIT;
	char *before;

	(void)state;
	(void)instance_new(0);
	(void)instance_new(1);
	attach(A);
	sh(w.home,
	   "for i in $(seq %d); do echo \"link add p$i type veth peer name q$i\"; "
	   "echo \"link set p$i master jail0\"; echo \"link set q$i master jail0\"; done | "
	   "ip -batch -",
	   (BRIDGE_PORTS - 1) / 2);
	before = snapshot();
	attach(B);
	assert_false(A->at.v[0].routed);
	assert_true(B->at.v[0].routed);
	assert_string_equal(sh_output(w.home, "ip -6 neigh show fd88::3 dev jail0; "
					      "ip neigh show 10.88.0.3 dev jail0"),
			    "");
	assert_outside(B);
	assert_talks(A, 0, B, 0);
	assert_talks(B, 0, A, 0);
	plan = plan_of(B);
	assert_int_equal(net_restore(&plan, &B->at, &e), 0);
	assert_talks(A, 0, B, 0);
	detach(B);
	fd_reset(&B->netns);
	wait_no_link(host_interface(B));
	assert_as(before);
	free(before);
}

/* Row 71: each of several interfaces has its own MAC and addresses, and each subnet its way. */
static void test_two_networks(void **state)
{
	(void)state;
	(void)instance_new(0);
	(void)instance_new(1);
	(void)instance_new(2);
	w.networks[1].internal = true;
	ensure_n(NETWORKS_MAX, 0);
	/* A: internal first, then the one that leads out; B on the internal one; C on the other. */
	A->n_interfaces = 0;
	add_interface(A, 0, &w.networks[1]);
	add_interface(A, 0, &w.networks[0]);
	B->n_interfaces = 0;
	add_interface(B, 1, &w.networks[1]);
	attach(A);
	attach(B);
	attach(&w.instances[2]);
	assert_string_equal(sh_output(A->netns, "ip -o -4 addr | grep eth | awk '{print $2, $4}'"),
			    "eth0 10.89.0.2/16\neth1 10.88.0.2/16\n");
	assert_string_equal(sh_output(A->netns, "ip route show default | awk '{print $3, $5}'; "
						"ip -6 route show default | awk '{print $3, $5}'"),
			    GATEWAY " eth1\nfe80::1 eth1\n");
	assert_string_equal(sh_output(B->netns, "ip route show default; ip -6 route show default"),
			    "");
	sh(w.home, "ip -o link show dev 'jail@web0' | grep -q 'master jail1'");
	sh(w.home, "ip -o link show dev 'jail@web0@eth1' | grep -q 'master jail0'");
	sh(A->netns, "ip -o link show eth1 | grep -q %s", mac_text(A, 1));
	assert_string_not_equal(A->at.v[0].host_interface, A->at.v[1].host_interface);
	assert_outside(A);
	assert_talks(A, 0, B, 0);
	assert_talks(B, 0, A, 0);
	assert_talks(A, 1, &w.instances[2], 0);
	assert_talks(&w.instances[2], 0, A, 1);
	assert_false(ping(B->netns, OUTSIDE_ADDRESS, WAIT_BLOCKED_MS));
	detach(A);
	wait_no_link(A->at.v[0].host_interface);
	wait_no_link(A->at.v[1].host_interface);
	assert_null(strstr(sh_output(w.home, "ip -o link; nft list ruleset; ip neigh; ip -6 neigh"),
			   "web0"));
}

/* A gap keeps the numbers of those that follow. */
static void test_gap(void **state)
{
	(void)state;
	(void)instance_new(0);
	A->n_interfaces = 0;
	add_interface(A, 0, &w.networks[0]);
	A->interfaces[1] = (struct net_interface){ .network = NULL };
	A->n_interfaces = 2;
	add_interface(A, 0, &w.networks[1]);
	attach(A);
	assert_string_equal(sh_output(A->netns, "ip -o link | grep -o 'eth[0-9]' | sort -u"),
			    "eth0\neth2\n");
	assert_string_equal(A->at.v[1].host_interface, "");
	sh(w.home, "ip -o link show dev 'jail@web0@eth2' | grep -q 'master jail1'");
	detach(A);
}

static void test_one_family(void **state)
{
	(void)state;
	w.networks[0].prefix6 = 0;
	w.networks[1].prefix4 = 0;
	ensure_n(NETWORKS_MAX, 0);
	(void)instance_new(0);
	(void)instance_new(1);
	B->n_interfaces = 0;
	add_interface(B, 1, &w.networks[1]);
	attach(A);
	attach(B);
	assert_string_equal(sh_output(A->netns, "ip -6 addr show dev eth0"), "");
	assert_string_equal(sh_output(B->netns, "ip -4 addr show dev eth0; ip -4 route"), "");
	assert_true(ping(A->netns, OUTSIDE_ADDRESS, WAIT_MS));
	assert_true(ping(B->netns, OUTSIDE_ADDRESS6, WAIT_MS));
}

static void test_mtu(void **state)
{
	(void)state;
	w.networks[0].mtu = 1400;
	ensure_n(NETWORKS_MAX, 1); /* it was not as it should be */
	(void)instance_new(0);
	attach(A);
	sh(w.home, "ip link show jail0 | grep -q 'mtu 1400'");
	sh(w.home, "ip link show %s | grep -q 'mtu 1400'", host_interface(A));
	sh(A->netns, "ip link show eth0 | grep -q 'mtu 1400'");
}

/* ---- macvlan ---- */

static struct net_network lan_of(void)
{
	struct net_network n = { .name = { "lan" },
				 .mode = NET_MACVLAN,
				 .uplink = "up0",
				 .subnet4 = ip("192.0.2.0"),
				 .gateway4 = ip(OUTSIDE_ADDRESS),
				 .prefix4 = 24,
				 .subnet6 = ip6("2001:db8::"),
				 .gateway6 = ip6(OUTSIDE_ADDRESS6),
				 .prefix6 = 64 };

	return n;
}

static void test_macvlan(void **state)
{
	struct net_network lan = lan_of();
	struct err e = ERR_INIT;
	char *before = snapshot();
	int there;

	(void)state;
	assert_int_equal(net_host_ensure(&lan, 1, &e), 0);
	(void)instance_new(0);
	A->n_interfaces = 0;
	add_interface(A, 48, &lan);
	attach(A);
	assert_string_equal(A->at.v[0].host_interface, "");
	assert_as(before);
	sh(A->netns, "ip -d -o link show eth0 | grep 'macvlan mode bridge' | grep -q %s",
	   mac_text(A, 0));
	assert_string_equal(sh_output(A->netns, "ip route show default | awk '{print $3, $5}'; "
						"ip -6 route show default | awk '{print $3, $5}'"),
			    OUTSIDE_ADDRESS " eth0\n" OUTSIDE_ADDRESS6 " eth0\n");
	/* The other side sees it as itself, without the host. */
	there = bound(w.outside, SOCK_STREAM, "0.0.0.0", 7000);
	assert_reaches(A->netns, OUTSIDE_ADDRESS, 7000, there, "192.0.2.50");
	assert_true(ping(w.outside, "192.0.2.50", WAIT_MS));
	assert_true(ping(w.outside, "2001:db8::32", WAIT_MS));
	/* Its namespace can live on: the address does not. */
	detach(A);
	assert_int_not_equal(sh_status(A->netns, "ip link show eth0 2>/dev/null"), 0);
	assert_false(ping(w.outside, "192.0.2.50", WAIT_BLOCKED_MS));
	assert_as(before);
	free(before);
	(void)close(there);
}

/* Beside a bridge, and with an interface that is not ours where it is looked for. */
static void test_macvlan_and_bridge(void **state)
{
	struct net_network lan = lan_of();

	(void)state;
	(void)instance_new(0);
	add_interface(A, 48, &lan);
	attach(A);
	assert_string_equal(A->at.v[1].host_interface, "");
	sh(A->netns, "ip -d -o link show eth1 | grep -q macvlan");
	assert_string_equal(sh_output(A->netns, "ip route show default | awk '{print $5}'"),
			    "eth0\n");
	assert_outside(A);
	assert_true(ping(w.outside, "192.0.2.50", WAIT_MS));
	sh(A->netns, "ip link del eth1 && ip link add eth1 type bridge");
	detach(A);
	sh(A->netns, "ip link show eth1 >/dev/null");
}

static void test_macvlan_refused(void **state)
{
	struct net_network lan = lan_of();
	struct net_plan plan;
	struct err e = ERR_INIT;

	(void)state;
	(void)snprintf(lan.uplink, sizeof(lan.uplink), "nosuch0");
	assert_int_equal(net_host_ensure(&lan, 1, &e), -ENODEV);
	assert_non_null(strstr(e.text, "network lan: its uplink nosuch0 does not exist"));
	(void)snprintf(lan.uplink, sizeof(lan.uplink), "down0");
	sh(w.home, "ip link add down0 type bridge");
	e = ERR_INIT;
	assert_int_equal(net_host_ensure(&lan, 1, &e), -ENETDOWN);
	assert_non_null(strstr(e.text, "its uplink down0 is down"));
	(void)snprintf(lan.uplink, sizeof(lan.uplink), "up0");
	(void)instance_new(0);
	A->n_interfaces = 0;
	add_interface(A, 48, &lan);
	A->interfaces[0].egress.bits_per_second = 1000000;
	plan = plan_of(A);
	e = ERR_INIT;
	assert_int_equal(net_attach(&plan, A->netns, &A->at, &e), -EOPNOTSUPP);
	assert_non_null(strstr(e.text, "eth0 is a macvlan"));
	assert_int_not_equal(sh_status(A->netns, "ip link show eth0 2>/dev/null"), 0);
}

/* ---- names that are taken ---- */

static void test_names_taken(void **state)
{
	struct net_plan plan;
	struct err e = ERR_INIT;
	char name[16];

	(void)state;
	(void)instance_new(0);
	net_host_name_of(A->id, 0, name);
	/* Somebody else's stays. */
	sh(w.home, "ip link add %s type bridge && ip link set %s alias jail:web1", name, name);
	plan = plan_of(A);
	assert_int_equal(net_attach(&plan, A->netns, &A->at, &e), -EEXIST);
	assert_non_null(strstr(e.text, name));
	assert_non_null(strstr(e.text, "jail:web1"));
	sh(w.home, "ip link show %s | grep -q jail:web1 && ip link del %s", name, name);
	/* Its own goes. */
	sh(w.home, "ip link add %s type bridge && ip link set %s alias jail:web0", name, name);
	attach(A);
	assert_outside(A);
	detach(A);
	wait_no_link(name);
	/* The altname: of an earlier instance of that name; then somebody else's. */
	sh(w.home, "ip link add ve0123456789ab type bridge && "
		   "ip link set ve0123456789ab alias jail:web0 && "
		   "ip link property add dev ve0123456789ab altname jail@web0");
	attach(A);
	assert_int_not_equal(sh_status(w.home, "ip link show ve0123456789ab 2>/dev/null"), 0);
	sh(w.home, "ip -o link show jail@web0 | grep -q %s", name);
	detach(A);
	wait_no_link(name);
	sh(w.home,
	   "ip link add other0 type bridge && ip link property add dev other0 altname jail@web0");
	attach(A);
	sh(w.home, "ip -o link show jail@web0 | grep -q other0");
	assert_outside(A);
}

/* The sweep of one life does not touch the next one's links, which have the same names. */
static void test_stop_and_start(void **state)
{
	(void)state;
	(void)instance_new(0);
	A->interfaces[0].egress.bits_per_second = 100000000;
	for (unsigned i = 0; i < 20; i++) {
		attach(A);
		assert_true(ping(A->netns, OUTSIDE_ADDRESS, WAIT_MS));
		detach(A);
	}
	attach(A);
	(void)usleep(300000);
	assert_outside(A);
	sh(w.home, "ip link show %s >/dev/null", host_interface(A));
}

/* ---- the host ---- */

/* What a router has told the host stays when it begins to forward. */
static void test_advertised_host(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < NETWORKS_MAX; i++)
		assert_int_equal(net_host_remove(&w.networks[i], &e), 0);
	sh(w.home, "echo 0 > /proc/sys/net/ipv6/conf/all/forwarding && "
		   "ip link add deaf0 type bridge && ip link add keen0 type bridge && "
		   "ip link add router0 type bridge && cd /proc/sys/net/ipv6/conf && "
		   "echo 1 > up0/accept_ra && echo 0 > deaf0/accept_ra && "
		   "echo 2 > keen0/accept_ra && echo 1 > router0/accept_ra && "
		   "echo 1 > router0/forwarding");
	/* As the kernel makes it from an advertisement: an expiring route of protocol "ra". */
	sh(w.home,
	   "ip -6 route add default via fe80::77 dev up0 proto ra metric 1024 expires 1000");
	ensure(0);
	assert_string_equal(sh_output(w.home, "cd /proc/sys/net/ipv6/conf && cat all/forwarding "
					      "up0/accept_ra deaf0/accept_ra keen0/accept_ra "
					      "router0/accept_ra jail0/accept_ra"),
			    "1\n2\n0\n2\n1\n0\n");
	sh(w.home, "ip -6 route show default | grep -q fe80::77");
}

static void test_host_without_ipv6(void **state)
{
	struct net_network six = network_of("six", "jail6", "10.96", "fd96");
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < NETWORKS_MAX; i++)
		assert_int_equal(net_host_remove(&w.networks[i], &e), 0);
	sh(w.home, "cd /proc/sys/net/ipv6/conf && echo 1 > all/disable_ipv6 && "
		   "echo 1 > default/disable_ipv6 && echo 0 > all/forwarding");
	ensure(0);
	ensure(0);
	assert_string_equal(sh_output(w.home, "cd /proc/sys/net/ipv6/conf && cat all/disable_ipv6 "
					      "jail0/disable_ipv6 all/forwarding; "
					      "ip -6 addr"),
			    "1\n1\n0\n");
	(void)instance_new(0);
	(void)instance_new(1);
	B->interfaces[0].routed = true;
	attach(A);
	attach(B);
	assert_true(ping(A->netns, OUTSIDE_ADDRESS, WAIT_MS));
	assert_true(ping(B->netns, OUTSIDE_ADDRESS, WAIT_MS));
	assert_string_equal(sh_output(A->netns, "ip -6 addr show dev eth0"), "");
	detach(A);
	detach(B);
	six.prefix4 = 0;
	assert_int_equal(net_host_ensure(&six, 1, &e), -EAFNOSUPPORT);
	assert_non_null(strstr(e.text, "network six: it has IPv6 alone"));
	/* When it is turned on the network gets it. */
	sh(w.home, "cd /proc/sys/net/ipv6/conf && echo 0 > all/disable_ipv6 && "
		   "echo 0 > default/disable_ipv6");
	sh(w.home, "ip addr add " HOST_ADDRESS6 "/64 dev up0 nodad");
	ensure(1);
	wait_no_link(host_interface(A));
	attach(A);
	assert_outside(A);
}

/* ---- much ---- */

static int fail_reply(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	(void)nlh;
	(void)index;
	(*(unsigned *)arg)++;
	return -EIO;
}

/* A list that fails in the middle keeps the socket from nothing. */
static void test_list_again(void **state)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	CLEANUP_FREE struct link_state *links = NULL;
	struct err e = ERR_INIT;
	unsigned calls = 0;
	size_t n = 0;

	(void)state;
	sh(w.home, "for i in $(seq 100); do echo \"link add b$i type bridge\"; done | ip -batch -");
	assert_int_equal(nl_open(NETLINK_ROUTE, &nl, &e), 0);
	nl_batch_reserve(&b, 1024);
	(void)nl_begin(&b, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg), "list links");
	assert_int_equal(nl_run(&nl, &b, fail_reply, &calls, &e), -EIO);
	assert_int_equal(calls, 1);
	e = ERR_INIT;
	if (link_list(&nl, NULL, &links, &n, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(n, 105); /* lo, up0, three networks */
}

static void test_many_times(void **state)
{
	unsigned random = 1, alive = 0;
	char *before = snapshot();

	(void)state;
	for (unsigned n = 0; n < 2000; n++) {
		struct instance *i;

		random = random * 1103515245u + 12345u;
		i = &w.instances[(random >> 16) % 24];
		if (i->name.s[0]) {
			if (random & 1u << 8)
				fd_reset(&i->netns); /* the namespace first */
			detach(i);
			if (i->netns >= 0)
				fd_reset(&i->netns);
			*i = (struct instance){ .netns = -EBADF };
			alive--;
			continue;
		}
		i = instance_new((random >> 16) % 24);
		i->interfaces[0].routed = (random & 1u << 9) != 0;
		if (random & 1u << 10)
			add_interface(i, (random >> 16) % 24, &w.networks[1]);
		attach(i);
		alive++;
	}
	assert_true(alive > 0);
	for (unsigned n = 0; n < 24; n++) {
		if (!w.instances[n].name.s[0])
			continue;
		detach(&w.instances[n]);
		fd_reset(&w.instances[n].netns);
		w.instances[n] = (struct instance){ .netns = -EBADF };
	}
	wait_no_veth();
	assert_as(before);
	free(before);
}

/* Those that nobody detached. */
static void test_gc_all(void **state)
{
	char *before = snapshot();
	struct err e = ERR_INIT;

	(void)state;
	for (unsigned n = 0; n < 6; n++) {
		(void)instance_new(n);
		w.instances[n].interfaces[0].routed = n % 2;
		w.instances[n].interfaces[0].egress.bits_per_second = n % 3 ? 0 : 10000000;
		add_interface(&w.instances[n], n, &w.networks[1]);
		attach(&w.instances[n]);
	}
	/* Names of others that look like it. */
	sh(w.home, "ip link add ve0 type veth peer name x0 && ip link set ve0 alias jail:web0");
	assert_int_equal(net_gc(nobody_alive, NULL, &e), 0);
	sh(w.home, "ip link del ve0");
	assert_as(before);
	free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(test_routed),
		LINK_TEST(test_routed_network),
		LINK_TEST(test_full_bridge),
		LINK_TEST(test_two_networks),
		LINK_TEST(test_gap),
		LINK_TEST(test_one_family),
		LINK_TEST(test_mtu),
		LINK_TEST(test_macvlan),
		LINK_TEST(test_macvlan_and_bridge),
		LINK_TEST(test_macvlan_refused),
		LINK_TEST(test_names_taken),
		LINK_TEST(test_stop_and_start),
		LINK_TEST(test_advertised_host),
		LINK_TEST(test_host_without_ipv6),
		LINK_TEST(test_list_again),
		LINK_TEST(test_many_times),
		LINK_TEST(test_gc_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
