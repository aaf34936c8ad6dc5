/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands on snapshots. */
#include "runtime/snapshot.h"

#include "base/clock.h"
#include "runtime/disk.h"
#include "runtime/events.h"
#include "runtime/freeze.h"
#include "runtime/snapshot_priv.h"

bool snapshot_is_taken(const struct snapshots *s, const struct jail_name *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->v[i].unfinished && str_eq(s->v[i].name.s, name->s))
			return true;
	return false;
}

int snapshot_choose_name(const struct snapshots *s, uint64_t now_ms, const char *schedule,
			 struct jail_name *ret, struct err *e)
{
	char t[CLOCK_TEXT_MAX];

	clock_format(now_ms, t, sizeof(t));
	for (unsigned i = 1; i <= SNAPSHOTS_MAX + 1; i++) {
		char more[16] = "";

		if (i > 1)
			(void)str_format(more, sizeof(more), "-%u", i);
		(void)str_format(ret->s, sizeof(ret->s), "%s%s%.4s%.2s%.2s-%.2s%.2s%.2s%s",
				 schedule ? schedule : "", schedule ? "-" : "", t, t + 5, t + 8,
				 t + 11, t + 14, t + 17, more); /* fits */
		if (!snapshot_is_taken(s, ret))
			return 0;
	}
	return err_set(e, EEXIST, "no name is left; give one");
}

int snapshot_copy_frozen(struct snapshot_access *a, int entry, struct snapshot *what, struct err *e)
{
	struct freeze f CLEANUP_FREEZE = FREEZE_INIT;
	struct err why = ERR_INIT;
	int r = freeze_begin(a->j, &a->name, &f, e), end;

	if (r < 0)
		return r;
	what->frozen = !f.was_paused;
	r = snapshots_copy(&a->all, entry, e);
	end = freeze_end(&f, &what->frozen_us, &why);
	if (!what->frozen)
		what->frozen_us = 0;
	if (r < 0 || end >= 0)
		return r;
	*e = why;
	return end;
}

static int copy(struct snapshot_access *a, struct snapshot *what, struct err *e)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int entry = snapshots_copy_begin(&a->all, what, e);
	int r = entry;

	if (r >= 0)
		r = a->lock < 0 ? snapshot_copy_frozen(a, entry, what, e)
				: snapshots_copy(&a->all, entry, e);
	if (r >= 0 && a->lock < 0 && running_has_ended(&a->running)) {
		(void)err_set(e, EBUSY, "it has ended while it was copied");
		r = err_hint(e, "try again");
	}
	if (r >= 0)
		r = snapshots_copy_end(&a->all, entry, what, e);
	if (r < 0)
		(void)snapshots_collect(a->holder, &ignored);
	return r;
}

/* Whether what is "upper" now may become one more layer. Where not, it is copied. */
static int has_room(const struct snapshot_access *a, struct err *e)
{
	struct snapshot_chain chain;
	int r = snapshots_chain(&a->all, &a->all.head, &chain, e);

	return r < 0 ? r : chain.n + 1 + a->meta.n_layers <= LIMIT_LAYERS;
}

int snapshot_make(struct snapshot_access *a, struct snapshot *what, const char *schedule,
		  struct snapshot_made *ret, struct err *e)
{
	const struct snapshot *parent = snapshots_named(&a->all, &a->all.head);
	int r;

	if (what->name.s[0] && snapshot_is_taken(&a->all, &what->name)) {
		(void)err_set(e, EEXIST, "snapshot \"%s\": there is one of that name",
			      what->name.s);
		return err_hint(e, "choose another name, or remove it: jail snapshot rm %s %s",
				a->name.s, what->name.s);
	}
	if (!what->name.s[0] &&
	    (r = snapshot_choose_name(&a->all, what->created_ms, schedule, &what->name, e)) < 0)
		return r;
	if ((r = snapshots_prepare(&a->all, instance_disk_project(a->dir), e)) < 0 ||
	    (r = has_room(a, e)) < 0)
		return r;
	what->copied = a->lock < 0 || r == 0;
	r = what->copied ? copy(a, what, e) : snapshots_move(&a->all, what, e);
	if (r < 0)
		return r;
	event_record(a->j, EVENT_SNAPSHOT, &a->name,
		     &(struct event_detail){ .snapshot = what->name.s });
	*ret = (struct snapshot_made){ .snapshot = *what, .has_parent = parent != NULL };
	if (parent)
		ret->parent = *parent;
	return 0;
}

int snapshot_access_clean(struct jail *j, const struct jail_name *instance, bool must_be_down,
			  struct snapshot_access *ret, struct err *e)
{
	int r = snapshot_access_open(j, instance, must_be_down, ret, e), n;

	if (r < 0)
		return r;
	n = snapshots_collect(ret->holder, e);
	return n <= 0 ? n : snapshot_access_again(ret, e);
}

int instance_snapshot_create(struct jail *j, const struct jail_name *instance,
			     const struct jail_name *name, struct snapshot_made *ret, struct err *e)
{
	struct snapshot what = { .created_ms = clock_wall_ms() };
	CLEANUP_ACCESS struct snapshot_access a;
	int r;

	if (name)
		what.name = *name;

	snapshot_access_init(&a);
	r = snapshot_access_clean(j, instance, false, &a, e);
	if (r >= 0)
		r = snapshot_make(&a, &what, NULL, ret, e);
	return r < 0 ? err_wrap(e, "snapshot of %s", instance->s) : 0;
}

int instance_snapshots(struct jail *j, const struct jail_name *instance, struct snapshots *ret,
		       struct err *e)
{
	CLEANUP_ACCESS struct snapshot_access a;
	int r;

	snapshot_access_init(&a);
	r = snapshot_access_open(j, instance, false, &a, e);
	if (r < 0)
		return err_wrap(e, "snapshots of %s", instance->s);
	*ret = a.all;
	a.all = SNAPSHOTS_INIT;
	fd_reset(&ret->dir);
	ret->holder = -EBADF;
	return 0;
}

int snapshot_forget(const struct snapshot_access *a, const struct snapshot *which, struct err *e)
{
	int r = snapshots_remove(&a->all, which, e);

	if (r >= 0)
		event_record(a->j, EVENT_SNAPSHOT_REMOVED, &a->name,
			     &(struct event_detail){ .snapshot = which->name.s });
	return r;
}

int instance_snapshot_remove(struct jail *j, const struct jail_name *instance,
			     const struct jail_name *name, struct err *e)
{
	CLEANUP_ACCESS struct snapshot_access a;
	const struct snapshot *which;
	int r;

	snapshot_access_init(&a);
	r = snapshot_access_open(j, instance, false, &a, e);
	if (r >= 0)
		r = snapshots_get(&a.all, name, &which, e);
	if (r >= 0)
		r = snapshot_forget(&a, which, e);
	if (r >= 0)
		r = snapshots_collect(a.holder, e);
	return r < 0 ? err_wrap(e, "snapshot rm %s", instance->s) : 0;
}

int instance_rollback(struct jail *j, const struct jail_name *instance,
		      const struct jail_name *name, struct err *e)
{
	CLEANUP_ACCESS struct snapshot_access a;
	const struct snapshot *to;
	int r;

	snapshot_access_init(&a);
	r = snapshot_access_clean(j, instance, true, &a, e);
	if (r >= 0)
		r = snapshots_get(&a.all, name, &to, e);
	if (r >= 0)
		r = snapshots_roll_back(&a.all, to, e);
	if (r >= 0)
		event_record(j, EVENT_ROLLED_BACK, instance,
			     &(struct event_detail){ .snapshot = name->s });
	if (r >= 0)
		r = snapshots_collect(a.holder, e);
	return r < 0 ? err_wrap(e, "rollback %s", instance->s) : 0;
}

static int state_of(const struct snapshot_access *a, const struct jail_name *name,
		    struct snapshot_trees *ret, struct err *e)
{
	const struct snapshot *s;
	int r = snapshots_get(&a->all, name, &s, e);

	return r < 0 ? r : snapshot_trees_open(a, &s->id, false, ret, e);
}

int instance_diff(struct jail *j, const struct jail_name *instance, const struct jail_name *from,
		  const struct jail_name *to, tree_diff_fn *fn, void *arg, struct err *e)
{
	CLEANUP_TREES struct snapshot_trees a_trees = { .n = 0 }, b_trees = { .n = 0 };
	const struct snapshot_id image = { "" };
	CLEANUP_ACCESS struct snapshot_access a;
	int r;

	snapshot_access_init(&a);
	r = snapshot_access_open(j, instance, false, &a, e);
	if (r >= 0)
		r = from ? state_of(&a, from, &a_trees, e)
			 : snapshot_trees_open(&a, &image, false, &a_trees, e);
	if (r >= 0)
		r = to ? state_of(&a, to, &b_trees, e)
		       : snapshot_trees_open(&a, &a.all.head, true, &b_trees, e);
	if (r >= 0)
		r = tree_diff(&(struct tree_stack){ a_trees.v, a_trees.n },
			      &(struct tree_stack){ b_trees.v, b_trees.n }, fn, arg, e);
	return r < 0 && e->code ? err_wrap(e, "diff %s", instance->s) : r;
}
