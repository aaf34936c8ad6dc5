/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export: an instance into a file. */
#include <fcntl.h>

#include "base/path.h"
#include "images/layer.h"
#include "runtime/disk.h"
#include "runtime/image_defaults.h"
#include "runtime/transfer_priv.h"

struct export
{
	struct snapshot_access a;
	const struct export_options *o;
	struct exported *result;
	const struct snapshot *from; /* NULL: now */
	int copy; /* what was "upper" of a running one; -EBADF */
	struct transfer_document d;
	const struct snapshot *order[SNAPSHOTS_MAX]; /* as d.snapshots */
	struct layer held[LIMIT_LAYERS]; /* that go into the file */
	size_t n_held;
	struct transfer_writer *w;
};

static void export_close(struct export *x)
{
	struct err ignored = ERR_INIT;

	transfer_writer_free(&x->w);
	for (size_t i = 0; i < x->n_held; i++)
		store_layer_close(&x->held[i]);
	transfer_document_free(&x->d);
	/* Nothing stands on the copy, and nobody asks for it. */
	if (x->copy >= 0 && snapshots_collect(x->a.holder, &ignored) < 0)
		warn("%s", ignored.text);
	fd_reset(&x->copy);
	snapshot_access_close(&x->a);
}

/* ---- the document ---- */

static int index_of(const struct export *x, const struct snapshot_id *id)
{
	for (size_t i = 0; id->s[0] && i < x->d.n_snapshots; i++)
		if (str_eq(x->order[i]->id.s, id->s))
			return (int)i;
	return -1;
}

static void add_snapshot(struct export *x, const struct snapshot *s)
{
	struct transfer_snapshot *t = &x->d.snapshots[x->d.n_snapshots];

	t->record = *s;
	t->parent = index_of(x, &s->parent);
	x->order[x->d.n_snapshots++] = s;
}

/* Each after the one that it stands on. */
static int add_snapshots(struct export *x, struct err *e)
{
	const struct snapshots *all = &x->a.all;
	CLEANUP_FREE bool *used = calloc(all->n ? all->n : 1, sizeof(*used));
	size_t left = 0, before;
	int r;

	x->d.snapshots = calloc(all->n ? all->n : 1, sizeof(*x->d.snapshots));
	if (!used || !x->d.snapshots)
		return err_nomem(e);
	r = snapshots_mark(all, used, e);
	for (size_t i = 0; r >= 0 && i < all->n; i++)
		left += used[i];
	do {
		before = left;
		for (size_t i = 0; r >= 0 && i < all->n; i++) {
			if (!used[i] ||
			    (all->v[i].parent.s[0] && index_of(x, &all->v[i].parent) < 0))
				continue;
			add_snapshot(x, &all->v[i]);
			used[i] = false;
			left--;
		}
	} while (r >= 0 && left > 0 && left < before);
	x->d.head = index_of(x, &all->head);
	return r < 0 || left == 0 ? r : err_set(e, EBADMSG, "its snapshots stand on each other");
}

static bool other_side_has(const struct export *x, const struct digest *layer)
{
	for (size_t i = 0; i < x->o->n_have; i++)
		if (str_eq(x->o->have[i].hex, layer->hex))
			return true;
	return false;
}

static bool is_held(const struct export *x, const struct digest *layer)
{
	for (size_t i = 0; i < x->n_held; i++)
		if (str_eq(x->held[i].digest.hex, layer->hex))
			return true;
	return false;
}

static int add_layer(struct export *x, const struct digest *layer, struct err *e)
{
	const struct image_store *store = &x->a.j->store;
	struct transfer_layer *l = &x->d.layers[x->d.n_layers];
	struct layer_counts counts;
	int r = layer_file_read(store, layer, &counts, e);

	if (r < 0)
		return r;
	*l = (struct transfer_layer){ .digest = *layer, .bytes = counts.size_bytes };
	l->included = !x->o->no_layers && !other_side_has(x, layer) && !is_held(x, layer);
	if (l->included) {
		r = store_layer_open(store, layer, &x->held[x->n_held], e);
		x->n_held += r >= 0;
	}
	x->d.n_layers += r >= 0;
	return r;
}

static int add_layers(struct export *x, struct err *e)
{
	int r = engine_store(x->a.j, e);

	for (size_t i = 0; r >= 0 && i < x->a.meta.n_layers; i++)
		r = add_layer(x, &x->a.meta.layers[i], e);
	return r;
}

static int describe(struct export *x, struct err *e)
{
	const struct meta *m = &x->a.meta;
	int r;

	x->d.id = m->owner;
	x->d.created_ms = m->created_ms;
	x->d.id_count = m->ids.count;
	x->d.image = m->image;
	x->d.provisioned =
		faccessat(x->a.dir, TRANSFER_PROVISIONED, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	r = add_layers(x, e);
	return r < 0 || x->from || x->o->no_snapshots ? r : add_snapshots(x, e);
}

/* ---- what it consists of ---- */

/* A copy of "upper" that doesn't change any more. */
static int copy_upper(struct export *x, struct err *e)
{
	struct snapshot_access *a = &x->a;
	struct snapshot what = { .created_ms = 0 };
	int r = snapshots_prepare(&a->all, instance_disk_project(a->dir), e);

	if (r < 0 || (r = x->copy = snapshots_copy_begin(&a->all, &what, e)) < 0)
		return r;
	r = snapshot_copy_frozen(a, x->copy, &what, e);
	if (r < 0)
		return r;
	x->result->frozen_us = what.frozen_us;
	if (!running_has_ended(&a->running))
		return 0;
	(void)err_set(e, EBUSY, "it has ended while it was copied");
	return err_hint(e, "try again");
}

static int write_tree(struct export *x, const char *part, const struct tree_layer *v, size_t n,
		      struct err *e)
{
	const struct tree_stack stack = { v, n };
	struct layer_written ignored;
	int r = transfer_part_begin(x->w, part, e);

	if (r >= 0)
		r = layer_write_exact(&stack, transfer_part_data, x->w, &ignored, e);
	if (r >= 0)
		r = transfer_part_end(x->w, e);
	return r < 0 ? err_wrap(e, "%s", part) : 0;
}

static int write_snapshot(struct export *x, size_t i, struct err *e)
{
	const struct meta *m = &x->a.meta;
	char path[SNAPSHOT_PATH_MAX], part[TRANSFER_NAME_MAX];
	CLEANUP_FD int fs = -EBADF;

	snapshot_path(&x->order[i]->id, path);
	transfer_snapshot_name(i, part);
	fs = path_open_beneath(x->a.all.dir, path, O_RDONLY | O_DIRECTORY, 0);
	if (fs < 0)
		return err_ret(e, fs, "open " SNAPSHOT_DIR "/%s", path);
	return write_tree(
		x, part,
		&(struct tree_layer){ fs, { .from = m->ids.first, .count = m->ids.count } }, 1, e);
}

/* Where snapshots stay behind, what they have belongs to the files of now. */
static int write_upper(struct export *x, struct err *e)
{
	CLEANUP_TREES struct snapshot_trees trees = { .n = 0 };
	bool merged = x->from || x->o->no_snapshots;
	int r = snapshot_trees_open(&x->a, x->from ? &x->from->id : &x->a.all.head, !x->from,
				    &trees, e);

	if (r >= 0 && x->copy >= 0) {
		fd_reset(&trees.v[0].dir);
		trees.v[0].dir = path_open_beneath(x->copy, "fs", O_RDONLY | O_DIRECTORY, 0);
		if (trees.v[0].dir < 0)
			return err_ret(e, trees.v[0].dir, "open the copy");
	}
	return r < 0 ? r : write_tree(x, TRANSFER_UPPER, trees.v, merged ? trees.n_own : 1, e);
}

static int write_layer(struct export *x, const struct layer *l, struct err *e)
{
	const struct split_output out = { .sink = transfer_part_data, .arg = x->w };
	char part[TRANSFER_NAME_MAX];
	int r;

	transfer_layer_name(&l->digest, part);
	r = transfer_part_begin(x->w, part, e);
	if (r >= 0)
		r = layer_stream(l, &out, e);
	if (r >= 0)
		r = transfer_part_end(x->w, e);
	return r < 0 ? err_wrap(e, "layer %s", l->digest.hex) : 0;
}

/* ---- */

static int write_json(struct export *x, const char *name, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	int r;

	json_out_init(&o, &b, true);
	if (str_eq(name, TRANSFER_SPEC))
		spec_to_json(&x->a.spec, &o, NULL);
	else
		transfer_document_write(&x->d, &o);
	strbuf_addc(&b, '\n');
	r = strbuf_ok(&b, e);
	return r < 0 ? r : transfer_text(x->w, name, b.data, b.len, e);
}

static int write_texts(struct export *x, struct err *e)
{
	CLEANUP_FREE char *config = NULL;
	size_t n = 0;
	int has = image_kept_text(x->a.dir, &config, &n, e), r;

	if (has < 0)
		return has;
	x->d.image_config = has > 0;
	if ((r = write_json(x, TRANSFER_DOCUMENT, e)) < 0 ||
	    (r = write_json(x, TRANSFER_SPEC, e)) < 0)
		return r;
	return has ? transfer_text(x->w, TRANSFER_CONFIG, config, n, e) : 0;
}

static int write_all(struct export *x, struct err *e)
{
	int r = transfer_begin(x->o->out, x->o->compress, &x->w, e);

	if (r >= 0)
		r = write_texts(x, e);
	for (size_t i = 0; r >= 0 && i < x->n_held; i++)
		r = write_layer(x, &x->held[i], e);
	for (size_t i = 0; r >= 0 && i < x->d.n_snapshots; i++)
		r = write_snapshot(x, i, e);
	if (r >= 0)
		r = write_upper(x, e);
	if (r >= 0)
		r = transfer_end(x->w, e);
	if (r < 0)
		return r;
	x->result->bytes = transfer_bytes(x->w);
	x->result->layers = x->n_held;
	x->result->layers_left_out = x->d.n_layers - x->n_held;
	x->result->snapshots = x->d.n_snapshots;
	return 0;
}

int instance_export(struct jail *j, const struct jail_name *name, const struct export_options *o,
		    struct exported *ret, struct err *e)
{
	CLEANUP_FREE struct export *x = calloc(1, sizeof(*x)); /* large */
	struct exported result = { .bytes = 0 };
	int r;

	if (!x)
		return err_nomem(e);
	x->o = o;
	x->result = &result;
	x->copy = -EBADF;
	x->d.head = -1;
	snapshot_access_init(&x->a);
	r = snapshot_access_clean(j, name, false, &x->a, e);
	if (r >= 0 && o->snapshot)
		r = snapshots_get(&x->a.all, o->snapshot, &x->from, e);
	if (r >= 0)
		r = describe(x, e);
	if (r >= 0 && x->a.lock < 0 && !x->from)
		r = copy_upper(x, e);
	if (r >= 0)
		r = write_all(x, e);
	export_close(x);
	if (r < 0)
		return err_wrap(e, "export %s", name->s);
	*ret = result;
	return 0;
}
