/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers: each parser by a table of what it takes, to the last bit, and of what it refuses. */
#include "base_tmpdir.h"

#include "base/num.h"

#include <inttypes.h>

struct num_case {
	const char *text;
	int64_t code; /* 0 or a negative errno */
	uint64_t value;
};

static void check(const struct num_case *c, int r, uint64_t value, const struct err *e)
{
	if (r != c->code || (r == 0 && value != c->value))
		fail_msg("\"%s\": got %d, %" PRIu64 " (%s)", c->text, r, value, e->text);
	if (r < 0) {
		assert_int_equal(e->code, -r);
		assert_true(value == 77); /* untouched */
		assert_int_equal(e->text[0], '"');
	}
}

static void test_u64(void **state)
{
	static const struct num_case cases[] = {
		{ "0", 0, 0 },
		{ "7", 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999999", -ERANGE, 0 },
		{ "36893488147419103232", -ERANGE, 0 }, /* 2^65: wraps to 0 twice */
		{ "", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1\n", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "-0", -EINVAL, 0 },
		{ "01", -EINVAL, 0 },
		{ "00", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "1_000", -EINVAL, 0 },
		{ "\xd9\xa1", -EINVAL, 0 }, /* ARABIC-INDIC DIGIT ONE */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = ERR_INIT;
		uint64_t v = 77;
		int r = num_parse_u64(cases[i].text, 0, UINT64_MAX, &v, &e);

		check(&cases[i], r, v, &e);
	}
}

static void test_u64_range(void **state)
{
	struct err e = ERR_INIT;
	uint64_t v = 77;

	(void)state;
	assert_int_equal(num_parse_u64("0", 1, 10, &v, &e), -ERANGE);
	assert_string_equal(e.text, "\"0\": expected a number from 1 to 10");
	assert_int_equal(num_parse_u64("11", 1, 10, &v, &e), -ERANGE);
	assert_int_equal(v, 77);
	assert_int_equal(num_parse_u64("1", 1, 10, &v, &e), 0);
	assert_int_equal(v, 1);
	assert_int_equal(num_parse_u64("10", 1, 10, &v, &e), 0);
	assert_int_equal(v, 10);
}

static void test_i64(void **state)
{
	static const struct num_case cases[] = {
		{ "0", 0, 0 },
		{ "-1", 0, (uint64_t)-1 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "-9223372036854775808", 0, (uint64_t)INT64_MIN },
		{ "-9223372036854775809", -ERANGE, 0 },
		{ "-18446744073709551616", -ERANGE, 0 },
		{ "-0", -EINVAL, 0 },
		{ "--1", -EINVAL, 0 },
		{ "-", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-01", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = ERR_INIT;
		int64_t v = 77;
		int r = num_parse_i64(cases[i].text, INT64_MIN, INT64_MAX, &v, &e);

		check(&cases[i], r, (uint64_t)v, &e);
	}
}

static void test_size(void **state)
{
	static const struct num_case cases[] = {
		{ "0", 0, 0 },
		{ "4096", 0, 4096 },
		{ "4096B", 0, 4096 },
		{ "512MiB", 0, 512ull << 20 },
		{ "1G", 0, 1ull << 30 },
		{ "1GiB", 0, 1ull << 30 },
		{ "1.5GiB", 0, 3ull << 29 },
		{ "0.125K", 0, 128 },
		{ "1.000K", 0, 1024 },
		{ "3T", 0, 3ull << 40 },
		{ "16777215TiB", 0, 16777215ull << 40 },
		{ "16777216TiB", -ERANGE, 0 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "18446744073709551615K", -ERANGE, 0 },
		{ "99999999999999999999K", -ERANGE, 0 },
		{ "51MB", -EINVAL, 0 },
		{ "1kib", -EINVAL, 0 },
		{ "1k", -EINVAL, 0 },
		{ "1 G", -EINVAL, 0 },
		{ "1.G", -EINVAL, 0 },
		{ ".5G", -EINVAL, 0 },
		{ "1.0005G", -EINVAL, 0 },
		{ "1.001K", -EINVAL, 0 }, /* 1025.024 bytes */
		{ "0.5", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "01G", -EINVAL, 0 },
		{ "G", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "max", -EINVAL, 0 },
		{ "1GiB ", -EINVAL, 0 },
	};
	struct err e = ERR_INIT;
	uint64_t v = 77;
	int r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		v = 77;
		r = num_parse_size(cases[i].text, &v, &e);
		check(&cases[i], r, v, &e);
	}
	(void)num_parse_size("51MB", &v, &e);
	assert_string_equal(e.text, "\"51MB\": unknown unit \"MB\"; use B, KiB, MiB, GiB, TiB, or "
				    "K, M, G, T");
}

static void test_duration(void **state)
{
	static const struct num_case cases[] = {
		{ "0s", 0, 0 },
		{ "10s", 0, 10000 },
		{ "500ms", 0, 500 },
		{ "1m30s", 0, 90000 },
		{ "1d2h3m4s5ms", 0, 93784005 },
		{ "90m", 0, 5400000 },
		{ "18446744073709551615ms", 0, UINT64_MAX },
		{ "18446744073709551616ms", -ERANGE, 0 },
		{ "18446744073709551615s", -ERANGE, 0 },
		{ "213503982334d99999999999h", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "0", -EINVAL, 0 },
		{ "10", -EINVAL, 0 },
		{ "1s1m", -EINVAL, 0 },
		{ "1s1s", -EINVAL, 0 },
		{ "1ms1s", -EINVAL, 0 },
		{ "1.5s", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "01s", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },
		{ "1S", -EINVAL, 0 },
		{ "1us", -EINVAL, 0 },
		{ "1w", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = ERR_INIT;
		uint64_t v = 77;
		int r = num_parse_duration(cases[i].text, &v, &e);

		check(&cases[i], r, v, &e);
	}
}

static void test_cpus(void **state)
{
	static const struct num_case cases[] = {
		{ "1", 0, 1000 },
		{ "1.5", 0, 1500 },
		{ "0.05", 0, 50 },
		{ "0.001", 0, 1 },
		{ "8192", 0, 8192000 },
		{ "0", -ERANGE, 0 },
		{ "0.000", -ERANGE, 0 },
		{ "8193", -ERANGE, 0 },
		{ "1.2345", -EINVAL, 0 },
		{ "1.", -EINVAL, 0 },
		{ ".5", -EINVAL, 0 },
		{ "1,5", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "2 ", -EINVAL, 0 },
		{ "01.5", -EINVAL, 0 },
		{ "infinity", -EINVAL, 0 },
		{ "0.0001", -EINVAL, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = ERR_INIT;
		uint64_t v = 77;
		int r = num_parse_cpus(cases[i].text, &v, &e);

		check(&cases[i], r, v, &e);
	}
}

static void test_cpulist(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *canonical;
	} cases[] = {
		{ "0", 0, "0" },
		{ "0-3,7", 0, "0-3,7" },
		{ "7,3,0-2", 0, "0-3,7" },
		{ "1,1,1-1", 0, "1" },
		{ "0-4,2-6", 0, "0-6" },
		{ "8191", 0, "8191" },
		{ "0-8191", 0, "0-8191" },
		{ "8192", -ERANGE, NULL },
		{ "0-18446744073709551616", -ERANGE, NULL },
		{ "3-1", -EINVAL, NULL },
		{ "", -EINVAL, NULL },
		{ ",", -EINVAL, NULL },
		{ "1,", -EINVAL, NULL },
		{ "1-", -EINVAL, NULL },
		{ "-1", -EINVAL, NULL },
		{ "1 ,2", -EINVAL, NULL },
		{ "0-3:1/2", -EINVAL, NULL },
		{ "all", -EINVAL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = ERR_INIT;
		char out[64] = "untouched";
		int r = num_parse_cpulist(cases[i].text, out, sizeof(out), &e);

		if (r != cases[i].code)
			fail_msg("\"%s\": %d (%s)", cases[i].text, r, e.text);
		assert_string_equal(out, r == 0 ? cases[i].canonical : "untouched");
	}
}

static void test_cpulist_room(void **state)
{
	struct err e = ERR_INIT;
	char out[6] = "";

	(void)state;
	assert_int_equal(num_parse_cpulist("1,3,5", out, sizeof(out), &e), 0);
	assert_string_equal(out, "1,3,5");
	assert_int_equal(num_parse_cpulist("1,3,5,7", out, sizeof(out), &e), -ENAMETOOLONG);
}

static void test_format_back(void **state)
{
	static const uint64_t values[] = { 0,	      1,	999,	      1023,
					   1024,      1025,	536870912ull, 3ull << 29,
					   90000,     93784005, 1ull << 63,   UINT64_MAX - 1,
					   UINT64_MAX };
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		char text[32];
		uint64_t v = 77;

		num_format_size(values[i], text, sizeof(text));
		assert_int_equal(num_parse_size(text, &v, &e), 0);
		assert_true(v == values[i]);
		num_format_duration(values[i], text, sizeof(text));
		assert_int_equal(num_parse_duration(text, &v, &e), 0);
		assert_true(v == values[i]);
	}
}

static void test_format(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} shorts[] = {
		{ 0, "0B" },
		{ 1023, "1023B" },
		{ 1024, "1.0KiB" },
		{ 1535, "1.4KiB" },
		{ 512ull << 20, "512.0MiB" },
		{ (1ull << 30) - 1, "1023MiB" },
		{ UINT64_MAX, "15.9EiB" },
	};
	char text[32];

	(void)state;
	num_format_size(536870912, text, sizeof(text));
	assert_string_equal(text, "512MiB");
	num_format_duration(90000, text, sizeof(text));
	assert_string_equal(text, "1m30s");
	for (size_t i = 0; i < ARRAY_SIZE(shorts); i++) {
		num_format_size_short(shorts[i].bytes, text, sizeof(text));
		assert_string_equal(text, shorts[i].text);
		assert_true(strlen(text) <= 8);
	}
}

static void test_milli(void **state)
{
	static const char *const bad[] = { "",	 "-1", "+1",  ".5",   "1.",  "1.2345",
					   "1 ", " 1", "1e3", "01.5", "1,5", "18446744073709552" };
	struct err e = ERR_INIT;
	uint64_t v = 0;

	(void)state;
	assert_int_equal(num_parse_milli("0.00", &v, &e), 0);
	assert_int_equal(v, 0);
	assert_int_equal(num_parse_milli("100.25", &v, &e), 0);
	assert_int_equal(v, 100250);
	assert_int_equal(num_parse_milli("7", &v, &e), 0);
	assert_int_equal(v, 7000);
	assert_int_equal(num_parse_milli("18446744073709551.615", &v, &e), 0);
	assert_true(v == UINT64_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err why = ERR_INIT;

		assert_true(num_parse_milli(bad[i], &v, &why) < 0);
		assert_true(v == UINT64_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_milli),	     cmocka_unit_test(test_u64),
		cmocka_unit_test(test_u64_range),    cmocka_unit_test(test_i64),
		cmocka_unit_test(test_size),	     cmocka_unit_test(test_duration),
		cmocka_unit_test(test_cpus),	     cmocka_unit_test(test_cpulist),
		cmocka_unit_test(test_cpulist_room), cmocka_unit_test(test_format_back),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
