/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wait: as a client of the monitor, which tells every client of the exit. A start that is not
 * through yet has its socket already, and the request waits in it. What has no socket, and comes or
 * goes at this moment, is waited for by inotify.
 */
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/lock.h"
#include "runtime/engine_priv.h"
#include "runtime/systemd.h"
#include "runtime/unit.h"

#define UNREACHABLE_MS 30000

/* Waits for MONITOR_EXIT of the last start. Return: 1 and the status, 0 when the socket ended
 * without one. */
static int hear_exit(int sock, int *ret_status, struct err *e)
{
	struct {
		struct monitor_header h;
		char data[MONITOR_DATA_MAX];
	} m;
	int got = 0;

	for (;;) {
		ssize_t n = recv(sock, &m, sizeof(m), 0);
		struct monitor_exit x;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != ECONNRESET)
			return err_sys(e, "hear from the monitor");
		if (n <= 0)
			return got;
		if (n < (ssize_t)(sizeof(m.h) + sizeof(x)) || m.h.type != MONITOR_EXIT)
			continue;
		memcpy(&x, m.data, sizeof(x));
		if (!x.restarting) {
			*ret_status = x.status;
			got = 1;
		}
	}
}

/* Who says HELLO hears of an exit that was before, too. Return: whether it was sent. */
static bool say_hello(int sock)
{
	struct {
		struct monitor_header h;
		struct monitor_hello hello;
	} m = { .h = { MONITOR_HELLO, sizeof(m.hello) } };

	return send(sock, &m, sizeof(m), MSG_NOSIGNAL) == (ssize_t)sizeof(m);
}

/* It is down: the exit record has the answer. */
static int wait_ended(struct jail *j, const struct jail_name *name, int dir, int *ret_status,
		      struct err *e)
{
	struct instance_exit x;
	int r;

	instance_clean_stale(j, name, dir);
	r = exit_record_last(dir, &x, e);
	if (r == -ENOENT && instance_is_there(j, name, dir) == 0)
		return err_set(e, ENOENT, "no such instance (removed just now)");
	if (r == -ENOENT) {
		err_set(e, ESRCH, "has never run");
		return err_hint(e, "start it: jail start %s", name->s);
	}
	if (r < 0)
		return r;
	*ret_status = x.status;
	return 1;
}

/* Of a unit without a monitor: until its init has ended. Return: whether there was one. */
static bool wait_init(struct jail *j, const struct jail_name *name)
{
	struct running r CLEANUP_RUNNING = RUNNING_INIT;
	struct err ignored = ERR_INIT;
	struct pollfd p = { .events = POLLIN };

	if (running_open(j, name, &r, &ignored) < 0)
		return false;
	p.fd = r.pidfd;
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
	return true;
}

/* One start's worth of waiting. Return: 1 status known, 0 look again, negative error. */
static int wait_once(struct jail *j, const struct jail_name *name, bool *ret_reached,
		     int *ret_status, struct err *e)
{
	CLEANUP_FD int dir = instance_open_dir(j, name, e), run = -EBADF, sock = -EBADF;
	struct err why = ERR_INIT;

	if (dir < 0)
		return dir;
	if (!instance_is_up(j, name, dir) && !systemd_will_restart(j, name))
		return wait_ended(j, name, dir, ret_status, e);
	run = run_dir_open(j, name, false, &why);
	if (run == -ENOENT && instance_run_is_lost(j, name, dir))
		return instance_run_lost(j, name, e);
	sock = run < 0 ? -EBADF : monitor_connect(run, &why);
	if (sock < 0 && run >= 0 && unit_is_up(run)) {
		*ret_reached = wait_init(j, name);
		return 0;
	}
	if (sock < 0 || !say_hello(sock))
		return 0;
	*ret_reached = true;
	return hear_exit(sock, ret_status, e);
}

int instance_wait(struct jail *j, const struct jail_name *name, int *ret_status, struct err *e)
{
	uint64_t end = clock_boot_ms() + UNREACHABLE_MS;
	CLEANUP_FD int watch = -EBADF;

	while (clock_boot_ms() < end) {
		bool reached = false;
		int r = wait_once(j, name, &reached, ret_status, e);

		if (r < 0)
			return err_wrap(e, "wait %s", name->s);
		if (r > 0)
			return 0;
		if (reached)
			end = clock_boot_ms() + UNREACHABLE_MS;
		/* What has changed since we looked is in the first watch's next look. */
		if (watch >= 0)
			instance_watch_wait(watch);
		fd_reset(&watch);
		watch = instance_watch(j, name);
	}
	return err_set(e, ETIMEDOUT, "wait %s: the monitor cannot be reached", name->s);
}
