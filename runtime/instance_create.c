/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * create: an instance comes into being whole or not at all. It is made in STATE/trash under its
 * random id (leases are taken for that id, so a failed create can never free what another instance
 * of the same name holds) and appears by one rename(2) that refuses to replace. A crash leaves a
 * directory in trash and leases without an owner: gc.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/rollback.h"
#include "runtime/disk.h"
#include "runtime/engine_priv.h"
#include "runtime/events.h"
#include "runtime/image_defaults.h"
#include "runtime/netplan.h"
#include "runtime/policy.h"
#include "runtime/systemd.h"
#include "runtime/volumes.h"

struct creation {
	struct jail *j;
	const struct jail_spec *spec;
	const struct instance_origin *origin; /* NULL: the image's layers, and nothing of its own */
	struct meta meta;
	int trash, dir, lock;
	struct image image; /* of a spec with one */
};

int engine_new_id(struct jail_name *ret, struct err *e)
{
	uint8_t bytes[INSTANCE_ID_LEN / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_sys(e, "getrandom");
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(ret->s + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static void undo_directory(void *arg)
{
	struct creation *c = arg;
	struct err ignored = ERR_INIT;

	fd_reset(&c->dir);
	(void)path_remove_tree(c->trash, c->meta.owner.s, &ignored);
}

static void undo_disk(void *arg)
{
	struct creation *c = arg;
	struct err why = ERR_INIT;

	if (instance_disk_release(c->j, &c->meta.owner, instance_disk_project(c->dir), &why) < 0)
		warn("%s", why.text);
}

static void undo_ids(void *arg)
{
	struct creation *c = arg;

	idmap_release(c->j->ids, &c->j->config.ids, &c->meta.owner, &c->meta.ids);
}

static void undo_networks(void *arg)
{
	struct creation *c = arg;

	network_release(c->j, &c->meta, NULL);
}

static int take_leases(struct creation *c, struct rollback *undo, struct err *e)
{
	struct jail_name owner = c->meta.owner;
	int r;

	if (c->spec->security.user_namespace == SPEC_USERNS_AUTO) {
		r = engine_ids(c->j, e);
		if (r < 0)
			return r;
		r = idmap_lease(c->j->ids, &c->j->config.ids, &c->meta.owner, &c->meta.ids, e);
		if (r < 0)
			return err_wrap(e, "security.userNamespace");
		rollback_push(undo, undo_ids, c);
	}
	r = network_lease(c->j, c->spec, &owner, &c->meta, e);
	if (r >= 0)
		rollback_push(undo, undo_networks, c);
	return r;
}

static int find_layers(struct creation *c, struct err *e)
{
	const struct image *image = &c->image;
	int r;

	if (!c->spec->has_image)
		return 0;
	/* What the image is called may mean another by now. */
	if (c->origin) {
		c->meta.image = c->origin->meta->image;
		c->meta.n_layers = c->origin->meta->n_layers;
		memcpy(c->meta.layers, c->origin->meta->layers, sizeof(c->meta.layers));
		return 0;
	}
	r = engine_store(c->j, e);
	if (r < 0)
		return r;
	r = store_get(&c->j->store, &c->spec->image, &c->image, e);
	if (r < 0)
		return err_wrap(e, "image");
	c->meta.image = c->spec->image;
	c->meta.n_layers = image->n_layers;
	memcpy(c->meta.layers, image->layers, sizeof(image->layers));
	return 0;
}

/* The directory of a rootfs spec must be there now; what it holds is looked at by each start. */
static int check_rootfs(const struct jail_spec *spec, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;

	if (!spec->rootfs)
		return 0;
	fd = open(spec->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "rootfs: %s", spec->rootfs) : 0;
}

static int id_in_use(const char *id, struct err *e)
{
	(void)err_set(e, EEXIST, "an instance of this host has the id %s", id);
	return err_hint(e, "leave the id out, and it gets one of its own");
}

/* Called when trash/ID is ours: who has the id now has had it before. */
static int check_id(struct creation *c, struct err *e)
{
	CLEANUP_STRV struct strv names = { .v = NULL };
	int r = instance_names(c->j, &names, e);

	for (size_t i = 0; r >= 0 && i < names.n; i++) {
		struct err ignored = ERR_INIT;
		struct jail_name name;
		CLEANUP_FD int dir = -EBADF;
		struct meta m;

		if (name_parse("instance", names.v[i], &name, &ignored) < 0)
			continue;
		dir = instance_open_dir(c->j, &name, &ignored);
		if (dir >= 0 && meta_read(dir, &m, &ignored) >= 0 &&
		    str_eq(m.owner.s, c->meta.owner.s))
			return id_in_use(c->meta.owner.s, e);
	}
	return r;
}

static int make_directory(struct creation *c, struct rollback *undo, struct err *e)
{
	c->trash = path_make_dir_at(c->j->state, "trash", 0700, e);
	if (c->trash < 0)
		return c->trash;
	if (mkdirat(c->trash, c->meta.owner.s, 0700) < 0)
		return errno == EEXIST ? id_in_use(c->meta.owner.s, e)
				       : err_sys(e, "make directory trash/%s", c->meta.owner.s);
	rollback_push(undo, undo_directory, c);
	if (c->origin && c->origin->id && check_id(c, e) < 0)
		return -e->code;
	c->dir = path_open_beneath(c->trash, c->meta.owner.s, O_RDONLY | O_DIRECTORY, 0);
	if (c->dir < 0)
		return err_ret(e, c->dir, "open trash/%s", c->meta.owner.s);
	/* Held until the end: gc leaves a directory of trash alone whose lock is taken. */
	c->lock = lock_take_at(c->dir, "lock", LOCK_MODE_EXCLUSIVE, 0, e);
	return c->lock < 0 ? c->lock : 0;
}

static int name_in_use(const struct jail_name *name, struct err *e)
{
	err_set(e, EEXIST, "the name is in use");
	return err_hint(e, "choose another name, or remove it: jail rm %s", name->s);
}

static int publish(struct creation *c, struct err *e)
{
	const char *name = c->spec->name.s;

	if (renameat2(c->trash, c->meta.owner.s, c->j->instances, name, RENAME_NOREPLACE) == 0)
		return 0;
	return errno == EEXIST ? name_in_use(&c->spec->name, e)
			       : err_sys(e, "make instance %s", name);
}

/* A create that reported success survives power loss; one that can't is taken back. */
static int publish_durably(struct creation *c, struct err *e)
{
	const char *name = c->spec->name.s;
	int r;

	if (fsync(c->dir) < 0)
		return err_sys(e, "sync instance %s", name);
	r = publish(c, e);
	if (r < 0 || fsync(c->j->instances) == 0)
		return r;
	r = err_sys(e, "sync instance %s", name);
	(void)renameat2(c->j->instances, name, c->trash, c->meta.owner.s, RENAME_NOREPLACE);
	return r;
}

static int keep_config(struct creation *c, enum file_sync sync, struct err *e)
{
	const struct instance_origin *o = c->origin;

	if (!c->spec->has_image || (o && !o->config))
		return 0;
	return o ? image_keep_text(c->dir, o->config, o->n_config, sync, e)
		 : image_keep_config(c->j, &c->image, c->dir, sync, e);
}

static int create(struct creation *c, bool durable, struct rollback *undo, struct err *e)
{
	enum file_sync sync = durable ? FILE_SYNC : FILE_NOSYNC;
	int r;

	if (faccessat(c->j->instances, c->spec->name.s, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return name_in_use(&c->spec->name, e);
	if ((r = volumes_check(c->j, c->spec, NULL, e)) < 0 || (r = find_layers(c, e)) < 0 ||
	    (r = check_rootfs(c->spec, e)) < 0 || (r = make_directory(c, undo, e)) < 0 ||
	    (r = take_leases(c, undo, e)) < 0)
		return r;
	rollback_push(undo, undo_disk, c);
	if ((r = instance_disk_make(c->j, c->spec, &c->meta, c->dir, durable, e)) < 0 ||
	    (r = keep_config(c, sync, e)) < 0 ||
	    (c->origin && (r = c->origin->fill(&c->meta, c->dir, c->origin->arg, e)) < 0) ||
	    (r = spec_write(c->dir, c->spec, sync, e)) < 0 ||
	    (r = meta_write(c->dir, &c->meta, sync, e)) < 0)
		return r;
	return durable ? publish_durably(c, e) : publish(c, e);
}

static int create_from(struct jail *j, const struct jail_spec *spec,
		       const struct instance_origin *origin, bool durable, struct err *e)
{
	struct creation c = { .j = j,
			      .spec = spec,
			      .origin = origin,
			      .trash = -EBADF,
			      .dir = -EBADF,
			      .lock = -EBADF };
	struct rollback undo CLEANUP_ROLLBACK = ROLLBACK_INIT;
	CLEANUP_FD int gate = -EBADF;
	int r;

	r = engine_new_id(&c.meta.owner, e);
	if (r < 0)
		return r;
	if (origin && origin->id)
		c.meta.owner = *origin->id;
	c.meta.created_ms = origin && origin->created_ms ? origin->created_ms : clock_wall_ms();
	r = policy_apply(&j->config, spec, e);
	if (r < 0)
		return err_wrap(e, "create %s", spec->name.s);
	gate = engine_gate(j, e);
	if (gate < 0)
		return err_wrap(e, "create %s", spec->name.s);
	r = create(&c, durable, &undo, e);
	if (r >= 0) {
		systemd_dropin_update(j, &spec->name, spec);
		if (spec->autostart)
			systemd_warn_autostart(j, &spec->name);
		rollback_commit(&undo);
		event_record(
			j, EVENT_CREATED, &spec->name,
			&(struct event_detail){ .id = c.meta.owner.s,
						.image = spec->has_image ? spec->image.s : NULL });
	} else {
		rollback_run(&undo);
	}
	fd_reset(&c.lock);
	fd_reset(&c.dir);
	fd_reset(&c.trash);
	return r < 0 ? err_wrap(e, "create %s", spec->name.s) : 0;
}

int instance_create(struct jail *j, const struct jail_spec *spec, bool durable, struct err *e)
{
	return create_from(j, spec, NULL, durable, e);
}

int instance_create_from(struct jail *j, const struct jail_spec *spec,
			 const struct instance_origin *origin, struct err *e)
{
	return create_from(j, spec, origin, true, e);
}
