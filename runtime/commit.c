/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/commit.h"

#include "runtime/events.h"
#include "runtime/freeze.h"
#include "runtime/snapshot_priv.h"

/* With mode "system" the program is the image's init, and not the image's business. */
static void process_of(const struct jail_spec *s, struct commit_process *ret)
{
	*ret = (struct commit_process){ .env = &s->process.env };
	if (s->mode == SPEC_MODE_SYSTEM)
		return;
	ret->args = s->process.args.n ? &s->process.args : NULL;
	ret->cwd = s->process.cwd;
	ret->user = s->process.user;
}

static int write_layer(struct commit *c, const struct snapshot_trees *t, struct err *e)
{
	const struct tree_stack stack = { t->v, t->n_own };
	struct layer_written written;
	int r = commit_layer(c, &stack, &written, e);

	if (r >= 0 && written.skipped_sockets)
		warn("%llu socket%s left out: an image can't hold them",
		     (unsigned long long)written.skipped_sockets,
		     written.skipped_sockets == 1 ? " is" : "s are");
	return r;
}

static int write_frozen(struct snapshot_access *a, struct commit *c, const struct snapshot_trees *t,
			uint64_t *ret_us, struct err *e)
{
	struct freeze f CLEANUP_FREEZE = FREEZE_INIT;
	struct err why = ERR_INIT;
	int r = freeze_begin(a->j, &a->name, &f, e), end;

	if (r < 0)
		return r;
	r = write_layer(c, t, e);
	end = freeze_end(&f, ret_us, &why);
	if (r < 0)
		return r;
	if (end >= 0 && !running_has_ended(&a->running))
		return 0;
	(void)err_set(e, EBUSY, "it ended or went on while its files were read");
	return err_hint(e, "try again");
}

static int commit(struct snapshot_access *a, const struct commit_options *o,
		  struct imported_list *ret, uint64_t *ret_us, struct err *e)
{
	CLEANUP_TREES struct snapshot_trees trees = { .n = 0 };
	CLEANUP_COMMIT struct commit *c = NULL;
	char by[LIMIT_NAME_LEN + 32];
	struct commit_request q = {
		.layers = a->meta.layers,
		.n_layers = a->meta.n_layers,
		.image = &a->meta.image,
		.created_by = by,
		.comment = o->comment,
		.import = o->import,
	};
	const struct snapshot *from = NULL;
	int r = engine_store(a->j, e);

	(void)str_format(by, sizeof(by), "jail commit %s", a->name.s); /* fits */
	process_of(&a->spec, &q.process);
	if (r >= 0 && o->snapshot)
		r = snapshots_get(&a->all, o->snapshot, &from, e);
	if (r >= 0)
		r = snapshot_trees_open(a, from ? &from->id : &a->all.head, !from, &trees, e);
	if (r >= 0)
		r = commit_begin(&a->j->store, &q, &c, e);
	if (r >= 0)
		r = a->lock >= 0 || from ? write_layer(c, &trees, e)
					 : write_frozen(a, c, &trees, ret_us, e);
	return r < 0 ? r : commit_end(c, ret, e);
}

int instance_commit(struct jail *j, const struct jail_name *name, const struct commit_options *o,
		    struct imported_list *ret, uint64_t *ret_frozen_us, struct err *e)
{
	CLEANUP_ACCESS struct snapshot_access a;
	int r;

	*ret_frozen_us = 0;
	snapshot_access_init(&a);
	r = snapshot_access_open(j, name, false, &a, e);
	if (r >= 0)
		r = commit(&a, o, ret, ret_frozen_us, e);
	if (r >= 0)
		event_record(
			j, EVENT_COMMITTED, name,
			&(struct event_detail){ .image = o->import.ref.s,
						.snapshot = o->snapshot ? o->snapshot->s : NULL });
	return r < 0 ? err_wrap(e, "commit %s", name->s) : 0;
}
