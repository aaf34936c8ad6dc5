/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases of addresses: what is never given, what happens when all are. */
#include "base_tmpdir.h"

#include <arpa/inet.h>

#include "base/lease.h"
#include "netsetup/network.h"

static struct in_addr ip(const char *text)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return a;
}

static struct jail_name owner(unsigned n)
{
	struct jail_name name;

	(void)snprintf(name.s, sizeof(name.s), "web%u", n);
	return name;
}

static struct net_bridge bridge(const char *subnet, unsigned prefix, const char *gateway)
{
	return (struct net_bridge){
		.name = "jail0", .subnet = ip(subnet), .gateway = ip(gateway), .prefix = prefix
	};
}

/* Takes every address of a subnet and returns them as a bit mask of the last bits. */
static uint32_t take_all(const struct tmpdir *t, const struct net_bridge *b, unsigned expected)
{
	uint32_t seen = 0;

	for (unsigned i = 0; i < expected; i++) {
		struct jail_name name = owner(i);
		struct err e = ERR_INIT;
		struct in_addr a = ip("0.0.0.0");
		unsigned bit;

		assert_int_equal(net_address_lease(t->fd, b, ip("0.0.0.0"), &name, &a, &e), 0);
		bit = ntohl(a.s_addr) - ntohl(b->subnet.s_addr);
		assert_true(bit < 32);
		assert_int_equal(seen & 1u << bit, 0);
		seen |= 1u << bit;
	}
	return seen;
}

static void assert_exhausted(const struct tmpdir *t, const struct net_bridge *b, const char *text)
{
	struct jail_name name = owner(999);
	struct in_addr a = ip("1.2.3.4");
	struct err e = ERR_INIT;

	assert_int_equal(net_address_lease(t->fd, b, ip("0.0.0.0"), &name, &a, &e), -ENOSPC);
	assert_string_equal(e.text, text);
	assert_string_not_equal(e.hint, "");
	assert_int_equal(a.s_addr, ip("1.2.3.4").s_addr);
}

static void test_exhaustion(void **state)
{
	const struct tmpdir *t = *state;
	struct net_bridge b = bridge("10.88.0.0", 29, "10.88.0.1");
	struct jail_name name = owner(2);
	struct err e = ERR_INIT;
	struct in_addr a;

	/* Not .0 (network), .1 (gateway), .7 (broadcast). */
	assert_int_equal(take_all(t, &b, 5), 0x7c);
	assert_exhausted(t, &b, "address pool of jail0 exhausted: 5 of 5 in use");
	/* Who has one gets the same again. */
	assert_int_equal(net_address_lease(t->fd, &b, ip("0.0.0.0"), &name, &a, &e), 0);
	net_address_release(t->fd, a, &name);
	assert_int_equal(net_address_lease(t->fd, &b, ip("0.0.0.0"), &name, &a, &e), 0);
}

static void test_gateway_in_the_middle(void **state)
{
	struct net_bridge b = bridge("10.88.0.16", 29, "10.88.0.19");

	assert_int_equal(take_all(*state, &b, 5), 0x76);
	assert_exhausted(*state, &b, "address pool of jail0 exhausted: 5 of 5 in use");
}

static void test_gateway_at_the_end(void **state)
{
	struct net_bridge b = bridge("10.88.0.16", 29, "10.88.0.22");

	assert_int_equal(take_all(*state, &b, 5), 0x3e);
	assert_exhausted(*state, &b, "address pool of jail0 exhausted: 5 of 5 in use");
}

static void test_wanted(void **state)
{
	static const struct {
		const char *address;
		int r;
		const char *text;
	} cases[] = {
		{ "10.88.3.4", 0, "" },
		{ "10.88.0.0", -EINVAL,
		  "address 10.88.0.0 is the network address of jail0's subnet" },
		{ "10.88.255.255", -EINVAL,
		  "address 10.88.255.255 is the broadcast address of jail0's subnet" },
		{ "10.88.0.1", -EINVAL, "address 10.88.0.1 is the gateway of jail0" },
		{ "10.89.0.1", -EINVAL, "address 10.89.0.1 is not in the subnet of jail0" },
		{ "255.255.255.255", -EINVAL,
		  "address 255.255.255.255 is not in the subnet of jail0" },
	};
	const struct tmpdir *t = *state;
	struct net_bridge b = bridge("10.88.0.0", 16, "10.88.0.1");
	struct jail_name web = owner(0), db = owner(1);
	struct err e;
	struct in_addr a;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		e = ERR_INIT;
		assert_int_equal(net_address_lease(t->fd, &b, ip(cases[i].address), &web, &a, &e),
				 cases[i].r);
		assert_string_equal(e.text, cases[i].text);
	}
	e = ERR_INIT;
	assert_int_equal(net_address_lease(t->fd, &b, ip("10.88.3.4"), &db, &a, &e), -EADDRINUSE);
	assert_string_equal(e.text, "address 10.88.3.4 is in use by web0");
	net_address_release(t->fd, ip("10.88.3.4"), &db); /* not the owner */
	e = ERR_INIT;
	assert_int_equal(net_address_lease(t->fd, &b, ip("10.88.3.4"), &db, &a, &e), -EADDRINUSE);
	net_address_release(t->fd, ip("10.88.3.4"), &web);
	e = ERR_INIT;
	assert_int_equal(net_address_lease(t->fd, &b, ip("10.88.3.4"), &db, &a, &e), 0);
	assert_int_equal(a.s_addr, ip("10.88.3.4").s_addr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TMPDIR_TEST(test_exhaustion),
		TMPDIR_TEST(test_gateway_in_the_middle),
		TMPDIR_TEST(test_gateway_at_the_end),
		TMPDIR_TEST(test_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
