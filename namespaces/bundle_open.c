/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parent half: what comes from the host, before the clone. A caller without privileges can't
 * copy mounts; then the child, which has them in its own namespaces, makes the same copies from its
 * copy of the host's mounts (bundle_mount()).
 */
#include "namespaces/bundle_priv.h"

static void kit_close_all(int **fds, size_t *n)
{
	for (size_t i = 0; *fds && i < *n; i++)
		fd_reset(&(*fds)[i]);
	free(TAKE_PTR(*fds));
	*n = 0;
}

void bundle_kit_close(struct bundle_kit *k)
{
	fd_reset(&k->root);
	fd_reset(&k->mask);
	kit_close_all(&k->mounts, &k->n_mounts);
	kit_close_all(&k->devices, &k->n_devices);
}

static int kit_alloc(int **ret, size_t *ret_n, size_t n, struct err *e)
{
	if (n == 0)
		return 0;
	*ret = calloc(n, sizeof(**ret));
	if (!*ret)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++)
		(*ret)[i] = -EBADF;
	*ret_n = n;
	return 0;
}

/* The container's user namespace for idmapped mounts, if there is one and one asks for it. */
static int open_user_ns(const struct bundle *b, int *ret_own, struct err *e)
{
	bool wanted = false;

	for (size_t i = 0; i < b->n_mounts; i++) {
		const struct bundle_mount *m = &b->mounts[i];

		wanted |= m->idmap != BUNDLE_IDMAP_NONE && !m->maps.n_uids && !m->maps.n_gids;
	}
	if (!wanted || b->user_ns >= 0 || b->maps.n_uids == 0)
		return 0;
	*ret_own = id_mappings_namespace(&b->maps, e);
	return *ret_own < 0 ? -e->code : 0;
}

static int open_mounts(const struct bundle *b, struct bundle_kit *k, struct err *e)
{
	CLEANUP_FD int own = -EBADF;

	if (kit_alloc(&k->mounts, &k->n_mounts, b->n_mounts, e) < 0 || open_user_ns(b, &own, e) < 0)
		return -e->code;
	for (size_t i = 0; i < b->n_mounts; i++) {
		const struct bundle_mount *m = &b->mounts[i];

		if (m->kind != BUNDLE_BIND)
			continue;
		k->mounts[i] = bundle_source_mount(b, m, b->user_ns >= 0 ? b->user_ns : own, e);
		if (k->mounts[i] < 0)
			return err_wrap(e, "%s", m->key);
	}
	return 0;
}

static int open_all(const struct bundle *b, struct bundle_kit *k, struct err *e)
{
	if (b->n_masked) {
		k->mask = bundle_dev_source(&bundle_dev_nodes[0], e);
		if (k->mask < 0)
			return err_wrap(e, "linux.maskedPaths");
	}
	if (open_mounts(b, k, e) < 0)
		return -e->code;
	if (!b->private_user)
		return 0;
	if (kit_alloc(&k->devices, &k->n_devices, BUNDLE_DEV_NODES + b->n_devices, e) < 0)
		return -e->code;
	return bundle_dev_sources(b, k, e);
}

int bundle_open(const struct bundle *b, struct bundle_kit *ret, struct err *e)
{
	CLEANUP(bundle_kit_close) struct bundle_kit k = BUNDLE_KIT_INIT;
	struct err first = ERR_INIT;

	if (b->private_mounts) {
		k.root = bundle_source_root(b, &first);
		if (k.root < 0 && !(first.code == EPERM && geteuid() != 0)) {
			*e = first;
			return err_wrap(e, "root.path");
		}
		if (k.root >= 0 && open_all(b, &k, e) < 0)
			return -e->code;
	}
	*ret = k;
	k = BUNDLE_KIT_INIT;
	return 0;
}
