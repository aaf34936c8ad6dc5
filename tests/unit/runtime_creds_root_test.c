/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * creds_apply() in forked children, in the host's user namespace and in new ones: what the kernel
 * says of the child in /proc/self/status, before and after an exec, must be what was asked for, and
 * nothing more (rows 9, 53, 54, 58, 62). Needs root. The children are the only processes that
 * change.
 */
#include <linux/keyctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "runtime/seccomp.h"
#include "runtime_creds_rig.h"

static struct seccomp_program filter;

/* All that must hold of any child, whatever the combination. */
static void expect_all(const struct run *run, bool filtered)
{
	const struct creds *c = &run->creds;
	uint64_t own = c->user.uid == 0 ? c->capabilities : 0;
	char want[128];

	(void)snprintf(want, sizeof(want), "%u\t%u\t%u\t%u", c->user.uid, c->user.uid, c->user.uid,
		       c->user.uid);
	expect_field(run, "\nUid:", want);
	(void)snprintf(want, sizeof(want), "%u\t%u\t%u\t%u", c->user.gid, c->user.gid, c->user.gid,
		       c->user.gid);
	expect_field(run, "\nGid:", want);
	expect_caps(run, "\nCapInh:", 0);
	expect_caps(run, "\nCapPrm:", own);
	expect_caps(run, "\nCapEff:", own);
	expect_caps(run, "\nCapBnd:", c->capabilities);
	expect_caps(run, "\nCapAmb:", 0);
	expect_field(run, "\nNoNewPrivs:", c->no_new_privileges ? "1" : "0");
	expect_field(run, "\nSeccomp:", filtered ? "2" : "0");
	expect_field(run, "\nSeccomp_filters:", filtered ? "1" : "0");
	expect_field(run, "\nUmask:", "0022");
	if (!run->exec)
		expect_field(run, "\nDumpable:", "0");
}

/* user namespace x user x no_new_privs x filter x what the child starts with x exec */
static void test_combinations(void **state)
{
	static const uid_t uids[] = { 0, 1000, 65534 };
	struct run run;
	char groups[128];

	(void)state;
	for (unsigned i = 0; i < 128; i++)
		for (size_t u = 0; u < ARRAY_SIZE(uids); u++) {
			run = make_run(uids[u], uids[u]);
			run.private_user = i & 1;
			run.host_groups = i & 2;
			run.dirty = i & 4;
			run.exec = i & 8;
			run.creds.no_new_privileges = i & 16;
			run.joined = i & 64;
			if (run.joined && !run.private_user)
				continue;
			if (run.host_groups && run.private_user)
				continue; /* 4, 6, 27 are the instance's own there: below */
			if (i & 32) {
				run.creds.filter = filter.filter;
				run.creds.n_filter = filter.n;
			}
			run_well(&run);
			expect_all(&run, i & 32);
			(void)snprintf(groups, sizeof(groups), "%u ", uids[u]);
			expect_field(&run, "\nGroups:", groups);
		}
}

/* Row 53: the list is set even when it is empty, and it is the whole list. */
static void test_groups(void **state)
{
	struct run run = make_run(0, 0);

	(void)state;
	run.host_groups = true;
	run.creds.user.n_groups = 0;
	run_well(&run);
	expect_field(&run, "\nGroups:", "");

	run = make_run(1000, 1000);
	run.private_user = true;
	run.host_groups = true;
	run.creds.user.n_groups = 3;
	run.creds.user.groups[1] = 50;
	run.creds.user.groups[2] = 7; /* the kernel sorts */
	run_well(&run);
	expect_field(&run, "\nGroups:", "7 50 1000 ");
}

static void test_no_capabilities_and_one(void **state)
{
	struct run run = make_run(0, 0);

	(void)state;
	run.creds.capabilities = 0;
	run.creds.filter = filter.filter;
	run.creds.n_filter = filter.n;
	run_well(&run);
	expect_all(&run, true);
	run.exec = true; /* uid 0 gains what the bounding set lets it: nothing */
	run_well(&run);
	expect_all(&run, true);
	run.creds.capabilities = BIT(CAP_NET_RAW);
	run.private_user = true;
	run_well(&run);
	expect_all(&run, true);
}

static void test_capability_that_is_not_there(void **state)
{
	struct run run = make_run(0, 0);

	(void)state;
	run.creds.capabilities |= BIT(63);
	run_child(&run);
	assert_int_equal(WEXITSTATUS(run.status), 93);
	assert_non_null(strstr(run.text, "doesn't have: 63"));
}

/* Without no_new_privs the filter is installed by CAP_SYS_ADMIN, which must be gone afterwards;
 * a program that is set-user-ID gets the bounding set and no more. */
static int try_admin(void)
{
	if (syscall(SYS_sethostname, "x", 1) != -1)
		return 1;
	if (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) != 0)
		return 2;
	return 0;
}

static void test_admin_is_gone(void **state)
{
	static const uid_t uids[] = { 0, 1000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(uids); i++)
		for (int private_user = 0; private_user < 2; private_user++) {
			struct run run = make_run(uids[i], 0);

			run.private_user = private_user;
			run.creds.filter = filter.filter;
			run.creds.n_filter = filter.n;
			run.check = try_admin;
			run_well(&run);
			expect_all(&run, true);
		}
}

/* A set-user-ID cat, on a mount of this test's own (namespace) that allows it. */
static void with_setuid_cat(struct run *run, char ret_uid[static 128], char ret_eff[static 128])
{
	run->exec = true;
	assert_int_equal(chmod("/mnt/cat", 04755), 0);
	assert_int_equal(mount("/mnt/cat", "/bin/cat", NULL, MS_BIND, NULL), 0);
	run_well(run);
	assert_int_equal(umount("/bin/cat"), 0);
	field(run, "\nUid:", ret_uid);
	field(run, "\nCapEff:", ret_eff);
}

static void copy_cat(void)
{
	char *text;
	size_t n;
	int fd = open("/bin/cat", O_RDONLY | O_CLOEXEC);
	int to;

	assert_true(fd >= 0);
	assert_int_equal(mount("none", "/mnt", "tmpfs", 0, "mode=755"), 0);
	assert_int_equal(fd_read_all(fd, 16u << 20, &text, &n), 0);
	to = open("/mnt/cat", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_int_equal(fd_write_all(to, text, n), 0);
	free(text);
	(void)close(fd);
	(void)close(to);
}

static void test_setuid_program(void **state)
{
	char uid[128], eff[128], want[32];
	struct run run = make_run(1000, 1000);

	(void)state;
	copy_cat();
	run.creds.filter = filter.filter;
	run.creds.n_filter = filter.n;
	with_setuid_cat(&run, uid, eff);
	assert_string_equal(uid, "1000\t0\t0\t0");
	(void)snprintf(want, sizeof(want), "%016llx",
		       (unsigned long long)creds_default_capabilities());
	assert_string_equal(eff, want);

	run.creds.no_new_privileges = true;
	with_setuid_cat(&run, uid, eff);
	assert_string_equal(uid, "1000\t1000\t1000\t1000");
	assert_string_equal(eff, "0000000000000000");
	assert_int_equal(umount("/mnt"), 0);
}

static int keyring_id;

static int check_keyring(void)
{
	long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0);
	int keys[8];
	long n;

	if (id < 0)
		return errno == ENOSYS ? 0 : 1;
	if (id == keyring_id)
		return 2;
	n = syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, keys, sizeof(keys), 0);
	return n == 0 ? 0 : 3; /* empty: nothing of the host linked into it */
}

/* Row 58: not the caller's session keyring, and empty. */
static void test_keyring(void **state)
{
	struct run run = make_run(0, 0);

	(void)state;
	keyring_id =
		(int)syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1, 0, 0);
	run.check = check_keyring;
	run_well(&run);
	run = make_run(1000, 1000);
	run.private_user = true;
	run.check = check_keyring;
	run_well(&run);
}

static int check_limits(void)
{
	struct rlimit core, files;

	if (getrlimit(RLIMIT_CORE, &core) < 0 || getrlimit(RLIMIT_NOFILE, &files) < 0)
		return 1;
	if (core.rlim_cur > 1)
		return 2;
	return files.rlim_cur == 100 && files.rlim_max == 200 ? 0 : 3;
}

static int check_core_limit(void)
{
	struct rlimit core;

	return getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0 ? 0
											      : 1;
}

static void test_rlimits(void **state)
{
	static const struct creds_rlimit limits[] = { { RLIMIT_NOFILE, 100, 200 } };
	static const struct creds_rlimit core[] = { { RLIMIT_CORE, 0, 0 } };
	static const struct creds_rlimit wrong[] = { { RLIMIT_NOFILE, 200, 100 } };
	static const struct creds_rlimit over[] = { { RLIMIT_NOFILE, 100, UINT64_MAX } };
	struct run run = make_run(1000, 1000);

	(void)state;
	run.creds.rlimits = limits;
	run.creds.n_rlimits = 1;
	run.check = check_limits;
	run_well(&run);
	run.private_user = true;
	run_well(&run);

	run.creds.rlimits = core;
	run.check = check_core_limit;
	run_well(&run);

	run.creds.rlimits = wrong;
	run_child(&run);
	assert_int_equal(WEXITSTATUS(run.status), 93);
	assert_non_null(strstr(run.text, "soft limit over the hard one"));

	run.creds.rlimits = over;
	run_child(&run);
	assert_int_equal(WEXITSTATUS(run.status), 93);
	assert_non_null(strstr(run.text, "raise hard resource limit"));
	assert_non_null(strstr(run.text, "CAP_SYS_RESOURCE"));
}

static int check_oom(void)
{
	char text[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return 1;
	return strcmp(text, "777\n") == 0 ? 0 : 2;
}

static void test_oom_score_adj(void **state)
{
	struct run run = make_run(0, 0);

	(void)state;
	run.creds.has_oom_score_adj = true;
	run.creds.oom_score_adj = 777;
	run.check = check_oom;
	run_well(&run);

	/* As the host's root that has joined: the file is still its own. */
	run.private_user = true;
	run.joined = true;
	run_well(&run);
	/* Non-dumpable and somebody else: only the parent can. */
	run.joined = false;
	run_child(&run);
	assert_int_equal(WEXITSTATUS(run.status), 93);
	assert_non_null(strstr(run.text, "error: 13: set oom_score_adj to 777"));
}

static int prepare_marks(void *arg, struct err *e)
{
	(void)arg;
	/* Final ids, not filtered yet. */
	if (getuid() != 1000 || prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0)
		return err_set(e, EINVAL, "called at the wrong time");
	return chdir("/proc") < 0 ? err_sys(e, "chdir") : 0;
}

static int prepare_fails(void *arg, struct err *e)
{
	return err_set(e, ENOTDIR, "%s", (const char *)arg);
}

static int check_cwd(void)
{
	char cwd[64];

	return getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/proc") == 0 ? 0 : 1;
}

static void test_prepare(void **state)
{
	static char text[] = "no such directory";
	struct run run = make_run(1000, 1000);

	(void)state;
	run.creds.filter = filter.filter;
	run.creds.n_filter = filter.n;
	run.creds.prepare = prepare_marks;
	run.check = check_cwd;
	for (int nnp = 0; nnp < 2; nnp++) {
		run.creds.no_new_privileges = nnp;
		run_well(&run);
		expect_all(&run, true);
	}
	run.creds.prepare = prepare_fails;
	run.creds.prepare_arg = text;
	run_child(&run);
	assert_int_equal(WEXITSTATUS(run.status), 93);
	assert_non_null(strstr(run.text, "error: 20: no such directory"));
}

static void compile(const char *text, struct seccomp_program *p)
{
	struct err e = ERR_INIT;

	*p = (struct seccomp_program){ .n = 0 };
	if (seccomp_program_compile("test", text, strlen(text), 0, p, &e) < 0)
		fail_msg("%s", e.text);
}

/* A filter that would not let the last step happen is refused before it is installed. */
static void test_filters_that_cannot_be(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program no_capset = { .n = 0 };
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program no_exec = { .n = 0 };
	struct run run = make_run(0, 0);

	(void)state;
	compile("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"capset\"], "
		"\"action\": \"SCMP_ACT_KILL_PROCESS\"}]}",
		&no_capset);
	compile("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"execve\", "
		"\"execveat\"], \"action\": \"SCMP_ACT_ERRNO\"}]}",
		&no_exec);
	run.creds.filter = no_capset.filter;
	run.creds.n_filter = no_capset.n;
	run_child(&run);
	assert_true(WIFEXITED(run.status));
	assert_int_equal(WEXITSTATUS(run.status), 93);
	assert_non_null(strstr(run.text, "capset"));
	assert_non_null(strstr(run.text, "security.noNewPrivileges"));
	run.creds.no_new_privileges = true; /* then it is fine */
	run_well(&run);
	expect_all(&run, true);

	run.creds.filter = no_exec.filter;
	run.creds.n_filter = no_exec.n;
	run_child(&run);
	assert_int_equal(WEXITSTATUS(run.status), 93);
	assert_non_null(strstr(run.text, "nothing could be started"));
}

/* An id that the user namespace doesn't map. */
static void test_unmapped_user(void **state)
{
	struct run run = make_run(65536, 0);

	(void)state;
	run.private_user = true;
	run_child(&run);
	assert_int_equal(WEXITSTATUS(run.status), 93);
	assert_non_null(strstr(run.text, "set user id 65536"));
}

static int check_unshare(void)
{
	if (unshare(CLONE_NEWUSER) == 0)
		return 1;
	return errno == ENOSPC ? 0 : 2;
}

/* Row 55, without any filter; and never in the host's namespace. */
static void test_no_nested_user_namespaces(void **state)
{
	struct run run = make_run(1000, 1000);

	(void)state;
	run.forbid = true;
	run.private_user = true;
	run.check = check_unshare;
	run_well(&run);
	run.private_user = false;
	run_child(&run);
	assert_int_equal(WEXITSTATUS(run.status), 97);
	assert_non_null(strstr(run.text, "not for the host's"));
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; creds_capability_name(i); i++)
		assert_int_equal(creds_capability_parse(creds_capability_name(i)), i);
	assert_int_equal(creds_capability_parse("net_raw"), CAP_NET_RAW);
	assert_int_equal(creds_capability_parse("Cap_Net_Raw"), CAP_NET_RAW);
	assert_int_equal(creds_capability_parse("net_ra"), -ENOENT);
	assert_int_equal(creds_capability_parse(""), -ENOENT);
	assert_null(creds_capability_name(-1));
	assert_null(creds_capability_name(64));
	/* Rows 31, 32, 57, 70. */
	assert_int_equal(creds_default_capabilities() &
				 (BIT(CAP_MKNOD) | BIT(CAP_NET_RAW) | BIT(CAP_DAC_READ_SEARCH) |
				  BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_PTRACE) | BIT(CAP_NET_ADMIN)),
			 0);
	assert_int_equal(__builtin_popcountll(creds_default_capabilities()), 12);
	assert_int_equal(creds_capabilities_known() & creds_default_capabilities(),
			 creds_default_capabilities());
}

static int setup(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	/* Mounts of these tests stay here. */
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	return seccomp_program_load("default", creds_default_capabilities(), -EBADF, &filter, &e);
}

static int teardown(void **state)
{
	(void)state;
	seccomp_program_free(&filter);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_combinations),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_no_capabilities_and_one),
		cmocka_unit_test(test_capability_that_is_not_there),
		cmocka_unit_test(test_admin_is_gone),
		cmocka_unit_test(test_setuid_program),
		cmocka_unit_test(test_keyring),
		cmocka_unit_test(test_rlimits),
		cmocka_unit_test(test_oom_score_adj),
		cmocka_unit_test(test_prepare),
		cmocka_unit_test(test_filters_that_cannot_be),
		cmocka_unit_test(test_unmapped_user),
		cmocka_unit_test(test_no_nested_user_namespaces),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
