/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls that glibc 2.36 has no wrapper for, or whose wrapper differs between C libraries.
 * Thin: the kernel's names, arguments, and errno conventions (-1 and errno). Mount calls are
 * declared in namespaces/mountfd.h only.
 */
#ifndef JAIL_BASE_SYS_H
#define JAIL_BASE_SYS_H

#include <linux/openat2.h>
#include <linux/sched.h>
#include <sys/types.h>

#include "base/defs.h"

/* clone3(2) as a plain fork with flags: returns twice, no stack given. Between it and exec: no NSS,
 * no stdio, no pthread, only _exit. */
pid_t sys_clone3(struct clone_args *args);
int sys_openat2(int dir, const char *path, const struct open_how *how);
int sys_pidfd_open(pid_t pid, unsigned flags);
int sys_pidfd_send_signal(int pidfd, int sig);
int sys_close_range(unsigned first, unsigned last, unsigned flags);
int sys_renameat2(int from, const char *old, int to, const char *name, unsigned flags);
/* By fd alone (AT_EMPTY_PATH). */
int sys_execveat(int fd, char *const *argv, char *const *envp);
int sys_setns(int fd, int flags);

/*
 * In a new child: all signals default and unblocked. Neither execve(2) nor CLONE_CLEAR_SIGHAND
 * touches ignored ones, and a program that inherits an ignored SIGPIPE or SIGCHLD breaks in quiet
 * ways.
 */
void sys_signals_default(void);

#endif
