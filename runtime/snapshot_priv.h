/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the snapshots share. */
#ifndef JAIL_RUNTIME_SNAPSHOT_PRIV_H
#define JAIL_RUNTIME_SNAPSHOT_PRIV_H

#include "runtime/engine_priv.h"
#include "runtime/snapshot.h"

#define SNAPSHOT_LOCK "snapshot.lock"

/* An instance whose own files can be reached, and stay as they are or are at least not moved. */
struct snapshot_access {
	struct jail *j;
	struct jail_name name;
	int guard; /* snapshot.lock */
	int lock; /* the instance's; -EBADF: it runs */
	struct running running; /* set when it runs */
	int dir;
	int mount; /* with that in it; may be O_PATH */
	int holder; /* of snapshot.h */
	struct meta meta;
	struct jail_spec spec;
	struct snapshots all;
};
int snapshot_access_open(struct jail *j, const struct jail_name *name, bool must_be_down,
			 struct snapshot_access *ret, struct err *e);
/* The same, and what earlier commands left that were killed is removed. */
int snapshot_access_clean(struct jail *j, const struct jail_name *name, bool must_be_down,
			  struct snapshot_access *ret, struct err *e);
/* Reads the snapshots anew, after a change. */
int snapshot_access_again(struct snapshot_access *a, struct err *e);
/* Of one that runs, while it stands still: snapshots_copy(). Says in *what how long. */
int snapshot_copy_frozen(struct snapshot_access *a, int entry, struct snapshot *what,
			 struct err *e);
void snapshot_access_close(struct snapshot_access *a);
#define CLEANUP_ACCESS CLEANUP(snapshot_access_close)
/* Zeroed is not closed. */
void snapshot_access_init(struct snapshot_access *a);

bool snapshot_is_taken(const struct snapshots *s, const struct jail_name *name);
/* "20261127-173134", with a schedule "daily-20261127-173134", and with more than one in a second
 * "20261127-173134-2". */
int snapshot_choose_name(const struct snapshots *s, uint64_t now_ms, const char *schedule,
			 struct jail_name *ret, struct err *e);
/* what: name ("": after the time, and the schedule, or NULL), created_ms and what a schedule says;
 * the rest is filled in. a->all is not up to date afterwards. */
int snapshot_make(struct snapshot_access *a, struct snapshot *what, const char *schedule,
		  struct snapshot_made *ret, struct err *e);
/* Takes its name, and says so in the events. */
int snapshot_forget(const struct snapshot_access *a, const struct snapshot *which, struct err *e);

/* The trees that a state is made of, top first: of "upper" (from NULL: without it) and what it
 * stands on, down to the image. Owners as they are inside. */
struct snapshot_trees {
	struct tree_layer v[LIMIT_LAYERS + 1];
	size_t n, n_own; /* the first n_own are the instance's */
};
void snapshot_trees_close(struct snapshot_trees *t);
#define CLEANUP_TREES CLEANUP(snapshot_trees_close)
/* The state now: head with `upper`; the image: head "" without. */
int snapshot_trees_open(const struct snapshot_access *a, const struct snapshot_id *head, bool upper,
			struct snapshot_trees *ret, struct err *e);

#endif
