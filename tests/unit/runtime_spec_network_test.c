/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The spec's network: setters, rates, how it is printed, what finishing adds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "runtime/spec_edit.h"
#include "runtime/spec_priv.h"
#include "tests/unit/spec_equal.h"

#define CLEANUP_TEST_SPEC CLEANUP_SPEC struct jail_spec

static void assert_refused(int r, const struct err *e, int code, const char *fragment)
{
	if (r >= 0 || e->code != code || r != -code || !strstr(e->text, fragment))
		fail_msg("%d, code %d, \"%s\": expected %d, \"%s\"", r, e->code, e->text, code,
			 fragment);
}

#define REFUSED(call, code, fragment)                                                              \
	do {                                                                                       \
		struct err e = ERR_INIT;                                                           \
		int refused_ = (call);                                                             \
		assert_refused(refused_, &e, code, fragment);                                      \
	} while (0)
#define ACCEPTED(call)                                                                             \
	do {                                                                                       \
		struct err e = ERR_INIT;                                                           \
		if ((call) < 0)                                                                    \
			fail_msg("%s", e.text);                                                    \
		assert_int_equal(e.code, 0);                                                       \
	} while (0)

static int decode(const char *text, struct jail_spec *ret, struct err *e)
{
	return spec_decode("web.json", text, strlen(text), ret, e);
}

static void assert_network(const struct jail_spec *s, const char *expected)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct err e = ERR_INIT;
	struct json_out o;

	json_out_init(&o, &b, false);
	json_out_object(&o, NULL);
	spec_print_network(s, false, &o);
	json_out_object_end(&o);
	assert_int_equal(strbuf_ok(&b, &e), 0);
	assert_string_equal(strbuf_str(&b), expected);
}

static void test_ports(void **state)
{
	CLEANUP_TEST_SPEC s;

	(void)state;
	spec_init(&s);
	ACCEPTED(spec_add_port(&s, "8080:80", &e));
	ACCEPTED(spec_add_port(&s, "[2001:db8::7]:53-54:5353-5354/udp", &e));
	assert_int_equal(s.network.n_ports, 2);
	assert_int_equal(s.network.ports[0].family, AF_UNSPEC);
	assert_int_equal(s.network.ports[0].host_port, 8080);
	assert_int_equal(s.network.ports[0].port, 80);
	assert_int_equal(s.network.ports[0].count, 1);
	assert_int_equal(s.network.ports[1].family, AF_INET6);
	assert_int_equal(s.network.ports[1].count, 2);
	REFUSED(spec_add_port(&s, "1-2:3-5", &e), EINVAL, "a range is as long on both sides");
	REFUSED(spec_add_port(&s, "80", &e), EINVAL, "80");
	assert_int_equal(s.network.n_ports, 2);
	assert_network(&s, "{\"network\":{\"ports\":[\"8080:80/tcp\","
			   "\"[2001:db8::7]:53-54:5353-5354/udp\"]}}");
}

/* A range counts once. */
static void test_ports_bound(void **state)
{
	CLEANUP_TEST_SPEC s;
	char text[32];

	(void)state;
	spec_init(&s);
	ACCEPTED(spec_add_port(&s, "20000-60000:1-40001", &e));
	for (int i = 1; i < LIMIT_PORTS; i++) {
		assert_true(str_format(text, sizeof(text), "%d:80", i) > 0);
		ACCEPTED(spec_add_port(&s, text, &e));
	}
	REFUSED(spec_add_port(&s, "60001:80", &e), E2BIG, "more than 1024");
	assert_int_equal(s.network.n_ports, LIMIT_PORTS);
}

static void test_rules(void **state)
{
	CLEANUP_TEST_SPEC s;

	(void)state;
	spec_init(&s);
	REFUSED(spec_add_allow(&s, "in tpc 80", &e), EINVAL, "\"tpc\": expected in|out");
	for (int i = 0; i < LIMIT_RULES; i++)
		ACCEPTED(spec_add_allow(&s, "in tcp 80", &e));
	REFUSED(spec_add_allow(&s, "in tcp 80", &e), E2BIG, "more than 64 rules");
	ACCEPTED(spec_add_deny(&s, "out to host", &e));
	assert_int_equal(s.network.allow.n, LIMIT_RULES);
	assert_int_equal(s.network.deny.n, 1);
	assert_string_equal(s.network.deny.v[0], "out to host");
}

static void test_dns(void **state)
{
	CLEANUP_TEST_SPEC s;

	(void)state;
	spec_init(&s);
	ACCEPTED(spec_add_dns(&s, "2620:fe::fe", &e));
	REFUSED(spec_add_dns(&s, "fe80::1%eth0", &e), EINVAL, "expected an IPv4 or IPv6 address");
	REFUSED(spec_add_dns(&s, "9.9.9", &e), EINVAL, "expected an IPv4 or IPv6 address");
	for (int i = 1; i < LIMIT_DNS; i++)
		ACCEPTED(spec_add_dns(&s, "9.9.9.9", &e));
	REFUSED(spec_add_dns(&s, "9.9.9.9", &e), E2BIG, "more than 8");
	assert_int_equal(s.network.n_dns, LIMIT_DNS);
	assert_string_equal(s.network.dns[0], "2620:fe::fe");
}

static void test_address(void **state)
{
	CLEANUP_TEST_SPEC s;
	struct in6_addr v6;

	(void)state;
	spec_init(&s);
	REFUSED(spec_set_address(&s, "fe80::1%eth0", &e), EINVAL, "expected an IPv4 or IPv6");
	assert_int_equal(s.network.n_interfaces, 0);
	ACCEPTED(spec_set_address(&s, "10.88.0.7/16", &e));
	ACCEPTED(spec_set_address(&s, "fd00::7/64", &e));
	assert_int_equal(s.network.n_interfaces, 1);
	assert_int_equal(s.network.interfaces[0].addresses.v4.s_addr, inet_addr("10.88.0.7"));
	assert_int_equal(s.network.interfaces[0].prefix4, 16);
	assert_int_equal(inet_pton(AF_INET6, "fd00::7", &v6), 1);
	assert_memory_equal(&s.network.interfaces[0].addresses.v6, &v6, sizeof(v6));
	assert_int_equal(s.network.interfaces[0].prefix6, 64);
	/* The later one of a family is in the earlier one's place. */
	ACCEPTED(spec_set_address(&s, "10.88.0.8", &e));
	assert_int_equal(s.network.interfaces[0].prefix4, 0);
	assert_int_equal(s.network.interfaces[0].prefix6, 64);
	REFUSED(spec_set_address(&s, "10.88.0.9/31", &e), ERANGE, "from 8 to 30");
	REFUSED(spec_set_address(&s, "fd00::1/47", &e), ERANGE, "from 48 to 120");
	REFUSED(spec_set_address(&s, "0.0.0.0", &e), EINVAL, "expected an IPv4 or IPv6 address");
	REFUSED(spec_set_address(&s, "::", &e), EINVAL, "expected an IPv4 or IPv6 address");
	REFUSED(spec_set_address(&s, "", &e), EINVAL, "expected an IPv4 or IPv6 address");
	assert_network(&s, "{\"network\":{\"address\":[\"10.88.0.8\",\"fd00::7/64\"]}}");
}

static void test_networks(void **state)
{
	CLEANUP_TEST_SPEC s;
	char name[8];

	(void)state;
	spec_init(&s);
	ACCEPTED(spec_set_address(&s, "10.88.0.7", &e));
	ACCEPTED(spec_set_network(&s, "front", &e)); /* whose address that is */
	assert_network(&s, "{\"network\":{\"bridge\":\"front\",\"address\":[\"10.88.0.7\"]}}");
	ACCEPTED(spec_set_network(&s, "back", &e));
	ACCEPTED(spec_set_ingress(&s, "1Gbit", &e));
	ACCEPTED(spec_set_egress(&s, "0.5Gbit", &e));
	assert_network(&s, "{\"network\":{\"interfaces\":[{\"network\":\"front\",\"address\":["
			   "\"10.88.0.7\"]},{\"network\":\"back\",\"ingress\":\"1Gbit\","
			   "\"egress\":\"500Mbit\"}]}}");
	for (int i = 2; i < NET_INTERFACES_MAX; i++) {
		assert_true(str_format(name, sizeof(name), "n%d", i) > 0);
		ACCEPTED(spec_set_network(&s, name, &e));
	}
	REFUSED(spec_set_network(&s, "one-more", &e), E2BIG, "more than 8 interfaces");
	REFUSED(spec_set_network(&s, "Front", &e), EINVAL, "network name \"Front\"");
	assert_int_equal(s.network.n_interfaces, NET_INTERFACES_MAX);
}

static void test_modes(void **state)
{
	static const struct {
		const char *text;
		enum spec_network_mode mode;
		const char *json;
	} cases[] = {
		{ "bridge", SPEC_NETWORK_BRIDGE, "{}" },
		{ "routed", SPEC_NETWORK_ROUTED, "{\"network\":{\"mode\":\"routed\"}}" },
		{ "macvlan", SPEC_NETWORK_MACVLAN, "{\"network\":{\"mode\":\"macvlan\"}}" },
		{ "none", SPEC_NETWORK_NONE, "{\"network\":{\"mode\":\"none\"}}" },
		{ "host", SPEC_NETWORK_HOST, "{\"network\":{\"mode\":\"host\"}}" },
		{ "path:/run/netns/x", SPEC_NETWORK_PATH,
		  "{\"network\":{\"mode\":\"path\",\"path\":\"/run/netns/x\"}}" },
		{ "instance:db", SPEC_NETWORK_INSTANCE,
		  "{\"network\":{\"mode\":\"instance\",\"instance\":\"db\"}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_TEST_SPEC s;

		spec_init(&s);
		ACCEPTED(spec_set_network(&s, cases[i].text, &e));
		assert_int_equal(s.network.mode, cases[i].mode);
		assert_int_equal(spec_has_networks(&s), i < 3);
		assert_network(&s, cases[i].json);
		/* A network's name wants a mode that has networks. */
		ACCEPTED(spec_set_network(&s, "front", &e));
		assert_int_equal(s.network.mode, i < 3 ? cases[i].mode : SPEC_NETWORK_BRIDGE);
		REFUSED(spec_set_network(&s, "path", &e), EINVAL, "expected path:/PATH");
		REFUSED(spec_set_network(&s, "instance", &e), EINVAL, "expected instance:NAME");
		REFUSED(spec_set_network(&s, "path:x", &e), EINVAL, "expected an absolute path");
		REFUSED(spec_set_network(&s, "instance:X", &e), EINVAL, "instance name \"X\"");
	}
}

static void test_rates(void **state)
{
	static const struct {
		const char *text, *canonical;
		uint64_t bits;
	} cases[] = {
		{ "8000bit", "8kbit", 8000 },
		{ "8001bit", "8.001kbit", 8001 },
		{ "800kbit", "800kbit", 800000 },
		{ "1000kbit", "1Mbit", 1000000 },
		{ "1.5Gbit", "1.5Gbit", 1500000000 },
		{ "1.25gbit", "1.25Gbit", 1250000000 },
		{ "1234.567mbit", "1234.567Mbit", 1234567000 },
		{ "999999999999999bit", "999999999999.999kbit", 999999999999999 },
		{ "0.1Tbit", "100Gbit", 100000000000 },
		{ "0.010Mbit", "10kbit", 10000 },
		{ "1.010Tbit", "1.01Tbit", 1010000000000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[SPEC_RATE_TEXT];
		uint64_t bits = 0;

		ACCEPTED(spec_parse_rate(cases[i].text, &bits, &e));
		assert_true(bits == cases[i].bits);
		spec_format_rate(bits, text, sizeof(text));
		assert_string_equal(text, cases[i].canonical);
		ACCEPTED(spec_parse_rate(text, &bits, &e));
		assert_true(bits == cases[i].bits);
	}
}

static void test_rates_refused(void **state)
{
	static const char *const bad[] = {
		"",	      "100",	   "100MB",    "12mbps", "7.999kbit", "100 Mbit", "100MBit",
		"1.2345Mbit", "8000.0bit", "1000Tbit", "0Mbit",	 "-1Mbit",    "1e3Mbit",  "01Mbit",
	};
	CLEANUP_TEST_SPEC s;

	(void)state;
	spec_init(&s);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t bits = 7;

		REFUSED(spec_parse_rate(bad[i], &bits, &e), EINVAL,
			"expected a rate such as \"100Mbit\", \"1.5Gbit\" or \"800kbit\"");
		assert_true(bits == 7);
	}
	REFUSED(spec_set_ingress(&s, "fast", &e), EINVAL, "expected a rate");
	assert_int_equal(s.network.n_interfaces, 0);
}

static void test_finish_fills_in(void **state)
{
	static const struct {
		const char *network, *names, *printed;
	} cases[] = {
		{ "{}", "default", "{}" },
		{ "{\"mode\":\"routed\"}", "default", "{\"network\":{\"mode\":\"routed\"}}" },
		{ "{\"bridge\":\"default\",\"ingress\":\"1Mbit\"}", "default",
		  "{\"network\":{\"ingress\":\"1Mbit\"}}" },
		{ "{\"interfaces\":[{\"network\":\"front\"}]}", "front",
		  "{\"network\":{\"bridge\":\"front\"}}" },
		{ "{\"interfaces\":[{\"network\":\"front\"},{}]}", "front default",
		  "{\"network\":{\"interfaces\":[{\"network\":\"front\"},{\"network\":\"default\"}]"
		  "}}" },
		{ "{\"mode\":\"none\"}", "", "{\"network\":{\"mode\":\"none\"}}" },
		{ "{\"mode\":\"host\"}", "", "{\"network\":{\"mode\":\"host\"}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_TEST_SPEC s;
		CLEANUP_TEST_SPEC copy;
		CLEANUP_STRBUF struct strbuf names = STRBUF_INIT;
		char json[256];

		spec_init(&s);
		spec_init(&copy);
		assert_true(str_format(json, sizeof(json), "{\"image\":\"a\",\"network\":%s}",
				       cases[i].network) > 0);
		ACCEPTED(decode(json, &s, &e));
		ACCEPTED(spec_finish(&s, &e));
		for (size_t k = 0; k < s.network.n_interfaces; k++)
			strbuf_addf(&names, "%s%s", k ? " " : "",
				    s.network.interfaces[k].network.s);
		assert_string_equal(strbuf_str(&names), cases[i].names);
		assert_network(&s, cases[i].printed);
		ACCEPTED(spec_copy(&s, &copy, &e));
		assert_null(spec_differ(&s, &copy));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),	      cmocka_unit_test(test_ports_bound),
		cmocka_unit_test(test_rules),	      cmocka_unit_test(test_dns),
		cmocka_unit_test(test_address),	      cmocka_unit_test(test_networks),
		cmocka_unit_test(test_modes),	      cmocka_unit_test(test_rates),
		cmocka_unit_test(test_rates_refused), cmocka_unit_test(test_finish_fills_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
