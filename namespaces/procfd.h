/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The runtime's own view of /proc (rows 15, 16): a procfs that is mounted nowhere, so that nothing
 * can be mounted over a part of it, limited to processes (no sysrq-trigger, no sys/). It shows the
 * pid namespace in which it was first asked for, is made once for each process and closed on exec.
 */
#ifndef JAIL_NAMESPACES_PROCFD_H
#define JAIL_NAMESPACES_PROCFD_H

#include <sys/types.h>

#include "base/err.h"

/* The handle: an O_PATH directory that stays ours. */
int procfd_get(struct err *e);
/* openat in it; names like "self/ns/mnt", "1234/uid_map". Magic links of namespaces are followed:
 * nothing but the kernel's own objects can be met here. Return: fd or -errno. */
int procfd_open(const char *path, int flags);
/* The process behind a pidfd, in our pid namespace. -ESRCH when it is gone. */
pid_t procfd_pid(int pidfd, struct err *e);
/* Forgets and closes the handle: before entering another's namespaces, and in children. */
void procfd_close(void);

#endif
