/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts jail-copy and listens to it, as the importer does with jail-unpack: fixed fds, no
 * environment, a death signal for when we die. What it says is checked here.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/sys.h"
#include "runtime/copy_priv.h"

#define FDS_ABOVE 16 /* above every fd that the child is to have */
#define ERRNO_MAX 4095

enum { FD_IN, FD_OUT, FD_ERR, FD_REPORT, FD_TARGET, FDS };

/* Between clone and exec: system calls only. */
static NORETURN void child_exec(const int fds[static FDS], const char *program, pid_t parent)
{
	static const int numbers[FDS] = { COPY_FD_IN, COPY_FD_OUT, STDERR_FILENO, COPY_FD_REPORT,
					  COPY_FD_TARGET };
	char name[] = "jail-copy";
	char *const argv[] = { name, NULL }, *const envp[] = { NULL };
	struct copy_message m = { .magic = COPY_MAGIC, .kind = COPY_FAILED };
	int report = fds[FD_REPORT];

	sys_signals_default();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
		_exit(1);
	for (size_t i = 0; i < FDS; i++)
		if (dup2(fds[i], numbers[i]) < 0)
			goto fail;
	if (sys_close_range(COPY_FD_TARGET + 1, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		goto fail;
	(void)execve(program, argv, envp);
fail:
	(void)err_sys(&m.u.err, "execute %s", program);
	(void)send(report, &m, sizeof(m), MSG_NOSIGNAL);
	_exit(1);
}

/* Copies that are out of the way of the numbers that the child uses; -EBADF becomes /dev/null. */
static int child_fds(const int from[static FDS], int ret[static FDS], struct err *e)
{
	CLEANUP_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return err_sys(e, "open /dev/null");
	for (size_t i = 0; i < FDS; i++) {
		ret[i] = fcntl(from[i] < 0 ? null : from[i], F_DUPFD_CLOEXEC, FDS_ABOVE);
		if (ret[i] < 0)
			return err_sys(e, "copy a file descriptor");
	}
	return 0;
}

static int child_clone(const char *program, const int from[static FDS], struct copy_child *c,
		       struct err *e)
{
	int fds[FDS] = { -EBADF, -EBADF, -EBADF, -EBADF, -EBADF };
	struct clone_args args = { .flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
				   .pidfd = (uint64_t)(uintptr_t)&c->pidfd,
				   .exit_signal = SIGCHLD };
	pid_t parent = getpid(), pid;
	int r = child_fds(from, fds, e);

	if (r == 0) {
		pid = sys_clone3(&args);
		if (pid == 0)
			child_exec(fds, program, parent);
		if (pid < 0)
			r = err_sys(e, "start jail-copy");
		else
			c->pid = pid;
	}
	for (size_t i = 0; i < FDS; i++)
		fd_reset(&fds[i]);
	return r;
}

int copy_child_start(const char *program, const struct copy_request *request, int in, int out,
		     int target, struct copy_child *ret, struct err *e)
{
	CLEANUP_FD int theirs = -EBADF;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socket pair");
	ret->report = pair[0];
	theirs = pair[1];
	r = child_clone(program, (const int[FDS]){ in, out, -EBADF, theirs, target }, ret, e);
	if (r < 0)
		return r;
	/* EPIPE: it died; the reason is waiting to be read. */
	if (send(ret->report, request, sizeof(*request), MSG_NOSIGNAL) < 0 && errno != EPIPE &&
	    errno != ECONNRESET)
		return err_sys(e, "talk to jail-copy");
	return 0;
}

static void child_died(struct copy_child *c)
{
	int status = 0;

	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
	if (WIFSIGNALED(status))
		(void)err_set(&c->failure, EIO, "jail-copy was killed by signal %d (%s)",
			      WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		(void)err_set(&c->failure, EPROTO,
			      "jail-copy ended with status %d and without a result",
			      WEXITSTATUS(status));
}

static void child_said(struct copy_child *c, const struct copy_message *m)
{
	switch ((enum copy_kind)m->kind) {
	case COPY_PROGRESS:
		c->progress = m->u.progress;
		return;
	case COPY_DONE:
		c->result = m->u.result;
		c->progress = (struct copy_progress){ c->result.bytes, c->result.members };
		break;
	case COPY_FAILED:
		c->failure = m->u.err;
		c->failure.text[sizeof(c->failure.text) - 1] = '\0';
		c->failure.hint[sizeof(c->failure.hint) - 1] = '\0';
		if (c->failure.code <= 0 || c->failure.code > ERRNO_MAX || !c->failure.text[0]) {
			c->failure = ERR_INIT;
			(void)err_set(&c->failure, EPROTO, "jail-copy failed without a reason");
		}
		break;
	}
	c->done = true;
}

void copy_child_hear(struct copy_child *c)
{
	struct copy_message m;
	ssize_t n;

	/* ECONNRESET: it died with our request unread; what it said comes after. */
	do
		n = recv(c->report, &m, sizeof(m), MSG_TRUNC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n == (ssize_t)sizeof(m) && m.magic == COPY_MAGIC && m.kind >= COPY_PROGRESS &&
	    m.kind <= COPY_FAILED) {
		child_said(c, &m);
		return;
	}
	c->done = true;
	if (n == 0)
		child_died(c);
	else if (n < 0)
		(void)err_sys(&c->failure, "listen to jail-copy");
	else
		(void)err_set(&c->failure, EPROTO, "jail-copy is of another version than jail");
}

void copy_child_stop(struct copy_child *c)
{
	if (c->pid > 0) {
		if (!c->done)
			(void)sys_pidfd_send_signal(c->pidfd, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
		c->pid = 0;
	}
	fd_reset(&c->pidfd);
	fd_reset(&c->report);
}
