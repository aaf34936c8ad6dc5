/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec: one more process in a container, with what its configuration gives unless the caller says
 * otherwise.
 *
 * A helper is born in the container's cgroup, closes what it must not bring along, joins the
 * namespaces, drops what rights the program will not have, and forks the process, which is then
 * our own child (CLONE_PARENT) and in the pid namespace. So whoever looks from inside never sees a
 * process that holds something of the host's (rows 1 to 3; CVE-2016-9962).
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/sys.h"
#include "namespaces/procfd.h"
#include "namespaces/rootfs.h"
#include "runtime/oci/exec_priv.h"

static int open_pty(struct oci_exec_job *job, struct err *e)
{
	CLEANUP_FD int master = -EBADF, peer = -EBADF;
	int r = rootfs_open_pty(&master, &peer, e);

	return r < 0 ? err_wrap(e, "terminal")
		     : oci_adopt_console(&job->process, master, peer, job->console, job->show >= 0,
					 e);
}

static int program_run(struct oci_exec_job *job, int sock, struct err *e)
{
	struct oci_program p = { .process = &job->process, .filter = &job->filter };
	CLEANUP_FD int proc = -EBADF;
	int keep[] = { sock, job->rt->log, job->notify, -EBADF };
	pid_t pid;
	int r;

	if (setsid() < 0)
		return err_sys(e, "setsid");
	r = job->process.terminal ? open_pty(job, e) : oci_own_stdio(&job->process, e);
	if (r < 0)
		return r;
	fd_reset(&job->console);
	if ((r = oci_program_prepare(&p, false, e)) < 0 || (r = oci_program_find(&p, e)) < 0)
		return r;
	oci_program_policy(&p, &job->config);
	p.scheduling.has_affinity = job->process.cpu_affinity_final != NULL;
	p.scheduling.affinity = job->process.cpu_affinity_final;
	if (job->process.apparmor_profile || job->process.selinux_label) {
		proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (proc < 0)
			return err_sys(e, "open /proc/self of the container");
		keep[3] = proc;
	}
	if ((r = oci_close_others(job->o->io.preserve_fds, keep, ARRAY_SIZE(keep), e)) < 0 ||
	    (r = oci_await(sock, OCI_TELL_START, &pid, e)) < 0 ||
	    (r = oci_keep_fds(job->o->io.preserve_fds, e)) < 0 ||
	    (r = oci_notify_begin(job->notify, &job->config, &job->state, &job->id, job->status,
				  pid, &p, e)) < 0)
		return r;
	return oci_program_execute(&p, proc, e);
}

static void NORETURN program_main(struct oci_exec_job *job, int sock)
{
	struct err e = ERR_INIT;

	(void)prctl(PR_SET_DUMPABLE, 0);
	sys_signals_default();
	(void)program_run(job, sock, &e);
	oci_say_error(sock, &e);
	_exit(OCI_EXEC_FAILED);
}

static int helper_run(struct oci_exec_job *job, int sock, struct oci_exec_born *born,
		      int *ret_pidfd, struct err *e)
{
	struct clone_args c = {
		.flags = CLONE_PIDFD | CLONE_PARENT,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
	};
	const struct creds rights = {
		.sets = &job->process.capabilities,
		.no_new_privileges = job->process.no_new_privileges,
		.filter = job->filter.filter,
		.n_filter = job->filter.n,
	};
	const struct creds_scheduling initial = {
		.has_affinity = job->process.cpu_affinity_initial != NULL,
		.affinity = job->process.cpu_affinity_initial,
	};
	int keep[] = { sock, job->target, job->console, job->notify, job->rt->log };
	int r;

	if ((r = creds_set_scheduling(0, &initial, e)) < 0)
		return err_wrap(e, "process.execCPUAffinity.initial");
	if ((r = oci_close_others(job->o->io.preserve_fds, keep, ARRAY_SIZE(keep), e)) < 0 ||
	    (r = ns_join(job->target, job->namespaces, e)) < 0)
		return r;
	fd_reset(&job->target);
	r = creds_narrow(&rights, e);
	if (r < 0)
		return r;
	born->pid = sys_clone3(&c);
	if (born->pid < 0)
		return err_sys(e, "fork into the container");
	if (born->pid == 0)
		program_main(job, sock);
	return 0;
}

static void NORETURN helper_main(struct oci_exec_job *job, int sock)
{
	struct oci_exec_born born = { .type = OCI_EXEC_BORN };
	struct err e = ERR_INIT;
	int pidfd = -EBADF;

	(void)prctl(PR_SET_DUMPABLE, 0);
	if (helper_run(job, sock, &born, &pidfd, &e) < 0)
		oci_say_error(sock, &e);
	else
		(void)fd_send(sock, &born, sizeof(born), &pidfd, 1);
	_exit(0);
}

/* Return: pid of the helper. */
static pid_t spawn_helper(struct oci_exec_job *job, int sock, int *ret_pidfd, struct err *e)
{
	struct clone_args c = {
		.flags = CLONE_INTO_CGROUP | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)job->cgroup,
	};
	pid_t pid = sys_clone3(&c);

	if (pid < 0 && errno == EBUSY && !job->o->cgroup) {
		/* The container hands controllers down, so its own cgroup takes no processes. */
		fd_reset(&job->cgroup);
		job->cgroup = oci_cgroup_open_of(&job->state.cgroup, job->state.pid, e);
		if (job->cgroup < 0)
			return job->cgroup;
		c.cgroup = (uint64_t)job->cgroup;
		pid = sys_clone3(&c);
	}
	if (pid < 0)
		return err_sys(e, "fork into the container's cgroup");
	if (pid == 0)
		helper_main(job, sock);
	return pid;
}

/* Until there is a message, or the helper has ended: killed after it had made the process it says
 * nothing, and the process has the other end of the socket too. It goes when we close ours. */
static void await_helper(const struct oci_exec_job *job, int helper)
{
	struct pollfd p[] = { { .fd = job->sock, .events = POLLIN },
			      { .fd = helper, .events = POLLIN } };

	while (poll(p, ARRAY_SIZE(p), -1) < 0 && errno == EINTR)
		;
}

/* The process, or why there is none. */
static int hear_born(struct oci_exec_job *job, int helper, struct err *e)
{
	union {
		struct oci_exec_born born;
		struct oci_message m;
	} u;
	struct pollfd said = { .fd = job->sock, .events = POLLIN };
	size_t n_fds = 1;
	ssize_t n;

	await_helper(job, helper);
	/* What it had to say is there when it ends. */
	if (poll(&said, 1, 0) <= 0)
		return err_set(e, ECHILD,
			       "the helper of exec was killed, perhaps for want of memory in its "
			       "cgroup");
	n = fd_recv(job->sock, &u, sizeof(u), &job->pidfd, &n_fds);

	if (n == (ssize_t)sizeof(u.born) && u.born.type == OCI_EXEC_BORN && n_fds == 1) {
		job->pid = u.born.pid;
		return 0;
	}
	if (n_fds)
		fd_reset(&job->pidfd);
	if (n != (ssize_t)sizeof(u.m) || u.m.type != OCI_SAYS_ERROR || u.m.error.code <= 0)
		return err_set(e, ECHILD, "the helper of exec ended early");
	*e = u.m.error;
	return -e->code;
}

static int make_process(struct oci_exec_job *job, struct err *e)
{
	CLEANUP_FD int theirs = -EBADF, pidfd = -EBADF;
	struct err ignored = ERR_INIT, score = ERR_INIT;
	int pair[2], r;
	pid_t helper;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	job->sock = pair[0];
	theirs = pair[1];
	helper = spawn_helper(job, theirs, &pidfd, e);
	if (helper < 0)
		return (int)helper;
	fd_reset(&theirs);
	r = hear_born(job, pidfd, e);
	while (waitpid(helper, NULL, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return r;
	/* If it has ended by now it has said why, and limits that are refused it will find itself.
	 */
	(void)creds_set_listed_rlimits(job->pid, job->process.rlimits, job->process.n_rlimits,
				       &ignored);
	if (oci_set_oom_score(job->pid, &job->process, &score) < 0)
		warn("%s", score.text);
	(void)oci_tell(job->sock, OCI_TELL_START, job->pid, &ignored);
	return 0;
}

static int wait_program(struct oci_exec_job *job, int *ret_status, struct err *e)
{
	const struct oci_io *io = &job->o->io;
	CLEANUP_FD int sock = -EBADF;
	int r;

	r = oci_hear(job->sock, e);
	if (r < 0) {
		while (waitpid(job->pid, NULL, 0) < 0 && errno == EINTR)
			;
		return r;
	}
	if (io->pid_file && (r = oci_write_pid_file(io->pid_file, job->pid, e)) < 0)
		return r;
	if (io->pidfd_socket) {
		sock = oci_connect(io->pidfd_socket, e);
		if (sock < 0 || oci_send_fd(sock, job->pidfd, "pidfd", e) < 0)
			return err_wrap(e, "--pidfd-socket");
	}
	if (io->detach)
		return 0;
	if ((r = oci_take_console(job->show, &job->master, e)) < 0)
		return r;
	return oci_follow(job->pid, job->pidfd, job->master, ret_status, e);
}

int oci_exec(const struct oci_runtime *rt, const struct oci_id *id,
	     const struct oci_exec_options *o, int *ret_status, struct err *e)
{
	struct oci_exec_job job;
	int r;

	*ret_status = 0;
	r = oci_exec_open(rt, id, o, &job, e);
	if (r >= 0)
		r = make_process(&job, e);
	if (r >= 0)
		r = wait_program(&job, ret_status, e);
	oci_exec_free(&job);
	return r;
}
