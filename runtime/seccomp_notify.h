/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seccomp user notification (seccomp_unotify(2)): who listens is a program of the engine's behind a
 * unix socket (config-linux.md, "Containers on Linux: seccomp", listenerPath and "The Container
 * Process State"). The listener's fd exists only once the filter is in place, and from then on
 * every call of the process may wait for the listener, the one that would send the fd too. So a
 * helper that shares the fd table, made before the filter and without it, sends it.
 */
#ifndef JAIL_RUNTIME_SECCOMP_NOTIFY_H
#define JAIL_RUNTIME_SECCOMP_NOTIFY_H

#include "base/err.h"

/* Connects to listenerPath, with the host's eyes, before anything is entered. Return: fd. */
int seccomp_notify_connect(const char *path, struct err *e);

struct seccomp_notify; /* the helper */
/*
 * Starts the helper: `sock` is connected, `state` the container process state as JSON, both
 * borrowed. Afterwards *ret_slot is what creds.ret_listener points to: storing the fd there lets
 * the helper send it with the state, close it in the shared table, and end. The caller must go on
 * to execve(2) or _exit(2); when it ends without a listener, so does the helper.
 */
int seccomp_notify_begin(int sock, const char *state, size_t n, int **ret_slot, struct err *e);

#endif
