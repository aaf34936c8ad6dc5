/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Platforms: what people write, and which machine runs what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/utsname.h>

#include "images/manifest.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text, *formatted;
	} known[] = {
		{ "linux/arm64/v8", "linux/arm64/v8" },
		{ "linux/amd64", "linux/amd64" },
		{ "arm64", "linux/arm64" },
		{ "linux", "linux/any" },
		{ "windows", "windows/any" },
		{ "windows/amd64", "windows/amd64" },
		{ "LINUX/AMD64", "linux/amd64" },
		{ "x86_64", "linux/amd64" },
		{ "linux/aarch64", "linux/arm64/v8" },
		{ "aarch64", "linux/arm64/v8" },
		{ "linux/armhf", "linux/arm/v7" },
		{ "linux/armhf/v6", "linux/arm/v6" },
		{ "i686", "linux/386" },
		{ "linux/s390x", "linux/s390x" },
		{ "123456789012345/123456789012345/123456789012345",
		  "123456789012345/123456789012345/123456789012345" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct platform p = { .os = "x" };
		struct err e = ERR_INIT;
		char text[64];

		if (platform_parse(known[i].text, &p, &e) < 0)
			fail_msg("%s: %s", known[i].text, e.text);
		platform_format(&p, text);
		assert_string_equal(text, known[i].formatted);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"/",
		"linux/",
		"/amd64",
		"linux//v8",
		"linux/arm64/",
		"linux/arm64/v8/x",
		"linux/arm 64",
		"linux/arm64\n",
		"linux/\x1b[2J",
		"linux/1234567890123456",
		"linux/\xc3\xa4",
		"linux/%n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct platform p = { .os = "kept" };
		struct err e = ERR_INIT;

		assert_int_equal(platform_parse(bad[i], &p, &e), -EINVAL);
		assert_int_equal(e.code, EINVAL);
		assert_non_null(strstr(e.text, "expected OS/ARCHITECTURE"));
		assert_string_equal(p.os, "kept");
	}
}

static struct platform platform(const char *text)
{
	struct platform p = { .os = "" };
	struct err e = ERR_INIT;

	if (text[0] && platform_parse(text, &p, &e) < 0)
		fail_msg("%s", e.text);
	return p;
}

/* Each list: what serves, best first; "!" before what doesn't. "" is no platform at all. */
static void test_match(void **state)
{
	static const struct {
		const char *wanted, *offered[8];
	} cases[] = {
		{ "linux/amd64",
		  { "linux/amd64", "", "!linux/amd64/v2", "!linux/amd64/v3", "!linux/386",
		    "!windows/amd64", "!linux/arm64" } },
		{ "linux/amd64/v3",
		  { "linux/amd64/v3", "linux/amd64/v2", "linux/amd64", "", "!linux/amd64/v4" } },
		{ "linux/arm64/v8",
		  { "linux/arm64/v8", "", "!linux/arm64/v8.1", "!linux/arm64/v9", "!linux/arm/v7",
		    "!linux/arm64/vx" } },
		{ "linux/arm64", { "linux/arm64", "", "!linux/arm64/v9", "!linux/arm" } },
		{ "linux/arm64/v9", { "linux/arm64/v9", "linux/arm64/v8.2", "linux/arm64" } },
		{ "linux/arm/v7",
		  { "linux/arm/v7", "linux/arm/v6", "linux/arm/v5", "", "!linux/arm/v8" } },
		{ "linux/arm", { "linux/arm", "linux/arm/v6", "!linux/arm/v8" } },
		{ "linux/arm/v6", { "linux/arm/v6", "linux/arm/v5", "", "!linux/arm" } },
		{ "linux/ppc64le", { "linux/ppc64le", "", "!linux/ppc64le/power10" } },
		{ "linux/ppc64le/power10",
		  { "linux/ppc64le/power10", "linux/ppc64le", "", "!linux/ppc64le/power9" } },
		{ "linux", { "linux/amd64", "!windows/amd64" } },
		{ "linux/arm64", { "linux/arm64", "!unknown/unknown" } },
		{ "linux/unknown", { "", "!linux/unknown" } },
		{ "", { "linux/arm64", "!linux/unknown", "!unknown/arm64" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct platform wanted = platform(cases[i].wanted);
		unsigned last = UINT32_MAX;

		for (size_t k = 0; k < 8 && cases[i].offered[k]; k++) {
			const char *text = cases[i].offered[k];
			bool refused = text[0] == '!';
			struct platform offered = platform(text + refused);
			unsigned match = platform_match(&wanted, &offered);

			if (refused ? match != 0 : match == 0 || match >= last)
				fail_msg("%s on %s: %u after %u", text, cases[i].wanted, match,
					 last);
			last = match;
		}
	}
}

/* v8 is what an arm64 machine has anyway. */
static void test_match_equal(void **state)
{
	struct platform host = platform("linux/arm64/v8"), plain = platform("linux/arm64");
	struct platform any = platform(""), windows = platform("windows/amd64");

	(void)state;
	assert_int_equal(platform_match(&host, &plain), platform_match(&host, &host));
	assert_int_equal(platform_match(&plain, &host), platform_match(&host, &host));
	assert_true(platform_match(&any, &windows) > 0);
	assert_true(platform_match(&any, &any) > 0);
}

static void test_host(void **state)
{
	struct platform host = platform("");
	struct utsname u;
	char text[64];

	(void)state;
	platform_host(&host);
	platform_format(&host, text);
	assert_int_equal(uname(&u), 0);
	if (str_eq(u.machine, "x86_64"))
		assert_string_equal(text, "linux/amd64");
	else if (str_eq(u.machine, "aarch64"))
		assert_string_equal(text, "linux/arm64/v8");
	assert_string_equal(host.os, "linux");
	assert_true(platform_match(&host, &host) > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_match), cmocka_unit_test(test_match_equal),
		cmocka_unit_test(test_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
