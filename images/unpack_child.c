/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts jail-unpack and listens to it. It gets three fds, /dev/null for the two that libc might
 * print to, no environment, and a death signal for when we die. It is believed about its archive's
 * digests and nothing else: sizes and kinds of messages, error codes and texts are checked here,
 * and texts are escaped when they are shown (row 80).
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/sys.h"
#include "images/import_priv.h"
#include "namespaces/mountfd.h"

#define CHILD_ERRNO_MAX 4095
#define CHILD_FD_FREE 16 /* above every fd that the child is to have */

struct child_fds {
	int archive, tree, report, split, null; /* >= CHILD_FD_FREE, close-on-exec */
	int mount, mount_at; /* or -EBADF */
};

static void child_fds_close(struct child_fds *f)
{
	fd_reset(&f->archive);
	fd_reset(&f->tree);
	fd_reset(&f->report);
	fd_reset(&f->split);
	fd_reset(&f->null);
	fd_reset(&f->mount);
	fd_reset(&f->mount_at);
}

/* Copies that are out of the way of the numbers that the child uses. */
static int child_fds_prepare(const struct unpack_fds *fds, int report, struct child_fds *ret,
			     struct err *e)
{
	CLEANUP_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return err_sys(e, "open /dev/null");
	ret->archive = fcntl(fds->archive, F_DUPFD_CLOEXEC, CHILD_FD_FREE);
	ret->tree = fcntl(fds->tree < 0 ? null : fds->tree, F_DUPFD_CLOEXEC, CHILD_FD_FREE);
	ret->report = fcntl(report, F_DUPFD_CLOEXEC, CHILD_FD_FREE);
	ret->split = fcntl(fds->split < 0 ? null : fds->split, F_DUPFD_CLOEXEC, CHILD_FD_FREE);
	ret->null = fcntl(null, F_DUPFD_CLOEXEC, CHILD_FD_FREE);
	if (fds->has_mount) {
		ret->mount = fcntl(fds->mount, F_DUPFD_CLOEXEC, CHILD_FD_FREE);
		ret->mount_at = fcntl(fds->mount_at, F_DUPFD_CLOEXEC, CHILD_FD_FREE);
	}
	if ((fds->has_mount && (ret->mount < 0 || ret->mount_at < 0)) || ret->archive < 0 ||
	    ret->tree < 0 || ret->report < 0 || ret->split < 0 || ret->null < 0)
		return err_sys(e, "copy a file descriptor");
	return 0;
}

/* A tree in a mount that nobody has attached: a copy of it can be taken only where it is. */
static int child_attach(const struct child_fds *f, struct err *e)
{
	CLEANUP_FD int at = -EBADF;
	int r;

	if (f->mount < 0)
		return 0;
	/* The working directory is what follows into the new namespace; descriptors don't. */
	if (fchdir(f->mount_at) < 0 || unshare(CLONE_NEWNS) < 0)
		return err_sys(e, "new mount namespace");
	r = mountfd_propagation_all(MS_PRIVATE, e);
	if (r < 0)
		return r;
	at = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return at < 0 ? err_sys(e, "open the working directory") : mountfd_attach(f->mount, at, e);
}

/* Between clone and exec: system calls only. */
static NORETURN void child_exec(const struct child_fds *f, const char *program, pid_t parent)
{
	const int fds[][2] = {
		{ f->archive, UNPACK_FD_ARCHIVE }, { f->null, STDOUT_FILENO },
		{ f->null, STDERR_FILENO },	   { f->tree, UNPACK_FD_TREE },
		{ f->report, UNPACK_FD_REPORT },   { f->split, UNPACK_FD_SPLIT },
	};
	char name[] = "jail-unpack";
	char *const argv[] = { name, NULL }, *const envp[] = { NULL };
	struct unpack_message m = { .magic = UNPACK_MAGIC, .kind = UNPACK_FAILED };
	int report = f->report;

	sys_signals_default();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
		_exit(1);
	if (child_attach(f, &m.u.err) < 0)
		goto said;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (dup2(fds[i][0], fds[i][1]) < 0)
			goto fail;
	if (sys_close_range(UNPACK_FD_SPLIT + 1, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		goto fail;
	(void)execve(program, argv, envp);
fail:
	(void)err_sys(&m.u.err, "execute %s", program);
said:
	(void)send(report, &m, sizeof(m), MSG_NOSIGNAL);
	_exit(1);
}

static int child_request(const struct unpack_child *c, const struct unpack_request *request,
			 struct err *e)
{
	/* EPIPE: it died; the reason is waiting to be read. */
	if (send(c->report, request, sizeof(*request), MSG_NOSIGNAL) < 0 && errno != EPIPE &&
	    errno != ECONNRESET)
		return err_sys(e, "talk to jail-unpack");
	return 0;
}

int unpack_child_start(const struct unpacker *how, const struct unpack_request *request,
		       const struct unpack_fds *with, struct unpack_child *ret, struct err *e)
{
	CLEANUP(child_fds_close)
	struct child_fds fds = { -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF };
	CLEANUP_FD int ours = -EBADF, theirs = -EBADF;
	int pair[2], pidfd = -EBADF;
	struct clone_args args = { .flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
				   .pidfd = (uint64_t)(uintptr_t)&pidfd,
				   .exit_signal = SIGCHLD };
	pid_t parent = getpid(), pid;
	int r = how->cgroup ? how->cgroup(how->arg, e) : -EBADF;

	if (r < 0 && r != -EBADF)
		return r;
	if (r >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)r;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socket pair");
	ours = pair[0];
	theirs = pair[1];
	r = child_fds_prepare(with, theirs, &fds, e);
	if (r < 0)
		return r;
	pid = sys_clone3(&args);
	if (pid < 0)
		return err_sys(e, "start jail-unpack");
	if (pid == 0)
		child_exec(&fds, how->program, parent);
	*ret = (struct unpack_child){
		.how = how, .pid = pid, .pidfd = pidfd, .report = TAKE_FD(ours)
	};
	return child_request(ret, request, e);
}

void unpack_child_stop(struct unpack_child *c)
{
	if (c->pid > 0) {
		(void)sys_pidfd_send_signal(c->pidfd, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
		c->pid = 0;
	}
	fd_reset(&c->pidfd);
	fd_reset(&c->report);
}

/* It closed the socket without a last word. */
static int child_died(struct unpack_child *c, struct err *e)
{
	int status = 0;

	while (waitpid(c->pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "wait for jail-unpack");
	c->pid = 0;
	if (WIFSIGNALED(status)) {
		(void)err_set(e, EIO, "jail-unpack was killed by signal %d (%s)", WTERMSIG(status),
			      strsignal(WTERMSIG(status)));
		if (WTERMSIG(status) == SIGKILL && c->how->killed)
			c->how->killed(c->how->arg, e);
		return -e->code;
	}
	return err_set(e, EPROTO, "jail-unpack ended with status %d and without a result",
		       WEXITSTATUS(status));
}

static int child_error(const struct err *said, struct err *e)
{
	struct err safe = *said;

	safe.text[sizeof(safe.text) - 1] = '\0';
	safe.hint[sizeof(safe.hint) - 1] = '\0';
	if (safe.code <= 0 || safe.code > CHILD_ERRNO_MAX || safe.text[0] == '\0')
		return err_set(e, EPROTO, "jail-unpack failed without a reason");
	*e = safe;
	return -e->code;
}

int unpack_child_failed(const struct unpack_message *m, struct err *e)
{
	return child_error(&m->u.err, e);
}

ssize_t unpack_child_hear(struct unpack_child *c, void *ret, size_t n, struct err *e)
{
	ssize_t got;

	/* ECONNRESET: it died with our request unread. That is said once, before what it said
	 * itself can be read. */
	do
		got = recv(c->report, ret, n, MSG_TRUNC);
	while (got < 0 && (errno == EINTR || errno == ECONNRESET));
	if (got == 0)
		return child_died(c, e);
	return got < 0 ? err_sys(e, "listen to jail-unpack") : got;
}

int unpack_child_receive(struct unpack_child *c, struct unpack_message *ret, struct err *e)
{
	ssize_t n = unpack_child_hear(c, ret, sizeof(*ret), e);

	if (n < 0)
		return (int)n;
	if (n != (ssize_t)sizeof(*ret) || ret->magic != UNPACK_MAGIC)
		return err_set(e, EPROTO, "jail-unpack is of another version than jail");
	return ret->kind == UNPACK_FAILED ? unpack_child_failed(ret, e) : 0;
}
