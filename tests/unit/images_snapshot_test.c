/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots: their record, and what stands on what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "images/snapshot.h"

static void a_record_comes_back(void **state)
{
	const struct snapshot all[] = {
		{ .name = { "first" }, .created_ms = 1764262800123 },
		{ .name = { "live" },
		  .created_ms = 1,
		  .copied = true,
		  .frozen = true,
		  .frozen_us = 12345 },
		{ .name = { "daily-20261127-000000" },
		  .created_ms = 2,
		  .schedules = { { "daily" }, { "hourly" } },
		  .n_schedules = 2,
		  .sequence = 77 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
		struct snapshot s = { .id = { "0123456789abcdef" } };
		struct err e = ERR_INIT;
		struct json_out o;

		json_out_init(&o, &b, true);
		snapshot_write(&all[i], &o);
		assert_int_equal(snapshot_parse("f", b.data, b.len, &s, &e), 0);
		assert_string_equal(s.name.s, all[i].name.s);
		assert_true(s.created_ms == all[i].created_ms);
		assert_true(s.copied == all[i].copied && s.frozen == all[i].frozen);
		assert_true(s.frozen_us == all[i].frozen_us);
		assert_true(s.n_schedules == all[i].n_schedules && s.sequence == all[i].sequence);
		for (size_t k = 0; k < s.n_schedules; k++)
			assert_string_equal(s.schedules[k].s, all[i].schedules[k].s);
		/* What the record doesn't hold is left alone. */
		assert_string_equal(s.id.s, "0123456789abcdef");
	}
}

static void a_record_is_judged(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"version\":2,\"name\":\"a\",\"createdMs\":1,\"copied\":false}",
		"{\"version\":1,\"name\":\"../a\",\"createdMs\":1,\"copied\":false}",
		"{\"version\":1,\"name\":1,\"createdMs\":1,\"copied\":false}",
		"{\"version\":1,\"name\":\"a\",\"createdMs\":-1,\"copied\":false}",
		"{\"version\":1,\"name\":\"a\",\"createdMs\":1,\"copied\":0}",
		"{\"version\":1,\"name\":\"a\",\"createdMs\":1,\"copied\":true,\"frozenUs\":\"1\"}",
		"{\"version\":1,\"name\":\"a\",\"createdMs\":1,\"copied\":true,"
		"\"schedules\":\"a\",\"sequence\":1}",
		"{\"version\":1,\"name\":\"a\",\"createdMs\":1,\"copied\":true,"
		"\"schedules\":[\"../a\"],\"sequence\":1}",
		"{\"version\":1,\"name\":\"a\",\"createdMs\":1,\"copied\":true,"
		"\"schedules\":[1],\"sequence\":1}",
		"{\"version\":1,\"name\":\"a\",\"createdMs\":1,\"copied\":true,"
		"\"schedules\":[\"a\"]}",
		"{\"version\":1,\"name\":\"a\",\"createdMs\":1,\"copied\":true,"
		"\"schedules\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"],"
		"\"sequence\":1}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct snapshot s = { .created_ms = 7 };
		struct err e = ERR_INIT;

		assert_true(snapshot_parse("f", bad[i], strlen(bad[i]), &s, &e) < 0);
		assert_true(e.code != 0 && s.created_ms == 7 && s.name.s[0] == '\0');
	}
}

/* a <- b <- c, a <- d (no name), e unfinished; `upper` stands on c. */
static void family(struct snapshot v[static 5], struct snapshots *s)
{
	static const struct snapshot all[5] = {
		{ .id = { "a" }, .name = { "one" } },
		{ .id = { "b" }, .parent = { "a" } },
		{ .id = { "c" }, .parent = { "b" }, .name = { "three" } },
		{ .id = { "d" }, .parent = { "a" } },
		{ .id = { "e" }, .parent = { "e" }, .name = { "five" }, .unfinished = true },
	};

	memcpy(v, all, sizeof(all));
	*s = (struct snapshots){ .holder = -EBADF, .dir = -EBADF, .v = v, .n = 5, .head = { "c" } };
}

static void a_chain(void **state)
{
	struct snapshot_chain chain;
	struct err e = ERR_INIT;
	struct snapshot v[5];
	struct snapshots s;

	(void)state;
	family(v, &s);
	assert_int_equal(snapshots_chain(&s, &s.head, &chain, &e), 0);
	assert_int_equal(chain.n, 3);
	assert_ptr_equal(chain.v[0], &v[2]);
	assert_ptr_equal(chain.v[2], &v[0]);
	assert_int_equal(snapshots_chain(&s, &(struct snapshot_id){ "" }, &chain, &e), 0);
	assert_int_equal(chain.n, 0);
	/* One that is missing, and one that never was. */
	assert_int_equal(snapshots_chain(&s, &(struct snapshot_id){ "x" }, &chain, &e), -EBADMSG);
	e = ERR_INIT;
	assert_int_equal(snapshots_chain(&s, &v[4].id, &chain, &e), -EBADMSG);
	/* A circle ends. */
	v[0].parent = v[2].id;
	e = ERR_INIT;
	assert_int_equal(snapshots_chain(&s, &s.head, &chain, &e), -EBADMSG);
}

static void what_is_needed(void **state)
{
	struct err e = ERR_INIT;
	struct snapshot v[5];
	struct snapshots s;
	bool used[5];

	(void)state;
	family(v, &s);
	assert_int_equal(snapshots_mark(&s, used, &e), 0);
	assert_true(used[0] && used[1] && used[2] && !used[3] && !used[4]);
	/* Of a name alone, of the head alone. */
	s.head = (struct snapshot_id){ "" };
	assert_int_equal(snapshots_mark(&s, used, &e), 0);
	assert_true(used[0] && used[1] && used[2] && !used[3]);
	v[2].name = v[0].name = (struct jail_name){ "" };
	assert_int_equal(snapshots_mark(&s, used, &e), 0);
	assert_true(!used[0] && !used[1] && !used[2] && !used[3]);
	s.head = v[3].id;
	assert_int_equal(snapshots_mark(&s, used, &e), 0);
	assert_true(used[0] && !used[1] && !used[2] && used[3]);
	/* What can't be right removes nothing. */
	v[0].parent = (struct snapshot_id){ "x" };
	assert_int_equal(snapshots_mark(&s, used, &e), -EBADMSG);
}

static void by_name(void **state)
{
	const struct snapshot *found = NULL;
	struct err e = ERR_INIT;
	struct snapshot v[5];
	struct snapshots s;

	(void)state;
	family(v, &s);
	assert_int_equal(snapshots_get(&s, &(struct jail_name){ "three" }, &found, &e), 0);
	assert_ptr_equal(found, &v[2]);
	assert_int_equal(snapshots_get(&s, &(struct jail_name){ "five" }, &found, &e), -ENOENT);
	assert_non_null(strstr(e.hint, "one, three"));
	assert_ptr_equal(snapshots_named(&s, &v[1].id), &v[0]);
	assert_null(snapshots_named(&s, &(struct snapshot_id){ "" }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_comes_back),
		cmocka_unit_test(a_record_is_judged),
		cmocka_unit_test(a_chain),
		cmocka_unit_test(what_is_needed),
		cmocka_unit_test(by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
