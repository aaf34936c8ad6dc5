/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attach_run(): a client of jail-monitor (runtime/monitor_proto.h).
 *
 * One message is taken from the socket at a time, and the next only when the first is written out:
 * so output keeps its order across stdout and stderr, and what we cannot write stays the monitor's
 * business. Input goes the same way: the next piece of stdin is read when the monitor has taken the
 * last. Signals and window sizes pass in between.
 */
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "runtime/console.h"
#include "runtime/console_priv.h"
#include "runtime/monitor_proto.h"

#define TERMINAL_EOF 0x04 /* VEOF of a pty, if nobody has changed it */

struct attach {
	int sock;
	const struct attach_options *o;
	struct console console;
	struct console_keys keys;
	struct console_sink sink;
	bool reads_stdin;
	bool input_sent; /* MONITOR_STDIN_DONE is due */
	bool sock_broken; /* nothing can be sent any more; there may be something to receive */
	bool exited;
	int status;
	uint8_t last_input;
	uint64_t skipped;
	uint8_t data[MONITOR_DATA_MAX];
	uint8_t input[MONITOR_DATA_MAX];
};

static void attach_send(struct attach *a, uint32_t type, const void *data, size_t n)
{
	struct monitor_header header = { .type = type, .length = (uint32_t)n };
	struct iovec iov[2] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)(uintptr_t)data, .iov_len = n },
	};
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };

	/* The end of the monitor is seen by receiving, after its last words. */
	while (!a->sock_broken && sendmsg(a->sock, &message, MSG_NOSIGNAL) < 0)
		a->sock_broken = errno != EINTR;
}

static void send_winsize(struct attach *a)
{
	struct monitor_winsize size;

	if (a->o->tty && console_winsize(&size.rows, &size.columns))
		attach_send(a, MONITOR_WINSIZE, &size, sizeof(size));
}

static void send_hello(struct attach *a)
{
	struct monitor_hello hello = {
		.want_output = 1,
		.want_stdin = a->o->stdin_open,
		.lossless = a->o->lossless,
	};

	/* The size first: the program's first look at its terminal should find it. */
	send_winsize(a);
	attach_send(a, MONITOR_HELLO, &hello, sizeof(hello));
}

static void send_input(struct attach *a, const uint8_t *data, size_t n)
{
	if (n > 0)
		a->last_input = data[n - 1];
	attach_send(a, MONITOR_STDIN, data, n);
	a->input_sent = true;
}

/* A pipe is closed; a console gets the character that ends its input: once after a whole line, else
 * twice, because the first one only pushes the unfinished line (termios(3), VEOF). */
static void send_end_of_input(struct attach *a)
{
	static const uint8_t eof[2] = { TERMINAL_EOF, TERMINAL_EOF };

	a->reads_stdin = false;
	if (!a->o->tty)
		send_input(a, NULL, 0);
	else if (!a->console.was_raw)
		send_input(a, eof, a->last_input == '\n' ? 1 : 2);
}

/* One read of stdin; n = 0: the held key's time is up. Return: true to detach. */
static bool take_input(struct attach *a, bool timed_out)
{
	uint8_t data[MONITOR_DATA_MAX - 1];
	ssize_t n = timed_out ? 0 : read(STDIN_FILENO, data, sizeof(data));
	bool detach = false;
	size_t used;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	if (n <= 0 && !timed_out) {
		send_end_of_input(a);
		return false;
	}
	if (!a->console.raw) {
		send_input(a, data, (size_t)n);
		return false;
	}
	used = console_keys_filter(&a->keys, data, (size_t)n, a->input, &detach);
	if (used > 0)
		send_input(a, a->input, used);
	return detach;
}

static void take_exit(struct attach *a, const struct monitor_exit *news)
{
	a->exited = true;
	a->status = news->status;
	if (news->restarting)
		return;
	a->reads_stdin = false;
	console_cook(&a->console);
}

/* Return: 1 go on, 0 end of file, or a negative errno. */
static int take_message(struct attach *a, bool *ret_ended, struct err *e)
{
	struct monitor_header header;
	struct monitor_exit news;
	struct monitor_skipped skipped;
	struct iovec iov[2] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = a->data, .iov_len = sizeof(a->data) },
	};
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n = recvmsg(a->sock, &message, MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 1;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return 0;
	if (n < 0)
		return err_sys(e, "receive from the monitor");
	if (n < (ssize_t)sizeof(header) || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    header.length != (size_t)n - sizeof(header))
		return err_set(e, EPROTO, "malformed message from the monitor");
	switch (header.type) {
	case MONITOR_STDOUT:
	case MONITOR_STDERR:
		a->sink.fd = header.type == MONITOR_STDOUT ? STDOUT_FILENO : STDERR_FILENO;
		a->sink.data = a->data;
		a->sink.n = header.length;
		break;
	case MONITOR_EXIT:
		if (header.length != sizeof(news))
			return err_set(e, EPROTO, "malformed exit message from the monitor");
		memcpy(&news, a->data, sizeof(news));
		take_exit(a, &news);
		*ret_ended = !news.restarting && !a->o->wait_close;
		break;
	case MONITOR_STARTED:
		a->exited = false;
		send_winsize(a);
		break;
	case MONITOR_STDIN_DONE:
		a->input_sent = false;
		break;
	case MONITOR_SKIPPED:
		if (header.length == sizeof(skipped)) {
			memcpy(&skipped, a->data, sizeof(skipped));
			a->skipped += skipped.bytes;
		}
		break;
	default: /* MONITOR_OK, and what a newer monitor may say */
		break;
	}
	return 1;
}

/* Return: 1 go on, or a negative errno. */
static int take_signal(struct attach *a, struct err *e)
{
	struct monitor_signal signal;
	int number;

	switch (console_take_signal(&a->console, &number)) {
	case CONSOLE_NOTHING:
		break;
	case CONSOLE_WINSIZE:
		send_winsize(a);
		break;
	case CONSOLE_FORWARD:
		signal.signal = number;
		attach_send(a, MONITOR_SIGNAL, &signal, sizeof(signal));
		break;
	case CONSOLE_FATAL:
		return err_set(e, EINTR, "ended by signal %d", number);
	}
	return 1;
}

enum { POLL_SOCK, POLL_SIGNAL, POLL_STDIN, POLL_SINK, POLL_COUNT };

static int attach_wait(struct attach *a, struct pollfd p[static POLL_COUNT])
{
	bool reads_stdin = a->reads_stdin && !a->input_sent && !a->sock_broken;

	/* poll(2) passes over negative fds. */
	p[POLL_SOCK] = (struct pollfd){ .fd = a->sink.n == 0 ? a->sock : -1, .events = POLLIN };
	p[POLL_SIGNAL] = (struct pollfd){ .fd = a->console.signal_fd, .events = POLLIN };
	p[POLL_STDIN] = (struct pollfd){ .fd = reads_stdin ? STDIN_FILENO : -1, .events = POLLIN };
	p[POLL_SINK] = (struct pollfd){ .fd = a->sink.n > 0 ? a->sink.fd : -1, .events = POLLOUT };
	return poll(p, POLL_COUNT, reads_stdin && a->keys.held ? CONSOLE_KEY_MS : -1);
}

static int attach_loop(struct attach *a, enum attach_end *ret_end, struct err *e)
{
	struct pollfd p[POLL_COUNT];

	for (;;) {
		bool ended = false;
		int ready = attach_wait(a, p);
		int r = 1;

		if (ready < 0 && errno != EINTR)
			return err_sys(e, "poll");
		if (ready < 0)
			continue;
		if (p[POLL_SIGNAL].revents)
			r = take_signal(a, e);
		if (r < 0)
			return r;
		if (p[POLL_SINK].revents && (r = console_sink_write(&a->sink)) < 0)
			return err_ret(e, r, "write the instance's output");
		if (p[POLL_SOCK].revents && (r = take_message(a, &ended, e)) < 0)
			return r;
		if (ended || (p[POLL_SOCK].revents && r == 0)) {
			*ret_end = a->exited ? ATTACH_EXITED : ATTACH_LOST;
			return 0;
		}
		if ((p[POLL_STDIN].revents || ready == 0) && a->reads_stdin &&
		    take_input(a, ready == 0)) {
			*ret_end = ATTACH_DETACHED;
			return 0;
		}
	}
}

int attach_run(int sock, const struct attach_options *o, enum attach_end *ret_end, int *ret_status,
	       struct err *e)
{
	CLEANUP_FREE struct attach *a = calloc(1, sizeof(*a));
	enum attach_end end;
	int r;

	if (a == NULL)
		return err_nomem(e);
	a->console = CONSOLE_INIT;
	a->sock = sock;
	a->o = o;
	a->reads_stdin = o->stdin_open;
	a->last_input = '\n';
	r = console_enter(&a->console, o->tty, o->signals, e);
	if (r < 0)
		return r;
	send_hello(a);
	r = attach_loop(a, &end, e);
	console_leave(&a->console);
	if (a->skipped > 0)
		warn("%llu bytes of output were not shown, because this terminal was too slow; the "
		     "log "
		     "has them",
		     (unsigned long long)a->skipped);
	if (r < 0)
		return r;
	*ret_end = end;
	if (end == ATTACH_EXITED)
		*ret_status = a->status;
	return 0;
}
