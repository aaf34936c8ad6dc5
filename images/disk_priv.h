/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the disk images share. */
#ifndef JAIL_IMAGES_DISK_PRIV_H
#define JAIL_IMAGES_DISK_PRIV_H

#include "images/disk.h"

#define DISK_BLOCK 4096
#define DISK_INODE_RATIO                                                                           \
	UINT64_C(16384) /* bytes of an image for each inode, if no number is given */
#define DISK_GROUP_BLOCKS                                                                          \
	32768 /* of an ext4 with such blocks: as many as a bitmap block has bits */
#define DISK_GROUP_INODES 16 /* a group has a multiple: what fits a block */

/* ---- disk_image.c ---- */

/* A further mount of an image that is in use. Return: fd; -ENOENT without touching *e. */
int disk_image_mounted(int image, struct err *e);
int disk_image_open_file(int dir, int flags, struct err *e);

/* ---- disk_loop.c ---- */

/* Puts `image`, an open file, on a free loop device, which is gone when nobody has it open or
 * mounted. block_size: 0: 512 bytes. Return: fd of the device. */
int disk_loop_attach(int image, unsigned block_size, bool read_only, struct err *e);
/* The loop device that `image`'s file is on. Return: fd; -ENOENT without touching *e. */
int disk_loop_find(int image, struct err *e);
/* The file behind it has grown. */
int disk_loop_refresh(int loop, struct err *e);

/* ---- disk_ext4.c ---- */

struct disk_ext4 {
	uint64_t blocks, free_blocks, overhead; /* of DISK_BLOCK */
	uint64_t inodes, free_inodes;
	uint64_t group_blocks, group_inodes;
};
/* From the 1024 bytes of a superblock. -EBADMSG: it is not one of ours. */
int disk_ext4_parse(const void *super, struct disk_ext4 *ret, struct err *e);
int disk_ext4_read(int image, struct disk_ext4 *ret, struct err *e);
/* Inodes of a file system with that many blocks and groups like these. */
uint64_t disk_ext4_inodes(const struct disk_ext4 *x, uint64_t blocks);
/* It has as much of `blocks` as it can: a last group that is too small for what a group has to hold
 * is left away by who makes or grows it. */
bool disk_ext4_fills(const struct disk_ext4 *x, uint64_t blocks);
/* mkfs.ext4 on the file disk.img of the directory; inodes 0: as DISK_INODE_RATIO says. */
int disk_ext4_make(int dir, uint64_t inodes, struct err *e);
/* e2fsck and resize2fs on the file `name`, which nobody has mounted. */
int disk_ext4_shrink(int dir, const char *name, uint64_t blocks, struct err *e);
/* Return: fd of a detached mount. */
int disk_ext4_mount(int loop, struct err *e);
/* Grows a mounted one. */
int disk_ext4_grow(int mount, uint64_t blocks, struct err *e);
int disk_ext4_trim(int mount, struct err *e);

/* ---- disk_copy.c ---- */

/* Into the empty file `to`. */
int disk_image_copy_data(int from, int to, struct err *e);

/* ---- disk_shrink.c ---- */

/* disk.img, which the caller has locked, becomes a smaller one. */
int disk_image_shrink(int dir, int image, uint64_t blocks, struct err *e);

#endif
