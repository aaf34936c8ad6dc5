/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields by their paths: parsed, set, removed, read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/spec_edit.h"

static void parse(const char *text, struct spec_path *p)
{
	struct err e = ERR_INIT;

	if (spec_path_parse(text, p, &e) < 0)
		fail_msg("%s: %s", text, e.text);
}

static void test_paths(void **state)
{
	static const struct {
		const char *text, *full;
		size_t n;
		const char *last;
		enum spec_path_change change;
	} cases[] = {
		{ "memory.max", "resources.memory.max", 3, "max", SPEC_PATH_LIVE },
		{ "resources.memory.max", "resources.memory.max", 3, "max", SPEC_PATH_LIVE },
		{ "unified.memory.high", "resources.unified.memory.high", 3, "memory.high",
		  SPEC_PATH_LIVE },
		{ "labels.com.x.y", "labels.com.x.y", 2, "com.x.y", SPEC_PATH_LIVE },
		{ "process.env.A.B", "process.env.A.B", 3, "A.B", SPEC_PATH_RESTART },
		{ "io./dev/disk/by-id/a.1.readBps", "resources.io./dev/disk/by-id/a.1.readBps", 4,
		  "readBps", SPEC_PATH_LIVE },
		{ "io./dev/a.b", "resources.io./dev/a.b", 3, "/dev/a.b", SPEC_PATH_LIVE },
		{ "io", "resources.io", 2, "io", SPEC_PATH_LIVE },
		{ "hostname", "hostname", 1, "hostname", SPEC_PATH_RESTART },
		{ "security.devices", "security.devices", 2, "devices", SPEC_PATH_LIVE },
		{ "network", "network", 1, "network", SPEC_PATH_FIXED },
		{ "network.mode", "network.mode", 2, "mode", SPEC_PATH_FIXED },
		{ "network.path", "network.path", 2, "path", SPEC_PATH_FIXED },
		{ "network.instance", "network.instance", 2, "instance", SPEC_PATH_FIXED },
		{ "network.ports", "network.ports", 2, "ports", SPEC_PATH_LIVE },
		{ "network.bridge", "network.bridge", 2, "bridge", SPEC_PATH_LIVE },
		{ "network.interfaces", "network.interfaces", 2, "interfaces", SPEC_PATH_LIVE },
		{ "network.address", "network.address", 2, "address", SPEC_PATH_LIVE },
		{ "network.ingress", "network.ingress", 2, "ingress", SPEC_PATH_LIVE },
		{ "network.egress.burst", "network.egress.burst", 3, "burst", SPEC_PATH_LIVE },
		{ "network.allow", "network.allow", 2, "allow", SPEC_PATH_LIVE },
		{ "network.deny", "network.deny", 2, "deny", SPEC_PATH_LIVE },
		{ "network.dns", "network.dns", 2, "dns", SPEC_PATH_RESTART },
		{ "names", "names", 1, "names", SPEC_PATH_RESTART },
	};
	static const char *const bad[] = {
		"",	   ".",	      "a.",  ".a",	    "a..b",
		"memory.", "labels.", "io.", "io..readBps", "a.b.c.d.e.f.g.h.i"
	};
	struct spec_path p;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parse(cases[i].text, &p);
		assert_string_equal(p.text, cases[i].full);
		assert_int_equal(p.n, cases[i].n);
		assert_string_equal(p.keys[p.n - 1], cases[i].last);
		assert_int_equal(spec_path_change(&p), cases[i].change);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		e = ERR_INIT;
		assert_int_equal(spec_path_parse(bad[i], &p, &e), -EINVAL);
	}
}

/* Sets and reads back; NULL: not set. */
static void set(struct jail_spec *s, const char *path, const char *value, const char *want)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct err e = ERR_INIT;
	struct spec_path p;

	parse(path, &p);
	if (spec_edit(s, &p, value, &e) < 0)
		fail_msg("%s=%s: %s", path, value, e.text);
	assert_int_equal(spec_value(s, &p, &b, &e), want != NULL);
	if (want)
		assert_string_equal(strbuf_str(&b), want);
}

static void test_set(void **state)
{
	CLEANUP_SPEC struct jail_spec s;

	(void)state;
	spec_init(&s);
	set(&s, "memory.max", "1GiB", "1GiB");
	set(&s, "memory.high", "1048576", "1MiB");
	set(&s, "cpu.max", "1.5", "1.5");
	set(&s, "pids.max", "512", "512");
	set(&s, "pids.max", "max", "max");
	set(&s, "process.args", "[\"a\", \"b\"]", "[\"a\",\"b\"]");
	set(&s, "process.terminal", "true", "true");
	set(&s, "labels.x.y", "1", "1");
	set(&s, "hostname", "12", "12");
	set(&s, "unified.memory.wonder", "5 6", "5 6");
	set(&s, "memory", "", NULL);
	assert_false(s.limits.has_memory_max || s.limits.has_memory_high);
	assert_true(s.limits.has_cpu_max);
	set(&s, "memory.max", "", NULL);
	set(&s, "labels.none", "", NULL);
}

static void test_io(void **state)
{
	CLEANUP_SPEC struct jail_spec s;

	(void)state;
	spec_init(&s);
	set(&s, "io./dev/a.b.readBps", "1MiB", "1MiB");
	set(&s, "io./dev/a.b.weight", "7", "7");
	set(&s, "io./dev/c.writeIops", "9", "9");
	assert_int_equal(s.limits.n_io, 2);
	assert_int_equal(s.io[0].rbps, 1 << 20);
	set(&s, "io./dev/a.b.readBps", "", NULL);
	assert_int_equal(s.limits.n_io, 2);
	assert_int_equal(s.io[0].rbps, 0);
	/* The last field takes the device with it. */
	set(&s, "io./dev/a.b.weight", "", NULL);
	assert_int_equal(s.limits.n_io, 1);
	assert_string_equal(s.io[0].device, "/dev/c");
	set(&s, "io./dev/none.weight", "", NULL);
	set(&s, "io./dev/c", "", NULL);
	assert_int_equal(s.limits.n_io, 0);
}

static void test_network(void **state)
{
	CLEANUP_SPEC struct jail_spec s;

	(void)state;
	spec_init(&s);
	set(&s, "network.ports", "8080:80,[::1]:8443-8444:443-444/udp",
	    "[\"8080:80/tcp\",\"[::1]:8443-8444:443-444/udp\"]");
	set(&s, "network.ports", "[\"1:2\"]", "[\"1:2/tcp\"]");
	set(&s, "network.ports", "", NULL);
	assert_int_equal(s.network.n_ports, 0);
	set(&s, "network.dns", "9.9.9.9,2620:fe::fe", "[\"9.9.9.9\",\"2620:fe::fe\"]");
	/* A rule's commas are its own. */
	set(&s, "network.allow", "in tcp 80,443", "[\"in tcp 80,443\"]");
	set(&s, "network.allow", "[\"in tcp 80\", \"out\"]", "[\"in tcp 80\",\"out\"]");
	set(&s, "network.deny", "out to host", "[\"out to host\"]");
	set(&s, "network.allow", "", NULL);
	assert_int_equal(s.network.allow.n, 0);
	assert_int_equal(s.network.deny.n, 1);
	set(&s, "network.ingress", "100Mbit", "100Mbit");
	set(&s, "network.ingress", "{\"rate\": \"1Gbit\", \"burst\": \"1MiB\"}",
	    "{\"rate\":\"1Gbit\",\"burst\":\"1MiB\"}");
	set(&s, "network.ingress.burst", "2MiB", "2MiB");
	set(&s, "network.ingress", "", NULL);
	set(&s, "network.address", "10.88.0.7,fd00::7/64", "[\"10.88.0.7\",\"fd00::7/64\"]");
	set(&s, "network.bridge", "front", "front");
	assert_int_equal(s.network.n_interfaces, 1);
}

/* All interfaces at once, whatever form they are in. */
static void test_interfaces(void **state)
{
	CLEANUP_SPEC struct jail_spec s;

	(void)state;
	spec_init(&s);
	set(&s, "network.interfaces", "", NULL);
	set(&s, "network.interfaces", "[{\"network\":\"front\",\"egress\":\"1Mbit\"}]",
	    "[{\"network\":\"front\",\"egress\":\"1Mbit\"}]");
	/* One has the short form too. */
	set(&s, "network.bridge", "back", "back");
	set(&s, "network.egress", "2Mbit", "2Mbit");
	set(&s, "network.interfaces", "[{\"network\":\"a\"},{\"address\":[\"fd00::1\"]}]",
	    "[{\"network\":\"a\"},{\"network\":\"default\",\"address\":[\"fd00::1\"]}]");
	assert_int_equal(s.network.n_interfaces, 2);
	assert_int_equal(s.network.interfaces[0].egress.bits_per_second, 0);
	set(&s, "network.interfaces", "", NULL);
	assert_int_equal(s.network.n_interfaces, 0);
	set(&s, "network.address", "10.88.0.7", "[\"10.88.0.7\"]");
	set(&s, "network.interfaces", "[{\"network\":\"default\"}]", NULL);
	assert_int_equal(s.network.n_interfaces, 0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *path, *value, *want;
	} cases[] = {
		{ "memory.max", "12QB", "resources.memory.max: \"12QB\"" },
		{ "memory.maxx", "1", "resources.memory.maxx: unknown key" },
		{ "memory.maxx", "", "resources.memory.maxx: unknown key" },
		{ "nonsense", "", "nonsense: unknown key" },
		{ "tenants.a", "", "tenants: unknown key" },
		{ "cpu.weight", "0", "resources.cpu.weight: 0: expected an integer from 1" },
		{ "cpu.max.us", "1", "resources.cpu.max" },
		{ "hostname.x", "1", "hostname" },
		{ "io./dev/a", "1", "resources.io./dev/a: a field of the device is needed" },
		{ "io.x.weight", "1", "resources.io[0].device: \"x\"" },
		{ "disk.inodes", "3", "resources.disk.inodes: 3: expected an integer from 64" },
		{ "health", "{}", "health: not supported yet" },
		{ "network.ports", "8080", "network.ports[0]: port \"8080\": expected" },
		{ "network.ports", "1:1,2:", "network.ports[1]: port \"2:\"" },
		{ "network.ports", "[\"1:1\",7]", "network.ports[1]: expected a string" },
		{ "network.address", "10.0.0.1,10.0.0.2", "network.address[1]: a second IPv4" },
		{ "network.egress", "fast", "network.egress: \"fast\": expected a rate" },
		{ "network.interfaces", "front", "network.interfaces: expected an array" },
		{ "network.interfaces", "[]", "network.interfaces: expected 1 to 8" },
		{ "network.interface", "", "network.interface: unknown key" },
		{ "unified.cgroup.procs", "1", "expected the name of a controller's file" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_SPEC struct jail_spec s;
		struct err e = ERR_INIT;
		struct spec_path p;

		spec_init(&s);
		set(&s, "hostname", "a", "a");
		set(&s, "cpu.max", "1", "1");
		parse(cases[i].path, &p);
		if (spec_edit(&s, &p, cases[i].value, &e) >= 0)
			fail_msg("%s=%s was taken", cases[i].path, cases[i].value);
		if (!strstr(e.text, cases[i].want))
			fail_msg("%s: %s", cases[i].path, e.text);
		assert_false(str_starts(e.text, "spec:"));
		assert_string_equal(s.hostname, "a"); /* untouched */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),	   cmocka_unit_test(test_set),
		cmocka_unit_test(test_io),	   cmocka_unit_test(test_network),
		cmocka_unit_test(test_interfaces), cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
