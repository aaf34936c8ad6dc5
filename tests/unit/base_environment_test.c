/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of an environment stays, and that nothing else can be seen from outside (row 7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/str.h"

/* What /proc/PID/environ shows to who may trace us; NUL is a blank. */
static char *seen(void)
{
	char *text = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;

	if (file_read_at(-1, "/proc/self/environ", 1 << 20, &text, &n, &e) < 0)
		fail_msg("%s", e.text);
	for (size_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = ' ';
	return text;
}

static void row_7_the_rest_is_gone(void **state)
{
	static const char *const names[] = { "KEPT", "NOT_SET" };
	CLEANUP_FREE char *before = seen(), *after = NULL, *form = NULL;
	struct err e = ERR_INIT;

	(void)state;
	/* The naive twin forgets pointers: clearenv(3) leaves the text. */
	assert_non_null(strstr(before, "SECRET=zzz"));
	if (getenv("CMOCKA_MESSAGE_OUTPUT"))
		form = strdup(getenv("CMOCKA_MESSAGE_OUTPUT"));
	assert_int_equal(environment_keep(names, ARRAY_SIZE(names), &e), 0);
	after = seen();
	assert_int_equal(strspn(after, " "), strlen(after));
	assert_string_equal(getenv("KEPT"), "this");
	assert_null(getenv("NOT_SET"));
	assert_null(getenv("SECRET"));
	assert_null(environ[1]);
	/* How cmocka is to report this. */
	if (form)
		assert_int_equal(setenv("CMOCKA_MESSAGE_OUTPUT", form, 1), 0);
}

static void test_too_many(void **state)
{
	const char *names[ENVIRONMENT_KEPT_MAX + 1];
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		names[i] = "KEPT";
	assert_int_equal(environment_keep(names, ARRAY_SIZE(names), &e), -E2BIG);
	assert_string_equal(getenv("KEPT"), "this");
}

int main(int argc, char **argv)
{
	static char secret[] = "SECRET=zzz", kept[] = "KEPT=this",
		    other[] = "OTHER=", again[] = "again";
	char *environment[] = { secret, kept, other, NULL, NULL };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_7_the_rest_is_gone),
		cmocka_unit_test(test_too_many),
	};

	/* So that there is something that execve(2) has put there. */
	if (argc == 1 && !getenv("SECRET")) {
		char *args[] = { argv[0], again, NULL }, form[64];

		if (getenv("CMOCKA_MESSAGE_OUTPUT")) {
			(void)snprintf(form, sizeof(form), "CMOCKA_MESSAGE_OUTPUT=%s",
				       getenv("CMOCKA_MESSAGE_OUTPUT"));
			environment[3] = form;
		}
		(void)execve("/proc/self/exe", args, environment);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
