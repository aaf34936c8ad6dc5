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
 * a negative errno. Before anything was done that must not be done twice. argv[0] becomes its path,
 * so that it knows where it lies. */
int sealed_exec(struct err *e);
/* Another program takes our place with our arguments, in the same way; sealed: from a read-only
 * mount of it. Returns only on failure. */
int program_exec(const char *path, bool sealed, struct err *e);
/* The calling program's own path, as the kernel has it. Return: 0 or a negative errno. */
int program_path(char *ret, size_t n, struct err *e);

#endif
