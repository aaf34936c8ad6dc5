/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the unit jail@NAME.service executes.
 *
 *   ExecStart     unit_start()  the launcher, in the unit's cgroup. The init is born as its
 * sibling, a child of systemd, and takes its place as main process; then the launcher exits. With a
 * console it becomes jail-monitor instead. ExecStop      unit_stop()   in stop.c: the spec's signal
 * and time-out ExecStopPost  unit_post()   however it ended: exit record, teardown
 *
 * If the launcher is killed, the unit fails: systemd kills what is in its cgroup and executes
 * ExecStopPost. If that is killed too, the unit's cgroup is gone all the same, and the next command
 * cleans up as after any supervisor that was killed.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/lock.h"
#include "base/num.h"
#include "base/path.h"
#include "runtime/events.h"
#include "runtime/launch_priv.h"
#include "runtime/systemd.h"
#include "runtime/unit.h"

#define NOTIFY_WAIT_MS 90000
#define START_LOCK_MS 30000
#define POST_LOCK_MS 60000

static char *notify_socket;

/* Out of the environment, so that no hook gets it. Return: a copy or NULL. */
static char *take_variable(const char *name)
{
	const char *value = getenv(name);
	char *copy = value ? strdup(value) : NULL;

	(void)unsetenv(name);
	return copy;
}

/* Connected to $NOTIFY_SOCKET. */
int unit_notify_socket(int *ret, struct err *e)
{
	const char *path = notify_socket;
	CLEANUP_FD int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;

	if (n < 2 || n >= sizeof(a.sun_path) || (path[0] != '/' && path[0] != '@')) {
		err_set(e, EINVAL, "NOTIFY_SOCKET is missing: systemd has not started this");
		return err_hint(e, "systemctl start jail@NAME");
	}
	if (sock < 0)
		return err_sys(e, "socket");
	memcpy(a.sun_path, path, n);
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	if (connect(sock, (struct sockaddr *)&a,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		return err_sys(e, "connect to %s", path);
	*ret = TAKE_FD(sock);
	return 0;
}

/* A datagram to $NOTIFY_SOCKET, with an fd. */
static int notify_send(const char *text, int fd, struct err *e)
{
	CLEANUP_FD int sock = -EBADF;
	int r = unit_notify_socket(&sock, e);

	if (r < 0)
		return r;
	if (fd_send(sock, text, strlen(text), &fd, fd >= 0 ? 1 : 0) < 0)
		return err_sys(e, "tell systemd");
	return 0;
}

/* systemd closes the fd of BARRIER=1 when it has taken everything before. We must not end before,
 * since it finds our unit by our pid. */
int unit_notify(const char *fields, struct err *e)
{
	CLEANUP_FD int theirs = -EBADF, ours = -EBADF;
	struct pollfd p = { .events = 0 };
	int pair[2], r = notify_send(fields, -EBADF, e);

	if (r < 0)
		return r;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	p.fd = ours = pair[0];
	theirs = pair[1];
	r = notify_send("BARRIER=1", theirs, e);
	if (r < 0)
		return r;
	fd_reset(&theirs);
	do
		r = poll(&p, 1, NOTIFY_WAIT_MS);
	while (r < 0 && errno == EINTR);
	return r > 0 ? 0 : err_set(e, ETIMEDOUT, "systemd does not answer");
}

int unit_hand_over(struct start *s, struct err *e)
{
	char fields[64];
	int r;

	(void)str_format(fields, sizeof(fields), "MAINPID=%d\nREADY=1\n", s->pid);
	r = unit_notify(fields, e);
	if (r < 0)
		return r;
	rollback_commit(&s->undo);
	systemd_register_machine(s->l, s->pid, s->has_net ? s->net.v[0].host_interface : "");
	return 0;
}

/* The file of an earlier run in this very cgroup, whose ExecStopPost was killed. */
static bool is_own_leftover(const struct launch *l, const struct cgroup_place *self)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int run = run_dir_open(l->j, &l->name, false, &ignored);
	struct cgroup_place old;

	return run >= 0 && unit_place_read(run, &old, &ignored) >= 0 && old.inode == self->inode;
}

/* What is left of an earlier run goes; one that is up, in whatever way, is an error. */
static int claim(struct launch *l, const struct cgroup_place *self, struct err *e)
{
	l->lock = is_own_leftover(l, self)
			  ? instance_lock_unit(l->j, &l->name, START_LOCK_MS, &l->dir, e)
			  : instance_lock_down(l->j, &l->name, &l->dir, e);
	if (l->lock == -EALREADY)
		return err_hint(e, "it was not started by its unit: jail stop %s", l->name.s);
	return l->lock < 0 ? l->lock : reconcile_locked(l->j, &l->name, l->dir, e);
}

/* The unit's cgroup becomes the instance's tree, with us in a leaf of it. */
static int enter_place(struct launch *l, const struct cgroup_place *self, struct err *e)
{
	struct cgroup_tree tree;
	int r;

	l->run = run_dir_open(l->j, &l->name, true, e);
	if (l->run < 0)
		return l->run;
	r = unit_place_write(l->run, self, e);
	if (r < 0)
		return r;
	r = cgroup_place_open(self, &tree, e);
	if (r < 0)
		return r;
	r = cgroup_place_enter(&tree, e);
	cgroup_tree_close(&tree);
	return r;
}

static int start_in(struct launch *l, const struct cgroup_place *self, bool *ret_exec_failed,
		    struct err *e)
{
	struct err ignored = ERR_INIT;
	int r;

	if ((r = launch_load(l, e)) < 0)
		return r;
	l->unit = l->notify = true;
	l->hand_over = l->spec.mode == SPEC_MODE_APP && !l->spec.process.terminal &&
		       !l->spec.process.stdin_open && !spec_notifies(&l->spec);
	if (l->hand_over)
		(void)close(openat(l->dir, UNIT_JOURNAL,
				   O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
	r = enter_place(l, self, e);
	if (r >= 0)
		r = launch_run(l, ret_exec_failed, e);
	if (r < 0)
		(void)teardown(l->j, &l->name, l->dir, &ignored);
	return r;
}

bool instance_has_journal(struct jail *j, const struct jail_name *name, uint64_t *ret_created_ms)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int dir = instance_open_dir(j, name, &ignored);
	struct meta meta;

	if (dir < 0 || faccessat(dir, UNIT_JOURNAL, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	*ret_created_ms = meta_read(dir, &meta, &ignored) >= 0 ? meta.created_ms : 0;
	return true;
}

int unit_start(struct jail *j, const struct jail_name *name, struct err *e)
{
	struct launch_report report = { 0 };
	struct cgroup_place self;
	bool exec_failed = false;
	struct launch l;
	int r;

	launch_init(&l, j, name);
	notify_socket = take_variable("NOTIFY_SOCKET");
	r = cgroup_place_self(&self, e);
	if (r >= 0)
		r = claim(&l, &self, e);
	if (r >= 0)
		r = start_in(&l, &self, &exec_failed, e);
	if (r < 0)
		(void)err_wrap(e, "start %s", name->s);
	if (r < 0 && l.lock >= 0) {
		report.exec_failed = exec_failed;
		report.error = *e;
		unit_report_write(l.dir, &report);
	}
	launch_free(&l);
	free(notify_socket);
	notify_socket = NULL;
	return r;
}

void unit_report_write(int dir, const struct launch_report *report)
{
	struct err ignored = ERR_INIT;

	(void)file_write_at(dir, UNIT_REPORT, report, sizeof(*report), 0600, FILE_NOSYNC, &ignored);
}

int unit_report_take(int dir, struct launch_report *ret)
{
	CLEANUP_FREE char *data = NULL;
	struct err ignored = ERR_INIT;
	size_t n;
	int r = file_read_at(dir, UNIT_REPORT, sizeof(*ret), &data, &n, &ignored);

	(void)unlinkat(dir, UNIT_REPORT, 0);
	if (r < 0 || n != sizeof(*ret))
		return -ENOENT;
	memcpy(ret, data, sizeof(*ret));
	ret->error.text[sizeof(ret->error.text) - 1] = '\0';
	ret->error.hint[sizeof(ret->error.hint) - 1] = '\0';
	return ret->error.code > 0 ? 0 : -ENOENT;
}

/* $EXIT_CODE, $EXIT_STATUS (systemd.exec(5)) of the init. */
static void exit_from_environment(struct instance_exit *x)
{
	CLEANUP_FREE char *code = take_variable("EXIT_CODE");
	CLEANUP_FREE char *status = take_variable("EXIT_STATUS");
	struct err ignored = ERR_INIT;
	uint64_t n = 0;
	int signal = 0;

	if (!code || !status)
		return;
	if (str_eq(code, "exited") && num_parse_u64(status, 0, 255, &n, &ignored) >= 0) {
		x->status = (int)n;
		(void)str_format(x->reason, sizeof(x->reason), "exited");
	} else if (spec_set_signal(status, &signal, &ignored) >= 0) {
		x->status = 128 + signal;
		(void)str_format(x->reason, sizeof(x->reason), "signalled");
	}
}

static int post_record(struct jail *j, const struct jail_name *name, int dir, int run,
		       struct err *e)
{
	struct err ignored = ERR_INIT;
	struct instance_exit x;
	struct run_state s;
	int r;

	if (!exit_record_is_due(dir))
		return 0; /* it never ran, or jail-monitor has written it */
	r = exit_record_last(dir, &x, e);
	if (r < 0)
		return r;
	exit_from_environment(&x);
	if (unit_is_stopping(run))
		(void)str_format(x.reason, sizeof(x.reason), "stopped");
	r = run_state_read(run, &s, &ignored);
	if (r >= 0) {
		x.started_ms = s.started_ms;
		x.restarts = s.restarts;
	}
	x.finished_ms = clock_wall_ms();
	event_record(j, EVENT_EXITED, name,
		     &(struct event_detail){ .status = x.status, .reason = x.reason });
	return exit_record_write(dir, &x, r >= 0 ? s.pid : 0, e);
}

/* We are in the cgroup of the unit, or in the leaf of it where systemd puts ExecStopPost. */
static bool is_ours(int run)
{
	struct err ignored = ERR_INIT;
	struct cgroup_place p;
	char self[4096];
	size_t n;

	if (unit_place_read(run, &p, &ignored) < 0 ||
	    cgroup_path_of(getpid(), self, sizeof(self)) < 0)
		return false;
	n = strlen(p.path);
	return str_starts(self, p.path) && (self[n] == '\0' || self[n] == '/');
}

int unit_post(struct jail *j, const struct jail_name *name, struct err *e)
{
	struct err why = ERR_INIT;
	CLEANUP_FD int dir = -EBADF, lock = -EBADF;
	CLEANUP_FD int run = run_dir_open(j, name, false, e);
	int r;

	if (run < 0)
		return run == -ENOENT ? 0 : run;
	/* `jail run` has started it by itself, and our unit has failed for that. */
	if (!is_ours(run))
		return 0;
	lock = instance_lock_unit(j, name, POST_LOCK_MS, &dir, e);
	if (lock < 0)
		return lock == -ENOENT ? 0 : err_wrap(e, "end %s", name->s);
	if (post_record(j, name, dir, run, &why) < 0)
		warn("%s: %s", name->s, why.text);
	r = teardown(j, name, dir, e);
	return r < 0 ? err_wrap(e, "end %s", name->s) : 0;
}
