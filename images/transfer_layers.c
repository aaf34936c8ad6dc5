/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layers of an export. Each is staged as those of an image are (import_layers.c), under the digest
 * that its child has computed, and moved into the store with all others at the end. Until then, and
 * when we are killed, there is a staging directory that nobody holds.
 */
#include "images/digest.h"
#include "images/transfer_priv.h"

struct transfer_layers {
	struct import import;
};

int transfer_layers_begin(struct image_store *s, const struct import_request *import,
			  struct transfer_layers **ret, struct err *e)
{
	CLEANUP_TRANSFER_LAYERS struct transfer_layers *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return err_nomem(e);
	l->import.store = s;
	l->import.req = import;
	l->import.staging = STAGING_INIT;
	r = import_limits_complete(&import->limits, &l->import.limits, e);
	if (r >= 0)
		r = staging_make(s, &l->import.staging, e);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}

void transfer_layers_free(struct transfer_layers **l)
{
	struct err ignored = ERR_INIT;

	if (!*l)
		return;
	free((*l)->import.staged);
	if (staging_remove((*l)->import.store, &(*l)->import.staging, &ignored) < 0)
		warn("%s", ignored.text);
	free(TAKE_PTR(*l));
}

static int pass(const void *data, size_t n, void *arg, struct err *e)
{
	(void)data;
	(void)n;
	(void)arg;
	(void)e;
	return 0;
}

int transfer_layers_read(struct transfer_layers *l, struct transfer_reader *r,
			 const struct digest *layer, struct err *e)
{
	CLEANUP_FD int dir = -EBADF, tree = -EBADF, split = -EBADF;
	struct transfer_child how = { .unpacker = &l->import.store->unpacker,
				      .limits = l->import.limits,
				      .mode = UNPACK_LAYER };
	struct staged_layer staged;
	struct unpack_result result;
	char part[TRANSFER_NAME_MAX];
	struct digest got;

	transfer_layer_name(layer, part);
	if (store_has_layer(l->import.store, layer))
		return transfer_read_part(r, part, pass, NULL, e);
	dir = import_stage_layer(&l->import, &staged, &tree, e);
	if (dir < 0 || (split = import_stage_split(dir, e)) < 0)
		return -e->code;
	how.fds = (struct unpack_fds){ .tree = tree, .split = split };
	if (transfer_unpack(r, part, &how, &result, e) < 0)
		return -e->code;
	digest_from_bytes(result.stream_sha256, &got);
	if (!str_eq(got.hex, layer->hex))
		return err_set(e, EBADMSG, "%s holds a layer of digest sha256:%s", part, got.hex);
	staged.digest = *layer;
	return import_staged(&l->import, &staged, dir, &result, e);
}

int transfer_layers_settle(struct transfer_layers *l, struct err *e)
{
	CLEANUP_FD int lock = store_lock(l->import.store, e);

	return lock < 0 ? lock : import_move_layers(&l->import, e);
}
