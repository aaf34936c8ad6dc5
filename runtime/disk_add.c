/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits for the disk of an instance that was made without: its files move into a disk.img. They
 * are copied into one below ".rebuild", where the new spec.json lies too, and then it goes as with
 * a rebuild (rebuild.c): one rename commits, the rest is only done, by us or by who comes next.
 */
#include <fcntl.h>

#include "base/path.h"
#include "images/snapshot.h"
#include "runtime/disk.h"

static int copy_into(const struct jail_spec *to, const struct meta *meta, int dir, int disk,
		     struct err *e)
{
	CLEANUP_SNAPSHOTS struct snapshots from = SNAPSHOTS_INIT, in = SNAPSHOTS_INIT;
	CLEANUP_FD int mount = -EBADF, holder = -EBADF;
	int r = snapshots_read(dir, &from, e);

	if (r < 0 || (r = mount = instance_disk_open(to, meta, disk, e)) < 0)
		return r;
	holder = path_open_beneath(mount, ".", O_RDONLY | O_DIRECTORY, 0);
	if (holder < 0)
		return err_ret(e, holder, "open the new disk");
	in.holder = holder;
	if ((r = snapshots_prepare(&in, 0, e)) < 0 || (r = snapshots_copy_all(&from, &in, e)) < 0)
		return r;
	return syncfs(holder) < 0 ? err_sys(e, "write the new disk") : 0;
}

int instance_disk_add(const struct jail_spec *to, const struct meta *meta, int dir, int into,
		      struct err *e)
{
	CLEANUP_FD int disk = -EBADF;
	int r;

	if (!to->disk.size_bytes) {
		(void)err_set(e, EOPNOTSUPP,
			      "resources.disk.inodes: needs resources.disk.size, since an image "
			      "file has to hold the limit");
		return err_hint(e, "give a size too");
	}
	r = disk = path_make_dir_at(into, DISK_ADDED, 0700, e);
	if (r >= 0)
		r = disk_image_make(disk, &to->disk, e);
	if (r >= 0)
		r = copy_into(to, meta, dir, disk, e);
	if (r == -ENOSPC || r == -EDQUOT)
		(void)err_hint(e, "take a larger size, or remove files or snapshots");
	if (r >= 0 && fsync(disk) < 0)
		r = err_sys(e, "sync the new disk");
	return r < 0 ? err_wrap(e, "resources.disk") : 0;
}

int instance_disk_added(int dir, int from, int gone, struct err *e)
{
	static const char *const old[] = { "upper", "work", "l", SNAPSHOT_DIR };
	CLEANUP_FD int disk = path_open_beneath(from, DISK_ADDED, O_RDONLY | O_DIRECTORY, 0);

	if (disk < 0)
		return err_ret(e, disk, "open the new disk");
	for (size_t i = 0; i < ARRAY_SIZE(old); i++)
		if (renameat(dir, old[i], gone, old[i]) < 0 && errno != ENOENT)
			return err_sys(e, "move %s away", old[i]);
	if (renameat(disk, DISK_IMAGE_NAME, dir, DISK_IMAGE_NAME) < 0 && errno != ENOENT)
		return err_sys(e, "move " DISK_IMAGE_NAME " into its place");
	return fsync(dir) < 0 ? err_sys(e, "sync the instance") : 0;
}
