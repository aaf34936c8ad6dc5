/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loop devices. A device is found free, and taken, by LOOP_CONFIGURE (Linux 5.8), which fails when
 * somebody else was faster. Direct I/O, so that a block is not cached twice; where the file system
 * below can't do it, the kernel leaves it off by itself.
 */
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/dir.h"
#include "base/str.h"
#include "images/disk_priv.h"

#define LOOP_ATTEMPTS 64

static int loop_open(const char *name, int flags)
{
	char path[64];

	if (str_format(path, sizeof(path), "/dev/%s", name) < 0)
		return -ENAMETOOLONG;
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
}

int disk_loop_attach(int image, unsigned block_size, bool read_only, struct err *e)
{
	CLEANUP_FD int control = loop_open("loop-control", O_RDWR);
	const struct loop_config config = {
		.fd = (uint32_t)image,
		.block_size = block_size,
		.info = { .lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO |
				      (read_only ? LO_FLAGS_READ_ONLY : 0u) },
	};

	if (control < 0) {
		(void)err_sys(e, "open /dev/loop-control");
		return err_hint(e, "load the module \"loop\"");
	}
	for (int i = 0; i < LOOP_ATTEMPTS; i++) {
		CLEANUP_FD int loop = -EBADF;
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		char name[32];

		if (number < 0)
			return err_sys(e, "find a free loop device");
		(void)str_format(name, sizeof(name), "loop%d", number);
		loop = loop_open(name, read_only ? O_RDONLY : O_RDWR);
		if (loop < 0)
			return err_sys(e, "open /dev/%s", name);
		if (ioctl(loop, LOOP_CONFIGURE, &config) == 0)
			return TAKE_FD(loop);
		if (errno != EBUSY)
			return err_sys(e, "put an image file on /dev/%s", name);
	}
	(void)err_set(e, EBUSY, "no loop device stayed free in %d attempts", LOOP_ATTEMPTS);
	return err_hint(e, "try again");
}

/* As the kernel writes device numbers to user space: new_encode_dev(). */
static uint64_t encoded(dev_t dev)
{
	uint64_t low = minor(dev);

	return (low & 0xff) | (uint64_t)major(dev) << 8 | (low & ~UINT64_C(0xff)) << 12;
}

int disk_loop_find(int image, struct err *e)
{
	CLEANUP_FD int sys = open("/sys/block", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *d = dir_take(&sys);
	struct dirent *entry;
	struct stat st;

	if (!d)
		return err_sys(e, "list /sys/block");
	if (fstat(image, &st) < 0)
		return err_sys(e, "stat an image file");
	while ((errno = 0, entry = readdir(d))) {
		struct loop_info64 info = { .lo_flags = 0 };
		CLEANUP_FD int loop = -EBADF;

		if (!str_starts(entry->d_name, "loop"))
			continue;
		loop = loop_open(entry->d_name, O_RDONLY);
		if (loop >= 0 && ioctl(loop, LOOP_GET_STATUS64, &info) == 0 &&
		    info.lo_inode == st.st_ino && info.lo_device == encoded(st.st_dev))
			return TAKE_FD(loop);
	}
	return errno ? err_sys(e, "list /sys/block") : -ENOENT;
}

int disk_loop_refresh(int loop, struct err *e)
{
	return ioctl(loop, LOOP_SET_CAPACITY, 0) < 0 ? err_sys(e, "tell the loop device its size")
						     : 0;
}
