/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Published ports as text, and which of them exclude each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "netsetup/port.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text, *canonical, *address;
		uint8_t family;
		uint16_t host_port, port, count;
		uint8_t protocol;
	} good[] = {
		{ "8080:80", "8080:80/tcp", "", AF_UNSPEC, 8080, 80, 1, IPPROTO_TCP },
		{ "8080:80/tcp", "8080:80/tcp", "", AF_UNSPEC, 8080, 80, 1, IPPROTO_TCP },
		{ "53:5353/udp", "53:5353/udp", "", AF_UNSPEC, 53, 5353, 1, IPPROTO_UDP },
		{ "1:65535/sctp", "1:65535/sctp", "", AF_UNSPEC, 1, 65535, 1, IPPROTO_SCTP },
		{ "192.0.2.7:8080:80/udp", "192.0.2.7:8080:80/udp", "192.0.2.7", AF_INET, 8080, 80,
		  1, IPPROTO_UDP },
		{ "0.0.0.0:8080:80", "0.0.0.0:8080:80/tcp", "0.0.0.0", AF_INET, 8080, 80, 1,
		  IPPROTO_TCP },
		{ "127.3.2.1:8080:80", "127.3.2.1:8080:80/tcp", "127.3.2.1", AF_INET, 8080, 80, 1,
		  IPPROTO_TCP },
		{ "[::]:8080:80", "[::]:8080:80/tcp", "::", AF_INET6, 8080, 80, 1, IPPROTO_TCP },
		{ "[::1]:8080:80", "[::1]:8080:80/tcp", "::1", AF_INET6, 8080, 80, 1, IPPROTO_TCP },
		{ "[2001:DB8:0::1]:53:54/udp", "[2001:db8::1]:53:54/udp", "2001:db8::1", AF_INET6,
		  53, 54, 1, IPPROTO_UDP },
		{ "8000-8010:80-90", "8000-8010:80-90/tcp", "", AF_UNSPEC, 8000, 80, 11,
		  IPPROTO_TCP },
		{ "9000-9000:1-1", "9000:1/tcp", "", AF_UNSPEC, 9000, 1, 1, IPPROTO_TCP },
		{ "1-65535:1-65535/sctp", "1-65535:1-65535/sctp", "", AF_UNSPEC, 1, 1, 65535,
		  IPPROTO_SCTP },
		{ "[1111:2222:3333:4444:5555:6666:7777:8888]:60000-60001:65534-65535/sctp",
		  "[1111:2222:3333:4444:5555:6666:7777:8888]:60000-60001:65534-65535/sctp",
		  "1111:2222:3333:4444:5555:6666:7777:8888", AF_INET6, 60000, 65534, 2,
		  IPPROTO_SCTP },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		struct net_port port = { .port = 0 }, again = { .port = 0 };
		struct err e = ERR_INIT;
		char address[INET6_ADDRSTRLEN] = "", text[NET_PORT_TEXT_MAX];

		assert_int_equal(net_port_parse(good[i].text, &port, &e), 0);
		assert_int_equal(e.code, 0);
		assert_int_equal(port.family, good[i].family);
		if (port.family != AF_UNSPEC)
			assert_non_null(inet_ntop(port.family, &port.host_address, address,
						  sizeof(address)));
		assert_string_equal(address, good[i].address);
		assert_int_equal(port.host_port, good[i].host_port);
		assert_int_equal(port.port, good[i].port);
		assert_int_equal(port.count, good[i].count);
		assert_int_equal(port.protocol, good[i].protocol);
		net_port_format(&port, text);
		assert_string_equal(text, good[i].canonical);
		assert_int_equal(net_port_parse(text, &again, &e), 0);
		assert_memory_equal(&port, &again, sizeof(port));
	}
}

static void test_parse_bad(void **state)
{
	static const struct {
		const char *text;
		int r;
		const char *part; /* of the error */
	} bad[] = {
		{ "", -EINVAL, "expected [ADDRESS:]HOST-PORT[-LAST]:PORT[-LAST][/tcp|udp|sctp]" },
		{ "80", -EINVAL, "expected [ADDRESS:]HOST-PORT" },
		{ ":80", -EINVAL, "port \":80\"" },
		{ "80:", -EINVAL, "port \"80:\"" },
		{ "0:80", -ERANGE, "port \"0:80\"" },
		{ "80:0", -ERANGE, "port \"80:0\"" },
		{ "65536:80", -ERANGE, "65536" },
		{ "99999999999999999999:80", -ERANGE, "99999999999999999999" },
		{ "-1:80", -EINVAL, "port \"-1:80\"" },
		{ "+1:80", -EINVAL, "+1" },
		{ " 8080:80", -EINVAL, "port" },
		{ "8080:80 ", -EINVAL, "port" },
		{ "08:80", -EINVAL, "08" },
		{ "8080:80/", -EINVAL, "unknown protocol \"\"; use tcp, udp or sctp" },
		{ "8080:80/TCP", -EINVAL, "unknown protocol \"TCP\"" },
		{ "8080:80/tcp/udp", -EINVAL, "unknown protocol \"tcp/udp\"" },
		{ "8080:80/icmp", -EINVAL, "unknown protocol \"icmp\"" },
		{ "8000-8010:80", -EINVAL, "a range is as long on both sides" },
		{ "8000:80-90", -EINVAL, "a range is as long on both sides" },
		{ "8000-8010:80-91", -EINVAL, "a range is as long on both sides" },
		{ "8000-8000:80", -EINVAL, "a range is as long on both sides" },
		{ "8010-8000:90-80", -EINVAL, "8010-8000 goes backwards" },
		{ "65535-65536:1-2", -ERANGE, "65536" },
		{ "1-2-3:1-3", -EINVAL, "2-3" },
		{ "1-:1-", -EINVAL, "expected a number" },
		{ "::1:8080:80", -EINVAL, "an IPv6 address stands in brackets: [::1]" },
		{ "[::1:8080:80", -EINVAL, "expected [ADDRESS:]HOST-PORT" },
		{ "[::1]8080:80", -EINVAL, "expected [ADDRESS:]HOST-PORT" },
		{ "[]:8080:80", -EINVAL, "\"\" is not an IPv6 address" },
		{ "[192.0.2.1]:8080:80", -EINVAL, "\"192.0.2.1\" is not an IPv6 address" },
		{ "[fe80::1%lo]:8080:80", -EINVAL, "\"fe80::1%lo\" is not an IPv6 address" },
		{ "[fe80::1]:8080:80", -EINVAL, "fe80::1 is not an address of a host" },
		{ "[ff02::1]:8080:80", -EINVAL, "ff02::1 is not an address of a host" },
		{ "[::ffff:192.0.2.1]:8080:80", -EINVAL, "write the IPv4 address as one" },
		{ "224.0.0.1:8080:80", -EINVAL, "not an address of a host" },
		{ "255.255.255.255:8080:80", -EINVAL, "not an address of a host" },
		{ "1.2.3:8080:80", -EINVAL, "\"1.2.3\" is not an IPv4 address" },
		{ "localhost:8080:80", -EINVAL, "\"localhost\" is not an IPv4 address" },
		{ ":8080:80", -EINVAL, "\"\" is not an IPv4 address" },
		{ "0123456789012345678901234567890123456789012345678901234567890123456789012345678"
		  "9",
		  -EINVAL, "too long" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct net_port port = { .port = 7 };
		struct err e = ERR_INIT;

		if (net_port_parse(bad[i].text, &port, &e) != bad[i].r ||
		    !strstr(e.text, bad[i].part))
			fail_msg("\"%s\": %d %s", bad[i].text, -e.code, e.text);
		assert_int_equal(port.port, 7);
	}
}

static void test_collide(void **state)
{
	static const struct {
		const char *a, *b;
		bool collide;
	} cases[] = {
		{ "80:1", "80:2", true },
		{ "80:1", "81:1", false },
		{ "80:1", "80:1/udp", false },
		{ "80:1", "80:1/sctp", false },
		{ "80:1", "192.0.2.1:80:1", true },
		{ "80:1", "[2001:db8::1]:80:1", true },
		{ "80:1", "[::]:80:1", true },
		{ "0.0.0.0:80:1", "192.0.2.1:80:1", true },
		{ "0.0.0.0:80:1", "[::]:80:1", false },
		{ "0.0.0.0:80:1", "[::1]:80:1", false },
		{ "[::]:80:1", "[::1]:80:1", true },
		{ "[::1]:80:1", "[::1]:80:2", true },
		{ "[::1]:80:1", "[2001:db8::1]:80:1", false },
		{ "192.0.2.1:80:1", "192.0.2.2:80:1", false },
		{ "192.0.2.1:80:1", "192.0.2.1:80:1", true },
		{ "80-89:1-10", "89:1", true },
		{ "80-89:1-10", "90:1", false },
		{ "80-89:1-10", "79:1", false },
		{ "80-89:1-10", "85-95:1-11", true },
		{ "1-65535:1-65535", "65535:1", true },
		{ "192.0.2.1:80-89:1-10", "192.0.2.2:80-89:1-10", false },
		{ "192.0.2.1:80-89:1-10", "0.0.0.0:89:1", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct net_port a = { .port = 0 }, b = { .port = 0 };
		struct err e = ERR_INIT;

		assert_int_equal(net_port_parse(cases[i].a, &a, &e), 0);
		assert_int_equal(net_port_parse(cases[i].b, &b, &e), 0);
		if (net_ports_collide(&a, &b) != cases[i].collide ||
		    net_ports_collide(&b, &a) != cases[i].collide)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_bad),
		cmocka_unit_test(test_collide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
