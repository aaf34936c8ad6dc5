/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Firewall rules as text: what they mean, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/str.h"
#include "netsetup/rule.h"

static void parse(const char *text, bool allow, struct net_rules *r)
{
	struct err e = ERR_INIT;

	if (net_rules_parse(text, allow, "acme", r, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(e.code, 0);
}

/* One condition, for comparing: "in tcp 80-81 from 192.0.2.0/24". */
static void show(const struct net_rule *r, char *ret, size_t n)
{
	char peer[80] = "", address[INET6_ADDRSTRLEN] = "", ports[16] = "";

	switch (r->peer) {
	case NET_PEER_ANY:
		break;
	case NET_PEER_ADDRESS:
		assert_non_null(inet_ntop(r->family, &r->address, address, sizeof(address)));
		assert_true(str_format(peer, sizeof(peer), " %s/%u", address, r->prefix) > 0);
		break;
	case NET_PEER_GROUP:
		assert_true(str_format(peer, sizeof(peer), " %s",
				       r->group == net_group_of("acme", "instance:web") ? "web"
				       : r->group == net_group_of("acme", "label:a=b")	? "a=b"
				       : r->group == net_group_of("acme", "label:a")	? "a"
											: "?") > 0);
		break;
	case NET_PEER_HOST:
		assert_true(str_format(peer, sizeof(peer), " host") > 0);
		break;
	}
	if (r->first)
		assert_true(str_format(ports, sizeof(ports), " %u-%u", r->first, r->last) > 0);
	assert_true(str_format(ret, n, "%s %s %u%s%s", r->allow ? "allow" : "deny",
			       r->out ? "out" : "in", r->protocol, ports, peer) > 0);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text, *conditions; /* "; " between them */
	} cases[] = {
		{ "in", "allow in 0" },
		{ "out", "allow out 0" },
		{ "in tcp", "allow in 6" },
		{ "out icmp to 2001:db8::/32", "allow out 1 2001:db8::/32" },
		{ "in sctp 7", "allow in 132 7-7" },
		{ "in 53", "allow in 6 53-53; allow in 17 53-53" },
		{ "in tcp 80,443", "allow in 6 80-80; allow in 6 443-443" },
		{ "in udp 1-65535", "allow in 17 1-65535" },
		{ "in from 192.0.2.7", "allow in 0 192.0.2.7/32" },
		{ "in from ::1", "allow in 0 ::1/128" },
		{ "in from 0.0.0.0/0,::/0", "allow in 0 0.0.0.0/0; allow in 0 ::/0" },
		{ "out to 192.0.2.0/24,host", "allow out 0 192.0.2.0/24; allow out 0 host" },
		{ "in tcp 5432 from label:a=b", "allow in 6 5432-5432 a=b" },
		{ "in from instance:web,label:a", "allow in 0 web; allow in 0 a" },
		{ "out 1,2-3 to 10.0.0.0/8,192.168.0.128/25",
		  "allow out 6 1-1 10.0.0.0/8; allow out 17 1-1 10.0.0.0/8; "
		  "allow out 6 2-3 10.0.0.0/8; allow out 17 2-3 10.0.0.0/8; "
		  "allow out 6 1-1 192.168.0.128/25; allow out 17 1-1 192.168.0.128/25; "
		  "allow out 6 2-3 192.168.0.128/25; allow out 17 2-3 192.168.0.128/25" },
		{ "  in   tcp  80  ", "allow in 6 80-80" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(net_rules_free) struct net_rules r = { .v = NULL };
		CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
		char one[160];

		parse(cases[i].text, true, &r);
		for (size_t k = 0; k < r.n; k++) {
			show(&r.v[k], one, sizeof(one));
			strbuf_addf(&b, "%s%s", k ? "; " : "", one);
		}
		assert_string_equal(strbuf_str(&b), cases[i].conditions);
	}
}

static void test_append(void **state)
{
	CLEANUP(net_rules_free) struct net_rules r = { .v = NULL };
	struct err e = ERR_INIT;

	(void)state;
	parse("in tcp 1", false, &r);
	parse("out tcp 2", true, &r);
	assert_int_equal(r.n, 2);
	assert_true(!r.v[0].allow && !r.v[0].out && r.v[0].first == 1);
	assert_true(r.v[1].allow && r.v[1].out && r.v[1].first == 2);
	/* A failure takes nothing away and leaves nothing. */
	assert_int_equal(net_rules_parse("in tcp 3,99999", true, "", &r, &e), -ERANGE);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.v[1].first, 2);
	net_rules_free(&r);
	assert_int_equal(r.n, 0);
	assert_null(r.v);
}

static void test_groups_of_tenants(void **state)
{
	CLEANUP(net_rules_free) struct net_rules a = { .v = NULL };
	CLEANUP(net_rules_free) struct net_rules b = { .v = NULL };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(net_rules_parse("in from instance:web", true, "acme", &a, &e), 0);
	assert_int_equal(net_rules_parse("in from instance:web", true, "", &b, &e), 0);
	assert_true(a.v[0].group == net_group_of("acme", "instance:web"));
	assert_true(b.v[0].group == net_group_of("", "instance:web"));
	assert_true(a.v[0].group != b.v[0].group);
}

/* As many as there may be, by each of the ways to get there; and one more. */
static void test_bound(void **state)
{
	CLEANUP(net_rules_free) struct net_rules r = { .v = NULL };
	CLEANUP_STRBUF struct strbuf ports = STRBUF_INIT, peers = STRBUF_INIT;
	struct err e = ERR_INIT;

	(void)state;
	strbuf_adds(&ports, "in tcp 1");
	for (int i = 2; i <= NET_RULES_MAX; i++)
		strbuf_addf(&ports, ",%d", i);
	parse(strbuf_str(&ports), true, &r);
	assert_int_equal(r.n, NET_RULES_MAX);
	assert_int_equal(net_rules_parse("in", true, "", &r, &e), -E2BIG);
	assert_non_null(strstr(e.text, "rule \"in\": more than 256 conditions"));
	net_rules_free(&r);
	strbuf_addf(&ports, ",%d", NET_RULES_MAX + 1);
	e = ERR_INIT;
	assert_int_equal(net_rules_parse(strbuf_str(&ports), true, "", &r, &e), -E2BIG);
	strbuf_adds(&peers, "out 1 to ::");
	for (int i = 1; i < NET_RULES_MAX / 2; i++)
		strbuf_adds(&peers, ",::");
	parse(strbuf_str(&peers), true, &r);
	assert_int_equal(r.n, NET_RULES_MAX);
	net_rules_free(&r);
	strbuf_adds(&peers, ",::");
	e = ERR_INIT;
	assert_int_equal(net_rules_parse(strbuf_str(&peers), true, "", &r, &e), -E2BIG);
	assert_int_equal(r.n, 0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *part;
	} cases[] = {
		{ "", EINVAL, "rule \"\": \"\": expected in|out [tcp|udp|sctp|icmp]" },
		{ "inn", EINVAL, "\"inn\": expected in|out" },
		{ "tcp in", EINVAL, "\"tcp\": expected in|out" },
		{ "IN", EINVAL, "\"IN\": expected in|out" },
		{ "in TCP 80", EINVAL, "\"TCP\": expected in|out [tcp|udp|sctp|icmp]" },
		{ "in tcp 0", ERANGE, "port: \"0\": expected a number from 1 to 65535" },
		{ "in tcp 65536", ERANGE, "65536" },
		{ "in tcp 80,", EINVAL, "port: \"\"" },
		{ "in tcp 80, 81", EINVAL, "port: \"\"" },
		{ "in tcp 81-80", EINVAL, "port 81-80 goes backwards" },
		{ "in tcp 080", EINVAL, "port: \"080\"" },
		{ "in tcp 80 81", EINVAL, "\"81\": expected in|out" },
		{ "in icmp 8", EINVAL, "icmp has no ports" },
		{ "in to 192.0.2.1", EINVAL, "\"from\" goes with \"in\"" },
		{ "out from 192.0.2.1", EINVAL, "\"to\" goes with \"out\"" },
		{ "in from", EINVAL, "behind \"from\": expected an address" },
		{ "in from ,", EINVAL, "\"\": expected an address, a subnet, instance:NAME" },
		{ "in from 192.0.2.1 tcp", EINVAL, "\"tcp\": nothing may follow" },
		{ "in from 192.0.2.1, ::1", EINVAL, "\"\": expected an address" },
		{ "in from host", EINVAL, "\"host\" goes with \"out to\" only" },
		{ "in from web", EINVAL, "\"web\": expected an address" },
		{ "in from 192.0.2.1/33", ERANGE, "prefix length of 192.0.2.1: \"33\"" },
		{ "in from 192.0.2.1/", EINVAL, "prefix length of 192.0.2.1" },
		{ "in from 192.0.2.1/24", EINVAL, "192.0.2.1/24: not a subnet" },
		{ "in from 2001:db8::1/127", EINVAL, "2001:db8::1/127: not a subnet" },
		{ "in from 2001:db8::/129", ERANGE, "\"129\"" },
		{ "in from ::ffff:192.0.2.1", EINVAL, "write the IPv4 address as one" },
		{ "in from fe80::1%eth0", EINVAL, "expected an address" },
		{ "in from instance:", EINVAL, "instance name" },
		{ "in from instance:a/b", EINVAL, "instance name \"a/b\"" },
		{ "in from label:", EINVAL, "expected label:KEY or label:KEY=VALUE" },
		{ "in from label:=b", EINVAL, "expected label:KEY or label:KEY=VALUE" },
		{ "in from label:a:b", EINVAL, "expected label:KEY or label:KEY=VALUE" },
		{ "in from Label:a", EINVAL, "\"Label:a\": expected" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(net_rules_free) struct net_rules r = { .v = NULL };
		struct err e = ERR_INIT;
		int code = -net_rules_parse(cases[i].text, true, "", &r, &e);

		if (code != cases[i].code || e.code != code || !strstr(e.text, cases[i].part))
			fail_msg("\"%s\": %d \"%s\"", cases[i].text, code, e.text);
		assert_int_equal(r.n, 0);
	}
}

static void test_long(void **state)
{
	CLEANUP(net_rules_free) struct net_rules r = { .v = NULL };
	struct err e = ERR_INIT;
	char text[1100];

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "in", 2);
	text[1024] = '\0';
	parse(text, true, &r);
	text[1024] = ' ';
	text[1025] = '\0';
	assert_int_equal(net_rules_parse(text, true, "", &r, &e), -EINVAL);
	assert_non_null(strstr(e.text, "longer than 1024 characters"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_groups_of_tenants),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
