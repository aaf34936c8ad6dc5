/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader: reads what the instance writes, logs it, talks with clients, watches the watchdog,
 * and after the exit writes the record and decides about a restart. All that could be hostile is
 * read here, by a process that has no rights (confine.c).
 *
 * A child of the keeper with the same table of fds, so that a client that the keeper has let in is
 * here, and here a closed input is closed for both. What it knows when it ends is in its exit
 * status (enum reader_end), and otherwise in what outlives it: the log, the clients' sockets, the
 * run directory. It ends when there was nothing to do for a second and nothing is held.
 *
 * One poll(2) loop over a signalfd, the output pipes (or the console's master), the input pipe when
 * something is to be written, and the clients. What cannot be done now is a flag in struct monitor
 * that chooses which fds are polled; times are deadlines that bound poll's time-out.
 */
#include "cmd/jail-monitor/monitor.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

#define IDLE_AFTER_MS 1000

enum slot {
	SLOT_SIGNAL,
	SLOT_OUT,
	SLOT_ERR,
	SLOT_IN,
	SLOT_NOTIFY,
	SLOT_CLIENT,
	SLOT_END = SLOT_CLIENT + MONITOR_CLIENTS_MAX,
};

static uint32_t lossless_clients(const struct monitor *m)
{
	uint32_t mask = 0;
	int i;

	for (i = 0; i < MONITOR_CLIENTS_MAX; i++)
		mask |= (uint32_t)m->clients[i].lossless << i;
	return mask;
}

static bool reads_output(const struct monitor *m)
{
	return m->phase <= PHASE_DRAINING && m->chunk.waiting == 0 && m->await_until == FOREVER;
}

static void prepare_poll(const struct monitor *m, struct pollfd p[static SLOT_END])
{
	bool output = reads_output(m);
	int i;

	p[SLOT_SIGNAL].fd = m->signal_fd;
	p[SLOT_OUT].fd =
		fd_if(output && !m->out_ended && m->out_retry_at == FOREVER, MONITOR_FD_OUT);
	p[SLOT_ERR].fd = fd_if(output && !m->err_ended, MONITOR_FD_ERR);
	p[SLOT_IN].fd = fd_if(m->phase == PHASE_RUNNING && input_is_held(m), MONITOR_FD_IN);
	p[SLOT_IN].events = POLLOUT;
	p[SLOT_NOTIFY].fd = fd_if(m->phase == PHASE_RUNNING && m->s.notify, MONITOR_FD_NOTIFY);
	for (i = 0; i < SLOT_END; i++) {
		if (i != SLOT_IN)
			p[i].events = POLLIN;
		p[i].revents = 0;
	}
	for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		bool owed = (m->chunk.waiting & (1u << i)) || m->clients[i].done_owed;

		p[SLOT_CLIENT + i].fd = fd_if(m->clients[i].open, MONITOR_FD_CLIENT + i);
		p[SLOT_CLIENT + i].events = owed ? POLLIN | POLLOUT : POLLIN;
	}
}

static int poll_timeout_ms(const struct monitor *m)
{
	uint64_t at = earlier(m->await_until, m->out_retry_at);

	/* Draining: whatever is not there now never will be, because every writer is dead. */
	if (m->phase == PHASE_DRAINING && reads_output(m))
		return 0;
	at = earlier(at, earlier(m->release_at, m->watchdog_at));
	if (m->phase == PHASE_NOTIFYING)
		at = earlier(at, m->notify_until);
	if (m->phase == PHASE_BACKOFF)
		at = earlier(at, m->restart_at);
	return timeout_until(m, at);
}

static void release_buffers(struct monitor *m)
{
	if (m->chunk.waiting == 0)
		(void)madvise(m->buffers->output, sizeof(m->buffers->output), MADV_DONTNEED);
	if (!input_is_held(m))
		(void)madvise(m->buffers->input, sizeof(m->buffers->input), MADV_DONTNEED);
	log_release(&m->log);
	m->release_at = FOREVER;
}

/* Another reader could go on from what outlives this one; that somebody is stopping the instance
 * is told only once. */
static bool is_needless(const struct monitor *m)
{
	int i;

	for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		if (m->clients[i].open)
			return false;
	}
	return m->phase == PHASE_RUNNING && !m->stopping && m->s.watchdog_ms == 0 &&
	       m->out_retry_at == FOREVER && !log_is_held(&m->log);
}

static NORETURN void end(const struct monitor *m)
{
	_exit(READER_END | (m->restarting ? READER_RESTARTS : 0) |
	      (m->stopping ? READER_STOPPING : 0) | (m->watchdog_bit ? READER_WATCHDOG : 0) |
	      (m->s.retries == 0 ? READER_COUNTS_ANEW : 0));
}

/* Deadlines that have come. */
static void handle_times(struct monitor *m)
{
	m->now = clock_ms(CLOCK_MONOTONIC);
	if (!client_is_awaited(m) || m->now >= m->await_until)
		client_stop_awaiting(m);
	if (m->now >= m->out_retry_at)
		m->out_retry_at = FOREVER;
	if (m->now >= m->watchdog_at)
		watchdog_expire(m);
	if (m->buffers_used)
		m->release_at = m->now + IDLE_AFTER_MS;
	m->buffers_used = false;
	if (m->now < m->release_at)
		return;
	if (is_needless(m))
		_exit(READER_IDLE | (m->out_ended ? READER_OUT_ENDED : 0) |
		      (m->err_ended ? READER_ERR_ENDED : 0));
	release_buffers(m);
}

/* The keeper's word: the init's end, or a client's slot. */
static void handle_news(struct monitor *m, uint32_t news)
{
	if (news & NEWS_EXIT) {
		m->exited = true;
		m->wait_code = (int)(news >> 8 & 0xff);
		m->wait_status = (int)(news & 0xff);
		end_begin(m);
	} else if (news < MONITOR_CLIENTS_MAX) {
		m->clients[news] = (struct client){ .open = true };
	}
}

static void handle_signals(struct monitor *m)
{
	struct signalfd_siginfo info;

	while (read(m->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM)
			monitor_set_stopping(m);
		else if (info.ssi_signo == SIGNAL_NEWS && info.ssi_code == SI_QUEUE &&
			 info.ssi_pid == (uint32_t)m->keeper)
			handle_news(m, (uint32_t)info.ssi_int);
	}
}

static void handle_clients(struct monitor *m, const struct pollfd p[static MONITOR_CLIENTS_MAX])
{
	int i;

	for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		struct client *client = &m->clients[i];

		if ((p[i].revents & POLLOUT) && client->done_owed)
			client->done_owed = !client_send(m, i, MONITOR_STDIN_DONE, NULL, 0);
		if (p[i].revents & ~POLLOUT)
			client_read(m, i);
	}
	if (m->chunk.waiting != 0)
		output_send(m);
}

/* After everything that was ready: what the phase is waiting for may have come. */
static void advance(struct monitor *m, bool output_was_ready)
{
	if (m->phase == PHASE_DRAINING && !output_was_ready && reads_output(m))
		end_settle(m);
	if (m->phase == PHASE_NOTIFYING && m->now >= m->notify_until) {
		m->chunk.waiting &= lossless_clients(m);
		m->notify_until = FOREVER;
	}
	if (m->phase == PHASE_NOTIFYING && m->chunk.waiting == 0) {
		if (!m->restarting)
			end(m);
		m->phase = PHASE_BACKOFF;
	}
	if (m->phase == PHASE_BACKOFF && m->now >= m->restart_at)
		end(m);
}

static NORETURN void serve(struct monitor *m)
{
	struct pollfd p[SLOT_END];

	for (;;) {
		bool polled_output;

		handle_times(m);
		prepare_poll(m, p);
		polled_output = m->phase == PHASE_DRAINING && reads_output(m);
		if (poll(p, SLOT_END, poll_timeout_ms(m)) < 0)
			continue;
		m->now = clock_ms(CLOCK_MONOTONIC);
		if (p[SLOT_OUT].revents)
			output_read(m, LOG_STDOUT);
		/* The first chunk may still be waiting for a client. */
		if (p[SLOT_ERR].revents && m->chunk.waiting == 0)
			output_read(m, LOG_STDERR);
		if (p[SLOT_IN].revents)
			input_write(m);
		if (p[SLOT_NOTIFY].revents)
			notify_read(m);
		handle_clients(m, p + SLOT_CLIENT);
		if (p[SLOT_SIGNAL].revents)
			handle_signals(m);
		advance(m, !polled_output || p[SLOT_OUT].revents || p[SLOT_ERR].revents);
	}
}

void fd_forget(const struct monitor *m, int fd)
{
	/* By number: the C library may take dup2(2), which is another call to the filter. */
	(void)syscall(SYS_dup3, m->null_fd, fd, 0);
}

/* What a file of /proc or /dev is needed for, before they are out of reach. */
static bool prepare(struct monitor *m)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != m->keeper)
		return false;
	(void)prctl(PR_SET_NAME, "jail-reader");
	notify_begin(m);
	m->null_fd = fd_move_up(open("/dev/null", O_RDWR | O_CLOEXEC));
	m->buffers = mmap(NULL, sizeof(*m->buffers), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->null_fd < 0 || m->buffers == MAP_FAILED)
		return false;
	m->log.buffers = &m->buffers->log;
	return true;
}

static NORETURN void reader_main(struct monitor *m)
{
	if (!prepare(m) || !reader_confine())
		_exit(EXIT_USAGE);
	if (m->exited)
		end_begin(m);
	m->buffers_used = true; /* the time to end is counted from now */
	serve(m);
}

pid_t reader_start(struct monitor *m)
{
	/* By number: fork(2) of the C library has no such flag. */
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		reader_main(m);
	return pid;
}
