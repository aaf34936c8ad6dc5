/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail-monitor: what stays resident of an instance's supervisor (runtime/monitor_proto.h).
 *
 * One poll(2) loop over the init's pidfd, a signalfd, the listening socket, the output pipes (or
 * the console's master), the input pipe when something is to be written, and the clients. Every fd
 * is non-blocking, every buffer there from the start. What cannot be done now is a flag in struct
 * monitor that chooses which fds are polled; times are deadlines that bound poll's time-out.
 *
 * Memory is the point of this program: no malloc, no stdio, and when nothing has happened for a
 * second, the buffers' pages are handed back, so that an idle monitor is its text, one page of data
 * and its stack.
 */
#include "cmd/jail-monitor/monitor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>

#include "cmd/jail-monitor/text.h"
#include "runtime/init_kind.h"

#define RELEASE_AFTER_MS 1000
#define LOG_FILES_MAX 1000

enum slot {
	SLOT_PIDFD,
	SLOT_SIGNAL,
	SLOT_LISTEN,
	SLOT_OUT,
	SLOT_ERR,
	SLOT_IN,
	SLOT_NOTIFY,
	SLOT_CLIENT,
	SLOT_END = SLOT_CLIENT + MONITOR_CLIENTS_MAX,
};

static struct monitor monitor;

int fd_move_up(int fd)
{
	int up;

	if (fd < 0 || fd >= FD_FIRST_OWN)
		return fd;
	up = fcntl(fd, F_DUPFD_CLOEXEC, FD_FIRST_OWN);
	(void)close(fd);
	return up;
}

uint64_t clock_ms(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool clients_full(const struct monitor *m)
{
	int i;

	for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		if (!m->clients[i].open)
			return false;
	}
	return true;
}

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

/* poll(2) passes over negative fds. */
static int fd_if(bool wanted, int fd)
{
	return wanted ? fd : -1;
}

static void prepare_poll(const struct monitor *m, struct pollfd p[static SLOT_END])
{
	bool output = reads_output(m);
	int i;

	p[SLOT_PIDFD].fd = fd_if(m->phase == PHASE_RUNNING, MONITOR_FD_PIDFD);
	p[SLOT_SIGNAL].fd = m->signal_fd;
	p[SLOT_LISTEN].fd = fd_if(m->phase != PHASE_NOTIFYING && m->accept_retry_at == FOREVER &&
					  !clients_full(m),
				  MONITOR_FD_LISTEN);
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
		p[SLOT_CLIENT + i].fd = fd_if(m->clients[i].open, MONITOR_FD_CLIENT + i);
		if ((m->chunk.waiting & (1u << i)) || m->clients[i].done_owed)
			p[SLOT_CLIENT + i].events |= POLLOUT;
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int poll_timeout_ms(const struct monitor *m)
{
	uint64_t at = earlier(m->await_until, m->out_retry_at);

	/* Draining: whatever is not there now never will be, because every writer is dead. */
	if (m->phase == PHASE_DRAINING && reads_output(m))
		return 0;
	at = earlier(at, earlier(m->accept_retry_at, m->release_at));
	at = earlier(at, m->watchdog_at);
	if (m->phase == PHASE_NOTIFYING)
		at = earlier(at, m->notify_until);
	if (m->phase == PHASE_BACKOFF)
		at = earlier(at, m->restart_at);
	if (at == FOREVER)
		return -1;
	return at > m->now ? (int)earlier(at - m->now, INT32_MAX) : 0;
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

/* Deadlines that have come. */
static void handle_times(struct monitor *m)
{
	m->now = clock_ms(CLOCK_MONOTONIC);
	if (!client_is_awaited(m) || m->now >= m->await_until)
		client_stop_awaiting(m);
	if (m->now >= m->out_retry_at)
		m->out_retry_at = FOREVER;
	if (m->now >= m->accept_retry_at)
		m->accept_retry_at = FOREVER;
	if (m->now >= m->watchdog_at)
		watchdog_expire(m);
	if (m->buffers_used)
		m->release_at = m->now + RELEASE_AFTER_MS;
	m->buffers_used = false;
	if (m->now >= m->release_at)
		release_buffers(m);
}

/* jail-init passes SIGTERM on; an init of an image has a signal of its own for that. */
static int stop_signal(const struct monitor *m)
{
	char path[sizeof("/proc//exe") + TEXT_NUMBER_MAX];
	char exe[256];
	ssize_t n;

	*text_put(text_put_number(text_put(path, "/proc/"), m->s.pid), "/exe") = '\0';
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n < 0)
		return SIGTERM;
	exe[n] = '\0';
	return init_stop_signal(exe);
}

static void handle_signals(struct monitor *m)
{
	struct signalfd_siginfo info;

	while (read(m->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGTERM)
			continue;
		monitor_set_stopping(m);
		if (m->phase == PHASE_RUNNING)
			(void)syscall(SYS_pidfd_send_signal, MONITOR_FD_PIDFD, stop_signal(m), NULL,
				      0);
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
			end_execute(m);
		m->phase = PHASE_BACKOFF;
	}
	if (m->phase == PHASE_BACKOFF && m->now >= m->restart_at)
		end_execute(m);
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
		if (p[SLOT_LISTEN].revents)
			client_accept(m);
		if (p[SLOT_SIGNAL].revents)
			handle_signals(m);
		advance(m, !polled_output || p[SLOT_OUT].revents || p[SLOT_ERR].revents);
		if (p[SLOT_PIDFD].revents)
			end_collect(m);
	}
}

static bool parse_restart(const char *text, enum restart *ret)
{
	static const char *const names[] = {
		[RESTART_NO] = "no",
		[RESTART_ON_FAILURE] = "on-failure",
		[RESTART_ALWAYS] = "always",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum restart)i;
			return true;
		}
	}
	return false;
}

static bool parse_settings(int argc, char *argv[], struct settings *s)
{
	const struct {
		uint64_t *to;
		int arg;
		uint64_t max;
	} numbers[] = {
		{ &s->pid, 2, INT32_MAX },
		{ &s->tty, 5, 1 },
		{ &s->log_max_bytes, 6, INT64_MAX },
		{ &s->log_files, 7, LOG_FILES_MAX },
		{ &s->max_retries, 9, UINT64_MAX },
		{ &s->delay_ms, 10, UINT64_MAX },
		{ &s->retries, 11, UINT32_MAX },
		{ &s->started_boot_ms, 12, INT64_MAX },
		{ &s->remove, 13, 1 },
		{ &s->notify, 14, 1 },
		{ &s->watchdog_ms, 15, INT64_MAX },
	};
	size_t i;

	if (argc != 16 || !parse_restart(argv[8], &s->restart))
		return false;
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (!text_parse_number(argv[numbers[i].arg], numbers[i].max, numbers[i].to))
			return false;
	}
	s->name = argv[1];
	s->jail_program = argv[3];
	s->config_file = argv[4];
	return s->log_max_bytes >= MONITOR_LOG_MIN && s->log_files > 0;
}

/* A missing fixed fd would be filled by the next open(2), so all must be there. */
static bool prepare_fds(void)
{
	int fd;

	for (fd = MONITOR_FD_LOCK; fd < MONITOR_FD_CLIENT; fd++) {
		int flags = fcntl(fd, F_GETFL);

		if (flags < 0)
			return false;
		/* The lock, the pidfd and the directories have nothing to wait for. */
		if (fd >= MONITOR_FD_LISTEN && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
			return false;
		/* To the next program they go as well. */
		if (fcntl(fd, F_SETFD, 0) < 0)
			return false;
	}
	return syscall(SYS_close_range, MONITOR_FD_END, ~0U, 0) == 0;
}

static bool prepare_signals(struct monitor *m)
{
	static const int taken[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
	sigset_t set;
	size_t i;

	(void)sigemptyset(&set);
	for (i = 0; i < ARRAY_SIZE(taken); i++)
		(void)sigaddset(&set, taken[i]);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigprocmask(SIG_BLOCK, &set, &m->old_mask) < 0)
		return false;
	/* Inherited as ignored, it would keep the init's status from us (waitpid(2)). */
	(void)signal(SIGCHLD, SIG_DFL);
	m->signal_fd = fd_move_up(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
	return m->signal_fd >= 0;
}

static NORETURN void fail(const char *message)
{
	(void)!write(STDERR_FILENO, message, strlen(message));
	_exit(EXIT_USAGE);
}

int main(int argc, char *argv[])
{
	struct monitor *m = &monitor;

	m->stdin_client = -1;
	m->out_retry_at = m->accept_retry_at = m->release_at = FOREVER;
	m->notify_until = m->restart_at = m->watchdog_at = FOREVER;
	if (!parse_settings(argc, argv, &m->s))
		fail("jail-monitor: wrong arguments; it is started by jail, not by hand\n");
	if (!prepare_fds())
		fail("jail-monitor: a fixed file descriptor is missing\n");
	(void)prctl(PR_SET_NAME, "jail-monitor");
	if (!prepare_signals(m))
		fail("jail-monitor: signalfd failed\n");
	m->now = clock_ms(CLOCK_MONOTONIC);
	m->buffers = mmap(NULL, sizeof(*m->buffers), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->buffers == MAP_FAILED)
		fail("jail-monitor: out of memory\n");
	log_open(&m->log, MONITOR_FD_LOG, m->s.log_max_bytes, (unsigned)m->s.log_files,
		 &m->buffers->log);
	client_adopt_all(m);
	notify_begin(m);
	serve(m);
}
