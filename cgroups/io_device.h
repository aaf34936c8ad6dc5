/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which disks a block device of the spec means to the kernel. The io controller takes whole disks
 * only; a partition, a logical volume, an array or a loop device is followed to them through sysfs.
 */
#ifndef JAIL_CGROUPS_IO_DEVICE_H
#define JAIL_CGROUPS_IO_DEVICE_H

#include "base/err.h"

#define IO_DISKS_MAX 32
#define IO_NUMBER_MAX 32 /* "MAJ:MIN" */

struct io_device {
	/* What a rate is put on: the disk, where it is one; where it is several, the device above
	 * them, since a rate on each would let through their sum. */
	char rate[IO_NUMBER_MAX];
	/* What a weight is put on: each disk shares by itself. */
	char disks[IO_DISKS_MAX][IO_NUMBER_MAX];
	size_t n_disks;
};

/* `device`: path or "MAJ:MIN". `sys_block`: /sys/dev/block, or -EBADF to have it opened. `key`: for
 * messages. */
int io_device_resolve(int sys_block, const char *key, const char *device, struct io_device *ret,
		      struct err *e);

#endif
