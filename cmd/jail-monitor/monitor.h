/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of jail-monitor share. One process, one instance, one struct monitor. */
#ifndef JAIL_MONITOR_MONITOR_H
#define JAIL_MONITOR_MONITOR_H

#include <signal.h>
#include <time.h>

#include "base/defs.h"
#include "cmd/jail-monitor/log.h"
#include "runtime/monitor_proto.h"

/* Our own fds stay clear of the fixed ones. */
#define FD_FIRST_OWN 32
#define FOREVER UINT64_MAX
#define EXIT_USAGE 125

/* The keeper's word to the reader, as the value that comes with the signal: a client's slot, or
 * NEWS_EXIT with what waitid(2) has (code << 8 | status). */
#define SIGNAL_NEWS 40 /* by number: C libraries differ in SIGRTMIN */
#define NEWS_EXIT (1u << 16)

/* The reader's word to the keeper: its exit status. */
enum reader_end {
	READER_KIND = 0xf0,
	/* Nothing is left to do for now. */
	READER_IDLE = 0x20,
	READER_OUT_ENDED = 1,
	READER_ERR_ENDED = 2,
	/* The exit is settled: execute the next program. */
	READER_END = 0x40,
	READER_RESTARTS = 1,
	READER_STOPPING = 2,
	READER_WATCHDOG = 4,
	READER_COUNTS_ANEW = 8,
};

/* The reader's. */
enum phase {
	/* The init lives. */
	PHASE_RUNNING,
	/* It is dead; its last output is read. */
	PHASE_DRAINING,
	/* The exit record is written; clients get their MONITOR_EXIT. */
	PHASE_NOTIFYING,
	/* Waiting for the time of the restart. */
	PHASE_BACKOFF,
};

enum restart { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS };

/* The command line, as it is in monitor_proto.h. */
struct settings {
	const char *name;
	const char *jail_program;
	const char *config_file;
	uint64_t pid;
	uint64_t tty;
	uint64_t log_max_bytes;
	uint64_t log_files;
	enum restart restart;
	uint64_t max_retries;
	uint64_t delay_ms;
	uint64_t retries;
	uint64_t started_boot_ms;
	uint64_t remove;
	uint64_t notify;
	uint64_t watchdog_ms;
};

/* A slot: its fd is MONITOR_FD_CLIENT + index. */
struct client {
	bool open;
	bool awaited; /* was here at the start and has not said HELLO yet */
	bool want_output, want_stdin, lossless;
	bool stdin_held; /* its last MONITOR_STDIN is not written yet */
	bool done_owed; /* MONITOR_STDIN_DONE could not be sent yet */
	uint32_t stdin_len, stdin_at;
	uint64_t skipped;
};

/* A message on its way to several clients, in buffers->output until `waiting` is empty. */
struct chunk {
	uint32_t type;
	uint32_t length;
	uint32_t waiting; /* bit per client that has not got it */
};

/*
 * All that is large. Not in .bss, where the small variables around it would lie on pages of their
 * own. Every member is a multiple of a page.
 */
struct buffers {
	struct log_buffers log;
	uint8_t output[MONITOR_DATA_MAX]; /* the chunk */
	uint8_t input[MONITOR_CLIENTS_MAX][MONITOR_DATA_MAX]; /* each client's MONITOR_STDIN */
};

struct monitor {
	struct settings s;
	struct buffers *buffers;
	struct log log;
	struct client clients[MONITOR_CLIENTS_MAX];
	struct chunk chunk;
	enum phase phase;
	bool exited; /* the init; wait_status and wait_code are known */
	bool stopping;
	bool ready_awaited;
	bool watchdog_bit; /* it was silent for too long, and was killed */
	bool out_ended, err_ended;
	bool restarting; /* the decision, from PHASE_NOTIFYING on */
	bool buffers_used; /* since they were given back */
	bool given_up; /* on readers: the instance ends */
	unsigned readers_lost;
	pid_t keeper, reader; /* each is known to the other only; no reader: 0 */
	int signal_fd;
	int null_fd; /* of the reader */
	int stdin_client; /* whose input is half written, or -1 */
	int wait_status; /* of the init, as waitid(2) has it: si_status */
	int wait_code; /* CLD_EXITED, CLD_KILLED, CLD_DUMPED */
	sigset_t old_mask;
	/* Monotonic times in ms; FOREVER = not set. */
	uint64_t now;
	uint64_t await_until; /* for clients that have not said HELLO */
	uint64_t out_retry_at; /* a console that nobody has open */
	uint64_t accept_retry_at;
	uint64_t reader_retry_at; /* one was lost; until then none is started */
	uint64_t release_at;
	uint64_t notify_until;
	uint64_t restart_at;
	uint64_t watchdog_at;
};

/* main.c: fd moved to FD_FIRST_OWN or above, close-on-exec; a negative one stays. */
int fd_move_up(int fd);
uint64_t clock_ms(clockid_t clock);
/* For poll(2). */
int timeout_until(const struct monitor *m, uint64_t at);
static inline uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}
/* poll(2) passes over negative fds. */
static inline int fd_if(bool wanted, int fd)
{
	return wanted ? fd : -1;
}

/* keeper.c: keeps what it can't do without. */
bool keeper_confine(void);
NORETURN void keeper_serve(struct monitor *m);

/* reader.c: starts one. Return: its pid, -1: none. */
pid_t reader_start(struct monitor *m);
/* Closes a fixed fd, for the keeper as well; its number stays taken. */
void fd_forget(const struct monitor *m, int fd);

/* confine.c: gives up all rights. False: it must end. */
bool reader_confine(void);

/* output.c: what the instance writes. */
/* Reads once and hands it to log and clients. */
void output_read(struct monitor *m, enum log_stream stream);
/* Sends m->chunk to the clients that wait for it. */
void output_send(struct monitor *m);

/* input.c: what clients write to the instance. */
bool input_is_held(const struct monitor *m);
/* Writes what is held, as far as the instance takes it. */
void input_write(struct monitor *m);
/* Nobody is left to take what is held: it counts as taken. */
void input_discard(struct monitor *m);

/* client.c: connections and their messages. */
/* The keeper's: takes the slots over from the last program, and tells the clients. */
void client_begin(struct monitor *m);
/* The keeper's, between two readers: what is in the slots. */
void client_adopt_all(struct monitor *m);
/* The keeper's. Return: the slot of a new one, -1: none. */
int client_accept(struct monitor *m);
/* Reads and obeys one message. */
void client_read(struct monitor *m, int i);
void client_close(struct monitor *m, int i);
/* Return: false when the socket is full; a client that is gone is closed, which counts as sent. */
bool client_send(struct monitor *m, int i, uint32_t type, const void *data, size_t n);
bool client_is_awaited(const struct monitor *m);
void client_stop_awaiting(struct monitor *m);
/* Somebody is stopping the instance. */
void monitor_set_stopping(struct monitor *m);

/* notify.c: what the program tells by sd_notify(3). */
void notify_begin(struct monitor *m);
/* Its init is dead. */
void notify_end(struct monitor *m);
/* Reads and obeys one datagram. */
void notify_read(struct monitor *m);
/* A sign of life. */
void watchdog_feed(struct monitor *m);
/* Its time is over. */
void watchdog_expire(struct monitor *m);
void watchdog_kill(struct monitor *m);

/* end.c: after the exit. */
/* As a shell has it. */
int end_status(const struct monitor *m);
const char *end_reason(const struct monitor *m);
/* The keeper's: takes the init's status, without reaping. Return: false when it lives. */
bool end_collect(struct monitor *m);
/* The reader's: it has exited. */
void end_begin(struct monitor *m);
/* The reader's: log, record, decision; then the clients are told. */
void end_settle(struct monitor *m);
/* Tells all clients, again if the decision has changed. */
void end_notify(struct monitor *m);
/* The keeper's, when it has given up: record, and no restart. */
NORETURN void end_give_up(struct monitor *m);
/* The keeper's. */
NORETURN void end_execute(struct monitor *m);

#endif
