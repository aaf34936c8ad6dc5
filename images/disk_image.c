/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk.img: an ext4 as large as its file, which is sparse. The file's size is set first and the
 * file system's follows, so a change that was killed leaves one of two states, both of which
 * disk_image_open() brings to what the spec says: a file system that is smaller than it should be,
 * or one that is larger.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/lock.h"
#include "base/num.h"
#include "base/str.h"
#include "images/disk_priv.h"

#define MAKE_WAIT_MS 10000

static uint64_t wanted_blocks(const struct disk_limits *limits)
{
	return limits->size_bytes / DISK_BLOCK;
}

int disk_image_open_file(int dir, int flags, struct err *e)
{
	int fd = openat(dir, DISK_IMAGE_NAME, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd < 0 ? err_sys(e, "open " DISK_IMAGE_NAME) : fd;
}

/* The lock, which goes with the open file to the loop device. */
static int lock_image(int dir, unsigned wait_ms, struct err *e)
{
	struct err why = ERR_INIT;
	int r;

	if (faccessat(dir, DISK_IMAGE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, ENOENT, DISK_IMAGE_NAME " is missing");
	r = lock_take_at(dir, DISK_IMAGE_NAME, LOCK_MODE_EXCLUSIVE, wait_ms, &why);
	if (r != -EWOULDBLOCK) {
		if (r < 0)
			*e = why;
		return r;
	}
	(void)err_set(e, EWOULDBLOCK, DISK_IMAGE_NAME " is still in use by the last run");
	return err_hint(e, "a process of the host that has entered its mounts keeps it");
}

/* Inodes come in whole blocks of each group; never more than the limit, nor than there are blocks.
 */
static int inodes_to_make(const struct disk_limits *limits, uint64_t *ret, struct err *e)
{
	uint64_t groups = (wanted_blocks(limits) + DISK_GROUP_BLOCKS - 1) / DISK_GROUP_BLOCKS;
	uint64_t n = limits->inodes;
	char size[32];

	if (n > wanted_blocks(limits))
		n = wanted_blocks(limits);
	*ret = n / groups / DISK_GROUP_INODES * DISK_GROUP_INODES * groups;
	if (!limits->inodes || *ret)
		return 0;
	num_format_size(limits->size_bytes, size, sizeof(size));
	return err_set(e, EOPNOTSUPP,
		       "inodes: an image of %s has at least %" PRIu64 " inodes, not %" PRIu64, size,
		       groups * DISK_GROUP_INODES, limits->inodes);
}

static int set_size(int image, uint64_t blocks, struct err *e)
{
	return ftruncate(image, (off_t)(blocks * DISK_BLOCK)) < 0
		       ? err_sys(e, "set the size of " DISK_IMAGE_NAME)
		       : 0;
}

int disk_image_make(int dir, const struct disk_limits *limits, struct err *e)
{
	CLEANUP_FD int image = -EBADF, mount = -EBADF;
	uint64_t inodes = 0;
	int r = inodes_to_make(limits, &inodes, e);

	if (r < 0)
		return r;
	image = openat(dir, DISK_IMAGE_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		       0600);
	if (image < 0)
		return err_sys(e, "make " DISK_IMAGE_NAME);
	if ((r = set_size(image, wanted_blocks(limits), e)) < 0 ||
	    (r = disk_ext4_make(dir, inodes, e)) < 0)
		return r;
	/* That it can be used shows now, not at the first start. Its end writes all of it. */
	mount = disk_image_open(dir, limits, MAKE_WAIT_MS, e);
	return mount < 0 ? mount : 0;
}

/* The number of inodes grows with the size, and only with it. */
static int check_inodes(const struct disk_ext4 *x, const struct disk_limits *limits, struct err *e)
{
	uint64_t blocks = wanted_blocks(limits);
	uint64_t n = blocks > x->blocks ? disk_ext4_inodes(x, blocks) : x->inodes;
	char size[32];

	if (!limits->inodes || n <= limits->inodes)
		return 0;
	num_format_size(limits->size_bytes, size, sizeof(size));
	(void)err_set(e, EOPNOTSUPP,
		      "inodes: this image has %" PRIu64 " inodes with %s, not at most %" PRIu64, n,
		      size, limits->inodes);
	return err_hint(e, "set inodes to %" PRIu64 " or more", n);
}

/* Puts the locked image on a loop device and mounts it; a file system that is too small grows. */
static int mount_image(int image, uint64_t blocks, struct err *e)
{
	CLEANUP_FD int loop = -EBADF, mount = -EBADF;
	struct disk_ext4 x;
	bool grows;
	int r = disk_ext4_read(image, &x, e);

	if (r < 0)
		return r;
	grows = x.blocks < blocks && !disk_ext4_fills(&x, blocks);
	if (grows) {
		r = set_size(image, blocks, e);
		if (r < 0)
			return r;
	}
	loop = disk_loop_attach(image, DISK_BLOCK, false, e);
	if (loop < 0)
		return loop;
	mount = disk_ext4_mount(loop, e);
	if (mount < 0)
		return mount;
	if (grows) {
		r = disk_ext4_grow(mount, blocks, e);
		if (r < 0)
			return r;
	}
	return TAKE_FD(mount);
}

static int shrink_if_larger(int dir, const struct disk_limits *limits, unsigned wait_ms,
			    struct err *e)
{
	CLEANUP_FD int image = lock_image(dir, wait_ms, e);
	struct disk_ext4 x;
	int r = image < 0 ? image : disk_ext4_read(image, &x, e);

	if (r >= 0)
		r = check_inodes(&x, limits, e);
	if (r < 0 || x.blocks <= wanted_blocks(limits))
		return r;
	return disk_image_shrink(dir, image, wanted_blocks(limits), e);
}

int disk_image_open(int dir, const struct disk_limits *limits, unsigned wait_ms, struct err *e)
{
	CLEANUP_FD int image = -EBADF;
	int r = shrink_if_larger(dir, limits, wait_ms, e);

	if (r < 0)
		return r;
	image = lock_image(dir, wait_ms, e);
	return image < 0 ? image : mount_image(image, wanted_blocks(limits), e);
}

/* A second mount of the same device is the same file system. */
int disk_image_mounted(int image, struct err *e)
{
	CLEANUP_FD int loop = disk_loop_find(image, e);

	return loop < 0 ? loop : disk_ext4_mount(loop, e);
}

int disk_image_reach(int dir, struct err *e)
{
	CLEANUP_FD int image = disk_image_open_file(dir, O_RDONLY, e);
	int mount;

	if (image < 0)
		return TAKE_FD(image);
	mount = disk_image_mounted(image, e);
	return mount == -ENOENT ? err_set(e, ENOENT, DISK_IMAGE_NAME " is not in use") : mount;
}

static int grow_mounted(int image, uint64_t blocks, struct err *e)
{
	CLEANUP_FD int loop = disk_loop_find(image, e), mount = -EBADF;
	int r;

	if (loop < 0)
		return loop == -ENOENT ? err_set(e, ENOENT, DISK_IMAGE_NAME " is not in use")
				       : loop;
	if ((r = set_size(image, blocks, e)) < 0 || (r = disk_loop_refresh(loop, e)) < 0)
		return r;
	mount = disk_ext4_mount(loop, e);
	return mount < 0 ? mount : disk_ext4_grow(mount, blocks, e);
}

int disk_image_resize(int dir, const struct disk_limits *limits, bool up, struct err *e)
{
	CLEANUP_FD int image = -EBADF, mount = -EBADF;
	uint64_t blocks = wanted_blocks(limits);
	struct disk_ext4 x;
	int r;

	if (!up) {
		mount = disk_image_open(dir, limits, MAKE_WAIT_MS, e);
		return mount < 0 ? mount : 0;
	}
	image = disk_image_open_file(dir, O_RDWR, e);
	r = image < 0 ? image : disk_ext4_read(image, &x, e);
	if (r < 0 || (r = check_inodes(&x, limits, e)) < 0 || disk_ext4_fills(&x, blocks))
		return r;
	if (x.blocks > blocks)
		return err_set(e, EBUSY, "an image can't shrink while it is in use");
	return grow_mounted(image, blocks, e);
}

int disk_image_trim(int dir, unsigned wait_ms, struct err *e)
{
	CLEANUP_FD int image = lock_image(dir, wait_ms, e), mount = -EBADF;

	if (image < 0)
		return image;
	mount = mount_image(image, 0, e);
	return mount < 0 ? mount : disk_ext4_trim(mount, e);
}

int disk_image_usage(int dir, struct disk_usage *ret, struct err *e)
{
	CLEANUP_FD int image = disk_image_open_file(dir, O_RDONLY, e);
	struct disk_ext4 x;
	struct stat st;
	int r = image < 0 ? image : disk_ext4_read(image, &x, e);

	if (r < 0)
		return r;
	if (fstat(image, &st) < 0)
		return err_sys(e, "stat " DISK_IMAGE_NAME);
	*ret = (struct disk_usage){
		.size_bytes = (x.blocks - x.overhead) * DISK_BLOCK,
		.used_bytes = (x.blocks - x.overhead - x.free_blocks) * DISK_BLOCK,
		.inodes = x.inodes,
		.used_inodes = x.inodes - x.free_inodes,
		.allocated_bytes = (uint64_t)st.st_blocks * 512,
	};
	return 0;
}
