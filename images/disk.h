/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where an instance's own files lie, and how much of it there is. Limits hold in one of three ways:
 *
 * - project: "upper" and "work" of the instance's directory carry a project id, whose quota the
 *   file system of the state directory enforces.
 * - image: they lie in a sparse ext4 image, disk.img, on a loop device. Its mount is never attached
 *   in the host's mount namespace. The device holds the open file that disk.img was locked by, so
 *   the lock tells whether the image is in use, whoever was killed; it is never on two devices.
 *   Several mount it only as a volume (disk_image_share()).
 * - tmpfs: of a volatile instance, gone when it stops.
 *
 * Without a limit they are plain directories. Which of these it is shows from the instance's
 * directory: disk.img, disk.project, disk.volatile, or none of them.
 */
#ifndef JAIL_IMAGES_DISK_H
#define JAIL_IMAGES_DISK_H

#include "base/ident.h"

#define DISK_IMAGE_NAME "disk.img"
#define DISK_PROJECT_NAME "disk.project" /* the id */
#define DISK_VOLATILE_NAME "disk.volatile" /* empty */
#define DISK_SIZE_MIN (UINT64_C(16) << 20) /* a journal and a little more */
#define DISK_SIZE_MAX (UINT64_C(1) << 50)
#define DISK_INODES_MIN 64
#define DISK_INODES_MAX 4000000000 /* of an ext4 */
#define DISK_TMPFS_SIZE (UINT64_C(1) << 30) /* when no size is given */

enum disk_kind { DISK_DIRECTORY, DISK_PROJECT, DISK_IMAGE, DISK_TMPFS };
const char *disk_kind_name(enum disk_kind kind); /* "directory", ... */

struct disk_limits {
	uint64_t size_bytes, inodes; /* 0: none */
};

struct disk_usage {
	uint64_t size_bytes, used_bytes; /* what `df` shows inside */
	uint64_t inodes, used_inodes;
	uint64_t allocated_bytes; /* of an image: what it takes of the host's disk */
};

enum disk_kind disk_kind_of(int dir);

/* ---- images ---- */

/* Makes disk.img. What was begun stays for the caller to remove. -EOPNOTSUPP: the host can't; the
 * text says what is missing. */
int disk_image_make(int dir, const struct disk_limits *limits, struct err *e);
/*
 * Its file system as a detached mount, brought to the size of `limits` before. wait_ms: for the end
 * of an earlier one. Return: fd; -EWOULDBLOCK: in use.
 */
int disk_image_open(int dir, const struct disk_limits *limits, unsigned wait_ms, struct err *e);
/* The same for a file system that several have mounted at once: a further mount of the device that
 * it is on, or the first. The device ends with its last mount. */
int disk_image_share(int dir, const struct disk_limits *limits, unsigned wait_ms, struct err *e);
/* The file system of one that is in use. Return: fd of a detached mount; -ENOENT: it is not. */
int disk_image_reach(int dir, struct err *e);
/*
 * Another size. `up`: it is in use, and can only grow. Return: 0; -EDQUOT: more than that is in
 * use; -ENOENT: `up`, and it is not in use any more; -EOPNOTSUPP: the number of inodes can't be
 * had. A change that is killed is made again, or undone, by the next disk_image_open().
 */
int disk_image_resize(int dir, const struct disk_limits *limits, bool up, struct err *e);
/* All that was written into one that is in use gets into the file. -ENOENT as above. */
int disk_image_sync(int dir, struct err *e);
/* A copy of the file in the directory `to`, on disk. Nobody writes to its file system, and what was
 * written is in the file: it is not in use, or disk_image_sync() came after the last. */
int disk_image_copy(int dir, int to, struct err *e);
/* Gives back to the host what is free inside. When it is in use, nothing happens after wait_ms. */
int disk_image_trim(int dir, unsigned wait_ms, struct err *e);
/* Of one that is not in use, as its superblock says. */
int disk_image_usage(int dir, struct disk_usage *ret, struct err *e);
/* Of one that may be in use. */
int disk_image_usage_shared(int dir, struct disk_usage *ret, struct err *e);

/* ---- projects ---- */

struct disk_projects { /* ids that are jail's */
	uint32_t first, count;
};

/* The file system of the directory enforces project quotas, and we may set them. */
bool disk_project_is_enforced(int dir);
/* An id for `owner` that nobody else uses on the file system of `dir`. pool: of base/lease.h. */
int disk_project_lease(int pool, int dir, const struct disk_projects *projects,
		       const struct jail_name *owner, uint32_t *ret, struct err *e);
/* Gives it back. Its limits are taken away before: disk_project_limit() with zeros. */
void disk_project_drop(int pool, uint32_t id, const struct jail_name *owner);
int disk_project_limit(int dir, uint32_t id, const struct disk_limits *limits, struct err *e);
/* -EDQUOT: more is in use. */
int disk_project_check(int dir, uint32_t id, const struct disk_limits *limits, struct err *e);
int disk_project_usage(int dir, uint32_t id, struct disk_usage *ret, struct err *e);
/* The empty directory, and what will be made in it. */
int disk_project_put(int dir, const char *name, uint32_t id, struct err *e);
/* disk.project */
int disk_project_mark(int dir, uint32_t id, bool durable, struct err *e);
int disk_project_read(int dir, uint32_t *ret, struct err *e);

/* ---- tmpfs ---- */

/* Says that the instance of this directory is volatile. */
int disk_volatile_mark(int dir, bool durable, struct err *e);
/* Return: fd of a detached mount. */
int disk_tmpfs_new(const struct disk_limits *limits, struct err *e);

/* ---- block devices and image files of others ---- */

/*
 * Mounts the file system of a block device, or of an image file (is_file), open for what it takes.
 * It is somebody else's, and the kernel reads it as it is: whoever could write it talks to the
 * kernel's file system code. Callers see to it that there is one at a time for each file. Return:
 * fd of a detached mount.
 */
int disk_block_mount(int source, bool is_file, const char *fstype, bool read_only, struct err *e);

/* ---- all ---- */

/* What statfs(2) says of an open directory. */
int disk_statfs(int fd, struct disk_usage *ret, struct err *e);

#endif
