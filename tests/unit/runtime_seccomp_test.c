/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shipped seccomp profile, call by call, on each architecture that it has: the compiled program
 * is run in the simulator, so no root and no other kernel is needed (rows 32, 55 to 59). One test
 * installs it for real, to see that kernel and simulator agree. The compiler, the parser and the
 * cache have tests of their own (runtime_seccomp_compile_test.c).
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/limits.h"
#include "runtime/creds.h"
#include "runtime/seccomp_priv.h"
#include "tests/unit/bpf_sim.h"

/*
 * All that isn't ALLOW for arguments of 0: with the default capabilities, and with all. What libc
 * or libseccomp know and this list doesn't is allowed; a call that is new to libseccomp therefore
 * fails the test until somebody decides.
 */
static const struct {
	const char *name, *by_default, *with_all;
} golden[] = {
	{ "_sysctl", "ERRNO 38", "ERRNO 38" },
	{ "afs_syscall", "ERRNO 38", "ERRNO 38" },
	{ "bdflush", "ERRNO 38", "ERRNO 38" },
	{ "break", "ERRNO 38", "ERRNO 38" },
	{ "ftime", "ERRNO 38", "ERRNO 38" },
	{ "getpmsg", "ERRNO 38", "ERRNO 38" },
	{ "gtty", "ERRNO 38", "ERRNO 38" },
	{ "idle", "ERRNO 38", "ERRNO 38" },
	{ "lock", "ERRNO 38", "ERRNO 38" },
	{ "lookup_dcookie", "ERRNO 38", "ERRNO 38" },
	{ "mpx", "ERRNO 38", "ERRNO 38" },
	{ "nfsservctl", "ERRNO 38", "ERRNO 38" },
	{ "prof", "ERRNO 38", "ERRNO 38" },
	{ "profil", "ERRNO 38", "ERRNO 38" },
	{ "putpmsg", "ERRNO 38", "ERRNO 38" },
	{ "security", "ERRNO 38", "ERRNO 38" },
	{ "stty", "ERRNO 38", "ERRNO 38" },
	{ "sysfs", "ERRNO 38", "ERRNO 38" },
	{ "tuxcall", "ERRNO 38", "ERRNO 38" },
	{ "ulimit", "ERRNO 38", "ERRNO 38" },
	{ "uselib", "ERRNO 38", "ERRNO 38" },
	{ "ustat", "ERRNO 38", "ERRNO 38" },
	{ "vserver", "ERRNO 38", "ERRNO 38" },
	{ "acct", "ERRNO 1", "ALLOW" },
	{ "bpf", "ERRNO 1", "ALLOW" },
	{ "clock_settime", "ERRNO 1", "ALLOW" },
	{ "clock_settime64", "ERRNO 1", "ALLOW" },
	{ "fanotify_init", "ERRNO 1", "ALLOW" },
	{ "fsconfig", "ERRNO 1", "ALLOW" },
	{ "fsmount", "ERRNO 1", "ALLOW" },
	{ "fsopen", "ERRNO 1", "ALLOW" },
	{ "fspick", "ERRNO 1", "ALLOW" },
	{ "get_mempolicy", "ERRNO 1", "ALLOW" },
	{ "ioperm", "ERRNO 1", "ALLOW" },
	{ "iopl", "ERRNO 1", "ALLOW" },
	{ "kcmp", "ERRNO 1", "ALLOW" },
	{ "mbind", "ERRNO 1", "ALLOW" },
	{ "migrate_pages", "ERRNO 1", "ALLOW" },
	{ "mount", "ERRNO 1", "ALLOW" },
	{ "mount_setattr", "ERRNO 1", "ALLOW" },
	{ "move_mount", "ERRNO 1", "ALLOW" },
	{ "move_pages", "ERRNO 1", "ALLOW" },
	{ "open_tree", "ERRNO 1", "ALLOW" },
	{ "perf_event_open", "ERRNO 1", "ALLOW" },
	{ "pidfd_getfd", "ERRNO 1", "ALLOW" },
	{ "pivot_root", "ERRNO 1", "ALLOW" },
	{ "process_madvise", "ERRNO 1", "ALLOW" },
	{ "quotactl", "ERRNO 1", "ALLOW" },
	{ "quotactl_fd", "ERRNO 1", "ALLOW" },
	{ "reboot", "ERRNO 1", "ALLOW" },
	{ "set_mempolicy", "ERRNO 1", "ALLOW" },
	{ "set_mempolicy_home_node", "ERRNO 1", "ALLOW" },
	{ "setdomainname", "ERRNO 1", "ALLOW" },
	{ "sethostname", "ERRNO 1", "ALLOW" },
	{ "setns", "ERRNO 1", "ALLOW" },
	{ "settimeofday", "ERRNO 1", "ALLOW" },
	{ "stime", "ERRNO 1", "ALLOW" },
	{ "syslog", "ERRNO 1", "ALLOW" },
	{ "umount", "ERRNO 1", "ALLOW" },
	{ "umount2", "ERRNO 1", "ALLOW" },
	{ "vhangup", "ERRNO 1", "ALLOW" },
	{ "add_key", "ERRNO 38", "ERRNO 38" },
	{ "create_module", "ERRNO 1", "ERRNO 1" },
	{ "delete_module", "ERRNO 1", "ERRNO 1" },
	{ "finit_module", "ERRNO 1", "ERRNO 1" },
	{ "get_kernel_syms", "ERRNO 1", "ERRNO 1" },
	{ "init_module", "ERRNO 1", "ERRNO 1" },
	{ "io_uring_enter", "ERRNO 1", "ERRNO 1" },
	{ "io_uring_register", "ERRNO 1", "ERRNO 1" },
	{ "io_uring_setup", "ERRNO 1", "ERRNO 1" },
	{ "kexec_file_load", "ERRNO 1", "ERRNO 1" },
	{ "kexec_load", "ERRNO 1", "ERRNO 1" },
	{ "keyctl", "ERRNO 38", "ERRNO 38" },
	{ "open_by_handle_at", "ERRNO 1", "ERRNO 1" },
	{ "query_module", "ERRNO 1", "ERRNO 1" },
	{ "request_key", "ERRNO 38", "ERRNO 38" },
	{ "swapoff", "ERRNO 1", "ERRNO 1" },
	{ "swapon", "ERRNO 1", "ERRNO 1" },
	{ "userfaultfd", "ERRNO 1", "ERRNO 1" },
	{ "vm86", "ERRNO 1", "ERRNO 1" },
	{ "vm86old", "ERRNO 1", "ERRNO 1" },
	{ "clone3", "ERRNO 38", "ALLOW" },
};

/* i386's direct socket calls of Linux 4.3: libseccomp hides these numbers behind socketcall. */
static const struct {
	const char *name;
	int nr;
} i386_direct[] = {
	{ "bind", 361 },	{ "connect", 362 },	{ "listen", 363 },
	{ "accept4", 364 },	{ "getsockopt", 365 },	{ "setsockopt", 366 },
	{ "getsockname", 367 }, { "getpeername", 368 }, { "sendto", 369 },
	{ "sendmsg", 370 },	{ "recvfrom", 371 },	{ "recvmsg", 372 },
	{ "shutdown", 373 },	{ "recvmmsg", 337 },	{ "sendmmsg", 345 },
	{ "semget", 393 },	{ "semctl", 394 },	{ "shmget", 395 },
	{ "shmctl", 396 },	{ "shmat", 397 },	{ "shmdt", 398 },
	{ "msgget", 399 },	{ "msgsnd", 400 },	{ "msgrcv", 401 },
	{ "msgctl", 402 },
};
#define I386_SOCKET 359
#define I386_SOCKETPAIR 360
#define I386_SOCKETCALL 102

struct programs {
	struct seccomp_program by_default, with_all, arm64;
};

static int setup(void **state)
{
	static struct programs p;
	struct seccomp_target target = {
		.arch = SCMP_ARCH_AARCH64,
		.kernel_major = 6,
		.capabilities = creds_default_capabilities(),
	};
	CLEANUP(seccomp_profile_free) struct seccomp_profile profile = { .doc = NULL };
	struct err e = ERR_INIT;
	const char *text;
	size_t n;

	assert_int_equal(seccomp_program_load("default", creds_default_capabilities(), -EBADF,
					      &p.by_default, &e),
			 0);
	assert_int_equal(seccomp_program_load("default", UINT64_MAX, -EBADF, &p.with_all, &e), 0);
	text = seccomp_default_profile(&n);
	assert_int_equal(seccomp_profile_parse("default", text, n, &target, &profile, &e), 0);
	assert_int_equal(seccomp_profile_compile(&profile, &p.arm64, &e), 0);
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	struct programs *p = *state;

	seccomp_program_free(&p->by_default);
	seccomp_program_free(&p->with_all);
	seccomp_program_free(&p->arm64);
	return 0;
}

static void expect(const char *what, uint32_t action, const char *want)
{
	char buf[32];
	const char *have = sim_text(action, buf);

	if (strcmp(have, want) != 0)
		fail_msg("%s: %s, expected %s", what, have, want);
}

static void check_number(const struct seccomp_program *p, uint32_t arch, int nr, bool all)
{
	char *name = seccomp_syscall_resolve_num_arch(arch, nr);
	const char *want = name ? "ALLOW" : "ERRNO 38";
	char what[64];

	for (size_t i = 0; name && i < ARRAY_SIZE(golden); i++)
		if (strcmp(golden[i].name, name) == 0)
			want = all ? golden[i].with_all : golden[i].by_default;
	for (size_t i = 0; arch == SIM_I386 && i < ARRAY_SIZE(i386_direct); i++)
		if (i386_direct[i].nr == nr)
			want = "ALLOW";
	if ((name && strncmp(name, "socket", 6) == 0) ||
	    (arch == SIM_I386 && (nr == I386_SOCKET || nr == I386_SOCKETPAIR)))
		goto out; /* by argument: tests below */
	(void)snprintf(what, sizeof(what), "%x %d %s%s", arch, nr, name ? name : "(unknown)",
		       all ? " with all capabilities" : "");
	expect(what, sim(p, arch, nr, 0), want);
out:
	free(name);
}

static void test_golden_table(void **state)
{
	const struct programs *p = *state;
	static const uint32_t arches[] = { SIM_X86_64, SIM_I386 };

	for (size_t i = 0; i < ARRAY_SIZE(arches); i++)
		for (int nr = 0; nr < 1024; nr++) {
			check_number(&p->by_default, arches[i], nr, false);
			check_number(&p->with_all, arches[i], nr, true);
		}
	for (int nr = 0; nr < 1024; nr++)
		check_number(&p->arm64, SIM_AARCH64, nr, false);
}

/* Row 56: x32 is the same audit architecture with a bit in the number. */
static void test_foreign_abis_are_killed(void **state)
{
	const struct programs *p = *state;

	for (int nr = 0; nr < 600; nr++) {
		expect("x32", sim(&p->by_default, SIM_X86_64, SIM_X32_BIT | nr, 0), "KILL_PROCESS");
		expect("arm on x86", sim(&p->by_default, SIM_AARCH64, nr, 0), "KILL_PROCESS");
		expect("x86 on arm", sim(&p->arm64, SIM_X86_64, nr, 0), "KILL_PROCESS");
	}
	expect("riscv64", sim(&p->with_all, SCMP_ARCH_RISCV64, 63, 0), "KILL_PROCESS");
	expect("arm on arm64", sim(&p->arm64, SIM_ARM, sim_nr(SIM_ARM, "getpid"), 0), "ALLOW");
}

static void test_unknown_numbers_are_enosys(void **state)
{
	const struct programs *p = *state;
	static const int numbers[] = { 1000, 5000, 0x3fffffff, 470, 499, 600 };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		expect("unknown", sim(&p->by_default, SIM_X86_64, numbers[i], 0), "ERRNO 38");
		expect("unknown", sim(&p->by_default, SIM_I386, numbers[i], 0), "ERRNO 38");
		expect("unknown", sim(&p->arm64, SIM_AARCH64, numbers[i], 0), "ERRNO 38");
	}
	expect("negative", sim(&p->by_default, SIM_I386, -7, 0), "ERRNO 38");
}

/* Row 59, CVE-2019-10063: the kernel looks at 32 bits of the request. */
static void test_terminal_injection(void **state)
{
	const struct programs *p = *state;
	static const uint64_t high[] = { 0, 1ULL << 32, 1ULL << 63, 0xffffffff00000000ULL };
	int nr = sim_nr(SIM_X86_64, "ioctl");
	int nr32 = sim_nr(SIM_I386, "ioctl");

	for (size_t i = 0; i < ARRAY_SIZE(high); i++)
		for (uint64_t low = 0x5400; low < 0x5480; low++) {
			bool denied = low == TIOCSTI || low == TIOCLINUX;

			expect("ioctl", sim(&p->by_default, SIM_X86_64, nr, 0, high[i] | low),
			       denied ? "ERRNO 1" : "ALLOW");
			expect("ioctl", sim(&p->with_all, SIM_X86_64, nr, 0, high[i] | low),
			       denied ? "ERRNO 1" : "ALLOW");
			expect("ioctl", sim(&p->by_default, SIM_I386, nr32, 0, low),
			       denied ? "ERRNO 1" : "ALLOW");
			expect("ioctl",
			       sim(&p->arm64, SIM_AARCH64, sim_nr(SIM_AARCH64, "ioctl"), 0,
				   high[i] | low),
			       denied ? "ERRNO 1" : "ALLOW");
		}
}

/* Row 55. Each namespace flag alone and with others is denied, everything else is allowed. */
static void test_namespace_flags(void **state)
{
	const struct programs *p = *state;
	int clone_nr = sim_nr(SIM_X86_64, "clone");
	int unshare_nr = sim_nr(SIM_X86_64, "unshare");
	const uint64_t namespaces = 0x7e020000;
	uint64_t flags;

	for (int bit = 0; bit < 32; bit++) {
		bool denied = namespaces >> bit & 1;

		for (int with = 0; with < 32; with++) {
			flags = 1ULL << bit | 1ULL << with;
			denied = flags & namespaces;
			expect("clone", sim(&p->by_default, SIM_X86_64, clone_nr, flags),
			       denied ? "ERRNO 1" : "ALLOW");
			expect("clone i386",
			       sim(&p->by_default, SIM_I386, sim_nr(SIM_I386, "clone"), flags),
			       denied ? "ERRNO 1" : "ALLOW");
			expect("clone high", /* cut to 32 bits by the kernel */
			       sim(&p->by_default, SIM_X86_64, clone_nr, flags | 1ULL << 40),
			       denied ? "ERRNO 1" : "ALLOW");
			expect("clone all", sim(&p->with_all, SIM_X86_64, clone_nr, flags),
			       "ALLOW");
			denied |= flags >> 7 & 1; /* CLONE_NEWTIME is for unshare only */
			expect("unshare", sim(&p->by_default, SIM_X86_64, unshare_nr, flags),
			       denied ? "ERRNO 1" : "ALLOW");
			expect("unshare", sim(&p->with_all, SIM_X86_64, unshare_nr, flags),
			       "ALLOW");
		}
	}
	expect("thread", sim(&p->by_default, SIM_X86_64, clone_nr, 0x3d0f00), "ALLOW");
	expect("clone3", sim(&p->by_default, SIM_X86_64, 435, 0), "ERRNO 38");
	expect("clone3", sim(&p->by_default, SIM_I386, 435, 0), "ERRNO 38");
}

/* Row 57: what socket(family, type, protocol) gets. */
static const char *socket_golden(int family, int protocol, bool all)
{
	if (family == AF_UNIX || family == AF_INET || family == AF_INET6)
		return "ALLOW";
	if (family == AF_PACKET && all)
		return "ALLOW";
	if (family != AF_NETLINK)
		return "ERRNO 97";
	if (protocol == 0 || protocol == 4 || protocol == 15)
		return "ALLOW";
	return all && (protocol == 6 || protocol == 12 || protocol == 16) ? "ALLOW" : "ERRNO 93";
}

static void test_socket_families(void **state)
{
	const struct programs *p = *state;
	static const uint64_t high[] = { 0, 1ULL << 32, 0xffffffff00000000ULL };
	int nr = sim_nr(SIM_X86_64, "socket");
	const char *want;

	for (int family = 0; family < 64; family++)
		for (int protocol = 0; protocol < 32; protocol++)
			for (size_t i = 0; i < ARRAY_SIZE(high); i++) {
				uint64_t f = high[i] | (unsigned)family;
				uint64_t t = high[i] | (unsigned)protocol;

				want = socket_golden(family, protocol, false);
				expect("socket", sim(&p->by_default, SIM_X86_64, nr, f, 1, t),
				       want);
				expect("socket arm",
				       sim(&p->arm64, SIM_AARCH64, sim_nr(SIM_AARCH64, "socket"), f,
					   1, t),
				       want);
				expect("socket all", sim(&p->with_all, SIM_X86_64, nr, f, 1, t),
				       socket_golden(family, protocol, true));
			}
	expect("family 64", sim(&p->by_default, SIM_X86_64, nr, 64, 1, 0), "ERRNO 38");
	expect("family -1", sim(&p->by_default, SIM_X86_64, nr, UINT64_MAX, 1, 0), "ERRNO 38");
}

/* i386: the direct call by family, the multiplexer not at all, whatever its other registers hold.
 */
static void test_socket_on_i386(void **state)
{
	const struct programs *p = *state;
	char buf[32];

	for (int family = 0; family < 64; family++) {
		const char *want = socket_golden(family, 0, false);
		uint32_t have = sim(&p->by_default, SIM_I386, I386_SOCKET, family, 1, 0);

		if (strcmp(want, "ALLOW") == 0)
			expect("i386 socket", have, want);
		else
			assert_string_not_equal(sim_text(have, buf), "ALLOW");
		expect("socketcall(SOCKET)",
		       sim(&p->by_default, SIM_I386, I386_SOCKETCALL, 1, family, family),
		       "ERRNO 38");
		expect("socketcall(SOCKETPAIR)",
		       sim(&p->by_default, SIM_I386, I386_SOCKETCALL, 8, family, family),
		       "ERRNO 38");
	}
	for (int call = 2; call <= 20; call++)
		if (call != 8)
			expect("socketcall",
			       sim(&p->by_default, SIM_I386, I386_SOCKETCALL, call, 0), "ALLOW");
	expect("socketcall(0)", sim(&p->by_default, SIM_I386, I386_SOCKETCALL, 0), "ERRNO 38");
	expect("socketcall(21)", sim(&p->by_default, SIM_I386, I386_SOCKETCALL, 21), "ERRNO 38");
}

static void test_socketpair_and_personality(void **state)
{
	const struct programs *p = *state;
	int pair = sim_nr(SIM_X86_64, "socketpair");
	int personality = sim_nr(SIM_X86_64, "personality");
	static const uint64_t fine[] = { 0, 8, 0x20000, 0x20008, 0xffffffff, UINT64_MAX };

	for (int family = 0; family < 64; family++)
		expect("socketpair", sim(&p->by_default, SIM_X86_64, pair, family, 1, 0),
		       family == AF_UNIX ? "ALLOW" : "ERRNO 97");
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++)
		expect("personality", sim(&p->by_default, SIM_X86_64, personality, fine[i]),
		       "ALLOW");
	expect("READ_IMPLIES_EXEC", sim(&p->with_all, SIM_X86_64, personality, 0x0400000),
	       "ERRNO 38");
	expect("ADDR_NO_RANDOMIZE", sim(&p->by_default, SIM_X86_64, personality, 0x0040000),
	       "ERRNO 38");
}

/* In a forked child under the real filter. Return: exit status, 0 = all as expected. */
static int under_filter(const struct seccomp_program *p)
{
	struct sock_fprog prog = { .len = (unsigned short)p->n, .filter = p->filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return 2;
	if (syscall(SYS_getpid) <= 0)
		return 3;
	if (syscall(1000) != -1 || errno != ENOSYS)
		return 4;
	if (syscall(SYS_ioctl, -1, TIOCSTI | 1ULL << 40, "") != -1 || errno != EPERM)
		return 5;
	if (syscall(SYS_ioctl, -1, TIOCGWINSZ, "") != -1 || errno != EBADF)
		return 6;
	if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
		return 7;
	if (syscall(SYS_socket, 40 | 1ULL << 32, SOCK_STREAM, 0) != -1 || errno != EAFNOSUPPORT)
		return 8;
	if (syscall(SYS_keyctl, 0, 0, 0, 0, 0) != -1 || errno != ENOSYS)
		return 9;
	if (syscall(SYS_mount, NULL, NULL, NULL, 0, NULL) != -1 || errno != EPERM)
		return 10;
	return 0;
}

static void test_kernel_agrees(void **state)
{
	const struct programs *p = *state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(under_filter(&p->by_default));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_size(void **state)
{
	const struct programs *p = *state;

	assert_in_range(p->by_default.n, 100, BPF_MAXINSNS);
	assert_in_range(p->with_all.n, 100, BPF_MAXINSNS);
	assert_int_equal(p->by_default.flags, 0);
	/* The kernel asks once per number and remembers what doesn't look at arguments; still, an
	 * unremembered call should not walk a list. */
	assert_in_range(p->by_default.n, 100, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_table),
		cmocka_unit_test(test_foreign_abis_are_killed),
		cmocka_unit_test(test_unknown_numbers_are_enosys),
		cmocka_unit_test(test_terminal_injection),
		cmocka_unit_test(test_namespace_flags),
		cmocka_unit_test(test_socket_families),
		cmocka_unit_test(test_socket_on_i386),
		cmocka_unit_test(test_socketpair_and_personality),
		cmocka_unit_test(test_kernel_agrees),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
