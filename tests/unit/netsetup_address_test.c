/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases of addresses: what is never given, what happens when all are, and before that. */
#include "base_tmpdir.h"

#include <arpa/inet.h>

#include "base/lease.h"
#include "netsetup/address.h"

static char warned[256]; /* the last warning */

static void take_warning(const char *text)
{
	(void)snprintf(warned, sizeof(warned), "%s", text);
}

static struct in_addr ip(const char *text)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return a;
}

static struct in6_addr ip6(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static struct jail_name owner(unsigned n)
{
	struct jail_name name;

	(void)snprintf(name.s, sizeof(name.s), "web%u", n);
	return name;
}

static struct net_network network4(const char *subnet, unsigned prefix, const char *gateway)
{
	return (struct net_network){ .name = { "front" },
				     .subnet4 = ip(subnet),
				     .gateway4 = ip(gateway),
				     .prefix4 = prefix };
}

static struct net_network network6(const char *subnet, unsigned prefix, const char *gateway)
{
	return (struct net_network){ .name = { "front" },
				     .subnet6 = ip6(subnet),
				     .gateway6 = ip6(gateway),
				     .prefix6 = prefix };
}

static int lease(const struct tmpdir *t, const struct net_network *n, const char *wanted,
		 const struct jail_name *name, struct net_addresses *ret, struct err *e)
{
	struct net_addresses w = { .v4.s_addr = 0 };

	if (wanted)
		assert_int_equal(inet_pton(strchr(wanted, ':') ? AF_INET6 : AF_INET, wanted,
					   strchr(wanted, ':') ? (void *)&w.v6 : &w.v4),
				 1);
	*e = ERR_INIT;
	return net_addresses_lease(t->fd, n, &w, name, ret, e);
}

/* Takes every address of a subnet and returns them as a bit mask of the last bits. */
static uint32_t take_all(const struct tmpdir *t, const struct net_network *n, unsigned expected)
{
	uint32_t seen = 0;

	for (unsigned i = 0; i < expected; i++) {
		struct jail_name name = owner(i);
		struct net_addresses a = { .v4.s_addr = 0 };
		struct err e;
		unsigned bit;

		assert_int_equal(lease(t, n, NULL, &name, &a, &e), 0);
		bit = n->prefix4 ? ntohl(a.v4.s_addr) - ntohl(n->subnet4.s_addr)
				 : (unsigned)(a.v6.s6_addr[15] - n->subnet6.s6_addr[15]);
		assert_true(bit < 32);
		if (n->prefix6)
			assert_memory_equal(&a.v6, &n->subnet6, 15);
		assert_int_equal(seen & 1u << bit, 0);
		seen |= 1u << bit;
	}
	return seen;
}

static void assert_exhausted(const struct tmpdir *t, const struct net_network *n)
{
	struct jail_name name = owner(999);
	struct net_addresses a = { .v4 = ip("1.2.3.4") };
	struct err e;

	assert_int_equal(lease(t, n, NULL, &name, &a, &e), -ENOSPC);
	assert_string_equal(e.text, "addresses of front exhausted: 5 of 5 in use");
	assert_non_null(strstr(e.hint, n->prefix4 ? "IPv4" : "IPv6"));
	assert_int_equal(a.v4.s_addr, ip("1.2.3.4").s_addr);
}

static void test_exhaustion(void **state)
{
	const struct tmpdir *t = *state;
	struct net_network n = network4("10.88.0.0", 29, "10.88.0.1");
	struct jail_name name = owner(2), other = owner(50);
	struct net_addresses a, b;
	struct err e;

	/* Not .0 (network), .1 (gateway), .7 (broadcast). */
	assert_int_equal(take_all(t, &n, 5), 0x7c);
	assert_exhausted(t, &n);
	/* Who has one gets the same again; what was given back is to be had. */
	assert_int_equal(lease(t, &n, NULL, &name, &a, &e), 0);
	net_addresses_release(t->fd, &a, &name);
	assert_int_equal(lease(t, &n, NULL, &other, &b, &e), 0);
	assert_int_equal(a.v4.s_addr, b.v4.s_addr);
	assert_exhausted(t, &n);
}

static void test_gateway_in_the_middle(void **state)
{
	struct net_network n = network4("10.88.0.16", 29, "10.88.0.19");

	assert_int_equal(take_all(*state, &n, 5), 0x76);
	assert_exhausted(*state, &n);
}

static void test_gateway_at_the_end(void **state)
{
	struct net_network n = network4("10.88.0.16", 29, "10.88.0.22");

	assert_int_equal(take_all(*state, &n, 5), 0x3e);
	assert_exhausted(*state, &n);
}

/* As of macvlan, where the router is another's business. */
static void test_no_gateway(void **state)
{
	struct net_network n = network4("10.88.0.16", 29, "0.0.0.0");

	assert_int_equal(take_all(*state, &n, 6), 0x7e);
}

static void test_smallest(void **state)
{
	struct net_network n = network4("10.88.0.4", 30, "10.88.0.5");

	assert_int_equal(take_all(*state, &n, 1), 0x4);
}

/* IPv6 has no broadcast address; ::0 is every router's. */
static void test_exhaustion6(void **state)
{
	struct net_network n = network6("fd12::20", 125, "fd12::21");

	n.prefix6 = 120;
	n.subnet6 = ip6("fd12::");
	n.gateway6 = ip6("fd12::1");
	{
		struct net_pool_use use;
		struct err e = ERR_INIT;

		assert_int_equal(
			net_addresses_count(((const struct tmpdir *)*state)->fd, &n, &use, &e), 0);
		assert_int_equal(use.total6, 254);
		assert_int_equal(use.total4, 0);
	}
	n = network6("fd12::20", 125, "fd12::22");
	/* 125 is no prefix that a network may have, but what a test can fill. */
	assert_int_equal(take_all(*state, &n, 6), 0xfa);
}

/* Of a /64 the low 32 bits are given, low ones first, and never the gateway. */
static void test_wide6(void **state)
{
	const struct tmpdir *t = *state;
	struct net_network n = network6("fd12:3456:789a:1::", 64, "fd12:3456:789a:1::1");

	for (unsigned i = 0; i < 64; i++) {
		struct jail_name name = owner(i);
		struct net_addresses a;
		struct err e;

		assert_int_equal(lease(t, &n, NULL, &name, &a, &e), 0);
		assert_int_equal(a.v4.s_addr, 0);
		assert_memory_equal(&a.v6, &n.subnet6, 14);
		assert_in_range(a.v6.s6_addr[14], 0, 1);
		assert_memory_not_equal(&a.v6, &n.gateway6, 16);
		assert_memory_not_equal(&a.v6, &n.subnet6, 16);
	}
	/* A gateway outside of what is given takes nothing away from it. */
	n.gateway6 = ip6("fd12:3456:789a:1:8000::1");
	{
		struct net_pool_use use;
		struct err e = ERR_INIT;

		assert_int_equal(net_addresses_count(t->fd, &n, &use, &e), 0);
		assert_int_equal(use.used6, 64);
		assert_int_equal(use.used4, 0);
		assert_int_equal(use.total6, UINT32_MAX);
	}
}

/* The host part is the same in both families, unless somebody has it in one. */
static void test_same_number(void **state)
{
	const struct tmpdir *t = *state;
	struct net_network n = network6("fd12:3456:789a:1::", 64, "fd12:3456:789a:1::1");
	struct net_addresses a;
	char taken[INET6_ADDRSTRLEN];
	unsigned same = 0, first;
	struct err e = ERR_INIT;
	struct jail_name name = owner(1000);

	n.subnet4.s_addr = inet_addr("10.88.0.0");
	n.gateway4.s_addr = inet_addr("10.88.0.1");
	n.prefix4 = 16;
	for (unsigned i = 0; i < 100; i++) {
		name = owner(i);
		assert_int_equal(lease(t, &n, NULL, &name, &a, &e), 0);
		same += memcmp((uint8_t *)&a.v4 + 2, a.v6.s6_addr + 14, 2) == 0;
		assert_in_range(ntohl(a.v4.s_addr) & 0xffff, 2, 511);
	}
	assert_int_equal(same, 100);
	/* The one that the next owner would get. */
	name = owner(1000);
	assert_int_equal(lease(t, &n, NULL, &name, &a, &e), 0);
	net_addresses_release(t->fd, &a, &name);
	first = ntohl(a.v4.s_addr);
	name = owner(1001);
	assert_non_null(inet_ntop(AF_INET6, &a.v6, taken, sizeof(taken)));
	n.prefix4 = 0;
	assert_int_equal(lease(t, &n, taken, &name, &a, &e), 0);
	n.prefix4 = 16;
	name = owner(1000);
	assert_int_equal(lease(t, &n, NULL, &name, &a, &e), 0);
	assert_int_equal(ntohl(a.v4.s_addr), first);
	assert_memory_not_equal((uint8_t *)&a.v4 + 2, a.v6.s6_addr + 14, 2);
}

static void test_wanted(void **state)
{
	static const struct {
		const char *address;
		int r;
		const char *text;
	} cases[] = {
		{ "10.88.3.4", 0, "" },
		{ "10.88.0.0", -EINVAL, "address 10.88.0.0 is the network address of front" },
		{ "10.88.255.255", -EINVAL,
		  "address 10.88.255.255 is the broadcast address of front" },
		{ "10.88.0.1", -EINVAL, "address 10.88.0.1 is the gateway of front" },
		{ "10.89.0.1", -EINVAL, "address 10.89.0.1 is not in the subnet of front" },
		{ "255.255.255.255", -EINVAL,
		  "address 255.255.255.255 is not in the subnet of front" },
		{ "fd12::9", -EINVAL, "address fd12::9: network front has no IPv6" },
	};
	const struct tmpdir *t = *state;
	struct net_network n = network4("10.88.0.0", 16, "10.88.0.1");
	struct jail_name web = owner(0), db = owner(1);
	struct net_addresses a, of_db = { .v4 = ip("10.88.3.4") };
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(lease(t, &n, cases[i].address, &web, &a, &e), cases[i].r);
		assert_string_equal(e.text, cases[i].text);
	}
	assert_int_equal(lease(t, &n, "10.88.3.4", &db, &a, &e), -EADDRINUSE);
	assert_string_equal(e.text, "address 10.88.3.4 is in use by web0");
	net_addresses_release(t->fd, &of_db, &db); /* not the owner */
	assert_int_equal(lease(t, &n, "10.88.3.4", &db, &a, &e), -EADDRINUSE);
	net_addresses_release(t->fd, &of_db, &web);
	assert_int_equal(lease(t, &n, "10.88.3.4", &db, &a, &e), 0);
	assert_int_equal(a.v4.s_addr, ip("10.88.3.4").s_addr);
}

static void test_wanted6(void **state)
{
	static const struct {
		const char *address;
		int r;
		const char *text;
	} cases[] = {
		{ "fd12::beef:0:0:7", 0, "" },
		{ "fd12::", -EINVAL, "address fd12:: is the anycast address of front" },
		{ "fd12::1", -EINVAL, "address fd12::1 is the gateway of front" },
		{ "fd12:0:0:1::7", -EINVAL, "address fd12:0:0:1::7 is not in the subnet of front" },
		{ "10.88.0.9", -EINVAL, "address 10.88.0.9: network front has no IPv4" },
	};
	const struct tmpdir *t = *state;
	struct net_network n = network6("fd12::", 64, "fd12::1");
	struct jail_name web = owner(0), db = owner(1);
	struct net_addresses a;
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(lease(t, &n, cases[i].address, &web, &a, &e), cases[i].r);
		assert_string_equal(e.text, cases[i].text);
	}
	assert_int_equal(lease(t, &n, "fd12::beef:0:0:7", &db, &a, &e), -EADDRINUSE);
	assert_string_equal(e.text, "address fd12::beef:0:0:7 is in use by web0");
}

static struct net_network network_both(void)
{
	struct net_network n = network4("10.88.0.0", 16, "10.88.0.1");

	n.subnet6 = ip6("fd12::");
	n.gateway6 = ip6("fd12::1");
	n.prefix6 = 64;
	return n;
}

static void assert_count(const struct tmpdir *t, uint64_t used4, uint64_t used6)
{
	struct net_network n = network_both();
	struct net_pool_use use;
	struct err e = ERR_INIT;

	assert_int_equal(net_addresses_count(t->fd, &n, &use, &e), 0);
	assert_int_equal(use.used4, used4);
	assert_int_equal(use.used6, used6);
	assert_int_equal(use.total4, 65533);
	assert_int_equal(use.total6, UINT32_MAX - 1);
}

/* Both families or none, and what an owner had before a failure he still has after it. */
static void test_all_or_none(void **state)
{
	const struct tmpdir *t = *state;
	struct net_network n = network_both();
	struct jail_name web = owner(0), db = owner(1);
	struct net_addresses a, b, taken;
	struct err e;

	assert_int_equal(lease(t, &n, NULL, &web, &a, &e), 0);
	assert_true(a.v4.s_addr != 0 && !IN6_IS_ADDR_UNSPECIFIED(&a.v6));
	assert_count(t, 1, 1);
	taken = (struct net_addresses){ .v6 = a.v6 };
	e = ERR_INIT;
	assert_int_equal(net_addresses_lease(t->fd, &n, &taken, &db, &b, &e), -EADDRINUSE);
	assert_count(t, 1, 1);

	assert_int_equal(lease(t, &n, NULL, &db, &b, &e), 0);
	assert_count(t, 2, 2);
	e = ERR_INIT;
	assert_int_equal(net_addresses_lease(t->fd, &n, &taken, &db, &b, &e), -EADDRINUSE);
	assert_count(t, 2, 2);
	taken.v4 = b.v4;
	e = ERR_INIT;
	assert_int_equal(net_addresses_lease(t->fd, &n, &taken, &db, &b, &e), -EADDRINUSE);
	assert_count(t, 2, 2);

	net_addresses_release(t->fd, &a, &web);
	net_addresses_release(t->fd, &b, &db);
	assert_count(t, 0, 0);
}

static void test_nearly_full(void **state)
{
	const struct tmpdir *t = *state;
	struct net_network n = network4("10.88.0.0", 24, "10.88.0.1");
	warn_sink_fn *before = warn_set_sink(take_warning);
	unsigned first = 0;

	for (unsigned i = 1; i <= 253; i++) {
		struct jail_name name = owner(i);
		struct net_addresses a;
		struct err e;

		warned[0] = '\0';
		assert_int_equal(lease(t, &n, NULL, &name, &a, &e), 0);
		if (warned[0] && !first) {
			char expected[64];

			first = i;
			(void)snprintf(expected, sizeof(expected),
				       "IPv4 addresses of front: %u of 253 in use", i);
			assert_string_equal(warned, expected);
		}
	}
	(void)warn_set_sink(before);
	/* 90 % are 228; who finds his own place free at once learns nothing of the others. */
	assert_in_range(first, 228, 245);
	assert_string_equal(warned, "IPv4 addresses of front: 253 of 253 in use");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TMPDIR_TEST(test_exhaustion),
		TMPDIR_TEST(test_gateway_in_the_middle),
		TMPDIR_TEST(test_gateway_at_the_end),
		TMPDIR_TEST(test_no_gateway),
		TMPDIR_TEST(test_smallest),
		TMPDIR_TEST(test_exhaustion6),
		TMPDIR_TEST(test_wide6),
		TMPDIR_TEST(test_same_number),
		TMPDIR_TEST(test_wanted),
		TMPDIR_TEST(test_wanted6),
		TMPDIR_TEST(test_all_or_none),
		TMPDIR_TEST(test_nearly_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
