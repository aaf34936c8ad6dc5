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
	assert_string_equal(c->bridge.name, "jail0");
	assert_int_equal(c->bridge.subnet.s_addr, inet_addr("10.88.0.0"));
	assert_int_equal(c->bridge.gateway.s_addr, inet_addr("10.88.0.1"));
	assert_int_equal(c->bridge.prefix, 16);
	assert_int_equal(c->bridge.mtu, 0);
	assert_int_equal(c->import.max_bytes, UINT64_C(64) << 30);
	assert_int_equal(c->import.max_members, 5000000);
	assert_int_equal(c->import.max_name, 4096);
	assert_int_equal(c->import.max_ratio, 1000);
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
		 "  \"gateway\": \"172.20.7.254\", \"mtu\": 1400 },\n"
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
	assert_string_equal(c.bridge.name, "br-1");
	assert_int_equal(c.bridge.subnet.s_addr, inet_addr("172.20.4.0"));
	assert_int_equal(c.bridge.prefix, 22);
	assert_int_equal(c.bridge.gateway.s_addr, inet_addr("172.20.7.254"));
	assert_int_equal(c.bridge.mtu, 1400);
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
	assert_int_equal(load("{\"network\":{\"subnet\":\"10.1.2.0/24\"}}", &c, &e), 0);
	assert_int_equal(c.bridge.gateway.s_addr, inet_addr("10.1.2.1"));
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
		{ "{\"ids\":{\"first\":4294770688,\"ranges\":3}}", "ids.ranges: the pool ends",
		  "" },
		{ "{\"network\":{\"bridge\":\"\"}}", "an interface name is", "" },
		{ "{\"network\":{\"bridge\":\"a/b\"}}", "an interface name is", "" },
		{ "{\"network\":{\"bridge\":\"..\"}}", "an interface name is", "" },
		{ "{\"network\":{\"bridge\":\"abcdefghijklmnop\"}}", "an interface name is", "" },
		{ "{\"network\":{\"subnet\":\"10.88.0.0\"}}", "expected ADDRESS/PREFIX", "" },
		{ "{\"network\":{\"subnet\":\"10.88.0.0/30\"}}", "expected ADDRESS/PREFIX", "" },
		{ "{\"network\":{\"subnet\":\"10.88.0.1/16\"}}", "bits outside the prefix", "" },
		{ "{\"network\":{\"subnet\":\"10.88/16\"}}", "not an IPv4 address", "" },
		{ "{\"network\":{\"gateway\":\"10.89.0.1\"}}", "network.gateway: not a host's",
		  "" },
		{ "{\"network\":{\"gateway\":\"10.88.0.0\"}}", "network.gateway: not a host's",
		  "" },
		{ "{\"network\":{\"gateway\":\"10.88.255.255\"}}", "network.gateway: not a", "" },
		{ "{\"network\":{\"mtu\":100}}", "network.mtu: expected 0, or 576 to 65535", "" },
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
		cmocka_unit_test(test_empty),		cmocka_unit_test(test_all),
		cmocka_unit_test(test_gateway_follows), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_where),		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
