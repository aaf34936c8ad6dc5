/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which snapshots are due, and which are over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/schedule.h"

#define HOUR (UINT64_C(3600) * 1000)
#define DAY (24 * HOUR)
#define NOON (20000 * DAY + 12 * HOUR)

#define HOURLY 1u
#define DAILY 2u

static struct spec_schedule schedules[] = {
	{ .name = { "hourly" }, .every_ms = HOUR, .keep = 3 },
	{ .name = { "daily" }, .every_ms = DAY, .keep = 2 },
};
static const struct jail_spec spec = { .schedules = schedules, .n_schedules = 2 };

#define MADE(id_, name_, created_, sequence_, ...)                                                 \
	{                                                                                          \
		.id = { id_ }, .name = { name_ }, .created_ms = (created_),                        \
		.sequence = (sequence_), .schedules = { __VA_ARGS__ },                             \
		.n_schedules =                                                                     \
			sizeof((struct jail_name[]){ __VA_ARGS__ }) / sizeof(struct jail_name)     \
	}

static void nothing_there_is_all_due(void **state)
{
	struct snapshot v[] = {
		{ .id = { "u" }, .name = { "hourly-like" }, .created_ms = NOON },
		MADE("x", "x", NOON, 1, { "hourly" }),
	};
	struct snapshots all = { .v = v, .n = 2 };

	(void)state;
	v[1].unfinished = true;
	assert_int_equal(schedule_due(&spec, &all, NOON, false), HOURLY | DAILY);
	v[1].unfinished = false;
	assert_int_equal(schedule_due(&spec, &all, NOON, false), DAILY);
	v[1].name.s[0] = '\0'; /* removed by somebody */
	assert_int_equal(schedule_due(&spec, &all, NOON, false), HOURLY | DAILY);
}

static void spans_begin_on_the_hour(void **state)
{
	struct snapshot v[] = { MADE("x", "x", NOON + 1, 1, { "hourly" }, { "daily" }) };
	struct snapshots all = { .v = v, .n = 1 };

	(void)state;
	assert_int_equal(schedule_due(&spec, &all, NOON + 2, false), 0);
	assert_int_equal(schedule_due(&spec, &all, NOON + HOUR - 1, false), 0);
	assert_int_equal(schedule_due(&spec, &all, NOON + HOUR, false), HOURLY);
	/* What was missed is made up once. */
	assert_int_equal(schedule_due(&spec, &all, NOON + 11 * HOUR, false), HOURLY);
	assert_int_equal(schedule_due(&spec, &all, NOON + 12 * HOUR, false), HOURLY | DAILY);
}

/* The clock went back by ten days: one snapshot, and then as always. */
static void a_clock_that_jumps_back(void **state)
{
	struct snapshot v[] = {
		MADE("a", "a", NOON + 10 * DAY, 1, { "daily" }),
		MADE("b", "b", NOON + 11 * DAY, 2, { "daily" }),
		MADE("c", "c", NOON, 3, { "daily" }),
	};
	struct snapshots all = { .v = v, .n = 2 };

	(void)state;
	assert_int_equal(schedule_due(&spec, &all, NOON, false) & DAILY, DAILY);
	all.n = 3;
	assert_int_equal(schedule_due(&spec, &all, NOON + 1, false) & DAILY, 0);
	/* The new one is kept, though its time is the oldest. */
	assert_true(schedule_is_over(&spec, &all, &v[0]));
	assert_false(schedule_is_over(&spec, &all, &v[1]));
	assert_false(schedule_is_over(&spec, &all, &v[2]));
}

static void unchanged_since_its_own_last(void **state)
{
	struct snapshot v[] = {
		MADE("d", "d", NOON, 1, { "daily" }),
		MADE("h", "h", NOON, 2, { "hourly" }),
	};
	struct snapshots all = { .v = v, .n = 2, .head = { "h" } };

	(void)state;
	assert_int_equal(schedule_due(&spec, &all, NOON + 30 * DAY, true), DAILY);
	assert_int_equal(schedule_due(&spec, &all, NOON + 30 * DAY, false), HOURLY | DAILY);
	all.head.s[0] = 'd';
	assert_int_equal(schedule_due(&spec, &all, NOON + 30 * DAY, true), HOURLY);
}

static void one_goes_when_none_keeps_it(void **state)
{
	struct snapshot v[] = {
		MADE("0", "both-0", NOON, 1, { "hourly" }, { "daily" }),
		MADE("1", "hourly-1", NOON, 2, { "hourly" }),
		MADE("2", "hourly-2", NOON, 3, { "hourly" }),
		MADE("3", "hourly-3", NOON, 4, { "hourly" }),
		MADE("4", "both-4", NOON, 5, { "hourly" }, { "daily" }),
		MADE("5", "gone-5", NOON, 0, { "yearly" }),
		{ .id = { "6" }, .name = { "mine" }, .created_ms = 1 },
	};
	static const bool over[] = { false, true, false, false, false, false, false };
	struct snapshots all = { .v = v, .n = 7 };

	(void)state;
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(schedule_is_over(&spec, &all, &v[i]), over[i]);
	/* With one more of each day the first is over for both. */
	v[1].schedules[0] = v[0].schedules[1];
	v[1].sequence = 6;
	assert_true(schedule_is_over(&spec, &all, &v[0]));
}

static void names_and_checks(void **state)
{
	static const char *const bad[] = {
		"1h", "1h:0", "1h:1001", "0s:1", "x:1", "A=1h:1", "=1h:1"
	};
	struct jail_spec s;
	struct err e = ERR_INIT;

	(void)state;
	spec_init(&s);
	assert_int_equal(image_ref_parse("debian:12", &s.image, &e), 0);
	s.has_image = true;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err why = ERR_INIT;

		assert_true(spec_add_schedule(&s, bad[i], &why) < 0 && why.code);
	}
	assert_int_equal(s.n_schedules, 0);
	assert_int_equal(spec_add_schedule(&s, "1h:24", &e), 0);
	assert_int_equal(spec_add_schedule(&s, "nightly=1d:7", &e), 0);
	assert_int_equal(spec_add_schedule(&s, "7d:4", &e), 0);
	assert_int_equal(spec_add_schedule(&s, "90m:5", &e), 0);
	assert_int_equal(spec_finish(&s, &e), 0);
	assert_string_equal(s.schedules[0].name.s, "hourly");
	assert_string_equal(s.schedules[1].name.s, "nightly");
	assert_string_equal(s.schedules[2].name.s, "weekly");
	assert_string_equal(s.schedules[3].name.s, "every-1h30m");
	s.is_volatile = true;
	assert_true(spec_finish(&s, &e) < 0);
	spec_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_there_is_all_due),
		cmocka_unit_test(spans_begin_on_the_hour),
		cmocka_unit_test(a_clock_that_jumps_back),
		cmocka_unit_test(unchanged_since_its_own_last),
		cmocka_unit_test(one_goes_when_none_keeps_it),
		cmocka_unit_test(names_and_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
