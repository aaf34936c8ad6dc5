/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs on snapshots and differences share. */
#ifndef JAIL_CMD_SNAPSHOT_H
#define JAIL_CMD_SNAPSHOT_H

#include "cmd/jail/cli.h"
#include "runtime/snapshot.h"

/* docs/json.md, "snapshot"; parent and current are of the list. */
struct snapshot_view {
	const struct snapshot *s;
	const struct snapshot *parent; /* NULL: the image */
	bool current; /* what is written now stands on it */
};
void snapshot_to_json(struct json_out *o, const struct snapshot_view *v);
/* What those of volumes have too: name, created, createdMs, frozenMs. */
void snapshot_members(struct json_out *o, const struct snapshot *s);
/* "12.3ms" */
#define SNAPSHOT_FROZEN_MAX 32
void snapshot_frozen_text(const struct snapshot *s, char ret[static SNAPSHOT_FROZEN_MAX]);

/* Removes those that the operands name, after what has them; each failure is printed, the rest is
 * still done. Return: exit status, or -EINVAL. */
typedef int snapshot_rm_fn(struct jail *j, const struct jail_name *of, const struct jail_name *name,
			   struct err *e);
int snapshots_rm(struct cli *c, const char *kind, snapshot_rm_fn *fn, struct err *e);

/* Prints what instance_diff() tells. from, to: as there. */
int diff_print(struct cli *c, const struct jail_name *instance, const struct jail_name *from,
	       const struct jail_name *to, bool json, struct err *e);

#endif
