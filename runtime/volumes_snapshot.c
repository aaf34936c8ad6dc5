/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots of volumes: copies, which lie where images/snapshot.h says. Of a disk.img it is the
 * file that is copied: its file system has nobody who writes, and all that was written is in it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/path.h"
#include "runtime/disk.h"
#include "runtime/snapshot_priv.h"
#include "runtime/volumes_priv.h"

#define LAST_USE_WAIT_MS 30000 /* the last user's file system writes what it has */

struct access { /* to the snapshots of a volume */
	struct jail *j;
	struct volume v;
	int dir, guard;
	const char *live;
	struct snapshots all;
};
#define ACCESS_INIT ((struct access){ .dir = -EBADF, .guard = -EBADF, .all = SNAPSHOTS_INIT })

static void access_close(struct access *a)
{
	snapshots_free(&a->all);
	volume_free(&a->v);
	fd_reset(&a->guard);
	fd_reset(&a->dir);
}

static const char *live_of(int dir)
{
	return disk_kind_of(dir) == DISK_IMAGE ? NULL : "data";
}

static int access_open(struct jail *j, const struct jail_name *volume, enum lock_mode mode,
		       struct access *a, struct err *e)
{
	int r = a->dir = volume_dir(j, volume, e);

	if (r < 0)
		return r;
	a->j = j;
	a->guard = volume_guard(a->dir, mode, VOLUME_GUARD_WAIT_MS, e);
	if (a->guard < 0)
		return a->guard;
	a->live = live_of(a->dir);
	r = volume_file_read(a->dir, volume, &a->v, e);
	/* What earlier commands left that were killed. */
	if (r >= 0 && mode == LOCK_MODE_EXCLUSIVE)
		r = snapshots_collect_of(a->dir, a->live, e);
	return r < 0 ? r : snapshots_read_of(a->dir, a->live, &a->all, e);
}

/* Nobody has it mounted, and the device of who had it last is gone. */
static int wait_unused(const struct access *a, struct err *e)
{
	struct err why = ERR_INIT;
	CLEANUP_FD int lock =
		lock_take_at(a->dir, DISK_IMAGE_NAME, LOCK_MODE_EXCLUSIVE, LAST_USE_WAIT_MS, &why);

	if (lock >= 0)
		return 0;
	if (lock != -EWOULDBLOCK) {
		*e = why;
		return lock;
	}
	(void)err_set(e, EBUSY, DISK_IMAGE_NAME " is still in use");
	return err_hint(e, "a process of the host that has entered its mounts keeps it");
}

static int copy_image(const struct access *a, const struct snapshot *what, struct err *e)
{
	CLEANUP_FD int fs = snapshots_open_fs(&a->all, &what->id, e);
	struct err why = ERR_INIT;
	int r;

	if (fs < 0)
		return fs;
	r = disk_image_sync(a->dir, &why);
	if (r == -ENOENT) { /* not in use: the last that had it writes all before it goes */
		r = wait_unused(a, e);
	} else if (r < 0) {
		*e = why;
		return r;
	}
	return r < 0 ? r : disk_image_copy(a->dir, fs, e);
}

static int copy(const struct access *a, int entry, const struct snapshot *what, struct err *e)
{
	int r = a->live ? snapshots_copy(&a->all, entry, e) : copy_image(a, what, e);

	if (r == -ENOSPC || r == -EDQUOT)
		(void)err_hint(e, "make room, remove other snapshots, or, where they count against "
				  "its size, set a larger one");
	return r;
}

static int copy_still(struct access *a, int entry, struct snapshot *what, struct err *e)
{
	CLEANUP_STILL struct volume_still *still = NULL;
	struct err why = ERR_INIT;
	size_t n = 0;
	int r = volume_still_begin(a->j, &a->v.name, &still, e), end;

	if (r < 0)
		return r;
	r = copy(a, entry, what, e);
	end = volume_still_end(still, &what->frozen_us, &n, &why);
	what->frozen = n > 0;
	if (r < 0 || end >= 0)
		return r;
	*e = why;
	return end;
}

static int create(struct access *a, const struct jail_name *name, struct snapshot *what,
		  struct err *e)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int entry = -EBADF;
	int r = 0;

	if (name)
		what->name = *name;
	if (name && snapshot_is_taken(&a->all, name)) {
		(void)err_set(e, EEXIST, "snapshot \"%s\": there is one of that name", name->s);
		return err_hint(e,
				"choose another name, or remove it: jail volume snapshot rm %s %s",
				a->v.name.s, name->s);
	}
	if (!name)
		r = snapshot_choose_name(&a->all, what->created_ms, NULL, &what->name, e);
	if (r >= 0)
		r = snapshots_prepare(&a->all, instance_disk_project(a->dir), e);
	if (r >= 0)
		r = entry = snapshots_copy_begin(&a->all, what, e);
	if (r < 0)
		return r;
	r = copy_still(a, entry, what, e);
	if (r >= 0)
		r = snapshots_copy_end(&a->all, entry, what, e);
	if (r < 0)
		(void)snapshots_collect_of(a->dir, a->live, &ignored);
	return r;
}

int volume_snapshot_create(struct jail *j, const struct jail_name *volume,
			   const struct jail_name *name, struct snapshot *ret, struct err *e)
{
	CLEANUP(access_close) struct access a = ACCESS_INIT;
	struct snapshot what = { .created_ms = clock_wall_ms(), .copied = true };
	int r = access_open(j, volume, LOCK_MODE_EXCLUSIVE, &a, e);

	if (r >= 0)
		r = create(&a, name, &what, e);
	if (r < 0)
		return err_wrap(e, "snapshot of volume %s", volume->s);
	*ret = what;
	return 0;
}

int volume_snapshots(struct jail *j, const struct jail_name *volume, struct snapshots *ret,
		     struct err *e)
{
	CLEANUP(access_close) struct access a = ACCESS_INIT;
	int r = access_open(j, volume, LOCK_MODE_SHARED, &a, e);

	if (r < 0)
		return err_wrap(e, "snapshots of volume %s", volume->s);
	*ret = a.all;
	a.all = SNAPSHOTS_INIT;
	fd_reset(&ret->dir);
	ret->holder = -EBADF;
	return 0;
}

int volume_snapshot_names(struct jail *j, const struct jail_name *volume, struct strv *ret)
{
	CLEANUP_SNAPSHOTS struct snapshots all = SNAPSHOTS_INIT;
	struct err ignored = ERR_INIT;
	CLEANUP_FD int dir = volume_dir(j, volume, &ignored);

	if (dir < 0 || snapshots_read_of(dir, live_of(dir), &all, &ignored) < 0)
		return 0;
	for (size_t i = 0; i < all.n; i++)
		if (!all.v[i].unfinished && all.v[i].name.s[0] &&
		    strv_add(ret, all.v[i].name.s) < 0)
			return -ENOMEM;
	return 0;
}

int volume_snapshot_remove(struct jail *j, const struct jail_name *volume,
			   const struct jail_name *name, struct err *e)
{
	CLEANUP(access_close) struct access a = ACCESS_INIT;
	const struct snapshot *which;
	int r = access_open(j, volume, LOCK_MODE_EXCLUSIVE, &a, e);

	if (r >= 0)
		r = snapshots_get(&a.all, name, &which, e);
	if (r >= 0)
		r = snapshots_remove(&a.all, which, e);
	if (r >= 0)
		r = snapshots_collect_of(a.dir, a.live, e);
	return r < 0 ? err_wrap(e, "snapshot rm of volume %s", volume->s) : 0;
}

/* Who comes up now waits for the guard. */
static int refuse_up(const struct access *a, struct err *e)
{
	CLEANUP_STRV struct strv users = { .v = NULL };
	int r = volume_users(a->j, &a->v.name, &users, e);

	for (size_t i = 0; i < users.n && r >= 0; i++) {
		CLEANUP_FD int dir = -EBADF;
		struct err ignored = ERR_INIT;
		struct jail_name name;

		if (name_parse("instance", users.v[i], &name, &ignored) < 0)
			continue;
		dir = instance_open_dir(a->j, &name, &ignored);
		if (dir < 0 || !instance_is_up(a->j, &name, dir))
			continue;
		r = err_set(e, EBUSY, "instance %s, which has it, is up", name.s);
		(void)err_hint(e, "stop it first: jail stop %s", name.s);
	}
	return r;
}

/* The snapshot was made when the volume had another size, or the same. */
static int resize(const struct access *a, int fs, struct err *e)
{
	struct disk_limits then = { .inodes = 0 };
	struct stat st;

	if (fstatat(fs, DISK_IMAGE_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "stat the copy of " DISK_IMAGE_NAME);
	then.size_bytes = (uint64_t)st.st_size;
	return volume_image_resize(fs, &then, &a->v.limits, e);
}

/* The moment that counts is the rename: the copy has the size that the volume has by now. */
static int restore_image(const struct access *a, const struct snapshot *to, struct err *e)
{
	CLEANUP_FD int from = snapshots_open_fs(&a->all, &to->id, e), entry = -EBADF, fs = -EBADF;
	struct snapshot made = { .created_ms = 0 };
	int r = from;

	if (r >= 0)
		r = entry = snapshots_copy_begin(&a->all, &made, e);
	if (r >= 0)
		r = fs = snapshots_open_fs(&a->all, &made.id, e);
	if (r < 0 || (r = disk_image_copy(from, fs, e)) < 0 || (r = resize(a, fs, e)) < 0 ||
	    (r = wait_unused(a, e)) < 0)
		return r;
	if (renameat(fs, DISK_IMAGE_NAME, a->dir, DISK_IMAGE_NAME) < 0)
		return err_sys(e, "replace " DISK_IMAGE_NAME);
	return fsync(a->dir) < 0 ? err_sys(e, "sync the volume") : 0;
}

int volume_rollback(struct jail *j, const struct jail_name *volume, const struct jail_name *name,
		    struct err *e)
{
	CLEANUP(access_close) struct access a = ACCESS_INIT;
	struct err ignored = ERR_INIT;
	const struct snapshot *to;
	int r = access_open(j, volume, LOCK_MODE_EXCLUSIVE, &a, e);

	if (r < 0 || (r = snapshots_get(&a.all, name, &to, e)) < 0 || (r = refuse_up(&a, e)) < 0)
		return err_wrap(e, "rollback of volume %s", volume->s);
	r = a.live ? snapshots_restore(&a.all, to, e) : restore_image(&a, to, e);
	if (r >= 0)
		r = snapshots_collect_of(a.dir, a.live, e);
	else
		(void)snapshots_collect_of(a.dir, a.live, &ignored);
	return r < 0 ? err_wrap(e, "rollback of volume %s", volume->s) : 0;
}

int volume_snapshots_collect(struct jail *j, const struct jail_name *volume, struct err *e)
{
	CLEANUP_FD int dir = volume_dir(j, volume, e), guard = -EBADF;

	if (dir < 0)
		return dir;
	if (faccessat(dir, SNAPSHOT_DIR, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	guard = lock_take_at(dir, "guard", LOCK_MODE_EXCLUSIVE, 0, e);
	if (guard == -EWOULDBLOCK)
		return 0;
	return guard < 0 ? guard : snapshots_collect_of(dir, live_of(dir), e);
}
