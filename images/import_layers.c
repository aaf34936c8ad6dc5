/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layers of an image that the store hasn't got, each unpacked by a child of its own into
 * staging/ID/N/fs. A layer that is there already is not looked at again: it is what its digest
 * says, and what the archive has in its place is not used.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/path.h"
#include "images/digest.h"
#include "images/import_priv.h"
#include "images/split.h"

bool store_has_layer(const struct image_store *s, const struct digest *layer)
{
	struct stat st;

	return fstatat(s->layers, layer->hex, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool import_has_staged(const struct import *im, const struct digest *layer)
{
	for (size_t i = 0; i < im->n_staged; i++)
		if (str_eq(im->staged[i].digest.hex, layer->hex))
			return true;
	return false;
}

int import_stage_layer(struct import *im, struct staged_layer *ret, int *ret_tree, struct err *e)
{
	CLEANUP_FD int dir = -EBADF;
	int r = str_format(ret->name, sizeof(ret->name), "%u", im->counter++);

	if (r < 0)
		return err_ret(e, r, "staging directory of a layer");
	dir = path_make_dir_at(im->staging.dir, ret->name, 0700, e);
	if (dir < 0)
		return dir;
	*ret_tree = path_make_dir_at(dir, "fs", 0755, e);
	return *ret_tree < 0 ? *ret_tree : TAKE_FD(dir);
}

int import_stage_split(int dir, struct err *e)
{
	int fd = path_open_beneath(dir, SPLIT_FILE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);

	return fd < 0 ? err_ret(e, fd, "make " SPLIT_FILE) : fd;
}

int import_staged(struct import *im, const struct staged_layer *layer, int dir,
		  const struct unpack_result *result, struct err *e)
{
	if (im->n_staged == im->cap_staged) {
		size_t cap = im->cap_staged ? 2 * im->cap_staged : LIMIT_LAYERS;
		struct staged_layer *grown = reallocarray(im->staged, cap, sizeof(*grown));

		if (!grown)
			return err_nomem(e);
		im->staged = grown;
		im->cap_staged = cap;
	}
	if (layer_file_write(dir, &layer->digest, result, e) < 0)
		return -e->code;
	im->staged[im->n_staged++] = *layer;
	return 0;
}

struct layer_work {
	struct import *import;
	const struct plan *plan;
	size_t index; /* of the plan's layers */
	struct staged_layer staged;
	int dir, tree, split, blob; /* owned */
};

struct layers_work {
	struct layer_work v[LIMIT_LAYERS];
	struct unpack_job jobs[LIMIT_LAYERS];
	size_t n;
};

static void layers_work_free(struct layers_work **w)
{
	for (size_t i = 0; *w && i < (*w)->n; i++) {
		fd_reset(&(*w)->v[i].dir);
		fd_reset(&(*w)->v[i].tree);
		fd_reset(&(*w)->v[i].split);
		fd_reset(&(*w)->v[i].blob);
	}
	free(*w);
}

/* What came out against what the documents say (row 51). */
static int layer_check(const struct layer_work *w, const struct unpack_result *result,
		       struct err *e)
{
	const struct plan_layer *layer = &w->plan->layers[w->index];
	const struct digest *wanted = &w->plan->parsed.layers[w->index];
	bool sha512 = blob_digest_is_sha512(&layer->blob);
	struct blob_digest blob;
	struct digest got;

	blob_digest_from_bytes(sha512 ? result->archive_sha512 : result->archive_sha256, sha512,
			       &blob);
	if (layer->described && !str_eq(blob.s, layer->blob.s))
		return err_set(e, EBADMSG, "%s has the digest %s; the manifest says %s",
			       layer->member, blob.s, layer->blob.s);
	if (layer->described && result->archive_bytes != layer->size)
		return err_set(e, EBADMSG, "%s has %llu bytes; the manifest says %llu",
			       layer->member, (unsigned long long)result->archive_bytes,
			       (unsigned long long)layer->size);
	digest_from_bytes(result->stream_sha256, &got);
	if (!str_eq(got.hex, wanted->hex))
		return err_set(e, EBADMSG,
			       "%s holds a layer of digest sha256:%s; rootfs.diff_ids of the "
			       "config sha256:%s says sha256:%s",
			       layer->member, got.hex, w->plan->config.digest.hex, wanted->hex);
	return 0;
}

static int layer_done(struct unpack_job *job, struct err *e)
{
	struct layer_work *w = job->arg;
	int r = layer_check(w, &job->result, e);

	if (r < 0)
		return r;
	w->staged.digest = w->plan->parsed.layers[w->index];
	return import_staged(w->import, &w->staged, w->dir, &job->result, e);
}

static int layer_open(struct layers_work *all, const struct blobs *b, struct import *im,
		      const struct plan *plan, size_t index, struct err *e)
{
	const struct plan_layer *layer = &plan->layers[index];
	struct layer_work *w = &all->v[all->n];
	uint64_t size = 0;

	*w = (struct layer_work){ .import = im,
				  .plan = plan,
				  .index = index,
				  .dir = -EBADF,
				  .tree = -EBADF,
				  .split = -EBADF,
				  .blob = -EBADF };
	all->n++;
	w->blob = blobs_open(b, layer->member, &size, e);
	if (w->blob < 0)
		return err_wrap(e, "layer %zu of %zu", index + 1, plan->parsed.n_layers);
	if (layer->described && size != layer->size)
		return err_set(e, EBADMSG,
			       "layer %zu of %zu: %s has %llu bytes; the manifest says %llu",
			       index + 1, plan->parsed.n_layers, layer->member,
			       (unsigned long long)size, (unsigned long long)layer->size);
	w->dir = import_stage_layer(im, &w->staged, &w->tree, e);
	if (w->dir < 0)
		return w->dir;
	w->split = import_stage_split(w->dir, e);
	if (w->split < 0)
		return w->split;
	all->jobs[all->n - 1] = (struct unpack_job){
		.fds = { .archive = w->blob, .tree = w->tree, .split = w->split },
		.mode = UNPACK_LAYER,
		.sha512 = blob_digest_is_sha512(&layer->blob),
		.done = layer_done,
		.arg = w
	};
	im->progress.total_in += size;
	return 0;
}

/* A build that changes nothing makes an empty layer, and some images have many of those. */
static bool layer_came_before(const struct plan *plan, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (str_eq(plan->parsed.layers[i].hex, plan->parsed.layers[index].hex))
			return true;
	return false;
}

int import_layers(struct import *im, const struct blobs *b, const struct plan *plan, struct err *e)
{
	CLEANUP(layers_work_free) struct layers_work *all = calloc(1, sizeof(*all));

	if (!all)
		return err_nomem(e);
	im->progress = (struct import_progress){ .phase = IMPORT_LAYERS };
	for (size_t i = 0; i < plan->parsed.n_layers; i++) {
		const struct digest *layer = &plan->parsed.layers[i];

		if (store_has_layer(im->store, layer) || import_has_staged(im, layer) ||
		    layer_came_before(plan, i))
			continue;
		if (layer_open(all, b, im, plan, i, e) < 0)
			return -e->code;
	}
	im->progress.layers = all->n;
	return import_unpack(im, all->jobs, all->n, e);
}
