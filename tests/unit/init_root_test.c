/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail-init as PID 1 of a pid namespace: exit statuses, reports, signals, orphans, its supervisor.
 */
#include "monitor_rig.h"

#include <sched.h>

#include "runtime/init_proto.h"

struct run {
	pid_t pid; /* of jail-init, outside */
	int report; /* our end */
	int out; /* what it prints */
};

/* What the engine's child does, as far as jail-init can tell. Does not return. */
static void become_init(const char *init, int report, int out, const char *const args[])
{
	const char *argv[32] = { "jail-init", "9", "0", "--" };
	size_t n = 4;

	(void)dup2(open("/dev/null", O_RDONLY), 0);
	(void)dup2(out, 1);
	(void)dup2(out, 2);
	(void)dup2(report, 9);
	(void)sys_close_range(10, ~0U, 0);
	(void)mount("proc", "/proc", "proc", 0, NULL);
	while (*args != NULL)
		argv[n++] = *args++;
	argv[n] = NULL;
	execv(init, (char *const *)(uintptr_t)argv);
	_exit(100);
}

static struct run start(const char *const args[])
{
	struct clone_args c = { .flags = CLONE_NEWPID | CLONE_NEWNS, .exit_signal = SIGCHLD };
	struct run r = { 0 };
	char init[512];
	int report[2], out[2];

	rig_program("jail-init", init, sizeof(init));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	r.pid = sys_clone3(&c);
	assert_true(r.pid >= 0);
	if (r.pid == 0)
		become_init(init, report[1], out[1], args);
	(void)close(report[1]);
	(void)close(out[1]);
	r.report = report[0];
	r.out = out[0];
	return r;
}

static struct run start_script(const char *script)
{
	const char *const args[] = { "sh", "-c", script, NULL };

	return start(args);
}

/* The report: its code, or 0 when the program was executed. */
static int report_code(const struct run *r, char ret_what[static 120])
{
	struct init_report report;
	ssize_t n = read(r->report, &report, sizeof(report));

	if (n == 0)
		return 0;
	assert_int_equal(n, sizeof(report));
	assert_int_equal(report.magic, INIT_REPORT_MAGIC);
	assert_int_equal(report.what[sizeof(report.what) - 1], 0);
	memcpy(ret_what, report.what, sizeof(report.what));
	return report.code;
}

static int finish(struct run *r)
{
	int status;

	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	(void)close(r->report);
	(void)close(r->out);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* One line of the program's output, NUL-terminated, without the newline. */
static void read_line(const struct run *r, char *ret, size_t n)
{
	size_t used = 0;
	struct pollfd p = { .fd = r->out, .events = POLLIN };

	while (used < n - 1 && poll(&p, 1, 10000) == 1 && read(r->out, ret + used, 1) == 1 &&
	       ret[used] != '\n')
		used++;
	ret[used] = '\0';
}

static void test_exit_status(void **state)
{
	static const struct {
		const char *script;
		int status;
	} cases[] = {
		{ "exit 0", 0 },
		{ "exit 3", 3 },
		{ "exit 255", 255 },
		{ "kill -TERM $$", 143 },
		{ "kill -KILL $$", 137 },
		{ "kill -SEGV $$", 139 },
		{ "sleep 1000 & exit 4", 4 },
	};
	char what[120];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run r = start_script(cases[i].script);

		assert_int_equal(report_code(&r, what), 0);
		assert_int_equal(finish(&r), cases[i].status);
	}
}

static void assert_fails(const char *program, int code, int status)
{
	const char *const args[] = { program, NULL };
	struct run r = start(args);
	char what[120], expected[256];

	(void)snprintf(expected, sizeof(expected), "exec %s", program);
	expected[sizeof(what) - 1] = '\0';
	assert_int_equal(report_code(&r, what), code);
	assert_string_equal(what, expected);
	assert_int_equal(finish(&r), status);
}

static void test_exec_failures(void **state)
{
	struct rig *r = *state;
	char path[128], old[1024], new[1100];
	char long_name[300];

	rig_write(r, "plain", "echo hi\n", 0644);
	rig_write(r, "no-magic", "echo hi\n", 0755);
	rig_write(r, "bad-interpreter", "#!/no/such/interpreter\n", 0755);
	assert_fails("no-such-program", ENOENT, 127);
	assert_fails("/no/such/program", ENOENT, 127);
	assert_fails("", ENOENT, 127);
	assert_fails("/etc", EACCES, 126);
	(void)snprintf(path, sizeof(path), "%s/plain", r->path);
	assert_fails(path, EACCES, 126);
	/* A file without #! is no program: /bin/sh does not get it. */
	(void)snprintf(path, sizeof(path), "%s/no-magic", r->path);
	assert_fails(path, ENOEXEC, 126);
	(void)snprintf(path, sizeof(path), "%s/bad-interpreter", r->path);
	assert_fails(path, ENOENT, 127);
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_fails(long_name, ENAMETOOLONG, 126);

	/* By PATH: something not executable is remembered, and the search goes on behind it. */
	(void)snprintf(old, sizeof(old), "%s", getenv("PATH"));
	(void)snprintf(new, sizeof(new), "/no/such:%s:%s", r->path, old);
	assert_int_equal(setenv("PATH", new, 1), 0);
	assert_fails("plain", EACCES, 126);
	assert_fails("no-magic", ENOEXEC, 126);
	rig_write(r, "true", "", 0644);
	{
		const char *const args[] = { "true", NULL };
		struct run run = start(args);

		assert_int_equal(report_code(&run, path), 0);
		assert_int_equal(finish(&run), 0);
	}
	assert_int_equal(setenv("PATH", old, 1), 0);
}

static void test_wrong_arguments(void **state)
{
	static const char *const cases[][5] = {
		{ "jail-init", NULL },
		{ "jail-init", "9", "0", "--", NULL },
		{ "jail-init", "9", "0", "sh", NULL },
		{ "jail-init", "x", "0", "--", "true" },
		{ "jail-init", "2", "0", "--", "true" },
		{ "jail-init", "9", "2", "--", "true" },
		{ "jail-init", "99999999999", "0", "--", "true" },
	};
	char init[512];

	(void)state;
	rig_program("jail-init", init, sizeof(init));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *argv[6] = { NULL };
		int status;
		pid_t pid;

		memcpy(argv, cases[i], sizeof(cases[i]));
		pid = fork();
		if (pid == 0) {
			execv(init, (char *const *)(uintptr_t)argv);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(WEXITSTATUS(status), 125);
	}
}

/* Every signal that can be caught, also the real-time ones that C libraries keep for themselves. */
static void test_signals_are_forwarded(void **state)
{
	static const char program[] = "import signal, os\n"
				      "every = signal.valid_signals() - { signal.SIGKILL, "
				      "signal.SIGSTOP, signal.SIGCHLD }\n"
				      "signal.pthread_sigmask(signal.SIG_BLOCK, every)\n"
				      "os.write(1, b'ready\\n')\n"
				      "while True: os.write(1, b'%d\\n' % signal.sigwait(every))\n";
	const char *const args[] = { "python3", "-c", program, NULL };
	struct run r = start(args);
	char line[64], expected[64];

	(void)state;
	read_line(&r, line, sizeof(line));
	if (strcmp(line, "ready") != 0)
		fail_msg("python3 is needed: %s", line);
	for (int sig = 1; sig <= 64; sig++) {
		if (sig == SIGKILL || sig == SIGCHLD || sig == SIGSTOP || sig == 32 || sig == 33)
			continue;
		assert_int_equal(kill(r.pid, sig), 0);
		(void)snprintf(expected, sizeof(expected), "%d", sig);
		read_line(&r, line, sizeof(line));
		assert_string_equal(line, expected);
	}
	assert_int_equal(kill(r.pid, SIGKILL), 0);
	assert_int_equal(waitpid(r.pid, NULL, 0), r.pid);
	(void)close(r.out);
	(void)close(r.report);
}

/* The program starts with no signal blocked or ignored, whatever we inherited. */
static void test_signals_are_reset(void **state)
{
	struct run r;
	sigset_t all, old;
	char line[128];

	(void)state;
	(void)sigfillset(&all);
	assert_int_equal(sigprocmask(SIG_SETMASK, &all, &old), 0);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	r = start_script("grep -E '^Sig(Blk|Ign)' /proc/self/status");
	(void)signal(SIGHUP, SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	assert_int_equal(sigprocmask(SIG_SETMASK, &old, NULL), 0);
	read_line(&r, line, sizeof(line));
	assert_string_equal(line, "SigBlk:\t0000000000000000");
	read_line(&r, line, sizeof(line));
	assert_string_equal(line, "SigIgn:\t0000000000000000");
	assert_int_equal(finish(&r), 0);
}

/* A thousand orphans die at once, and none stays a zombie. */
static void test_orphans(void **state)
{
	struct run r;
	char line[64];

	(void)state;
	r = start_script("i=0; while [ $i -lt 1000 ]; do (sleep 0.5 &); i=$((i+1)); done; "
			 "sleep 0.1; n=0; for p in /proc/[0-9]*; do n=$((n+1)); done; "
			 "[ $n -gt 100 ] && echo many; "
			 "sleep 2; cat /proc/[0-9]*/stat | grep -c ' Z '; exit 0");
	read_line(&r, line, sizeof(line));
	assert_string_equal(line, "many");
	read_line(&r, line, sizeof(line));
	assert_string_equal(line, "0");
	assert_int_equal(finish(&r), 0);
}

/* Nothing of the engine's reaches the program, and PID 1 keeps nothing but stdio either. */
static void test_fds(void **state)
{
	struct run r;
	char line[256];
	int leaked = open("/etc/passwd", O_RDONLY);

	(void)state;
	assert_true(leaked >= 0);
	r = start_script("cd /proc/self/fd; echo *; cd /proc/1/fd; echo *");
	(void)close(leaked);
	read_line(&r, line, sizeof(line));
	/* dash's own glob opens the directory. */
	assert_true(strcmp(line, "0 1 2") == 0 || strcmp(line, "0 1 2 3") == 0);
	read_line(&r, line, sizeof(line));
	assert_string_equal(line, "0 1 2");
	assert_int_equal(finish(&r), 0);
}

static void test_name_and_session(void **state)
{
	struct run r = start_script("cat /proc/1/comm; cut -d' ' -f1,5,6 /proc/$$/stat");
	char line[64];
	int pid, group, session;

	(void)state;
	read_line(&r, line, sizeof(line));
	assert_string_equal(line, "jail-init");
	read_line(&r, line, sizeof(line));
	assert_int_equal(sscanf(line, "%d %d %d", &pid, &group, &session), 3);
	assert_int_equal(pid, group);
	assert_int_equal(pid, session);
	assert_int_equal(finish(&r), 0);
}

/* As another user than root. */
static void test_unprivileged(void **state)
{
	char init[512];
	int status;
	pid_t pid;

	(void)state;
	rig_program("jail-init", init, sizeof(init));
	pid = fork();
	if (pid == 0) {
		int fd = open(init, O_RDONLY);
		const char *const argv[] = {
			"jail-init", "9", "0", "--", "sh", "-c", "exit $(($(id -u) % 256))", NULL
		};

		(void)dup2(open("/dev/null", O_RDWR), 9);
		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(1);
		(void)fexecve(fd, (char *const *)(uintptr_t)argv, environ);
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 65534 % 256);
}

/* The supervisor dies by SIGKILL: everything in the pid namespace goes with it. */
static void test_dies_with_supervisor(void **state)
{
	int info[2], pidfd, status;
	struct pollfd p = { .events = POLLIN };
	pid_t supervisor, init_pid;

	(void)state;
	assert_int_equal(pipe2(info, O_CLOEXEC), 0);
	supervisor = fork();
	if (supervisor == 0) {
		struct run r = start_script("sleep 1000 & sleep 1000");
		char what[120];

		if (report_code(&r, what) != 0)
			_exit(1);
		(void)!write(info[1], &r.pid, sizeof(r.pid));
		(void)pause();
		_exit(0);
	}
	assert_int_equal(read(info[0], &init_pid, sizeof(init_pid)), sizeof(init_pid));
	pidfd = sys_pidfd_open(init_pid, 0);
	assert_true(pidfd >= 0);
	p.fd = pidfd;
	assert_int_equal(poll(&p, 1, 200), 0);
	assert_int_equal(kill(supervisor, SIGKILL), 0);
	assert_int_equal(waitpid(supervisor, &status, 0), supervisor);
	assert_int_equal(poll(&p, 1, 5000), 1);
	(void)close(pidfd);
	(void)close(info[0]);
	(void)close(info[1]);
}

/* It was dead before jail-init could ask the kernel to be told: the program never starts. */
static void test_supervisor_is_gone_already(void **state)
{
	struct rig *rig = *state;
	char init[512], mark[128];
	int report[2], status;
	pid_t pid;

	rig_program("jail-init", init, sizeof(init));
	(void)snprintf(mark, sizeof(mark), "%s/mark", rig->path);
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			assert_int_equal(pipe2(report, O_CLOEXEC), 0);
		else
			assert_int_equal(
				socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report), 0);
		pid = fork();
		if (pid == 0) {
			(void)dup2(report[1], 9);
			(void)close(report[0]);
			(void)poll(NULL, 0, 100);
			execl(init, "jail-init", "9", "0", "--", "touch", mark, (char *)NULL);
			_exit(1);
		}
		(void)close(report[0]);
		(void)close(report[1]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(WEXITSTATUS(status), 125);
		assert_int_equal(faccessat(rig->dir, "mark", F_OK, 0), -1);
	}
}

/* With TTY=1 stdin becomes the controlling terminal of the program's session: ^C is SIGINT for it.
 */
static void test_controlling_terminal(void **state)
{
	struct clone_args c = { .flags = CLONE_NEWPID, .exit_signal = SIGCHLD };
	char init[512], text[256] = "";
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	size_t used = 0;
	int status;
	pid_t pid;

	(void)state;
	rig_program("jail-init", init, sizeof(init));
	assert_int_equal(grantpt(master) | unlockpt(master), 0);
	pid = sys_clone3(&c);
	if (pid == 0) {
		int slave = open(ptsname(master), O_RDWR | O_NOCTTY);

		(void)dup2(slave, 0);
		(void)dup2(slave, 1);
		(void)dup2(slave, 2);
		(void)dup2(open("/dev/null", O_RDWR), 9);
		execl(init, "jail-init", "9", "1", "--", "sh", "-c",
		      "trap 'echo interrupted; exit 5' INT; echo ready > /dev/tty; "
		      "while :; do sleep 0.02; done",
		      (char *)NULL);
		_exit(1);
	}
	while (strstr(text, "ready") == NULL && used < sizeof(text) - 1) {
		ssize_t n = read(master, text + used, sizeof(text) - 1 - used);

		assert_true(n > 0);
		used += (size_t)n;
	}
	assert_int_equal(write(master, "\003", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 5);
	(void)close(master);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit_status),
		RIG_TEST(test_exec_failures),
		cmocka_unit_test(test_wrong_arguments),
		cmocka_unit_test(test_signals_are_forwarded),
		cmocka_unit_test(test_signals_are_reset),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_fds),
		cmocka_unit_test(test_name_and_session),
		cmocka_unit_test(test_unprivileged),
		cmocka_unit_test(test_dies_with_supervisor),
		RIG_TEST(test_supervisor_is_gone_already),
		cmocka_unit_test(test_controlling_terminal),
	};

	return cmocka_run_group_tests(tests, rig_private_mounts, NULL);
}
