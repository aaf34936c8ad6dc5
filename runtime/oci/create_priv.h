/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between create.c, the order of a create, and create_parts.c, its parts. */
#ifndef JAIL_RUNTIME_OCI_CREATE_PRIV_H
#define JAIL_RUNTIME_OCI_CREATE_PRIV_H

#include "runtime/oci/engine_priv.h"

#define OCI_LAUNCH_INIT(runtime, options, name)                                                    \
	((struct oci_launch){                                                                      \
		.rt = (runtime),                                                                   \
		.o = (options),                                                                    \
		.id = *(name),                                                                     \
		.config = OCI_CONFIG_INIT,                                                         \
		.kit = BUNDLE_KIT_INIT,                                                            \
		.undo = ROLLBACK_INIT,                                                             \
		.root = -EBADF,                                                                    \
		.dir = -EBADF,                                                                     \
		.lock = -EBADF,                                                                    \
		.cgroup = -EBADF,                                                                  \
		.listen = -EBADF,                                                                  \
		.console = -EBADF,                                                                 \
		.show = -EBADF,                                                                    \
		.notify = -EBADF,                                                                  \
		.sock = -EBADF,                                                                    \
		.master = -EBADF,                                                                  \
		.pidfd = -EBADF,                                                                   \
	})

/* Everything that comes before the clone; each change outside is on l->undo. */
int oci_launch_prepare(struct oci_launch *l, struct err *e);
/* Manager systemd: the process gets its scope. */
int oci_launch_scope(struct oci_launch *l, struct err *e);
void oci_launch_free(struct oci_launch *l);

#endif
