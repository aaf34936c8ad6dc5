/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A clone where some namespaces are given. A child is born in the namespaces that its maker is in,
 * so whoever makes it goes there first.
 *
 * For most kinds that is the caller, who returns to its own afterwards. Three kinds are left to a
 * helper, whose child becomes the caller's (CLONE_PARENT) and whose pidfd comes back over a socket:
 * - mount: setns(2) takes root and cwd of the namespace;
 * - user: nobody comes back from one, and its rights are less than the caller's. So it is joined
 *   last, when the host's rights have done what they are needed for;
 * - cgroup: where cgroup2 is mounted with nsdelegate, nobody inside may put a process into a cgroup
 *   that is not below the namespace's root. The helper itself is born in the new cgroup instead.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "namespaces/clone_priv.h"
#include "namespaces/procfd.h"

#define BY_HELPER ((uint64_t)(CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWCGROUP))

/* Namespaces to join, and the way back from those that have been. */
struct visit {
	const struct ns_joined *joined[NS_KINDS];
	size_t n;
	uint64_t flags;
	int home[NS_KINDS];
	size_t n_home;
};

/* What the helper tells, with the pidfd if pid > 0. */
struct helper_message {
	pid_t pid;
	struct err error;
};

static int open_own(uint64_t flag, struct err *e)
{
	char path[32];
	int fd;

	(void)str_format(path, sizeof(path), "self/ns/%s", ns_kind_name(flag));
	fd = procfd_open(path, O_RDONLY);
	return fd < 0 ? err_ret(e, fd, "open /proc/%s", path) : fd;
}

/* Return: 1 when it is the namespace that we are in. */
static int is_own(const struct ns_joined *j, struct err *e)
{
	CLEANUP_FD int own = open_own(j->flag, e);
	struct stat a, b;

	if (own < 0)
		return own;
	if (fstat(own, &a) < 0 || fstat(j->fd, &b) < 0)
		return err_sys(e, "look at the %s namespace to join", ns_kind_name(j->flag));
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int plan(const struct ns_clone *c, const struct ns_joined *joined, size_t n,
		struct visit *ret, struct err *e)
{
	uint64_t seen = c->namespaces;

	if (n > NS_KINDS || c->sibling)
		return err_set(e, EINVAL, "%zu namespaces to join: not possible", n);
	for (size_t i = 0; i < n; i++) {
		int r;

		if (seen & joined[i].flag)
			return err_set(e, EINVAL, "%s namespace: given twice",
				       ns_kind_name(joined[i].flag));
		seen |= joined[i].flag;
		r = is_own(&joined[i], e);
		if (r < 0)
			return r;
		if (r > 0)
			continue;
		ret->joined[ret->n++] = &joined[i];
		ret->flags |= joined[i].flag;
	}
	return 0;
}

static int join(const struct ns_joined *j, struct err *e)
{
	if (sys_setns(j->fd, (int)j->flag) == 0)
		return 0;
	(void)err_sys(e, "join the %s namespace", ns_kind_name(j->flag));
	if (e->code != EINVAL)
		return -e->code;
	return j->flag == CLONE_NEWPID
		       ? err_hint(e, "it must be a pid namespace below the runtime's own")
		       : err_hint(e, "the file is not a namespace of this kind");
}

/* As in ns_clone(): whoever can't return is in nobody's namespaces and must not go on. */
static void go_home(struct visit *v)
{
	while (v->n_home > 0) {
		v->n_home--;
		if (sys_setns(v->home[v->n_home], (int)v->joined[v->n_home]->flag) < 0)
			abort();
		fd_reset(&v->home[v->n_home]);
	}
}

static int go(struct visit *v, struct err *e)
{
	for (size_t i = 0; i < v->n; i++) {
		int home = open_own(v->joined[i]->flag, e);
		int r = home < 0 ? home : join(v->joined[i], e);

		if (r < 0) {
			fd_reset(&home);
			return r;
		}
		v->home[v->n_home++] = home;
	}
	return 0;
}

/* clone3(2) says ENOMEM where it means that nobody can be born there any more. */
static pid_t explain(const struct visit *v, pid_t r, struct err *e)
{
	if (r == -ENOMEM && v->flags & CLONE_NEWPID)
		return err_hint(e, "the first process of the pid namespace has ended");
	return r;
}

static pid_t clone_by_caller(const struct ns_clone *c, struct visit *v, int *ret_pidfd,
			     struct err *e)
{
	pid_t pid;

	if (v->flags & CLONE_NEWPID && prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(e, "become non-dumpable");
	pid = go(v, e);
	if (pid == 0)
		pid = ns_clone(c, ret_pidfd, e);
	if (pid != 0) {
		go_home(v);
		return explain(v, pid, e);
	}
	for (size_t i = 0; i < v->n_home; i++)
		(void)close(v->home[i]);
	return 0;
}

static int helper_join(const struct visit *v, struct err *e)
{
	const struct ns_joined *user = NULL;
	int r = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(e, "prctl");
	for (size_t i = 0; r == 0 && i < v->n; i++) {
		if (v->joined[i]->flag == CLONE_NEWUSER)
			user = v->joined[i];
		else
			r = join(v->joined[i], e);
	}
	return r == 0 && user ? join(user, e) : r;
}

/* Return: 0 in the child; the helper itself ends here. */
static pid_t helper(const struct ns_clone *c, const struct visit *v, int sock)
{
	struct helper_message m = { .pid = 0 };
	struct ns_clone inner = *c;
	int pidfd = -EBADF;

	inner.sibling = true;
	if (v->flags & CLONE_NEWUSER)
		inner.owner_uid = 0;
	if (v->flags & CLONE_NEWCGROUP)
		inner.cgroup_fd = -EBADF;
	m.pid = helper_join(v, &m.error);
	if (m.pid == 0) {
		m.pid = explain(v, ns_clone_once(&inner, &pidfd, &m.error), &m.error);
		if (m.pid == 0)
			return 0;
	}
	if (fd_send(sock, &m, sizeof(m), &pidfd, m.pid > 0) < 0 && m.pid > 0)
		(void)sys_pidfd_send_signal(pidfd, SIGKILL);
	_exit(0);
}

static pid_t helper_result(int sock, int *ret_pidfd, struct err *e)
{
	struct helper_message m;
	size_t n_fds = 1;
	ssize_t n;

	do
		n = fd_recv(sock, &m, sizeof(m), ret_pidfd, &n_fds);
	while (n == -EINTR);
	if (n != (ssize_t)sizeof(m) || (m.pid > 0 && n_fds != 1) || m.pid == 0)
		return err_set(e, ECHILD, "the helper that joins namespaces ended without a word");
	if (m.pid < 0)
		*e = m.error;
	return m.pid;
}

static pid_t clone_by_helper(const struct ns_clone *c, const struct visit *v, int *ret_pidfd,
			     struct err *e)
{
	CLEANUP_FD int ours = -EBADF, theirs = -EBADF, pidfd = -EBADF;
	struct clone_args args = { .flags = CLONE_PIDFD,
				   .pidfd = (uint64_t)(uintptr_t)&pidfd,
				   .exit_signal = SIGCHLD };
	siginfo_t info;
	int sv[2];
	pid_t pid;

	/* Made now, so that it is of the host. */
	if (procfd_get(e) < 0)
		return -e->code;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return err_sys(e, "socketpair");
	ours = sv[0];
	theirs = sv[1];
	if (v->flags & CLONE_NEWCGROUP && c->cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)c->cgroup_fd;
	}
	pid = sys_clone3(&args);
	if (pid < 0)
		return err_sys(e, "clone3 of a helper that joins namespaces");
	if (pid == 0) {
		fd_reset(&ours);
		return helper(c, v, theirs);
	}
	fd_reset(&theirs);
	pid = helper_result(ours, ret_pidfd, e);
	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 && errno == EINTR)
		;
	return pid;
}

pid_t ns_clone_joined(const struct ns_clone *c, const struct ns_joined *joined, size_t n,
		      int *ret_pidfd, struct err *e)
{
	struct visit v = { .n = 0 };
	int r = plan(c, joined, n, &v, e);

	if (r < 0)
		return r;
	return v.flags & BY_HELPER ? clone_by_helper(c, &v, ret_pidfd, e)
				   : clone_by_caller(c, &v, ret_pidfd, e);
}
