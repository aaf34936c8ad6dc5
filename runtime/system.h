/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a container manager owes the init of a whole system (mode "system"): systemd's "Container
 * Interface", of which the other inits take what they know. Names, ids and files; mounts are
 * namespaces/rootfs.h's business, the course of a start launch.c's and child.c's.
 */
#ifndef JAIL_RUNTIME_SYSTEM_H
#define JAIL_RUNTIME_SYSTEM_H

#include "namespaces/rootfs.h"
#include "runtime/spec.h"

#define SYSTEM_FILES 2
/* Makers of user namespaces inside: services with PrivateUsers=, sandboxes of programs. */
#define SYSTEM_USER_NAMESPACES 32
#define NESTING_USER_NAMESPACES 1024
#define SYSTEM_UUID_LEN 36

struct system_identity {
	char uuid[SYSTEM_UUID_LEN + 2]; /* with a newline */
	char boot_id[SYSTEM_UUID_LEN + 2]; /* likewise; of this start */
	char env[sizeof("container_uuid=") + SYSTEM_UUID_LEN]; /* for the init */
};

/* id: the instance's random id. It stays over restarts and renames, and a systemd whose
 * /etc/machine-id is empty makes it its own. */
int system_identify(const struct jail_name *id, struct system_identity *ret, struct err *e);
/* /run/host/container-manager and -uuid: SYSTEM_FILES entries that borrow from *s. */
void system_files(const struct system_identity *s, struct rootfs_file *ret);

#endif
