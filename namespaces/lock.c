/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "namespaces/lock.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/sys.h"
#include "namespaces/procfd.h"

/* What the helper does: its own mount namespace, to the caller. A process may always open its own
 * (the pidfd of a non-dumpable one is refused). Return: an exit status, an errno. */
static int helper(int sock)
{
	int fd;

	procfd_close();
	fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	return fd_send(sock, "m", 1, &fd, 1) < 0 ? EPIPE : 0;
}

static int reap(pid_t pid, struct err *e)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_sys(e, "wait for the maker of the outer mount namespace");
	}
	if (!WIFEXITED(status))
		return err_set(e, ECHILD, "the maker of the outer mount namespace was killed");
	if (WEXITSTATUS(status) != 0)
		return err_ret(e, -WEXITSTATUS(status), "outer mount namespace");
	return 0;
}

int mounts_foreign(struct err *e)
{
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS,
		.exit_signal = SIGCHLD,
	};
	CLEANUP_FD int ours = -EBADF, theirs = -EBADF, ns = -EBADF;
	size_t n = 1;
	int pair[2];
	ssize_t got;
	pid_t pid;
	char what;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	pid = sys_clone3(&args);
	if (pid < 0)
		return err_sys(e, "make the outer mount namespace");
	if (pid == 0)
		_exit(helper(theirs));
	fd_reset(&theirs);
	got = fd_recv(ours, &what, 1, &ns, &n);
	if (reap(pid, e) < 0)
		return -e->code;
	if (got != 1 || n != 1)
		return err_set(e, EPROTO, "no outer mount namespace was received");
	if (setns(ns, CLONE_NEWNS) < 0)
		return err_sys(e, "enter the outer mount namespace");
	return 0;
}

int mounts_lock(struct err *e)
{
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(e, "lock the mounts");
	return 0;
}
