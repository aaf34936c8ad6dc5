/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of the client's side of a terminal: attach_run() or exec_io_run() run in a child whose
 * stdio is a pty (or pipes) of which the test has the other end.
 */
#ifndef JAIL_TESTS_RUNTIME_CONSOLE_RIG_H
#define JAIL_TESTS_RUNTIME_CONSOLE_RIG_H

#include "base_tmpdir.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/fd.h"
#include "base/sys.h"
#include "runtime/console.h"
#include "runtime/console_priv.h"
#include "runtime/monitor_proto.h"

struct result {
	int r;
	enum attach_end end;
	int status;
};

struct client {
	pid_t pid;
	int master, slave; /* of its terminal; -EBADF without */
	int in, out; /* ends of its stdin and stdout, without a terminal */
	int sock; /* the monitor's end */
	int result;
	struct termios before;
};

struct message {
	struct monitor_header header;
	uint8_t data[MONITOR_DATA_MAX + 1];
};

static inline void open_terminal(struct client *c)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 80 };

	c->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(c->master >= 0);
	assert_int_equal(grantpt(c->master) | unlockpt(c->master), 0);
	c->slave = open(ptsname(c->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(c->slave >= 0);
	assert_int_equal(ioctl(c->master, TIOCSWINSZ, &size), 0);
	assert_int_equal(tcgetattr(c->slave, &c->before), 0);
}

/* In the child: stdio as the test wants it. */
static inline void take_stdio(const struct client *c, int in, int out)
{
	(void)setsid();
	if (c->slave >= 0) {
		(void)ioctl(c->slave, TIOCSCTTY, 0);
		in = out = c->slave;
	}
	(void)dup2(in, 0);
	(void)dup2(out, 1);
	(void)dup2(out, 2);
}

static inline NORETURN void send_result(int fd, const struct result *result)
{
	(void)!write(fd, result, sizeof(*result));
	_exit(0);
}

static inline struct client start(bool terminal, const struct attach_options *o)
{
	struct client c = { .master = -EBADF, .slave = -EBADF };
	int pair[2], in[2], out[2], result[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC) | pipe2(result, O_CLOEXEC),
			 0);
	if (terminal)
		open_terminal(&c);
	c.pid = fork();
	assert_true(c.pid >= 0);
	if (c.pid == 0) {
		struct result r = { .status = -1 };
		struct err e = ERR_INIT;

		take_stdio(&c, in[0], out[1]);
		(void)close(in[1]);
		(void)close(out[0]);
		(void)close(pair[0]);
		r.r = attach_run(pair[1], o, &r.end, &r.status, &e);
		send_result(result[1], &r);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	(void)close(pair[1]);
	(void)close(result[1]);
	c.in = in[1];
	c.out = out[0];
	c.sock = pair[0];
	c.result = result[0];
	return c;
}

static inline uint32_t receive(const struct client *c, struct message *m)
{
	struct pollfd p = { .fd = c->sock, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, 10000) != 1)
		fail_msg("the client says nothing");
	n = recv(c->sock, m, sizeof(*m) - 1, 0);
	if (n <= 0)
		return 0;
	assert_int_equal(m->header.length, n - (ssize_t)sizeof(m->header));
	m->data[m->header.length] = '\0';
	return m->header.type;
}

static inline bool is_silent(const struct client *c, int ms)
{
	struct pollfd p = { .fd = c->sock, .events = POLLIN };

	return poll(&p, 1, ms) == 0;
}

static inline void send_to(const struct client *c, uint32_t type, const void *data, size_t n)
{
	struct message m = { .header = { .type = type, .length = (uint32_t)n } };

	if (n > 0)
		memcpy(m.data, data, n);
	assert_int_equal(send(c->sock, &m, sizeof(m.header) + n, MSG_NOSIGNAL),
			 (ssize_t)(sizeof(m.header) + n));
}

static inline void send_exit(const struct client *c, int status, bool restarting)
{
	const struct monitor_exit news = { .status = status, .restarting = restarting };

	send_to(c, MONITOR_EXIT, &news, sizeof(news));
}

static inline void type(const struct client *c, const char *keys)
{
	int fd = c->master >= 0 ? c->master : c->in;

	assert_int_equal(write(fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static inline void assert_stdin(const struct client *c, const char *expected)
{
	struct message m;

	assert_int_equal(receive(c, &m), MONITOR_STDIN);
	assert_string_equal(m.data, expected);
	send_to(c, MONITOR_STDIN_DONE, NULL, 0);
}

static inline void assert_winsize(const struct client *c, unsigned rows, unsigned columns)
{
	struct monitor_winsize size;
	struct message m;

	assert_int_equal(receive(c, &m), MONITOR_WINSIZE);
	memcpy(&size, m.data, sizeof(size));
	assert_int_equal(size.rows, rows);
	assert_int_equal(size.columns, columns);
}

static inline void assert_hello(const struct client *c, bool input, bool lossless)
{
	struct monitor_hello hello;
	struct message m;

	assert_int_equal(receive(c, &m), MONITOR_HELLO);
	memcpy(&hello, m.data, sizeof(hello));
	assert_int_equal(hello.want_output, 1);
	assert_int_equal(hello.want_stdin, input);
	assert_int_equal(hello.lossless, lossless);
}

static inline bool is_raw(const struct client *c)
{
	struct termios t;

	assert_int_equal(tcgetattr(c->slave, &t), 0);
	return !(t.c_lflag & (ICANON | ECHO | ISIG)) && !(t.c_oflag & OPOST) &&
	       !(t.c_iflag & (ICRNL | IXON));
}

static inline bool is_restored(const struct client *c)
{
	struct termios t;

	assert_int_equal(tcgetattr(c->slave, &t), 0);
	return t.c_lflag == c->before.c_lflag && t.c_oflag == c->before.c_oflag &&
	       t.c_iflag == c->before.c_iflag && t.c_cflag == c->before.c_cflag &&
	       memcmp(t.c_cc, c->before.c_cc, sizeof(t.c_cc)) == 0;
}

static inline void assert_becomes(const struct client *c, bool raw)
{
	for (int i = 0; i < 500; i++) {
		if (raw ? is_raw(c) : is_restored(c))
			return;
		(void)usleep(10000);
	}
	fail_msg("the terminal does not become %s", raw ? "raw" : "as it was");
}

/* The client on a terminal, at work. */
static inline struct client start_on_terminal(void)
{
	static const struct attach_options o = { .stdin_open = true, .tty = true };
	struct client c = start(true, &o);

	assert_winsize(&c, 24, 80);
	assert_hello(&c, true, false);
	assert_true(is_raw(&c));
	return c;
}

static inline void drop(struct client *c)
{
	const int fds[] = { c->master, c->slave, c->in, c->out, c->sock, c->result };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]);
	}
}

/* Waits for its result, which it must have. The terminal must be as it was. */
static inline struct result finish(struct client *c)
{
	struct result result = { .r = -1 };
	struct pollfd p = { .fd = c->result, .events = POLLIN };
	int status;

	if (poll(&p, 1, 10000) != 1)
		fail_msg("the client does not end");
	assert_int_equal(read(c->result, &result, sizeof(result)), sizeof(result));
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	if (c->slave >= 0)
		assert_true(is_restored(c));
	drop(c);
	return result;
}

static inline void assert_exited(struct client *c, int status)
{
	struct result r = finish(c);

	assert_int_equal(r.r, 0);
	assert_int_equal(r.end, ATTACH_EXITED);
	assert_int_equal(r.status, status);
}

static inline void read_exactly(int fd, char *ret, size_t n)
{
	size_t used = 0;

	while (used < n) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t got;

		if (poll(&p, 1, 10000) != 1)
			fail_msg("no output");
		got = read(fd, ret + used, n - used);
		assert_true(got > 0);
		used += (size_t)got;
	}
}

#endif
