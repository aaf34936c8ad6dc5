/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots of an instance's own files, as they lie on disk. HOLDER is what holds "upper": the
 * instance's directory, or the root of its disk image.
 *
 *     HOLDER/upper                       what is written now
 *     HOLDER/snapshots/ID/fs             what was "upper" once, or a copy of it; never changed
 *     HOLDER/snapshots/ID/snapshot.json  its name; without it, nobody asks for it by name any more
 *
 * "upper" and each "fs" say by an extended attribute, which only the host's root can see or set, on
 * which snapshot they stand (SNAPSHOT_PARENT_XATTR; none: on the image). So what an instance is
 * made of is one chain that begins at "upper", and what is needed no more is found by looking.
 *
 * Every change has one rename(2) or unlink(2) by which it happens, or hasn't, whoever is killed and
 * whenever the power goes: a new "upper" with its attribute is made where the old one shall lie,
 * and the two are exchanged. Until then the "fs" stands on itself, which says that it is
 * unfinished.
 *
 * Volumes (runtime/volumes.h) have the same below their directory, only that all are copies, none
 * stands on another, and "upper" is called "data", or is a disk.img, of which fs/ holds a copy.
 */
#ifndef JAIL_IMAGES_SNAPSHOT_H
#define JAIL_IMAGES_SNAPSHOT_H

#include "base/ident.h"
#include "base/json.h"
#include "images/treecopy.h"

#define SNAPSHOT_DIR "snapshots"
#define SNAPSHOT_PARENT_XATTR "trusted.jail.parent"
#define SNAPSHOT_ID_LEN 16
#define SNAPSHOTS_MAX 1024 /* of one instance */

struct snapshot_id {
	char s[SNAPSHOT_ID_LEN + 1]; /* hex; "" = none: the image */
};

struct snapshot {
	struct snapshot_id id, parent;
	bool unfinished; /* was begun and is none */
	struct jail_name name; /* "" = it was removed, and others may stand on it */
	uint64_t created_ms; /* wall clock */
	bool copied; /* else it is what was "upper" */
	bool frozen; /* the instance was running, ... */
	uint64_t frozen_us; /* ... and stood still for so long */
	/* Those that it was made for by itself; none: somebody asked for it. What was made later
	 * has the larger sequence, whatever the clock said. */
	struct jail_name schedules[LIMIT_SCHEDULES];
	size_t n_schedules;
	uint64_t sequence;
};

struct snapshots {
	int holder; /* borrowed */
	const char *live; /* "upper"; NULL: what is written is a file that the caller copies */
	int dir; /* HOLDER/snapshots; -EBADF: there never was one */
	struct snapshot *v; /* in order of time; owned */
	size_t n;
	struct snapshot_id head; /* that "upper" stands on */
};
#define SNAPSHOTS_INIT ((struct snapshots){ .holder = -EBADF, .live = "upper", .dir = -EBADF })
void snapshots_free(struct snapshots *s);
#define CLEANUP_SNAPSHOTS CLEANUP(snapshots_free)

/* That "upper" stands on. */
int snapshots_head(int holder, struct snapshot_id *ret, struct err *e);
/* Return: 0; -EBADMSG: what is there can't be right (nothing should be removed then). */
int snapshots_read(int holder, struct snapshots *ret, struct err *e);
/* The same where something else is what is written to; see `live`, which is borrowed. */
int snapshots_read_of(int holder, const char *live, struct snapshots *ret, struct err *e);
/* By name; -ENOENT with those that there are. *ret is part of s. */
int snapshots_get(const struct snapshots *s, const struct jail_name *name,
		  const struct snapshot **ret, struct err *e);
const struct snapshot *snapshots_by_id(const struct snapshots *s, const struct snapshot_id *id);
/* The nearest that has a name, of `id` and those that it stands on; NULL: none. */
const struct snapshot *snapshots_named(const struct snapshots *s, const struct snapshot_id *id);

/* What lies below one that stands on `id`, top first. */
struct snapshot_chain {
	const struct snapshot *v[SNAPSHOTS_MAX];
	size_t n;
};
int snapshots_chain(const struct snapshots *s, const struct snapshot_id *id,
		    struct snapshot_chain *ret, struct err *e);
/* Whether nothing stands on it and nobody asks for it. used: room for s->n, of snapshots_mark(). */
int snapshots_mark(const struct snapshots *s, bool *used, struct err *e);

/* "ID/fs" below s->dir. */
#define SNAPSHOT_PATH_MAX (SNAPSHOT_ID_LEN + 4)
void snapshot_path(const struct snapshot_id *id, char ret[static SNAPSHOT_PATH_MAX]);

/* ---- changes; s is as it was read before, afterwards it is not up to date ---- */

/* HOLDER/snapshots, if it is missing; project: as of disk_project_put(), 0 for none. */
int snapshots_prepare(struct snapshots *s, uint32_t project, struct err *e);
/* What is written now becomes the snapshot: nobody may have it open. */
int snapshots_move(const struct snapshots *s, const struct snapshot *what, struct err *e);
/* Begins one that is a copy. what->id is set. Return: fd of ID/. */
int snapshots_copy_begin(const struct snapshots *s, struct snapshot *what, struct err *e);
/* Copies "upper", which nobody writes to. */
int snapshots_copy(const struct snapshots *s, int entry, struct err *e);
/* HOLDER/snapshots/ID/fs. Return: fd. */
int snapshots_open_fs(const struct snapshots *s, const struct snapshot_id *id, struct err *e);
/* What was copied becomes the snapshot. */
int snapshots_copy_end(const struct snapshots *s, int entry, const struct snapshot *what,
		       struct err *e);
/* "upper" becomes an empty one that stands on the snapshot; what it was goes with the next
 * snapshots_collect(). */
int snapshots_roll_back(const struct snapshots *s, const struct snapshot *to, struct err *e);
/* What is written becomes a copy of the snapshot, and stands on nothing; what it was goes with the
 * next snapshots_collect(). */
int snapshots_restore(const struct snapshots *s, const struct snapshot *to, struct err *e);
/* Takes the name. */
int snapshots_remove(const struct snapshots *s, const struct snapshot *which, struct err *e);
/* Reads them anew, and removes what is needed no more. Return: how many. */
int snapshots_collect(int holder, struct err *e);
int snapshots_collect_of(int holder, const char *live, struct err *e);

/* ---- clones: a new instance's holder, which nobody else knows of yet ---- */

/* One more layer: a copy of the tree `fs`, that stands on *parent, and becomes that. */
int snapshots_clone_layer(const struct snapshots *to, int fs, const struct tree_shift *shift,
			  struct snapshot_id *parent, struct err *e);
/* Its "upper", which is empty, gets the attributes of the directory `like`, with `content` all that
 * is in it, and stands on `parent`. */
int snapshots_clone_upper(const struct snapshots *to, int like, bool content,
			  const struct tree_shift *shift, const struct snapshot_id *parent,
			  struct err *e);

/* The same for files that come from elsewhere. */

/* One more layer, with an empty "fs" that stands on what->parent, and its name, if it has one.
 * what->id is set. */
int snapshots_add_layer(const struct snapshots *to, struct snapshot *what, struct err *e);
/* Its "upper" stands on `parent`. */
int snapshots_set_head(const struct snapshots *to, const struct snapshot_id *parent, struct err *e);

/* All that is needed of `from`, and what is written, for another holder of the same instance that
 * has an empty "upper" and SNAPSHOT_DIR. */
int snapshots_copy_all(const struct snapshots *from, const struct snapshots *to, struct err *e);

/* ---- snapshot.json ---- */

void snapshot_write(const struct snapshot *s, struct json_out *o);
/* name, created_ms, copied, frozen, frozen_us, schedules, sequence; the rest is left alone. */
int snapshot_parse(const char *file, const char *text, size_t n, struct snapshot *ret,
		   struct err *e);

#endif
