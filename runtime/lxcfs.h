/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lxcfs: a service of the host that answers reads of /proc/meminfo and the like by the limits of
 * the reader's cgroup (namespaces/rootfs_views.c puts its files into place). */
#ifndef JAIL_RUNTIME_LXCFS_H
#define JAIL_RUNTIME_LXCFS_H

#include "namespaces/rootfs.h"
#include "runtime/jail.h"

/* Return: 1 and which files it has; 0 when it is off or not mounted; negative when it is mounted
 * and doesn't answer. */
int lxcfs_find(const struct jail_config *c, unsigned *ret_views, struct err *e);
/* For a start: uses it where it runs; a broken one is a warning. */
void lxcfs_use(const struct jail_config *c, struct rootfs_spec *root);

#endif
