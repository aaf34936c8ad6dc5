/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check: whether limits of a disk can be held here, and by what. */
#include "runtime/check_priv.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/str.h"
#include "images/disk.h"

static int image_in(int where, const char *name, struct err *e)
{
	const struct disk_limits limits = { .size_bytes = DISK_SIZE_MIN };
	CLEANUP_FD int dir = -EBADF;

	if (mkdirat(where, name, 0700) < 0)
		return err_sys(e, "make a directory on the state file system");
	dir = path_open_beneath(where, name, O_RDONLY | O_DIRECTORY, 0);
	return dir < 0 ? err_ret(e, dir, "open %s", name) : disk_image_make(dir, &limits, e);
}

int check_try_image(struct attempt *a)
{
	CLEANUP_FD int where = check_nearest_directory(a->config->state_dir);
	struct err ignored = ERR_INIT;
	char name[40];
	int r;

	if (where < 0)
		return err_ret(a->e, where, "open the state directory");
	(void)str_format(name, sizeof(name), ".jail-check-disk-%d", getpid());
	r = image_in(where, name, a->e);
	(void)path_remove_tree(where, name, &ignored);
	return r;
}

int check_try_projects(struct attempt *a)
{
	CLEANUP_FD int where = check_nearest_directory(a->config->state_dir);

	if (where < 0)
		return err_ret(a->e, where, "open the state directory");
	if (disk_project_is_enforced(where))
		return 0;
	(void)err_set(a->e, EOPNOTSUPP, "not on the state directory's file system");
	return err_hint(a->e, "mount it with prjquota (ext4) or pquota (XFS)");
}
