/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A copy of an image: it shares its blocks where the file system below can do that, and else is as
 * sparse as the image is. */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "images/disk_priv.h"

static int copy_range(int from, int to, off_t at, off_t end, struct err *e)
{
	off_t out = at;

	while (at < end) {
		ssize_t n = copy_file_range(from, &at, to, &out, (size_t)(end - at), 0);

		if (n < 0)
			return err_sys(e, "copy " DISK_IMAGE_NAME);
		if (n == 0)
			return err_set(e, EIO, "copy " DISK_IMAGE_NAME ": it got shorter");
	}
	return 0;
}

int disk_image_copy_data(int from, int to, struct err *e)
{
	off_t size = lseek(from, 0, SEEK_END), at = 0;
	int r = 0;

	if (size < 0 || ftruncate(to, size) < 0)
		return err_sys(e, "size of the copy of " DISK_IMAGE_NAME);
	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	while (r >= 0 && (at = lseek(from, at, SEEK_DATA)) >= 0) {
		off_t end = lseek(from, at, SEEK_HOLE);

		if (end < 0)
			return err_sys(e, "find the data of " DISK_IMAGE_NAME);
		r = copy_range(from, to, at, end, e);
		at = end;
	}
	/* No data behind `at`: the end. */
	return r < 0 || errno == ENXIO ? r : err_sys(e, "find the data of " DISK_IMAGE_NAME);
}

int disk_image_copy(int dir, int to, struct err *e)
{
	CLEANUP_FD int image = disk_image_open_file(dir, O_RDONLY, e), copy = -EBADF;
	int r;

	if (image < 0)
		return image;
	copy = openat(to, DISK_IMAGE_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		      0600);
	if (copy < 0)
		return err_sys(e, "make the copy of " DISK_IMAGE_NAME);
	r = disk_image_copy_data(image, copy, e);
	return r >= 0 && (fsync(copy) < 0 || fsync(to) < 0)
		       ? err_sys(e, "write the copy of " DISK_IMAGE_NAME)
		       : r;
}

int disk_image_sync(int dir, struct err *e)
{
	CLEANUP_FD int mount = disk_image_reach(dir, e), root = -EBADF;

	if (mount < 0)
		return mount;
	root = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root < 0 || syncfs(root) < 0 ? err_sys(e, "write " DISK_IMAGE_NAME) : 0;
}
