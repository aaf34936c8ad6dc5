/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail-monitor: what stays resident of an instance's supervisor (runtime/monitor_proto.h).
 *
 * Two halves. The keeper (keeper.c) has the supervisor's pid, lock and rights, and reads nothing
 * that comes out of the instance; it waits. The reader (reader.c) is a child without rights that
 * reads, logs, and talks with clients; it is there only while there is something to do, so that an
 * idle instance costs one process. Every fd is non-blocking, every buffer there from the start.
 *
 * Memory is the point of this program: no malloc, no stdio; an idle keeper is its text, one page of
 * data and its stack.
 */
#include "cmd/jail-monitor/monitor.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>

#include "cmd/jail-monitor/text.h"

#define LOG_FILES_MAX 1000

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

int timeout_until(const struct monitor *m, uint64_t at)
{
	if (at == FOREVER)
		return -1;
	return at > m->now ? (int)earlier(at - m->now, INT32_MAX) : 0;
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
	return fcntl(MONITOR_FD_KEEP, F_GETFD) >= 0 &&
	       syscall(SYS_close_range, MONITOR_FD_END, ~0U, 0) == 0;
}

static bool prepare_signals(struct monitor *m)
{
	static const int taken[] = { SIGTERM, SIGINT,  SIGHUP,	SIGQUIT,
				     SIGUSR1, SIGUSR2, SIGCHLD, SIGNAL_NEWS };
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

	m->keeper = getpid();
	m->stdin_client = -1;
	m->out_retry_at = m->accept_retry_at = m->release_at = FOREVER;
	m->notify_until = m->restart_at = m->watchdog_at = m->reader_retry_at = FOREVER;
	if (!parse_settings(argc, argv, &m->s))
		fail("jail-monitor: wrong arguments; it is started by jail, not by hand\n");
	if (!prepare_fds())
		fail("jail-monitor: a fixed file descriptor is missing\n");
	(void)prctl(PR_SET_NAME, "jail-monitor");
	if (!prepare_signals(m))
		fail("jail-monitor: signalfd failed\n");
	m->now = clock_ms(CLOCK_MONOTONIC);
	log_open(&m->log, MONITOR_FD_LOG, m->s.log_max_bytes, (unsigned)m->s.log_files);
	log_close(&m->log);
	client_begin(m);
	if (!keeper_confine())
		fail("jail-monitor: can't give up its rights\n");
	keeper_serve(m);
}
