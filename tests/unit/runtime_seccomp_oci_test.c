/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * linux.seccomp of OCI configurations: what differs from the profiles of jail's own spec, namely
 * notification, flags, unknown members, and ENOSYS for calls that are newer than the profile.
 * Run in the simulator, with the numbers of x86_64.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/path.h"
#include "base_tmpdir.h"
#include "runtime/seccomp_priv.h"
#include "tests/unit/bpf_sim.h"

#define NOTIF SECCOMP_RET_USER_NOTIF

static char warned[1024];

static void take_warning(const char *text)
{
	(void)str_format(warned, sizeof(warned), "%s", text);
}

/* A configuration around the object, so that paths and positions are those of a real one. */
static int load_in(const char *object, int cache, struct seccomp_program *p, struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	char text[8192];
	const struct json *node;

	*e = ERR_INIT;
	*p = (struct seccomp_program){ .n = 0 };
	assert_true(str_format(text, sizeof(text), "{\n\"linux\": {\n\"seccomp\": %s}}", object) >
		    0);
	if (json_parse("config.json", text, strlen(text), &doc, e) < 0)
		fail_msg("%s", e->text);
	node = json_get(json_get(json_root(doc), "linux"), "seccomp");
	return seccomp_oci_load("config.json", node, cache, p, e);
}

static void must_load(const char *object, struct seccomp_program *p)
{
	struct err e;

	if (load_in(object, -EBADF, p, &e) < 0)
		fail_msg("%s\nfor %s", e.text, object);
}

static void expect(uint32_t have, uint32_t want, const char *what)
{
	if (have != want)
		fail_msg("%s: 0x%x, expected 0x%x", what, have, want);
}

#define NR(arch, name) sim_nr(arch, name)

/* What is over the largest named number, on each architecture for itself. */
static void test_enosys(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };

	(void)state;
	must_load(
		"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_X86_64\", "
		"\"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"], \"syscalls\": [{\"names\": [\"read\", "
		"\"openat2\", \"no_such_call\"], \"action\": \"SCMP_ACT_ALLOW\"}, {\"names\": "
		"[\"statx\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 5}]}",
		&p);
	assert_false(p.notifies);
	for (int nr = 0; nr < 1000; nr++) {
		uint32_t older = nr > 437 ? SIM_ERRNO(ENOSYS) : SIM_ERRNO(EPERM);
		uint32_t x64 = nr == 0 || nr == 437 ? SIM_ALLOW : nr == 332 ? SIM_ERRNO(5) : older;
		uint32_t x86 = nr == 3 || nr == 437 ? SIM_ALLOW : nr == 383 ? SIM_ERRNO(5) : older;

		expect(sim(&p, SIM_X86_64, nr, 0), x64, "x86_64");
		expect(sim(&p, SIM_X86_64, nr | SIM_X32_BIT, 0), x64, "x32");
		expect(sim(&p, SIM_I386, nr, 0), x86, "i386");
	}
	expect(sim(&p, SIM_I386, -1, 0), SIM_ERRNO(ENOSYS), "-1 on i386");
	expect(sim(&p, SIM_AARCH64, 1000, 0), SIM_KILL, "another architecture");
}

/* Without x32 and i386 their calls end the process, new or not. */
static void test_enosys_one_arch(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };

	(void)state;
	must_load("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 77, \"syscalls\": "
		  "[{\"names\": [\"read\", \"write\"], \"action\": \"SCMP_ACT_ALLOW\"}]}",
		  &p);
	expect(sim(&p, SIM_X86_64, 0, 0), SIM_ALLOW, "read");
	expect(sim(&p, SIM_X86_64, 2, 0), SIM_ERRNO(ENOSYS), "open");
	expect(sim(&p, SIM_X86_64, SIM_X32_BIT, 0), SIM_KILL, "x32 read");
	expect(sim(&p, SIM_X86_64, SIM_X32_BIT | 900, 0), SIM_KILL, "x32 900");
	expect(sim(&p, SIM_I386, 900, 0), SIM_KILL, "i386 900");
	seccomp_program_free(&p);
	must_load("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 77, \"syscalls\": "
		  "[{\"names\": [\"no_such_call\"], \"action\": \"SCMP_ACT_ALLOW\"}]}",
		  &p);
	expect(sim(&p, SIM_X86_64, 900, 0), SIM_ERRNO(77), "nothing is named");
}

/* socket(2) of i386 is allowed by a number that libseccomp has no name for. */
static void test_enosys_multiplexed(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };

	(void)state;
	must_load("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_X86\"], "
		  "\"syscalls\": [{\"names\": [\"read\", \"socket\"], \"action\": "
		  "\"SCMP_ACT_ALLOW\"}]}",
		  &p);
	expect(sim(&p, SIM_I386, 359, 0), SIM_ALLOW, "socket");
	expect(sim(&p, SIM_I386, 102, 1), SIM_ALLOW, "socketcall");
	expect(sim(&p, SIM_I386, 360, 0), SIM_ERRNO(ENOSYS), "socketpair");
}

static void test_no_enosys(void **state)
{
	static const struct {
		const char *action;
		uint32_t want;
	} rows[] = {
		{ "\"SCMP_ACT_ALLOW\"", SIM_ALLOW },
		{ "\"SCMP_ACT_LOG\"", SECCOMP_RET_LOG },
		{ "\"SCMP_ACT_KILL\"", SECCOMP_RET_KILL_THREAD },
		{ "\"SCMP_ACT_KILL_PROCESS\"", SIM_KILL },
		{ "\"SCMP_ACT_TRAP\"", SECCOMP_RET_TRAP },
		{ "\"SCMP_ACT_TRACE\", \"defaultErrnoRet\": 3", SECCOMP_RET_TRACE | 3 },
		{ "\"SCMP_ACT_NOTIFY\", \"listenerPath\": \"/x\"", NOTIF },
		{ "\"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38", SIM_ERRNO(ENOSYS) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };
		char text[256];

		(void)str_format(text, sizeof(text),
				 "{\"defaultAction\": %s, \"syscalls\": [{\"names\": [\"read\"], "
				 "\"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 9}]}",
				 rows[i].action);
		must_load(text, &p);
		expect(sim(&p, SIM_X86_64, 0, 0), SIM_ERRNO(9), rows[i].action);
		expect(sim(&p, SIM_X86_64, 900, 0), rows[i].want, rows[i].action);
		assert_int_equal(p.notifies, rows[i].want == NOTIF);
	}
}

static void test_notify(void **state)
{
	static const char text[] = "{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}";
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };
	struct err e;

	(void)state;
	must_load("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"/run/l.sock\", "
		  "\"listenerMetadata\": \"m\", \"flags\": [\"SECCOMP_FILTER_FLAG_LOG\", "
		  "\"SECCOMP_FILTER_FLAG_TSYNC\", \"SECCOMP_FILTER_FLAG_SPEC_ALLOW\", "
		  "\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"], \"syscalls\": [{\"names\": "
		  "[\"mkdir\", \"write\"], \"action\": \"SCMP_ACT_NOTIFY\"}, {\"names\": "
		  "[\"ioctl\"], \"action\": \"SCMP_ACT_NOTIFY\", \"args\": [{\"index\": 1, "
		  "\"value\": 21522, \"op\": \"SCMP_CMP_EQ\"}]}]}",
		  &p);
	assert_true(p.notifies);
	assert_int_equal(p.flags, SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
					  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	expect(sim(&p, SIM_X86_64, NR(SIM_X86_64, "mkdir"), 0), NOTIF, "mkdir");
	expect(sim(&p, SIM_X86_64, NR(SIM_X86_64, "write"), 0), NOTIF, "write");
	expect(sim(&p, SIM_X86_64, NR(SIM_X86_64, "rmdir"), 0), SIM_ALLOW, "rmdir");
	/* 32 bits of the request, as for every other action. */
	expect(sim(&p, SIM_X86_64, 16, 0, 21522), NOTIF, "ioctl");
	expect(sim(&p, SIM_X86_64, 16, 0, 21522 | 1ULL << 40), NOTIF, "ioctl with high bits");
	expect(sim(&p, SIM_X86_64, 16, 0, 21523), SIM_ALLOW, "another ioctl");

	seccomp_program_free(&p);
	/* The killable flag needs a listener; where nothing notifies there is none. */
	must_load("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": "
		  "[\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]}",
		  &p);
	assert_false(p.notifies);
	assert_int_equal(p.flags, 0);

	/* Not for jail's own. */
	assert_int_equal(seccomp_program_compile("p", text, strlen(text), 0, &p, &e), -EOPNOTSUPP);
}

static void test_errors(void **state)
{
	static const struct {
		const char *json, *text;
	} rows[] = {
		{ "{}", "config.json:3:12: linux.seccomp: \"defaultAction\" is missing" },
		{ "{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}",
		  "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY without \"listenerPath\"" },
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"read\"], "
		  "\"action\": \"SCMP_ACT_NOTIFY\"}]}",
		  "linux.seccomp.syscalls[0].action: SCMP_ACT_NOTIFY without" },
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"x\"}",
		  "linux.seccomp.listenerPath: must be an absolute path" },
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerMetadata\": \"x\"}",
		  "linux.seccomp.listenerMetadata: given without \"listenerPath\"" },
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": [\"SECCOMP_FILTER_FLAG_X\"]}",
		  "linux.seccomp.flags[0]: unknown flag" },
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"defaultErrnoRet\": 1}",
		  "linux.seccomp.defaultErrnoRet: only for SCMP_ACT_ERRNO" },
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"SCMP_ARCH_Z\"]}",
		  "linux.seccomp.architectures[0]: unknown architecture" },
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"name\": \"read\", "
		  "\"action\": \"SCMP_ACT_ERRNO\"}]}",
		  "linux.seccomp.syscalls[0]: \"names\" is missing" },
		{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"read\"], "
		  "\"action\": \"SCMP_ACT_ERRNO\", \"args\": [{\"index\": 6, \"value\": 1, \"op\": "
		  "\"SCMP_CMP_EQ\"}]}]}",
		  "linux.seccomp.syscalls[0].args[0].index: " },
		{ "3", "linux.seccomp: must be" },
	};
	struct seccomp_program p;
	struct err e;

	(void)state;
	warn_set_sink(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(load_in(rows[i].json, -EBADF, &p, &e) < 0);
		assert_null(p.filter);
		if (!str_starts(e.text, "config.json:3:") || !strstr(e.text, rows[i].text))
			fail_msg("%s\nexpected %s", e.text, rows[i].text);
	}
}

/* config.md, "Extensibility"; and what engines' profiles have of their own doesn't count. */
static void test_unknown_members(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };

	(void)state;
	warn_set_sink(take_warning);
	must_load("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"x-vendor\": 1}", &p);
	assert_string_equal(warned, "config.json:3:48: linux.seccomp.x-vendor: unknown, and "
				    "ignored");
	seccomp_program_free(&p);
	must_load("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"archMap\": 7, \"syscalls\": "
		  "[{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"includes\": "
		  "{\"caps\": [\"CAP_SYS_ADMIN\"]}, \"errno\": \"ENXIO\", \"comment\": \"\"}]}",
		  &p);
	warn_set_sink(NULL);
	expect(sim(&p, SIM_X86_64, 0, 0), SIM_ERRNO(EPERM), "read");
}

/* As in the profile that Podman ships: no errors, and the first rule without arguments holds. A
 * denial with arguments holds besides an allowing rule, wherever it stands. */
static void test_contradictions(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };

	(void)state;
	must_load("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38, \"syscalls\": ["
		  "{\"names\": [\"setns\", \"read\"], \"action\": \"SCMP_ACT_ALLOW\"},"
		  "{\"names\": [\"setns\", \"bpf\"], \"action\": \"SCMP_ACT_ERRNO\"},"
		  "{\"names\": [\"bpf\"], \"action\": \"SCMP_ACT_ALLOW\"},"
		  "{\"names\": [\"bpf\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": "
		  "0, \"value\": 5, \"op\": \"SCMP_CMP_EQ\"}]},"
		  "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"args\": [{\"index\": "
		  "0, \"value\": 5, \"op\": \"SCMP_CMP_EQ\"}]}]}",
		  &p);
	expect(sim(&p, SIM_X86_64, NR(SIM_X86_64, "setns"), 0), SIM_ALLOW, "setns");
	expect(sim(&p, SIM_X86_64, NR(SIM_X86_64, "bpf"), 0), SIM_ERRNO(EPERM), "bpf");
	expect(sim(&p, SIM_X86_64, NR(SIM_X86_64, "bpf"), 5), SIM_ERRNO(EPERM), "bpf 5");
	expect(sim(&p, SIM_X86_64, 0, 4), SIM_ALLOW, "read 4");
	expect(sim(&p, SIM_X86_64, 0, 5), SIM_ERRNO(EPERM), "read 5");
}

/* The socket rules of Podman's profile: allowed unless it is netlink's audit family, in 32 bits of
 * each argument, on every architecture. */
static void test_socket_rules(void **state)
{
	static const struct {
		uint32_t arch;
		int nr;
	} calls[] = { { SIM_X86_64, 41 }, { SIM_X86_64, 41 | SIM_X32_BIT }, { SIM_I386, 359 } };
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };

	(void)state;
	must_load(
		"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38, "
		"\"architectures\": [\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\", "
		"\"SCMP_ARCH_X32\"], \"syscalls\": [{\"names\": [\"socket\"], \"action\": "
		"\"SCMP_ACT_ERRNO\", \"errnoRet\": 22, \"args\": [{\"index\": 0, \"value\": 16, "
		"\"op\": \"SCMP_CMP_EQ\"}, {\"index\": 2, \"value\": 9, \"op\": "
		"\"SCMP_CMP_EQ\"}]}, {\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", "
		"\"args\": [{\"index\": 2, \"value\": 9, \"op\": \"SCMP_CMP_NE\"}]}, {\"names\": "
		"[\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, "
		"\"value\": 16, \"op\": \"SCMP_CMP_NE\"}]}, {\"names\": [\"socket\"], \"action\": "
		"\"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 2, \"value\": 9, \"op\": "
		"\"SCMP_CMP_NE\"}]}]}",
		&p);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		uint32_t denied = calls[i].arch == SIM_I386 ? SIM_ERRNO(ENOSYS) : SIM_ERRNO(22);

		for (uint64_t high = 0; high < 3; high++) {
			uint64_t h = calls[i].arch == SIM_I386 ? 0 : high << 32 | high << 63;

			expect(sim(&p, calls[i].arch, calls[i].nr, 16 | h, 3, 9), denied, "audit");
			expect(sim(&p, calls[i].arch, calls[i].nr, 16, 3, 9 | h), denied, "audit");
			expect(sim(&p, calls[i].arch, calls[i].nr, 16 | h, 3, 0), SIM_ALLOW,
			       "route");
			expect(sim(&p, calls[i].arch, calls[i].nr, 2, 1, 9 | h), SIM_ALLOW, "unix");
			expect(sim(&p, calls[i].arch, calls[i].nr, 17 | h, 3, 8), SIM_ALLOW,
			       "other");
		}
	}
	expect(sim(&p, SIM_I386, 102, 1), SIM_ERRNO(ENOSYS), "socketcall");
}

static void test_foreign_architectures(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };

	(void)state;
	must_load("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": "
		  "[\"SCMP_ARCH_AARCH64\", \"SCMP_ARCH_S390X\", \"SCMP_ARCH_MIPSEL64N32\"], "
		  "\"syscalls\": [{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\"}]}",
		  &p);
	expect(sim(&p, SIM_X86_64, 0, 0), SIM_ALLOW, "read");
	expect(sim(&p, SIM_AARCH64, 63, 0), SIM_KILL, "read of aarch64");
}

static int count_files(int dir)
{
	DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;
	int n = 0;

	assert_non_null(d);
	while ((entry = readdir(d)))
		n += entry->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

static void test_cache(void **state)
{
	static const char object[] =
		"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"listenerPath\": \"/l\", \"syscalls\": "
		"[{\"names\": [\"read\"], \"action\": \"SCMP_ACT_NOTIFY\"}]}";
	static const char spaced[] =
		"{ \"defaultAction\":\"SCMP_ACT_ERRNO\",\n\"listenerPath\" : \"/l\", \"syscalls\":"
		"[{\"names\":[ \"read\" ], \"action\": \"SCMP_ACT_NOTIFY\"}] }";
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program a = { .n = 0 }, b = { .n = 0 };
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program c = { .n = 0 };
	const struct tmpdir *t = *state;
	struct err e;

	assert_int_equal(load_in(object, t->fd, &a, &e), 0);
	assert_int_equal(count_files(t->fd), 1);
	assert_int_equal(load_in(object, t->fd, &b, &e), 0);
	assert_true(a.notifies && b.notifies);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.filter, b.filter, a.n * sizeof(*a.filter));
	/* However it is written. */
	assert_int_equal(load_in(spaced, t->fd, &c, &e), 0);
	assert_int_equal(count_files(t->fd), 1);
}

/* A profile of jail's with the same text is another program. */
static void test_cache_of_profiles(void **state)
{
	static const char object[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":"
		"[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}]}";
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program a = { .n = 0 }, b = { .n = 0 };
	const struct tmpdir *t = *state;
	char path[128];
	struct err e;

	tmpdir_put(t->fd, "p.json", object);
	(void)str_format(path, sizeof(path), "%s/p.json", t->path);
	assert_int_equal(load_in(object, t->fd, &a, &e), 0);
	assert_int_equal(seccomp_program_load(path, 0, t->fd, &b, &e), 0);
	expect(sim(&a, SIM_X86_64, 900, 0), SIM_ERRNO(ENOSYS), "OCI");
	expect(sim(&b, SIM_X86_64, 900, 0), SIM_ERRNO(EPERM), "jail");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enosys),
		cmocka_unit_test(test_enosys_one_arch),
		cmocka_unit_test(test_enosys_multiplexed),
		cmocka_unit_test(test_no_enosys),
		cmocka_unit_test(test_notify),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_unknown_members),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_socket_rules),
		cmocka_unit_test(test_foreign_architectures),
		TMPDIR_TEST(test_cache),
		TMPDIR_TEST(test_cache_of_profiles),
	};

	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		return 0; /* the numbers are x86_64's */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
