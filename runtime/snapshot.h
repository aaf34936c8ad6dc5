/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots of instances (images/snapshot.h says how they lie on disk). Of one that is down a
 * snapshot is a rename; of one that runs it is a copy, while its cgroup is frozen.
 *
 * Who works on an instance's snapshots holds its "snapshot.lock", and, when it is down, the
 * instance's own lock on top. Starts need only the latter: what "upper" stands on changes only
 * under it.
 */
#ifndef JAIL_RUNTIME_SNAPSHOT_H
#define JAIL_RUNTIME_SNAPSHOT_H

#include "images/snapshot.h"
#include "images/treediff.h"
#include "runtime/jail.h"

struct snapshot_made {
	struct snapshot snapshot;
	bool has_parent;
	struct snapshot parent;
};
/* name: NULL: after the time. -EEXIST; -EOPNOTSUPP: the instance's files are
 * not jail's, or gone when it stops; -EAGAIN: it starts, or ends, right now. */
int instance_snapshot_create(struct jail *j, const struct jail_name *instance,
			     const struct jail_name *name, struct snapshot_made *ret,
			     struct err *e);
/* *ret: the caller's; without open files. */
int instance_snapshots(struct jail *j, const struct jail_name *instance, struct snapshots *ret,
		       struct err *e);
/* -ENOENT. */
int instance_snapshot_remove(struct jail *j, const struct jail_name *instance,
			     const struct jail_name *name, struct err *e);
/* Only when it isn't running: -EALREADY. */
int instance_rollback(struct jail *j, const struct jail_name *instance,
		      const struct jail_name *name, struct err *e);
/* What differs from one state to another, in order of path. from NULL: the image; to NULL: now. */
int instance_diff(struct jail *j, const struct jail_name *instance, const struct jail_name *from,
		  const struct jail_name *to, tree_diff_fn *fn, void *arg, struct err *e);

struct clone_options {
	const struct jail_name *snapshot; /* NULL: as it is now */
	const char *const *ports; /* as of spec_add_port(); those of the source are left out */
	size_t n_ports;
};
/*
 * A new instance of the same image and spec with a copy of the source's own files, with the owners
 * of its own range of ids. Its name, addresses and ports are its own. -EEXIST; as of
 * instance_snapshot_create().
 */
int instance_clone(struct jail *j, const struct jail_name *source, const struct jail_name *name,
		   const struct clone_options *o, struct err *e);

#endif
