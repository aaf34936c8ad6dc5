/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an image's config makes of a spec, and what it can't (row 44). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

#include "base/str.h"
#include "runtime/image_defaults.h"

#define FULL                                                                                       \
	"{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{"                                \
	"\"Entrypoint\":[\"/entry\",\"-x\"],\"Cmd\":[\"serve\"],"                                  \
	"\"Env\":[\"PATH=/image/bin\",\"LANG=C.UTF-8\",\"LINES=a\\nb\"],"                          \
	"\"User\":\"www-data\",\"WorkingDir\":\"/srv\",\"StopSignal\":\"SIGQUIT\","                \
	"\"ExposedPorts\":{\"80/tcp\":{}},\"Volumes\":{\"/data\":{}},"                             \
	"\"Labels\":{\"role\":\"db\"},\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"]}},"             \
	"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}"

static char warned[512];

static void take_warning(const char *text)
{
	(void)snprintf(warned, sizeof(warned), "%s", text);
}

static int apply(struct jail_spec *s, const char *text, struct err *e)
{
	CLEANUP_IMAGE_CONFIG struct image_config c = { .author = NULL };

	*e = (struct err)ERR_INIT;
	if (image_config_parse("config", text, strlen(text), &c, e) < 0)
		fail_msg("%s", e->text);
	return spec_apply_image(s, &c, e);
}

static void assert_strv(const struct strv *v, const char *expected)
{
	char text[512] = "";

	for (size_t i = 0; i < v->n; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s[%s]",
			       i ? " " : "", v->v[i]);
	assert_string_equal(text, expected);
}

static void test_all(void **state)
{
	CLEANUP_SPEC struct jail_spec s;
	struct err e;

	(void)state;
	spec_init(&s);
	assert_int_equal(apply(&s, FULL, &e), 0);
	assert_strv(&s.process.args, "[/entry] [-x] [serve]");
	assert_strv(&s.process.env, "[PATH=/image/bin] [LANG=C.UTF-8] [LINES=a\nb]");
	assert_string_equal(s.process.user, "www-data");
	assert_string_equal(s.process.cwd, "/srv");
	assert_int_equal(s.stop.signal, SIGQUIT);
	/* And nothing else. */
	assert_int_equal(s.n_labels, 0);
	assert_int_equal(s.network.n_ports, 0);
	assert_int_equal(s.n_mounts, 0);
	assert_null(s.hostname);
	assert_false(s.process.terminal);
}

static void test_given_goes_before(void **state)
{
	CLEANUP_SPEC struct jail_spec s;
	struct err e;

	(void)state;
	spec_init(&s);
	assert_int_equal(strv_add(&s.process.args, "/bin/sh"), 0);
	assert_int_equal(spec_set_env(&s, "PATH=/mine", &e), 0);
	assert_int_equal(spec_set_env(&s, "MORE=1", &e), 0);
	assert_int_equal(spec_set_user(&s, "7:7", &e), 0);
	s.process.cwd = strdup("/tmp");
	s.stop.signal = SIGINT;
	assert_int_equal(apply(&s, FULL, &e), 0);
	assert_strv(&s.process.args, "[/bin/sh]");
	assert_strv(&s.process.env, "[PATH=/mine] [LANG=C.UTF-8] [LINES=a\nb] [MORE=1]");
	assert_string_equal(s.process.user, "7:7");
	assert_string_equal(s.process.cwd, "/tmp");
	assert_int_equal(s.stop.signal, SIGINT);
}

/* A system's init is not an image's entrypoint. */
static void test_system(void **state)
{
	CLEANUP_SPEC struct jail_spec s;
	struct err e;

	(void)state;
	spec_init(&s);
	s.mode = SPEC_MODE_SYSTEM;
	assert_int_equal(apply(&s, FULL, &e), 0);
	assert_int_equal(s.process.args.n, 0);
	assert_int_equal(s.stop.signal, 0);
	assert_int_equal(s.process.env.n, 3);
}

#define CONFIG(text)                                                                               \
	"{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{" text                           \
	"},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}"

static void test_odd(void **state)
{
	CLEANUP_SPEC struct jail_spec s;
	struct err e;

	(void)state;
	spec_init(&s);
	assert_int_equal(apply(&s, CONFIG(""), &e), 0);
	assert_int_equal(s.process.args.n, 0);
	assert_null(s.process.user);
	assert_null(s.process.cwd);
	assert_int_equal(
		apply(&s, CONFIG("\"WorkingDir\":\"app/x\",\"User\":\"\",\"StopSignal\":\"\""), &e),
		0);
	assert_string_equal(s.process.cwd, "/app/x");
	assert_null(s.process.user);
	assert_int_equal(apply(&s, CONFIG("\"Env\":[\"A\\u0001=1\",\"GOOD=1\"]"), &e), 0);
	assert_strv(&s.process.env, "[GOOD=1]");
	assert_non_null(strstr(warned, "left out"));
	assert_int_equal(apply(&s, CONFIG("\"User\":\"-1\""), &e), -EINVAL);
	assert_non_null(strstr(e.text, "the image's user"));
	assert_int_equal(apply(&s, CONFIG("\"StopSignal\":\"SIGNONE\""), &e), -EINVAL);
	assert_non_null(strstr(e.text, "the image's stop signal"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_given_goes_before),
		cmocka_unit_test(test_system),
		cmocka_unit_test(test_odd),
	};

	warn_set_sink(take_warning);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
