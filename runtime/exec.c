/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec: one more process in a running instance, with exactly the rights that a start gives
 * (creds_apply is shared).
 *
 * Common case: this process joins the instance's pid namespace for its children and forks once; the
 * child is born in the instance's cgroup, joins the rest by one setns(2), strips its fds (rows 2,
 * 3). With the host's user namespace (where CAP_SYS_PTRACE inside could reach a process that still
 * holds the cgroup's directory, or the host's capabilities) a helper goes first: it is born in the
 * cgroup, drops that fd, joins everything, drops the capabilities that the program will not have,
 * and only then forks into the pid namespace. We ourselves stay outside, move bytes, pass signals
 * on, and take the exit status.
 *
 * Everything that needs the host's file system is done before the join.
 */
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/sys.h"
#include "namespaces/clone.h"
#include "runtime/console.h"
#include "runtime/exec_priv.h"
#include "runtime/init_proto.h"
#include "runtime/process.h"

/* In the new process: fd numbers of the report socket. */
#define EXEC_REPORT_FD 3

static int exec_user(const struct exec_job *job, struct creds_user *ret, struct err *e)
{
	CLEANUP_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *user = job->o->user ? job->o->user : job->spec.process.user;
	int r;

	if (root < 0)
		return err_sys(e, "open / of the instance");
	r = userdb_resolve(root, user ? user : "", job->private_user ? IDMAP_COUNT : UINT32_MAX,
			   ret, e);
	return r < 0 ? err_wrap(e, "user") : 0;
}

/* stdio of the program: pipes, /dev/null, or a pty of the instance whose master goes back to us.
 */
static int exec_stdio(const struct exec_job *job, const struct creds_user *user, int sock,
		      struct err *e)
{
	struct exec_report m = { .type = EXEC_CONSOLE };
	CLEANUP_FD int master = -EBADF, peer = -EBADF;
	int r;

	if (!job->o->tty) {
		for (int i = 0; i < 3; i++)
			if (dup2(job->child_stdio[i], i) < 0 ||
			    (job->ours[i] >= 0 && fchown(i, user->uid, user->gid) < 0))
				return err_sys(e, "arrange stdio");
		return 0;
	}
	r = rootfs_open_pty(&master, &peer, e);
	if (r >= 0)
		r = console_prepare_pty(master, e);
	if (r < 0)
		return err_wrap(e, "terminal");
	if (fchown(peer, user->uid, (gid_t)-1) < 0)
		return err_sys(e, "chown of the terminal");
	/* Before the program can ask; later changes are the client loop's. */
	if (job->size.ws_row && ioctl(master, TIOCSWINSZ, &job->size) < 0)
		return err_sys(e, "size of the terminal");
	r = fd_send(sock, &m, sizeof(m.type), &master, 1);
	if (r < 0)
		return err_ret(e, r, "hand over the terminal");
	for (int i = 0; i < 3; i++)
		if (dup2(peer, i) < 0)
			return err_sys(e, "arrange stdio");
	return 0;
}

/* PATH search by the environment that the program will get, as execvp does. */
static int exec_program(const struct exec_job *job, const struct strv *env, struct exec_report *m)
{
	char *const *args = (char *const *)(uintptr_t)job->o->args;

	environ = env->v;
	(void)execvpe(args[0], args, env->v);
	m->type = EXEC_FAILED;
	return err_sys(&m->error, "exec %s", args[0]);
}

static int exec_run(const struct exec_job *job, int sock, struct exec_report *m)
{
	struct process_rights rights;
	struct creds_user user;
	struct strv env = { 0 };
	int r;

	if (setsid() < 0)
		return err_sys(&m->error, "setsid");
	if ((r = exec_user(job, &user, &m->error)) < 0 ||
	    (r = process_env(&job->spec, &user, job->o->tty, job->o->env, &env, &m->error)) < 0 ||
	    (r = exec_stdio(job, &user, sock, &m->error)) < 0)
		return r;
	if (job->o->tty && ioctl(0, TIOCSCTTY, 0) < 0)
		return err_sys(&m->error, "controlling terminal");
	if (dup3(sock, EXEC_REPORT_FD, O_CLOEXEC) < 0 && errno != EINVAL)
		return err_sys(&m->error, "arrange fds");
	if (sys_close_range(EXEC_REPORT_FD + 1, ~0U, 0) < 0)
		return err_sys(&m->error, "close fds");
	process_rights(&job->spec, &job->filter, &user, job->o->cwd, &rights);
	r = creds_apply(&rights.creds, -EBADF, &m->error);
	if (r < 0)
		return r;
	return exec_program(job, &env, m);
}

/* The new process, already in the instance. */
static void NORETURN exec_child(const struct exec_job *job, int sock)
{
	struct exec_report m = { .type = EXEC_ERROR };

	(void)prctl(PR_SET_DUMPABLE, 0);
	sys_signals_default();
	(void)exec_run(job, sock, &m);
	if (send(sock, &m, sizeof(m), MSG_NOSIGNAL) < 0)
		(void)send(EXEC_REPORT_FD, &m, sizeof(m), MSG_NOSIGNAL);
	_exit(125);
}

/* The new process of a private user namespace: it is visible inside already, but its memory belongs
 * to the host's user namespace and is not dumpable, so nobody inside can attach to it or look at
 * its fds before it has stripped them. */
static void NORETURN join_and_run(const struct exec_job *job, int sock)
{
	struct exec_report m = { .type = EXEC_ERROR };

	if (ns_join(job->target, job->namespaces & ~(uint64_t)CLONE_NEWPID, &m.error) < 0) {
		(void)send(sock, &m, sizeof(m), MSG_NOSIGNAL);
		_exit(125);
	}
	exec_child(job, sock);
}

/* One fork: the pid namespace is joined for our children, the rest by the child itself. */
static int spawn_private(struct exec_job *job, int sock, struct err *e)
{
	struct clone_args c = {
		.flags = CLONE_PIDFD | CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)job->cgroup,
		.pidfd = (uint64_t)(uintptr_t)&job->pidfd,
	};
	int r = ns_join(job->target, CLONE_NEWPID, e);

	if (r < 0)
		return r;
	job->pid = sys_clone3(&c);
	if (job->pid < 0)
		return err_sys(e, "fork into the instance");
	if (job->pid == 0)
		join_and_run(job, sock);
	return 0;
}

/* The helper of the host-user case: born in the cgroup, joins all, then forks the program. */
static int helper_fork(struct exec_job *job, int sock, int *ret_pidfd, struct err *e)
{
	struct clone_args c = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD };
	const struct creds_user root = { .home = "/" };
	struct process_rights rights;
	int r;

	fd_reset(&job->cgroup);
	r = ns_join(job->target, job->namespaces, e);
	if (r < 0)
		return r;
	fd_reset(&job->target);
	process_rights(&job->spec, &job->filter, &root, job->o->cwd, &rights);
	r = creds_narrow(&rights.creds, e);
	if (r < 0)
		return r;
	c.pidfd = (uint64_t)(uintptr_t)ret_pidfd;
	job->pid = sys_clone3(&c);
	if (job->pid < 0)
		return err_sys(e, "fork into the instance");
	if (job->pid == 0)
		exec_child(job, sock);
	return 0;
}

static void NORETURN helper_main(struct exec_job *job, int sock)
{
	struct exec_report m = { .type = EXEC_ERROR };
	int pidfd = -EBADF, status;

	if (helper_fork(job, sock, &pidfd, &m.error) < 0) {
		(void)send(sock, &m, sizeof(m), MSG_NOSIGNAL);
		_exit(125);
	}
	m.type = EXEC_PIDFD;
	(void)fd_send(sock, &m, sizeof(m.type), &pidfd, 1);
	(void)sys_close_range(0, ~0U, 0);
	while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status)) {
		(void)signal(WTERMSIG(status), SIG_DFL);
		(void)kill(getpid(), WTERMSIG(status));
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 125);
}

static int spawn_helper(struct exec_job *job, int sock, struct err *e)
{
	struct clone_args c = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)job->cgroup,
	};

	job->pid = sys_clone3(&c);
	if (job->pid < 0)
		return err_sys(e, "fork into the instance's cgroup");
	if (job->pid == 0)
		helper_main(job, sock);
	return 0;
}

#ifdef __SANITIZE_ADDRESS__
/* The leak check at exit forks a helper, which would land in the instance's pid namespace. */
static int in_foreign_pid_namespace;
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return in_foreign_pid_namespace;
}
#endif

static int spawn(struct exec_job *job, int sock, struct err *e)
{
#ifdef __SANITIZE_ADDRESS__
	in_foreign_pid_namespace = 1;
#endif
	return job->private_user ? spawn_private(job, sock, e) : spawn_helper(job, sock, e);
}

/* Reads reports until the program runs (end of file) or failed. */
static int hear(struct exec_job *job, bool *ret_exec_failed, struct err *e)
{
	for (;;) {
		struct exec_report m;
		int fd = -EBADF;
		size_t n_fds = 1;
		ssize_t n = fd_recv(job->sock, &m, sizeof(m), &fd, &n_fds);

		if (n == 0)
			return 0;
		if (n < 0)
			return err_ret(e, (int)n, "hear from the new process");
		if (m.type == EXEC_CONSOLE && n_fds == 1) {
			job->master = fd;
		} else if (m.type == EXEC_PIDFD && n_fds == 1) {
			job->pidfd = fd;
		} else if (n == (ssize_t)sizeof(m) && m.error.code > 0) {
			*ret_exec_failed = m.type == EXEC_FAILED;
			m.error.text[sizeof(m.error.text) - 1] = '\0';
			m.error.hint[sizeof(m.error.hint) - 1] = '\0';
			*e = m.error;
			return -e->code;
		} else {
			fd_reset(&fd);
			return err_set(e, EPROTO, "the new process sent a damaged message");
		}
	}
}

static int reap(const struct exec_job *job, int *ret_status, struct err *e)
{
	int status;

	while (waitpid(job->pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "wait for the program");
	*ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

static int follow(struct exec_job *job, int *ret_status, struct err *e)
{
	struct exec_io io = {
		.pidfd = job->pidfd,
		.in = job->o->tty ? -EBADF : job->ours[0],
		.out = job->o->tty ? job->master : job->ours[1],
		.err = job->o->tty ? -EBADF : job->ours[2],
		.tty = job->o->tty,
		.interactive = job->o->interactive,
		.detach_keys = job->o->tty && job->o->interactive,
	};
	enum attach_end end;
	int r;

	job->ours[0] = -EBADF; /* closed by the call */
	r = exec_io_run(&io, &end, e);

	if (r < 0)
		return r;
	if (end == ATTACH_DETACHED) {
		*ret_status = 0;
		return 0;
	}
	return reap(job, ret_status, e);
}

static int exec_job_run(struct exec_job *job, int *ret_status, bool *ret_exec_failed, struct err *e)
{
	CLEANUP_FD int theirs = -EBADF;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	job->sock = pair[0];
	theirs = pair[1];
	r = spawn(job, theirs, e);
	if (r < 0)
		return r;
	fd_reset(&theirs);
	fd_reset(&job->cgroup);
	exec_close_child_stdio(job);
	r = hear(job, ret_exec_failed, e);
	if (r < 0) {
		int ignored;

		(void)reap(job, &ignored, &(struct err){ 0 });
		return r;
	}
	if (job->o->detach) {
		*ret_status = 0;
		return 0;
	}
	return follow(job, ret_status, e);
}

int instance_exec(struct jail *j, const struct jail_name *name, const struct exec_options *o,
		  int *ret_status, bool *ret_exec_failed, struct err *e)
{
	struct exec_job job;
	int r;

	*ret_exec_failed = false;
	r = exec_job_open(j, name, o, &job, e);
	if (r >= 0)
		r = exec_job_run(&job, ret_status, ret_exec_failed, e);
	exec_job_free(&job);
	return r < 0 ? err_wrap(e, "exec %s", name->s) : 0;
}
