/* SPDX-License-Identifier: GPL-2.0-or-later */
/* statx(2) for every C library: musl has it from 1.2.5 on. */
#ifndef JAIL_BASE_STATX_H
#define JAIL_BASE_STATX_H

#include <fcntl.h>
#include <sys/stat.h>

#ifndef STATX_TYPE
#include <linux/stat.h>
#include <sys/syscall.h>

#include "base/defs.h"

static inline int statx(int dir, const char *path, int flags, unsigned mask, struct statx *ret)
{
	return (int)syscall(SYS_statx, dir, path, flags, mask, ret);
}
#endif

#endif
