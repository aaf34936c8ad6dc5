/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper: the init's parent, with the supervisor's pid, lock and rights, since at the end it
 * has to execute the next program as root. So it stays away from everything that could be hostile:
 * it polls the instance's pipes and sockets but never reads from them; when one has something, it
 * starts a reader, and then waits for that and the init alone. It judges by the kernel's word who
 * may connect, and passes SIGTERM on.
 *
 * A reader that is killed, or breaks its own rules, is replaced a second later: output waits in the
 * pipes, clients in their slots. When that has happened READERS_LOST_MAX times, the instance is
 * ended.
 */
#include "cmd/jail-monitor/monitor.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "cmd/jail-monitor/text.h"
#include "cmd/tiny/confine.h"
#include "runtime/init_kind.h"

#define READERS_LOST_MAX 5
#define READER_RETRY_MS 1000

enum slot { SLOT_SIGNAL, SLOT_PIDFD, SLOT_LISTEN, SLOT_OUT, SLOT_ERR, SLOT_NOTIFY, SLOT_END };

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

/* -EAGAIN, too many are queued: it can't do without, so the next one shall begin with it. */
static void tell_reader(const struct monitor *m, uint32_t news)
{
	union sigval value = { .sival_int = (int)news };

	if (m->reader > 0 && sigqueue(m->reader, SIGNAL_NEWS, value) < 0)
		(void)kill(m->reader, SIGKILL);
}

static bool has_clients(const struct monitor *m)
{
	int i;

	for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		if (m->clients[i].open)
			return true;
	}
	return false;
}

static void start_reader(struct monitor *m)
{
	m->reader = reader_start(m);
	if (m->reader < 0) {
		m->reader = 0;
		m->reader_retry_at = m->now + READER_RETRY_MS;
	}
}

/* What has to be done without waiting for anything to be read. */
static bool reader_is_due(const struct monitor *m)
{
	return m->reader == 0 && !m->given_up && m->reader_retry_at == FOREVER &&
	       (m->exited || m->s.watchdog_ms > 0 || has_clients(m));
}

static void reader_lost(struct monitor *m, int status)
{
	log_note(&m->log, "the part that reads was lost: status", (uint64_t)status);
	log_close(&m->log);
	m->readers_lost++;
	m->reader_retry_at = m->now + READER_RETRY_MS;
	if (m->readers_lost < READERS_LOST_MAX)
		return;
	m->given_up = true;
	if (m->exited)
		end_give_up(m);
	(void)syscall(SYS_pidfd_send_signal, MONITOR_FD_PIDFD, SIGKILL, NULL, 0);
}

/* It has told by its status what to do, if it has. */
static void reader_ended(struct monitor *m, const siginfo_t *info)
{
	int told = info->si_code == CLD_EXITED ? info->si_status : 0;

	m->reader = 0;
	/* What was its own. The signalfd is the first of ours. */
	(void)syscall(SYS_close_range, MONITOR_FD_END, m->signal_fd - 1, 0);
	(void)syscall(SYS_close_range, m->signal_fd + 1, ~0U, 0);
	client_adopt_all(m);
	switch (told & READER_KIND) {
	case READER_IDLE:
		m->out_ended = m->out_ended || (told & READER_OUT_ENDED);
		m->err_ended = m->err_ended || (told & READER_ERR_ENDED);
		return;
	case READER_END:
		if (!m->exited)
			break;
		m->stopping = m->stopping || (told & READER_STOPPING);
		m->watchdog_bit = told & READER_WATCHDOG;
		m->restarting = (told & READER_RESTARTS) && !m->stopping;
		if (told & READER_COUNTS_ANEW)
			m->s.retries = 0;
		end_execute(m);
	default:
		break;
	}
	reader_lost(m, info->si_code == CLD_EXITED ? info->si_status : 128 + info->si_status);
}

static void reap_reader(struct monitor *m)
{
	siginfo_t info = { .si_pid = 0 };

	if (m->reader > 0 && waitid(P_PID, (id_t)m->reader, &info, WEXITED | WNOHANG) == 0 &&
	    info.si_pid != 0)
		reader_ended(m, &info);
}

static void stop_instance(struct monitor *m)
{
	m->stopping = true;
	if (!m->exited)
		(void)syscall(SYS_pidfd_send_signal, MONITOR_FD_PIDFD, stop_signal(m), NULL, 0);
	if (m->reader > 0)
		(void)kill(m->reader, SIGTERM);
}

static void handle_signals(struct monitor *m)
{
	struct signalfd_siginfo info;

	while (read(m->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM)
			stop_instance(m);
		else if (info.ssi_signo == SIGCHLD)
			reap_reader(m);
	}
}

static void init_exited(struct monitor *m)
{
	if (!end_collect(m))
		return;
	m->exited = true;
	if (m->given_up)
		end_give_up(m);
	tell_reader(m, NEWS_EXIT | (uint32_t)m->wait_code << 8 | ((uint32_t)m->wait_status & 0xff));
}

static void let_in(struct monitor *m)
{
	int slot = client_accept(m);

	if (slot >= 0)
		tell_reader(m, (uint32_t)slot);
}

static void prepare_poll(const struct monitor *m, struct pollfd p[static SLOT_END])
{
	bool reads = m->reader == 0 && !m->given_up && m->reader_retry_at == FOREVER;
	int i;

	p[SLOT_SIGNAL].fd = m->signal_fd;
	p[SLOT_PIDFD].fd = fd_if(!m->exited, MONITOR_FD_PIDFD);
	p[SLOT_LISTEN].fd = fd_if(m->accept_retry_at == FOREVER, MONITOR_FD_LISTEN);
	p[SLOT_OUT].fd = fd_if(reads && !m->out_ended, MONITOR_FD_OUT);
	p[SLOT_ERR].fd = fd_if(reads && !m->err_ended, MONITOR_FD_ERR);
	p[SLOT_NOTIFY].fd = fd_if(reads && m->s.notify, MONITOR_FD_NOTIFY);
	for (i = 0; i < SLOT_END; i++) {
		p[i].events = POLLIN;
		p[i].revents = 0;
	}
}

static void handle_times(struct monitor *m)
{
	m->now = clock_ms(CLOCK_MONOTONIC);
	if (m->now >= m->accept_retry_at)
		m->accept_retry_at = FOREVER;
	if (m->now >= m->reader_retry_at)
		m->reader_retry_at = FOREVER;
}

void keeper_serve(struct monitor *m)
{
	struct pollfd p[SLOT_END];

	for (;;) {
		handle_times(m);
		if (reader_is_due(m))
			start_reader(m);
		prepare_poll(m, p);
		if (poll(p, SLOT_END,
			 timeout_until(m, earlier(m->accept_retry_at, m->reader_retry_at))) < 0)
			continue;
		m->now = clock_ms(CLOCK_MONOTONIC);
		if (p[SLOT_SIGNAL].revents)
			handle_signals(m);
		if (p[SLOT_PIDFD].revents)
			init_exited(m);
		if (p[SLOT_LISTEN].revents)
			let_in(m);
		if (m->reader == 0 &&
		    (p[SLOT_OUT].revents || p[SLOT_ERR].revents || p[SLOT_NOTIFY].revents))
			start_reader(m);
	}
}

bool keeper_confine(void)
{
	/* To signal the init, to look at who connects, to make the reader. The next program gets
	 * all of root's again, by the bounding set. */
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
	       confine_effective(UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_SYS_PTRACE |
				 UINT64_C(1) << CAP_SETPCAP);
}
