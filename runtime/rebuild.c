/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rebuild: another image below an instance. The new records are written into a directory
 * ".rebuild" beside the old ones, and its rename to "rebuild" is the commit point: before it
 * nothing has happened, and after it the rest only has to be done, by us or, if we are killed, by
 * whoever takes the instance's lock next (instance_lock_unit()). Each step of that can be done
 * twice:
 *
 *   1. meta.json, spec.json, image.json move into their places
 *   2. what the instance has written moves into it, unless rebuild/keep is there
 *   3. "rebuild" becomes ".rebuild" again, and goes
 *
 * A disk that an instance gets afterwards (disk_add.c) comes the same way, as rebuild/disk; the
 * second step puts it in the place of what there was.
 */
#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "base/path.h"
#include "images/digest.h"
#include "runtime/disk.h"
#include "runtime/events.h"
#include "runtime/image_defaults.h"
#include "runtime/policy.h"
#include "runtime/systemd.h"

#define BEGUN ".rebuild"
#define COMMITTED "rebuild"
#define KEEP "keep" /* a mark */
#define HAS_CONFIG "config" /* another */
#define GONE "gone"
#define KEPT_CONFIG "image.json"
#define PROVISIONED "provisioned"

static bool has_file(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool rebuild_is_due(int dir)
{
	return has_file(dir, COMMITTED);
}

bool rebuild_is_left(int dir)
{
	return has_file(dir, COMMITTED) || has_file(dir, BEGUN);
}

/* A config is there or not; what says so stays, so that the step can be done again. */
static int move_records(int dir, int from, struct err *e)
{
	static const char *const names[] = { KEPT_CONFIG, "spec.json", "meta.json" };

	if (!has_file(from, HAS_CONFIG) && unlinkat(dir, KEPT_CONFIG, 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove " KEPT_CONFIG);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (renameat(from, names[i], dir, names[i]) < 0 && errno != ENOENT)
			return err_sys(e, "move %s into its place", names[i]);
	return fsync(dir) < 0 ? err_sys(e, "sync the instance") : 0;
}

/* What was written moves into rebuild/gone. */
static int change_files(int dir, int from, struct err *e)
{
	bool keep = has_file(from, KEEP);
	CLEANUP_SPEC struct jail_spec spec;
	CLEANUP_FD int gone = -EBADF;
	struct meta meta;
	int r;

	spec_init(&spec);
	r = path_remove_tree(from, GONE, e);
	if (r >= 0)
		r = gone = path_make_dir_at(from, GONE, 0700, e);
	if (r >= 0 && has_file(from, DISK_ADDED))
		return instance_disk_added(dir, from, gone, e);
	if (r < 0 || (r = meta_read(dir, &meta, e)) < 0 || (r = spec_read(dir, &spec, e)) < 0 ||
	    (r = instance_disk_rebuild(&spec, &meta, dir, keep, gone, e)) < 0)
		return r;
	if (!keep && unlinkat(dir, PROVISIONED, 0) < 0 && errno != ENOENT)
		return err_sys(e, "forget the first boot");
	return 0;
}

/* What remains of one is not to be taken for one that is due. */
static int end(int dir, struct err *e)
{
	if (renameat(dir, COMMITTED, dir, BEGUN) < 0 || fsync(dir) < 0)
		return err_sys(e, "end it");
	return path_remove_tree(dir, BEGUN, e);
}

int rebuild_finish(int dir, struct err *e)
{
	CLEANUP_FD int from = -EBADF;
	int r;

	if (!has_file(dir, COMMITTED))
		return has_file(dir, BEGUN) ? path_remove_tree(dir, BEGUN, e) : 0;
	r = path_remove_tree(dir, BEGUN, e);
	if (r < 0)
		return r;
	from = path_open_beneath(dir, COMMITTED, O_RDONLY | O_DIRECTORY, 0);
	if (from < 0)
		return err_ret(e, from, "open " COMMITTED);
	if ((r = move_records(dir, from, e)) < 0 || (r = change_files(dir, from, e)) < 0 ||
	    (r = end(dir, e)) < 0)
		return err_wrap(e, "finish its rebuild");
	return 0;
}

/* *spec and *meta: from the old ones to the new ones. */
static int change(struct jail *j, int dir, const struct image *image, struct jail_spec *spec,
		  struct meta *meta, struct err *e)
{
	CLEANUP_IMAGE_CONFIG struct image_config old = { .author = NULL };
	int has = image_kept_config(dir, &old, e);
	int r = has < 0 ? has : spec_unapply_image(spec, has ? &old : NULL, e);

	if (r < 0)
		return r;
	spec->image = image->ref;
	meta->image = image->ref;
	meta->n_layers = image->n_layers;
	memcpy(meta->layers, image->layers, sizeof(image->layers));
	r = image_apply(j, image, spec, e);
	return r < 0 ? r : spec_finish(spec, e);
}

static int write_mark(int dir, const char *name, struct err *e)
{
	return file_write_at(dir, name, "", 0, 0600, FILE_SYNC, e);
}

static int begun_to_committed(int dir, struct err *e)
{
	if (renameat(dir, BEGUN, dir, COMMITTED) < 0)
		return err_sys(e, "commit");
	return fsync(dir) < 0 ? err_sys(e, "sync the instance") : 0;
}

static int commit(struct jail *j, int dir, const struct image *image, const struct jail_spec *spec,
		  const struct meta *meta, bool keep, struct err *e)
{
	CLEANUP_FD int to = -EBADF;
	int r = to = path_make_dir_at(dir, BEGUN, 0700, e);

	if (r < 0 || (r = image_keep_config(j, image, to, FILE_SYNC, e)) < 0 ||
	    (digest_is_set(&image->config) && (r = write_mark(to, HAS_CONFIG, e)) < 0) ||
	    (r = spec_write(to, spec, FILE_SYNC, e)) < 0 ||
	    (r = meta_write(to, meta, FILE_SYNC, e)) < 0 ||
	    (keep && (r = write_mark(to, KEEP, e)) < 0))
		return r;
	return begun_to_committed(dir, e);
}

int rebuild_add_disk(int dir, const struct jail_spec *spec, struct err *e)
{
	CLEANUP_FD int to = -EBADF;
	struct meta meta;
	int r;

	if ((r = rebuild_finish(dir, e)) < 0 || (r = meta_read(dir, &meta, e)) < 0 ||
	    (r = to = path_make_dir_at(dir, BEGUN, 0700, e)) < 0)
		return r;
	/* The config stays. */
	if ((r = write_mark(to, HAS_CONFIG, e)) < 0 || (r = spec_write(to, spec, FILE_SYNC, e)) < 0)
		return r;
	return instance_disk_add(spec, &meta, dir, to, e);
}

int rebuild_commit(int dir, struct err *e)
{
	int r = begun_to_committed(dir, e);

	return r < 0 ? r : rebuild_finish(dir, e);
}

static int rebuild_locked(struct jail *j, const struct jail_name *name, int dir,
			  const struct rebuild_options *o, struct err *e)
{
	CLEANUP_SPEC struct jail_spec spec;
	struct image image;
	struct meta meta;
	int r;

	spec_init(&spec);
	if ((r = reconcile_locked(j, name, dir, e)) < 0 || (r = rebuild_finish(dir, e)) < 0 ||
	    (r = spec_read(dir, &spec, e)) < 0 || (r = meta_read(dir, &meta, e)) < 0)
		return r;
	if (!spec.has_image) {
		(void)err_set(e, EINVAL,
			      "its root file system is a directory of the host, not an "
			      "image");
		return err_hint(e, "change that directory, or make a new instance");
	}
	r = engine_store(j, e);
	if (r >= 0)
		r = store_get(&j->store, o->image ? o->image : &spec.image, &image, e);
	if (r < 0)
		return err_wrap(e, "image");
	if ((r = change(j, dir, &image, &spec, &meta, e)) < 0 ||
	    (r = policy_apply(&j->config, &spec, e)) < 0 ||
	    (r = commit(j, dir, &image, &spec, &meta, o->keep_files, e)) < 0 ||
	    (r = rebuild_finish(dir, e)) < 0)
		return r;
	systemd_dropin_update(j, name, &spec);
	event_record(j, EVENT_REBUILT, name, &(struct event_detail){ .image = spec.image.s });
	return 0;
}

int instance_rebuild(struct jail *j, const struct jail_name *name, const struct rebuild_options *o,
		     struct err *e)
{
	/* The gate: gc doesn't take away the new image's layers before they are on record. */
	CLEANUP_HOLD struct instance_hold hold = INSTANCE_HOLD_INIT;
	int r = instance_hold_down(j, name, &hold, e);

	if (r >= 0)
		r = rebuild_locked(j, name, hold.dir, o, e);
	return r < 0 ? err_wrap(e, "rebuild %s", name->s) : 0;
}
