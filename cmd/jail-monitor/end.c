/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After the exit: record, decision, news, and the next program.
 *
 * The order is what makes it safe to be killed anywhere: the record is there before anybody hears
 * of the exit, the init stays a zombie (its pid is not reused) until the very end, and if the next
 * program never runs, the lock's release tells the next command that this instance needs tearing
 * down.
 */
#include "cmd/jail-monitor/monitor.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

#include "cmd/jail-monitor/text.h"
#include "runtime/events_proto.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

#define RECORD_NAME "exit.json"
#define RECORD_NEXT "exit.next"
#define RECORD_MAX 512

/* An instance that ran this long did not fail because of its start. */
#define GOOD_RUN_MS 10000
#define REBOOT_MIN_MS 1000 /* between two starts */
#define BACKOFF_FACTOR_MAX 100
#define BACKOFF_MAX_MS (5 * 60 * 1000)
/* A client that does not take its MONITOR_EXIT holds nothing up for longer. */
#define NOTIFY_MS 2000

/*
 * What reboot(2) in a pid namespace makes of its init (kernel/pid_namespace.c, reboot_pid_ns()): it
 * dies of SIGHUP for a restart, of SIGINT for halt and power off. Nobody can send it these: a
 * signal that an init does not handle is dropped, whoever sends it.
 */
static bool end_is_reboot(const struct monitor *m)
{
	return m->wait_code != CLD_EXITED && m->wait_status == SIGHUP;
}

static bool end_is_poweroff(const struct monitor *m)
{
	return m->wait_code != CLD_EXITED && m->wait_status == SIGINT;
}

int end_status(const struct monitor *m)
{
	if (end_is_reboot(m) || end_is_poweroff(m))
		return 0;
	return m->wait_code == CLD_EXITED ? m->wait_status & 0xff : 128 + m->wait_status;
}

/* The one that ended it as a fault does, or 0. */
static uint64_t end_signal(const struct monitor *m)
{
	bool fault = m->wait_code != CLD_EXITED && !end_is_reboot(m) && !end_is_poweroff(m);

	return fault ? (uint64_t)m->wait_status : 0;
}

const char *end_reason(const struct monitor *m)
{
	if (m->stopping)
		return "stopped";
	if (end_is_reboot(m))
		return "reboot";
	if (end_is_poweroff(m))
		return "poweroff";
	if (m->watchdog_bit)
		return "watchdog";
	return m->wait_code == CLD_EXITED ? "exited" : "signalled";
}

bool end_collect(struct monitor *m)
{
	siginfo_t info = { .si_pid = 0 };

	if (waitid((idtype_t)P_PIDFD, MONITOR_FD_PIDFD, &info, WEXITED | WNOWAIT | WNOHANG) < 0) {
		/* Not our child: the engine is broken, but the instance is over all the same. */
		m->wait_code = CLD_EXITED;
		m->wait_status = EXIT_USAGE;
	} else if (info.si_pid == 0) {
		return false;
	} else {
		m->wait_code = info.si_code;
		m->wait_status = info.si_status;
	}
	return true;
}

void end_begin(struct monitor *m)
{
	m->phase = PHASE_DRAINING;
	notify_end(m);
	m->out_retry_at = FOREVER;
}

/* The whole record in one line. Return: its length. */
static size_t record_format(const struct monitor *m, uint64_t retries, char ret[static RECORD_MAX])
{
	uint64_t now = clock_ms(CLOCK_REALTIME);
	uint64_t ran = clock_ms(CLOCK_BOOTTIME) - m->s.started_boot_ms;
	char *at = ret;

	at = text_put_number(text_put(at, "{\"status\":"), (uint64_t)end_status(m));
	at = text_put_number(text_put(at, ",\"signal\":"), end_signal(m));
	at = text_put(text_put(at, ",\"reason\":\""), end_reason(m));
	at = text_put_time(text_put(at, "\",\"startedAt\":\""), ran < now ? now - ran : 0);
	at = text_put_time(text_put(at, "\",\"finishedAt\":\""), now);
	at = text_put_number(text_put(at, "\",\"pid\":"), m->s.pid);
	at = text_put_number(text_put(at, ",\"restarts\":"), retries);
	at = text_put(at, m->restarting ? ",\"restarting\":true" : "");
	at = text_put(at, "}\n");
	return (size_t)(at - ret);
}

/* Return: 0 or an errno. */
static int record_write(const struct monitor *m, uint64_t retries)
{
	char text[RECORD_MAX];
	size_t n = record_format(m, retries, text);
	int fd, code = 0;

	/* The launcher made it, with its blocks: there is room for the record on a full disk too.
	 */
	fd = openat(MONITOR_FD_LOG, RECORD_NEXT, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	/* Not worth a wait for the disk if the directory is about to be removed. */
	if (write(fd, text, n) != (ssize_t)n || ftruncate(fd, (off_t)n) < 0 ||
	    (!m->s.remove && fdatasync(fd) < 0))
		code = errno != 0 ? errno : EIO;
	(void)close(fd);
	if (code == 0 && renameat(MONITOR_FD_LOG, RECORD_NEXT, MONITOR_FD_LOG, RECORD_NAME) < 0)
		code = errno;
	return code;
}

static char *event_begin(const struct monitor *m, char *at, const char *event)
{
	at = text_put_time(text_put(at, "{\"time\":\""), clock_ms(CLOCK_REALTIME));
	at = text_put(text_put(at, "\",\"event\":\""), event);
	return text_put(text_put(text_put(at, "\",\"name\":\""), m->s.name), "\"");
}

/* The exit and what follows from it, as runtime/events.c would write them. A name is a DNS label:
 * there is nothing to escape. */
static void record_event(struct monitor *m, uint64_t delay_ms)
{
	static const char file[] = EVENTS_FROM_INSTANCE EVENTS_FILE;
	static const char old[] = EVENTS_FROM_INSTANCE EVENTS_OLD;
	char text[RECORD_MAX];
	char *at = event_begin(m, text, "exited");
	int code;

	at = text_put_number(text_put(at, ",\"status\":"), (uint64_t)end_status(m));
	at = text_put(text_put(text_put(at, ",\"reason\":\""), end_reason(m)), "\"}\n");
	if (m->restarting) {
		at = event_begin(m, at, "restarting");
		at = text_put_number(text_put(at, ",\"delayMs\":"), delay_ms);
		at = text_put(at, "}\n");
	}
	code = events_append(MONITOR_FD_LOG, file, old, text, (size_t)(at - text));
	/* ENOENT: nobody has made the directory, so nobody keeps events. */
	if (code != 0 && code != ENOENT)
		log_note(&m->log, "the event could not be written: errno", (uint64_t)code);
}

static bool decide_restart(struct monitor *m)
{
	uint64_t ran = clock_ms(CLOCK_BOOTTIME) - m->s.started_boot_ms;

	/* The division keeps a delay near 2^64 from wrapping. */
	if (ran >= GOOD_RUN_MS && ran / 10 >= m->s.delay_ms)
		m->s.retries = 0;
	if (m->stopping)
		return false;
	/* What was asked for inside goes before the policy. */
	if (end_is_reboot(m) || end_is_poweroff(m))
		return end_is_reboot(m);
	if (m->s.restart == RESTART_NO)
		return false;
	if (m->s.restart == RESTART_ON_FAILURE && end_status(m) == 0)
		return false;
	return m->s.max_retries == 0 || m->s.retries < m->s.max_retries;
}

static uint64_t backoff_ms(const struct monitor *m)
{
	uint64_t ran = clock_ms(CLOCK_BOOTTIME) - m->s.started_boot_ms;
	uint64_t delay = m->s.delay_ms < BACKOFF_MAX_MS ? m->s.delay_ms : BACKOFF_MAX_MS;
	uint64_t factor = m->s.retries < 7 ? 1u << m->s.retries : BACKOFF_FACTOR_MAX;

	/* At once; but a system that reboots while it boots does not keep the host busy. */
	if (end_is_reboot(m))
		return ran < REBOOT_MIN_MS ? REBOOT_MIN_MS - ran : 0;
	delay *= factor < BACKOFF_FACTOR_MAX ? factor : BACKOFF_FACTOR_MAX;
	return delay < BACKOFF_MAX_MS ? delay : BACKOFF_MAX_MS;
}

void end_notify(struct monitor *m)
{
	struct monitor_exit news = { .status = end_status(m), .restarting = m->restarting };
	int i;

	m->phase = PHASE_NOTIFYING;
	m->notify_until = m->now + NOTIFY_MS;
	m->chunk = (struct chunk){ .type = MONITOR_EXIT, .length = sizeof(news) };
	memcpy(m->buffers->output, &news, sizeof(news));
	m->buffers_used = true;
	for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		if (m->clients[i].open)
			m->chunk.waiting |= 1u << i;
	}
	output_send(m);
}

void end_settle(struct monitor *m)
{
	uint64_t delay_ms = 0, retries = m->s.retries;
	int code;

	log_end(&m->log, LOG_STDOUT);
	log_end(&m->log, LOG_STDERR);
	input_discard(m);
	m->restarting = decide_restart(m); /* which may begin to count anew */
	code = record_write(m, retries);
	if (code != 0)
		log_note(&m->log, "the exit record could not be written: errno", (uint64_t)code);
	if (m->restarting)
		delay_ms = backoff_ms(m);
	m->restart_at = m->restarting ? m->now + delay_ms : FOREVER;
	record_event(m, delay_ms);
	end_notify(m);
}

void end_give_up(struct monitor *m)
{
	int code;

	m->restarting = false;
	code = record_write(m, m->s.retries);
	if (code != 0)
		log_note(&m->log, "the exit record could not be written: errno", (uint64_t)code);
	record_event(m, 0);
	end_execute(m);
}

static void hand_over_fds(void)
{
	int i;

	for (i = 0; i < MONITOR_CLIENTS_MAX; i++)
		(void)fcntl(MONITOR_FD_CLIENT + i, F_SETFD, 0);
}

void end_execute(struct monitor *m)
{
	const struct settings *s = &m->s;
	char number[TEXT_NUMBER_MAX + 1];
	char const *args[16];
	siginfo_t info;
	size_t n = 0;

	args[n++] = s->jail_program;
	if (*s->config_file != '\0') {
		args[n++] = "--config";
		args[n++] = s->config_file;
	}
	args[n++] = m->restarting ? "_launch" : "_finish";
	args[n++] = s->name;
	args[n++] = number;
	*text_put_number(number, m->restarting ? s->retries + !end_is_reboot(m)
					       : (uint64_t)end_status(m)) = '\0';
	if (!m->restarting) {
		args[n++] = end_reason(m);
		args[n++] = s->remove ? "1" : "0";
	}
	args[n] = NULL;

	(void)waitid((idtype_t)P_PIDFD, MONITOR_FD_PIDFD, &info, WEXITED | WNOHANG);
	hand_over_fds();
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &m->old_mask, NULL);
	execve(s->jail_program, (char *const *)(uintptr_t)args, environ);
	log_note(&m->log, "the next program could not be executed: errno", (uint64_t)errno);
	_exit(EXIT_USAGE);
}
