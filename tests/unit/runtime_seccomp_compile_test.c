/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parser, the compiler and the cache of seccomp profiles: every action and operator of the OCI
 * specification against its meaning written in C, rules that overlap, conditions, bad profiles with
 * the position they are reported at, the cache's hits, misses and damages.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/creds.h"
#include "runtime/seccomp_priv.h"
#include "tests/unit/bpf_sim.h"

static int compile_caps(const char *text, uint64_t caps, struct seccomp_program *p, struct err *e)
{
	*e = ERR_INIT;
	*p = (struct seccomp_program){ .n = 0 };
	return seccomp_program_compile("p.json", text, strlen(text), caps, p, e);
}

static void must_compile(const char *text, struct seccomp_program *p)
{
	struct err e;

	if (compile_caps(text, 0, p, &e) < 0)
		fail_msg("%s\nfor %s", e.text, text);
}

static void expect(const char *what, uint32_t action, const char *want)
{
	char buf[32];
	const char *have = sim_text(action, buf);

	if (strcmp(have, want) != 0)
		fail_msg("%s: %s, expected %s", what, have, want);
}

#define X86(p, name, ...) sim(p, SIM_X86_64, sim_nr(SIM_X86_64, name), __VA_ARGS__)

static void test_actions(void **state)
{
	static const struct {
		const char *json, *want;
	} rows[] = {
		{ "\"SCMP_ACT_ALLOW\"", "ALLOW" },
		{ "\"SCMP_ACT_LOG\"", "LOG" },
		{ "\"SCMP_ACT_KILL\"", "KILL_THREAD" },
		{ "\"SCMP_ACT_KILL_THREAD\"", "KILL_THREAD" },
		{ "\"SCMP_ACT_KILL_PROCESS\"", "KILL_PROCESS" },
		{ "\"SCMP_ACT_TRAP\"", "TRAP" },
		{ "\"SCMP_ACT_ERRNO\"", "ERRNO 1" },
		{ "\"SCMP_ACT_ERRNO\", \"errnoRet\": 38", "ERRNO 38" },
		{ "\"SCMP_ACT_ERRNO\", \"errnoRet\": 0", "ERRNO 0" },
		{ "\"SCMP_ACT_ERRNO\", \"errnoRet\": 4094", "ERRNO 4094" },
		{ "\"SCMP_ACT_ERRNO\", \"errno\": \"EACCES\"", "ERRNO 13" },
		{ "\"SCMP_ACT_ERRNO\", \"errno\": \"EPERM\", \"errnoRet\": 1", "ERRNO 1" },
		{ "\"SCMP_ACT_TRACE\"", "TRACE 1" },
		{ "\"SCMP_ACT_TRACE\", \"errnoRet\": 77", "TRACE 77" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };
		char text[256];

		assert_true(str_format(text, sizeof(text),
				       "{\"defaultAction\": \"SCMP_ACT_ERRNO\", "
				       "\"defaultErrnoRet\": 99, \"syscalls\": [{\"names\": "
				       "[\"getpid\"], \"action\": %s}]}",
				       rows[i].json) > 0);
		must_compile(text, &p);
		expect(rows[i].json, X86(&p, "getpid", 0), rows[i].want);
		expect("default", X86(&p, "getppid", 0), "ERRNO 99");
	}
}

static bool meaning(enum scmp_compare op, uint64_t x, uint64_t a, uint64_t b)
{
	switch (op) {
	case SCMP_CMP_NE:
		return x != a;
	case SCMP_CMP_LT:
		return x < a;
	case SCMP_CMP_LE:
		return x <= a;
	case SCMP_CMP_EQ:
		return x == a;
	case SCMP_CMP_GE:
		return x >= a;
	case SCMP_CMP_GT:
		return x > a;
	case SCMP_CMP_MASKED_EQ:
		return (x & a) == b;
	case _SCMP_CMP_MIN:
	case _SCMP_CMP_MAX:
		break;
	}
	return false;
}

static const uint64_t samples[] = {
	0,
	1,
	2,
	3,
	39,
	40,
	41,
	0x5411,
	0x5412,
	0x5413,
	0x7fffffff,
	0x80000000,
	0xfffffffe,
	0xffffffff,
	1ULL << 32,
	(1ULL << 32) | 40,
	(1ULL << 32) | 0x5412,
	1ULL << 63,
	UINT64_MAX - 1,
	UINT64_MAX,
};

/* Every operator on an argument of 64 bits (lseek's offset) and one of 32 (ioctl's request), as an
 * allow rule and as a deny rule. */
static void check_operator(const struct seccomp_word *op, uint64_t a, uint64_t b, bool deny)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };
	bool narrow_ok = a <= UINT32_MAX;
	char two[64] = "";
	char text[512], what[96];
	bool hit;

	if (op->value == SCMP_CMP_MASKED_EQ)
		assert_true(str_format(two, sizeof(two), ", \"valueTwo\": %llu",
				       (unsigned long long)b) > 0);
	assert_true(str_format(text, sizeof(text),
			       "{\"defaultAction\": \"%s\", \"syscalls\": [{\"names\": "
			       "[\"lseek\"%s], \"action\": \"%s\", \"args\": [{\"index\": 1, "
			       "\"value\": %llu%s, \"op\": \"%s\"}]}]}",
			       deny ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO",
			       narrow_ok ? ", \"ioctl\"" : "",
			       deny ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW", (unsigned long long)a,
			       two, op->name) > 0);
	must_compile(text, &p);
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		uint64_t x = samples[i];

		(void)str_format(what, sizeof(what), "%s %llx %llx on %llx", op->name,
				 (unsigned long long)a, (unsigned long long)b,
				 (unsigned long long)x);
		hit = meaning((enum scmp_compare)op->value, x, a, b);
		expect(what, X86(&p, "lseek", 0, x), hit != deny ? "ALLOW" : "ERRNO 1");
		if (!narrow_ok)
			continue;
		hit = meaning((enum scmp_compare)op->value, (uint32_t)x, a, (uint32_t)b);
		expect(what, X86(&p, "ioctl", 0, x), hit != deny ? "ALLOW" : "ERRNO 1");
	}
}

static void test_operators(void **state)
{
	static const uint64_t values[] = { 0,	       1,	   40,
					   0x5412,     0x7fffffff, 0x80000000,
					   0xffffffff, 1ULL << 32, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < seccomp_n_ops; i++)
		for (size_t k = 0; k < ARRAY_SIZE(values); k++)
			for (int deny = 0; deny < 2; deny++)
				check_operator(&seccomp_ops[i], values[k], values[k] & 0x10, deny);
}

/* Narrow arguments in pairs, where the alternatives multiply. */
static void test_operators_together(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };
	static const uint64_t some[] = { 0, 1, 2, 9, 10, 11, 30, 0xffffffff, 1ULL << 40 | 10 };

	(void)state;
	must_compile("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": "
		     "[\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, "
		     "\"value\": 10, \"op\": \"SCMP_CMP_LE\"}, {\"index\": 2, \"value\": 10, "
		     "\"op\": \"SCMP_CMP_NE\"}]}]}",
		     &p);
	for (size_t i = 0; i < ARRAY_SIZE(some); i++)
		for (size_t k = 0; k < ARRAY_SIZE(some); k++)
			expect("socket <= 10, != 10", X86(&p, "socket", some[i], 1, some[k]),
			       (uint32_t)some[i] <= 10 && (uint32_t)some[k] != 10 ? "ALLOW"
										  : "ERRNO 1");
}

/* A denial with arguments beats an allowance, in any order; libseccomp alone would drop it. */
static void test_denial_beats_allowance(void **state)
{
	static const char *const texts[] = {
		"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": ["
		"{\"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_ALLOW\"},"
		"{\"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 5, "
		"\"args\": [{\"index\": 1, \"value\": 21522, \"op\": \"SCMP_CMP_EQ\"}]}]}",
		"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": ["
		"{\"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 5, "
		"\"args\": [{\"index\": 1, \"value\": 21522, \"op\": \"SCMP_CMP_EQ\"}]},"
		"{\"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_ALLOW\"}]}",
		"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": ["
		"{\"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 5, "
		"\"args\": [{\"index\": 1, \"value\": 21522, \"op\": \"SCMP_CMP_EQ\"}]}]}",
		/* the denial is the default action itself */
		"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 5, \"syscalls\": ["
		"{\"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_ALLOW\"},"
		"{\"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 5, "
		"\"args\": [{\"index\": 1, \"value\": 21522, \"op\": \"SCMP_CMP_EQ\"}]}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };

		must_compile(texts[i], &p);
		expect("TIOCSTI", X86(&p, "ioctl", 0, 0x5412), "ERRNO 5");
		expect("TIOCSTI, high", X86(&p, "ioctl", 0, 0xf00005412), "ERRNO 5");
		expect("TCGETS", X86(&p, "ioctl", 0, 0x5401), "ALLOW");
		expect("x32", sim(&p, SIM_X86_64, SIM_X32_BIT | 1, 0), "KILL_PROCESS");
	}
}

/* The family filter of other engines' profiles: passed by high bits and by socketcall there. */
static void test_socketcall_does_not_get_around(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };

	(void)state;
	must_compile("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38, "
		     "\"archMap\": [{\"architecture\": \"SCMP_ARCH_X86_64\", "
		     "\"subArchitectures\": [\"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"]}], "
		     "\"syscalls\": [{\"names\": [\"socketcall\", \"bind\"], \"action\": "
		     "\"SCMP_ACT_ALLOW\"}, {\"names\": [\"socket\"], \"action\": "
		     "\"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 40, \"op\": "
		     "\"SCMP_CMP_NE\"}]}]}",
		     &p);
	expect("AF_VSOCK", X86(&p, "socket", 40), "ERRNO 38");
	expect("AF_VSOCK, high", X86(&p, "socket", 1ULL << 32 | 40), "ERRNO 38");
	expect("AF_INET", X86(&p, "socket", 2), "ALLOW");
	expect("AF_VSOCK, x32", sim(&p, SIM_X86_64, SIM_X32_BIT | 41, 40), "ERRNO 38");
	expect("AF_INET, x32", sim(&p, SIM_X86_64, SIM_X32_BIT | 41, 2), "ALLOW");
	expect("AF_VSOCK, i386", sim(&p, SIM_I386, 359, 40), "ERRNO 38");
	expect("AF_INET, i386", sim(&p, SIM_I386, 359, 2), "ALLOW");
	expect("socketcall SOCKET", sim(&p, SIM_I386, 102, 1, 2), "ERRNO 38");
	expect("socketcall BIND", sim(&p, SIM_I386, 102, 2, 2), "ALLOW");
}

/* A denylist profile, where what can't be seen is denied too. */
static void test_socketcall_in_denylist(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };

	(void)state;
	must_compile("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": "
		     "[\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\", \"SCMP_ARCH_ARM\"], "
		     "\"syscalls\": [{\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ERRNO\", "
		     "\"errnoRet\": 97, \"args\": [{\"index\": 0, \"value\": 40, \"op\": "
		     "\"SCMP_CMP_EQ\"}]}, {\"names\": [\"socket\"], \"action\": "
		     "\"SCMP_ACT_ERRNO\", \"errnoRet\": 93, \"args\": [{\"index\": 0, \"value\": "
		     "16, \"op\": \"SCMP_CMP_EQ\"}, {\"index\": 2, \"value\": 9, \"op\": "
		     "\"SCMP_CMP_EQ\"}]}, {\"names\": [\"semop\"], \"action\": "
		     "\"SCMP_ACT_KILL\", \"args\": [{\"index\": 2, \"value\": 500, \"op\": "
		     "\"SCMP_CMP_GT\"}]}]}",
		     &p);
	expect("AF_VSOCK", X86(&p, "socket", 40), "ERRNO 97");
	expect("audit", X86(&p, "socket", 16, 3, 9), "ERRNO 93");
	expect("route", X86(&p, "socket", 16, 3, 0), "ALLOW");
	expect("AF_VSOCK, i386", sim(&p, SIM_I386, 359, 40), "ERRNO 1");
	expect("AF_INET, i386", sim(&p, SIM_I386, 359, 2), "ALLOW");
	expect("socketcall", sim(&p, SIM_I386, 102, 1, 2, 9), "ERRNO 1");
	expect("socketcall", sim(&p, SIM_I386, 102, 1, 2, 0), "ERRNO 1");
	expect("socketcall BIND", sim(&p, SIM_I386, 102, 2, 2, 0), "ALLOW");
	expect("ipc SEMOP", sim(&p, SIM_I386, 117, 1, 0, 1), "ERRNO 1");
	expect("ipc SEMOP, version", sim(&p, SIM_I386, 117, 0x10001, 0, 1), "ERRNO 1");
	expect("ipc SEMGET", sim(&p, SIM_I386, 117, 2, 0, 1), "ALLOW");
	expect("semop 500", X86(&p, "semop", 0, 0, 500), "ALLOW");
	expect("semop 501", X86(&p, "semop", 0, 0, 501), "KILL_THREAD");
	expect("arm is not run by this host", sim(&p, SIM_ARM, 1, 0), "KILL_PROCESS");
}

/* Conditions on one argument are alternatives, on several ones all must hold. */
static void test_several_arguments(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };

	(void)state;
	must_compile("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": "
		     "[\"lseek\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 2, "
		     "\"value\": 1, \"op\": \"SCMP_CMP_EQ\"}, {\"index\": 2, \"value\": 3, "
		     "\"op\": \"SCMP_CMP_EQ\"}]}, {\"names\": [\"mmap\"], \"action\": "
		     "\"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 1, \"op\": "
		     "\"SCMP_CMP_EQ\"}, {\"index\": 1, \"value\": 2, \"op\": \"SCMP_CMP_EQ\"}, "
		     "{\"index\": 2, \"value\": 3, \"op\": \"SCMP_CMP_EQ\"}, {\"index\": 3, "
		     "\"value\": 4, \"op\": \"SCMP_CMP_EQ\"}, {\"index\": 4, \"value\": 5, "
		     "\"op\": \"SCMP_CMP_EQ\"}, {\"index\": 5, \"value\": 6, \"op\": "
		     "\"SCMP_CMP_EQ\"}]}]}",
		     &p);
	expect("1", X86(&p, "lseek", 0, 0, 1), "ALLOW");
	expect("2", X86(&p, "lseek", 0, 0, 2), "ERRNO 1");
	expect("3", X86(&p, "lseek", 0, 0, 3), "ALLOW");
	expect("mmap", X86(&p, "mmap", 1, 2, 3, 4, 5, 6), "ALLOW");
	expect("mmap", X86(&p, "mmap", 1, 2, 3, 4, 5, 7), "ERRNO 1");
	expect("mmap", X86(&p, "mmap", 0, 2, 3, 4, 5, 6), "ERRNO 1");
}

#define RULE(more)                                                                                 \
	"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": [\"getpid\"], "        \
	"\"action\": \"SCMP_ACT_ALLOW\", " more "}]}"

static void test_conditions(void **state)
{
	const uint64_t admin = 1ULL << 21, raw = 1ULL << 13;
	const struct {
		const char *text;
		uint64_t caps;
		const char *want;
	} rows[] = {
		{ RULE("\"includes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}"), admin, "ALLOW" },
		{ RULE("\"includes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}"), raw, "ERRNO 1" },
		{ RULE("\"includes\": {\"caps\": [\"CAP_SYS_ADMIN\", \"CAP_NET_RAW\"]}"), raw,
		  "ERRNO 1" },
		{ RULE("\"includes\": {\"caps\": [\"CAP_SYS_ADMIN\", \"CAP_NET_RAW\"]}"),
		  raw | admin, "ALLOW" },
		{ RULE("\"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\", \"CAP_NET_RAW\"]}"), raw,
		  "ERRNO 1" },
		{ RULE("\"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}"), raw, "ALLOW" },
		{ RULE("\"includes\": {\"arches\": [\"amd64\", \"arm64\"]}"), 0, "ALLOW" },
		{ RULE("\"includes\": {\"arches\": [\"s390x\"]}"), 0, "ERRNO 1" },
		{ RULE("\"includes\": {\"arches\": []}"), 0, "ALLOW" },
		{ RULE("\"excludes\": {\"arches\": [\"amd64\"]}"), 0, "ERRNO 1" },
		{ RULE("\"includes\": {\"minKernel\": \"5.19\"}"), 0, "ALLOW" },
		{ RULE("\"includes\": {\"minKernel\": \"999.0\"}"), 0, "ERRNO 1" },
		{ RULE("\"includes\": {}, \"excludes\": {}, \"comment\": \"\""), 0, "ALLOW" },
		{ RULE("\"includes\": null, \"args\": null, \"errnoRet\": null"), 0, "ALLOW" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };
		struct err e;

		if (compile_caps(rows[i].text, rows[i].caps, &p, &e) < 0)
			fail_msg("%s: %s", rows[i].text, e.text);
		expect(rows[i].text, X86(&p, "getpid", 0), rows[i].want);
	}
}

static void test_flags_and_unknown_calls(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };

	(void)state;
	must_compile("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"flags\": "
		     "[\"SECCOMP_FILTER_FLAG_LOG\", \"SECCOMP_FILTER_FLAG_TSYNC\", "
		     "\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"], \"syscalls\": [{\"name\": "
		     "\"getpid\", \"names\": null, \"action\": \"SCMP_ACT_ALLOW\"}, {\"names\": "
		     "[\"call_of_the_year_2100\"], \"action\": \"SCMP_ACT_KILL\"}]}",
		     &p);
	assert_int_equal(p.flags, SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	expect("getpid", X86(&p, "getpid", 0), "ALLOW");
}

/* Each with the place that must be named, and a word of the reason. */
static const struct {
	const char *text, *where, *why;
} bad[] = {
	{ "", "p.json", "" },
	{ "[]", "p.json:1:1", "must be" },
	{ "{}", "p.json:1:1", "defaultAction" },
	{ "{\"defaultAction\": 1}", "p.json:1:19", "defaultAction" },
	{ "{\"defaultAction\":\n  \"SCMP_ACT_ALOW\"}", "p.json:2:3", "SCMP_ACT_ALOW" },
	{ "{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}", "p.json:1:19", "not supported yet" },
	{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"defaultErrnoRet\": 1}", "p.json:1:56",
	  "only for" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 4095}", "p.json:1:56",
	  "4095" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": -1}", "p.json:1:56", "-1" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 1.5}", "p.json:1:56",
	  "1.5" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrno\": \"EWHAT\"}", "p.json:1:53",
	  "EWHAT" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrno\": \"EPERM\", "
	  "\"defaultErrnoRet\": 38}",
	  "p.json:1:53", "another error" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscall\": []}", "p.json:1:37",
	  "unknown key" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": {}}", "p.json:1:49", "array" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [7]}", "p.json:1:50", "object" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"listenerPath\": \"/x\"}", "p.json:1:37",
	  "not supported yet" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"flags\": [\"SECCOMP_FILTER_FLAG_NEW\"]}",
	  "p.json:1:47", "SECCOMP_FILTER_FLAG_NEW" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_Z80\"]}",
	  "p.json:1:55", "SCMP_ARCH_Z80" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"archMap\": [{}]}", "p.json:1:49",
	  "architecture" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_X86\"], "
	  "\"archMap\": [{\"architecture\": \"SCMP_ARCH_X86_64\"}]}",
	  "p.json:1:73", "together" },
	{ RULE("\"arg\": []"), "p.json:1:100", "unknown key" },
	{ RULE("\"errnoRet\": 1"), "p.json:1:112", "only for" },
	{ RULE("\"args\": [{\"index\": 6, \"value\": 0, \"op\": \"SCMP_CMP_EQ\"}]"), "p.json:1:119",
	  "6" },
	{ RULE("\"args\": [{\"index\": 0, \"value\": -1, \"op\": \"SCMP_CMP_EQ\"}]"),
	  "p.json:1:131", "-1" },
	{ RULE("\"args\": [{\"index\": 0, \"value\": 18446744073709551616, \"op\": "
	       "\"SCMP_CMP_EQ\"}]"),
	  "p.json:1:131", "18446744073709551616" },
	{ RULE("\"args\": [{\"index\": 0, \"value\": 0, \"op\": \"SCMP_CMP_EQUAL\"}]"),
	  "p.json:1:140", "SCMP_CMP_EQUAL" },
	{ RULE("\"args\": [{\"index\": 0, \"value\": 0}]"), "p.json:1:109", "\"op\" is missing" },
	{ RULE("\"args\": [{\"index\": 0, \"value\": 0, \"valueTwo\": 1, \"op\": "
	       "\"SCMP_CMP_EQ\"}]"),
	  "p.json:1:146", "only for" },
	{ RULE("\"includes\": {\"caps\": [\"CAP_ROOT\"]}"), "p.json:1:122", "CAP_ROOT" },
	{ RULE("\"includes\": {\"cap\": []}"), "p.json:1:113", "unknown key" },
	{ RULE("\"excludes\": {\"arches\": [\"x86_64\"]}"), "p.json:1:124", "x86_64" },
	{ RULE("\"includes\": {\"minKernel\": \"five\"}"), "p.json:1:126", "kernel version" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": [], \"action\": "
	  "\"SCMP_ACT_ALLOW\"}]}",
	  "p.json:1:60", "no system call" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"action\": "
	  "\"SCMP_ACT_ALLOW\"}]}",
	  "p.json:1:50", "names" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": [\"getpid\"]}]}",
	  "p.json:1:50", "action" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": [1], \"action\": "
	  "\"SCMP_ACT_ALLOW\"}]}",
	  "p.json:1:61", "string" },
	/* contradictions */
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [\n{\"names\": [\"getpid\"], "
	  "\"action\": \"SCMP_ACT_ALLOW\"},\n{\"names\": [\"getuid\", \"getpid\"], \"action\": "
	  "\"SCMP_ACT_KILL\"}]}",
	  "p.json:3:22", "line 2" },
	{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [\n{\"names\": [\"clone\"], "
	  "\"action\": \"SCMP_ACT_ERRNO\"},\n{\"names\": [\"clone\"], \"action\": "
	  "\"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 1, \"op\": "
	  "\"SCMP_CMP_EQ\"}]}]}",
	  "p.json:3:12", "never hold" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [\n{\"names\": [\"ioctl\"], "
	  "\"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 1, \"value\": 4294967296, "
	  "\"op\": \"SCMP_CMP_LT\"}]}]}",
	  "p.json:2:1", "32 bits" },
};

static void test_bad_profiles(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct seccomp_program p;
		struct err e;
		int r = compile_caps(bad[i].text, 0, &p, &e);

		if (r >= 0)
			fail_msg("accepted: %s", bad[i].text);
		assert_int_equal(r, -e.code);
		assert_null(p.filter);
		if (strncmp(e.text, bad[i].where, strlen(bad[i].where)) != 0 ||
		    !strstr(e.text, bad[i].why))
			fail_msg("%s\nfor %s\nexpected %s: %s", e.text, bad[i].text, bad[i].where,
				 bad[i].why);
	}
}

static void test_typo_has_a_hint(void **state)
{
	struct seccomp_program p;
	struct err e;

	(void)state;
	assert_true(compile_caps("{\"defaultActon\": \"SCMP_ACT_ERRNO\"}", 0, &p, &e) < 0);
	assert_string_equal(e.hint, "did you mean \"defaultAction\"?");
}

/* Cache. */

struct cache {
	char path[32];
	int dir;
};

static int cache_setup(void **state)
{
	static struct cache c;

	(void)snprintf(c.path, sizeof(c.path), "/tmp/seccomp-XXXXXX");
	assert_non_null(mkdtemp(c.path));
	c.dir = open(c.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(c.dir >= 0);
	*state = &c;
	return 0;
}

static int cache_teardown(void **state)
{
	struct cache *c = *state;
	struct err e = ERR_INIT;

	CLEANUP_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)close(c->dir);
	return path_remove_tree(tmp, c->path + strlen("/tmp/"), &e);
}

static unsigned warnings;
static void count_warning(const char *text)
{
	(void)text;
	warnings++;
}

static const char *const profile_text = RULE("\"comment\": \"1\"");

static void cache_name(const char *text, uint64_t caps, char name[static 80])
{
	struct seccomp_target target = {
		.arch = seccomp_arch_native(),
		.capabilities = caps,
	};
	struct utsname u;
	struct digest key;

	assert_int_equal(uname(&u), 0);
	assert_int_equal(sscanf(u.release, "%u.%u", &target.kernel_major, &target.kernel_minor), 2);
	seccomp_cache_key(text, strlen(text), &target, &key);
	(void)snprintf(name, 80, "%s.bpf", key.hex);
}

static void write_profile(const struct cache *c, const char *text, char path[static 64])
{
	struct err e = ERR_INIT;

	(void)snprintf(path, 64, "%s/profile.json", c->path);
	assert_int_equal(
		file_write_at(c->dir, "profile.json", text, strlen(text), 0600, FILE_NOSYNC, &e),
		0);
}

static void load(const struct cache *c, const char *path, struct seccomp_program *p)
{
	struct err e = ERR_INIT;

	if (seccomp_program_load(path, 0, c->dir, p, &e) < 0)
		fail_msg("%s", e.text);
}

static void expect_same(const struct seccomp_program *a, const struct seccomp_program *b)
{
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->flags, b->flags);
	assert_memory_equal(a->filter, b->filter, a->n * sizeof(*a->filter));
}

static void test_cache_hit(void **state)
{
	const struct cache *c = *state;
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program first = { .n = 0 };
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program second = { .n = 0 };
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program third = { .n = 0 };
	char path[64], name[80];
	struct digest key = { .hex = "" };
	struct err e = ERR_INIT;
	struct stat st;

	write_profile(c, profile_text, path);
	load(c, path, &first);
	cache_name(profile_text, 0, name);
	assert_int_equal(fstatat(c->dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	load(c, path, &second);
	expect_same(&first, &second);

	/* That it is really the file that is used: another program under the same key comes back.
	 */
	memcpy(key.hex, name, 64);
	first.filter[0].k ^= 1;
	assert_int_equal(seccomp_cache_write(c->dir, &key, &first, &e), 0);
	load(c, path, &third);
	expect_same(&first, &third);
}

static void test_cache_keys_differ(void **state)
{
	const struct cache *c = *state;
	struct seccomp_target a = { .arch = SCMP_ARCH_X86_64, .kernel_major = 6 };
	struct seccomp_target others[4] = { a, a, a, a };
	struct digest key, other;

	(void)c;
	others[0].arch = SCMP_ARCH_AARCH64;
	others[1].kernel_major = 5;
	others[2].kernel_minor = 1;
	others[3].capabilities = 1;
	seccomp_cache_key("text", 4, &a, &key);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		seccomp_cache_key("text", 4, &others[i], &other);
		assert_string_not_equal(key.hex, other.hex);
	}
	seccomp_cache_key("texU", 4, &a, &other);
	assert_string_not_equal(key.hex, other.hex);
	seccomp_cache_key("text", 4, &a, &other);
	assert_string_equal(key.hex, other.hex);
}

static void corrupt(const struct cache *c, const char *name, off_t at)
{
	CLEANUP_FD int fd = openat(c->dir, name, O_RDWR | O_CLOEXEC);
	char byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x20;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void resize(const struct cache *c, const char *name, off_t size)
{
	CLEANUP_FD int fd = openat(c->dir, name, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
}

/* Each damage is a miss, and the file is whole again afterwards. */
static void test_cache_damage(void **state)
{
	const struct cache *c = *state;
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program whole = { .n = 0 };
	char path[64], name[80];
	struct stat st;

	write_profile(c, profile_text, path);
	load(c, path, &whole);
	cache_name(profile_text, 0, name);
	assert_int_equal(fstatat(c->dir, name, &st, 0), 0);
	const off_t sizes[] = { 0, 20, st.st_size - 1, st.st_size + 8 };

	for (off_t i = 0; i < st.st_size + 4; i++) {
		CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };

		if (i < 4)
			resize(c, name, sizes[i]);
		else
			corrupt(c, name, i - 4);
		load(c, path, &p);
		expect_same(&whole, &p);
	}
}

static void test_cache_not_writable(void **state)
{
	const struct cache *c = *state;
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };
	struct err e = ERR_INIT;
	char path[64], name[80];

	write_profile(c, profile_text, path);
	cache_name(profile_text, 0, name);
	/* A directory in the file's place: neither readable nor replaceable. */
	assert_int_equal(mkdirat(c->dir, name, 0700), 0);
	warnings = 0;
	warn_set_sink(count_warning);
	assert_int_equal(seccomp_program_load(path, 0, c->dir, &p, &e), 0);
	warn_set_sink(NULL);
	assert_int_equal(warnings, 1);
	assert_true(p.n > 0);
}

static void test_load_names(void **state)
{
	const struct cache *c = *state;
	struct seccomp_program p = { .n = 7 };
	struct err e = ERR_INIT;
	char path[64];

	assert_int_equal(seccomp_program_load("unconfined", 0, c->dir, &p, &e), 0);
	assert_int_equal(p.n, 0);
	assert_null(p.filter);
	assert_int_equal(seccomp_program_load("relative.json", 0, c->dir, &p, &e), -EINVAL);
	e = ERR_INIT;
	assert_int_equal(seccomp_program_load("/nowhere/x.json", 0, c->dir, &p, &e), -ENOENT);
	e = ERR_INIT;
	assert_int_equal(seccomp_program_load("/dev/zero", 0, c->dir, &p, &e), -EINVAL);
	e = ERR_INIT;
	assert_int_equal(seccomp_program_load("/tmp", 0, c->dir, &p, &e), -EINVAL);
	e = ERR_INIT;
	write_profile(c, "{\"defaultAction\": \"SCMP_ACT_NO\"}", path);
	assert_int_equal(seccomp_program_load(path, 0, c->dir, &p, &e), -EINVAL);
	assert_non_null(strstr(e.text, "profile.json:1:19"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_operators),
		cmocka_unit_test(test_operators_together),
		cmocka_unit_test(test_denial_beats_allowance),
		cmocka_unit_test(test_socketcall_does_not_get_around),
		cmocka_unit_test(test_socketcall_in_denylist),
		cmocka_unit_test(test_several_arguments),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_flags_and_unknown_calls),
		cmocka_unit_test(test_bad_profiles),
		cmocka_unit_test(test_typo_has_a_hint),
		cmocka_unit_test_setup_teardown(test_cache_hit, cache_setup, cache_teardown),
		cmocka_unit_test_setup_teardown(test_cache_keys_differ, cache_setup,
						cache_teardown),
		cmocka_unit_test_setup_teardown(test_cache_damage, cache_setup, cache_teardown),
		cmocka_unit_test_setup_teardown(test_cache_not_writable, cache_setup,
						cache_teardown),
		cmocka_unit_test_setup_teardown(test_load_names, cache_setup, cache_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
