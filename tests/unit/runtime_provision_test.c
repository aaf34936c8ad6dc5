/* SPDX-License-Identifier: GPL-2.0-or-later */
/* First boot: the texts of account files, keys and the seed's meta-data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/provision.h"

static void check_field(const char *text, unsigned field, const char *value, const char *or_line,
			const char *expected)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;

	provision_set_field(text, field, value, or_line, &b);
	assert_string_equal(strbuf_str(&b), expected);
}

static void test_field(void **state)
{
	(void)state;
	check_field("root:*:1:0:9:7:::\ndaemon:*:1::::::\n", 1, "$6$a$b", "other",
		    "root:$6$a$b:1:0:9:7:::\ndaemon:*:1::::::\n");
	/* Not the first line, no newline at the end, a name that only begins like it. */
	check_field("rooty:*:1\nroot:x:0:0::/root:/bin/sh", 1, "", NULL,
		    "rooty:*:1\nroot::0:0::/root:/bin/sh\n");
	/* Too few fields. */
	check_field("root:\n", 1, "h", NULL, "root:h\n");
	check_field("root:\n", 3, "h", NULL, "root:::h\n");
	/* Only the first of two. */
	check_field("root:a\nroot:b\n", 1, "h", "other", "root:h\nroot:b\n");
	/* None. */
	check_field("", 1, "h", "root:h:1", "root:h:1\n");
	check_field("a:b", 1, "h", "root:h:1", "a:b\nroot:h:1\n");
	check_field("a:b\n", 1, "h", NULL, "a:b\n");
}

static void test_keys(void **state)
{
	char one[] = "ssh-rsa AAAA one", two[] = "ssh-rsa BBBB";
	char *keys[] = { one, two };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	CLEANUP_STRBUF struct strbuf again = STRBUF_INIT;

	(void)state;
	provision_add_keys("# mine\nssh-rsa BBBB two", keys, 2, &b);
	assert_string_equal(strbuf_str(&b),
			    "# mine\nssh-rsa BBBB two\nssh-rsa AAAA one\nssh-rsa BBBB\n");
	provision_add_keys(strbuf_str(&b), keys, 2, &again);
	assert_string_equal(strbuf_str(&again), strbuf_str(&b));
}

static void check_meta(const char *given, const char *expected)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct err e = ERR_INIT;
	int r = provision_meta_data(given, "0123", "web", &b, &e);

	assert_int_equal(r, expected ? 0 : -EINVAL);
	if (expected)
		assert_string_equal(strbuf_str(&b), expected);
}

static void test_meta_data(void **state)
{
	(void)state;
	check_meta(NULL, "instance-id: 0123\nlocal-hostname: web\n");
	check_meta("public-keys: [a]\n", "instance-id: 0123\npublic-keys: [a]\n");
	check_meta("a: b\ninstance-id: mine\n", "a: b\ninstance-id: mine\n");
	check_meta("{\"instance-id\": 1}", "{\"instance-id\": 1}");
	check_meta(" {\"a\": 1}", NULL);
	check_meta("---\na: b\n", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_field),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_meta_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
