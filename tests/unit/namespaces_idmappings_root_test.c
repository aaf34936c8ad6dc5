/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Id maps of several ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "base/sys.h"
#include "namespaces/bundle.h"

static struct id_mapping many[400];

static int namespace_of(size_t n, struct err *e)
{
	const struct id_mappings maps = { many, many, n, n };

	*e = ERR_INIT;
	return id_mappings_namespace(&maps, e);
}

/* More than five are sorted by the kernel, so they don't read back in this order. */
static void test_ranges(void **state)
{
	static const size_t counts[] = { 1, 5, 6, 200 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct id_mapping){ (uint32_t)(1000 - i), (uint32_t)(50000 + 2 * i), 1 };
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		int fd = namespace_of(counts[i], &e);

		if (fd < 0)
			print_error("%s\n", e.text);
		assert_true(fd >= 0);
		assert_int_equal(ioctl(fd, NS_GET_NSTYPE), CLONE_NEWUSER);
		(void)close(fd);
	}
	assert_int_equal(waitpid(-1, NULL, 0), -1); /* the helpers are gone */
}

static void test_errors(void **state)
{
	struct err e;

	(void)state;
	/* more than the kernel takes: of ranges, and of text */
	assert_int_equal(namespace_of(400, &e), -E2BIG);
	assert_non_null(strstr(e.text, "uid_map"));
	many[1] = many[0];
	assert_int_equal(namespace_of(2, &e), -EINVAL);
	assert_non_null(strstr(e.text, "id mappings"));
	many[0] = (struct id_mapping){ 0, UINT32_MAX - 1, 10 };
	assert_int_equal(namespace_of(1, &e), -EINVAL);
}

static void test_to_host(void **state)
{
	static const struct id_mapping maps[] = { { 0, 1000, 1 }, { 1, 100000, 65535 } };

	(void)state;
	assert_int_equal(id_mappings_to_host(maps, 2, 0), 1000);
	assert_int_equal(id_mappings_to_host(maps, 2, 1), 100000);
	assert_int_equal(id_mappings_to_host(maps, 2, 65535), 165534);
	assert_int_equal(id_mappings_to_host(maps, 2, 65536), UINT32_MAX);
	assert_int_equal(id_mappings_to_host(maps, 0, 0), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_to_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
