/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * With the host's user namespace, root inside may write to what /proc/PID/exe names, and for a
 * moment that is the program that enters (row 1, CVE-2019-5736). So it runs from a detached
 * read-only mount of itself, as the kernel then tells by ST_RDONLY.
 */
#ifndef JAIL_RUNTIME_SEALED_H
#define JAIL_RUNTIME_SEALED_H

#include "base/err.h"

/* Executes the calling program anew from such a mount; returns 0 when it already runs from one, or
 * a negative errno. Before anything was done that must not be done twice. */
int sealed_exec(struct err *e);

#endif
