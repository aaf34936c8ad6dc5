/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ext4 of a disk image. It is made, checked and shrunk by the programs of e2fsprogs, by fixed
 * paths, without an environment and without the host's mke2fs.conf: what an image can do must not
 * depend on where it was made. No blocks are kept for root: root inside is the one who is limited.
 * The content of an image is written by the kernel alone, so the superblock is ours; it is parsed
 * as if it were not.
 */
#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/str.h"
#include "hooks/hooks.h"
#include "images/disk_priv.h"
#include "namespaces/mountfd.h"

#define MKFS_TIMEOUT_MS 120000
#define SHRINK_TIMEOUT_MS 3600000
#define EXT4_IOC_RESIZE_FS _IOW('f', 16, uint64_t) /* fs/ext4/ext4.h; in no header of the uapi */

#define SUPER_AT 1024
#define SUPER_SIZE 1024
/* Offsets in struct ext4_super_block (Documentation/filesystems/ext4/super.rst). */
enum {
	SUPER_INODES = 0x0,
	SUPER_BLOCKS = 0x4,
	SUPER_FREE_BLOCKS = 0xc,
	SUPER_FREE_INODES = 0x10,
	SUPER_LOG_BLOCK_SIZE = 0x18,
	SUPER_GROUP_BLOCKS = 0x20,
	SUPER_GROUP_INODES = 0x28,
	SUPER_MAGIC = 0x38,
	SUPER_BLOCKS_HIGH = 0x150,
	SUPER_FREE_BLOCKS_HIGH = 0x158,
	SUPER_OVERHEAD = 0x248,
};
#define MAGIC 0xef53

/* What ext4 has by default, less what needs a newer kernel than Linux 3.18. */
static const char features[] =
	"none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,"
	"sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum";

static uint32_t get32(const uint8_t *super, size_t at)
{
	uint32_t v;

	memcpy(&v, super + at, sizeof(v));
	return le32toh(v);
}

static uint64_t get64(const uint8_t *super, size_t low, size_t high)
{
	return get32(super, low) | (uint64_t)get32(super, high) << 32;
}

int disk_ext4_parse(const void *super, struct disk_ext4 *ret, struct err *e)
{
	const uint8_t *s = super;
	const struct disk_ext4 x = {
		.blocks = get64(s, SUPER_BLOCKS, SUPER_BLOCKS_HIGH),
		.free_blocks = get64(s, SUPER_FREE_BLOCKS, SUPER_FREE_BLOCKS_HIGH),
		.overhead = get32(s, SUPER_OVERHEAD),
		.inodes = get32(s, SUPER_INODES),
		.free_inodes = get32(s, SUPER_FREE_INODES),
		.group_blocks = get32(s, SUPER_GROUP_BLOCKS),
		.group_inodes = get32(s, SUPER_GROUP_INODES),
	};

	if ((get32(s, SUPER_MAGIC) & 0xffff) != MAGIC || get32(s, SUPER_LOG_BLOCK_SIZE) != 2 ||
	    x.blocks == 0 || x.blocks > DISK_SIZE_MAX / DISK_BLOCK || x.free_blocks > x.blocks ||
	    x.overhead > x.blocks - x.free_blocks || x.free_inodes > x.inodes ||
	    x.group_blocks == 0 || x.group_inodes == 0)
		return err_set(e, EBADMSG, DISK_IMAGE_NAME ": no ext4 with blocks of %d bytes",
			       DISK_BLOCK);
	*ret = x;
	return 0;
}

int disk_ext4_read(int image, struct disk_ext4 *ret, struct err *e)
{
	uint8_t super[SUPER_SIZE];
	ssize_t n = pread(image, super, sizeof(super), SUPER_AT);

	if (n < 0)
		return err_sys(e, "read " DISK_IMAGE_NAME);
	if (n != sizeof(super))
		return err_set(e, EBADMSG, DISK_IMAGE_NAME ": too short");
	return disk_ext4_parse(super, ret, e);
}

uint64_t disk_ext4_inodes(const struct disk_ext4 *x, uint64_t blocks)
{
	return (blocks + x->group_blocks - 1) / x->group_blocks * x->group_inodes;
}

bool disk_ext4_fills(const struct disk_ext4 *x, uint64_t blocks)
{
	/* Its table of inodes, two bitmaps, maybe a copy of superblock and descriptors with room
	 * for more of them, and the 50 blocks that mke2fs wants beside. */
	uint64_t least = (x->group_inodes + DISK_GROUP_INODES - 1) / DISK_GROUP_INODES + 1200;

	return x->blocks == blocks || (x->blocks < blocks && x->blocks % x->group_blocks == 0 &&
				       blocks - x->blocks < least);
}

/* A program of e2fsprogs on the file that its last argument names, in the directory. */
static int run(int dir, const char *program, const char *const *args, uint64_t timeout_ms,
	       struct err *e)
{
	static const char *const places[] = { "/usr/sbin", "/sbin", "/usr/bin" };
	struct hooks_at at = HOOKS_AT_INIT;
	char path[64] = "";
	struct hook h = { .path = path, .timeout_ms = timeout_ms };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		(void)str_format(path, sizeof(path), "%s/%s", places[i], program);
		if (faccessat(AT_FDCWD, path, X_OK, 0) == 0)
			break;
		path[0] = '\0';
	}
	if (!path[0]) {
		(void)err_set(e, EOPNOTSUPP, "%s is not installed", program);
		return err_hint(e, "install e2fsprogs");
	}
	at.cwd = dir;
	at.no_hook = true;
	for (size_t i = 0; args[i] && r >= 0; i++)
		r = strv_add(&h.args, args[i]);
	if (r >= 0)
		r = strv_add(&h.env, "MKE2FS_CONFIG=/dev/null");
	r = r < 0 ? err_nomem(e) : hooks_run_at(DISK_IMAGE_NAME, &h, 1, "", &at, e);
	strv_free(&h.args);
	strv_free(&h.env);
	return r;
}

int disk_ext4_make(int dir, uint64_t inodes, struct err *e)
{
	char n[32];
	/* A hole reads as zeros, so tables and journal are not written. */
	const char *args[] = { "mkfs.ext4",
			       "-q",
			       "-F",
			       "-b4096",
			       "-I256",
			       "-m0",
			       "-O",
			       features,
			       "-E",
			       "lazy_journal_init=1,root_owner=0:0",
			       inodes ? "-N" : "-i",
			       n,
			       DISK_IMAGE_NAME,
			       NULL };

	(void)str_format(n, sizeof(n), "%" PRIu64, inodes ? inodes : DISK_INODE_RATIO);
	return run(dir, args[0], args, MKFS_TIMEOUT_MS, e);
}

int disk_ext4_shrink(int dir, const char *name, uint64_t blocks, struct err *e)
{
	char n[32];
	const char *check[] = { "e2fsck", "-f", "-p", name, NULL };
	const char *resize[] = { "resize2fs", name, n, NULL };
	struct err ignored = ERR_INIT;
	int r = run(dir, check[0], check, SHRINK_TIMEOUT_MS, &ignored);

	/* Also when it has put all right, as the lost+found that a volume hasn't: then once more
	 * there is nothing. */
	if (r < 0)
		r = run(dir, check[0], check, SHRINK_TIMEOUT_MS, e);
	(void)str_format(n, sizeof(n), "%" PRIu64, blocks);
	return r < 0 ? r : run(dir, resize[0], resize, SHRINK_TIMEOUT_MS, e);
}

int disk_ext4_mount(int loop, struct err *e)
{
	char source[32];
	const struct mount_param params[] = { { "source", source }, { "errors", "remount-ro" } };

	(void)str_format(source, sizeof(source), "/proc/self/fd/%d", loop);
	return mountfd_new("ext4", params, ARRAY_SIZE(params),
			   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
}

/* Control of a file system goes by any open file of it; a mount's fd is O_PATH and takes none. */
static int control(int mount, struct err *e)
{
	int fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open the root of " DISK_IMAGE_NAME) : fd;
}

int disk_ext4_grow(int mount, uint64_t blocks, struct err *e)
{
	CLEANUP_FD int fd = control(mount, e);

	if (fd < 0)
		return -e->code;
	if (ioctl(fd, EXT4_IOC_RESIZE_FS, &blocks) == 0)
		return 0;
	if (err_sys(e, "grow " DISK_IMAGE_NAME) == -EPERM)
		return err_hint(e, "it takes CAP_SYS_RESOURCE, and a file system without errors");
	return -e->code;
}

int disk_ext4_trim(int mount, struct err *e)
{
	struct fstrim_range all = { .len = UINT64_MAX };
	CLEANUP_FD int fd = control(mount, e);

	if (fd < 0)
		return -e->code;
	/* Where the file system below can't make holes there is nothing to give back. */
	if (ioctl(fd, FITRIM, &all) < 0 && errno != EOPNOTSUPP)
		return err_sys(e, "trim " DISK_IMAGE_NAME);
	return 0;
}
