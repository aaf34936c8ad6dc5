/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hooks: what they get, what they do not get, and how each bad end reads. */
#include "base_tmpdir.h"

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "hooks/hooks.h"

/* Runs `sh -c command` as a hook, with the test's directory as $0 and these variables. */
static int run_sh(const struct tmpdir *t, const char *command, const char *const *env,
		  uint64_t timeout_ms, struct err *e)
{
	char path[] = "/bin/sh", dir[sizeof(t->path)];
	struct hook h = { .path = path, .timeout_ms = timeout_ms };
	int r;

	(void)str_format(dir, sizeof(dir), "%s", t->path);
	assert_int_equal(strv_add(&h.args, "a name of its own"), 0);
	assert_int_equal(strv_add(&h.args, "-c"), 0);
	assert_int_equal(strv_add(&h.args, command), 0);
	assert_int_equal(strv_add(&h.args, dir), 0);
	for (; env && *env; env++)
		assert_int_equal(strv_add(&h.env, *env), 0);
	r = hooks_run("prestart", &h, 1, "{\"ociVersion\":\"1.0.2\"}", e);
	strv_free(&h.args);
	strv_free(&h.env);
	return r;
}

static void assert_file(const struct tmpdir *t, const char *name, const char *want)
{
	CLEANUP_FREE char *data = NULL;
	struct err e = ERR_INIT;

	if (file_read_at(t->fd, name, 65536, &data, NULL, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(data, want);
}

/* Row 87: the contract, as one golden file. */
static void test_contract(void **state)
{
	static const char *const env[] = { "A=1", "B=x y", NULL };
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	mode_t old = umask(077);

	assert_int_equal(setenv("LD_PRELOAD", "/proc/self/cwd/evil.so", 1), 0);
	assert_int_equal(setenv("BASH_ENV", "/proc/self/cwd/evil", 1), 0);
	if (run_sh(t,
		   "o=$(readlink /proc/$$/fd/1); cd $0; { tr '\\0' '\\n' < /proc/$$/environ; "
		   "umask; "
		   "cat; echo; echo $o; } > out; "
		   "cut -d' ' -f5,6 /proc/$$/stat > ids; echo $$ $$ > want; cmp ids want",
		   env, 0, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(unsetenv("LD_PRELOAD"), 0);
	assert_int_equal(unsetenv("BASH_ENV"), 0);
	assert_file(t, "out", "A=1\nB=x y\n0022\n{\"ociVersion\":\"1.0.2\"}\n/dev/null\n");
	(void)umask(old);
}

static void test_cwd_and_fds(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	/* Leaks of the caller (row 2), not even close-on-exec. */
	int leak = fcntl(t->fd, F_DUPFD, 60);

	assert_true(leak >= 60);
	assert_int_equal(
		run_sh(t, "readlink /proc/$$/cwd > $0/cwd; ls /proc/$$/fd > $0/fds", NULL, 0, &e),
		0);
	assert_file(t, "cwd", "/\n");
	(void)close(leak);
}

static void test_no_env(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;

	assert_int_equal(run_sh(t, "wc -c < /proc/$$/environ > $0/env", NULL, 0, &e), 0);
	assert_file(t, "env", "0\n");
}

static void test_signals(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	sigset_t set, old;
	void (*pipe_old)(int) = signal(SIGPIPE, SIG_IGN);
	void (*child_old)(int) = signal(SIGCHLD, SIG_IGN);

	assert_int_equal(sigfillset(&set), 0);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, &old), 0);
	assert_int_equal(
		run_sh(t, "grep -E 'Sig(Blk|Ign)' /proc/self/status > $0/sig", NULL, 0, &e), 0);
	assert_file(t, "sig", "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	/* And the caller's are as they were. */
	assert_ptr_equal(signal(SIGCHLD, child_old), SIG_IGN);
	assert_ptr_equal(signal(SIGPIPE, pipe_old), SIG_IGN);
	assert_int_equal(sigprocmask(SIG_SETMASK, &old, NULL), 0);
}

static void put_program(const struct tmpdir *t, const char *name, const char *text, mode_t mode)
{
	tmpdir_put(t->fd, name, text);
	assert_int_equal(fchmodat(t->fd, name, mode, 0), 0);
}

static int run_file(const struct tmpdir *t, const char *name, struct err *e)
{
	char path[128];
	struct hook h = { .path = path };

	(void)str_format(path, sizeof(path), "%s/%s", t->path, name);
	return hooks_run("poststop", &h, 1, "{}", e);
}

static void test_script(void **state)
{
	const struct tmpdir *t = *state;
	char text[256];
	struct err e = ERR_INIT;

	(void)str_format(text, sizeof(text), "#!/bin/sh\necho \"$# $0\" > %s/out\n", t->path);
	put_program(t, "script", text, 0755);
	if (run_file(t, "script", &e) < 0)
		fail_msg("%s", e.text);
	assert_true(tmpdir_exists(t->fd, "out"));
}

/* The message without the test's directory. */
static const char *text_of(const struct tmpdir *t, struct err *e)
{
	char *dir = strstr(e->text, t->path);

	if (dir)
		memmove(dir, dir + strlen(t->path), strlen(dir + strlen(t->path)) + 1);
	return e->text;
}

static void test_not_executable(void **state)
{
	const struct tmpdir *t = *state;
	char relative[] = "bin/true", empty[] = "";
	struct hook h = { .path = relative };
	struct err e = ERR_INIT;

	assert_int_equal(run_file(t, "none", &e), -ENOENT);
	assert_string_equal(text_of(t, &e), "poststop hook /none: open: No such file or directory");
	put_program(t, "plain", "#!/bin/sh\n", 0644);
	assert_int_equal(run_file(t, "plain", &e), -EACCES);
	assert_string_equal(text_of(t, &e), "poststop hook /plain: execute: Permission denied");
	put_program(t, "noise", "not a program", 0755);
	assert_int_equal(run_file(t, "noise", &e), -ENOEXEC);
	put_program(t, "lost", "#!/no/such/interpreter\n", 0755);
	assert_int_equal(run_file(t, "lost", &e), -ENOENT);
	assert_int_equal(mkfifoat(t->fd, "fifo", 0755), 0);
	assert_int_equal(run_file(t, "fifo", &e), -EACCES); /* and does not hang */
	assert_int_equal(mkdirat(t->fd, "dir", 0755), 0);
	assert_int_equal(run_file(t, "dir", &e), -EACCES);
	assert_int_equal(hooks_run("x", &h, 1, "{}", &e), -EINVAL);
	assert_string_equal(e.text, "x hook bin/true: not an absolute path");
	h.path = empty;
	assert_int_equal(hooks_run("x", &h, 1, "{}", &e), -EINVAL);
}

static void test_bad_ends(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;

	assert_int_equal(run_sh(t, "exit 3", NULL, 0, &e), -ECANCELED);
	assert_string_equal(e.text, "prestart hook /bin/sh: exit status 3");
	assert_int_equal(run_sh(t, "echo one >&2; echo two >&2; exit 1", NULL, 0, &e), -ECANCELED);
	assert_string_equal(e.text, "prestart hook /bin/sh: exit status 1: one\ntwo");
	assert_int_equal(run_sh(t, "kill -SEGV $$", NULL, 0, &e), -ECANCELED);
	assert_string_equal(e.text, "prestart hook /bin/sh: killed by signal 11 (Segmentation "
				    "fault)");
	assert_int_equal(run_sh(t, "exit 127", NULL, 0, &e), -ECANCELED);
	assert_string_equal(e.text, "prestart hook /bin/sh: exit status 127");
	/* Much on stderr: read, bounded, the last lines kept; stdout is nobody's. */
	e = ERR_INIT;
	assert_int_equal(run_sh(t,
				"i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done "
				"| tee /dev/stderr; exit 2",
				(const char *[]){ "PATH=/usr/bin:/bin", NULL }, 0, &e),
			 -ECANCELED);
	assert_true(strlen(e.text) < 600);
	assert_true(str_starts(e.text, "prestart hook /bin/sh: exit status 2: line 19"));
	assert_string_equal(e.text + strlen(e.text) - strlen("\nline 19999"), "\nline 19999");
	/* One write of more than is kept: what is left of its first line is not shown. */
	e = ERR_INIT;
	assert_int_equal(run_sh(t, "printf '%02000d\\nlast' 0 >&2; exit 2", NULL, 0, &e),
			 -ECANCELED);
	assert_string_equal(e.text, "prestart hook /bin/sh: exit status 2: last");
}

static void test_timeout(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	uint64_t start = clock_boot_ms(), spent;
	CLEANUP_FREE char *text = NULL;
	uint64_t child = 0;

	/* It ignores what can be ignored and has a child in its group; both end. */
	assert_int_equal(run_sh(t, "trap '' TERM INT HUP; sleep 100 & echo $! > $0/child; wait",
				NULL, 300, &e),
			 -ETIMEDOUT);
	spent = clock_boot_ms() - start;
	assert_true(spent >= 300 && spent < 3000);
	assert_string_equal(e.text, "prestart hook /bin/sh: no end after 300ms: killed");
	assert_int_equal(file_read_at(t->fd, "child", 32, &text, NULL, &e), 0);
	for (const char *p = text; *p >= '0' && *p <= '9'; p++)
		child = child * 10 + (uint64_t)(*p - '0');
	for (int i = 0; i < 100 && kill((pid_t)child, 0) == 0; i++) {
		char stat[512] = "", path[32], *state_char;

		/* A zombie that nobody reaps is dead too. */
		(void)str_format(path, sizeof(path), "/proc/%u/stat", (unsigned)child);
		(void)file_peek_at(AT_FDCWD, path, stat, sizeof(stat));
		(void)usleep(10000);
		state_char = strrchr(stat, ')');
		if (state_char && state_char[2] == 'Z')
			return;
	}
	assert_int_equal(kill((pid_t)child, 0), -1);
	assert_int_equal(errno, ESRCH);
}

/* A hook that leaves something in the background with its stderr is done when it exits. */
static void test_background(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	uint64_t start = clock_boot_ms();

	assert_int_equal(run_sh(t, "sleep 3 & exit 0", NULL, 10000, &e), 0);
	assert_true(clock_boot_ms() - start < 2000);
}

static void test_order(void **state)
{
	const struct tmpdir *t = *state;
	char path[] = "/bin/sh";
	struct hook h[3] = { { .path = path }, { .path = path }, { .path = path } };
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(h); i++) {
		assert_int_equal(strv_add(&h[i].args, "sh"), 0);
		assert_int_equal(strv_add(&h[i].args, "-c"), 0);
		assert_int_equal(
			strv_addf(&h[i].args, "echo %zu >> %s/order; exit %d", i, t->path, i == 1),
			0);
	}
	assert_int_equal(hooks_run("prestart", h, ARRAY_SIZE(h), "{}", &e), -ECANCELED);
	assert_file(t, "order", "0\n1\n"); /* the third did not run */
	assert_int_equal(hooks_run("prestart", NULL, 0, "{}", &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(h); i++)
		strv_free(&h[i].args);
}

/* A state larger than any pipe, to a hook that reads it and to one that does not. */
static void test_large_state(void **state)
{
	const struct tmpdir *t = *state;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	char path[] = "/bin/sh";
	struct hook h = { .path = path };
	struct err e = ERR_INIT;

	for (int i = 0; i < 100000; i++)
		strbuf_adds(&b, "0123456789");
	assert_int_equal(strv_add(&h.args, "sh"), 0);
	assert_int_equal(strv_add(&h.args, "-c"), 0);
	assert_int_equal(strv_addf(&h.args, "wc -c > %s/n", t->path), 0);
	assert_int_equal(hooks_run("prestart", &h, 1, strbuf_str(&b), &e), 0);
	assert_file(t, "n", "1000000\n");
	free(h.args.v[2]);
	h.args.v[2] = strdup("exit 0");
	assert_int_equal(hooks_run("prestart", &h, 1, strbuf_str(&b), &e), 0);
	strv_free(&h.args);
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_no_leak(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	int before = count_fds();

	assert_int_equal(run_sh(t, "exit 0", NULL, 0, &e), 0);
	assert_int_equal(run_sh(t, "exit 1", NULL, 0, &e), -ECANCELED);
	assert_int_equal(run_sh(t, "sleep 9", NULL, 50, &e), -ETIMEDOUT);
	assert_int_equal(run_file(t, "none", &e), -ENOENT);
	assert_int_equal(count_fds(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing left to reap */
	assert_int_equal(errno, ECHILD);
}

/* What OCI's hooks have of their own: cwd, output, a path that is executed as it is, no end. */
static void test_at(void **state)
{
	const struct tmpdir *t = *state;
	char path[] = "/bin/sh";
	struct hook h = { .path = path };
	struct hooks_at at = HOOKS_AT_INIT;
	struct err e = ERR_INIT;
	int out = openat(t->fd, "output", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(out >= 0);
	at.cwd = t->fd;
	at.no_timeout = true;
	assert_int_equal(strv_add(&h.args, "sh"), 0);
	assert_int_equal(strv_add(&h.args, "-c"), 0);
	assert_int_equal(strv_add(&h.args, "echo here > cwd; echo out; echo err >&2; exit 4"), 0);
	assert_int_equal(hooks_run_at("createRuntime", &h, 1, "{}", &at, &e), -ECANCELED);
	assert_string_equal(e.text, "createRuntime hook /bin/sh: exit status 4: out\nerr");
	assert_file(t, "cwd", "here\n");

	e = ERR_INIT;
	at.out = out;
	assert_int_equal(hooks_run_at("x", &h, 1, "{}", &at, &e), -ECANCELED);
	assert_string_equal(e.text, "x hook /bin/sh: exit status 4: err");
	assert_file(t, "output", "out\n");
	e = ERR_INIT;
	at.err = out;
	assert_int_equal(hooks_run_at("x", &h, 1, "{}", &at, &e), -ECANCELED);
	assert_string_equal(e.text, "x hook /bin/sh: exit status 4");
	assert_file(t, "output", "out\nout\nerr\n");
	strv_free(&h.args);
	(void)close(out);
}

static void test_by_path(void **state)
{
	const struct tmpdir *t = *state;
	char path[128], text[256], want[300];
	struct hook h = { .path = path };
	struct hooks_at at = HOOKS_AT_INIT;
	struct err e = ERR_INIT;

	(void)str_format(path, sizeof(path), "%s/named", t->path);
	(void)str_format(text, sizeof(text),
			 "#!/bin/sh\necho $0 > %s/name\nls /proc/$$/fd > %s/fds\n", t->path,
			 t->path);
	put_program(t, "named", text, 0755);
	at.by_path = true;
	if (hooks_run_at("x", &h, 1, "{}", &at, &e) < 0)
		fail_msg("%s", e.text);
	(void)str_format(want, sizeof(want), "%s\n", path);
	assert_file(t, "name", want);
	put_program(t, "named", text, 0644);
	assert_int_equal(hooks_run_at("x", &h, 1, "{}", &at, &e), -EACCES);
	assert_non_null(strstr(e.text, "execute: Permission denied"));
	assert_int_equal(unlinkat(t->fd, "named", 0), 0);
	assert_int_equal(hooks_run_at("x", &h, 1, "{}", &at, &e), -ENOENT);
	(void)str_format(path, sizeof(path), "named");
	assert_int_equal(hooks_run_at("x", &h, 1, "{}", &at, &e), -EINVAL);
}

/* Opened while the path leads to them, run when it does not. */
static void test_opened(void **state)
{
	const struct tmpdir *t = *state;
	char paths[2][128], text[256];
	struct hook h[2] = { { .path = paths[0] }, { .path = paths[1] } };
	struct hook_program programs[2];
	struct hooks_at at = HOOKS_AT_INIT;
	struct err e = ERR_INIT;

	for (int i = 0; i < 2; i++)
		(void)str_format(paths[i], sizeof(paths[i]), "%s/early%d", t->path, i);
	(void)str_format(text, sizeof(text), "#!/bin/sh\necho x >> %s/ran\n", t->path);
	put_program(t, "early0", text, 0755);
	assert_int_equal(hooks_open("createContainer", h, 2, programs, &e), -ENOENT);
	assert_non_null(strstr(e.text, "createContainer hook"));
	assert_non_null(strstr(e.text, "early1: open: No such"));
	put_program(t, "early1", text, 0755);
	e = ERR_INIT;
	assert_int_equal(hooks_open("createContainer", h, 2, programs, &e), 0);
	assert_int_equal(unlinkat(t->fd, "early0", 0), 0);
	assert_int_equal(unlinkat(t->fd, "early1", 0), 0);
	at.programs = programs;
	for (int i = 0; i < 2; i++)
		if (hooks_run_at("createContainer", h, 2, "{}", &at, &e) < 0)
			fail_msg("%s", e.text);
	hooks_close(programs, 2);
	assert_file(t, "ran", "x\nx\nx\nx\n");
}

static char warned[512];

static void take_warning(const char *text)
{
	(void)str_format(warned, sizeof(warned), "%s", text);
}

static void test_keep_going(void **state)
{
	const struct tmpdir *t = *state;
	char path[] = "/bin/sh";
	struct hook h[2] = { { .path = path }, { .path = path } };
	struct hooks_at at = HOOKS_AT_INIT;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(h); i++) {
		assert_int_equal(strv_add(&h[i].args, "sh"), 0);
		assert_int_equal(strv_add(&h[i].args, "-c"), 0);
	}
	assert_int_equal(strv_add(&h[0].args, "exit 9"), 0);
	assert_int_equal(strv_addf(&h[1].args, "echo ran > %s/second", t->path), 0);
	at.keep_going = true;
	warn_set_sink(take_warning);
	assert_int_equal(hooks_run_at("poststop", h, 2, "{}", &at, &e), 0);
	warn_set_sink(NULL);
	assert_string_equal(warned, "poststop hook /bin/sh: exit status 9");
	assert_file(t, "second", "ran\n");
	assert_int_equal(e.code, 0);
	for (size_t i = 0; i < ARRAY_SIZE(h); i++)
		strv_free(&h[i].args);
}

/* From process 1 of a pid namespace, with a time-out, as before a container's program. */
static void test_from_process_1(void **state)
{
	const struct tmpdir *t = *state;
	char path[] = "/bin/sh";
	struct hook h = { .path = path, .timeout_ms = 300 };
	struct hooks_at at = HOOKS_AT_INIT;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_int_equal(strv_add(&h.args, "sh"), 0);
	assert_int_equal(strv_add(&h.args, "-c"), 0);
	assert_int_equal(strv_addf(&h.args, "echo $PPID >> %s/one; cat; sleep 100", t->path), 0);
	at.by_path = true;
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err e = ERR_INIT;

		if (hooks_run_at("startContainer", &h, 1, "{}", &at, &e) != -ETIMEDOUT)
			_exit(1);
		free(h.args.v[2]);
		h.args.v[2] = strdup("exit 0");
		_exit(hooks_run_at("startContainer", &h, 1, "{}", &at, &e) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_file(t, "one", "1\n");
	strv_free(&h.args);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TMPDIR_TEST(test_contract),
		TMPDIR_TEST(test_cwd_and_fds),
		TMPDIR_TEST(test_no_env),
		TMPDIR_TEST(test_signals),
		TMPDIR_TEST(test_script),
		TMPDIR_TEST(test_not_executable),
		TMPDIR_TEST(test_bad_ends),
		TMPDIR_TEST(test_timeout),
		TMPDIR_TEST(test_background),
		TMPDIR_TEST(test_order),
		TMPDIR_TEST(test_large_state),
		TMPDIR_TEST(test_no_leak),
		TMPDIR_TEST(test_at),
		TMPDIR_TEST(test_by_path),
		TMPDIR_TEST(test_opened),
		TMPDIR_TEST(test_keep_going),
		TMPDIR_TEST(test_from_process_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
