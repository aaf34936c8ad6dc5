/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A smaller image. resize2fs moves blocks about in place, and one that is killed leaves a broken
 * file system. So it works on a copy, which replaces the image by one rename when all is done: the
 * copy shares its blocks where the file system below can do that, and else is as sparse as the
 * image, which is trimmed before.
 */
#include <fcntl.h>
#include <stdio.h>

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
	(void)err_set(e, EDQUOT, "size: %s is less than the %s in use", wanted, used);
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
	r = disk_image_copy_data(image, copy, e);
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
