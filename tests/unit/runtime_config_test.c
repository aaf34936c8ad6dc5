/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration file: defaults, each key, each kind of error, where it is looked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "base/str.h"
#include "runtime/jail.h"

static char directory[64];
static char file[96];

static int make_directory(void **state)
{
	(void)state;
	assert_true(str_format(directory, sizeof(directory), "/tmp/jail-config-XXXXXX") > 0);
	assert_non_null(mkdtemp(directory));
	assert_true(str_format(file, sizeof(file), "%s/jail.json", directory) > 0);
	return unsetenv("JAIL_CONFIG");
}

static int remove_directory(void **state)
{
	(void)state;
	(void)unlink(file);
	return rmdir(directory);
}

static int load(const char *text, struct jail_config *ret, struct err *e)
{
	FILE *f = fopen(file, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return config_load(file, ret, e);
}

static void assert_defaults(const struct jail_config *c)
{
	assert_string_equal(c->state_dir, "/var/lib/jail");
	assert_string_equal(c->run_dir, "/run/jail");
	assert_string_equal(c->libexec_dir, JAIL_LIBEXEC);
	assert_int_equal(c->systemd, CONFIG_SYSTEMD_AUTO);
	assert_int_equal(c->ids.first, 1342177280);
	assert_int_equal(c->ids.ranges, 8192);
	assert_int_equal(c->projects.first, 1342177280);
	assert_int_equal(c->projects.count, 8192);
	assert_string_equal(c->network.name.s, "default");
	assert_string_equal(c->network.tenant, "");
	assert_int_equal(c->network.mode, NET_BRIDGE);
	assert_string_equal(c->network.interface, "jail0");
	assert_string_equal(c->network.uplink, "");
	assert_int_equal(c->network.subnet4.s_addr, inet_addr("10.88.0.0"));
	assert_int_equal(c->network.gateway4.s_addr, inet_addr("10.88.0.1"));
	assert_int_equal(c->network.prefix4, 16);
	assert_int_equal(c->network.prefix6, 0); /* not known yet */
	assert_true(c->network_auto6);
	assert_int_equal(c->network.mtu, 0);
	assert_true(c->network.isolated && c->network.nat && !c->network.internal);
	assert_int_equal(c->import.max_bytes, UINT64_C(64) << 30);
	assert_int_equal(c->import.max_members, 5000000);
	assert_int_equal(c->import.max_name, 4096);
	assert_int_equal(c->import.max_ratio, 1000);
}

static void assert_address6(const struct in6_addr *address, const char *expected)
{
	char text[INET6_ADDRSTRLEN];

	assert_string_equal(inet_ntop(AF_INET6, address, text, sizeof(text)), expected);
}

static void test_empty(void **state)
{
	struct jail_config c;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(load("{}", &c, &e), 0);
	assert_string_equal(c.file, file);
	assert_defaults(&c);
}

static void test_all(void **state)
{
	struct jail_config c;
	struct err e = ERR_INIT;

	(void)state;
	if (load("{ \"stateDir\": \"/srv/jail\", \"runDir\": \"/run/j\", \"libexecDir\": "
		 "\"/opt/j\",\n"
		 "\"systemd\": \"no\",\n"
		 "\"ids\": { \"first\": 65536, \"ranges\": 2 },\n"
		 "\"network\": { \"bridge\": \"br-1\", \"subnet\": \"172.20.4.0/22\",\n"
		 "  \"gateway\": \"172.20.7.254\", \"mtu\": 1400, \"mode\": \"routed\",\n"
		 "  \"subnet6\": \"fd12:1::/56\", \"gateway6\": \"fd12:1::ff\",\n"
		 "  \"uplink\": \"wan.7\", \"isolated\": false, \"nat\": false },\n"
		 "\"import\": { \"maxBytes\": \"1.5GiB\", \"maxMembers\": 7, \"maxName\": 255,\n"
		 "  \"maxRatio\": 10 } }",
		 &c, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(c.state_dir, "/srv/jail");
	assert_string_equal(c.run_dir, "/run/j");
	assert_string_equal(c.libexec_dir, "/opt/j");
	assert_int_equal(c.systemd, CONFIG_SYSTEMD_NO);
	assert_int_equal(c.ids.first, 65536);
	assert_int_equal(c.ids.ranges, 2);
	assert_int_equal(c.network.mode, NET_ROUTED);
	assert_string_equal(c.network.interface, "br-1");
	assert_string_equal(c.network.uplink, "wan.7");
	assert_int_equal(c.network.subnet4.s_addr, inet_addr("172.20.4.0"));
	assert_int_equal(c.network.prefix4, 22);
	assert_int_equal(c.network.gateway4.s_addr, inet_addr("172.20.7.254"));
	assert_address6(&c.network.subnet6, "fd12:1::");
	assert_int_equal(c.network.prefix6, 56);
	assert_address6(&c.network.gateway6, "fd12:1::ff");
	assert_false(c.network_auto6);
	assert_int_equal(c.network.mtu, 1400);
	assert_false(c.network.isolated || c.network.nat);
	assert_int_equal(c.import.max_bytes, UINT64_C(3) << 29);
	assert_int_equal(c.import.max_members, 7);
	assert_int_equal(c.import.max_name, 255);
	assert_int_equal(c.import.max_ratio, 10);
}

/* A subnet without a gateway: the first address, not the default one. */
static void test_gateway_follows(void **state)
{
	struct jail_config c;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(
		load("{\"network\":{\"subnet\":\"10.1.2.0/24\",\"subnet6\":\"fd12:7::/64\"}}", &c,
		     &e),
		0);
	assert_int_equal(c.network.gateway4.s_addr, inet_addr("10.1.2.1"));
	assert_address6(&c.network.gateway6, "fd12:7::1");
	assert_false(c.network_auto6);
}

static void test_one_family(void **state)
{
	struct jail_config c;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(load("{\"network\":{\"subnet6\":\"none\",\"mtu\":576}}", &c, &e), 0);
	assert_int_equal(c.network.prefix4, 16);
	assert_int_equal(c.network.prefix6, 0);
	assert_false(c.network_auto6);
	assert_int_equal(load("{\"network\":{\"subnet\":\"none\"}}", &c, &e), 0);
	assert_int_equal(c.network.prefix4, 0);
	assert_int_equal(c.network.subnet4.s_addr, 0);
	assert_int_equal(c.network.gateway4.s_addr, 0);
	assert_true(c.network_auto6);
}

static void test_refused(void **state)
{
	static const struct {
		const char *json, *text, *hint;
	} cases[] = {
		{ "", ":1:1: unexpected end", "" },
		{ "{\"statedir\":\"/x\"}", ":1:2: statedir: unknown key",
		  "did you mean \"stateDir\"?" },
		{ "{\"ids\":{\"fist\":1}}", ":1:9: ids.fist: unknown key",
		  "did you mean \"first\"?" },
		{ "{\"stateDir\":7}", ":1:13: stateDir: expected a string, not a number", "" },
		{ "{\"stateDir\":\"x\"}", "stateDir: \"x\": expected an absolute path", "" },
		{ "{\"stateDir\":\"/\"}", "stateDir: expected a directory other than", "" },
		{ "{\"runDir\":\"/a/../b\"}", "may not contain \"..\"", "" },
		{ "{\"ids\":{\"first\":0}}", "ids.first: 0: expected an integer from 65536", "" },
		{ "{\"ids\":{\"first\":65537}}", "ids.first: 65537 is not a multiple", "" },
		{ "{\"ids\":{\"ranges\":0}}", "ids.ranges: 0: expected an integer from 1", "" },
		{ "{\"projects\":{\"first\":0}}", "projects.first: 0: expected an integer from 1",
		  "" },
		{ "{\"projects\":{\"first\":4294967290,\"count\":6}}",
		  "projects.count: the range ends", "" },
		{ "{\"ids\":{\"first\":4294770688,\"ranges\":3}}", "ids.ranges: the pool ends",
		  "" },
		{ "{\"network\":{\"bridge\":\"\"}}", "an interface name is", "" },
		{ "{\"network\":{\"bridge\":\"a/b\"}}", "an interface name is", "" },
		{ "{\"network\":{\"bridge\":\"..\"}}", "an interface name is", "" },
		{ "{\"network\":{\"bridge\":\"abcdefghijklmnop\"}}", "an interface name is", "" },
		{ "{\"network\":{\"subnet\":\"10.88.0.0\"}}", "expected ADDRESS/PREFIX", "" },
		{ "{\"network\":{\"subnet\":\"10.88.0.0/31\"}}", "expected a prefix from 8 to 30",
		  "" },
		{ "{\"network\":{\"subnet\":\"10.0.0.0/7\"}}", "expected a prefix from 8 to 30",
		  "" },
		{ "{\"network\":{\"subnet\":\"fd12::/64\"}}",
		  "network.subnet: \"fd12::/64\": not of IPv4", "" },
		{ "{\"network\":{\"subnet\":\"127.1.0.0/16\"}}", "loopback addresses in it", "" },
		{ "{\"network\":{\"subnet\":\"169.254.1.0/24\"}}", "link-local addresses in it",
		  "" },
		{ "{\"network\":{\"subnet\":\"239.0.0.0/8\"}}", "multicast addresses in it", "" },
		{ "{\"network\":{\"subnet6\":\"fe80::/64\"}}", "link-local addresses in it", "" },
		{ "{\"network\":{\"subnet6\":\"::/64\"}}", "reserved addresses in it", "" },
		{ "{\"network\":{\"subnet6\":\"fd12::/47\"}}", "expected a prefix from 48 to 120",
		  "" },
		{ "{\"network\":{\"subnet6\":\"fd12::/121\"}}", "expected a prefix from 48 to 120",
		  "" },
		{ "{\"network\":{\"subnet6\":\"fd12::1/64\"}}", "bits outside the prefix", "" },
		{ "{\"network\":{\"subnet6\":\"10.1.0.0/24\"}}", "not of IPv6", "" },
		{ "{\"network\":{\"subnet6\":7}}", "network.subnet6: expected a string", "" },
		{ "{\"network\":{\"gateway6\":\"fd12::1\"}}", "network: gateway6 needs a subnet6",
		  "the gateway of \"auto\" is its first address" },
		{ "{\"network\":{\"subnet6\":\"none\",\"gateway6\":\"fd12::1\"}}",
		  "network: gateway fd12::1: there is no IPv6 subnet", "" },
		{ "{\"network\":{\"subnet6\":\"fd12::/64\",\"gateway6\":\"fd12::\"}}",
		  "network: gateway fd12::: not a host's address in fd12::/64", "" },
		{ "{\"network\":{\"subnet6\":\"fd12::/64\",\"gateway6\":\"fd13::1\"}}",
		  "network: gateway fd13::1: not a host's address in fd12::/64", "" },
		{ "{\"network\":{\"subnet\":\"none\",\"gateway\":\"10.88.0.1\"}}",
		  "network: gateway 10.88.0.1: there is no IPv4 subnet", "" },
		{ "{\"network\":{\"subnet\":\"none\",\"subnet6\":\"none\"}}",
		  "network: no subnet of either family", "" },
		{ "{\"network\":{\"mode\":\"macvlan\"}}",
		  "network.mode: \"macvlan\" is not a known value", "known: bridge, routed" },
		{ "{\"network\":{\"uplink\":\"a b\"}}",
		  "network.uplink: \"a b\": an interface name", "" },
		{ "{\"network\":{\"uplink\":\"jail0\"}}", "bridge and uplink are one interface",
		  "" },
		{ "{\"network\":{\"uplink\":\"lo\"}}", "network: uplink lo: leads nowhere", "" },
		{ "{\"network\":{\"nat\":1}}", "network.nat: expected a boolean", "" },
		{ "{\"network\":{\"internal\":true}}", "network.internal: unknown key", "*" },
		{ "{\"network\":{\"mtu\":1279}}",
		  "network: mtu 1279: expected 1280 to 65535, because the network has IPv6", "" },
		{ "{\"network\":{\"mtu\":575,\"subnet6\":\"none\"}}",
		  "network: mtu 575: expected 576 to 65535", "" },
		{ "{\"network\":{\"subnet\":\"10.88.0.1/16\"}}", "bits outside the prefix", "" },
		{ "{\"network\":{\"subnet\":\"10.88/16\"}}", "expected ADDRESS/PREFIX", "" },
		{ "{\"network\":{\"gateway\":\"10.89.0.1\"}}",
		  "network: gateway 10.89.0.1: not a host's address in 10.88.0.0/16", "" },
		{ "{\"network\":{\"gateway\":\"10.88.0.0\"}}",
		  "network: gateway 10.88.0.0: not a host's address", "" },
		{ "{\"network\":{\"gateway\":\"10.88.255.255\"}}",
		  "network: gateway 10.88.255.255: not a", "" },
		{ "{\"network\":{\"mtu\":100}}", "network: mtu 100: expected 1280 to", "" },
		{ "{\"import\":{\"maxBytes\":\"1GB\"}}", "import.maxBytes: \"1GB\": unknown unit",
		  "" },
		{ "{\"import\":{\"maxName\":4097}}", "expected an integer from 1 to 4096", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct jail_config c = { .file = "untouched" };
		struct err e = ERR_INIT;

		assert_true(load(cases[i].json, &c, &e) < 0);
		if (!str_starts(e.text, file) || !strstr(e.text, cases[i].text))
			fail_msg("expected \"%s\": \"%s\"", cases[i].text, e.text);
		if (!str_eq(cases[i].hint, "*"))
			assert_string_equal(e.hint, cases[i].hint);
		assert_string_equal(c.file, "untouched");
	}
}

static void test_where(void **state)
{
	struct jail_config c;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(load("{\"runDir\":\"/run/here\"}", &c, &e), 0);
	assert_int_equal(setenv("JAIL_CONFIG", file, 1), 0);
	assert_int_equal(config_load(NULL, &c, &e), 0);
	assert_string_equal(c.run_dir, "/run/here");
	/* A file that was named must be there. */
	assert_int_equal(unlink(file), 0);
	assert_int_equal(config_load(NULL, &c, &e), -ENOENT);
	assert_non_null(strstr(e.text, file));
	e = ERR_INIT;
	assert_int_equal(config_load(directory, &c, &e), -EISDIR);
	assert_int_equal(unsetenv("JAIL_CONFIG"), 0);
}

/* The usual place may be empty; where this machine has a file, there is nothing to see. */
static void test_none(void **state)
{
	struct jail_config c;
	struct err e = ERR_INIT;
	struct stat st;

	(void)state;
	if (stat(JAIL_SYSCONF "/jail.json", &st) == 0)
		skip();
	assert_int_equal(config_load(NULL, &c, &e), 0);
	assert_string_equal(c.file, "");
	assert_defaults(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_gateway_follows),
		cmocka_unit_test(test_one_family),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
