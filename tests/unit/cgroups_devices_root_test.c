/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device filter on a real cgroup: what a process in it can open and make, before and after, and
 * while the filter is exchanged. Needs root. What is opened is harmless: /dev/kmsg, for reading.
 */
#include <linux/bpf.h> /* before base/banned.h */

#include "base_tmpdir.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "base/sys.h"
#include "cgroups/devices.h"

#define KMSG "/dev/kmsg"
#define EXCHANGES 300

struct fixture {
	struct cgroup_tree t;
	struct jail_name name;
	int inside;
};

static const struct cgroup_device kmsg = { false, 1, 11, CGROUP_DEVICE_READ };

static int setup(void **state)
{
	static const struct cgroup_limits none;
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = ERR_INIT;

	assert_non_null(f);
	(void)str_format(f->name.s, sizeof(f->name.s), "devices-%d", getpid());
	if (cgroup_tree_open(&f->t, &e) < 0 ||
	    cgroup_create(&f->t, &f->name, &none, &f->inside, &e) < 0)
		fail_msg("%s", e.text);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	(void)close(f->inside);
	assert_int_equal(cgroup_destroy(&f->t, &f->name, 5000, &e), 0);
	cgroup_tree_close(&f->t);
	free(f);
	return 0;
}

static void set(const struct fixture *f, const struct cgroup_device *list, size_t n)
{
	struct err e = ERR_INIT;
	bool active = false;

	if (cgroup_devices_set(&f->t, &f->name, list, n, &active, &e) < 0)
		fail_msg("%s", e.text);
	assert_true(active);
}

/* Runs fn in the cgroup. Return: its value, an errno. */
static int inside(const struct fixture *f, int (*fn)(void))
{
	struct clone_args c = { .exit_signal = SIGCHLD,
				.flags = CLONE_INTO_CGROUP,
				.cgroup = (uint64_t)f->inside };
	pid_t pid = sys_clone3(&c);
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

static int read_kmsg(void)
{
	return try_open(KMSG, O_RDONLY);
}

static int write_kmsg(void)
{
	return try_open(KMSG, O_WRONLY);
}

static int use_null(void)
{
	return try_open("/dev/null", O_RDWR);
}

static int make_kmsg(void)
{
	char dir[] = "/tmp/jail-unit-node.XXXXXX", path[64];
	int r;

	if (!mkdtemp(dir))
		return 255;
	(void)snprintf(path, sizeof(path), "%s/node", dir);
	r = mknod(path, S_IFCHR | 0600, makedev(1, 11)) < 0 ? errno : 0;
	(void)unlink(path);
	(void)rmdir(dir);
	return r;
}

/* Overlayfs' deletions are not devices, and a FIFO never was one. */
static int make_whiteout(void)
{
	char dir[] = "/tmp/jail-unit-node.XXXXXX", path[64];
	int r;

	if (!mkdtemp(dir))
		return 255;
	(void)snprintf(path, sizeof(path), "%s/node", dir);
	r = mknod(path, S_IFCHR, 0) < 0 || unlink(path) < 0 || mknod(path, S_IFIFO | 0600, 0) < 0
		    ? errno
		    : 0;
	(void)unlink(path);
	(void)rmdir(dir);
	return r;
}

static void test_filter(void **state)
{
	const struct fixture *f = *state;

	/* Without it: root may. */
	assert_int_equal(inside(f, read_kmsg), 0);
	assert_int_equal(inside(f, make_kmsg), 0);
	set(f, NULL, 0);
	assert_int_equal(inside(f, read_kmsg), EPERM);
	assert_int_equal(inside(f, write_kmsg), EPERM);
	assert_int_equal(inside(f, make_kmsg), EPERM);
	assert_int_equal(inside(f, use_null), 0);
	assert_int_equal(inside(f, make_whiteout), 0);
	assert_int_equal(read_kmsg(), 0); /* who is not in it */
}

static void test_live(void **state)
{
	const struct fixture *f = *state;

	set(f, NULL, 0);
	set(f, &kmsg, 1);
	assert_int_equal(inside(f, read_kmsg), 0);
	assert_int_equal(inside(f, write_kmsg), EPERM);
	assert_int_equal(inside(f, make_kmsg), EPERM);
	set(f, NULL, 0);
	assert_int_equal(inside(f, read_kmsg), EPERM);
}

static int outer_fd(const struct fixture *f)
{
	int fd = openat(f->t.root_fd, f->name.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int bpf(enum bpf_cmd cmd, union bpf_attr *a)
{
	return (int)syscall(SYS_bpf, cmd, a, sizeof(*a));
}

/* As systemd has them: another's program, which allows or forbids everything. */
static int foreign(int answer)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU | BPF_MOV | BPF_K, .imm = answer },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
			     .insn_cnt = ARRAY_SIZE(insns),
			     .insns = (uint64_t)(uintptr_t)insns,
			     .license = (uint64_t)(uintptr_t) "GPL",
			     .prog_name = "sd_devices" };
	int fd = bpf(BPF_PROG_LOAD, &a);

	assert_true(fd >= 0);
	return fd;
}

static int attach(enum bpf_cmd cmd, int cgroup, int program)
{
	union bpf_attr a = { .target_fd = (uint32_t)cgroup,
			     .attach_bpf_fd = (uint32_t)program,
			     .attach_type = BPF_CGROUP_DEVICE };

	if (cmd == BPF_PROG_ATTACH)
		a.attach_flags = BPF_F_ALLOW_MULTI;
	return bpf(cmd, &a);
}

static unsigned attached(int cgroup)
{
	union bpf_attr a = { .query = { .target_fd = (uint32_t)cgroup,
					.attach_type = BPF_CGROUP_DEVICE } };
	uint32_t ids[64];

	a.query.prog_ids = (uint64_t)(uintptr_t)ids;
	a.query.prog_cnt = ARRAY_SIZE(ids);
	assert_int_equal(bpf(BPF_PROG_QUERY, &a), 0);
	return a.query.prog_cnt;
}

/* A daemon-reload puts systemd's program on anew: it can forbid more, never allow what ours
 * forbids, and goes without ours. */
static void test_beside_another(void **state)
{
	const struct fixture *f = *state;
	CLEANUP_FD int outer = outer_fd(f), yes = foreign(1), no = foreign(0);

	set(f, NULL, 0);
	assert_int_equal(attach(BPF_PROG_ATTACH, outer, yes), 0);
	assert_int_equal(inside(f, read_kmsg), EPERM);
	assert_int_equal(inside(f, use_null), 0);
	assert_int_equal(attached(outer), 2);
	set(f, &kmsg, 1); /* ours is exchanged, not the other */
	assert_int_equal(attached(outer), 2);
	assert_int_equal(inside(f, read_kmsg), 0);
	assert_int_equal(attach(BPF_PROG_ATTACH, outer, no), 0);
	assert_int_equal(inside(f, use_null), EPERM);
	assert_int_equal(attach(BPF_PROG_DETACH, outer, no), 0);
	assert_int_equal(attach(BPF_PROG_DETACH, outer, yes), 0);
	assert_int_equal(attached(outer), 1);
	assert_int_equal(inside(f, read_kmsg), 0);
	assert_int_equal(inside(f, write_kmsg), EPERM);
}

/* How often the other process has tried; shared with it. */
static volatile unsigned *tries;

static int try_forever(void)
{
	for (;; ++*tries) {
		int r = write_kmsg();

		if (r != EPERM)
			return r;
		r = use_null();
		if (r != 0)
			return r;
	}
}

/* Exchanging leaves no moment without a filter, or with one that forbids too much. */
static void test_no_gap(void **state)
{
	const struct fixture *f = *state;
	struct clone_args c = { .exit_signal = SIGCHLD,
				.flags = CLONE_INTO_CGROUP,
				.cgroup = (uint64_t)f->inside };
	CLEANUP_FD int outer = outer_fd(f);
	int status;
	pid_t pid;

	tries = mmap(NULL, sizeof(*tries), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	assert_true(tries != MAP_FAILED);
	set(f, NULL, 0);
	pid = sys_clone3(&c);
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(try_forever());
	for (unsigned i = 0; i < EXCHANGES || *tries < EXCHANGES; i++) {
		set(f, &kmsg, i % 2);
		if (waitpid(pid, &status, WNOHANG) != 0)
			fail_msg("after %u exchanges: %s", i, strerror(WEXITSTATUS(status)));
	}
	assert_int_equal(attached(outer), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	(void)munmap((void *)(uintptr_t)tries, sizeof(*tries));
}

static void test_no_cgroup(void **state)
{
	const struct fixture *f = *state;
	struct jail_name name = { "none" };
	struct err e = ERR_INIT;
	bool active = false;

	assert_int_equal(cgroup_devices_set(&f->t, &name, NULL, 0, &active, &e), -ENOENT);
	assert_false(active);
}

/* On the host a refusal is an error; in a user namespace, whose root can't make nodes, it isn't. */
static int set_in_userns(void)
{
	struct cgroup_tree t;
	struct err e = ERR_INIT;
	bool active = true;

	if (cgroup_tree_open(&t, &e) < 0 || unshare(CLONE_NEWUSER) < 0)
		return 255;
	if (cgroup_devices_probe(&active, &e) < 0 || active)
		return 254;
	active = true;
	if (cgroup_devices_set(&t, &(struct jail_name){ ".monitor" }, NULL, 0, &active, &e) < 0)
		return 253;
	return active;
}

static void test_user_namespace(void **state)
{
	const struct fixture *f = *state;
	struct err e = ERR_INIT;
	bool active = false;

	assert_int_equal(cgroup_devices_probe(&active, &e), 0);
	assert_true(active);
	assert_true(cgroup_monitor_fd(&f->t, &e) >= 0);
	assert_int_equal(inside(f, set_in_userns), 0);
}

#define FIXTURE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE(test_filter), FIXTURE(test_live),      FIXTURE(test_beside_another),
		FIXTURE(test_no_gap), FIXTURE(test_no_cgroup), FIXTURE(test_user_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
