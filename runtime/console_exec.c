/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec_io_run(): the client's loop for a program that is run by ourselves: bytes go straight
 * between our stdio and its pipes or pty master, without a monitor. The same rules hold as in
 * console_attach.c: one piece of output at a time, one piece of input at a time.
 *
 * The program's end is its pidfd's, not its pipes': a daemon that it left behind may hold them for
 * ever. What it wrote itself is in the pipes by then, so reading until nothing is there is enough.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "base/sys.h"
#include "runtime/console.h"
#include "runtime/console_priv.h"

#define DATA_MAX 16384
#define TERMINAL_EOF 0x04
/* How long until a master whose other side nobody has open is tried again. */
#define HUNG_RETRY_MS 200

struct source {
	int fd;
	int to;
	bool ended;
};

struct exec_loop {
	const struct exec_io *io;
	struct console console;
	struct console_keys keys;
	struct console_sink sink; /* output to our stdio */
	struct console_sink input; /* input to the program */
	struct source sources[2];
	int in; /* owned */
	bool reads_stdin;
	bool end_of_input; /* close `in` when `input` is written */
	bool exited;
	bool hung;
	bool progress; /* something was read since the program's end */
	uint8_t last_input;
	uint8_t data[DATA_MAX];
	uint8_t input_data[DATA_MAX];
};

static void set_winsize(const struct exec_loop *x)
{
	uint16_t rows, columns;

	if (x->io->tty && console_winsize(&rows, &columns)) {
		struct winsize size = { .ws_row = rows, .ws_col = columns };

		(void)ioctl(x->io->out, TIOCSWINSZ, &size);
	}
}

static void close_input(struct exec_loop *x)
{
	x->input.n = 0;
	x->reads_stdin = false;
	fd_reset(&x->in);
}

static void give_input(struct exec_loop *x, size_t n)
{
	x->input = (struct console_sink){
		.fd = x->io->tty ? x->io->out : x->in,
		.data = x->input_data,
		.n = n,
	};
	if (n > 0)
		x->last_input = x->input_data[n - 1];
}

static void take_end_of_input(struct exec_loop *x)
{
	x->reads_stdin = false;
	if (!x->io->tty) {
		close_input(x);
	} else if (!x->console.was_raw) {
		/* As in console_attach.c. */
		memset(x->input_data, TERMINAL_EOF, 2);
		give_input(x, x->last_input == '\n' ? 1 : 2);
	}
}

/* Return: true to detach. */
static bool take_input(struct exec_loop *x, bool timed_out)
{
	uint8_t data[DATA_MAX - 1];
	ssize_t n = timed_out ? 0 : read(STDIN_FILENO, data, sizeof(data));
	bool detach = false;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	if (n <= 0 && !timed_out) {
		take_end_of_input(x);
		return false;
	}
	if (x->console.raw && x->io->detach_keys) {
		give_input(x,
			   console_keys_filter(&x->keys, data, (size_t)n, x->input_data, &detach));
	} else {
		memcpy(x->input_data, data, (size_t)n);
		give_input(x, (size_t)n);
	}
	return detach;
}

static void take_output(struct exec_loop *x, struct source *s)
{
	ssize_t n = read(s->fd, x->data, sizeof(x->data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 && x->io->tty && !x->exited) {
		x->hung = true;
		return;
	}
	x->progress = true;
	if (n <= 0) {
		s->ended = true;
		return;
	}
	x->sink = (struct console_sink){ .fd = s->to, .data = x->data, .n = (size_t)n };
}

/* Return: 1 go on, or a negative errno. */
static int take_signal(struct exec_loop *x, struct err *e)
{
	int number;

	switch (console_take_signal(&x->console, &number)) {
	case CONSOLE_NOTHING:
		break;
	case CONSOLE_WINSIZE:
		set_winsize(x);
		break;
	case CONSOLE_FORWARD:
		(void)sys_pidfd_send_signal(x->io->pidfd, number);
		break;
	case CONSOLE_FATAL:
		return err_set(e, EINTR, "ended by signal %d", number);
	}
	return 1;
}

enum { POLL_PIDFD, POLL_SIGNAL, POLL_STDIN, POLL_INPUT, POLL_SINK, POLL_SOURCE, POLL_COUNT = 7 };

static int fd_if(bool wanted, int fd)
{
	return wanted && fd >= 0 ? fd : -1;
}

static int exec_wait(struct exec_loop *x, struct pollfd p[static POLL_COUNT])
{
	bool idle = x->sink.n == 0;
	bool reads_stdin = x->reads_stdin && x->input.n == 0 && !x->exited;
	bool source = idle && !x->hung;
	int timeout_ms = -1;
	int i;

	p[POLL_PIDFD].fd = fd_if(!x->exited, x->io->pidfd);
	p[POLL_SIGNAL].fd = x->console.signal_fd;
	p[POLL_STDIN].fd = fd_if(reads_stdin, STDIN_FILENO);
	p[POLL_INPUT].fd = fd_if(x->input.n > 0 && !x->exited, x->input.fd);
	p[POLL_SINK].fd = fd_if(!idle, x->sink.fd);
	p[POLL_SOURCE].fd = fd_if(source && !x->sources[0].ended, x->sources[0].fd);
	p[POLL_SOURCE + 1].fd = fd_if(source && !x->sources[1].ended, x->sources[1].fd);
	for (i = 0; i < POLL_COUNT; i++)
		p[i].events = i == POLL_INPUT || i == POLL_SINK ? POLLOUT : POLLIN;
	if (reads_stdin && x->keys.held)
		timeout_ms = CONSOLE_KEY_MS;
	if (x->hung)
		timeout_ms = HUNG_RETRY_MS;
	if (x->exited && idle)
		timeout_ms = 0;
	return poll(p, POLL_COUNT, timeout_ms);
}

/* Nobody reads what we write: nor do we, so that the program gets its SIGPIPE. A terminal can't be
 * shut on one side. */
static bool end_of_reader(struct exec_loop *x)
{
	int null;

	for (int i = 0; i < 2; i++) {
		struct source *s = &x->sources[i];

		if (s->to != x->sink.fd || x->io->tty)
			continue;
		null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (null < 0 || dup3(null, s->fd, O_CLOEXEC) < 0)
			return false;
		(void)close(null);
		s->ended = true;
		x->sink.n = 0;
		return true;
	}
	return false;
}

/* Moves what is ready. Return: 1 go on, 0 to detach, or a negative errno. */
static int exec_move(struct exec_loop *x, const struct pollfd p[static POLL_COUNT], bool timed_out,
		     struct err *e)
{
	int i, r;

	if (p[POLL_SINK].revents && (r = console_sink_write(&x->sink)) < 0 &&
	    !(r == -EPIPE && end_of_reader(x)))
		return err_ret(e, r, "write the program's output");
	/* The program has closed its stdin: no reason to end. */
	if (p[POLL_INPUT].revents && console_sink_write(&x->input) < 0)
		close_input(x);
	for (i = 0; i < 2; i++) {
		if (p[POLL_SOURCE + i].revents && x->sink.n == 0)
			take_output(x, &x->sources[i]);
	}
	if (p[POLL_STDIN].revents || (timed_out && x->keys.held && x->input.n == 0)) {
		if (take_input(x, timed_out))
			return 0;
	}
	return 1;
}

static int exec_loop(struct exec_loop *x, enum attach_end *ret_end, struct err *e)
{
	struct pollfd p[POLL_COUNT];

	for (;;) {
		int ready = exec_wait(x, p);
		bool drained;
		int r = 1;

		if (ready < 0 && errno != EINTR)
			return err_sys(e, "poll");
		if (ready < 0)
			continue;
		drained = x->exited && x->sink.n == 0;
		x->hung = false;
		x->progress = false;
		if (p[POLL_SIGNAL].revents && (r = take_signal(x, e)) < 0)
			return r;
		r = exec_move(x, p, ready == 0, e);
		if (r < 0)
			return r;
		if (r == 0) {
			*ret_end = ATTACH_DETACHED;
			return 0;
		}
		if (drained && !x->progress) {
			*ret_end = ATTACH_EXITED;
			return 0;
		}
		/* Only now: what is in the pipes is read in the rounds that follow. */
		if (p[POLL_PIDFD].revents) {
			x->exited = true;
			x->hung = false;
		}
	}
}

static int set_nonblocking(const struct exec_loop *x, struct err *e)
{
	const int fds[] = { x->in, x->io->out, x->io->err };
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		r = fds[i] < 0 ? 0 : fd_set_nonblock(fds[i], true);
		if (r < 0)
			return err_ret(e, r, "make the program's pipes non-blocking");
	}
	return 0;
}

int exec_io_run(const struct exec_io *io, enum attach_end *ret_end, struct err *e)
{
	CLEANUP_FD int in = io->in;
	CLEANUP_FREE struct exec_loop *x = calloc(1, sizeof(*x));
	int r;

	if (x == NULL)
		return err_nomem(e);
	x->console = CONSOLE_INIT;
	x->console.post_output = io->post_output;
	x->io = io;
	x->in = TAKE_FD(in);
	x->reads_stdin = io->interactive && (io->tty || x->in >= 0);
	if (!x->reads_stdin)
		fd_reset(&x->in);
	x->last_input = '\n';
	x->sources[0] = (struct source){ .fd = io->out, .to = STDOUT_FILENO };
	x->sources[1] = (struct source){ .fd = io->tty ? -EBADF : io->err, .to = STDERR_FILENO };
	r = set_nonblocking(x, e);
	if (r >= 0)
		r = console_enter(&x->console, io->tty, true, e);
	if (r >= 0) {
		set_winsize(x);
		r = exec_loop(x, ret_end, e);
		console_leave(&x->console);
	}
	fd_reset(&x->in);
	return r;
}
