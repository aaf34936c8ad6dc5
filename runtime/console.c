/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The caller's terminal. It goes raw as ssh's does: every key is a byte for the other side, whose
 * own line discipline edits, echoes and makes signals of it; output is passed as it comes (so the
 * instance's pty keeps ONLCR, as on a machine).
 *
 * Every way out puts it back: the normal one, an error, a signal that ends us (it is blocked, taken
 * from a signalfd, and acts only after the restoring), SIGTSTP and SIGCONT, and a crash: SIGSEGV
 * and the like have a handler for the time, which calls nothing but tcsetattr(3). The caller's tty
 * itself is never handed to an instance (row 59).
 */
#include "runtime/console.h"

#include <sys/ioctl.h>
#include <sys/signalfd.h>

#include "runtime/console_priv.h"

#define KEY_DETACH_FIRST 0x10 /* Ctrl-P */
#define KEY_DETACH_SECOND 0x11 /* Ctrl-Q */
/* POLLOUT of a pipe promises room for one page (pipe(7)). */
#define SINK_CHUNK 4096

/* For the handler of crashes, which has no other way to reach it. */
static struct termios saved_termios;
static struct sigaction old_crash[NSIG];
static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS };

static void restore_after_crash(int sig)
{
	/* SA_RESETHAND and the return into the fault: then the signal's own action follows. */
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &saved_termios);
	(void)sigaction(sig, &old_crash[sig], NULL);
	(void)kill(getpid(), sig);
}

static void crash_handlers(bool install)
{
	struct sigaction action = { .sa_handler = restore_after_crash };
	size_t i;

	(void)sigemptyset(&action.sa_mask);
	for (i = 0; i < ARRAY_SIZE(crash_signals); i++) {
		int sig = crash_signals[i];

		if (install)
			(void)sigaction(sig, &action, &old_crash[sig]);
		else
			(void)sigaction(sig, &old_crash[sig], NULL);
	}
}

static int set_raw(struct console *c)
{
	struct termios raw = saved_termios;

	cfmakeraw(&raw);
	if (c->post_output)
		raw.c_oflag = saved_termios.c_oflag;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
		return -errno;
	c->raw = true;
	return 0;
}

static void set_cooked(struct console *c)
{
	sigset_t ttou, old;

	if (!c->raw)
		return;
	/* Also when we have been put into the background meanwhile. */
	(void)sigemptyset(&ttou);
	(void)sigaddset(&ttou, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &ttou, &old);
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_termios);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	c->raw = false;
}

void console_cook(struct console *c)
{
	set_cooked(c);
	if (c->was_raw)
		crash_handlers(false);
	c->was_raw = false;
}

static void add_unless_ignored(sigset_t *set, int sig)
{
	struct sigaction old;

	/* nohup and background jobs of a script ignore some; blocked, they would reach us. */
	if (sigaction(sig, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		(void)sigaddset(set, sig);
}

int console_enter(struct console *c, bool tty, bool forward, struct err *e)
{
	static const int always[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;
	size_t i;

	c->tty = tty;
	c->forward = forward && !tty;
	(void)sigemptyset(&set);
	for (i = 0; (tty || forward) && i < ARRAY_SIZE(always); i++)
		add_unless_ignored(&set, always[i]);
	if (tty) {
		(void)sigaddset(&set, SIGWINCH);
		(void)sigaddset(&set, SIGCONT);
		add_unless_ignored(&set, SIGTSTP);
	}
	if (sigprocmask(SIG_BLOCK, &set, &c->old_mask) < 0)
		return err_sys(e, "block signals");
	(void)sigaction(SIGPIPE, &ignore, &c->old_pipe);
	c->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (c->signal_fd < 0) {
		(void)err_sys(e, "signalfd");
		(void)sigaction(SIGPIPE, &c->old_pipe, NULL);
		(void)sigprocmask(SIG_SETMASK, &c->old_mask, NULL);
		return -e->code;
	}
	if (!tty || tcgetattr(STDIN_FILENO, &saved_termios) < 0)
		return 0;
	crash_handlers(true);
	c->was_raw = true;
	if (set_raw(c) < 0) {
		(void)err_sys(e, "set the terminal to raw mode");
		console_leave(c);
		return -e->code;
	}
	return 0;
}

void console_leave(struct console *c)
{
	if (c->signal_fd < 0)
		return;
	console_cook(c);
	fd_reset(&c->signal_fd);
	(void)sigaction(SIGPIPE, &c->old_pipe, NULL);
	/* It was taken from the queue; it gets its action back together with the mask. */
	if (c->fatal_signal != 0)
		(void)kill(getpid(), c->fatal_signal);
	(void)sigprocmask(SIG_SETMASK, &c->old_mask, NULL);
}

enum console_event console_take_signal(struct console *c, int *ret_signal)
{
	struct signalfd_siginfo info;

	if (read(c->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return CONSOLE_NOTHING;
	*ret_signal = (int)info.ssi_signo;
	switch (info.ssi_signo) {
	case SIGTSTP:
		set_cooked(c);
		/* Whoever continues us is followed by SIGCONT. */
		(void)kill(getpid(), SIGSTOP);
		return CONSOLE_NOTHING;
	case SIGCONT:
		if (c->was_raw)
			(void)set_raw(c);
		return CONSOLE_WINSIZE;
	case SIGWINCH:
		return CONSOLE_WINSIZE;
	default:
		if (c->forward)
			return CONSOLE_FORWARD;
		c->fatal_signal = *ret_signal;
		return CONSOLE_FATAL;
	}
}

size_t console_keys_filter(struct console_keys *k, const uint8_t *in, size_t n, uint8_t *out,
			   bool *ret_detach)
{
	size_t used = 0;
	size_t i;

	*ret_detach = false;
	for (i = 0; i < n; i++) {
		if (k->held && in[i] == KEY_DETACH_SECOND) {
			k->held = false;
			*ret_detach = true;
			return used;
		}
		if (k->held)
			out[used++] = KEY_DETACH_FIRST;
		k->held = in[i] == KEY_DETACH_FIRST;
		if (!k->held)
			out[used++] = in[i];
	}
	/* An empty read is the time-out: the key was meant. */
	if (n == 0 && k->held) {
		k->held = false;
		out[used++] = KEY_DETACH_FIRST;
	}
	return used;
}

int console_sink_write(struct console_sink *s)
{
	ssize_t n = write(s->fd, s->data, s->n < SINK_CHUNK ? s->n : SINK_CHUNK);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	s->data += n;
	s->n -= (size_t)n;
	return 0;
}

bool console_winsize(uint16_t *ret_rows, uint16_t *ret_columns)
{
	static const int fds[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
	struct winsize size;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		if (ioctl(fds[i], TIOCGWINSZ, &size) == 0) {
			*ret_rows = size.ws_row;
			*ret_columns = size.ws_col;
			return true;
		}
	}
	return false;
}

static int prepare_pty(int master, tcflag_t off, struct err *e)
{
	struct termios t;

	if (tcgetattr(master, &t) < 0)
		return err_sys(e, "read the settings of the new pty");
	/* The kernel's defaults are those of a terminal; only UTF-8 is not among them, without
	 * which erasing a character of two bytes in canonical mode leaves one. */
	t.c_iflag |= IUTF8;
	t.c_oflag &= ~off;
	if (tcsetattr(master, TCSANOW, &t) < 0)
		return err_sys(e, "set up the new pty");
	return 0;
}

int console_prepare_pty(int master, struct err *e)
{
	return prepare_pty(master, 0, e);
}

int console_prepare_oci_pty(int master, struct err *e)
{
	return prepare_pty(master, ONLCR, e);
}
