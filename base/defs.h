/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every file stands on: cleanup attributes, fd and pointer hand-over, array sizes.
 *
 * Ownership in one page. A local that owns something carries a cleanup attribute; handing the thing
 * over (into a struct, or out through a ret_ parameter) is TAKE_FD or TAKE_PTR, which leaves the
 * "nothing" value behind. The only value that means "no fd" is -EBADF: 0 is a perfectly good fd.
 */
#ifndef JAIL_BASE_DEFS_H
#define JAIL_BASE_DEFS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define WARN_UNUSED __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))

/* Closes *fd unless it is unset, keeps errno. For CLEANUP_FD. */
static inline void defs_close_fd(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		(void)close(*fd);
		errno = saved;
	}
}

static inline void defs_free(void *p)
{
	free(*(void **)p); /* NOLINT(bugprone-multi-level-implicit-pointer-conversion) */
}

#define CLEANUP_FD __attribute__((cleanup(defs_close_fd)))
#define CLEANUP_FREE __attribute__((cleanup(defs_free)))
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define TAKE(var, nothing)                                                                         \
	__extension__({                                                                            \
		__typeof__(var) taken_ = (var);                                                    \
		(var) = (nothing);                                                                 \
		taken_;                                                                            \
	})
#define TAKE_FD(fd) TAKE(fd, -EBADF)
#define TAKE_PTR(p) TAKE(p, NULL)

/* Closes what *fd holds and makes it unset. */
static inline void fd_reset(int *fd)
{
	defs_close_fd(fd);
	*fd = -EBADF;
}

#endif
