/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor's beginnings and ends. `jail start` forks it, straight into the monitors' cgroup,
 * and waits for one report; jail-monitor executes `jail _launch` for a restart and `jail _finish`
 * at the end. Whatever it runs, it is one process that holds the instance's lock.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/sys.h"
#include "runtime/console.h"
#include "runtime/events.h"
#include "runtime/launch_priv.h"
#include "runtime/monitor_proto.h"
#include "runtime/notify.h"
#include "runtime/systemd.h"
#include "runtime/unit.h"

void launch_free(struct launch *l)
{
	spec_free(&l->spec);
	fd_reset(&l->lock);
	fd_reset(&l->dir);
	fd_reset(&l->run);
	fd_reset(&l->listen);
	for (size_t i = 0; i < ARRAY_SIZE(l->clients); i++)
		fd_reset(&l->clients[i]);
	fd_reset(&l->report);
}

void launch_init(struct launch *l, struct jail *j, const struct jail_name *name)
{
	*l = (struct launch){ .j = j, .name = *name };
	l->lock = l->dir = l->run = l->listen = l->report = -EBADF;
	for (size_t i = 0; i < ARRAY_SIZE(l->clients); i++)
		l->clients[i] = -EBADF;
	spec_init(&l->spec);
}

int launch_load(struct launch *l, struct err *e)
{
	int r = rebuild_finish(l->dir, e);

	if (r >= 0)
		r = meta_read(l->dir, &l->meta, e);
	if (r >= 0)
		r = spec_follow_name(l->dir, &l->name, e);
	if (r >= 0)
		r = spec_read(l->dir, &l->spec, e);
	if (r >= 0 && !l->spec.process.args.n) {
		err_set(e, EINVAL, "process.args: nothing to run");
		return err_hint(e, "give a program after --, or process.args in the spec");
	}
	return r;
}

/* The supervisor: no terminal, no directory, no signal of the caller's session reaches it. */
static void supervisor_main(struct launch *l)
{
	struct launch_report report = { 0 };
	CLEANUP_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool exec_failed = false;

	(void)setsid();
	(void)umask(077);
	(void)prctl(PR_SET_NAME, "jail-launch");
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
	    chdir("/") < 0)
		(void)err_sys(&report.error, "set up the supervisor");
	else
		(void)launch_run(l, &exec_failed, &report.error);
	report.exec_failed = exec_failed;
	(void)fd_send(l->report, &report, sizeof(report), NULL, 0);
	_exit(125);
}

/* Return: its pid. */
static pid_t fork_supervisor(struct launch *l, int *ret_sock, struct err *e)
{
	struct clone_args c = { .exit_signal = SIGCHLD };
	CLEANUP_FD int cgroup = -EBADF, ours = -EBADF;
	int pair[2], r;
	pid_t pid;

	r = engine_tree(l->j, e);
	if (r < 0)
		return err_wrap(e, "cgroup");
	cgroup = cgroup_monitor_fd(&l->j->tree, e);
	if (cgroup < 0)
		return cgroup;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	ours = pair[0];
	l->report = pair[1];
	c.flags = CLONE_INTO_CGROUP;
	c.cgroup = (uint64_t)cgroup;
	pid = sys_clone3(&c);
	if (pid < 0)
		return err_sys(e, "fork the supervisor");
	if (pid == 0) {
		fd_reset(&ours);
		supervisor_main(l);
	}
	fd_reset(&l->report);
	*ret_sock = TAKE_FD(ours);
	return pid;
}

static int wait_report(int sock, bool *ret_exec_failed, struct err *e)
{
	struct launch_report report;
	size_t none = 0;
	ssize_t n = fd_recv(sock, &report, sizeof(report), NULL, &none);

	if (n < 0)
		return err_ret(e, (int)n, "hear from the supervisor");
	if (n != (ssize_t)sizeof(report))
		return err_set(e, ECHILD, "the supervisor was killed during the start");
	report.error.text[sizeof(report.error.text) - 1] = '\0';
	report.error.hint[sizeof(report.error.hint) - 1] = '\0';
	if (report.error.code <= 0) {
		if (report.error.text[0])
			warn("%s", report.error.text);
		return 0;
	}
	*ret_exec_failed = report.exec_failed;
	*e = report.error;
	return -e->code;
}

/* The supervisor has failed, or was killed: nothing of it is left when the command returns. */
static void after_failure(struct launch *l, pid_t supervisor)
{
	while (waitpid(supervisor, NULL, 0) < 0 && errno == EINTR)
		;
	instance_clean_stale(l->j, &l->name, l->dir);
}

/* One instance that must be up first. */
static int start_other(struct launch *l, const char *other, const struct start_chain *up,
		       struct err *e)
{
	const struct start_chain here = { .name = &l->name, .up = up };
	const struct start_options o = { .chain = &here };
	struct err why = ERR_INIT;
	struct jail_name name;
	bool exec_failed;
	int none = -EBADF, r = name_parse("instance", other, &name, e);

	if (r < 0)
		return r;
	for (const struct start_chain *c = &here; c; c = c->up)
		if (str_eq(c->name->s, name.s))
			return err_set(e, ELOOP, "requires: %s is waiting for this start itself",
				       name.s);
	r = instance_start(l->j, &name, &o, &none, &exec_failed, &why);
	if (r >= 0 || r == -EALREADY)
		return 0;
	*e = why;
	return err_wrap(e, "requires");
}

/* As systemd does for units: without those that it requires, an instance is not started. */
static int start_others(struct launch *l, const struct start_options *o, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < l->spec.requires.n; i++)
		r = start_other(l, l->spec.requires.v[i], o->chain, e);
	return r;
}

static int start_locked(struct launch *l, const struct start_options *o, int *ret_client,
			bool *ret_exec_failed, struct err *e)
{
	CLEANUP_FD int sock = -EBADF, client = -EBADF;
	int pair[2], r;
	pid_t supervisor;

	r = launch_load(l, e);
	if (r < 0)
		return r;
	r = reconcile_locked(l->j, &l->name, l->dir, e);
	if (r < 0)
		return err_wrap(e, "clean up after the last run");
	r = start_others(l, o, e);
	if (r < 0)
		return r;
	l->remove = o->remove_at_exit;
	if (o->attach) {
		(void)console_winsize(&l->rows, &l->columns);
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			return err_sys(e, "socketpair");
		client = pair[0];
		l->clients[0] = pair[1];
	}
	supervisor = fork_supervisor(l, &sock, e);
	if (supervisor < 0)
		return supervisor;
	/* The supervisor's copies are the ones that count from here on. */
	fd_reset(&l->lock);
	fd_reset(&l->clients[0]);
	r = wait_report(sock, ret_exec_failed, e);
	if (r < 0) {
		after_failure(l, supervisor);
		return r;
	}
	if (o->attach)
		*ret_client = TAKE_FD(client);
	else if (l->spec.notify.ready)
		return notify_wait(sock, e);
	return 0;
}

int instance_start(struct jail *j, const struct jail_name *name, const struct start_options *o,
		   int *ret_client, bool *ret_exec_failed, struct err *e)
{
	struct launch l;
	int r;

	*ret_exec_failed = false;
	/* Attached, it is the caller's; else systemd's where it is in use. */
	r = o->attach || o->remove_at_exit ? 0 : systemd_in_use(&j->config, e);
	if (r < 0)
		return err_wrap(e, "start %s", name->s);
	if (r > 0)
		return systemd_start(j, name, ret_exec_failed, e);
	launch_init(&l, j, name);
	l.lock = instance_lock_down(j, name, &l.dir, e);
	r = l.lock < 0 ? l.lock : start_locked(&l, o, ret_client, ret_exec_failed, e);
	launch_free(&l);
	return r < 0 ? err_wrap(e, "start %s", name->s) : 0;
}

/* Moves one of the fixed fds to where only close-on-exec ones are. Return: -EBADF when it isn't
 * open. */
static int adopt_fd(int fixed)
{
	int fd = fcntl(fixed, F_DUPFD_CLOEXEC, MONITOR_FD_END);

	(void)close(fixed);
	return fd < 0 ? -EBADF : fd;
}

/* Takes over what jail-monitor left at the fixed numbers. First of all: later opens land on free
 * ones of these. */
static int adopt_fds(struct launch *l, struct err *e)
{
	l->lock = adopt_fd(MONITOR_FD_LOCK);
	l->run = adopt_fd(MONITOR_FD_RUN);
	l->dir = adopt_fd(MONITOR_FD_LOG);
	l->listen = adopt_fd(MONITOR_FD_LISTEN);
	(void)close(MONITOR_FD_PIDFD);
	(void)close(MONITOR_FD_OUT);
	(void)close(MONITOR_FD_ERR);
	(void)close(MONITOR_FD_IN);
	(void)close(MONITOR_FD_NOTIFY);
	(void)close(MONITOR_FD_READY);
	(void)close(MONITOR_FD_CGROUP);
	/* Attached clients stay attached across a restart. */
	for (int i = 0; i < MONITOR_CLIENTS_MAX; i++)
		l->clients[i] = adopt_fd(MONITOR_FD_CLIENT + i);
	net_socket_give(adopt_fd(MONITOR_FD_KEEP));
	if (l->lock < 0 || l->run < 0 || l->dir < 0 || l->listen < 0)
		return err_set(e, EBADF, "only jail-monitor may run this");
	return 0;
}

/* What the fds say must be what the name says. */
static int check_adopted(const struct launch *l, struct err *e)
{
	struct stat a, b;

	if (fstat(l->dir, &a) < 0 ||
	    fstatat(l->j->instances, l->name.s, &b, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "instance %s", l->name.s);
	if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		return err_set(e, ENOENT, "instance %s was replaced", l->name.s);
	return 0;
}

/* A restart that failed ends the instance; the exit record says so. */
static int restart_failed(struct launch *l, struct err *e)
{
	struct instance_exit x = { .present = true };
	struct err ignored = ERR_INIT;
	pid_t pid = 0;

	(void)exit_record_read(l->dir, &x, &pid, &ignored);
	x.finished_ms = clock_wall_ms();
	x.status = 125;
	(void)str_format(x.reason, sizeof(x.reason), "failed");
	(void)exit_record_write(l->dir, &x, pid, &ignored);
	event_record(l->j, EVENT_EXITED, &l->name,
		     &(struct event_detail){ .status = x.status, .reason = x.reason });
	if (teardown(l->j, &l->name, l->dir, &ignored) >= 0 && l->remove)
		(void)remove_locked(l->j, &l->name, l->dir, &ignored);
	return err_wrap(e, "restart %s", l->name.s);
}

/* What the last start was told, and then its state goes: its pid means nothing any more. */
static int forget_last(struct launch *l, struct err *e)
{
	struct run_state last;
	int r = run_state_read(l->run, &last, e);

	if (r < 0)
		return r == -ENOENT ? err_set(e, ENOENT, "state.json is missing") : r;
	l->remove = last.remove;
	r = teardown_kernel(l->j, &l->name, l->dir, l->run, e);
	if (r >= 0)
		r = spec_forget_runtime(l->run, e);
	if (r >= 0 && unlinkat(l->run, "state.json", 0) < 0)
		r = err_sys(e, "remove state.json");
	return r;
}

static int launch_again(struct launch *l, struct err *e)
{
	bool exec_failed = false;
	int r = forget_last(l, e);

	l->unit = unit_is_up(l->run); /* a reboot from inside */

	if (r >= 0)
		r = launch_load(l, e);
	if (r >= 0)
		r = launch_run(l, &exec_failed, e);
	return r < 0 ? restart_failed(l, e) : r;
}

/* To `jail start`, which has asked systemd and waits for its answer. */
static void report_not_ready(const struct launch *l)
{
	struct launch_report report = { 0 };

	notify_error(&report.error);
	(void)err_wrap(&report.error, "start %s", l->name.s);
	unit_report_write(l->dir, &report);
}

static int finish(struct launch *l, struct err *e)
{
	int r;

	l->unit = unit_is_up(l->run);
	if (l->unit && notify_is_awaited(l->run))
		report_not_ready(l);
	r = teardown(l->j, &l->name, l->dir, e);
	if (r >= 0 && l->remove)
		r = remove_locked(l->j, &l->name, l->dir, e);
	return r < 0 ? err_wrap(e, "finish %s", l->name.s) : 0;
}

/* What jail-monitor executes: takes over its fds, before anything else is opened, and does `work`.
 */
static int supervise(const struct jail_config *c, struct launch *l,
		     int (*work)(struct launch *, struct err *), struct err *e)
{
	CLEANUP_JAIL struct jail *j = NULL;
	int r = adopt_fds(l, e);

	if (r >= 0)
		r = jail_open(c, &j, e);
	l->j = j;
	if (r >= 0)
		r = check_adopted(l, e);
	if (r >= 0)
		r = work(l, e);
	launch_free(l);
	return r;
}

int supervise_launch(const struct jail_config *c, const struct jail_name *name, unsigned retries,
		     struct err *e)
{
	struct launch l;

	launch_init(&l, NULL, name);
	l.retries = retries;
	return supervise(c, &l, launch_again, e);
}

int supervise_finish(const struct jail_config *c, const struct jail_name *name, bool remove,
		     bool *ret_unit, struct err *e)
{
	struct launch l;
	int r;

	launch_init(&l, NULL, name);
	l.remove = remove;
	r = supervise(c, &l, finish, e);
	*ret_unit = l.unit;
	return r;
}
