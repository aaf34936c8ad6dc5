/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The caller's environment (rows 6, 7 of docs/security.md): it would reach hooks, helpers and, by
 * /proc/PID/environ, whoever may trace a process of ours in a container.
 */
#ifndef JAIL_BASE_ENVIRONMENT_H
#define JAIL_BASE_ENVIRONMENT_H

#include <stddef.h>

#include "base/err.h"

#define ENVIRONMENT_KEPT_MAX 16

/*
 * At the start of main: only these variables stay, if they are set. All others are overwritten
 * where they are, since clearenv(3) alone leaves them for /proc/PID/environ to show; so pointers
 * of getenv(3) from before are no longer good.
 */
int environment_keep(const char *const *names, size_t n, struct err *e);

#endif
