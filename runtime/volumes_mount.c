/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes and block devices as mounts. All are detached: they are never in the host's mount table,
 * and end with the last instance that has them. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/lock.h"
#include "base/path.h"
#include "namespaces/mountfd.h"
#include "runtime/disk.h"
#include "runtime/volumes_priv.h"

#define OPEN_WAIT_MS 30000 /* the last user's file system writes what it has */
#define BLOCK_WAIT_MS 30000

#define NO_SUID_DEV (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

static int mount_directory(int dir, struct err *e)
{
	CLEANUP_FD int data = path_open_beneath(dir, "data", O_PATH | O_DIRECTORY, 0);

	if (data < 0)
		return err_ret(e, data, "open data");
	return mountfd_clone(data, "", false, NO_SUID_DEV, 0, -EBADF, e);
}

int volume_mount(int dir, const struct volume *v, struct err *e)
{
	if (disk_kind_of(dir) == DISK_IMAGE)
		return disk_image_share(dir, &v->limits, OPEN_WAIT_MS, e);
	return mount_directory(dir, e);
}

/* Whether the limits hold for this instance. */
static int check_limits(const struct jail_spec *spec, const struct volume *v, int dir,
			struct err *e)
{
	if (disk_kind_of(dir) != DISK_PROJECT)
		return 0;
	if (!disk_project_is_enforced(dir)) {
		(void)err_set(e, EOPNOTSUPP,
			      "volume %s: the file system of the state directory doesn't enforce "
			      "project quotas any more",
			      v->name.s);
		return err_hint(e, "mount it with prjquota (ext4) or pquota (XFS)");
	}
	if (spec->security.user_namespace == SPEC_USERNS_AUTO)
		return 0;
	(void)err_set(e, EOPNOTSUPP,
		      "volume %s: its limits are project quotas, which don't hold root with "
		      "security.userNamespace \"host\"",
		      v->name.s);
	return err_hint(e, "take a volume without limits, or userNamespace \"auto\"");
}

static int check_tenant(const struct jail_spec *spec, const struct volume *v, struct err *e)
{
	if (str_eq(spec->tenant.s, v->tenant.s))
		return 0;
	if (!v->tenant.s[0])
		return err_set(e, EPERM,
			       "volume %s is nobody's, and the instance is tenant %s's: they "
			       "can't share",
			       v->name.s, spec->tenant.s);
	return err_set(e, EPERM, "volume %s is tenant %s's, and the instance is %s%s's", v->name.s,
		       v->tenant.s, spec->tenant.s[0] ? "tenant " : "",
		       spec->tenant.s[0] ? spec->tenant.s : "nobody");
}

static int open_checked(struct jail *j, const struct jail_spec *spec, const char *text,
			struct volume *ret, struct err *e)
{
	CLEANUP_FD int dir = -EBADF;
	struct jail_name name;
	int r = name_parse("volume", text, &name, e);

	if (r >= 0)
		r = dir = volume_dir(j, &name, e);
	if (r >= 0)
		r = volume_file_read(dir, &name, ret, e);
	if (r < 0 || (r = check_tenant(spec, ret, e)) < 0 ||
	    (r = check_limits(spec, ret, dir, e)) < 0)
		return r;
	return TAKE_FD(dir);
}

static bool has_volume(const struct jail_spec *spec, const char *name)
{
	for (size_t i = 0; spec && i < spec->n_mounts; i++)
		if (spec->mounts[i].kind == SPEC_MOUNT_VOLUME &&
		    str_eq(spec->mounts[i].source, name))
			return true;
	return false;
}

int volumes_check(struct jail *j, const struct jail_spec *spec, const struct jail_spec *before,
		  struct err *e)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		CLEANUP_VOLUME struct volume v = { .mode = 0 };
		CLEANUP_FD int dir = -EBADF;

		if (spec->mounts[i].kind != SPEC_MOUNT_VOLUME ||
		    has_volume(before, spec->mounts[i].source))
			continue;
		dir = open_checked(j, spec, spec->mounts[i].source, &v, e);
		if (dir < 0)
			return err_wrap(e, "mounts[%zu]", i);
	}
	return 0;
}

int volume_open(struct jail *j, const struct jail_spec *spec, const struct spec_mount *m,
		int *ret_guard, struct err *e)
{
	CLEANUP_VOLUME struct volume v = { .mode = 0 };
	CLEANUP_FD int dir = -EBADF, guard = -EBADF;
	struct jail_name name;
	int mount, r = name_parse("volume", m->source, &name, e);

	if (r >= 0)
		r = dir = volume_dir(j, &name, e);
	if (r < 0)
		return r;
	guard = volume_guard(dir, LOCK_MODE_SHARED, VOLUME_GUARD_WAIT_MS, e);
	if (guard < 0)
		return err_wrap(e, "volume %s", name.s);
	fd_reset(&dir);
	dir = open_checked(j, spec, name.s, &v, e);
	if (dir < 0)
		return dir;
	mount = volume_mount(dir, &v, e);
	if (mount < 0)
		return err_wrap(e, "volume %s", v.name.s);
	*ret_guard = TAKE_FD(guard);
	return mount;
}

/* Links are root's own in the path that he gave; what it leads to is opened once. */
static int open_source(const char *path, bool read_only, struct stat *ret, struct err *e)
{
	CLEANUP_FD int found = open(path, O_PATH | O_CLOEXEC);
	char again[64];
	int fd;

	if (found < 0 || fstat(found, ret) < 0)
		return err_sys(e, "%s", path);
	if (!S_ISBLK(ret->st_mode) && !S_ISREG(ret->st_mode)) {
		(void)err_set(e, ENOTBLK, "%s: is no block device and no image file", path);
		return err_hint(e, "a directory of the host is a mount of type bind");
	}
	(void)str_format(again, sizeof(again), "/proc/self/fd/%d", found);
	fd = open(again, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open %s", path) : fd;
}

int block_open(struct jail *j, const struct spec_mount *m, struct err *e)
{
	bool read_only = spec_mount_is_read_only(m);
	struct stat st;
	CLEANUP_FD int source = open_source(m->source, read_only, &st, e), lock = -EBADF;
	int mount;

	if (source < 0)
		return source;
	/* Two that put one file on two devices would have two file systems in it. */
	lock = lock_take_at(j->run, "block.lock", LOCK_MODE_EXCLUSIVE, BLOCK_WAIT_MS, e);
	if (lock < 0)
		return lock;
	mount = disk_block_mount(source, S_ISREG(st.st_mode), m->fstype, read_only, e);
	return mount < 0 ? err_wrap(e, "%s", m->source) : mount;
}
