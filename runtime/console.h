/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client's side of a terminal: the caller's tty goes raw, window size follows (SIGWINCH),
 * Ctrl-P Ctrl-Q detaches, and the tty is put back on every way out. The caller's own tty is never
 * handed to an instance (row 59).
 */
#ifndef JAIL_RUNTIME_CONSOLE_H
#define JAIL_RUNTIME_CONSOLE_H

#include "base/err.h"

enum attach_end {
	ATTACH_EXITED, /* the instance (or the exec'd program) ended: status is set */
	ATTACH_DETACHED, /* Ctrl-P Ctrl-Q */
	ATTACH_LOST, /* the monitor went away without an exit */
};

struct attach_options {
	bool stdin_open; /* forward our stdin */
	bool tty; /* the instance has a console: our stdin becomes raw, if it is a tty */
	bool signals; /* forward SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 to the init
			 (without tty) */
	bool wait_close; /* after the exit message, wait for end of file (the instance is removed by
			    then) */
	bool lossless; /* the instance waits while our stdout is full, as in a pipeline; else what
			  we are too slow for is skipped, with a warning */
};

/*
 * Client loop over a connected monitor socket (borrowed). *ret_status: as a shell's; set with
 * ATTACH_EXITED only. Stays attached over restarts. Says MONITOR_HELLO itself.
 *
 * Return: 0, or a negative errno: -EPIPE when our stdout or stderr is closed (no SIGPIPE is
 * raised); -EINTR when a signal that was not to be forwarded came: the tty is restored, the
 * signal has taken its normal action, and we are still here only because it is handled.
 */
int attach_run(int sock, const struct attach_options *o, enum attach_end *ret_end, int *ret_status,
	       struct err *e);

/*
 * The same loop for exec: moves bytes between our stdio and a pty master or pipes until the
 * program, held by pidfd, has ended and its output is drained (what its surviving children write
 * later is not waited for). With a tty only `out` (the master) is used. Without one, the signals of
 * attach_options go to the program. All fds become non-blocking. They are borrowed, except `in`,
 * which is closed by the call: at the end of our input, or at the latest when it returns.
 */
struct exec_io {
	int pidfd;
	int in, out, err; /* our ends, -EBADF if there is none */
	bool tty;
	bool detach_keys;
	bool post_output; /* our terminal goes on to make line ends: the program's pty does not */
	bool interactive; /* our input goes to the program; else it finds an empty one (no tty) */
};
/* Return as of attach_run. */
int exec_io_run(const struct exec_io *io, enum attach_end *ret_end, struct err *e);

/* Window size of our terminal (stdin, stdout or stderr); false when none is a tty. */
bool console_winsize(uint16_t *ret_rows, uint16_t *ret_columns);
/*
 * Sane settings of a new pty for an instance: the kernel's own, and IUTF8. ONLCR stays on, as on
 * every terminal of a machine: our side is fully raw, so nothing is translated twice. Owner and
 * size are the caller's business.
 */
int console_prepare_pty(int master, struct err *e);
/* For an OCI container: ONLCR cleared besides, since the engine behind the console socket expects
 * the program's own line ends (what runc and crun do). */
int console_prepare_oci_pty(int master, struct err *e);

#endif
