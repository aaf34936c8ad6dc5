/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One create, seen from outside:
 *
 *   prepare   bundle and configuration, ROOT/ID with the copy of it, cgroup, filter, sockets, and
 *             everything that mounts come from, as fds (create_parts.c)
 *   clone     one clone3: all namespaces, born in the cgroup, held by pidfd
 *   outfit    id maps, systemd's scope, network devices, limits that only we may raise
 *   hooks     prestart, createRuntime, while the process waits with its mounts made
 *   created   the process is stripped and waits; state.json, pid file
 *
 * What is changed outside is on one rollback stack. If we are killed, the kernel ends the process
 * (PR_SET_PDEATHSIG), and what is on record without a process `delete` removes.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/sys.h"
#include "namespaces/procfd.h"
#include "netsetup/netdev.h"
#include "runtime/oci/create_priv.h"

static void undo_child(void *arg)
{
	struct oci_launch *l = arg;

	(void)sys_pidfd_send_signal(l->pidfd, SIGKILL);
	while (waitpid(l->state.pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int clone_child(struct oci_launch *l, struct err *e)
{
	struct oci_namespaces ns;
	const struct oci_time_offset *m = &l->config.monotonic, *b = &l->config.boottime;
	const struct ns_time_offset monotonic = { m->seconds, m->nanoseconds };
	const struct ns_time_offset boottime = { b->seconds, b->nanoseconds };
	struct ns_clone c = { .cgroup_fd = l->cgroup };
	CLEANUP_FD int theirs = -EBADF;
	int pair[2], r = oci_namespaces_open(&l->config, &ns, e);
	pid_t pid;

	if (r < 0)
		goto out;
	c.namespaces = ns.fresh;
	/* With systemd the cgroup comes later, and so does the namespace of it. */
	if (l->state.cgroup.systemd)
		c.namespaces &= ~(uint64_t)CLONE_NEWCGROUP;
	c.monotonic = &monotonic;
	c.boottime = &boottime;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		r = err_sys(e, "socketpair");
		goto out;
	}
	l->sock = pair[0];
	theirs = pair[1];
	pid = ns_clone_joined(&c, ns.joined, ns.n_joined, &l->pidfd, e);
	if (pid == 0) {
		oci_namespaces_close(&ns);
		fd_reset(&l->sock);
		oci_init_main(l, theirs);
	}
	r = pid < 0 ? (int)pid : 0;
	if (pid > 0) {
		l->state.pid = pid;
		rollback_push(&l->undo, undo_child, l);
		r = oci_start_ticks(pid, &l->state.start_ticks);
		if (r < 0)
			err_ret(e, r, "look at the container's process");
	}
out:
	oci_namespaces_close(&ns);
	return r;
}

/* A process in a user namespace can't raise its hard limits, or lower its score. */
static int set_limits(const struct oci_launch *l, struct err *e)
{
	const struct oci_process *p = &l->config.process;

	if (creds_set_listed_rlimits(l->state.pid, p->rlimits, p->n_rlimits, e) < 0)
		return err_wrap(e, "process.rlimits");
	return oci_set_oom_score(l->state.pid, p, e);
}

static int move_devices(const struct oci_launch *l, struct err *e)
{
	const struct oci_config *c = &l->config;
	CLEANUP_FD int netns = -EBADF;
	char path[32];

	if (c->n_net_devices == 0)
		return 0;
	(void)str_format(path, sizeof(path), "%d/ns/net", (int)l->state.pid);
	netns = procfd_open(path, O_RDONLY);
	if (netns < 0)
		return err_ret(e, netns, "open the network namespace");
	for (size_t i = 0; i < c->n_net_devices; i++) {
		const struct oci_net_device *d = &c->net_devices[i];

		if (netdev_move(d->name, d->new_name, netns, e) < 0)
			return err_wrap(e, "linux.netDevices.%s", d->name);
	}
	return 0;
}

static int outfit(struct oci_launch *l, struct err *e)
{
	const struct oci_namespace *user = oci_namespace_find(&l->config, CLONE_NEWUSER);
	int r;

	if (user && !user->path) {
		r = id_mappings_write(l->state.pid, &l->config.bundle.maps, e);
		if (r < 0)
			return err_wrap(e, "linux.uidMappings");
	}
	if (l->state.cgroup.systemd && (r = oci_launch_scope(l, e)) < 0)
		return r;
	if ((r = move_devices(l, e)) < 0 || (r = set_limits(l, e)) < 0)
		return r;
	return oci_tell(l->sock, OCI_TELL_MAPPED, l->state.pid, e);
}

static int run_hooks(struct oci_launch *l, struct err *e)
{
	static const enum oci_hook which[] = { OCI_HOOK_PRESTART, OCI_HOOK_CREATE_RUNTIME };

	/* From now on a failure is an end that poststop hooks hear of. */
	l->hooked = true;
	for (size_t i = 0; i < ARRAY_SIZE(which); i++) {
		int r = oci_hooks(&l->config, which[i], &l->state, &l->id, OCI_CREATING, e);

		if (r < 0)
			return r;
	}
	return oci_tell(l->sock, OCI_TELL_HOOKED, 0, e);
}

/* Until the process says "created". */
static int await_created(struct oci_launch *l, struct err *e)
{
	for (;;) {
		int r = oci_hear(l->sock, e);

		if (r == OCI_SAYS_CREATED || r < 0)
			return r;
		if (r == 0)
			return err_set(
				e, ECHILD,
				"the container's process ended during set-up: killed, perhaps "
				"for want of memory in its cgroup");
		r = run_hooks(l, e);
		if (r < 0)
			return r;
	}
}

static int send_pidfd(const struct oci_launch *l, const char *path, struct err *e)
{
	CLEANUP_FD int sock = -EBADF;

	if (!path)
		return 0;
	sock = oci_connect(path, e);
	if (sock < 0 || oci_send_fd(sock, l->pidfd, "pidfd", e) < 0)
		return err_wrap(e, "pidfd receiver");
	return 0;
}

static int finish(struct oci_launch *l, struct err *e)
{
	const struct oci_io *io = &l->o->io;
	const char *receiver = oci_map_get(&l->config.annotations, "run.oci.pidfd_receiver");
	int r = oci_state_write(l->dir, &l->state, e);

	if (r < 0)
		return r;
	if (io->pid_file && (r = oci_write_pid_file(io->pid_file, l->state.pid, e)) < 0)
		return r;
	r = send_pidfd(l, io->pidfd_socket, e);
	return r < 0 ? r : send_pidfd(l, receiver, e);
}

/* The process's own words say more than what its death made fail here. */
static void prefer_words(struct oci_launch *l, struct err *e)
{
	struct err words = ERR_INIT;
	int r;

	if (l->sock < 0 || !oci_has_ended(l->pidfd))
		return;
	do
		r = oci_hear(l->sock, &words);
	while (r > 0);
	if (r < 0)
		*e = words;
}

/* Return: with everything in *l; on failure all is undone. */
static int launch(struct oci_launch *l, struct err *e)
{
	int r;

	if ((r = oci_launch_prepare(l, e)) < 0 || (r = clone_child(l, e)) < 0)
		return r;
	/* What is the child's now. */
	fd_reset(&l->listen);
	fd_reset(&l->console);
	fd_reset(&l->notify);
	bundle_kit_close(&l->kit);
	r = outfit(l, e);
	if (r >= 0)
		r = await_created(l, e);
	if (r < 0)
		prefer_words(l, e);
	return r < 0 ? -e->code : finish(l, e);
}

int oci_create(const struct oci_runtime *rt, const struct oci_id *id,
	       const struct oci_create_options *o, struct err *e)
{
	struct oci_launch l = OCI_LAUNCH_INIT(rt, o, id);
	int r;

	l.detach = true;
	r = launch(&l, e);
	if (r >= 0)
		rollback_commit(&l.undo);
	rollback_run(&l.undo);
	oci_launch_free(&l);
	return r < 0 ? r : 0;
}

/* The program runs when the socket closes without a word. */
static int start_now(struct oci_launch *l, struct err *e)
{
	int r = oci_tell(l->sock, OCI_TELL_START, 0, e);

	if (r < 0 || (r = oci_hear(l->sock, e)) < 0)
		return -e->code;
	return oci_hooks(&l->config, OCI_HOOK_POSTSTART, &l->state, &l->id, OCI_RUNNING, e);
}

int oci_run(const struct oci_runtime *rt, const struct oci_id *id,
	    const struct oci_create_options *o, int *ret_status, struct err *e)
{
	struct oci_launch l = OCI_LAUNCH_INIT(rt, o, id);
	struct err end = ERR_INIT;
	int r;

	l.start = true;
	l.detach = o->io.detach;
	*ret_status = 0;
	if ((r = launch(&l, e)) < 0 || (r = oci_take_console(l.show, &l.master, e)) < 0 ||
	    (r = start_now(&l, e)) < 0)
		goto out;
	rollback_commit(&l.undo);
	fd_reset(&l.lock);
	if (l.detach)
		goto out;
	r = oci_follow(l.state.pid, l.pidfd, l.master, ret_status, e);
	if (!o->keep && oci_delete(rt, id, true, &end) < 0)
		warn("%s", end.text);
out:
	rollback_run(&l.undo);
	oci_launch_free(&l);
	return r < 0 ? r : 0;
}
