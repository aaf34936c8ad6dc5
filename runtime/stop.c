/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stop and kill. Everything that is waited for is an event: the init's end and the supervisor's by
 * pidfd, a start that is not through by the monitor's answer, the rest by inotify.
 *
 * The one hard case is an instance that ends by itself at the same moment and is started again by
 * its restart policy: then what was signalled is gone already, and what runs now was not meant yet.
 * So after the init's end somebody looks who runs, and begins anew with that one.
 */
#include <limits.h>
#include <poll.h>
#include <signal.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/sys.h"
#include "runtime/engine_priv.h"
#include "runtime/events.h"
#include "runtime/init_kind.h"
#include "runtime/systemd.h"
#include "runtime/unit.h"

#define FREEZE_WAIT_MS 10000
#define KILL_WAIT_MS 30000
#define AGAIN_LOOK_MS 100 /* between two looks whether it was started again */

/* An instance on its way down. */
struct down {
	struct jail *j;
	const struct jail_name *name;
	struct running running;
	int supervisor; /* pidfd */
	bool told; /* it was up, and its monitor knows */
	int signal; /* of the spec */
	uint64_t timeout_ms; /* before everything is killed */
	uint64_t finish_ms; /* how long the teardown may take, hooks included */
};

static void down_close(struct down *d)
{
	running_close(&d->running);
	fd_reset(&d->supervisor);
}

/* Waits until the process behind pidfd has ended. Return: 1 ended, 0 time-out, -errno. */
static int wait_pidfd(int pidfd, uint64_t timeout_ms)
{
	uint64_t begin = clock_boot_ms();
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	for (;;) {
		uint64_t waited = clock_boot_ms() - begin;
		uint64_t left = timeout_ms > waited ? timeout_ms - waited : 0;
		int r = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);

		if (r > 0)
			return 1;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0 && left <= INT32_MAX)
			return 0;
	}
}

/*
 * pidfd of the supervisor, good if the lock is still held after it was opened and the state that
 * names it has not been torn down. -EBADF: it has ended already. Else -errno: it can't be watched.
 */
static int supervisor_pidfd(const struct running *r)
{
	CLEANUP_FD int fd = sys_pidfd_open(r->state.monitor_pid, 0);
	struct err ignored = ERR_INIT;
	struct run_state now;

	if (fd < 0 && errno != ESRCH)
		return -errno;
	if (fd < 0 || run_state_read(r->run, &now, &ignored) < 0 ||
	    now.monitor_pid != r->state.monitor_pid || lock_is_held_at(r->dir, "lock") <= 0)
		return -EBADF;
	return TAKE_FD(fd);
}

/*
 * The supervisor has ended. If it was killed, somebody must clean up; who holds the lock now does
 * so before anything else. wait_ms: for a supervisor that could not be watched.
 */
static int finish_lost(struct jail *j, const struct jail_name *name, unsigned wait_ms,
		       struct err *e)
{
	struct err why = ERR_INIT;
	CLEANUP_FD int dir = -EBADF, lock = instance_lock(j, name, wait_ms, &dir, &why);

	if (lock >= 0)
		return reconcile_locked(j, name, dir, e);
	/* --rm: gone. On a read-only disk there is nothing to clean up. */
	if (lock == -ENOENT || lock == -EROFS || (lock == -EWOULDBLOCK && !wait_ms))
		return 0;
	*e = why;
	return lock;
}

static bool tell_stopping(struct down *d)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int sock = monitor_connect(d->running.run, &ignored);
	bool told = sock >= 0 && monitor_request(sock, MONITOR_STOPPING, NULL, 0, &ignored) >= 0;

	d->told |= told;
	return told;
}

/* Held by its pidfd, so that the number means it; at worst, when it has just ended, a name that
 * says nothing. */
static int init_signal(const struct down *d)
{
	char path[64], exe[PATH_MAX];
	ssize_t n;

	(void)str_format(path, sizeof(path), "/proc/%d/exe", d->running.state.pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n < 0)
		return SIGTERM;
	exe[n] = '\0';
	return init_stop_signal(exe);
}

/* What the spec says about stopping. It is gone when the instance is; damaged, defaults must do. */
static void down_read_spec(struct down *d, bool spec_timeout)
{
	CLEANUP_SPEC struct jail_spec spec;
	struct err why = ERR_INIT;
	int r;

	spec_init(&spec);
	d->signal = SIGTERM;
	d->finish_ms = KILL_WAIT_MS;
	if (spec_timeout)
		d->timeout_ms = KILL_WAIT_MS;
	r = spec_read(d->running.dir, &spec, &why);
	if (r < 0) {
		if (r != -ENOENT)
			warn("%s: %s", d->name->s, why.text);
		return;
	}
	d->signal = spec.stop.signal ? spec.stop.signal : init_signal(d);
	if (spec_timeout)
		d->timeout_ms = spec.stop.timeout_ms;
	for (size_t i = 0; i < spec.hooks.n_poststop; i++)
		d->finish_ms += spec.hooks.poststop[i].timeout_ms
					? spec.hooks.poststop[i].timeout_ms
					: HOOK_TIMEOUT_DEFAULT_MS;
}

/* Its restart policy has started it again, maybe before we could call that off. */
static bool runs_again(const struct down *d)
{
	struct running now CLEANUP_RUNNING = RUNNING_INIT;
	struct err ignored = ERR_INIT;

	return running_open(d->j, d->name, &now, &ignored) == 0 &&
	       (now.state.pid != d->running.state.pid ||
		now.state.started_boot_ms != d->running.state.started_boot_ms);
}

/* Waits for the supervisor, after whose end everything is torn down. Return: 0, or 1: begin again.
 */
static int wait_down(struct down *d, struct err *e)
{
	uint64_t end = clock_boot_ms() + d->finish_ms;

	while (d->supervisor >= 0) {
		int r = wait_pidfd(d->supervisor, AGAIN_LOOK_MS);

		if (r < 0)
			return err_ret(e, r, "wait for the monitor");
		if (r > 0)
			break;
		if (runs_again(d))
			return 1;
		if (clock_boot_ms() > end)
			return err_set(e, ETIMEDOUT, "the monitor did not finish in %llu ms",
				       (unsigned long long)d->finish_ms);
	}
	return finish_lost(
		d->j, d->name,
		d->supervisor == -EBADF || d->supervisor >= 0 ? 0 : (unsigned)d->finish_ms, e);
}

/* Return: as wait_down. */
static int kill_all(struct down *d, struct err *e)
{
	struct err why = ERR_INIT;
	const struct cgroup_tree *tree = instance_tree(d->j, d->name, &why);
	int r = tree ? cgroup_kill(tree, d->name, &why) : -why.code;

	if (r < 0 && r != -ENOENT && r != -ENODEV) { /* those: it has ended */
		*e = why;
		return r;
	}
	return wait_down(d, e);
}

static int thaw(struct down *d, struct err *e)
{
	struct err why = ERR_INIT;
	const struct cgroup_tree *tree = instance_tree(d->j, d->name, &why);
	int r = tree ? 0 : -why.code;

	if (tree && cgroup_is_frozen(tree, d->name) > 0)
		r = cgroup_freeze(tree, d->name, false, FREEZE_WAIT_MS, &why);
	if (r >= 0 || r == -ENOENT || r == -ENODEV)
		return 0;
	*e = why;
	return r;
}

/* Return: as wait_down. */
static int stop_running(struct down *d, bool *ret_forced, struct err *e)
{
	int r;

	(void)tell_stopping(d);
	if (unit_is_up(d->running.run))
		unit_mark_stopping(d->running.run);
	if (sys_pidfd_send_signal(d->running.pidfd, d->signal) < 0 && errno != ESRCH)
		return err_sys(e, "signal %d", d->signal);
	/* A frozen process gets it when it is thawed. */
	r = thaw(d, e);
	if (r < 0)
		return r;
	r = wait_pidfd(d->running.pidfd, d->timeout_ms);
	if (r < 0)
		return err_ret(e, r, "wait for the init");
	if (r > 0)
		return wait_down(d, e);
	*ret_forced = true;
	event_record(d->j, EVENT_KILLED, d->name,
		     &(struct event_detail){ .signal = SIGKILL, .forced = true });
	return kill_all(d, e);
}

/*
 * The supervisor is starting, or waits for a restart's back-off. It is told, which calls a restart
 * off; the answer comes when it has become jail-monitor, so it is also the event to wait for.
 * Return: 0 it has ended, 1 look again.
 */
static int stop_unsettled(struct down *d, struct err *e)
{
	CLEANUP_FD int watch = instance_watch(d->j, d->name);
	struct err why = ERR_INIT, ignored = ERR_INIT;
	CLEANUP_FD int dir = instance_open_dir(d->j, d->name, &why);

	if (dir == -ENOENT && d->told)
		return 0;
	if (dir < 0) {
		*e = why;
		return dir;
	}
	if (!instance_is_up(d->j, d->name, dir))
		return finish_lost(d->j, d->name, 0, e);
	running_close(&d->running);
	d->running.dir = TAKE_FD(dir);
	d->running.run = run_dir_open(d->j, d->name, false, &ignored);
	if (d->running.run < 0 || !tell_stopping(d)) {
		/* Before it made its socket, or on its way out. */
		instance_watch_wait(watch);
		return 1;
	}
	if (run_state_read(d->running.run, &d->running.state, &ignored) < 0 ||
	    exit_record_is_due(d->running.dir))
		return 1;
	down_read_spec(d, false);
	d->supervisor = supervisor_pidfd(&d->running);
	return wait_down(d, e);
}

/* As running_open, but waits for a start to finish and ends a back-off. Return: 0 running, 1 it has
 * ended meanwhile. */
static int running_settled(struct down *d, struct err *e)
{
	uint64_t end = clock_boot_ms() + KILL_WAIT_MS;

	for (;;) {
		struct err why = ERR_INIT;
		int r;

		down_close(d);
		r = running_open(d->j, d->name, &d->running, &why);
		/* What has been told, and is down or even gone (--rm) now, has obeyed. */
		if (d->told && (r == -ESRCH || r == -ENOENT))
			return 1;
		if (r != -EAGAIN || clock_boot_ms() > end) {
			if (r < 0)
				*e = why;
			return r;
		}
		r = stop_unsettled(d, e);
		if (r <= 0)
			return r < 0 ? r : 1;
	}
}

static int stop(struct down *d, bool *ret_forced, struct err *e)
{
	bool spec_timeout = d->timeout_ms == UINT64_MAX;
	int r;

	do {
		r = running_settled(d, e);
		if (r == -ESRCH) {
			/* Not running; but a killed supervisor's leftovers go now. */
			struct err ignored = ERR_INIT;

			(void)finish_lost(d->j, d->name, 0, &ignored);
		}
		if (r != 0)
			return r < 0 ? r : 0;
		d->supervisor = supervisor_pidfd(&d->running);
		down_read_spec(d, spec_timeout);
		r = stop_running(d, ret_forced, e);
	} while (r > 0);
	return r;
}

static bool is_unit(struct jail *j, const struct jail_name *name)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int run = run_dir_open(j, name, false, &ignored);

	return run >= 0 && unit_is_up(run) && systemd_in_use(&j->config, &ignored) > 0;
}

/* systemd is asked first, so that no restart follows; ExecStop then sends the signal. */
static int stop_unit(struct down *d, bool kill, bool *ret_forced, struct err *e)
{
	bool spec_timeout = d->timeout_ms == UINT64_MAX;
	uint64_t begin = clock_boot_ms();
	struct err ignored = ERR_INIT;
	int r = running_open(d->j, d->name, &d->running, &ignored);

	if (r < 0) /* on its way up or down */
		return systemd_stop(d->name, e);
	down_read_spec(d, spec_timeout);
	r = systemd_stop_request(d->name, e);
	if (r < 0)
		return r;
	if (!kill) {
		/* With the spec's own time it is ExecStop that kills. */
		r = wait_pidfd(d->running.pidfd,
			       spec_timeout ? d->timeout_ms + KILL_WAIT_MS : d->timeout_ms);
		if (r < 0)
			return err_ret(e, r, "wait for the init");
		*ret_forced = r == 0 || (spec_timeout && clock_boot_ms() - begin >= d->timeout_ms);
	}
	if (kill || r == 0) {
		unit_mark_stopping(d->running.run);
		r = kill_all(d, e);
		if (r < 0)
			return r;
	}
	return systemd_stop(d->name, e);
}

int instance_stop(struct jail *j, const struct jail_name *name, uint64_t timeout_ms,
		  bool *ret_forced, struct err *e)
{
	struct down d = {
		.j = j,
		.name = name,
		.running = RUNNING_INIT,
		.supervisor = -EBADF,
		.timeout_ms = timeout_ms,
	};
	int r;

	*ret_forced = false;
	r = is_unit(j, name) ? stop_unit(&d, false, ret_forced, e) : stop(&d, ret_forced, e);
	if (r == -ESRCH && systemd_will_restart(j, name)) {
		*e = ERR_INIT;
		r = systemd_stop(name, e);
	}
	down_close(&d);
	return r < 0 ? err_wrap(e, "stop %s", name->s) : 0;
}

/* What systemd waits for is the end of the main process; the rest is unit_post()'s. */
int unit_stop(struct jail *j, const struct jail_name *name, struct err *e)
{
	struct down d = { .j = j, .name = name, .running = RUNNING_INIT, .supervisor = -EBADF };
	struct err ignored = ERR_INIT;
	bool forced = false;
	int r = running_open(j, name, &d.running, &ignored);

	/* Also executed when it has ended by itself. */
	if (r >= 0 && unit_is_up(d.running.run)) {
		down_read_spec(&d, true);
		r = stop_running(&d, &forced, e);
	} else {
		r = 0;
	}
	if (forced)
		warn("%s did not end in time and was killed", name->s);
	down_close(&d);
	return r < 0 ? err_wrap(e, "stop %s", name->s) : 0;
}

/* Its records are damaged: what has its name is killed, and its lock says when it is over. */
static int kill_by_name(struct down *d, struct err *e)
{
	const struct cgroup_tree *tree = instance_tree(d->j, d->name, e);
	int r = tree ? cgroup_kill(tree, d->name, e) : -e->code;

	return r < 0 ? r : finish_lost(d->j, d->name, KILL_WAIT_MS, e);
}

static int kill_running(struct down *d, struct err *e)
{
	struct err why = ERR_INIT;
	int r;

	do {
		r = running_settled(d, &why);
		/* EAGAIN: still, after a long wait. */
		if (r < 0 && r != -ESRCH && r != -ENOENT)
			return kill_by_name(d, e);
		if (r < 0)
			*e = why;
		if (r != 0)
			return r < 0 ? r : 0;
		d->supervisor = supervisor_pidfd(&d->running);
		down_read_spec(d, false);
		(void)tell_stopping(d);
		event_record(d->j, EVENT_KILLED, d->name,
			     &(struct event_detail){ .signal = SIGKILL });
		r = kill_all(d, e);
	} while (r > 0);
	return r;
}

static int signal_init(struct down *d, int signal, struct err *e)
{
	int r = running_open(d->j, d->name, &d->running, e);

	if (r < 0)
		return r;
	if (sys_pidfd_send_signal(d->running.pidfd, signal) == 0) {
		event_record(d->j, EVENT_KILLED, d->name,
			     &(struct event_detail){ .signal = signal });
		return 0;
	}
	if (errno != ESRCH)
		return err_sys(e, "signal %d", signal);
	return err_set(e, ESRCH, "has just ended");
}

int instance_kill(struct jail *j, const struct jail_name *name, int signal, struct err *e)
{
	struct down d = { .j = j, .name = name, .running = RUNNING_INIT, .supervisor = -EBADF };
	bool forced = false;
	int r = signal != SIGKILL  ? signal_init(&d, signal, e)
		: is_unit(j, name) ? stop_unit(&d, true, &forced, e)
				   : kill_running(&d, e);

	down_close(&d);
	return r < 0 ? err_wrap(e, "kill %s", name->s) : 0;
}
