/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases: one owner per key, whoever else tries at the same moment. */
#include "base_tmpdir.h"

#include <inttypes.h>
#include <sys/wait.h>

#include "base/lease.h"

static struct jail_name name(const char *text)
{
	struct err e = ERR_INIT;
	struct jail_name n = { .s = "" };

	assert_int_equal(name_parse("test", text, &n, &e), 0);
	return n;
}

static void decimal(uint64_t number, const void *arg, char *ret, size_t n)
{
	(void)arg;
	(void)snprintf(ret, n, "%" PRIu64, number);
}

static void test_take_drop(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name web = name("web"), db = name("db"), holder = { .s = "" };
	struct err e = ERR_INIT;

	assert_int_equal(lease_holder(t->fd, "10.88.0.7", &holder), -ENOENT);
	assert_int_equal(lease_take(t->fd, "10.88.0.7", &web, NULL, &e), 0);
	assert_int_equal(lease_take(t->fd, "10.88.0.7", &web, NULL, &e), 0);
	assert_int_equal(e.code, 0);
	assert_int_equal(lease_take(t->fd, "10.88.0.7", &db, &holder, &e), -EEXIST);
	assert_string_equal(holder.s, "web");
	assert_string_equal(e.text, "10.88.0.7 is in use by web");
	assert_int_equal(lease_drop(t->fd, "10.88.0.7", &db), -EPERM);
	assert_int_equal(lease_holder(t->fd, "10.88.0.7", &holder), 0);
	assert_int_equal(lease_drop(t->fd, "10.88.0.7", &web), 0);
	assert_int_equal(lease_drop(t->fd, "10.88.0.7", &web), -ENOENT);
	assert_int_equal(lease_take(t->fd, "10.88.0.7", &db, NULL, &e), 0);
}

static void test_hostile_keys(void **state)
{
	static const char *const bad[] = { "",	   ".",	   "..",  "../x",  "a/b",    "/etc/x",
					   ".tmp", "a\nb", "a b", "a\x7f", "\x1b[2J" };
	const struct tmpdir *t = *state;
	struct jail_name web = name("web"), holder;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(lease_take(t->fd, bad[i], &web, NULL, &e), -EINVAL);
		assert_int_equal(lease_holder(t->fd, bad[i], &holder), -EINVAL);
		assert_int_equal(lease_drop(t->fd, bad[i], &web), -EINVAL);
	}
}

static int count_cb(const char *key, const struct jail_name *owner, void *arg)
{
	assert_true(key[0] != '.');
	assert_true(owner->s[0] != '\0');
	++*(int *)arg;
	return 0;
}

static int stop_cb(const char *key, const struct jail_name *owner, void *arg)
{
	(void)key;
	(void)owner;
	++*(int *)arg;
	return -ECANCELED;
}

static void test_each(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name web = name("web");
	struct err e = ERR_INIT;
	int n = 0;

	assert_int_equal(lease_take(t->fd, "1", &web, NULL, &e), 0);
	assert_int_equal(lease_take(t->fd, "2", &web, NULL, &e), 0);
	/* Not leases: a file, a link whose owner is no name, a temporary name. */
	tmpdir_put(t->fd, "3", "");
	assert_int_equal(symlinkat("../../etc", t->fd, "4"), 0);
	assert_int_equal(symlinkat("web", t->fd, ".5.tmp"), 0);
	assert_int_equal(lease_each(t->fd, count_cb, &n, &e), 0);
	assert_int_equal(n, 2);
	n = 0;
	assert_int_equal(lease_each(t->fd, stop_cb, &n, &e), -ECANCELED);
	assert_int_equal(n, 1);
	assert_true(lease_take(t->fd, "4", &web, NULL, &e) < 0);
}

static void test_rename(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name a = name("a"), b = name("b"), c = name("c"), holder;
	struct err e = ERR_INIT;

	assert_int_equal(lease_rename(t->fd, "1", &a, &b), -ENOENT);
	assert_int_equal(lease_take(t->fd, "1", &a, NULL, &e), 0);
	assert_int_equal(lease_rename(t->fd, "1", &c, &b), -EPERM);
	assert_int_equal(symlinkat("stale", t->fd, ".1.tmp"), 0);
	assert_int_equal(lease_rename(t->fd, "1", &a, &b), 0);
	assert_int_equal(lease_holder(t->fd, "1", &holder), 0);
	assert_string_equal(holder.s, "b");
	assert_int_equal(lease_rename(t->fd, "1", &a, &b), 0); /* done again after a crash */
	assert_false(tmpdir_exists(t->fd, ".1.tmp"));
}

static int take_any(int dir, uint64_t first, uint64_t count, const struct jail_name *owner,
		    struct lease_taken *ret, struct err *e)
{
	struct lease_range range = { .first = first, .count = count, .format = decimal };

	return lease_take_any(dir, &range, owner, ret, e);
}

static void test_any(void **state)
{
	const struct tmpdir *t = *state;
	bool seen[10] = { false };
	struct err e = ERR_INIT;
	struct lease_taken v = { .number = 77 }, again;
	struct jail_name last = name("last");
	uint64_t met = 0;

	for (int i = 0; i < 10; i++) {
		char text[8];
		struct jail_name owner;

		assert_true(str_format(text, sizeof(text), "i%d", i) > 0);
		owner = name(text);
		assert_int_equal(take_any(t->fd, 100, 10, &owner, &v, &e), 0);
		assert_true(v.number >= 100 && v.number < 110 && !seen[v.number - 100]);
		assert_true(!v.had && v.met <= (uint64_t)i);
		met += v.met;
		seen[v.number - 100] = true;
		/* A command that is run again gets the same number. */
		assert_int_equal(take_any(t->fd, 100, 10, &owner, &again, &e), 0);
		assert_true(again.number == v.number && again.met == v.met && again.had);
	}
	assert_true(met > 0);
	v.number = 77;
	assert_int_equal(take_any(t->fd, 100, 10, &last, &v, &e), -ENOSPC);
	assert_string_equal(e.text, "pool exhausted: 10 of 10 in use");
	assert_int_equal(take_any(t->fd, 100, 0, &last, &v, &e), -ENOSPC);
	assert_true(v.number == 77);
}

static bool is_odd(uint64_t number, const void *arg)
{
	return arg && number % 2;
}

/* Numbers that somebody else uses are passed over, and left without a lease. */
static void test_foreign(void **state)
{
	const struct tmpdir *t = *state;
	const struct lease_range range = {
		.first = 500, .count = 6, .format = decimal, .is_foreign = is_odd, .arg = ""
	};
	struct err e = ERR_INIT;
	struct lease_taken v;

	for (int i = 0; i < 4; i++) {
		char text[8];
		struct jail_name owner, holder;

		assert_true(str_format(text, sizeof(text), "f%d", i) > 0);
		owner = name(text);
		assert_int_equal(lease_take_any(t->fd, &range, &owner, &v, &e),
				 i < 3 ? 0 : -ENOSPC);
		assert_true(v.number % 2 == 0);
		assert_int_equal(lease_holder(t->fd, "501", &holder), -ENOENT);
	}
	assert_string_equal(e.text, "pool exhausted: 6 of 6 in use");
}

#define RACERS 6
#define POOL 40

/* Takes every number of the pool that it can, as owners of its own, and tells how many. */
static void race_child(int dir, int id, int start, int out)
{
	int won = 0;
	char c;

	if (read(start, &c, 1) < 0) /* end of file is the starting shot */
		_exit(1);
	for (int i = 0; i < POOL; i++) {
		struct jail_name owner;
		struct err e = ERR_INIT;
		struct lease_taken v;
		int r;

		(void)snprintf(owner.s, sizeof(owner.s), "r%d-%d", id, i);
		r = take_any(dir, 0, POOL, &owner, &v, &e);
		if (r == 0) {
			char key[24];
			struct jail_name holder;

			decimal(v.number, NULL, key, sizeof(key));
			if (lease_holder(dir, key, &holder) < 0 || strcmp(holder.s, owner.s) != 0)
				_exit(2);
			won++;
		} else if (r != -ENOSPC) {
			_exit(3);
		}
	}
	(void)!write(out, &won, sizeof(won));
	_exit(0);
}

static void test_race(void **state)
{
	const struct tmpdir *t = *state;
	int start[2], out[2], total = 0, leases = 0;
	struct err e = ERR_INIT;
	pid_t pids[RACERS];

	assert_int_equal(pipe2(start, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			(void)close(start[1]);
			race_child(t->fd, i, start[0], out[1]);
		}
	}
	assert_int_equal(close(start[1]), 0);
	for (int i = 0; i < RACERS; i++) {
		int status, won = 0;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
		assert_int_equal(read(out[0], &won, sizeof(won)), sizeof(won));
		total += won;
	}
	assert_int_equal(total, POOL);
	assert_int_equal(lease_each(t->fd, count_cb, &leases, &e), 0);
	assert_int_equal(leases, POOL);
	fd_reset(&start[0]);
	fd_reset(&out[0]);
	fd_reset(&out[1]);
}

/* Promise 5: in a pool that is a tenth full an owner finds its number in a probe or two. */
/* 500 of a large range have low numbers, and what is dropped is given again. */
static void test_compact(void **state)
{
	const struct tmpdir *t = *state;
	struct lease_range range = {
		.first = 1000, .count = 1000000, .format = decimal, .compact = true
	};
	struct lease_taken v, again;
	struct err e = ERR_INIT;
	struct jail_name owner;
	uint64_t last = 0, low = 0;

	for (int i = 0; i < 500; i++) {
		(void)snprintf(owner.s, sizeof(owner.s), "i%d", i);
		assert_int_equal(lease_take_any(t->fd, &range, &owner, &v, &e), 0);
		assert_true(v.number >= 1000 && !v.had && v.met == 0);
		last = v.number > last ? v.number : last;
		low += v.number < 1000 + 512;
		assert_int_equal(lease_take_any(t->fd, &range, &owner, &again, &e), 0);
		assert_true(again.number == v.number && again.had);
	}
	assert_true(last < 1000 + 2048);
	assert_true(low > 400);
	/* To its end all the same. */
	range.count = 600;
	for (int i = 500; i < 1200; i++) {
		(void)snprintf(owner.s, sizeof(owner.s), "i%d", i);
		if (lease_take_any(t->fd, &range, &owner, &v, &e) < 0)
			break;
		low++;
	}
	assert_string_equal(e.text, "pool exhausted: 600 of 600 in use");
	for (uint64_t number = 1000; number < 1600; number++) {
		char key[24];

		decimal(number, NULL, key, sizeof(key));
		assert_int_equal(lease_holder(t->fd, key, &owner), 0);
	}
}

static void test_spread(void **state)
{
	const struct tmpdir *t = *state;
	struct lease_taken first[200];
	size_t equal = 0;
	struct err e = ERR_INIT;

	for (int i = 0; i < 200; i++) {
		struct jail_name owner;

		(void)snprintf(owner.s, sizeof(owner.s), "web-%d", i);
		assert_int_equal(take_any(t->fd, 0, 65536, &owner, &first[i], &e), 0);
		for (int k = 0; k < i; k++)
			equal += first[k].number / 256 == first[i].number / 256;
	}
	/* 19900 pairs over 256 blocks: 78 expected; a hash that clusters has thousands. */
	assert_true(equal < 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TMPDIR_TEST(test_take_drop), TMPDIR_TEST(test_hostile_keys),
		TMPDIR_TEST(test_each),	     TMPDIR_TEST(test_rename),
		TMPDIR_TEST(test_any),	     TMPDIR_TEST(test_race),
		TMPDIR_TEST(test_compact),   TMPDIR_TEST(test_spread),
		TMPDIR_TEST(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
