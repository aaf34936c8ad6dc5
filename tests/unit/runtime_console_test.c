/* SPDX-License-Identifier: GPL-2.0-or-later */
/* attach_run(): the test plays the monitor. */
#include "runtime_console_rig.h"

static void test_terminal(void **state)
{
	struct client c = start_on_terminal();
	char text[8] = "";

	(void)state;
	/* Keys as they are: no line editing, no signals, no translation. */
	type(&c, "a\r\003\032\004\023");
	assert_stdin(&c, "a\r\003\032\004\023");
	/* Output too. */
	send_to(&c, MONITOR_STDOUT, "x\ny", 3);
	read_exactly(c.master, text, 3);
	assert_string_equal(text, "x\ny");
	send_exit(&c, 42, false);
	assert_exited(&c, 42);
}

static void test_detach(void **state)
{
	struct client c = start_on_terminal();
	struct result r;

	(void)state;
	type(&c, "ls\020x");
	assert_stdin(&c, "ls\020x");
	type(&c, "\020");
	/* Held, but not for ever. */
	assert_true(is_silent(&c, CONSOLE_KEY_MS / 2));
	assert_stdin(&c, "\020");
	type(&c, "\020\020");
	assert_stdin(&c, "\020");
	type(&c, "\021");
	r = finish(&c);
	assert_int_equal(r.r, 0);
	assert_int_equal(r.end, ATTACH_DETACHED);
	assert_int_equal(r.status, -1);
}

static void test_detach_keys_filter(void **state)
{
	static const struct {
		const char *in[3];
		const char *out;
		bool detach;
	} cases[] = {
		{ { "abc" }, "abc", false },
		{ { "a\020\021b" }, "a", true },
		{ { "a\020", "\021" }, "a", true },
		{ { "a\020", "b\021" }, "a\020b\021", false },
		{ { "\020\020\020", "\021" }, "\020\020", true },
		{ { "\020", "", "\021" }, "\020\021", false },
		{ { "\021\020", "" }, "\021\020", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct console_keys k = { .held = false };
		uint8_t out[32];
		size_t used = 0;
		bool detach = false;

		for (int j = 0; j < 3 && cases[i].in[j] != NULL && !detach; j++)
			used += console_keys_filter(&k, (const uint8_t *)cases[i].in[j],
						    strlen(cases[i].in[j]), out + used, &detach);
		assert_int_equal(detach, cases[i].detach);
		assert_int_equal(used, strlen(cases[i].out));
		assert_memory_equal(out, cases[i].out, used);
	}
}

static void test_window_size_follows(void **state)
{
	const struct winsize size = { .ws_row = 50, .ws_col = 132 };
	struct client c = start_on_terminal();

	(void)state;
	assert_int_equal(ioctl(c.master, TIOCSWINSZ, &size), 0);
	assert_winsize(&c, 50, 132);
	/* A new start has a new console. */
	send_exit(&c, 1, true);
	send_to(&c, MONITOR_STARTED, NULL, 0);
	assert_winsize(&c, 50, 132);
	assert_true(is_raw(&c));
	send_exit(&c, 0, false);
	assert_exited(&c, 0);
}

/* The next piece of input is read when the last one was taken, and signals pass in between. */
static void test_one_input_at_a_time(void **state)
{
	struct client c = start_on_terminal();
	const struct winsize size = { .ws_row = 5, .ws_col = 5 };
	struct message m;

	(void)state;
	type(&c, "one");
	assert_int_equal(receive(&c, &m), MONITOR_STDIN);
	type(&c, "two");
	assert_true(is_silent(&c, 200));
	assert_int_equal(ioctl(c.master, TIOCSWINSZ, &size), 0);
	assert_winsize(&c, 5, 5);
	send_to(&c, MONITOR_STDIN_DONE, NULL, 0);
	assert_stdin(&c, "two");
	send_exit(&c, 0, false);
	assert_exited(&c, 0);
}

static void test_killed(void **state)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGSEGV, SIGABRT, SIGBUS };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct client c = start_on_terminal();
		int status;

		assert_int_equal(kill(c.pid, signals[i]), 0);
		assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
		assert_true(is_restored(&c));
		/* The sanitizers make an exit of a crash. */
		if (WIFSIGNALED(status))
			assert_int_equal(WTERMSIG(status), signals[i]);
		else
			assert_true(signals[i] == SIGSEGV || signals[i] == SIGBUS);
		drop(&c);
	}
}

static void test_stopped_and_continued(void **state)
{
	struct client c = start_on_terminal();
	int status;

	(void)state;
	assert_int_equal(kill(c.pid, SIGTSTP), 0);
	assert_int_equal(waitpid(c.pid, &status, WUNTRACED), c.pid);
	assert_true(WIFSTOPPED(status));
	assert_true(is_restored(&c));
	assert_int_equal(kill(c.pid, SIGCONT), 0);
	assert_becomes(&c, true);
	assert_winsize(&c, 24, 80);
	send_exit(&c, 0, false);
	assert_exited(&c, 0);
}

static void test_lost(void **state)
{
	struct client c = start_on_terminal();
	struct result r;

	(void)state;
	(void)close(c.sock);
	c.sock = -EBADF;
	r = finish(&c);
	assert_int_equal(r.r, 0);
	assert_int_equal(r.end, ATTACH_LOST);
}

static void test_malformed(void **state)
{
	struct client c = start_on_terminal();

	(void)state;
	assert_int_equal(send(c.sock, "x", 1, 0), 1);
	assert_int_equal(finish(&c).r, -EPROTO);
}

static void test_wait_close(void **state)
{
	static const struct attach_options o = { .tty = true, .wait_close = true };
	struct client c = start(true, &o);
	struct pollfd p = { .events = POLLIN };

	(void)state;
	assert_winsize(&c, 24, 80);
	assert_hello(&c, false, false);
	send_exit(&c, 3, false);
	/* The terminal is given back at once, the end comes later. */
	assert_becomes(&c, false);
	p.fd = c.result;
	assert_int_equal(poll(&p, 1, 200), 0);
	(void)close(c.sock);
	c.sock = -EBADF;
	assert_exited(&c, 3);
}

static void test_pipes(void **state)
{
	static const struct attach_options o = { .stdin_open = true,
						 .signals = true,
						 .lossless = true };
	struct client c = start(false, &o);
	struct message m;

	(void)state;
	assert_hello(&c, true, true);
	/* Not a terminal: no detach keys. */
	type(&c, "\020\021");
	assert_stdin(&c, "\020\021");
	(void)close(c.in);
	c.in = -EBADF;
	assert_int_equal(receive(&c, &m), MONITOR_STDIN);
	assert_int_equal(m.header.length, 0);
	send_to(&c, MONITOR_STDIN_DONE, NULL, 0);
	assert_true(is_silent(&c, 100));
	send_exit(&c, 0, false);
	assert_exited(&c, 0);
}

/* A console whose input is a pipe: its end is a character. */
static void test_end_of_input_for_console(void **state)
{
	static const struct attach_options o = { .stdin_open = true, .tty = true };
	static const char *const inputs[] = { "", "line\n", "part" };
	static const char *const ends[] = { "\004", "\004", "\004\004" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
		struct client c = start(false, &o);

		assert_hello(&c, true, false);
		if (*inputs[i] != '\0') {
			type(&c, inputs[i]);
			assert_stdin(&c, inputs[i]);
		}
		(void)close(c.in);
		c.in = -EBADF;
		assert_stdin(&c, ends[i]);
		send_exit(&c, 0, false);
		assert_exited(&c, 0);
	}
}

static void test_signals_forwarded(void **state)
{
	static const struct attach_options o = { .signals = true };
	static const int signals[] = { SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2 };
	struct monitor_signal signal_message;
	struct message m;
	struct client c;

	(void)state;
	/* As nohup does it. */
	(void)signal(SIGHUP, SIG_IGN);
	c = start(false, &o);
	(void)signal(SIGHUP, SIG_DFL);
	assert_hello(&c, false, false);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		assert_int_equal(kill(c.pid, signals[i]), 0);
		assert_int_equal(receive(&c, &m), MONITOR_SIGNAL);
		memcpy(&signal_message, m.data, sizeof(signal_message));
		assert_int_equal(signal_message.signal, signals[i]);
	}
	assert_int_equal(kill(c.pid, SIGHUP), 0);
	assert_true(is_silent(&c, 100));
	send_exit(&c, 0, false);
	assert_exited(&c, 0);
}

/* Large output through a slow pipe, signals getting through meanwhile; nothing lost, in order. */
static void test_slow_output(void **state)
{
	enum { CHUNKS = 64 };
	static const struct attach_options o = { .signals = true };
	static uint8_t chunk[MONITOR_DATA_MAX];
	static char back[MONITOR_DATA_MAX];
	struct client c = start(false, &o);
	struct message m;

	(void)state;
	assert_hello(&c, false, false);
	if (fork() == 0) {
		for (int i = 0; i < CHUNKS; i++) {
			memset(chunk, 'a' + i % 26, sizeof(chunk));
			send_to(&c, i % 2 == 0 ? MONITOR_STDOUT : MONITOR_STDERR, chunk,
				sizeof(chunk));
		}
		send_exit(&c, 0, false);
		_exit(0);
	}
	(void)usleep(300000);
	/* Its stdout is full. */
	assert_int_equal(kill(c.pid, SIGUSR1), 0);
	assert_int_equal(receive(&c, &m), MONITOR_SIGNAL);
	for (int i = 0; i < CHUNKS; i++) {
		read_exactly(c.out, back, sizeof(back));
		assert_int_equal(back[0], 'a' + i % 26);
		assert_memory_equal(back, back + 1, sizeof(back) - 1);
	}
	assert_exited(&c, 0);
	(void)wait(NULL);
}

static void test_stdout_closed(void **state)
{
	static const struct attach_options o = { .signals = true };
	struct client c = start(false, &o);

	(void)state;
	assert_hello(&c, false, false);
	(void)close(c.out);
	c.out = -EBADF;
	send_to(&c, MONITOR_STDOUT, "x", 1);
	assert_int_equal(finish(&c).r, -EPIPE);
}

static void test_prepare_pty(void **state)
{
	struct client c = { .pid = 0 };
	struct err e = ERR_INIT;
	struct termios t;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	open_terminal(&c);
	assert_int_equal(console_prepare_pty(c.master, &e), 0);
	assert_int_equal(tcgetattr(c.slave, &t), 0);
	assert_true(t.c_iflag & IUTF8);
	assert_true(t.c_oflag & ONLCR);
	assert_true(t.c_lflag & ICANON);
	assert_int_equal(console_prepare_oci_pty(c.master, &e), 0);
	assert_int_equal(tcgetattr(c.slave, &t), 0);
	assert_true(t.c_iflag & IUTF8);
	assert_false(t.c_oflag & ONLCR);
	assert_true(t.c_oflag & OPOST);
	assert_int_equal(console_prepare_pty(null, &e), -ENOTTY);
	(void)close(null);
	(void)close(c.master);
	(void)close(c.slave);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_detach),
		cmocka_unit_test(test_detach_keys_filter),
		cmocka_unit_test(test_window_size_follows),
		cmocka_unit_test(test_one_input_at_a_time),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_stopped_and_continued),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_wait_close),
		cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_end_of_input_for_console),
		cmocka_unit_test(test_signals_forwarded),
		cmocka_unit_test(test_slow_output),
		cmocka_unit_test(test_stdout_closed),
		cmocka_unit_test(test_prepare_pty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
