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

/* Makers of user namespaces inside: services with PrivateUsers=, sandboxes of programs. */
#define SYSTEM_USER_NAMESPACES 32
#define NESTING_USER_NAMESPACES 1024
/* Of each other kind, where CAP_SYS_ADMIN is granted. */
#define NAMESPACES_INSIDE 1024
#define SYSTEM_UUID_LEN 36
#define SYSTEM_FILES_MAX (LIMIT_MOUNTS + 16)

struct system_parts {
	char uuid[SYSTEM_UUID_LEN + 2]; /* with a newline */
	char boot_id[SYSTEM_UUID_LEN + 2]; /* likewise; of this start */
	char env[sizeof("container_uuid=") + SYSTEM_UUID_LEN]; /* for the init */
	struct rootfs_file files[SYSTEM_FILES_MAX]; /* below /run */
	size_t n_files;
	struct strv paths; /* of files, where they aren't fixed */
};

/*
 * id: the instance's random id. It stays over restarts and renames, and a systemd whose
 * /etc/machine-id is empty makes it its own. Files: /run/host/container-manager and -uuid; for
 * systemd one drop-in for each mount that the runtime makes and has locked, so that it doesn't try
 * to unmount it at the end, in vain and with a failed unit. *ret starts zeroed and is to be freed
 * in any case.
 */
int system_make(const struct jail_spec *spec, const struct jail_name *id, struct system_parts *ret,
		struct err *e);
void system_free(struct system_parts *s);
/* systemd.unit(5): the name of a path's mount unit, "/etc/a-b" -> "etc-a\x2db.mount". */
void system_mount_unit(const char *path, struct strbuf *ret);

#endif
