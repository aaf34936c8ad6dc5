/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an OCI configuration can ask of creds_apply() and jail's own instances don't: five
 * capability sets, scheduling, personality, labels, keyrings, a filter with a listener. Needs root.
 */
#include <linux/audit.h>
#include <linux/ioprio.h>
#include <linux/keyctl.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/utsname.h>

#include "runtime/seccomp.h"
#include "runtime/seccomp_notify.h"
/* The C library has a struct of this name too. */
#define sched_param kernel_sched_param
#include <linux/sched/types.h>
#undef sched_param

#include "runtime_creds_rig.h"

static struct seccomp_program filter;

static void use_filter(struct run *run, const struct seccomp_program *p)
{
	run->creds.filter = p->filter;
	run->creds.n_filter = p->n;
	run->creds.filter_flags = p->flags;
}

static void compile(const char *text, struct seccomp_program *p)
{
	struct err e = ERR_INIT;

	*p = (struct seccomp_program){ .n = 0 };
	if (seccomp_program_compile("test", text, strlen(text), 0, p, &e) < 0)
		fail_msg("%s", e.text);
}

static void expect_sets(const struct run *run, const struct creds_sets *s)
{
	expect_caps(run, "\nCapInh:", s->inheritable);
	expect_caps(run, "\nCapPrm:", s->permitted);
	expect_caps(run, "\nCapEff:", s->effective);
	expect_caps(run, "\nCapBnd:", s->bounding);
	expect_caps(run, "\nCapAmb:", s->ambient);
}

#define ONE (BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_KILL))
#define TWO (ONE | BIT(CAP_CHOWN) | BIT(CAP_SYS_ADMIN))

/* Every set as it was named: as root and not, with and without namespace, filter, no_new_privs. */
static void test_sets(void **state)
{
	static const struct creds_sets sets[] = {
		{ 0 },
		{ .bounding = ONE, .permitted = ONE, .effective = ONE },
		{ .bounding = TWO, .permitted = TWO, .effective = BIT(CAP_KILL) },
		{ .bounding = TWO, .permitted = TWO, .effective = TWO },
		{ .bounding = ONE, .permitted = TWO, .effective = TWO, .inheritable = ONE },
		{ ONE, ONE, ONE, ONE, BIT(CAP_KILL) },
		{ TWO, ONE, TWO, TWO, ONE },
		{ .bounding = TWO, .inheritable = ONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		for (unsigned how = 0; how < 64; how++) {
			struct run run = make_run(how & 1 ? 1000 : 0, 0);

			run.private_user = how & 2;
			run.creds.no_new_privileges = how & 4;
			if (how & 8)
				use_filter(&run, &filter);
			run.dirty = how & 16;
			run.narrow = how & 32;
			run.creds.sets = &sets[i];
			run_well(&run);
			expect_sets(&run, &sets[i]);
			expect_field(&run, "\nSeccomp:", how & 8 ? "2" : "0");
			assert_null(strstr(run.text, "warning"));
		}
}

/* What an executed program of another user than root has is the ambient set. */
static void test_ambient_lasts(void **state)
{
	static const struct creds_sets sets = { TWO, TWO, TWO, TWO, ONE };
	struct run run = make_run(1000, 1000);

	(void)state;
	run.exec = true;
	run.creds.sets = &sets;
	for (int filtered = 0; filtered < 2; filtered++) {
		if (filtered)
			use_filter(&run, &filter);
		run_well(&run);
		expect_sets(&run, &(struct creds_sets){ TWO, ONE, TWO, ONE, ONE });
	}
}

/* Left out, each with a warning that names it. */
static void test_what_cannot_be_granted(void **state)
{
	static const struct creds_sets unknown = {
		.bounding = BIT(63) | ONE,
		.permitted = BIT(63) | ONE,
		.inheritable = ONE,
	};
	static const struct creds_sets odd = {
		.bounding = ONE,
		.permitted = ONE,
		.effective = ONE | BIT(CAP_CHOWN),
		.inheritable = BIT(CAP_KILL) | BIT(CAP_SYS_ADMIN),
		.ambient = ONE,
	};
	struct run run = make_run(1000, 1000);

	(void)state;
	run.creds.sets = &unknown;
	run_well(&run);
	expect_sets(&run,
		    &(struct creds_sets){ .bounding = ONE, .permitted = ONE, .inheritable = ONE });
	assert_non_null(strstr(run.text, "warning: process.capabilities.bounding: left out, "
					 "because the runtime itself hasn't them: 63\n"));
	assert_non_null(strstr(run.text, "warning: process.capabilities.permitted: "));
	assert_null(strstr(run.text, "warning: process.capabilities.effective: "));

	run.creds.sets = &odd;
	run_well(&run);
	expect_sets(&run, &(struct creds_sets){ ONE, ONE, BIT(CAP_KILL), ONE, BIT(CAP_KILL) });
	assert_non_null(strstr(run.text, "effective: left out, because they are not permitted: "
					 "CAP_CHOWN\n"));
	assert_non_null(strstr(run.text, "inheritable: left out, because they are not in the "
					 "bounding set: CAP_SYS_ADMIN\n"));
	assert_non_null(strstr(run.text, "ambient: left out, because they are not both permitted "
					 "and inheritable: CAP_NET_BIND_SERVICE\n"));
}

/* The capset that follows the filter has to be allowed, unless there is nothing for it to drop. */
static void test_filter_without_capset(void **state)
{
	static const struct creds_sets admin = { .bounding = TWO,
						 .permitted = TWO,
						 .effective = TWO };
	static const struct creds_sets other = { .bounding = ONE,
						 .permitted = ONE,
						 .effective = ONE };
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };
	struct run run = make_run(0, 0);

	(void)state;
	compile("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"capset\"], "
		"\"action\": \"SCMP_ACT_KILL_PROCESS\"}]}",
		&p);
	use_filter(&run, &p);
	run.creds.sets = &admin;
	run_well(&run);
	expect_sets(&run, &admin);
	run.creds.sets = &other;
	run_child(&run);
	assert_int_equal(WEXITSTATUS(run.status), 93);
	assert_non_null(strstr(run.text, "doesn't allow capset"));
	assert_non_null(strstr(run.text, "process.noNewPrivileges"));
	run.creds.no_new_privileges = true;
	run_well(&run);
	expect_sets(&run, &other);
}

static int check_scheduling(void)
{
	struct sched_attr a;
	unsigned long cpus[16] = { 0 };

	if (syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) < 0)
		return 1;
	if (a.sched_policy != SCHED_BATCH || a.sched_nice != 5)
		return 2;
	if (syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0) != IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 6))
		return 3;
	if (syscall(SYS_sched_getaffinity, 0, sizeof(cpus), cpus) < 0 || cpus[0] != 1)
		return 4;
	return 0;
}

static int check_fifo(void)
{
	struct sched_attr a;

	if (syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) < 0)
		return 1;
	return a.sched_policy == SCHED_FIFO && a.sched_priority == 7 ? 0 : 2;
}

static int check_deadline(void)
{
	struct sched_attr a;

	if (syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) < 0)
		return 1;
	return a.sched_policy == SCHED_DEADLINE && a.sched_runtime == 1000000 &&
			       a.sched_deadline == 50000000 && a.sched_period == 100000000
		       ? 0
		       : 2;
}

static void test_scheduling(void **state)
{
	static const struct creds_scheduling batch = {
		.has_policy = true,
		.policy = SCHED_BATCH,
		.nice = 5,
		.has_io = true,
		.io_class = IOPRIO_CLASS_BE,
		.io_priority = 6,
		.has_affinity = true,
		.affinity = "0",
	};
	struct creds_scheduling real = { .has_policy = true, .policy = SCHED_FIFO, .priority = 7 };
	struct creds_scheduling wrong = { .has_affinity = true, .affinity = "0-" };
	struct run run = make_run(1000, 1000);

	(void)state;
	for (int private_user = 0; private_user < 2; private_user++) {
		run.private_user = private_user;
		run.creds.scheduling = &batch;
		run.check = check_scheduling;
		run_well(&run);
	}
	run.creds.scheduling = &wrong;
	run_child(&run);
	assert_int_equal(WEXITSTATUS(run.status), 93);
	assert_non_null(strstr(run.text, "CPU affinity: \"0-\""));
	wrong.affinity = "8000";
	run_child(&run);
	assert_non_null(strstr(run.text, "none of these CPUs"));

	/* The host's right: not in a user namespace of one's own. */
	run.creds.scheduling = &real;
	run_child(&run);
	assert_int_equal(WEXITSTATUS(run.status), 93);
	assert_non_null(strstr(run.text, "CAP_SYS_NICE on the host"));
	run.private_user = false;
	run.narrow = true;
	run.check = check_fifo;
	run_well(&run);
	real = (struct creds_scheduling){ .has_policy = true,
					  .policy = SCHED_DEADLINE,
					  .runtime = 1000000,
					  .deadline = 50000000,
					  .period = 100000000 };
	run.check = check_deadline;
	run_well(&run);
}

/* For a child that could not do it itself; which then finds it done. */
static void test_scheduling_from_outside(void **state)
{
	static const struct creds_scheduling real = { .has_policy = true,
						      .policy = SCHED_FIFO,
						      .priority = 7,
						      .has_io = true,
						      .io_class = IOPRIO_CLASS_RT,
						      .io_priority = 3 };
	struct run run = make_run(0, 0);
	struct err e = ERR_INIT;
	struct sched_attr mine = { .size = sizeof(mine) };

	(void)state;
	run.private_user = true;
	run.creds.scheduling = &real;
	run.check = check_fifo;
	/* The child inherits it: the same thing to the child as being given it. */
	assert_int_equal(creds_set_scheduling(getpid(), &real, &e), 0);
	run_well(&run);
	assert_int_equal(syscall(SYS_sched_setattr, 0, &mine, 0), 0);
	assert_int_equal(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0), 0);
}

static int check_memory_policy(void)
{
	unsigned long nodes[16] = { 0 };
	int mode;

	if (syscall(SYS_get_mempolicy, &mode, nodes, 1024, NULL, 0) < 0)
		return 1;
	return mode == MPOL_BIND && nodes[0] == 1 ? 0 : 2;
}

static void test_memory_policy(void **state)
{
	struct creds_scheduling s = { .has_memory = true,
				      .memory_mode = MPOL_BIND,
				      .memory_nodes = "0" };
	struct run run = make_run(1000, 1000);

	(void)state;
	run.private_user = true;
	run.creds.scheduling = &s;
	if (syscall(SYS_get_mempolicy, NULL, NULL, 0, NULL, 0) < 0 && errno == ENOSYS) {
		run_child(&run);
		assert_non_null(strstr(run.text, "no NUMA support"));
		return;
	}
	run.check = check_memory_policy;
	run_well(&run);
	s.memory_nodes = "900";
	run_child(&run);
	assert_int_equal(WEXITSTATUS(run.status), 93);
	assert_non_null(strstr(run.text, "nodes 900"));
}

static int check_personality(void)
{
	struct utsname u;

	if (personality(0xffffffff) != PER_LINUX32)
		return 1;
	return uname(&u) == 0 && strcmp(u.machine, "i686") == 0 ? 0 : 2;
}

static void test_personality(void **state)
{
	struct run run = make_run(1000, 1000);

	(void)state;
	run.creds.has_personality = true;
	run.creds.personality = PER_LINUX32;
	run.check = check_personality;
	run_well(&run);
}

static int session_keyring, check_result;

static int compare_keyring(void)
{
	long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0);

	return (id == session_keyring) == check_result ? 0 : 1;
}

static int check_keyring_name(void)
{
	char text[128] = "";

	if (syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text, sizeof(text) - 1,
		    0) < 0)
		return 1;
	return strstr(text, ";_ses.test") ? 0 : 2;
}

static void test_keyrings(void **state)
{
	struct run run = make_run(0, 0);

	(void)state;
	session_keyring =
		(int)syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1, 0, 0);
	if (session_keyring < 0)
		skip();
	run.check = compare_keyring;
	check_result = 0;
	run_well(&run);
	run.creds.keep_keyring = true;
	check_result = 1;
	run_well(&run);
	run.creds.keep_keyring = false;
	run.creds.keyring = "_ses.test";
	run.check = check_keyring_name;
	run_well(&run);
}

static int check_core(void)
{
	struct rlimit core;

	return getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 4096 ? 0 : 1;
}

static void test_core_limit_stays(void **state)
{
	struct run run = make_run(0, 0);
	struct rlimit old, core;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_CORE, &old), 0);
	core = (struct rlimit){ 4096, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_CORE, &core), 0);
	run.creds.core_as_it_is = true;
	run.check = check_core;
	run_well(&run);
	assert_int_equal(setrlimit(RLIMIT_CORE, &old), 0);
}

/* A host has one of them at most; where one is missing, a label for it is an error. */
static void test_labels(void **state)
{
	struct run run = make_run(0, 0);

	(void)state;
	if (access("/proc/self/attr/apparmor/exec", F_OK) < 0) {
		run.creds.apparmor = "unconfined"; /* as it is */
		run_well(&run);
		run.creds.apparmor = "some-profile";
		run_child(&run);
		assert_int_equal(WEXITSTATUS(run.status), 93);
		assert_non_null(strstr(run.text, "process.apparmorProfile some-profile: AppArmor "
						 "is not enabled"));
	}
	run = make_run(0, 0);
	if (access("/sys/fs/selinux/enforce", F_OK) < 0) {
		run.creds.selinux = "system_u:system_r:container_t:s0";
		run_child(&run);
		assert_int_equal(WEXITSTATUS(run.status), 93);
		assert_non_null(strstr(run.text, "SELinux is not enabled on this host"));
	}
	run.creds.selinux = run.creds.apparmor = "";
	run_well(&run);
}

/* The listener is stored before the next call of the process; here another one that shares some
 * memory and the fds answers them, prctl (the read-back) and capset among them. */
struct shared {
	int slot;
	int answered;
};

static int listen_and_allow(struct shared *s)
{
	struct seccomp_notif request;
	struct seccomp_notif_resp response;
	int listener;

	while ((listener = __atomic_load_n(&s->slot, __ATOMIC_ACQUIRE)) < 0)
		(void)syscall(SYS_sched_yield);
	__atomic_store_n(&s->slot, SECCOMP_LISTENER_SENT, __ATOMIC_RELEASE);
	for (;;) {
		request = (struct seccomp_notif){ .id = 0 };
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
			return errno == ENOENT ? 0 : 1;
		response = (struct seccomp_notif_resp){ .id = request.id,
							.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0)
			s->answered++;
	}
}

static int be_supervised(struct shared *s)
{
	/* All calls ask, but those of the listener's that shares no filter. */
	static struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF) };
	struct run run = make_run(1000, 1000);
	struct err e = ERR_INIT;

	run.creds.filter = all;
	run.creds.n_filter = 1;
	run.creds.ret_listener = &s->slot;
	if (creds_apply(&run.creds, -EBADF, &e) < 0)
		return 2;
	return getuid() == 1000 ? 0 : 3;
}

static void test_listener(void **state)
{
	struct shared *s =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct clone_args args = { .flags = CLONE_FILES, .exit_signal = SIGCHLD };
	pid_t pid, helper;
	int status;

	(void)state;
	assert_ptr_not_equal(s, MAP_FAILED);
	*s = (struct shared){ .slot = -1 };
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(20);
		helper = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
		if (helper == 0)
			_exit(listen_and_allow(s));
		_exit(be_supervised(s));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* capset, getuid, exit_group at least. */
	assert_in_range(s->answered, 3, 10);
	(void)munmap(s, 4096);
}

static int setup(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
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
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_ambient_lasts),
		cmocka_unit_test(test_what_cannot_be_granted),
		cmocka_unit_test(test_filter_without_capset),
		cmocka_unit_test(test_scheduling),
		cmocka_unit_test(test_scheduling_from_outside),
		cmocka_unit_test(test_memory_policy),
		cmocka_unit_test(test_personality),
		cmocka_unit_test(test_keyrings),
		cmocka_unit_test(test_core_limit_stays),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_listener),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
