/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper is a thread made by clone(2): a child process would be a zombie that the container's
 * program has to reap, and nobody else can be its parent when we are process 1 of the pid namespace
 * (CLONE_PARENT is refused there). Its credentials and its filter, which are none, are its own; the
 * execve(2) of the process ends it.
 *
 * It has no thread-local storage of its own and so shares errno with the process. Until the fd is
 * there it makes one call only, nanosleep(2) with all signals blocked, which doesn't fail; when it
 * makes calls that may fail, the process waits in memory and looks at nothing else.
 */
#include "runtime/seccomp_notify.h"

#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "base/str.h"

#define POLL_NS 50000
#define SEND_SECONDS 10 /* an agent that doesn't read must not keep a start for ever */

static struct {
	int slot;
	int sock;
	const char *state;
	size_t n;
	_Alignas(16) char stack[16384];
} helper;

int seccomp_notify_connect(const char *path, struct err *e)
{
	/* Agents listen on the first; the second keeps whole messages, and some do. */
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	struct timeval timeout = { .tv_sec = SEND_SECONDS };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (str_format(address.sun_path, sizeof(address.sun_path), "%s", path) < 0)
		return err_set(e, ENAMETOOLONG,
			       "linux.seccomp.listenerPath %s: longer than %zu "
			       "bytes",
			       path, sizeof(address.sun_path) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		CLEANUP_FD int fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0);

		if (fd < 0)
			return err_sys(e, "socket");
		/* For connect(2) too. */
		if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
			return err_sys(e, "setsockopt");
		if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
			return TAKE_FD(fd);
		if (errno != EPROTOTYPE)
			break;
	}
	return err_sys(e, "connect to linux.seccomp.listenerPath %s", path);
}

/* One message with the fd; what a stream socket didn't take of it follows. Return: 0 or -errno. */
static int send_listener(int listener)
{
	union {
		struct cmsghdr header; /* for the alignment */
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)helper.state, .iov_len = helper.n };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &listener, sizeof(int));
	while (iov.iov_len > 0) {
		long sent = syscall(SYS_sendmsg, helper.sock, &msg, MSG_NOSIGNAL);

		if (sent < 0)
			return -errno;
		iov.iov_base = (char *)iov.iov_base + sent;
		iov.iov_len -= (size_t)sent;
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
	}
	/* The end of the message: the process's own copy of the socket lives until it executes,
	 * which may wait for the reader. */
	return syscall(SYS_shutdown, helper.sock, SHUT_WR) < 0 ? -errno : 0;
}

static int helper_main(void *arg)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };
	int listener, r;

	(void)arg;
	while ((listener = __atomic_load_n(&helper.slot, __ATOMIC_ACQUIRE)) < 0)
		(void)syscall(SYS_nanosleep, &pause, NULL);
	r = send_listener(listener);
	/* The agent's is the only one from here on: when it goes, what waits for it ends. */
	(void)syscall(SYS_close, listener);
	__atomic_store_n(&helper.slot, r < 0 ? r : SECCOMP_LISTENER_SENT, __ATOMIC_RELEASE);
	return 0;
}

int seccomp_notify_begin(int sock, const char *state, size_t n, int **ret_slot, struct err *e)
{
	const int flags =
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	sigset_t all, old;
	int r;

	if (n == 0)
		return err_set(e, EINVAL, "container process state: empty");
	helper.slot = -1;
	helper.sock = sock;
	helper.state = state;
	helper.n = n;
	/* Signals are the process's, and would end the helper's sleep. */
	(void)sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &old) < 0)
		return err_sys(e, "block signals");
	r = clone(helper_main, helper.stack + sizeof(helper.stack), flags, NULL);
	if (r < 0)
		r = err_sys(e, "start the helper that sends the seccomp listener");
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (r < 0)
		return r;
	*ret_slot = &helper.slot;
	return 0;
}
