/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File systems that jail has not made. The type is given and never guessed: what a probe of hostile
 * bytes would choose is the file system with the most bugs. A file that is on a loop device already
 * is used through that: two devices for one file would be two caches of it.
 */
#include <fcntl.h>

#include "base/str.h"
#include "images/disk_priv.h"
#include "namespaces/mountfd.h"

static int loop_of(int file, bool read_only, struct err *e)
{
	int loop = disk_loop_find(file, e);

	return loop == -ENOENT ? disk_loop_attach(file, 0, read_only, e) : loop;
}

int disk_block_mount(int source, bool is_file, const char *fstype, bool read_only, struct err *e)
{
	CLEANUP_FD int loop = is_file ? loop_of(source, read_only, e) : -EBADF;
	char path[64];
	const struct mount_param params[] = { { "source", path }, { "ro", NULL } };

	if (is_file && loop < 0)
		return loop;
	(void)str_format(path, sizeof(path), "/proc/self/fd/%d", is_file ? loop : source);
	return mountfd_new(fstype, params, read_only ? 2 : 1, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
			   e);
}
