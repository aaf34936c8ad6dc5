/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Id ranges: disjoint, bounded by the pool, given back, never overlapping the host's ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>

#include "base/path.h"
#include "base/str.h"
#include "namespaces/idmap.h"

static char dir[] = "/tmp/jail-idmap.XXXXXX";
static int pool_dir;

static struct jail_name owner(unsigned i)
{
	struct jail_name n;

	assert_true(str_format(n.s, sizeof(n.s), "web-%u", i) > 0);
	return n;
}

static void test_disjoint_until_exhausted(void **state)
{
	const struct id_pool pool = { 1u << 20, 20 };
	struct id_range got[20], more;
	struct err e = ERR_INIT;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		struct jail_name name = owner(i);

		assert_int_equal(idmap_lease(pool_dir, &pool, &name, &got[i], &e), 0);
		assert_int_equal(got[i].count, IDMAP_COUNT);
		assert_true(got[i].first >= pool.first);
		assert_true(got[i].first <= pool.first + 19 * IDMAP_COUNT);
		for (unsigned j = 0; j < i; j++) {
			uint32_t a = got[i].first, b = got[j].first;

			assert_true(a >= b + IDMAP_COUNT || b >= a + IDMAP_COUNT);
		}
	}
	for (unsigned i = 0; i < 20; i++) { /* the same owner keeps its range */
		struct jail_name name = owner(i);

		assert_int_equal(idmap_lease(pool_dir, &pool, &name, &more, &e), 0);
		assert_int_equal(more.first, got[i].first);
	}
	{
		struct jail_name late = owner(99), first = owner(7);

		assert_int_equal(idmap_lease(pool_dir, &pool, &late, &more, &e), -ENOSPC);
		assert_string_equal(e.text, "id range for web-99: pool exhausted: 20 of 20 in use");
		assert_true(strlen(e.hint) > 0);
		/* only its owner can give a range back */
		idmap_release(pool_dir, &pool, &late, &got[7]);
		e = ERR_INIT;
		assert_int_equal(idmap_lease(pool_dir, &pool, &late, &more, &e), -ENOSPC);
		idmap_release(pool_dir, &pool, &first, &got[7]);
		e = ERR_INIT;
		assert_int_equal(idmap_lease(pool_dir, &pool, &late, &more, &e), 0);
		assert_int_equal(more.first, got[7].first);
	}
}

static void test_bad_pools(void **state)
{
	static const struct id_pool pools[] = {
		{ 0, 10 }, /* the host's own users */
		{ 65535, 1 },
		{ 1u << 20, 0 },
		{ 0xffff0000u, 1 }, /* ends on (uid_t)-1 */
		{ 1u << 31, 40000 }, /* over 32 bits */
		{ 1u << 20, UINT32_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pools); i++) {
		struct jail_name name = owner(0);
		struct err e = ERR_INIT;
		struct id_range r = { 7, 7 };

		assert_int_equal(idmap_lease(pool_dir, &pools[i], &name, &r, &e), -EINVAL);
		assert_int_equal(r.first, 7);
	}
}

static void test_to_host(void **state)
{
	const struct id_range range = { 1000000, IDMAP_COUNT }, none = { 0, 0 };

	(void)state;
	assert_int_equal(idmap_to_host(&range, 0), 1000000);
	assert_int_equal(idmap_to_host(&range, 65535), 1065535);
	assert_int_equal(idmap_to_host(&range, 65536), (uint32_t)-1);
	assert_int_equal(idmap_to_host(&none, 33), 33);
}

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	pool_dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return pool_dir < 0;
}

static int teardown(void **state)
{
	struct err e = ERR_INIT;
	int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	(void)close(pool_dir);
	assert_int_equal(path_remove_tree(tmp, strrchr(dir, '/') + 1, &e), 0);
	(void)close(tmp);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disjoint_until_exhausted),
		cmocka_unit_test(test_bad_pools),
		cmocka_unit_test(test_to_host),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
