/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fdopendir(3) takes the descriptor only when it succeeds; whoever forgets that closes it twice, or
 * never. */
#include "base/dir.h"

#include <fcntl.h>

DIR *dir_take(int *fd)
{
	DIR *d = fdopendir(*fd);

	if (d)
		(void)TAKE_FD(*fd);
	return d;
}

DIR *dir_open(int dir)
{
	CLEANUP_FD int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? NULL : dir_take(&fd);
}
