/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Project quotas of ext4 ("prjquota") and XFS ("pquota"). Directories with a project id and the
 * inherit flag hand both to what is made in them, and neither can be changed from within a user
 * namespace (fileattr_set_prepare() of the kernel). The overlay writes with the rights of who has
 * mounted it, less CAP_SYS_RESOURCE (ovl_fill_super()): root of the host would not be held.
 *
 * An id that has files or limits and no lease of ours is somebody else's, and passed over.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "base/lease.h"
#include "base/num.h"
#include "base/path.h"
#include "base/str.h"
#include "images/disk.h"

#define QUOTA_UNIT 1024 /* of the limits in struct if_dqblk, QIF_DQBLKSIZE */

static int control(int fd, unsigned cmd, uint32_t id, void *arg)
{
	int r = (int)syscall(SYS_quotactl_fd, fd, QCMD(cmd, PRJQUOTA), id, arg);

	return r < 0 ? -errno : 0;
}

bool disk_project_is_enforced(int dir)
{
	struct fs_quota_statv state = { .qs_version = FS_QSTATV_VERSION1 };

	return control(dir, Q_XGETQSTATV, 0, &state) == 0 && (state.qs_flags & FS_QUOTA_PDQ_ENFD);
}

static int get_quota(int dir, uint32_t id, struct if_dqblk *ret, struct err *e)
{
	int r;

	*ret = (struct if_dqblk){ .dqb_valid = 0 };
	r = control(dir, Q_GETQUOTA, id, ret);
	/* XFS has no record of an id that nobody has used. */
	return r == -ENOENT || r == 0 ? 0 : err_ret(e, r, "ask for the quota of project %u", id);
}

static void key_of(uint64_t number, const void *arg, char *ret, size_t n)
{
	(void)arg;
	(void)str_format(ret, n, "%" PRIu64, number);
}

/* What can't be asked about is left alone. */
static bool is_foreign(uint64_t number, const void *arg)
{
	struct err ignored = ERR_INIT;
	struct if_dqblk q;

	return get_quota(*(const int *)arg, (uint32_t)number, &q, &ignored) < 0 || q.dqb_curspace ||
	       q.dqb_curinodes || q.dqb_bhardlimit || q.dqb_bsoftlimit || q.dqb_ihardlimit ||
	       q.dqb_isoftlimit;
}

int disk_project_lease(int pool, int dir, const struct disk_projects *projects,
		       const struct jail_name *owner, uint32_t *ret, struct err *e)
{
	const struct lease_range range = { .first = projects->first,
					   .count = projects->count,
					   .format = key_of,
					   .is_foreign = is_foreign,
					   .arg = &dir };
	struct lease_taken taken;
	int r = lease_take_any(pool, &range, owner, &taken, e);

	if (r < 0) {
		(void)err_wrap(e, "project id");
		return r == -ENOSPC
			       ? err_hint(e, "remove unused instances, run jail gc, or give "
					     "\"projects\" of the configuration a larger range "
					     "that nobody else uses")
			       : r;
	}
	*ret = (uint32_t)taken.number;
	return 0;
}

void disk_project_drop(int pool, uint32_t id, const struct jail_name *owner)
{
	char key[32];

	key_of(id, NULL, key, sizeof(key));
	(void)lease_drop(pool, key, owner);
}

int disk_project_limit(int dir, uint32_t id, const struct disk_limits *limits, struct err *e)
{
	struct if_dqblk q = {
		.dqb_bhardlimit = limits->size_bytes / QUOTA_UNIT,
		.dqb_ihardlimit = limits->inodes,
		.dqb_valid = QIF_LIMITS,
	};
	struct if_dqblk now;
	int r = control(dir, Q_SETQUOTA, id, &q);

	if (r < 0)
		return err_ret(e, r, "set the quota of project %u", id);
	r = get_quota(dir, id, &now, e);
	if (r < 0)
		return r;
	if (now.dqb_bhardlimit != q.dqb_bhardlimit || now.dqb_ihardlimit != q.dqb_ihardlimit)
		return err_set(e, EIO, "the quota of project %u does not read back as set", id);
	return 0;
}

int disk_project_check(int dir, uint32_t id, const struct disk_limits *limits, struct err *e)
{
	char wanted[32], used[32];
	struct if_dqblk q;
	int r = get_quota(dir, id, &q, e);

	if (r < 0)
		return r;
	num_format_size_short(limits->size_bytes, wanted, sizeof(wanted));
	num_format_size_short(q.dqb_curspace, used, sizeof(used));
	if (limits->size_bytes && q.dqb_curspace > limits->size_bytes)
		(void)err_set(e, EDQUOT, "size: %s is less than the %s in use", wanted, used);
	else if (limits->inodes && q.dqb_curinodes > limits->inodes)
		(void)err_set(e, EDQUOT, "inodes: %" PRIu64 " is less than the %llu in use",
			      limits->inodes, (unsigned long long)q.dqb_curinodes);
	else
		return 0;
	return err_hint(e, "remove files, or take a larger limit");
}

int disk_project_usage(int dir, uint32_t id, struct disk_usage *ret, struct err *e)
{
	struct disk_usage u;
	struct if_dqblk q;
	int r = get_quota(dir, id, &q, e);

	if (r >= 0)
		r = disk_statfs(dir, &u, e);
	if (r < 0)
		return r;
	u.used_bytes = q.dqb_curspace;
	u.used_inodes = q.dqb_curinodes;
	if (q.dqb_bhardlimit)
		u.size_bytes = q.dqb_bhardlimit * QUOTA_UNIT;
	if (q.dqb_ihardlimit)
		u.inodes = q.dqb_ihardlimit;
	*ret = u;
	return 0;
}

int disk_project_put(int dir, const char *name, uint32_t id, struct err *e)
{
	CLEANUP_FD int fd = path_open_beneath(dir, name, O_RDONLY | O_DIRECTORY, 0);
	struct fsxattr attr, now;

	if (fd < 0)
		return err_ret(e, fd, "open %s", name);
	if (ioctl(fd, FS_IOC_FSGETXATTR, &attr) < 0)
		return err_sys(e, "project of %s", name);
	attr.fsx_projid = id;
	attr.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	if (ioctl(fd, FS_IOC_FSSETXATTR, &attr) < 0)
		return err_sys(e, "put %s into project %u", name, id);
	if (ioctl(fd, FS_IOC_FSGETXATTR, &now) < 0 || now.fsx_projid != id ||
	    !(now.fsx_xflags & FS_XFLAG_PROJINHERIT))
		return err_set(e, EIO, "%s is not in project %u after it was put there", name, id);
	return 0;
}

int disk_project_mark(int dir, uint32_t id, bool durable, struct err *e)
{
	char text[32];
	int n = str_format(text, sizeof(text), "%u\n", id);

	return file_write_at(dir, DISK_PROJECT_NAME, text, (size_t)n, 0600,
			     durable ? FILE_SYNC : FILE_NOSYNC, e);
}

int disk_project_read(int dir, uint32_t *ret, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	uint64_t id;
	size_t n;
	int r = file_read_at(dir, DISK_PROJECT_NAME, 32, &text, &n, e);

	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	if (num_parse_u64(text, 1, UINT32_MAX, &id, e) < 0)
		return err_wrap(e, DISK_PROJECT_NAME);
	*ret = (uint32_t)id;
	return 0;
}
