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

static void row_44_all_that_is_taken(void **state)
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

static int unapply(struct jail_spec *s, const char *text, struct err *e)
{
	CLEANUP_IMAGE_CONFIG struct image_config c = { .author = NULL };

	*e = (struct err)ERR_INIT;
	if (text && image_config_parse("config", text, strlen(text), &c, e) < 0)
		fail_msg("%s", e->text);
	return spec_unapply_image(s, text ? &c : NULL, e);
}

/* A spec as it is stored: with an image's defaults, and then jail's. */
static void finished(struct jail_spec *s, const char *config)
{
	struct err e = ERR_INIT;

	s->has_image = true;
	assert_int_equal(image_ref_parse("image", &s->image, &e), 0);
	if (config)
		assert_int_equal(apply(s, config, &e), 0);
	if (spec_finish(s, &e) < 0)
		fail_msg("%s", e.text);
}

static void test_unapply_takes_all(void **state)
{
	CLEANUP_SPEC struct jail_spec s;
	struct err e;

	(void)state;
	spec_init(&s);
	finished(&s, FULL);
	assert_int_equal(unapply(&s, FULL, &e), 0);
	assert_int_equal(s.process.args.n, 0);
	assert_int_equal(s.process.env.n, 0);
	assert_null(s.process.user);
	assert_null(s.process.cwd);
	assert_int_equal(s.stop.signal, 0);
}

static void test_unapply_leaves_what_was_given(void **state)
{
	CLEANUP_SPEC struct jail_spec s;
	struct err e = ERR_INIT;

	(void)state;
	spec_init(&s);
	assert_int_equal(strv_add(&s.process.args, "/mine"), 0);
	assert_int_equal(spec_set_env(&s, "PATH=/mine", &e), 0);
	assert_int_equal(spec_set_env(&s, "MORE=1", &e), 0);
	assert_int_equal(spec_set_user(&s, "7", &e), 0);
	s.process.cwd = strdup("/mine");
	s.stop.signal = SIGUSR1;
	finished(&s, FULL);
	assert_int_equal(unapply(&s, FULL, &e), 0);
	assert_strv(&s.process.args, "[/mine]");
	assert_strv(&s.process.env, "[PATH=/mine] [MORE=1]");
	assert_string_equal(s.process.user, "7");
	assert_string_equal(s.process.cwd, "/mine");
	assert_int_equal(s.stop.signal, SIGUSR1);
}

/* Without a wish of the image jail's defaults count as nobody's. */
static void test_unapply_no_config(void **state)
{
	CLEANUP_SPEC struct jail_spec s;
	struct err e = ERR_INIT;

	(void)state;
	spec_init(&s);
	assert_int_equal(strv_add(&s.process.args, "/mine"), 0);
	finished(&s, NULL);
	assert_string_equal(s.process.user, "0");
	assert_int_equal(unapply(&s, NULL, &e), 0);
	assert_strv(&s.process.args, "[/mine]");
	assert_null(s.process.user);
	assert_null(s.process.cwd);
	assert_int_equal(s.stop.signal, 0);
}

/* What a system's init is and does is never the image's. */
static void test_unapply_system(void **state)
{
	CLEANUP_SPEC struct jail_spec s;
	struct err e = ERR_INIT;

	(void)state;
	spec_init(&s);
	s.mode = SPEC_MODE_SYSTEM;
	finished(&s, FULL);
	assert_int_equal(unapply(&s, FULL, &e), 0);
	assert_strv(&s.process.args, "[/sbin/init]");
	assert_string_equal(s.process.user, "0");
	assert_int_equal(s.process.env.n, 0);
	assert_null(s.process.cwd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_44_all_that_is_taken),
		cmocka_unit_test(test_given_goes_before),
		cmocka_unit_test(test_system),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_unapply_takes_all),
		cmocka_unit_test(test_unapply_leaves_what_was_given),
		cmocka_unit_test(test_unapply_no_config),
		cmocka_unit_test(test_unapply_system),
	};

	warn_set_sink(take_warning);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
