/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cgroup of a command's helpers, against the real kernel. Needs root. */
#include "base_tmpdir.h"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/sys.h"
#include "cgroups/work.h"

static const struct cgroup_work_limits limits = { 64 << 20, 16 };

static int setup(void **state)
{
	struct cgroup_tree *t = calloc(1, sizeof(*t));
	struct err e = ERR_INIT;

	assert_non_null(t);
	if (cgroup_tree_open(t, &e) < 0)
		fail_msg("%s", e.text);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct cgroup_tree *t = *state;

	cgroup_tree_close(t);
	free(t);
	return 0;
}

static struct cgroup_work begun(const struct cgroup_tree *t)
{
	struct cgroup_work w = CGROUP_WORK_INIT;
	struct err e = ERR_INIT;

	if (cgroup_work_begin(t, &limits, &w, &e) < 0)
		fail_msg("%s", e.text);
	assert_true(tmpdir_exists(t->root_fd, w.name));
	return w;
}

static pid_t sleeper(const struct cgroup_work *w)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP,
				   .exit_signal = SIGCHLD,
				   .cgroup = (uint64_t)w->dir };
	pid_t pid = sys_clone3(&args);

	assert_true(pid >= 0);
	if (pid == 0)
		for (;;)
			(void)pause();
	return pid;
}

static void killed(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void check_file(const struct cgroup_tree *t, uint32_t controller,
		       const struct cgroup_work *w, const char *file, const char *value)
{
	char text[64];

	if (!(t->controllers & controller)) {
		assert_int_equal(faccessat(w->dir, file, F_OK, 0), -1);
		return;
	}
	assert_true(file_peek_at(w->dir, file, text, sizeof(text)) > 0);
	assert_string_equal(text, value);
}

static void test_limits(void **state)
{
	struct cgroup_tree *t = *state;
	struct cgroup_work w = begun(t);
	struct err e = ERR_INIT;

	check_file(t, CGROUP_MEMORY, &w, "memory.max", "67108864");
	check_file(t, CGROUP_PIDS, &w, "pids.max", "16");
	assert_int_equal(cgroup_work_kills(&w), 0);
	assert_int_equal(cgroup_work_end(t, &w, 5000, &e), 0);
	assert_false(tmpdir_exists(t->root_fd, w.name));
	assert_int_equal(w.dir, -EBADF);
	assert_int_equal(cgroup_work_end(t, &w, 5000, &e), 0); /* a second time is nothing */
}

static void test_end_kills(void **state)
{
	struct cgroup_tree *t = *state;
	struct cgroup_work w = begun(t);
	pid_t pid = sleeper(&w);
	struct err e = ERR_INIT;

	assert_int_equal(cgroup_work_end(t, &w, 5000, &e), 0);
	assert_false(tmpdir_exists(t->root_fd, w.name));
	killed(pid);
}

/* gc spares what somebody holds, and takes what a command that was killed has left. */
static void test_gc(void **state)
{
	struct cgroup_tree *t = *state;
	struct cgroup_work held = begun(t), left = begun(t);
	pid_t pid = sleeper(&left);
	struct err e = ERR_INIT;
	size_t n = 0;

	assert_int_equal(cgroup_work_gc(t, 5000, &n, &e), 0);
	assert_int_equal(n, 0);
	/* The sleeper has a copy of the lock, as no helper that was executed has. */
	assert_int_equal(flock(left.dir, LOCK_UN), 0);
	fd_reset(&left.dir);
	assert_int_equal(cgroup_work_gc(t, 5000, &n, &e), 0);
	assert_int_equal(n, 1);
	killed(pid);
	assert_false(tmpdir_exists(t->root_fd, left.name));
	assert_true(tmpdir_exists(t->root_fd, held.name));
	/* Whoever lost its cgroup has nothing to remove, not even one of the same name. */
	assert_int_equal(flock(held.dir, LOCK_UN), 0);
	assert_int_equal(cgroup_work_gc(t, 5000, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_int_equal(mkdirat(t->root_fd, held.name, 0755), 0);
	assert_int_equal(cgroup_work_end(t, &held, 5000, &e), 0);
	assert_true(tmpdir_exists(t->root_fd, held.name));
	assert_int_equal(unlinkat(t->root_fd, held.name, AT_REMOVEDIR), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_kills, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gc, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
