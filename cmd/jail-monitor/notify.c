/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the program tells by sd_notify(3): runtime/notify.h. Anything in the instance may send
 * anything; of all that two lines count. File descriptors that come along are dropped by the
 * kernel, since no room is given for them: what sd_notify_barrier(3) waits for.
 */
#include "cmd/jail-monitor/monitor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "runtime/notify_proto.h"

#define NOTIFY_MAX 4096 /* of a datagram; what is longer is cut, as systemd drops it */

/* READY or not, nobody waits any longer. The number stays taken. */
static void notify_forget(struct monitor *m)
{
	m->ready_awaited = false;
	fd_forget(m, MONITOR_FD_READY);
}

static void notify_ready(struct monitor *m)
{
	if (!m->ready_awaited)
		return;
	/* Gone is gone, also when nobody is there to hear it. */
	(void)unlinkat(MONITOR_FD_RUN, NOTIFY_AWAITED, 0);
	(void)send(MONITOR_FD_READY, MONITOR_READY, sizeof(MONITOR_READY) - 1,
		   MSG_NOSIGNAL | MSG_DONTWAIT);
	notify_forget(m);
	watchdog_feed(m);
}

void watchdog_feed(struct monitor *m)
{
	if (m->s.watchdog_ms > 0 && !m->ready_awaited)
		m->watchdog_at = m->now + m->s.watchdog_ms;
}

void notify_begin(struct monitor *m)
{
	m->watchdog_at = FOREVER;
	m->ready_awaited = m->s.notify && faccessat(MONITOR_FD_RUN, NOTIFY_AWAITED, F_OK,
						    AT_SYMLINK_NOFOLLOW) == 0;
	watchdog_feed(m);
}

void notify_end(struct monitor *m)
{
	m->watchdog_at = FOREVER;
	if (m->ready_awaited)
		notify_forget(m);
}

static void notify_line(struct monitor *m, const char *line)
{
	if (strcmp(line, "READY=1") == 0)
		notify_ready(m);
	else if (strcmp(line, "WATCHDOG=1") == 0)
		watchdog_feed(m);
	else if (strcmp(line, "WATCHDOG=trigger") == 0)
		watchdog_kill(m);
}

void notify_read(struct monitor *m)
{
	char text[NOTIFY_MAX + 1], *line, *end;
	ssize_t n = recv(MONITOR_FD_NOTIFY, text, NOTIFY_MAX, MSG_DONTWAIT);

	if (n <= 0)
		return;
	text[n] = '\0';
	for (line = text; *line != '\0'; line = end) {
		end = line + strcspn(line, "\n");
		if (*end != '\0')
			*end++ = '\0';
		notify_line(m, line);
	}
}

/* Paused, it can't speak. A cgroup that can't be read is that of one that ends. */
static bool is_frozen(void)
{
	char text[256];
	int fd = openat(MONITOR_FD_CGROUP, "cgroup.events", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strstr(text, "frozen 1") != NULL;
}

void watchdog_expire(struct monitor *m)
{
	if (is_frozen()) {
		watchdog_feed(m);
		return;
	}
	/* What lies in the queue was said in time: it is we who were late. */
	m->watchdog_at = FOREVER;
	notify_read(m);
	if (m->watchdog_at == FOREVER && m->s.watchdog_ms > 0)
		watchdog_kill(m);
}

void watchdog_kill(struct monitor *m)
{
	m->watchdog_at = FOREVER;
	m->watchdog_bit = true;
	(void)syscall(SYS_pidfd_send_signal, MONITOR_FD_PIDFD, SIGKILL, NULL, 0);
}
