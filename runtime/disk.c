/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kind of disk an instance has, and what follows; see disk.h. */
#include "runtime/disk.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include "base/path.h"
#include "base/statx.h"
#include "runtime/spec_priv.h"

#define OPEN_WAIT_MS 30000 /* the last run's file system writes what it has */
#define TRIM_WAIT_MS 3000
#define START_BYTES (UINT64_C(1) << 20)
#define START_INODES 16

static bool has_limits(const struct jail_spec *spec)
{
	return spec->disk.size_bytes || spec->disk.inodes;
}

static int make_image(const struct jail_spec *spec, const struct meta *meta, int dir, struct err *e)
{
	CLEANUP_FD int mount = -EBADF;
	int r;

	if (!spec->disk.size_bytes) {
		(void)err_set(e, EOPNOTSUPP,
			      "resources.disk.inodes: needs resources.disk.size, since an image "
			      "file has to hold the limit");
		return err_hint(e, "give a size too");
	}
	r = disk_image_make(dir, &spec->disk, e);
	if (r < 0)
		return err_wrap(e, "disk");
	mount = instance_disk_open(spec, meta, dir, e);
	return mount < 0 ? mount : 0;
}

static int make_directories(const struct meta *meta, int dir, struct err *e)
{
	int r = rootfs_prepare_dir(dir, meta->n_layers, &meta->ids, e);

	return r < 0 ? err_wrap(e, "root file system") : 0;
}

/* Root of the host could take its files out of the project, and so could root of an instance that
 * has the host's ids. */
static bool can_be_project(const struct jail_spec *spec, int dir)
{
	return spec->security.user_namespace == SPEC_USERNS_AUTO && disk_project_is_enforced(dir);
}

static int make_project(struct jail *j, const struct jail_spec *spec, const struct meta *meta,
			int dir, bool durable, struct err *e)
{
	int pool = engine_projects(j, e), r;
	uint32_t id;

	r = pool < 0 ? pool
		     : disk_project_lease(pool, dir, &j->config.projects, &meta->owner, &id, e);
	if (r < 0)
		return err_wrap(e, "disk");
	r = disk_project_mark(dir, id, durable, e);
	if (r < 0) {
		disk_project_drop(pool, id, &meta->owner);
		return err_wrap(e, "disk");
	}
	if ((r = make_directories(meta, dir, e)) < 0)
		return r;
	if ((r = disk_project_put(dir, "upper", id, e)) < 0 ||
	    (r = disk_project_put(dir, "work", id, e)) < 0 ||
	    (r = disk_project_limit(dir, id, &spec->disk, e)) < 0)
		return err_wrap(e, "disk");
	return 0;
}

int instance_disk_make(struct jail *j, const struct jail_spec *spec, const struct meta *meta,
		       int dir, bool durable, struct err *e)
{
	if (!spec->has_image)
		return 0;
	if (spec->is_volatile)
		return disk_volatile_mark(dir, durable, e);
	if (!has_limits(spec))
		return make_directories(meta, dir, e);
	return can_be_project(spec, dir) ? make_project(j, spec, meta, dir, durable, e)
					 : make_image(spec, meta, dir, e);
}

static int move_away(int dir, const char *name, int gone, struct err *e)
{
	if (renameat(dir, name, gone, name) < 0 && errno != ENOENT)
		return err_sys(e, "move %s away", name);
	return 0;
}

/* Its snapshots stay, and can be gone back to. */
static int empty_image(const struct jail_spec *spec, const struct meta *meta, int dir,
		       struct err *e)
{
	CLEANUP_FD int mount = disk_image_open(dir, &spec->disk, OPEN_WAIT_MS, e);
	int r = mount;

	if (r >= 0)
		r = path_remove_tree(mount, "upper", e);
	if (r >= 0)
		r = path_remove_tree(mount, "work", e);
	return r < 0 ? r : rootfs_prepare_dir(mount, meta->n_layers, &meta->ids, e);
}

int instance_disk_rebuild(const struct jail_spec *spec, const struct meta *meta, int dir, bool keep,
			  int gone, struct err *e)
{
	enum disk_kind kind = disk_kind_of(dir);
	uint32_t id = 0;
	int r = 0;

	if (kind == DISK_TMPFS)
		return 0;
	if (kind == DISK_IMAGE) /* each start makes what is missing of mount points */
		return keep || empty_image(spec, meta, dir, e) >= 0 ? 0 : err_wrap(e, "disk");
	if (!keep && ((r = move_away(dir, "upper", gone, e)) < 0 ||
		      (r = move_away(dir, "work", gone, e)) < 0))
		return r;
	r = make_directories(meta, dir, e);
	if (r < 0 || kind != DISK_PROJECT)
		return r;
	if ((r = disk_project_read(dir, &id, e)) < 0 ||
	    (r = disk_project_put(dir, "upper", id, e)) < 0 ||
	    (r = disk_project_put(dir, "work", id, e)) < 0)
		return err_wrap(e, "disk");
	return 0;
}

uint32_t instance_disk_project(int dir)
{
	struct err why = ERR_INIT;
	uint32_t id = 0;

	if (disk_kind_of(dir) == DISK_PROJECT && disk_project_read(dir, &id, &why) < 0)
		warn("%s", why.text);
	return id;
}

int instance_disk_release(struct jail *j, const struct jail_name *owner, uint32_t project,
			  struct err *e)
{
	const struct disk_limits none = { 0 };
	int pool, r;

	if (!project)
		return 0;
	pool = engine_projects(j, e);
	if (pool < 0)
		return pool;
	/* Limits that stay would make the id look like somebody's. */
	if (disk_project_is_enforced(j->instances)) {
		r = disk_project_limit(j->instances, project, &none, e);
		if (r < 0)
			return r;
	}
	disk_project_drop(pool, project, owner);
	return 0;
}

/*
 * A file system that was mounted without quotas holds none. Until all is mounted there is a little
 * more room: overlayfs makes its work directory anew, and where it can't because the instance has
 * filled its disk, it would be read-only, and nobody could make room.
 */
static int check_project(const struct jail_spec *spec, int dir, struct err *e)
{
	struct disk_limits limits = spec->disk;
	uint32_t id;
	int r = disk_project_read(dir, &id, e);

	if (r < 0)
		return r;
	if (has_limits(spec) && !disk_project_is_enforced(dir)) {
		(void)err_set(e, EOPNOTSUPP,
			      "the file system of the state directory doesn't enforce project "
			      "quotas any more");
		return err_hint(e, "mount it with prjquota (ext4) or pquota (XFS)");
	}
	if (limits.size_bytes)
		limits.size_bytes += START_BYTES;
	if (limits.inodes)
		limits.inodes += START_INODES;
	return disk_project_limit(dir, id, &limits, e);
}

int instance_disk_hold(const struct jail_spec *spec, int dir, struct err *e)
{
	uint32_t id;
	int r;

	if (!spec->has_image || disk_kind_of(dir) != DISK_PROJECT)
		return 0;
	r = disk_project_read(dir, &id, e);
	if (r >= 0)
		r = disk_project_limit(dir, id, &spec->disk, e);
	return r < 0 ? err_wrap(e, "disk") : 0;
}

int instance_disk_open(const struct jail_spec *spec, const struct meta *meta, int dir,
		       struct err *e)
{
	CLEANUP_FD int mount = -EBADF;
	enum disk_kind kind = disk_kind_of(dir);

	if (!spec->has_image || kind == DISK_DIRECTORY)
		return -EBADF;
	if (kind == DISK_PROJECT)
		return check_project(spec, dir, e) < 0 ? err_wrap(e, "disk") : -EBADF;
	mount = kind == DISK_TMPFS ? disk_tmpfs_new(&spec->disk, e)
				   : disk_image_open(dir, &spec->disk, OPEN_WAIT_MS, e);
	if (mount < 0 || rootfs_prepare_dir(mount, meta->n_layers, &meta->ids, e) < 0)
		return err_wrap(e, "disk");
	return TAKE_FD(mount);
}

int instance_disk_reach(const struct jail_spec *spec, int dir, bool up, struct err *e)
{
	int fd;

	if (disk_kind_of(dir) != DISK_IMAGE) {
		fd = path_open_beneath(dir, ".", O_RDONLY | O_DIRECTORY, 0);
		return fd < 0 ? err_ret(e, fd, "open the instance's directory") : fd;
	}
	fd = up ? disk_image_reach(dir, e) : disk_image_open(dir, &spec->disk, OPEN_WAIT_MS, e);
	return fd < 0 ? err_wrap(e, "disk") : fd;
}

void instance_disk_close(const struct jail_name *name, int dir)
{
	struct err why = ERR_INIT;

	if (disk_kind_of(dir) == DISK_IMAGE && disk_image_trim(dir, TRIM_WAIT_MS, &why) < 0)
		warn("%s: its disk was not trimmed: %s", name->s, why.text);
}

bool instance_disk_differs(const struct jail_spec *a, const struct jail_spec *b)
{
	return a->disk.size_bytes != b->disk.size_bytes || a->disk.inodes != b->disk.inodes;
}

bool instance_disk_needs_restart(const struct jail_spec *from, const struct jail_spec *to, int dir)
{
	if (!instance_disk_differs(from, to))
		return false;
	switch (disk_kind_of(dir)) {
	case DISK_TMPFS:
		return true;
	case DISK_IMAGE:
		return to->disk.size_bytes < from->disk.size_bytes;
	case DISK_DIRECTORY: /* its files move */
		return true;
	case DISK_PROJECT:
		break;
	}
	return false;
}

static int change_project(const struct jail_spec *to, int dir, struct err *e)
{
	uint32_t id;
	int r = disk_project_read(dir, &id, e);

	if (r < 0 || (r = disk_project_check(dir, id, &to->disk, e)) < 0)
		return r;
	return disk_project_limit(dir, id, &to->disk, e);
}

int instance_disk_change(const struct jail_spec *from, const struct jail_spec *to, int dir, bool up,
			 struct err *e)
{
	int r;

	if (!instance_disk_differs(from, to))
		return 0;
	switch (disk_kind_of(dir)) {
	case DISK_TMPFS: /* the next one is made with it */
		return 0;
	case DISK_PROJECT:
		r = change_project(to, dir, e);
		return r < 0 ? err_wrap(e, "resources.disk") : 0;
	case DISK_IMAGE:
		if (to->disk.size_bytes) {
			r = disk_image_resize(dir, &to->disk, up, e);
			return r < 0 ? err_wrap(e, "resources.disk") : 0;
		}
		(void)err_set(e, EOPNOTSUPP, "resources.disk.size: an image file has to have one");
		return err_hint(e, "set it to a larger size");
	case DISK_DIRECTORY: /* that is instance_disk_add()'s */
		break;
	}
	return err_set(e, EBUSY, "resources.disk: limits can't be added while it is in use");
}

/*
 * What the overlay says, which is what its upper directory's file system says. Only if it still is
 * the overlay that the instance was given: in place of it root inside may have put a file system
 * whose answers are his own, and which may never come (row 4). To find out, nobody is asked.
 */
static bool usage_inside(pid_t pid, uint64_t root_device, struct disk_usage *ret)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int root = -EBADF;
	struct statx st = { 0 };
	char path[64];

	if (pid <= 0 || !root_device)
		return false;
	(void)str_format(path, sizeof(path), "/proc/%d/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root >= 0 && statx(root, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st) == 0 &&
	       makedev(st.stx_dev_major, st.stx_dev_minor) == root_device &&
	       disk_statfs(root, ret, &ignored) >= 0;
}

/* Its superblock is up to date when it is not mounted. */
static bool usage_image(int dir, pid_t pid, uint64_t root_device, struct disk_usage *ret)
{
	struct err ignored = ERR_INIT;
	struct disk_usage image = { 0 };
	bool has = disk_image_usage(dir, &image, &ignored) >= 0;

	if (usage_inside(pid, root_device, ret))
		has = true;
	else
		*ret = image;
	ret->allocated_bytes = image.allocated_bytes;
	return has;
}

static bool usage_project(int dir, struct disk_usage *ret)
{
	struct err ignored = ERR_INIT;
	uint32_t id;

	return disk_project_read(dir, &id, &ignored) >= 0 &&
	       disk_project_usage(dir, id, ret, &ignored) >= 0;
}

void instance_disk_look(int dir, pid_t pid, uint64_t root_device, struct instance_disk *ret)
{
	*ret = (struct instance_disk){ .kind = disk_kind_of(dir) };
	switch (ret->kind) {
	case DISK_PROJECT:
		ret->has_usage = usage_project(dir, &ret->usage);
		break;
	case DISK_IMAGE:
		ret->has_usage = usage_image(dir, pid, root_device, &ret->usage);
		break;
	case DISK_TMPFS:
		ret->has_usage = usage_inside(pid, root_device, &ret->usage);
		break;
	case DISK_DIRECTORY:
		break;
	}
}

void instance_disk_to_json(struct json_out *o, const struct instance_disk *d)
{
	if (!d) {
		json_out_null(o, "disk");
		return;
	}
	json_out_object(o, "disk");
	json_out_str(o, "kind", disk_kind_name(d->kind));
	if (d->has_usage) {
		json_out_u64(o, "sizeBytes", d->usage.size_bytes);
		json_out_u64(o, "usedBytes", d->usage.used_bytes);
		json_out_u64(o, "inodes", d->usage.inodes);
		json_out_u64(o, "usedInodes", d->usage.used_inodes);
	}
	if (d->has_usage && d->kind == DISK_IMAGE)
		json_out_u64(o, "allocatedBytes", d->usage.allocated_bytes);
	json_out_object_end(o);
}
