/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The snapshots that an instance stands on are layers of its root file system. */
#include "namespaces/rootfs.h"
#include "runtime/launch_priv.h"

int launch_own_layers(struct start *s, struct err *e)
{
	CLEANUP_SNAPSHOTS struct snapshots all = SNAPSHOTS_INIT;
	const struct launch *l = s->l;
	struct root_storage *t = s->storage;
	int holder = s->disk >= 0 ? s->disk : l->dir;
	struct snapshot_chain chain;
	struct snapshot_id head;
	int r;

	if (!l->spec.has_image)
		return 0;
	r = snapshots_head(holder, &head, e);
	if (r < 0 || head.s[0] == '\0')
		return r;
	if ((r = snapshots_read(holder, &all, e)) < 0 ||
	    (r = snapshots_chain(&all, &head, &chain, e)) < 0)
		return err_wrap(e, "snapshots");
	if (chain.n + t->n_layers > LIMIT_LAYERS)
		return err_set(e, E2BIG,
			       "%zu snapshots and %zu layers of the image; an instance has at "
			       "most %d in all",
			       chain.n, t->n_layers, LIMIT_LAYERS);
	for (size_t i = 0; i < chain.n; i++) {
		char path[SNAPSHOT_PATH_MAX];

		snapshot_path(&chain.v[i]->id, path);
		(void)str_format(t->own_paths[i], sizeof(t->own_paths[i]), SNAPSHOT_DIR "/%s",
				 path); /* fits */
		t->own[i] = t->own_paths[i];
	}
	t->n_own = chain.n;
	/* One mount point more than before for each. */
	return rootfs_prepare_dir(holder, chain.n + t->n_layers, &l->meta.ids, e);
}
