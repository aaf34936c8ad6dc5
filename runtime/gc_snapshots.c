/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What commands on snapshots left that were killed. Only where there ever were any is looked. */
#include <fcntl.h>

#include "base/lock.h"
#include "runtime/gc_priv.h"
#include "runtime/snapshot_priv.h"
#include "runtime/volumes.h"

static int collect_of(struct gc *g, const struct jail_name *name, struct err *e)
{
	CLEANUP_FD int dir = instance_open_dir(g->j, name, e);
	CLEANUP_ACCESS struct snapshot_access a;
	int r = dir;

	snapshot_access_init(&a);
	if (dir < 0 || faccessat(dir, SNAPSHOT_LOCK, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (lock_is_held_at(dir, SNAPSHOT_LOCK) > 0) /* who is at it cleans up, or the next gc */
		return 0;
	r = snapshot_access_open(g->j, name, false, &a, e);
	if (r == -EAGAIN || r == -ESRCH || r == -EBUSY || r == -ENOENT || r == -EOPNOTSUPP)
		return 0; /* it starts or ends, and is not for us now */
	return r < 0 ? r : snapshots_collect(a.holder, e);
}

static int of_volumes(struct gc *g, struct err *e)
{
	CLEANUP_VOLUMES struct volumes all = { .n = 0 };
	int r = volumes_read(g->j, false, &all, e);

	for (size_t i = 0; i < all.n; i++) {
		struct err why = ERR_INIT;
		int n = volume_snapshots_collect(g->j, &all.v[i].name, &why);

		if (n >= 0) {
			g->report->snapshots += (size_t)n;
			continue;
		}
		(void)err_wrap(&why, "snapshots of volume %s", all.v[i].name.s);
		gc_note_failure(g, &why);
	}
	return r;
}

int gc_snapshots(struct gc *g, struct err *e)
{
	for (size_t i = 0; i < g->n_known; i++) {
		struct err why = ERR_INIT;
		int n = collect_of(g, &g->known[i].name, &why);

		if (n >= 0) {
			g->report->snapshots += (size_t)n;
			continue;
		}
		(void)err_wrap(&why, "snapshots of %s", g->known[i].name.s);
		gc_note_failure(g, &why);
	}
	return of_volumes(g, e);
}
