/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One start, seen from outside. The supervisor (forked by `jail start`, or jail-monitor that
 * executed us again for a restart) sets everything up, and at the end becomes jail-monitor by
 * execve, keeping pid, lock and pipes.
 *
 *   prepare      run directory, socket, port leases, compiled filter, cgroup with its limits, host
 * side of the network clone        one clone3: all namespaces, born in the cgroup, held by pidfd
 *   build        id maps, mounts (sent to the child), veth into its network namespace
 *   go           hooks, then the child executes; its failure comes back as an error object
 *   monitor      state.json, report to the command, execve of jail-monitor
 *
 * What is changed outside the process is on one rollback stack; a failure at any step leaves
 * nothing behind. If the supervisor is killed, the kernel ends the child (PR_SET_PDEATHSIG) and
 * frees the lock; the rest is what reconcile_locked() removes.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/rollback.h"
#include "base/sys.h"
#include "namespaces/clone.h"
#include "namespaces/mountfd.h"
#include "runtime/child.h"
#include "runtime/disk.h"
#include "runtime/events.h"
#include "runtime/generated.h"
#include "runtime/init_proto.h"
#include "runtime/launch_priv.h"
#include "runtime/log.h"
#include "runtime/notify.h"
#include "runtime/process.h"
#include "runtime/systemd.h"

#define KILL_WAIT_MS 10000

static void undo_cgroup(void *arg)
{
	struct start *s = arg;
	struct err ignored = ERR_INIT;
	const struct cgroup_tree *tree = instance_tree(s->l->j, &s->l->name, &ignored);

	if (tree)
		(void)cgroup_destroy(tree, &s->l->name, 10000, &ignored);
}

static void undo_child(void *arg)
{
	struct start *s = arg;

	struct pollfd p = { .fd = s->pidfd, .events = POLLIN };
	int r;

	(void)sys_pidfd_send_signal(s->pidfd, SIGKILL);
	do
		r = s->l->hand_over ? poll(&p, 1, KILL_WAIT_MS) : waitpid(s->pid, NULL, 0);
	while (r < 0 && errno == EINTR);
}

static void undo_run_dir(void *arg)
{
	struct start *s = arg;

	run_dir_remove(s->l->j, &s->l->name);
}

static void undo_reservation(void *arg)
{
	struct start *s = arg;

	exit_record_unreserve(s->l->dir);
}

static int listen_socket(int run, struct err *e)
{
	CLEANUP_FD int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (sock < 0)
		return err_sys(e, "socket");
	(void)str_format(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/attach.sock", run);
	if (unlinkat(run, "attach.sock", 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove a stale attach.sock");
	if (bind(sock, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(sock, 64) < 0)
		return err_sys(e, "make attach.sock");
	return TAKE_FD(sock);
}

static int prepare(struct start *s, struct err *e)
{
	struct launch *l = s->l;
	const struct jail_spec *spec = &l->spec;
	const struct cgroup_tree *tree;
	int r;

	if (l->run < 0) {
		l->run = run_dir_open(l->j, &l->name, true, e);
		if (l->run < 0)
			return l->run;
		/* At a restart it stays: it is the sign that all has to be torn down. */
		rollback_push(&s->undo, undo_run_dir, s);
	}
	if (l->listen < 0) {
		l->listen = listen_socket(l->run, e);
		if (l->listen < 0)
			return l->listen;
	}
	if (spec_notifies(spec)) {
		s->notify = notify_listen(l->run, e);
		if (s->notify < 0)
			return s->notify;
	}
	if ((r = log_check(l->dir, e)) < 0 || (r = launch_network_lease(s, e)) < 0 ||
	    (r = process_raise_limits(spec, e)) < 0 ||
	    (r = process_filter(l->j, spec, &s->filter, e)) < 0)
		return r;
	tree = instance_tree(l->j, &l->name, e);
	if (!tree)
		return err_wrap(e, "cgroup");
	r = cgroup_create(tree, &l->name, &spec->limits, &s->cgroup, e);
	if (r < 0)
		return r;
	rollback_push(&s->undo, undo_cgroup, s);
	/* Row 31: before anything is in it. */
	r = devices_filter(tree, &l->name, spec, &s->storage->devices, e);
	if (r < 0)
		return r;
	if (spec_owns_cgroups(spec)) {
		r = cgroup_delegate(tree, &l->name, l->meta.ids.first, l->meta.ids.first, e);
		if (r < 0)
			return r;
	}
	r = launch_network_ensure(s, e);
	if (r < 0)
		return r;
	if (spec->mode == SPEC_MODE_SYSTEM)
		return 0;
	return init_program_open(l->j, &s->init_program, e);
}

static int clone_child(struct start *s, struct err *e)
{
	const struct jail_spec *spec = &s->l->spec;
	struct ns_clone c = {
		.namespaces = process_namespaces(spec),
		.cgroup_fd = s->cgroup,
		.owner_uid = s->l->meta.ids.count ? s->l->meta.ids.first : 0,
		.sibling = s->l->hand_over,
	};
	CLEANUP_FD int theirs = -EBADF;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	s->sock = pair[0];
	theirs = pair[1];
	s->pid = launch_network_clone(s, &c, e);
	if (s->pid < 0)
		return s->pid;
	if (s->pid == 0) {
		struct child_setup setup = {
			.spec = spec,
			.root = &s->root,
			.filter = &s->filter,
			.provision = &s->storage->provision,
			.hostname = spec->hostname,
			.sock = theirs,
			.init_program = s->init_program,
			.rows = s->l->rows,
			.columns = s->l->columns,
			.inherit_output = s->l->hand_over,
			.private_user = c.namespaces & CLONE_NEWUSER,
			.lock_mounts = child_locks_mounts(spec),
			.init_env = spec->mode == SPEC_MODE_SYSTEM ? s->storage->parts.env : NULL,
		};

		fd_reset(&s->sock);
		child_main(&setup);
	}
	rollback_push(&s->undo, undo_child, s);
	return 0;
}

static int tell(struct start *s, char what, struct err *e)
{
	if (send(s->sock, &what, 1, MSG_NOSIGNAL) == 1)
		return 0;
	return err_sys(e, "the instance's first process has ended");
}

static int set_oom_score(struct start *s, struct err *e)
{
	const struct jail_spec *spec = &s->l->spec;
	CLEANUP_FD int proc = -EBADF;
	char path[64];
	int r;

	if (!spec->process.has_oom_score_adj)
		return 0;
	(void)str_format(path, sizeof(path), "/proc/%d", s->pid);
	proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return err_sys(e, "open %s", path);
	r = creds_set_oom_score_adj(proc, spec->process.oom_score_adj, e);
	return r < 0 ? err_wrap(e, "process.oomScoreAdj") : 0;
}

/* One message of the child. Return: 1 got stdio, 2 ready, 0 end of file, negative: its error. */
static int child_says(struct start *s, struct err *e)
{
	struct child_message m;
	union {
		struct child_message m;
		struct init_report r;
	} u;
	int fds[3] = { -EBADF, -EBADF, -EBADF };
	size_t n_fds = ARRAY_SIZE(fds);
	ssize_t n = fd_recv(s->sock, &u, sizeof(u), fds, &n_fds);

	if (n == 0)
		return 0;
	if (n < 0)
		return err_ret(e, (int)n, "hear from the instance's first process");
	if (n == sizeof(u.r) && u.r.magic == INIT_REPORT_MAGIC) {
		u.r.what[sizeof(u.r.what) - 1] = '\0';
		s->exec_failed = true;
		errno = u.r.code;
		return err_sys(e, "%s", u.r.what);
	}
	m = u.m;
	if (n == sizeof(m.type) && m.type == CHILD_STDIO) {
		memcpy(s->stdio, fds, sizeof(fds));
		return 1;
	}
	if (n == sizeof(m.type) && m.type == CHILD_READY && n_fds == 0)
		return 2;
	for (size_t i = 0; i < n_fds; i++)
		fd_reset(&fds[i]);
	if (n != sizeof(m) || m.type != CHILD_ERROR || m.error.code <= 0)
		return err_set(e, EPROTO, "the instance's first process sent a damaged message");
	m.error.text[sizeof(m.error.text) - 1] = m.error.hint[sizeof(m.error.hint) - 1] = '\0';
	*e = m.error;
	return -e->code;
}

static int build(struct start *s, struct err *e)
{
	struct rootfs_kit kit = { .n = 0 };
	struct launch *l = s->l;
	int r;

	if (l->meta.ids.count) {
		r = idmap_write(s->pid, &l->meta.ids, e);
		if (r < 0)
			return err_wrap(e, "id map");
	}
	r = tell(s, CHILD_MAPPED, e);
	if (r < 0)
		return r;
	if (child_locks_mounts(&l->spec)) {
		r = child_says(s, e);
		if (r <= 0)
			return r < 0 ? r : err_set(e, ECHILD, "the instance's first process ended");
	}
	r = rootfs_build(&s->root, s->pidfd, &kit, e);
	if (r < 0)
		return err_wrap(e, "root file system");
	root_note_device(s, kit.fds[0]);
	r = rootfs_kit_send(s->sock, &kit, e);
	rootfs_kit_close(&kit);
	if (r < 0)
		return r;
	/* The child mounts and pivots while we talk to netlink. */
	r = launch_network_attach(s, e);
	return r < 0 ? r : set_oom_score(s, e);
}

static int go(struct start *s, struct err *e)
{
	int r = child_says(s, e);

	if (r == 0)
		return err_set(e, ECHILD, "the instance's first process ended during set-up");
	if (r < 0)
		return r;
	r = instance_disk_hold(&s->l->spec, s->l->dir, e);
	if (r < 0)
		return r;
	r = run_hooks(s->l, "prestart", s->l->spec.hooks.prestart, s->l->spec.hooks.n_prestart,
		      s->pid, e);
	if (r < 0)
		return r;
	r = exit_record_reserve(s->l->dir, e);
	if (r < 0)
		return r;
	rollback_push(&s->undo, undo_reservation, s);
	r = provision_done(&s->storage->provision, s->l->dir, e);
	if (r < 0)
		return r;
	r = tell(s, CHILD_GO, e);
	if (r < 0)
		return r;
	r = child_says(s, e);
	if (r > 0)
		return err_set(e, EPROTO, "the instance's first process spoke out of turn");
	return r;
}

static int write_state(struct start *s, struct err *e)
{
	struct run_state state = {
		.pid = s->pid,
		.monitor_pid = s->l->hand_over ? getppid() : getpid(),
		.started_ms = clock_wall_ms(),
		.started_boot_ms = clock_boot_ms(),
		.root_device = s->root_device,
		.has_net = s->has_net,
		.terminal = s->l->spec.process.terminal,
		.remove = s->l->remove,
		.restarts = s->l->retries,
	};

	/* Not in the initializer, where gcc 12 copies three bytes of it. */
	state.net = s->net;
	s->started_boot_ms = state.started_boot_ms;
	return run_state_write(s->l->run, &state, e);
}

static int start_once(struct start *s, struct err *e)
{
	int r;

	if ((r = launch_network_plan(s, e)) < 0 || (r = root_spec_make(s, e)) < 0 ||
	    (r = prepare(s, e)) < 0 || (r = clone_child(s, e)) < 0 || (r = build(s, e)) < 0)
		goto out;
	/* It loads a library, which must not be in what becomes the instance. */
	if (s->l->unit && s->l->spec.restart.policy != SPEC_RESTART_NO)
		s->l->retries = systemd_restarts(s->l->j, &s->l->name);
	r = go(s, e);
	if (r >= 0)
		r = write_state(s, e);
out:
	/* A dead child's own words say more than our failed send or half-made veth. It has sent
	 * them before it died, so what was caused by its death finds them there. */
	if (r < 0 && s->sock >= 0 && s->pid > 0 && !s->exec_failed) {
		struct err words = ERR_INIT;
		int said;

		do
			said = child_has_words(s) ? child_says(s, &words) : 0;
		while (said > 0);
		if (said < 0)
			*e = words;
	}
	return r;
}

/* Its stderr may be nobody's: the warning goes with the report. */
static void record_start(struct start *s)
{
	const struct event_detail d = { .pid = s->pid, .restarts = s->l->retries };

	if (event_try(s->l->j, EVENT_STARTED, &s->l->name, &d, &s->l->warning) < 0) {
		(void)err_wrap(&s->l->warning, "the event \"started\" is not on record");
		warn("%s: %s", s->l->name.s, s->l->warning.text);
	}
}

static void record_failure(struct start *s)
{
	event_record(s->l->j, EVENT_EXITED, &s->l->name,
		     &(struct event_detail){ .status = 125, .reason = "failed" });
}

int launch_run(struct launch *l, bool *ret_exec_failed, struct err *e)
{
	struct start s = START_INIT(l);
	int r = start_once(&s, e);

	*ret_exec_failed = s.exec_failed;
	if (r >= 0) {
		record_start(&s);
		r = l->hand_over ? unit_hand_over(&s, e) : become_monitor(&s, e);
		if (r < 0)
			record_failure(&s);
	}
	rollback_run(&s.undo);
	start_free(&s);
	return r;
}
