/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record of a volume: what is written is read back, and what a damaged one says is refused. */
#include "base_tmpdir.h"

#include "runtime/volumes_priv.h"

#define ID "00112233445566778899aabbccddeeff"

static struct volume full_volume(void)
{
	struct volume v = {
		.name = { "data" },
		.id = { ID },
		.tenant = { "acme" },
		.created_ms = 1763685321123,
		.limits = { .size_bytes = DISK_SIZE_MIN, .inodes = 1000 },
		.uid = 33,
		.gid = 44,
		.mode = 02770,
	};
	struct err e = ERR_INIT;

	assert_int_equal(volume_set_label(&v, "a=b=c", &e), 0);
	assert_int_equal(volume_set_label(&v, "x=", &e), 0);
	return v;
}

static void assert_equal(const struct volume *a, const struct volume *b)
{
	assert_string_equal(a->name.s, b->name.s);
	assert_string_equal(a->id.s, b->id.s);
	assert_string_equal(a->tenant.s, b->tenant.s);
	assert_int_equal(a->created_ms, b->created_ms);
	assert_int_equal(a->limits.size_bytes, b->limits.size_bytes);
	assert_int_equal(a->limits.inodes, b->limits.inodes);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->gid, b->gid);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->labels.n, b->labels.n);
	for (size_t i = 0; i < a->labels.n; i++)
		assert_string_equal(a->labels.v[i], b->labels.v[i]);
}

static void test_round_trip(void **state)
{
	const struct tmpdir *t = *state;
	CLEANUP_VOLUME struct volume v = full_volume(), back = { .mode = 0 }, small = { .mode = 0 };
	struct err e = ERR_INIT;

	assert_int_equal(volume_file_write(t->fd, &v, &e), 0);
	assert_int_equal(volume_file_read(t->fd, &v.name, &back, &e), 0);
	assert_equal(&v, &back);
	volume_free(&back);
	small.name = v.name;
	small.id = v.id;
	assert_int_equal(volume_file_write(t->fd, &small, &e), 0);
	assert_int_equal(volume_file_read(t->fd, &v.name, &back, &e), 0);
	assert_equal(&small, &back);
}

static void test_damaged(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"{\"id\":\"" ID "\"}",
		"{\"created\":1}",
		"{\"id\":\"0011\",\"created\":1}",
		"{\"id\":\"../../../../../etc/passwd/../xx\",\"created\":1}",
		"{\"id\":\"" ID "\",\"created\":-1}",
		"{\"id\":\"" ID "\",\"created\":1,\"tenant\":\"a/b\"}",
		"{\"id\":\"" ID "\",\"created\":1,\"mode\":4096}",
		"{\"id\":\"" ID "\",\"created\":1,\"uid\":4294967296}",
		"{\"id\":\"" ID "\",\"created\":1,\"size\":\"1GiB\"}",
		"{\"id\":\"" ID "\",\"created\":1,\"labels\":{\"a b\":\"\"}}",
		"{\"id\":\"" ID "\",\"created\":1,\"other\":1}",
	};
	const struct tmpdir *t = *state;
	const struct jail_name name = { "data" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP_VOLUME struct volume v = { .mode = 0123 };
		struct err e = ERR_INIT;

		tmpdir_put(t->fd, "volume.json", bad[i]);
		assert_true(volume_file_read(t->fd, &name, &v, &e) < 0);
		if (!strstr(e.text, "volume data") || !e.hint[0])
			fail_msg("%s: %s: %s", bad[i], e.text, e.hint);
		assert_int_equal(v.mode, 0123);
	}
}

static void test_labels(void **state)
{
	CLEANUP_VOLUME struct volume v = { .mode = 0 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(volume_set_label(&v, "a=b", &e), 0);
	assert_int_equal(volume_set_label(&v, "a=c", &e), 0);
	assert_int_equal(v.labels.n, 1);
	assert_string_equal(v.labels.v[0], "a=c");
	assert_int_equal(volume_set_label(&v, "a", &e), -EINVAL);
	e = ERR_INIT;
	assert_int_equal(volume_set_label(&v, "=b", &e), -EINVAL);
	e = ERR_INIT;
	assert_int_equal(volume_set_label(&v, "a=\n", &e), -EINVAL);
	e = ERR_INIT;
	assert_true(volume_set_label(&v, "a=\xff", &e) < 0);
	assert_int_equal(v.labels.n, 1);
}

static void test_owner_and_mode(void **state)
{
	static const char *const bad[] = { "",	 "root",  "-1",	    "65536", "1:",
					   ":1", "1:2:3", "1:root", " 1",    "4294967296" };
	struct volume_options o = { .from = NULL };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(volume_parse_owner("1000", &o, &e), 0);
	assert_true(o.has_owner && o.uid == 1000 && o.gid == 1000);
	assert_int_equal(volume_parse_owner("0:65535", &o, &e), 0);
	assert_true(o.uid == 0 && o.gid == 65535);
	assert_int_equal(volume_parse_mode("2770", &o, &e), 0);
	assert_true(o.has_mode && o.mode == 02770);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct volume_options none = { .from = NULL };

		e = ERR_INIT;
		assert_true(volume_parse_owner(bad[i], &none, &e) < 0);
		assert_false(none.has_owner);
	}
	e = ERR_INIT;
	assert_true(volume_parse_mode("8", &o, &e) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_damaged, tmpdir_make, tmpdir_drop),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_owner_and_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
