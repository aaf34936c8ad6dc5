/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directory streams with an owner. */
#ifndef JAIL_BASE_DIR_H
#define JAIL_BASE_DIR_H

#include <dirent.h>

#include "base/defs.h"

static inline void dir_close(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}
#define CLEANUP_DIR CLEANUP(dir_close)

/* A stream over the directory behind *fd, which is taken. Return: NULL and errno on failure, when
 * *fd, also an unset one, stays the caller's. */
DIR *dir_take(int *fd);
/* A stream over a held directory, with an offset of its own. Return: NULL and errno on failure. */
DIR *dir_open(int dir);

#endif
