/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw system calls. There is no emulation of a missing one: the tree needs Linux 5.19, and a
 * fall-back for a security call (openat2, pidfd_*) would be a weaker security call.
 */
#include "base/sys.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

pid_t sys_clone3(struct clone_args *args)
{
	return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

int sys_openat2(int dir, const char *path, const struct open_how *how)
{
	return (int)syscall(SYS_openat2, dir, path, how, sizeof(*how));
}

int sys_pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

int sys_pidfd_send_signal(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0u);
}

int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

int sys_renameat2(int from, const char *old, int to, const char *name, unsigned flags)
{
	return (int)syscall(SYS_renameat2, from, old, to, name, flags);
}

int sys_execveat(int fd, char *const *argv, char *const *envp)
{
	return (int)syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
}

int sys_setns(int fd, int flags)
{
	return (int)syscall(SYS_setns, fd, flags);
}

void sys_signals_default(void)
{
	/* The kernel's struct sigaction, all zero: SIG_DFL, no flags, whatever the architecture's
	 * order of members. By the raw call, because libc keeps two realtime signals to itself and
	 * leaves those ignored. */
	static const unsigned long dfl[4];
	sigset_t none;

	for (int s = 1; s <= SIGRTMAX; s++)
		(void)syscall(SYS_rt_sigaction, s, dfl, NULL,
			      (size_t)(_NSIG / 8)); /* not KILL, STOP */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}
