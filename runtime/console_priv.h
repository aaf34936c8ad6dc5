/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What attach_run() and exec_io_run() share: our terminal in raw mode, signals as a file, the
 * detach keys, and output that never blocks the loop for longer than one page.
 */
#ifndef JAIL_RUNTIME_CONSOLE_PRIV_H
#define JAIL_RUNTIME_CONSOLE_PRIV_H

#include <signal.h>
#include <termios.h>

#include "runtime/console.h"

/*
 * Our side for the time of one loop: signals blocked and read from signal_fd, SIGPIPE ignored, and
 * stdin raw if it is wanted and a tty. console_leave() undoes all of it, in any state.
 */
struct console {
	int signal_fd;
	bool tty; /* a terminal was asked for */
	bool raw; /* stdin is a tty and raw at the moment */
	bool was_raw; /* raw until console_leave() */
	bool forward; /* signals are for the instance */
	bool post_output; /* raw, but for output */
	int fatal_signal; /* this one ends us, once everything is restored */
	sigset_t old_mask;
	struct sigaction old_pipe;
};
#define CONSOLE_INIT ((struct console){ .signal_fd = -EBADF })

int console_enter(struct console *c, bool tty, bool forward, struct err *e);
void console_leave(struct console *c);
#define CLEANUP_CONSOLE CLEANUP(console_leave)
/* Puts the tty back, stays in the loop: nothing more is to be typed. */
void console_cook(struct console *c);

enum console_event {
	CONSOLE_NOTHING,
	CONSOLE_WINSIZE, /* the window's size has, or may have, changed */
	CONSOLE_FORWARD, /* *ret_signal is for the instance */
	CONSOLE_FATAL, /* the loop must end; console_leave() lets the signal act */
};
/* Takes one signal from signal_fd. */
enum console_event console_take_signal(struct console *c, int *ret_signal);

/* Ctrl-P Ctrl-Q, also when split over reads. A lone Ctrl-P is held until the next key or, at the
 * latest, CONSOLE_KEY_MS. */
#define CONSOLE_KEY_MS 500
struct console_keys {
	bool held;
};
/* Copies `in` to `out` (room: n + 1) as far as it is not the detach sequence. Return: bytes in out;
 * *ret_detach: the sequence was found, what follows it is dropped. */
size_t console_keys_filter(struct console_keys *k, const uint8_t *in, size_t n, uint8_t *out,
			   bool *ret_detach);

/* Bytes on their way to a blocking fd. */
struct console_sink {
	int fd;
	const uint8_t *data;
	size_t n;
};
/* After poll(2) said POLLOUT: writes at most what a pipe takes without blocking. Return: 0 or
 * -errno (-EPIPE: nobody reads it). */
int console_sink_write(struct console_sink *s);

#endif
