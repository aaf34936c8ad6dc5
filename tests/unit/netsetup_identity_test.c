/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What follows from an id: the same each time, and another for each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "base/str.h"
#include "netsetup/link_priv.h"
#include "netsetup/port.h"

#define ID "0123456789abcdef0123456789abcdef"
#define OTHER "0123456789abcdef0123456789abcdee"

static void test_mac(void **state)
{
	uint8_t first[6], again[6], next[6], other[6], bridge[6];

	(void)state;
	net_mac_of(ID, 0, first);
	net_mac_of(ID, 0, again);
	net_mac_of(ID, 1, next);
	net_mac_of(OTHER, 0, other);
	link_mac_of("bridge", ID, bridge);
	assert_memory_equal(first, again, 6);
	assert_memory_not_equal(first, next, 6);
	assert_memory_not_equal(first, other, 6);
	assert_memory_not_equal(first, bridge, 6);
	/* Locally administered, unicast. */
	assert_int_equal(first[0] & 3, 2);
	assert_int_equal(next[0] & 3, 2);
	/* It is what neighbours have in their tables: no release may change it. */
	assert_memory_equal(first, ((uint8_t[]){ 0x72, 0x0e, 0xe5, 0x6e, 0x86, 0xd5 }), 6);
}

static void test_link_local(void **state)
{
	static const uint8_t mac[6] = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 };
	struct in6_addr address;
	char text[INET6_ADDRSTRLEN];

	(void)state;
	net_link_local_of(mac, &address);
	assert_string_equal(inet_ntop(AF_INET6, &address, text, sizeof(text)),
			    "fe80::11:22ff:fe33:4455");
}

static void assert_name(const char *name, const char *prefix)
{
	assert_int_equal(strlen(name), 14);
	assert_true(str_starts(name, prefix));
	assert_int_equal(strspn(name + 2, "0123456789abcdef"), 12);
}

static void test_names(void **state)
{
	struct jail_name front = { .s = "front" }, back = { .s = "back" };
	char names[6][16];

	(void)state;
	net_host_name_of(ID, 0, names[0]);
	net_host_name_of(ID, 1, names[1]);
	net_host_name_of(OTHER, 0, names[2]);
	net_shaper_name_of(ID, 0, names[3]);
	net_interface_name_of(&front, names[4]);
	net_interface_name_of(&back, names[5]);
	assert_name(names[0], "ve");
	assert_name(names[3], "vs");
	assert_name(names[4], "jn");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(names[i] + 2, names[k] + 2);
	net_host_name_of(ID, 0, names[1]);
	assert_string_equal(names[0], names[1]);
	/* Only such names are ever deleted. */
	assert_true(link_is_ours(names[0]) && link_is_ours(names[3]));
	assert_false(link_is_ours(names[4]));
	assert_false(link_is_ours("veth0"));
	assert_false(link_is_ours("ve0123456789aB"));
	assert_false(link_is_ours("ve0123456789abc"));
	assert_false(link_is_ours("eth0"));
	assert_false(link_is_ours(""));
}

static void test_groups(void **state)
{
	net_group web = net_group_of("acme", "instance:web");

	(void)state;
	assert_true(web == net_group_of("acme", "instance:web"));
	assert_true(web != net_group_of("acme", "instance:db"));
	assert_true(web != net_group_of("other", "instance:web"));
	assert_true(web != net_group_of("", "instance:web"));
	/* Nothing can be moved from one part to the other. */
	assert_true(net_group_of("a", "bc") != net_group_of("ab", "c"));
}

static void test_loopback(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} ports[] = {
		{ "127.0.0.1:8080:80", true },	{ "127.255.0.9:8080:80/udp", true },
		{ "[::1]:8080:80", true },	{ "8080:80", false },
		{ "192.0.2.1:8080:80", false }, { "[2001:db8::1]:8080:80", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		struct net_port port;
		struct err e = ERR_INIT;

		assert_int_equal(net_port_parse(ports[i].text, &port, &e), 0);
		assert_int_equal(net_port_is_loopback(&port), ports[i].is);
	}
}

static void test_families(void **state)
{
	struct net_network n = { .prefix4 = 24 };

	(void)state;
	assert_true(net_has4(&n) && !net_has6(&n));
	n = (struct net_network){ .prefix6 = 64 };
	assert_true(!net_has4(&n) && net_has6(&n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mac),	 cmocka_unit_test(test_link_local),
		cmocka_unit_test(test_names),	 cmocka_unit_test(test_groups),
		cmocka_unit_test(test_loopback), cmocka_unit_test(test_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
