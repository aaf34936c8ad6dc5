/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What start and exec share about a process: environment, rights, namespaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <sched.h>
#include <sys/resource.h>

#include "base/path.h"
#include "runtime/process.h"

static struct jail_spec spec_of(const char *text)
{
	struct err e = ERR_INIT;
	struct jail_spec s;

	spec_init(&s);
	assert_int_equal(spec_decode("test", text, strlen(text), &s, &e), 0);
	assert_int_equal(spec_finish(&s, &e), 0);
	return s;
}

/* Value of a variable, which must not be there twice; NULL. */
static const char *value(const struct strv *env, const char *key)
{
	const char *found = NULL;
	size_t n = strlen(key);

	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], key, n) != 0 || env->v[i][n] != '=')
			continue;
		assert_null(found);
		found = env->v[i] + n + 1;
	}
	return found;
}

static const struct creds_user alice = {
	.uid = 1000, .gid = 1000, .home = "/home/alice", .name = "alice"
};

static void test_env_defaults(void **state)
{
	struct jail_spec s = spec_of("{\"name\":\"web\",\"image\":\"x\"}");
	struct creds_user nobody = { .uid = 4711, .gid = 4711 };
	struct strv env = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(process_env(&s, &alice, false, NULL, &env, &e), 0);
	assert_non_null(strstr(value(&env, "PATH"), "/usr/bin"));
	assert_string_equal(value(&env, "HOME"), "/home/alice");
	assert_string_equal(value(&env, "USER"), "alice");
	assert_string_equal(value(&env, "container"), "jail");
	assert_null(value(&env, "TERM"));
	assert_null(env.v[env.n]);
	strv_free(&env);
	/* Whom the image does not know has no name and lives in "/". */
	assert_int_equal(process_env(&s, &nobody, true, NULL, &env, &e), 0);
	assert_string_equal(value(&env, "HOME"), "/");
	assert_null(value(&env, "USER"));
	assert_string_equal(value(&env, "TERM"), "xterm");
	strv_free(&env);
	spec_free(&s);
}

static void test_env_order(void **state)
{
	struct jail_spec s =
		spec_of("{\"name\":\"web\",\"image\":\"x\",\"process\":{\"env\":"
			"{\"PATH\":\"/opt\",\"HOME\":\"/srv\",\"A\":\"1\",\"EMPTY\":\"\","
			"\"TERM\":\"vt100\"}}}");
	static const char *const extra[] = { "A=2", "AB=3", "B=x=y", "B=last", "PATHS=/p", NULL };
	struct strv env = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(process_env(&s, &alice, true, extra, &env, &e), 0);
	assert_string_equal(value(&env, "PATH"), "/opt");
	assert_string_equal(value(&env, "HOME"), "/srv");
	assert_string_equal(value(&env, "TERM"), "vt100");
	assert_string_equal(value(&env, "EMPTY"), "");
	assert_string_equal(value(&env, "A"), "2");
	assert_string_equal(value(&env, "AB"), "3");
	assert_string_equal(value(&env, "B"), "last");
	assert_string_equal(value(&env, "PATHS"), "/p");
	strv_free(&env);
	spec_free(&s);
}

static void test_rights(void **state)
{
	struct jail_spec s =
		spec_of("{\"name\":\"web\",\"image\":\"x\",\"process\":{\"cwd\":\"/srv\","
			"\"rlimits\":{\"nofile\":{\"soft\":100,\"hard\":200}}},"
			"\"security\":{\"capabilities\":[\"CAP_CHOWN\"],"
			"\"noNewPrivileges\":true}}");
	struct sock_filter instruction = { .code = 6 };
	struct seccomp_program filter = { .filter = &instruction, .n = 1, .flags = 2 };
	struct seccomp_program none = { .n = 0 };
	struct process_rights r;

	(void)state;
	process_rights(&s, &filter, &alice, NULL, &r);
	assert_int_equal(r.creds.user.uid, 1000);
	assert_true(r.creds.capabilities == 1); /* CAP_CHOWN is 0 */
	assert_true(r.creds.no_new_privileges);
	assert_int_equal(r.creds.n_rlimits, 1);
	assert_ptr_equal(r.creds.rlimits, r.rlimits);
	assert_int_equal(r.rlimits[0].resource, RLIMIT_NOFILE);
	assert_true(r.rlimits[0].soft == 100 && r.rlimits[0].hard == 200);
	assert_ptr_equal(r.creds.filter, &instruction);
	assert_int_equal(r.creds.n_filter, 1);
	assert_int_equal(r.creds.filter_flags, 2);
	assert_int_equal(r.creds.umask, 022);
	assert_string_equal((const char *)r.creds.prepare_arg, "/srv");
	process_rights(&s, &none, &alice, "/tmp", &r);
	assert_null(r.creds.filter);
	assert_string_equal((const char *)r.creds.prepare_arg, "/tmp");
	spec_free(&s);
}

/* exec must not have more than start, and without a word in the spec that is the default set. */
static void test_rights_defaults(void **state)
{
	struct jail_spec s = spec_of("{\"name\":\"web\",\"image\":\"x\"}");
	struct jail_spec host = spec_of("{\"name\":\"web\",\"image\":\"x\","
					"\"security\":{\"userNamespace\":\"host\"}}");
	struct seccomp_program none = { .n = 0 };
	struct process_rights r;

	(void)state;
	process_rights(&s, &none, &alice, NULL, &r);
	assert_true(r.creds.capabilities == creds_default_capabilities());
	assert_false(r.creds.no_new_privileges);
	assert_int_equal(r.creds.n_rlimits, 0);
	assert_string_equal((const char *)r.creds.prepare_arg, "/");
	process_rights(&host, &none, &alice, NULL, &r);
	assert_true(r.creds.no_new_privileges);
	spec_free(&s);
	spec_free(&host);
}

/* cwd as the kernel sees it afterwards. */
static void test_cwd(void **state)
{
	struct jail_spec s = spec_of("{\"name\":\"web\",\"image\":\"x\"}");
	struct seccomp_program none = { .n = 0 };
	struct process_rights r;
	struct err e = ERR_INIT;
	char before[PATH_MAX], after[PATH_MAX];

	(void)state;
	assert_non_null(getcwd(before, sizeof(before)));
	process_rights(&s, &none, &alice, "/proc", &r);
	assert_int_equal(r.creds.prepare(r.creds.prepare_arg, &e), 0);
	assert_non_null(getcwd(after, sizeof(after)));
	assert_string_equal(after, "/proc");
	assert_int_equal(chdir(before), 0);
	process_rights(&s, &none, &alice, "/no/such/directory", &r);
	assert_int_equal(r.creds.prepare(r.creds.prepare_arg, &e), -ENOENT);
	assert_non_null(strstr(e.text, "process.cwd: /no/such/directory"));
	spec_free(&s);
}

static void test_namespaces(void **state)
{
	static const struct {
		const char *spec;
		uint64_t has, has_not;
	} cases[] = {
		{ "{\"name\":\"a\",\"image\":\"x\"}", CLONE_NEWUSER | CLONE_NEWNET, CLONE_NEWTIME },
		{ "{\"name\":\"a\",\"image\":\"x\",\"network\":{\"mode\":\"none\"}}",
		  CLONE_NEWUSER | CLONE_NEWNET, CLONE_NEWTIME },
		{ "{\"name\":\"a\",\"image\":\"x\",\"network\":{\"mode\":\"host\"}}", CLONE_NEWUSER,
		  CLONE_NEWNET },
		{ "{\"name\":\"a\",\"image\":\"x\",\"security\":{\"userNamespace\":\"host\"}}",
		  CLONE_NEWNET, CLONE_NEWUSER },
		{ "{\"name\":\"a\",\"image\":\"x\",\"security\":{\"timeNamespace\":true}}",
		  CLONE_NEWTIME, 0 },
	};
	const uint64_t always =
		CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct jail_spec s = spec_of(cases[i].spec);
		uint64_t ns = process_namespaces(&s);

		assert_true((ns & always) == always);
		assert_true((ns & cases[i].has) == cases[i].has);
		assert_false(ns & cases[i].has_not);
		spec_free(&s);
	}
}

/* Soft limits stay, hard ones are raised where they are lower: here none is, and nothing changes.
 */
static void test_raise_limits(void **state)
{
	struct jail_spec s = spec_of("{\"name\":\"web\",\"image\":\"x\",\"process\":{"
				     "\"rlimits\":{\"core\":{\"soft\":0,\"hard\":0}}}}");
	struct rlimit before, after;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_CORE, &before), 0);
	assert_int_equal(process_raise_limits(&s, &e), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &after), 0);
	assert_true(before.rlim_cur == after.rlim_cur && before.rlim_max == after.rlim_max);
	spec_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_env_defaults), cmocka_unit_test(test_env_order),
		cmocka_unit_test(test_rights),	     cmocka_unit_test(test_rights_defaults),
		cmocka_unit_test(test_cwd),	     cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_raise_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
