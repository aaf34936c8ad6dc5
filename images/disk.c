/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all kinds of disks share, and the one that is in memory. */
#include "images/disk.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/statfs.h>

#include "base/file.h"
#include "base/str.h"
#include "namespaces/mountfd.h"

static const char *const kind_names[] = {
	[DISK_DIRECTORY] = "directory",
	[DISK_PROJECT] = "project",
	[DISK_IMAGE] = "image",
	[DISK_TMPFS] = "tmpfs",
};

const char *disk_kind_name(enum disk_kind kind)
{
	return kind_names[kind];
}

static bool has_file(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

enum disk_kind disk_kind_of(int dir)
{
	if (has_file(dir, DISK_IMAGE_NAME))
		return DISK_IMAGE;
	if (has_file(dir, DISK_PROJECT_NAME))
		return DISK_PROJECT;
	return has_file(dir, DISK_VOLATILE_NAME) ? DISK_TMPFS : DISK_DIRECTORY;
}

int disk_volatile_mark(int dir, bool durable, struct err *e)
{
	return file_write_at(dir, DISK_VOLATILE_NAME, "", 0, 0600,
			     durable ? FILE_SYNC : FILE_NOSYNC, e);
}

int disk_tmpfs_new(const struct disk_limits *limits, struct err *e)
{
	uint64_t bytes = limits->size_bytes ? limits->size_bytes : DISK_TMPFS_SIZE;
	char size[32], inodes[32];
	const struct mount_param params[] = {
		{ "source", "jail" }, { "size", size }, { "nr_inodes", inodes }, { "mode", "755" }
	};

	(void)str_format(size, sizeof(size), "%" PRIu64, bytes);
	(void)str_format(inodes, sizeof(inodes), "%" PRIu64,
			 limits->inodes ? limits->inodes : bytes / 4096);
	return mountfd_new("tmpfs", params, ARRAY_SIZE(params),
			   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
}

int disk_statfs(int fd, struct disk_usage *ret, struct err *e)
{
	struct statfs s;
	uint64_t unit;

	if (fstatfs(fd, &s) < 0)
		return err_sys(e, "statfs");
	unit = (uint64_t)(s.f_frsize ? s.f_frsize : s.f_bsize);
	*ret = (struct disk_usage){
		.size_bytes = s.f_blocks * unit,
		.used_bytes = (s.f_blocks - s.f_bfree) * unit,
		.inodes = s.f_files,
		.used_inodes = s.f_files - s.f_ffree,
	};
	return 0;
}
