/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way to an instance's own files, whether it runs or not. */
#include <fcntl.h>

#include "base/lock.h"
#include "base/path.h"
#include "runtime/disk.h"
#include "runtime/snapshot_priv.h"

#define GUARD_WAIT_MS 30000

void snapshot_access_init(struct snapshot_access *a)
{
	*a = (struct snapshot_access){
		.guard = -EBADF,
		.lock = -EBADF,
		.running = RUNNING_INIT,
		.dir = -EBADF,
		.mount = -EBADF,
		.holder = -EBADF,
		.all = SNAPSHOTS_INIT,
	};
	spec_init(&a->spec);
}

void snapshot_access_close(struct snapshot_access *a)
{
	snapshots_free(&a->all);
	spec_free(&a->spec);
	fd_reset(&a->holder);
	fd_reset(&a->mount);
	running_close(&a->running);
	fd_reset(&a->lock);
	fd_reset(&a->guard);
	fd_reset(&a->dir);
}

static int take_guard(struct snapshot_access *a, struct err *e)
{
	struct err why = ERR_INIT;

	a->guard = lock_take_at(a->dir, SNAPSHOT_LOCK, LOCK_MODE_EXCLUSIVE, GUARD_WAIT_MS, &why);
	if (a->guard >= 0)
		return 0;
	if (a->guard != -EWOULDBLOCK) {
		*e = why;
		return a->guard;
	}
	(void)err_set(e, EBUSY, "another command is at its snapshots");
	return err_hint(e, "try again when that has finished");
}

static int check_kind(const struct snapshot_access *a, struct err *e)
{
	if (!a->spec.has_image) {
		(void)err_set(e, EOPNOTSUPP, "it has no image: its files are those of %s",
			      a->spec.rootfs ? a->spec.rootfs : "a directory");
		return err_hint(e, "make snapshots of that directory with the means of its file "
				   "system");
	}
	if (disk_kind_of(a->dir) != DISK_TMPFS)
		return 0;
	(void)err_set(e, EOPNOTSUPP, "it is volatile: its files are in memory");
	return err_hint(e, "create it without --volatile");
}

static int lock_or_run(struct snapshot_access *a, bool must_be_down, struct err *e)
{
	struct err why = ERR_INIT;
	int locked_dir = -EBADF;

	a->lock = instance_lock_down(a->j, &a->name, &locked_dir, &why);
	fd_reset(&locked_dir);
	if (a->lock >= 0)
		return reconcile_locked(a->j, &a->name, a->dir, e);
	if (a->lock != -EALREADY || must_be_down) {
		*e = why;
		if (a->lock == -EALREADY)
			(void)err_hint(e, "stop it first: jail stop %s", a->name.s);
		return -e->code;
	}
	a->lock = -EBADF;
	return running_open(a->j, &a->name, &a->running, e);
}

int snapshot_access_open(struct jail *j, const struct jail_name *name, bool must_be_down,
			 struct snapshot_access *ret, struct err *e)
{
	CLEANUP_ACCESS struct snapshot_access a;
	int r;

	snapshot_access_init(&a);
	a.j = j;
	a.name = *name;
	a.dir = instance_open_dir(j, name, e);
	if (a.dir < 0)
		return a.dir;
	if ((r = spec_read(a.dir, &a.spec, e)) < 0 || (r = meta_read(a.dir, &a.meta, e)) < 0 ||
	    (r = check_kind(&a, e)) < 0 || (r = take_guard(&a, e)) < 0 ||
	    (r = lock_or_run(&a, must_be_down, e)) < 0 ||
	    (r = instance_must_be_there(j, name, a.dir, e)) < 0)
		return r;
	a.mount = instance_disk_reach(&a.spec, a.dir, a.lock < 0, e);
	if (a.mount < 0)
		return a.mount;
	a.holder = path_open_beneath(a.mount, ".", O_RDONLY | O_DIRECTORY, 0);
	if (a.holder < 0)
		return err_ret(e, a.holder, "open what holds the instance's files");
	r = snapshots_read(a.holder, &a.all, e);
	if (r < 0)
		return err_wrap(e, "snapshots");
	*ret = a;
	snapshot_access_init(&a);
	return 0;
}

int snapshot_access_again(struct snapshot_access *a, struct err *e)
{
	snapshots_free(&a->all);
	return snapshots_read(a->holder, &a->all, e);
}

void snapshot_trees_close(struct snapshot_trees *t)
{
	for (size_t i = 0; i < t->n; i++)
		fd_reset(&t->v[i].dir);
	t->n = 0;
}

static int add_tree(struct snapshot_trees *t, int dir, const struct tree_shift *shift,
		    const char *what, struct err *e)
{
	if (dir < 0)
		return err_ret(e, dir, "open %s", what);
	if (t->n == ARRAY_SIZE(t->v)) {
		(void)close(dir);
		return err_set(e, E2BIG, "more than %d layers and snapshots", LIMIT_LAYERS);
	}
	t->v[t->n++] = (struct tree_layer){ .dir = dir, .shift = *shift };
	return 0;
}

/* The layers of the image. */
static int add_layers(const struct snapshot_access *a, struct snapshot_trees *t, struct err *e)
{
	const struct tree_shift none = { 0 };
	const struct digest *layers[LIMIT_LAYERS];
	size_t n = 0;
	int r = store_visible_layers(a->j->config.state_dir, a->meta.layers, a->meta.n_layers,
				     layers, &n, e);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		char path[sizeof("layers//fs") + sizeof(layers[i]->hex)];

		(void)str_format(path, sizeof(path), "layers/%s/fs", layers[i]->hex);
		r = add_tree(t, path_open_beneath(a->j->state, path, O_RDONLY | O_DIRECTORY, 0),
			     &none, path, e);
	}
	return r;
}

int snapshot_trees_open(const struct snapshot_access *a, const struct snapshot_id *head, bool upper,
			struct snapshot_trees *ret, struct err *e)
{
	const struct tree_shift inside = { .from = a->meta.ids.first, .count = a->meta.ids.count };
	CLEANUP_TREES struct snapshot_trees t = { .n = 0 };
	struct snapshot_chain chain;
	int r = snapshots_chain(&a->all, head, &chain, e);

	if (r >= 0 && upper)
		r = add_tree(&t, path_open_beneath(a->holder, "upper", O_RDONLY | O_DIRECTORY, 0),
			     &inside, "upper", e);
	for (size_t i = 0; r >= 0 && i < chain.n; i++) {
		char path[SNAPSHOT_PATH_MAX];

		snapshot_path(&chain.v[i]->id, path);
		r = add_tree(&t, path_open_beneath(a->all.dir, path, O_RDONLY | O_DIRECTORY, 0),
			     &inside, path, e);
	}
	t.n_own = t.n;
	if (r >= 0)
		r = add_layers(a, &t, e);
	if (r < 0)
		return r;
	*ret = t;
	t.n = 0;
	return 0;
}
