/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cgroups against the real kernel, on the host's tree as it is and then in a pure version 2 view of
 * it (a private mount namespace). Needs root. What the limits write is cgroups_limits_test.c's
 * business.
 */
#include "base_tmpdir.h"

#include <inttypes.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "cgroups/cgroup_priv.h"
#include "cgroups/mounts.h"

struct fixture {
	struct cgroup_tree t;
	struct jail_name name;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = ERR_INIT;

	assert_non_null(f);
	if (cgroup_tree_open(&f->t, &e) < 0)
		fail_msg("%s", e.text);
	(void)str_format(f->name.s, sizeof(f->name.s), "unit-%d", getpid());
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	assert_int_equal(cgroup_destroy(&f->t, &f->name, 5000, &e), 0);
	assert_false(tmpdir_exists(f->t.root_fd, f->name.s));
	cgroup_tree_close(&f->t);
	assert_int_equal(f->t.root_fd, -EBADF);
	cgroup_tree_close(&f->t); /* a second time is nothing */
	free(f);
	return 0;
}

static int make(const struct fixture *f)
{
	static const struct cgroup_limits none;
	struct err e = ERR_INIT;
	int fd = -EBADF;

	if (cgroup_create(&f->t, &f->name, &none, &fd, &e) < 0)
		fail_msg("%s", e.text);
	assert_true(fd >= 0);
	return fd;
}

#define HOPPERS 8
#define HOPS 20000

/* A process that is never there when its pid is looked for: forks, and goes on as the child. */
static void hop(void)
{
	for (int i = 0; i < HOPS; i++) {
		pid_t pid = fork();

		if (pid > 0)
			_exit(0);
		(void)setsid();
	}
	_exit(0);
}

/* A child that is born in the cgroup and sleeps; with others that hop, if wanted. */
static pid_t born_in(int cgroup, bool hoppers)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP,
				   .exit_signal = SIGCHLD,
				   .cgroup = (uint64_t)cgroup };
	pid_t pid = sys_clone3(&args);

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; hoppers && i < HOPPERS; i++) {
			if (fork() == 0)
				hop();
		}
		for (;;)
			(void)pause();
	}
	return pid;
}

static void assert_killed(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_tree(void **state)
{
	const struct fixture *f = *state;
	struct cgroup_tree again = { .root_fd = -EBADF }, probe = { .root_fd = -EBADF };
	struct err e = ERR_INIT;
	int monitor;

	assert_string_equal(f->t.path + strlen(f->t.path) - 5, "/jail");
	assert_int_equal(cgroup_tree_open(&again, &e), 0);
	assert_int_equal(again.controllers, f->t.controllers);
	assert_string_equal(again.path, f->t.path);
	assert_int_equal(cgroup_probe(&probe, &e), 0);
	/* What ROOT can give, ROOT/jail has been given. */
	assert_int_equal(probe.controllers, f->t.controllers);
	assert_true(str_starts(f->t.path, probe.path));
	monitor = cgroup_monitor_fd(&f->t, &e);
	assert_true(monitor >= 0);
	assert_true(tmpdir_exists(f->t.root_fd, ".monitor"));
	fd_reset(&monitor);
	cgroup_tree_close(&again);
	cgroup_tree_close(&probe);
}

static void test_birth_and_kill(void **state)
{
	const struct fixture *f = *state;
	struct err e = ERR_INIT;
	int inside = make(f), again;
	pid_t pid = born_in(inside, false), pids[4];
	struct stat a, b;

	again = cgroup_open(&f->t, &f->name, &e);
	assert_true(again >= 0);
	assert_int_equal(fstat(inside, &a), 0);
	assert_int_equal(fstat(again, &b), 0);
	assert_true(a.st_ino == b.st_ino);
	fd_reset(&again);
	assert_int_equal(cgroup_pids(&f->t, &f->name, pids, 4), 1);
	assert_int_equal(pids[0], pid);
	assert_int_equal(cgroup_kill(&f->t, &f->name, &e), 0);
	assert_killed(pid);
	assert_int_equal(cgroup_pids(&f->t, &f->name, pids, 4), 0);
	assert_int_equal(cgroup_destroy(&f->t, &f->name, 1000, &e), 0);
	fd_reset(&inside);
	assert_int_equal(cgroup_open(&f->t, &f->name, &e), -ENOENT);
	assert_int_equal(cgroup_kill(&f->t, &f->name, &e), -ENOENT);
	assert_int_equal(cgroup_is_frozen(&f->t, &f->name), -ENOENT);
	assert_int_equal(cgroup_pids(&f->t, &f->name, pids, 4), -ENOENT);
	assert_int_equal(cgroup_destroy(&f->t, &f->name, 0, &e), 0); /* missing is fine */
}

/* Row 67: a cgroup full of forking processes ends, whatever sessions they made. */
static void test_destroy_hoppers(void **state)
{
	const struct fixture *f = *state;
	struct err e = ERR_INIT;
	int inside = make(f);
	pid_t pid = born_in(inside, true), pids[2];
	uint64_t start = clock_boot_ms();

	assert_true(cgroup_pids(&f->t, &f->name, pids, 2) >= 1);
	assert_int_equal(cgroup_destroy(&f->t, &f->name, 5000, &e), 0);
	assert_true(clock_boot_ms() - start < 5000);
	assert_killed(pid);
	fd_reset(&inside);
}

/* What an instance with delegation may have made below. */
static void test_destroy_nested(void **state)
{
	static const char *const below[] = { "a", "a/b", "a/b/c", "a/d", "init.scope" };
	const struct fixture *f = *state;
	struct err e = ERR_INIT;
	int inside = make(f), deep;
	pid_t pid, pids[4];

	for (size_t i = 0; i < ARRAY_SIZE(below); i++)
		assert_int_equal(mkdirat(inside, below[i], 0755), 0);
	deep = openat(inside, "a/b/c", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid = born_in(deep, false);
	fd_reset(&deep);
	assert_int_equal(cgroup_pids(&f->t, &f->name, pids, 4), 1);
	assert_int_equal(pids[0], pid);
	assert_int_equal(cgroup_pids(&f->t, &f->name, pids, 0), 0);
	assert_int_equal(cgroup_destroy(&f->t, &f->name, 5000, &e), 0);
	assert_killed(pid);
	fd_reset(&inside);
}

static void test_stale(void **state)
{
	static const struct cgroup_limits none;
	const struct fixture *f = *state;
	struct err e = ERR_INIT;
	int inside = make(f), second = -EBADF;
	struct stat a, b;
	pid_t pid;

	/* An empty one, left behind: made anew, so that no limit of it lives on. */
	assert_int_equal(fstat(inside, &a), 0);
	assert_int_equal(mkdirat(inside, "left", 0755), 0);
	assert_int_equal(cgroup_create(&f->t, &f->name, &none, &second, &e), 0);
	assert_int_equal(fstat(second, &b), 0);
	assert_true(a.st_ino != b.st_ino);
	fd_reset(&inside);
	/* One that is alive: refused, and untouched. */
	pid = born_in(second, false);
	assert_int_equal(cgroup_create(&f->t, &f->name, &none, &inside, &e), -EBUSY);
	assert_non_null(strstr(e.text, "processes live in it"));
	assert_int_equal(inside, -EBADF);
	assert_int_equal(kill(pid, 0), 0);
	assert_int_equal(cgroup_kill(&f->t, &f->name, &e), 0);
	assert_killed(pid);
	fd_reset(&second);
}

/* Whether a child that counts in shared memory gets on. */
static bool counts(const volatile unsigned *counter)
{
	const struct timespec wait = { .tv_nsec = 40000000 };
	unsigned before = *counter;

	(void)nanosleep(&wait, NULL);
	return *counter != before;
}

static pid_t counter_in(int cgroup, volatile unsigned *counter)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP,
				   .exit_signal = SIGCHLD,
				   .cgroup = (uint64_t)cgroup };
	pid_t pid = sys_clone3(&args);

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			++*counter;
			(void)usleep(500);
		}
	}
	return pid;
}

static void test_freeze(void **state)
{
	const struct fixture *f = *state;
	struct err e = ERR_INIT;
	int inside = make(f);
	unsigned *counter =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	assert_true(counter != MAP_FAILED);
	pid = counter_in(inside, counter);
	assert_int_equal(cgroup_is_frozen(&f->t, &f->name), 0);
	assert_true(counts(counter));
	assert_int_equal(cgroup_freeze(&f->t, &f->name, true, 2000, &e), 0);
	assert_int_equal(cgroup_is_frozen(&f->t, &f->name), 1);
	assert_false(counts(counter));
	assert_int_equal(cgroup_freeze(&f->t, &f->name, true, 2000, &e), 0);
	assert_int_equal(cgroup_freeze(&f->t, &f->name, false, 2000, &e), 0);
	assert_int_equal(cgroup_is_frozen(&f->t, &f->name), 0);
	assert_true(counts(counter));
	/* A frozen one is killed without being thawed. */
	assert_int_equal(cgroup_freeze(&f->t, &f->name, true, 2000, &e), 0);
	assert_int_equal(cgroup_destroy(&f->t, &f->name, 5000, &e), 0);
	assert_killed(pid);
	assert_int_equal(munmap(counter, 4096), 0);
	fd_reset(&inside);
}

/* Row 67: what could not be frozen in time is thawed again. */
static void test_freeze_timeout(void **state)
{
	const struct fixture *f = *state;
	struct err e = ERR_INIT;
	int inside = make(f), r;
	pid_t pid = born_in(inside, true);

	r = cgroup_freeze(&f->t, &f->name, true, 0, &e);
	if (r < 0) { /* on a fast machine it may be done at once */
		char buf[8];
		CLEANUP_FD int dir = cgroup_dir(&f->t, &f->name, false);

		assert_int_equal(r, -ETIMEDOUT);
		assert_int_equal(file_peek_at(dir, "cgroup.freeze", buf, sizeof(buf)), 1);
		assert_string_equal(buf, "0");
	}
	assert_int_equal(cgroup_destroy(&f->t, &f->name, 5000, &e), 0);
	assert_killed(pid);
	fd_reset(&inside);
}

static int find_name(const struct jail_name *name, void *arg)
{
	const struct jail_name **want = arg;

	if (*want && str_eq(name->s, (*want)->s))
		*want = NULL;
	return 0;
}

static int stop_now(const struct jail_name *name, void *arg)
{
	(void)name;
	(void)arg;
	return -ECANCELED;
}

static void test_each(void **state)
{
	const struct fixture *f = *state;
	const struct jail_name *want = &f->name;
	struct err e = ERR_INIT;
	int inside = make(f);

	assert_int_equal(cgroup_each(&f->t, find_name, &want, &e), 0);
	assert_null(want);
	assert_int_equal(cgroup_each(&f->t, stop_now, NULL, &e), -ECANCELED);
	fd_reset(&inside);
}

static void test_delegate(void **state)
{
	const struct fixture *f = *state;
	struct err e = ERR_INIT;
	int inside = make(f);
	CLEANUP_FD int dir = cgroup_dir(&f->t, &f->name, false);
	uint32_t gives = 0;
	struct stat st;
	char buf[16];

	assert_int_equal(cgroup_delegate(&f->t, &f->name, 100000, 100001, &e), 0);
	assert_int_equal(fstat(inside, &st), 0);
	assert_int_equal(st.st_uid, 100000);
	assert_int_equal(st.st_gid, 100001);
	assert_int_equal(fstatat(inside, "cgroup.procs", &st, 0), 0);
	assert_int_equal(st.st_uid, 100000);
	/* Row 68: nothing that limits, and nothing of the host's level. */
	assert_int_equal(fstatat(inside, "cgroup.max.depth", &st, 0), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(fstat(dir, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(fstatat(dir, "cgroup.procs", &st, 0), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(cgroup_read_controllers(inside, "cgroup.controllers", &gives), 0);
	assert_int_equal(gives, f->t.controllers);
	assert_int_equal(file_peek_at(dir, "cgroup.max.descendants", buf, sizeof(buf)), 4);
	fd_reset(&inside);
}

/* Promise 2: a limit that can't be enforced names the key, the controller, the reason and a way. */
static void test_missing(void **state)
{
	const struct fixture *f = *state;
	struct cgroup_limits l = { .has_memory_max = true, .memory_max = 64 << 20 };
	struct err e = ERR_INIT;
	int inside = -EBADF;

	if (f->t.controllers & CGROUP_MEMORY)
		return;
	assert_int_equal(cgroup_create(&f->t, &f->name, &l, &inside, &e), -EOPNOTSUPP);
	print_message("    %s\n    (%s)\n", e.text, e.hint);
	assert_true(str_starts(e.text, "resources.memory.max: the memory controller is not "
				       "available in /sys/fs/cgroup"));
	assert_true(strstr(e.text, "mounted as v1 at /sys/fs/cgroup/memory") ||
		    strstr(e.text, "a v1 hierarchy holds it") || strstr(e.text, "built without") ||
		    strstr(e.text, "disabled at boot") || strstr(e.text, "not delegated") ||
		    strstr(e.text, "not enabled in"));
	assert_true(e.hint[0] != '\0');
	assert_int_equal(inside, -EBADF);
	assert_false(tmpdir_exists(f->t.root_fd, f->name.s)); /* nothing is left */
}

/* Where the controllers are there: limits hold, and bad ones leave nothing. */
static void test_real_limits(void **state)
{
	const struct fixture *f = *state;
	struct cgroup_limits l = { .has_pids_max = true,
				   .pids_max = 7,
				   .has_memory_max = true,
				   .memory_max = (64 << 20) + 1,
				   .has_cpu_max = true,
				   .cpu_max_millis = 1 };
	struct err e = ERR_INIT;
	int inside = -EBADF;
	char buf[64];

	if (~f->t.controllers & (CGROUP_PIDS | CGROUP_MEMORY | CGROUP_CPU))
		return;
	assert_int_equal(cgroup_create(&f->t, &f->name, &l, &inside, &e), 0);
	{
		CLEANUP_FD int dir = cgroup_dir(&f->t, &f->name, false);

		assert_true(file_peek_at(dir, "pids.max", buf, sizeof(buf)) > 0);
		assert_string_equal(buf, "7");
		assert_true(file_peek_at(dir, "cpu.max", buf, sizeof(buf)) > 0);
		assert_string_equal(buf, "1000 1000000");
	}
	fd_reset(&inside);
	assert_int_equal(cgroup_destroy(&f->t, &f->name, 1000, &e), 0);
	l.has_cpu_weight = true;
	l.cpu_weight = 10001;
	assert_true(cgroup_create(&f->t, &f->name, &l, &inside, &e) < 0);
	assert_true(str_starts(e.text, "resources.cpu.weight: "));
	assert_false(tmpdir_exists(f->t.root_fd, f->name.s));
}

static void test_mount_lines(void **state)
{
	static const struct {
		const char *line;
		bool is, v2;
		const char *path, *options;
	} cases[] = {
		{ "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw", false, false, "", "" },
		{ "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw", true, true,
		  "/sys/fs/cgroup/unified", "" },
		{ "35 31 0:32 / /c/cpu rw shared:9 master:1 - cgroup cgroup rw,cpu,cpuacct", true,
		  false, "/c/cpu", "cpu,cpuacct" },
		{ "40 31 0:37 / /c/systemd rw - cgroup cgroup rw,xattr,name=systemd", true, false,
		  "/c/systemd", "" },
		{ "41 31 0:38 / /a\\040b\\134c rw - cgroup2 none rw", true, true, "/a b\\c", "" },
		{ "41 31 0:38 / /x rw - cgroup2", false, false, "", "" },
		{ "41 31 0:38 / /x rw", false, false, "", "" },
		{ "", false, false, "", "" },
		{ "41", false, false, "", "" },
		/* A directory named "- cgroup2 ..." does not make a mount one: blanks are escaped.
		 */
		{ "41 31 0:38 / /\\040-\\040cgroup2\\040x rw - ext4 /dev/sda rw", false, false, "",
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cgroup_mount m;
		char line[256];

		(void)str_format(line, sizeof(line), "%s", cases[i].line);
		assert_int_equal(cgroup_mount_parse(line, &m), cases[i].is);
		if (!cases[i].is)
			continue;
		assert_int_equal(m.v2, cases[i].v2);
		assert_string_equal(m.path, cases[i].path);
		assert_string_equal(m.options, cases[i].options);
	}
	{
		struct cgroup_mount m = { .options = "cpu,cpuacct" };

		assert_true(cgroup_mount_has(&m, "cpu") && cgroup_mount_has(&m, "cpuacct"));
		assert_false(cgroup_mount_has(&m, "cpua") || cgroup_mount_has(&m, "memory"));
	}
}

static void test_no_tree(void **state)
{
	struct cgroup_tree t = { .root_fd = -EBADF };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(umount2("/sys/fs/cgroup", MNT_DETACH), 0);
	assert_int_equal(cgroup_probe(&t, &e), -ENOENT);
	assert_string_equal(e.text, "cgroup version 2 is not mounted");
	assert_int_equal(cgroup_tree_open(&t, &e), -ENOENT);
	assert_int_equal(t.root_fd, -EBADF);
}

/* The tree in a place that is not one of the usual ones, with a blank in its name. */
static void test_odd_place(void **state)
{
	const struct tmpdir *d = *state;
	struct cgroup_tree t = { .root_fd = -EBADF };
	struct err e = ERR_INIT;
	char path[128], want[160];

	assert_int_equal(mkdirat(d->fd, "a b", 0755), 0);
	(void)str_format(path, sizeof(path), "%s/a b", d->path);
	(void)str_format(want, sizeof(want), "%s/jail", path);
	assert_int_equal(mount("none", path, "cgroup2", 0, NULL), 0);
	assert_int_equal(cgroup_tree_open(&t, &e), 0);
	assert_string_equal(t.path, want);
	assert_true(tmpdir_exists(t.root_fd, "cgroup.procs"));
	cgroup_tree_close(&t);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}

#define TREE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tree_tests[] = {
		TREE_TEST(test_tree),
		TREE_TEST(test_birth_and_kill),
		TREE_TEST(test_destroy_hoppers),
		TREE_TEST(test_destroy_nested),
		TREE_TEST(test_stale),
		TREE_TEST(test_freeze),
		TREE_TEST(test_freeze_timeout),
		TREE_TEST(test_each),
		TREE_TEST(test_delegate),
		TREE_TEST(test_missing),
		TREE_TEST(test_real_limits),
	};
	const struct CMUnitTest table_tests[] = {
		cmocka_unit_test(test_mount_lines),
	};
	const struct CMUnitTest last_tests[] = { cmocka_unit_test(test_no_tree),
						 TMPDIR_TEST(test_odd_place) };
	int failed;

	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		print_message("needs root and namespaces\n");
		return 1;
	}
	failed = cmocka_run_group_tests_name("mount lines", table_tests, NULL, NULL);
	failed += cmocka_run_group_tests_name("the host's tree", tree_tests, NULL, NULL);
	if (umount2("/sys/fs/cgroup", MNT_DETACH) < 0 ||
	    mount("none", "/sys/fs/cgroup", "cgroup2", 0, NULL) < 0) {
		print_message("cannot make a version 2 view\n");
		return 1;
	}
	failed += cmocka_run_group_tests_name("a version 2 view", tree_tests, NULL, NULL);
	failed += cmocka_run_group_tests_name("no usual tree", last_tests, NULL, NULL);
	return failed;
}
