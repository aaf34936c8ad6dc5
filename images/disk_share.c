/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One image, several users: a volume. All mounts of a loop device are one file system, and the
 * device goes, and with it the lock of disk.img, when the last mount has. So there is nobody who
 * has to be asked first or to end last: the first mounts, whoever comes later finds the device.
 * Between the two there are moments in which the lock is held and no device is found: the first is
 * at it, or the last mount is going. They pass by themselves.
 */
#include <fcntl.h>
#include <time.h>

#include "base/clock.h"
#include "images/disk_priv.h"

#define SHARE_POLL_MS 2

/* Return: fd; -EWOULDBLOCK: neither free nor in use. */
static int share_once(int dir, const struct disk_limits *limits, struct err *e)
{
	CLEANUP_FD int image = -EBADF;
	struct err why = ERR_INIT;
	int mount = disk_image_open(dir, limits, 0, &why);

	if (mount != -EWOULDBLOCK) {
		if (mount < 0)
			*e = why;
		return mount;
	}
	image = disk_image_open_file(dir, O_RDONLY, e);
	if (image < 0)
		return image;
	mount = disk_image_mounted(image, e);
	return mount == -ENOENT ? -EWOULDBLOCK : mount;
}

int disk_image_share(int dir, const struct disk_limits *limits, unsigned wait_ms, struct err *e)
{
	const struct timespec pause = { .tv_nsec = SHARE_POLL_MS * 1000000L };
	uint64_t end = clock_boot_ms() + wait_ms;

	for (;;) {
		int mount = share_once(dir, limits, e);

		if (mount != -EWOULDBLOCK)
			return mount;
		if (clock_boot_ms() >= end)
			break;
		(void)nanosleep(&pause, NULL);
	}
	(void)err_set(e, EWOULDBLOCK, DISK_IMAGE_NAME " is neither free nor mounted");
	return err_hint(e, "a process of the host that keeps it open has to end");
}

int disk_image_usage_shared(int dir, struct disk_usage *ret, struct err *e)
{
	CLEANUP_FD int image = -EBADF, mount = -EBADF;
	struct disk_usage u;
	int r = disk_image_usage(dir, ret, e);

	if (r < 0)
		return r;
	image = disk_image_open_file(dir, O_RDONLY, e);
	if (image < 0)
		return image;
	mount = disk_image_mounted(image, e);
	if (mount < 0)
		return mount == -ENOENT ? 0 : mount;
	r = disk_statfs(mount, &u, e);
	if (r < 0)
		return r;
	u.allocated_bytes = ret->allocated_bytes;
	*ret = u;
	return 0;
}
