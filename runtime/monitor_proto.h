/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the launcher (the set-up part of the engine), jail-monitor (what stays resident), and
 * attached clients. Shared with the small static programs: this header and what it includes must
 * compile with musl.
 *
 * The supervisor of an instance is one process that changes its program: forked by `jail start` it
 * sets the instance up, then executes jail-monitor, a static program of a few pages, which sits in
 * poll(2). When the instance's init exits, the monitor decides by the restart policy: it waits for
 * the back-off, then executes `jail --config FILE _launch NAME` (set up again), or `jail --config
 * FILE _finish NAME` (tear down), with the exit on the command line. So the big program is never
 * resident, and pid, lock, listening socket and clients live on across the changes.
 *
 * That is the keeper; a child of it without rights, the reader, does all that is said here of
 * output, clients and records, whenever there is something to do (cmd/jail-monitor/keeper.c,
 * reader.c).
 *
 * The init is always a child of this process. It stays a zombie through the back-off and is reaped
 * right before the next program is executed, so that its pid cannot be recycled while anything
 * still names it.
 *
 * A reboot(2) inside is obeyed: a restart executes _launch at once, whatever the policy and without
 * counting as a retry; halt and power off end in _finish.
 *
 * Signals to the monitor itself: SIGTERM means "stop the instance" (SIGTERM, or what the image's
 * own init takes for it (init_kind.h), goes to the init, and there is no restart; a second one
 * sends it again); SIGINT, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are ignored. The next program gets
 * the signal mask that the monitor was started with, and SIGPIPE's default. no_new_privs is not
 * set in the keeper, because the next launch would hand it to the instance.
 */
#ifndef JAIL_RUNTIME_MONITOR_PROTO_H
#define JAIL_RUNTIME_MONITOR_PROTO_H

#include <stdint.h>

#define MONITOR_CLIENTS_MAX 8

/*
 * Fixed fds of jail-monitor. What is above MONITOR_FD_END is closed; a client slot that holds
 * anything but a connected SOCK_SEQPACKET of host root is closed too (so /dev/null is fine there).
 */
enum monitor_fd {
	MONITOR_FD_LOCK = 3, /* lock of the instance (flock, held while it lives) */
	MONITOR_FD_PIDFD = 4, /* pidfd of the instance's init */
	MONITOR_FD_RUN = 5, /* directory RUN/instances/NAME */
	MONITOR_FD_LOG = 6, /* directory STATE/instances/NAME: log.json*, exit.json */
	MONITOR_FD_LISTEN = 7, /* listening socket attach.sock (SOCK_SEQPACKET) */
	MONITOR_FD_OUT = 8, /* read end of stdout, or the console's master */
	MONITOR_FD_ERR = 9, /* read end of stderr, or /dev/null with a console */
	MONITOR_FD_IN = 10, /* write end of stdin, or the console's master again, or /dev/null */
	MONITOR_FD_NOTIFY =
		11, /* the program's sd_notify socket (runtime/notify.h), or /dev/null */
	MONITOR_FD_READY = 12, /* who waits for READY=1: a connected socket that is sent
				  MONITOR_READY, or /dev/null */
	MONITOR_FD_CGROUP = 13, /* the instance's cgroup: a paused one is not watched */
	MONITOR_FD_CLIENT = 14, /* clients: connected sockets in the slots 14..21 */
	MONITOR_FD_KEEP = MONITOR_FD_CLIENT + MONITOR_CLIENTS_MAX, /* held open, never looked at */
	MONITOR_FD_END,
};

/* What systemd's socket takes, and `jail start` just as well. */
#define MONITOR_READY "READY=1"

/*
 * argv of jail-monitor, all required, in this order, so that it needs no option parser:
 *   jail-monitor NAME PID JAIL_PROGRAM CONFIG_FILE TTY(0|1) LOG_MAX_BYTES LOG_FILES
 *                RESTART(no|on-failure|always) MAX_RETRIES DELAY_MS RETRIES_SO_FAR STARTED_BOOT_MS
 *                REMOVE(0|1) NOTIFY(0|1) WATCHDOG_MS
 * CONFIG_FILE "" = built-in defaults. LOG_MAX_BYTES >= MONITOR_LOG_MIN; LOG_FILES counts log.json
 * too. MAX_RETRIES 0 = no bound. JAIL_PROGRAM is an absolute path.
 *
 * NOTIFY 1: MONITOR_FD_NOTIFY is to be read. READY=1 is passed on to MONITOR_FD_READY once, and
 * NOTIFY_AWAITED goes from the run directory. WATCHDOG_MS over 0: the init is killed when there was
 * no WATCHDOG=1 for that long, from READY=1 on where it is awaited, else from the start.
 *
 * What it executes at the end, with fds 3..22 as they are:
 *   JAIL_PROGRAM [--config CONFIG_FILE] _launch NAME RETRIES
 *   JAIL_PROGRAM [--config CONFIG_FILE] _finish NAME STATUS(0..255) \
 *                REASON(exited|signalled|stopped|reboot|poweroff|watchdog) REMOVE(0|1)
 *
 * Back-off: DELAY_MS * 2^RETRIES, at most 100 * DELAY_MS and 5 min. RETRIES counts as 0 after the
 * instance has run for 10 s and 10 * DELAY_MS. A restart that is called off during the back-off
 * (MONITOR_STOPPING, SIGTERM) ends in _finish with reason "stopped".
 *
 * The exit record, STATE/instances/NAME/exit.json, is written whole, into exit.next (which the
 * launcher makes, with room for it) and by rename, before anybody is told of the exit:
 *   {"status":0,"signal":0,"reason":"exited","startedAt":"...","finishedAt":"...","pid":123,
 *    "restarts":0,"restarting":true}
 * in one line; the last member only when a restart was to follow. signal: the one that ended the
 * init, else 0; after a reboot(2) inside it is 0, the reason "reboot" or, for halt too, "poweroff".
 * restarts: RETRIES_SO_FAR.
 */
#define MONITOR_LOG_MIN 4096

#define MONITOR_DATA_MAX 16384

enum monitor_type {
	/* client -> monitor */
	MONITOR_STDIN = 1, /* data; empty = end of input (the pipe is closed; with a console VEOF is
			      the client's business). One at a time: the next one after the
			      MONITOR_STDIN_DONE of this one, else the client is dropped */
	MONITOR_WINSIZE = 2, /* struct monitor_winsize */
	MONITOR_SIGNAL = 3, /* struct monitor_signal: to the init, by its pidfd */
	MONITOR_STOPPING = 4, /* somebody is stopping the instance: no restart when it exits, reason
				 "stopped" */
	MONITOR_HELLO = 5, /* struct monitor_hello: what the client wants; until then it gets
			      no output */
	/* monitor -> client */
	MONITOR_STDOUT = 16, /* data */
	MONITOR_STDERR = 17, /* data */
	MONITOR_EXIT = 18, /* struct monitor_exit */
	MONITOR_OK = 19, /* struct monitor_ok: the answer to MONITOR_STOPPING, MONITOR_SIGNAL and
			    MONITOR_HELLO */
	MONITOR_STARTED = 20, /* empty: a monitor begins, to the clients in its slots: a new
				 console wants their window size */
	MONITOR_STDIN_DONE = 21, /* empty: the last MONITOR_STDIN was taken */
	MONITOR_SKIPPED = 22, /* struct monitor_skipped: output that this client was too slow for */
};

/*
 * The course of a connection. A client says HELLO if it wants output or gives input; STOPPING,
 * SIGNAL and WINSIZE work without. The client that `jail run` puts into slot MONITOR_FD_CLIENT
 * misses nothing: no output is read before each client that was there at the start has said HELLO,
 * hung up, or let MONITOR_HELLO_MS pass. Every client gets MONITOR_EXIT after the last output. With
 * `restarting` 0 end of file follows when the supervisor's last program has ended, that is when
 * everything is torn down. With `restarting` 1 the client stays connected to what comes next:
 * MONITOR_STARTED, or another MONITOR_EXIT when the restart is called off, or end of file when it
 * fails.
 *
 * The instance never waits for a client that reads too slowly; that one loses output, and is told
 * how much. Only a client that asks for it (`lossless`, for `jail run` in a pipeline) makes the
 * instance wait as any pipe would, until it reads, hangs up, or somebody stops the instance. The
 * log always gets everything.
 *
 * HELLO is said once: it holds over restarts. The last two free slots are kept for clients that
 * only control: a HELLO that wants output or input when just these are left ends the connection.
 * When all slots are in use, a new client waits in the socket's backlog.
 */
#define MONITOR_HELLO_MS 2000

/* One SEQPACKET message: header, then at most MONITOR_DATA_MAX bytes. */
struct monitor_header {
	uint32_t type;
	uint32_t length; /* of what follows; checked against the message's real length */
};
struct monitor_winsize {
	uint16_t rows, columns;
};
struct monitor_signal {
	int32_t signal;
};
struct monitor_hello {
	uint8_t want_output; /* forward stdout and stderr */
	uint8_t want_stdin; /* this client's input goes to the instance */
	uint8_t lossless; /* the instance waits for this client's reading */
	uint8_t pad;
};
struct monitor_exit {
	int32_t status; /* as a shell's: 0..255, 128+N */
	uint8_t restarting; /* a new start follows */
	uint8_t pad[3];
};
struct monitor_ok {
	uint32_t type; /* what is answered: MONITOR_SIGNAL, ... */
	int32_t code; /* 0 or an errno (ESRCH: the init is dead already) */
};
struct monitor_skipped {
	uint64_t bytes;
};

#endif
