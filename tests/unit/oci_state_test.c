/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ids and state.json of OCI containers. */
#include "base_tmpdir.h"

#include "base/file.h"
#include "runtime/oci/engine_priv.h"

static void test_ids(void **state)
{
	static const char *const good[] = { "a", "A_b+c-d.e", "0", "..a", ".a", "-", "a..b" };
	static const char *const bad[] = { "",	".",   "..",  ".jail",	  "a/b",
					   "/", "a b", "a\n", "\xc3\xa4", "a:b" };
	struct oci_id id;
	struct err e;
	char longest[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		e = ERR_INIT;
		assert_int_equal(oci_id_parse(good[i], &id, &e), 0);
		assert_string_equal(id.s, good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		e = ERR_INIT;
		assert_int_equal(oci_id_parse(bad[i], &id, &e), -EINVAL);
		assert_non_null(strstr(e.text, "container id"));
	}
	memset(longest, 'a', sizeof(longest));
	longest[255] = '\0'; /* a file's name */
	e = ERR_INIT;
	assert_int_equal(oci_id_parse(longest, &id, &e), 0);
	longest[255] = 'a';
	longest[256] = '\0';
	assert_int_equal(oci_id_parse(longest, &id, &e), -EINVAL);
}

static struct oci_state sample(void)
{
	struct oci_state s = {
		.pid = 4711,
		.start_ticks = 1234567890123,
		.created = "2026-11-27T09:27:08.009574037Z",
		.bundle = strdup("/b \"q\" \xc3\xa4"),
		.rootfs = strdup("/b/rootfs"),
		.owner = 1000,
		.own_pids = true,
		.poststop = true,
		.cgroup = { .path = "/a.slice/b.scope",
			    .parent_made = "/a.slice",
			    .inode = 99,
			    .systemd = true,
			    .slice = "a.slice",
			    .unit = "b.scope" },
	};

	return s;
}

static void test_state_round(void **state)
{
	const struct tmpdir *d = *state;
	struct oci_state s = sample(), got = { .pid = 0 };
	struct err e = ERR_INIT;

	assert_int_equal(oci_state_read(d->fd, &got, &e), -ENOENT);
	assert_int_equal(e.code, 0);
	assert_int_equal(oci_state_write(d->fd, &s, &e), 0);
	assert_int_equal(oci_state_read(d->fd, &got, &e), 0);
	assert_int_equal(got.pid, s.pid);
	assert_int_equal(got.start_ticks, s.start_ticks);
	assert_string_equal(got.created, s.created);
	assert_string_equal(got.bundle, s.bundle);
	assert_string_equal(got.rootfs, s.rootfs);
	assert_int_equal(got.owner, s.owner);
	assert_true(got.own_pids);
	assert_false(got.poststart);
	assert_true(got.poststop);
	assert_string_equal(got.cgroup.path, s.cgroup.path);
	assert_string_equal(got.cgroup.parent_made, s.cgroup.parent_made);
	assert_int_equal(got.cgroup.inode, s.cgroup.inode);
	assert_true(got.cgroup.systemd);
	assert_string_equal(got.cgroup.slice, s.cgroup.slice);
	assert_string_equal(got.cgroup.unit, s.cgroup.unit);
	oci_state_free(&s);
	oci_state_free(&got);
}

/* Cut or damaged at any place it is an error, and nothing is taken for a process. */
static void test_state_damaged(void **state)
{
	const struct tmpdir *d = *state;
	struct oci_state s = sample();
	struct err e = ERR_INIT;
	CLEANUP_FREE char *text = NULL;
	size_t n = 0;

	assert_int_equal(oci_state_write(d->fd, &s, &e), 0);
	oci_state_free(&s);
	assert_int_equal(file_read_at(d->fd, "state.json", 1 << 20, &text, &n, &e), 0);
	for (size_t i = 0; i < n; i++) {
		struct oci_state got = { .pid = 0 };

		e = ERR_INIT;
		assert_int_equal(file_write_at(d->fd, "state.json", text, i, 0600, FILE_NOSYNC, &e),
				 0);
		assert_true(oci_state_read(d->fd, &got, &e) < 0);
		assert_true(e.code > 0);
		oci_state_free(&got);
	}
}

static void test_start_ticks(void **state)
{
	uint64_t a = 0, b = 0;

	(void)state;
	assert_int_equal(oci_start_ticks(getpid(), &a), 0);
	assert_int_equal(oci_start_ticks(getpid(), &b), 0);
	assert_true(a > 0);
	assert_int_equal(a, b);
	assert_int_equal(oci_start_ticks(4194305, &a), -ESRCH); /* over PID_MAX_LIMIT */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test_setup_teardown(test_state_round, tmpdir_make, tmpdir_drop),
		cmocka_unit_test_setup_teardown(test_state_damaged, tmpdir_make, tmpdir_drop),
		cmocka_unit_test(test_start_ticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
