/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bridge of a network an address belongs to, and the route that leads there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <stdlib.h>

#include "base/str.h"
#include "netsetup/segment_priv.h"

static struct net_network network(unsigned prefix4, unsigned prefix6)
{
	struct net_network n = {
		.name = { "front" }, .interface = "jail0", .prefix4 = prefix4, .prefix6 = prefix6
	};

	(void)inet_pton(AF_INET, "10.88.0.0", &n.subnet4);
	(void)inet_pton(AF_INET, "10.88.0.1", &n.gateway4);
	(void)inet_pton(AF_INET6, "fd12::", &n.subnet6);
	(void)inet_pton(AF_INET6, "fd12::1", &n.gateway6);
	return n;
}

static struct net_interface interface(const struct net_network *n, const char *v4, const char *v6)
{
	struct net_interface i = { .network = n };

	assert_int_equal(inet_pton(AF_INET, v4, &i.address4), 1);
	assert_int_equal(inet_pton(AF_INET6, v6, &i.address6), 1);
	return i;
}

static const struct {
	unsigned prefix4, prefix6;
	const char *v4, *v6;
	unsigned segment;
	const char *route4, *route6; /* "" none; with "own" before it: to this address alone */
} cases[] = {
	{ 16, 64, "10.88.0.2", "fd12::2", 0, "", "" },
	{ 16, 64, "10.88.0.63", "fd12::3f", 0, "", "" },
	{ 16, 64, "10.88.0.64", "fd12::40", 1, "10.88.0.64/26", "fd12::40/122" },
	{ 16, 64, "10.88.3.255", "fd12::3ff", 15, "10.88.3.192/26", "fd12::3c0/122" },
	{ 16, 64, "10.88.0.70", "fd12::2", 1, "10.88.0.64/26", "own fd12::2/128" },
	{ 16, 64, "10.88.0.70", "fd12::1:0:0:46", 1, "10.88.0.64/26", "own fd12::1:0:0:46/128" },
	{ 16, 64, "10.88.0.2", "fd12::46", 0, "", "own fd12::46/128" },
	/* In no slice, and on segment 0: the network's own route leads there. */
	{ 16, 64, "10.88.0.2", "fd12::1:0:0:46", 0, "", "" },
	{ 0, 64, "0.0.0.0", "fd12::46", 1, "", "fd12::40/122" },
	{ 0, 64, "0.0.0.0", "fd12::1:0:0:46", 0, "", "" },
	{ 0, 120, "0.0.0.0", "fd12::c1", 3, "", "fd12::c0/122" },
	{ 24, 0, "10.88.0.200", "::", 3, "10.88.0.192/26", "" },
	{ 30, 64, "10.88.0.2", "fd12::2", 0, "", "" },
	{ 8, 48, "10.255.0.70", "fd12::ff:46", 0x3fc01, "10.255.0.64/26", "fd12::ff:40/122" },
};

static void route_text(const struct net_interface *i, int family, char ret[static 80])
{
	struct segment_slice slice;
	struct route route;
	char address[INET6_ADDRSTRLEN];
	bool own;

	ret[0] = '\0';
	if (!segment_route(i, segment_of(i), family, 7, &slice, &route, &own))
		return;
	assert_int_equal(route.index, 7);
	assert_int_equal(route.family, family);
	assert_null(route.via);
	assert_ptr_equal(route.source, family == AF_INET ? (const void *)&i->network->gateway4
							 : &i->network->gateway6);
	assert_non_null(inet_ntop(family, route.to, address, sizeof(address)));
	(void)snprintf(ret, 80, "%s%s/%u", own ? "own " : "", address, route.prefix);
}

static void test_segments(void **state)
{
	char text[80];

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		struct net_network n = network(cases[k].prefix4, cases[k].prefix6);
		struct net_interface i = interface(&n, cases[k].v4, cases[k].v6);

		assert_int_equal(segment_of(&i), cases[k].segment);
		if (n.prefix4) {
			route_text(&i, AF_INET, text);
			assert_string_equal(text, cases[k].route4);
		}
		if (n.prefix6) {
			route_text(&i, AF_INET6, text);
			assert_string_equal(text, cases[k].route6);
		}
	}
}

/* What is no port of a bridge is on no segment. */
static void test_routed(void **state)
{
	struct net_network n = network(16, 64);
	struct net_interface i = interface(&n, "10.88.9.9", "fd12::909");

	(void)state;
	assert_int_not_equal(segment_of(&i), 0);
	i.routed = true;
	assert_int_equal(segment_of(&i), 0);
	i.routed = false;
	n.mode = NET_ROUTED;
	assert_int_equal(segment_of(&i), 0);
	n.mode = NET_MACVLAN;
	assert_int_equal(segment_of(&i), 0);
}

static void test_names(void **state)
{
	struct net_network n = network(16, 64), other = n;
	char zero[16], one[16], two[16], others[16];

	(void)state;
	(void)snprintf(other.interface, sizeof(other.interface), "jail1");
	segment_name(&n, 0, zero);
	segment_name(&n, 1, one);
	segment_name(&n, 2, two);
	segment_name(&other, 1, others);
	assert_string_equal(zero, "jail0");
	assert_int_equal(strlen(one), 14);
	assert_memory_equal(one, "jn", 2);
	assert_string_not_equal(one, two);
	assert_string_not_equal(one, others);
}

static void test_complete(void **state)
{
	const struct link_state whole = { .kind = "bridge", .flags = IFF_UP, .group = NET_GROUP };
	struct link_state s = whole;

	(void)state;
	assert_true(segment_is_complete(&s));
	s.flags = 0;
	assert_false(segment_is_complete(&s));
	s = whole;
	s.group = 0;
	assert_false(segment_is_complete(&s));
	s = whole;
	(void)snprintf(s.kind, sizeof(s.kind), "dummy");
	assert_false(segment_is_complete(&s));
	s = whole;
	s.inet6 = true;
	s.accept_ra = 2;
	assert_false(segment_is_complete(&s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_routed),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
