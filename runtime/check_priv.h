/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of check share. */
#ifndef JAIL_RUNTIME_CHECK_PRIV_H
#define JAIL_RUNTIME_CHECK_PRIV_H

#include "runtime/jail.h"

/* What a row works with; `detail` is shared memory, so that a child can fill it in. */
struct attempt {
	const struct jail_config *config;
	uint64_t arg;
	char *detail; /* 256 bytes */
	struct err *e; /* in shared memory too */
};

/* The state directory, or the nearest directory above it that exists: only its file system matters.
 */
int check_nearest_directory(const char *path);

/* check_disk.c: the two ways in which a limit of a disk can be held. */
int check_try_image(struct attempt *a);
int check_try_projects(struct attempt *a);

#endif
