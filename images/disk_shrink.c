/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A smaller image. resize2fs moves blocks about in place, and one that is killed leaves a broken
 * file system. So it works on a copy, which replaces the image by one rename when all is done: the
 * copy shares its blocks where the file system below can do that, and else is as sparse as the
 * image, which is trimmed before.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/str.h"
#include "images/disk_priv.h"

#define COPY_NAME ".disk.img.new" /* what a killed one left is replaced by the next */

static void undo_copy(const int *dir)
{
	if (*dir >= 0)
		(void)unlinkat(*dir, COPY_NAME, 0);
}

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

static int copy_data(int from, int to, struct err *e)
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

/* Replays the journal, and what is free becomes holes. Nobody else has it: the lock is ours. */
static int settle(int image, struct err *e)
{
	CLEANUP_FD int loop = disk_loop_attach(image, DISK_BLOCK, false, e), mount = -EBADF;

	if (loop < 0)
		return loop;
	mount = disk_ext4_mount(loop, e);
	return mount < 0 ? mount : disk_ext4_trim(mount, e);
}

static int check_use(int image, uint64_t blocks, struct err *e)
{
	struct disk_ext4 x;
	int r = disk_ext4_read(image, &x, e);
	char wanted[32], used[32];

	if (r < 0 || x.blocks - x.free_blocks <= blocks)
		return r;
	num_format_size_short(blocks * DISK_BLOCK, wanted, sizeof(wanted));
	num_format_size_short((x.blocks - x.free_blocks) * DISK_BLOCK, used, sizeof(used));
	(void)err_set(e, EDQUOT, "resources.disk.size: %s is less than the %s in use", wanted,
		      used);
	return err_hint(e, "remove files, or take a larger size");
}

int disk_image_shrink(int dir, int image, uint64_t blocks, struct err *e)
{
	CLEANUP(undo_copy) int undo = -EBADF;
	CLEANUP_FD int copy = -EBADF;
	int r = settle(image, e);

	if (r < 0 || (r = check_use(image, blocks, e)) < 0)
		return r;
	if (unlinkat(dir, COPY_NAME, 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove " COPY_NAME);
	copy = openat(dir, COPY_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (copy < 0)
		return err_sys(e, "make " COPY_NAME);
	undo = dir;
	r = copy_data(image, copy, e);
	if (r >= 0)
		r = disk_ext4_shrink(dir, COPY_NAME, blocks, e);
	if (r < 0)
		return r;
	if (ftruncate(copy, (off_t)(blocks * DISK_BLOCK)) < 0 || fsync(copy) < 0)
		return err_sys(e, "sync " COPY_NAME);
	if (renameat(dir, COPY_NAME, dir, DISK_IMAGE_NAME) < 0)
		return err_sys(e, "replace " DISK_IMAGE_NAME);
	undo = -EBADF;
	return fsync(dir) < 0 ? err_sys(e, "sync the instance's directory") : 0;
}
