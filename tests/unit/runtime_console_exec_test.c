/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exec_io_run(): a real program behind pipes or a pty. */
#include "runtime_console_rig.h"

static struct client start_exec(bool terminal, bool interactive, const char *script)
{
	struct client c = { .master = -EBADF, .slave = -EBADF, .sock = -EBADF };
	int in[2], out[2], result[2];

	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC) | pipe2(result, O_CLOEXEC),
			 0);
	if (terminal)
		open_terminal(&c);
	c.pid = fork();
	assert_true(c.pid >= 0);
	if (c.pid == 0) {
		struct exec_io io = { .in = -EBADF,
				      .err = -EBADF,
				      .tty = terminal,
				      .detach_keys = terminal,
				      .interactive = interactive };
		struct result r = { .status = -1 };
		struct err e = ERR_INIT;
		int to[2], from[2], from_err[2], status;
		pid_t pid;

		take_stdio(&c, in[0], out[1]);
		(void)close(in[1]);
		(void)close(out[0]);
		(void)(pipe2(to, O_CLOEXEC) | pipe2(from, O_CLOEXEC) | pipe2(from_err, O_CLOEXEC));
		if (terminal) {
			io.out = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
			(void)(grantpt(io.out) | unlockpt(io.out));
			to[0] = from[1] = from_err[1] =
				open(ptsname(io.out), O_RDWR | O_NOCTTY | O_CLOEXEC);
		}
		pid = fork();
		if (pid == 0) {
			(void)setsid();
			(void)dup2(to[0], 0);
			(void)dup2(from[1], 1);
			(void)dup2(from_err[1], 2);
			(void)sys_close_range(3, ~0U, 0);
			(void)ioctl(0, TIOCSCTTY, 0);
			execl("/bin/sh", "sh", "-c", script, (char *)NULL);
			_exit(127);
		}
		(void)close(to[0]);
		if (!terminal) {
			(void)close(from[1]);
			(void)close(from_err[1]);
			io.in = to[1];
			io.out = from[0];
			io.err = from_err[0];
		}
		io.pidfd = sys_pidfd_open(pid, 0);
		r.r = exec_io_run(&io, &r.end, &e);
		if (r.r == 0 && r.end == ATTACH_EXITED && waitpid(pid, &status, 0) == pid)
			r.status =
				WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		send_result(result[1], &r);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	(void)close(result[1]);
	c.in = in[1];
	c.out = out[0];
	c.result = result[0];
	return c;
}

static void assert_output(const struct client *c, const char *expected)
{
	char text[1024] = "";

	assert_in_range(strlen(expected), 1, sizeof(text) - 1);
	read_exactly(c->master >= 0 ? c->master : c->out, text, strlen(expected));
	assert_string_equal(text, expected);
}

static void test_exec_pipes(void **state)
{
	struct client c = start_exec(false, true, "cat; echo end; exit 6");

	(void)state;
	type(&c, "some\n");
	assert_output(&c, "some\n");
	(void)close(c.in);
	c.in = -EBADF;
	assert_output(&c, "end\n");
	assert_exited(&c, 6);
}

/* Not interactive: the program finds the end of its input at once. */
static void test_exec_not_interactive(void **state)
{
	struct client c = start_exec(false, false, "cat; echo end");

	(void)state;
	assert_output(&c, "end\n");
	assert_exited(&c, 0);
}

static void test_exec_output_is_complete(void **state)
{
	static char back[1000000];
	struct client c = start_exec(false, false, "yes abcdefghi | head -c 1000000; exit 3");

	(void)state;
	read_exactly(c.out, back, sizeof(back));
	assert_memory_equal(back + sizeof(back) - 10, "abcdefghi\n", 10);
	assert_exited(&c, 3);
}

/* What it leaves behind may hold the pipes as long as it likes. */
static void test_exec_daemon_left_behind(void **state)
{
	struct client c = start_exec(false, false, "sleep 2 & echo started");

	(void)state;
	assert_output(&c, "started\n");
	assert_exited(&c, 0);
}

static void test_exec_input_not_wanted(void **state)
{
	static char data[300000];
	struct client c = start_exec(false, true, "exec <&-; echo closed; sleep 0.3; exit 2");

	(void)state;
	assert_output(&c, "closed\n");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)!write(c.in, data, 60000);
	assert_exited(&c, 2);
}

static void test_exec_signals(void **state)
{
	struct client c =
		start_exec(false, false, "trap 'echo int; exit 7' INT; echo ready; sleep 5 & wait");

	(void)state;
	assert_output(&c, "ready\n");
	assert_int_equal(kill(c.pid, SIGINT), 0);
	assert_output(&c, "int\n");
	assert_exited(&c, 7);
}

static void test_exec_terminal(void **state)
{
	struct client c =
		start_exec(true, true, "stty -echo; stty size; read x; echo \"<$x>\"; exit 4");

	(void)state;
	assert_output(&c, "24 80\r\n");
	assert_true(is_raw(&c));
	type(&c, "word\r");
	assert_output(&c, "<word>\r\n");
	assert_exited(&c, 4);
}

static void test_exec_detach(void **state)
{
	struct client c = start_exec(true, true, "echo up; sleep 1");
	struct result r;

	(void)state;
	assert_output(&c, "up\r\n");
	type(&c, "\020\021");
	r = finish(&c);
	assert_int_equal(r.r, 0);
	assert_int_equal(r.end, ATTACH_DETACHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exec_pipes),
		cmocka_unit_test(test_exec_not_interactive),
		cmocka_unit_test(test_exec_output_is_complete),
		cmocka_unit_test(test_exec_daemon_left_behind),
		cmocka_unit_test(test_exec_input_not_wanted),
		cmocka_unit_test(test_exec_signals),
		cmocka_unit_test(test_exec_terminal),
		cmocka_unit_test(test_exec_detach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
