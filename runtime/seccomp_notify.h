/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seccomp user notification (seccomp_unotify(2)): who listens is a program of the engine's behind a
 * unix socket (config-linux.md, "Containers on Linux: seccomp", listenerPath and "The Container
 * Process State"). The listener's fd exists only once the filter is in place, and from then on
 * every call of the process may wait for the listener, the one that would send the fd too. So a
 * helper that shares memory and fd table, made before the filter and without it, sends it.
 */
#ifndef JAIL_RUNTIME_SECCOMP_NOTIFY_H
#define JAIL_RUNTIME_SECCOMP_NOTIFY_H

#include <limits.h>

#include "base/err.h"

/* Connects to listenerPath, with the host's eyes, before anything is entered. Return: fd. */
int seccomp_notify_connect(const char *path, struct err *e);

/*
 * Starts the helper, once in a process and right before creds_apply(): `sock` is connected, `state`
 * the container process state as JSON; both are borrowed until the process executes. Afterwards
 * *ret_slot is what creds.ret_listener points to: creds_apply() stores the fd there, the helper
 * sends it with the state, closes its end, ends the connection's sending side, and stores what came
 * of it; creds_apply() waits for that without a system call. The caller must go on to execve(2) or
 * _exit(2), which end the helper in any case: it is a thread, so that nobody has to reap it, but
 * one that the C library doesn't know of: no pthreads, and no call that tells all threads of new
 * ids.
 */
int seccomp_notify_begin(int sock, const char *state, size_t n, int **ret_slot, struct err *e);

/* What replaces the fd in the slot: this, or a negative errno. */
#define SECCOMP_LISTENER_SENT INT_MIN

#endif
