/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One clone3 makes the instance's first process in all its namespaces, born in its cgroup and held
 * by pidfd, so that there is no moment at which it is half inside and no bare pid to lose.
 *
 * Who owns a user namespace is the effective uid of its maker, and the kernel counts inotify
 * instances, keys, pending signals and further namespaces against that owner. Made by root, all
 * instances would share root's pool (row 60). So the caller's effective uid is the instance's base
 * id for the length of the call. SECBIT_NO_SETUID_FIXUP keeps the capabilities that the call needs;
 * the change of effective uid has two more side effects which are undone: the parent death signal
 * is cleared (prctl(2)), and the process turns non-dumpable, which is what we want anyway.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/str.h"
#include "base/sys.h"
#include "namespaces/clone_priv.h"
#include "namespaces/procfd.h"

const struct ns_kind ns_kinds[NS_KINDS] = {
	{ CLONE_NEWNS, "mnt" },	       { CLONE_NEWPID, "pid" },	  { CLONE_NEWNET, "net" },
	{ CLONE_NEWIPC, "ipc" },       { CLONE_NEWUTS, "uts" },	  { CLONE_NEWUSER, "user" },
	{ CLONE_NEWCGROUP, "cgroup" }, { CLONE_NEWTIME, "time" },
};

const char *ns_kind_name(uint64_t flag)
{
	for (size_t i = 0; i < NS_KINDS; i++)
		if (ns_kinds[i].flag == flag)
			return ns_kinds[i].name;
	return "?";
}

/* Names the namespace that this kernel was built without, or NULL. */
static const char *ns_missing(uint64_t namespaces)
{
	for (size_t i = 0; i < NS_KINDS; i++) {
		char path[32] = "self/ns/";
		CLEANUP_FD int fd = -EBADF;

		if (!(namespaces & ns_kinds[i].flag))
			continue;
		memcpy(path + 8, ns_kinds[i].name, strlen(ns_kinds[i].name) + 1);
		fd = procfd_open(path, O_PATH | O_NOFOLLOW);
		if (fd == -ENOENT)
			return ns_kinds[i].name;
	}
	return NULL;
}

static int ns_clone_fail(const struct ns_clone *c, int code, struct err *e)
{
	const char *missing = code == EINVAL ? ns_missing(c->namespaces) : NULL;

	(void)err_ret(e, -code, "clone3");
	if (missing)
		return err_hint(e, "this kernel has no %s namespaces", missing);
	switch (code) {
	case EPERM:
		return err_hint(e, "making namespaces needs root in the host's user namespace; a "
				   "sandbox or kernel.unprivileged_userns_clone may forbid it");
	case ENOSPC:
	case EUSERS:
		return err_hint(e, "a limit in /proc/sys/user/max_*_namespaces, or the nesting "
				   "depth of 32, is reached");
	case EBUSY:
	case EOPNOTSUPP:
		return err_hint(e, "the cgroup can't hold processes: it has controllers enabled "
				   "for its children or is of a threaded type");
	case EAGAIN:
		return err_hint(e, "pids.max of the cgroup, or RLIMIT_NPROC, is reached");
	}
	return -code;
}

struct ns_owner {
	bool changed;
	int securebits;
	int death_signal;
};

/* Raw calls: glibc's wrappers would tell all threads, and there is one. */
static int ns_set_euid(uid_t euid)
{
	return (int)syscall(SYS_setresuid, (uid_t)-1, euid, (uid_t)-1);
}

static int ns_owner_take(uid_t uid, struct ns_owner *ret, struct err *e)
{
	struct ns_owner o = { .changed = true };

	if (uid == 0)
		return 0;
	o.securebits = prctl(PR_GET_SECUREBITS);
	if (o.securebits < 0 || prctl(PR_GET_PDEATHSIG, &o.death_signal) < 0)
		return err_sys(e, "prctl");
	if (prctl(PR_SET_SECUREBITS, (unsigned long)o.securebits | SECBIT_NO_SETUID_FIXUP) < 0)
		return err_sys(e, "set securebits");
	if (ns_set_euid(uid) < 0) {
		int r = err_sys(e, "take uid %u for the clone", uid);

		(void)prctl(PR_SET_SECUREBITS, (unsigned long)o.securebits);
		return r;
	}
	*ret = o;
	return 0;
}

/* Without the way back nothing is safe to do as this half of a root: give up the process. */
static void ns_owner_return(const struct ns_owner *o)
{
	if (!o->changed)
		return;
	if (ns_set_euid(0) < 0 || prctl(PR_SET_SECUREBITS, (unsigned long)o->securebits) < 0 ||
	    (o->death_signal && prctl(PR_SET_PDEATHSIG, o->death_signal) < 0))
		abort();
}

static pid_t ns_clone_owned(const struct ns_clone *c, int *ret_pidfd, struct err *e)
{
	struct ns_owner owner = { .changed = false };
	int pidfd = -EBADF;
	struct clone_args args = {
		.flags = (c->namespaces & ~(uint64_t)CLONE_NEWTIME) | CLONE_PIDFD |
			 CLONE_CLEAR_SIGHAND,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	int code;
	pid_t pid;

	if (c->sibling) {
		args.flags |= CLONE_PARENT;
		args.exit_signal = 0; /* as clone3(2) wants it: it is ours then */
	}
	if (c->cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)c->cgroup_fd;
	}
	if (ns_owner_take(c->owner_uid, &owner, e) < 0)
		return -e->code;
	pid = sys_clone3(&args);
	code = errno;
	if (pid == 0) {
		sys_signals_default();
		procfd_close();
		return 0;
	}
	ns_owner_return(&owner);
	if (pid < 0)
		return ns_clone_fail(c, code, e);
	*ret_pidfd = pidfd;
	return pid;
}

pid_t ns_clone_once(const struct ns_clone *c, int *ret_pidfd, struct err *e)
{
	if (c->namespaces & CLONE_NEWTIME && ns_time_new(c->monotonic, c->boottime, e) < 0)
		return -e->code;
	return ns_clone_owned(c, ret_pidfd, e);
}

pid_t ns_clone(const struct ns_clone *c, int *ret_pidfd, struct err *e)
{
	struct err reset = ERR_INIT;
	pid_t pid = ns_clone_once(c, ret_pidfd, e);

	/* Failing here would leave later children (hooks, helpers) with the instance's clock. */
	if (pid != 0 && c->namespaces & CLONE_NEWTIME && ns_time_reset(&reset) < 0)
		abort();
	return pid;
}

/* An unprivileged maker had to give that up for the user namespace (user_namespaces(7)). */
static bool ns_setgroups_is_denied(void)
{
	CLEANUP_FD int fd = procfd_open("self/setgroups", O_RDONLY);
	char text[8] = "";

	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && str_starts(text, "deny");
}

int ns_become_root(struct err *e)
{
	int death_signal = 0;

	if (prctl(PR_GET_PDEATHSIG, &death_signal) < 0)
		return err_sys(e, "read the parent death signal");
	if (setgroups(0, NULL) < 0 && !(errno == EPERM && ns_setgroups_is_denied()))
		return err_sys(e, "drop supplementary groups");
	if (setresgid(0, 0, 0) < 0)
		return err_sys(e, "become group 0 of the user namespace");
	if (setresuid(0, 0, 0) < 0)
		return err_sys(e, "become user 0 of the user namespace");
	/* A change of ids clears the one, and resets the other to fs.suid_dumpable, which an admin
	 * may have set to 1. */
	if (death_signal && prctl(PR_SET_PDEATHSIG, death_signal) < 0)
		return err_sys(e, "keep the parent death signal");
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(e, "become non-dumpable");
	return 0;
}

int ns_join(int pidfd, uint64_t namespaces, struct err *e)
{
	procfd_close();
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(e, "become non-dumpable");
	if (sys_setns(pidfd, (int)namespaces) < 0) {
		int r = err_sys(e, "join the instance's namespaces");

		return r == -ESRCH ? err_hint(e, "the instance has ended") : r;
	}
	return (namespaces & CLONE_NEWUSER) ? ns_become_root(e) : 0;
}

static bool ns_same(const char *a, const char *b)
{
	CLEANUP_FD int first = procfd_open(a, O_PATH), second = procfd_open(b, O_PATH);
	struct stat x, y;

	return first >= 0 && second >= 0 && fstat(first, &x) == 0 && fstat(second, &y) == 0 &&
	       x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int ns_differing(int pidfd, uint64_t *ret, struct err *e)
{
	pid_t pid = procfd_pid(pidfd, e);
	char own[32], theirs[64];
	uint64_t set = 0;

	if (pid < 0)
		return pid;
	for (size_t i = 0; i < NS_KINDS; i++) {
		(void)str_format(own, sizeof(own), "self/ns/%s", ns_kinds[i].name);
		(void)str_format(theirs, sizeof(theirs), "%d/ns/%s", (int)pid, ns_kinds[i].name);
		if (!ns_same(own, theirs))
			set |= ns_kinds[i].flag;
	}
	/* Only now is it known that all of them were those of this process. */
	if (sys_pidfd_send_signal(pidfd, 0) < 0)
		return err_set(e, ESRCH, "the process of pidfd %d is gone", pidfd);
	*ret = set;
	return 0;
}
