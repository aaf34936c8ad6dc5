/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times as text: what is written is read back, nothing else is read at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void test_known(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} known[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 1, "1970-01-01T00:00:00.001Z" },
		{ 951782399999, "2000-02-28T23:59:59.999Z" },
		{ 951782400000, "2000-02-29T00:00:00.000Z" },
		{ 1763685321123, "2025-11-21T00:35:21.123Z" },
		{ 2147483648000, "2038-01-19T03:14:08.000Z" },
		{ 4107542400000, "2100-03-01T00:00:00.000Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
	};
	char text[CLOCK_TEXT_MAX];
	uint64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		clock_format(known[i].ms, text, sizeof(text));
		assert_string_equal(text, known[i].text);
		ms = 7;
		assert_int_equal(clock_parse(known[i].text, &ms), 0);
		assert_true(ms == known[i].ms);
	}
}

static void test_round_trip(void **state)
{
	char text[CLOCK_TEXT_MAX];
	uint64_t ms = 1, back;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		ms = (ms * 6364136223846793005u + 1442695040888963407u);
		clock_format(ms % 253402300800000u, text, sizeof(text));
		assert_int_equal(clock_parse(text, &back), 0);
		assert_true(back == ms % 253402300800000u);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"Z",
		"2025",
		"2025-11-21",
		"2025-11-21T00:35:21Z", /* no milliseconds */
		"2025-11-21T00:35:21.1Z",
		"2025-11-21T00:35:21.1234Z",
		"2025-11-21T00:35:21.123",
		"2025-11-21T00:35:21.123z",
		"2025-11-21 00:35:21.123Z",
		"2025-11-21T00:35:21,123Z",
		"2025-11-21T00:35:21.123+00:00",
		"2025-11-21T00:35:21.123Z ",
		" 2025-11-21T00:35:21.123Z",
		"2025-11-21T00:35:21.123ZZ",
		"2025-11-21T00:35: 1.123Z",
		"2025-11-21T00:35:-1.123Z",
		"2025-11-21T00:35:+1.123Z",
		"2025-11-21T24:00:00.000Z",
		"2025-11-21T00:60:00.000Z",
		"2025-11-21T00:00:60.000Z",
		"2025-00-21T00:00:00.000Z",
		"2025-13-21T00:00:00.000Z",
		"2025-11-00T00:00:00.000Z",
		"2025-11-31T00:00:00.000Z",
		"2023-02-29T00:00:00.000Z",
		"2100-02-29T00:00:00.000Z",
		"25-11-21T00:00:00.000Z",
		"+025-11-21T00:00:00.000Z",
		"1969-12-31T23:59:59.999Z",
		"10000-01-01T00:00:00.000Z",
		"2025-11-21T00:35:21.-12Z",
		"0x25-11-21T00:35:21.123Z",
	};
	uint64_t ms = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(clock_parse(bad[i], &ms), -EINVAL);
		assert_true(ms == 7); /* untouched */
	}
}

static void test_rfc3339(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t ms;
	} known[] = {
		{ "1970-01-01T00:00:00Z", 0, 0 },
		{ "1970-01-01t00:00:00z", 0, 0 },
		{ "2025-11-21T00:35:21Z", 0, 1763685321000 },
		{ "2025-11-21T00:35:21.1Z", 0, 1763685321100 },
		{ "2025-11-21T00:35:21.12Z", 0, 1763685321120 },
		{ "2025-11-21T00:35:21.123456789Z", 0, 1763685321123 },
		{ "2025-11-21T00:35:21.999999999999999999999Z", 0, 1763685321999 },
		{ "2025-11-21T02:05:21.5+01:30", 0, 1763685321500 },
		{ "2025-11-20T16:35:21-08:00", 0, 1763685321000 },
		{ "2025-11-21T00:35:21-00:00", 0, 1763685321000 },
		{ "2016-12-31T23:59:60Z", 0, 1483228800000 },
		{ "2016-02-29T23:59:60Z", 0, 1456790400000 },
		{ "9999-12-31T23:59:59.999Z", 0, 253402300799999 },
		{ "1969-12-31T23:00:00-01:00", 0, 0 },
		{ "1970-01-01T00:59:59+01:00", -ERANGE, 0 },
		{ "0001-01-01T00:00:00Z", -ERANGE, 0 },
		{ "0000-01-01T00:00:00Z", -ERANGE, 0 },
		{ "9999-12-31T23:59:59-00:01", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "2025-11-21", -EINVAL, 0 },
		{ "2025-11-21T00:35Z", -EINVAL, 0 },
		{ "2025-11-21T00:35:21", -EINVAL, 0 },
		{ "2025-11-21 00:35:21Z", -EINVAL, 0 },
		{ "2025-11-21T00:35:21.Z", -EINVAL, 0 },
		{ "2025-11-21T00:35:21,5Z", -EINVAL, 0 },
		{ "2025-11-21T00:35:21+0100", -EINVAL, 0 },
		{ "2025-11-21T00:35:21+24:00", -EINVAL, 0 },
		{ "2025-11-21T00:35:21+01:60", -EINVAL, 0 },
		{ "2025-11-21T00:35:21+01", -EINVAL, 0 },
		{ "2025-11-21T00:35:21Z ", -EINVAL, 0 },
		{ " 2025-11-21T00:35:21Z", -EINVAL, 0 },
		{ "2025-11-21T24:00:00Z", -EINVAL, 0 },
		{ "2025-11-21T00:60:00Z", -EINVAL, 0 },
		{ "2025-11-21T00:00:61Z", -EINVAL, 0 },
		{ "2025-00-21T00:00:00Z", -EINVAL, 0 },
		{ "2025-13-21T00:00:00Z", -EINVAL, 0 },
		{ "2025-11-00T00:00:00Z", -EINVAL, 0 },
		{ "2025-11-31T00:00:00Z", -EINVAL, 0 },
		{ "2023-02-29T00:00:00Z", -EINVAL, 0 },
		{ "2023-02-29T23:59:60Z", -EINVAL, 0 },
		{ "+025-11-21T00:00:00Z", -EINVAL, 0 },
		{ "2025-11-21T00:35:-1Z", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		uint64_t ms = 7;
		int r = clock_parse_rfc3339(known[i].text, &ms);

		if (r != known[i].r || ms != (r < 0 ? 7 : known[i].ms))
			fail_msg("%s: %d, %llu", known[i].text, r, (unsigned long long)ms);
	}
}

static void test_beyond(void **state)
{
	char text[CLOCK_TEXT_MAX], small[8];

	(void)state;
	clock_format(UINT64_MAX, text, sizeof(text));
	assert_int_equal(strlen(text), strlen("9999-12-31T23:59:59.999Z"));
	assert_int_equal(strncmp(text, "9999-12-31T23:59:59.", 20), 0);
	clock_format(0, small, sizeof(small));
	assert_string_equal(small, "1970-01");
}

static void test_clocks(void **state)
{
	uint64_t boot = clock_boot_ms();

	(void)state;
	assert_true(clock_boot_ms() >= boot);
	assert_true(clock_wall_ms() > 1700000000000u);
}

static void test_age(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} known[] = {
		{ 0, "0s" },	    { 999, "0s" },	  { 1000, "1s" },    { 59999, "59s" },
		{ 60000, "1m" },    { 3599999, "59m" },	  { 3600000, "1h" }, { 86399999, "23h" },
		{ 86400000, "1d" }, { 864000000, "10d" },
	};
	char text[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		clock_format_age(known[i].ms, text, sizeof(text));
		assert_string_equal(text, known[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),	cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_beyond),
		cmocka_unit_test(test_clocks),	cmocka_unit_test(test_age),
		cmocka_unit_test(test_rfc3339),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
