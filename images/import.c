/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Import. A confined child reads the archive into staging/ID/0/fs: the tree of a root file system,
 * or, when it turns out to be an archive of images, its members as they are. From the latter the
 * images are chosen, and their layers unpacked into staging/ID/N/fs. Each layer is on disk with its
 * layer.json when it becomes layers/HEX in one rename; then, under the same lock, the config and
 * the names are written. Killed anywhere, what remains is a staging directory that nobody holds,
 * and layers and configs that no image names. `gc` removes them (row 51).
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/path.h"
#include "images/digest.h"
#include "images/import_priv.h"

#define IMPORT_MAX_BYTES ((uint64_t)64 << 30)
#define IMPORT_MAX_MEMBERS 5000000u
#define IMPORT_MAX_RATIO 1000u
#define IMPORT_ATTEMPTS 3 /* gc may take a layer away that was counted on; not every time */
#define IMPORT_CREATED_BY "jail image import"

int import_limits_complete(const struct import_limits *asked, struct import_limits *ret,
			   struct err *e)
{
	*ret = *asked;
	if (ret->max_bytes == 0)
		ret->max_bytes = IMPORT_MAX_BYTES;
	if (ret->max_members == 0)
		ret->max_members = IMPORT_MAX_MEMBERS;
	if (ret->max_name == 0)
		ret->max_name = ENTRY_NAME_MAX;
	if (ret->max_ratio == 0)
		ret->max_ratio = IMPORT_MAX_RATIO;
	if (ret->max_name > ENTRY_NAME_MAX)
		return err_set(e, EINVAL, "limit maxName: at most %d", ENTRY_NAME_MAX);
	return 0;
}

static int import_check_name(const struct import *im, const struct image_ref *ref, struct err *e)
{
	struct store_file file;
	struct stat st;
	int r = store_file_name(ref, &file, e);

	if (r < 0)
		return r;
	if (im->req->replace || fstatat(im->store->images, file.s, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	(void)err_set(e, EEXIST, "image \"%s\": the name is in use", ref->s);
	return err_hint(e, "choose another name, or replace it with --replace");
}

static int import_check_names(const struct import *im, const struct plan *plan, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->n_names; i++)
		r = import_check_name(im, &plan->names[i], e);
	return r;
}

/* ---- under the store's lock ---- */

int import_move_layers(struct import *im, struct err *e)
{
	bool moved = false;

	for (size_t i = 0; i < im->n_staged; i++) {
		struct staged_layer *l = &im->staged[i];

		if (renameat2(im->staging.dir, l->name, im->store->layers, l->digest.hex,
			      RENAME_NOREPLACE) == 0)
			moved = true;
		else if (errno != EEXIST)
			return err_sys(e, "move layer %s into the store", l->digest.hex);
	}
	im->n_staged = 0;
	if (moved && (fsync(im->store->layers) < 0 || fsync(im->staging.dir) < 0))
		return err_sys(e, "write the store to disk");
	return 0;
}

/* What the image is as a whole: the sum of its layers. */
static int import_describe(const struct import *im, const struct plan *plan, struct image *ret,
			   struct err *e)
{
	*ret = (struct image){ .n_layers = plan->parsed.n_layers,
			       .config = plan->config.digest,
			       .manifest = plan->manifest,
			       .archive = im->archive,
			       .archive_bytes = im->archive_bytes,
			       .created_ms = clock_wall_ms() };
	memcpy(ret->layers, plan->parsed.layers, ret->n_layers * sizeof(*ret->layers));
	return image_count(im->store, ret, e);
}

static int import_add_result(struct imported_list *l, const struct image *image, size_t known,
			     struct err *e)
{
	struct imported *grown = reallocarray(l->v, l->n + 1, sizeof(*grown));

	if (!grown)
		return err_nomem(e);
	l->v = grown;
	l->v[l->n++] = (struct imported){ .image = *image, .known = known };
	return 0;
}

/* Return: 1 done; 0 a layer has gone since it was seen: again; negative. */
static int import_commit(struct import *im, const struct plan *plan, size_t known,
			 struct imported_list *ret, struct err *e)
{
	CLEANUP_FD int lock = store_lock(im->store, e);
	struct image image;
	int r;

	if (lock < 0)
		return lock;
	r = import_check_names(im, plan, e);
	if (r == 0)
		r = import_move_layers(im, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < plan->parsed.n_layers; i++)
		if (!store_has_layer(im->store, &plan->parsed.layers[i]))
			return 0;
	r = import_describe(im, plan, &image, e);
	if (r == 0)
		r = store_config_write(im->store, &plan->config.digest, plan->config.text,
				       plan->config.n, e);
	for (size_t i = 0; r == 0 && i < plan->n_names; i++) {
		image.ref = plan->names[i];
		r = image_file_write(im->store->images, &image, e);
		if (r == 0)
			r = import_add_result(ret, &image, known, e);
	}
	return r < 0 ? r : 1;
}

static size_t import_count_known(const struct import *im, const struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->parsed.n_layers; i++)
		n += store_has_layer(im->store, &plan->parsed.layers[i]);
	return n;
}

/* ---- what it turned out to be ---- */

static int import_images(struct import *im, const struct blobs *b, struct imported_list *ret,
			 struct err *e)
{
	CLEANUP_PLANS struct plan_list plans = { .v = NULL };
	int r = plans_make(b, im->req, &plans, e);

	/* All names first: nothing is unpacked in vain. */
	for (size_t i = 0; r == 0 && i < plans.n; i++)
		r = import_check_names(im, &plans.v[i], e);
	for (size_t i = 0; r == 0 && i < plans.n; i++) {
		const struct plan *plan = &plans.v[i];
		size_t known = import_count_known(im, plan);
		int done = 0;

		for (int k = 0; done == 0 && k < IMPORT_ATTEMPTS; k++) {
			done = import_layers(im, b, plan, e);
			if (done == 0)
				done = import_commit(im, plan, known, ret, e);
		}
		if (done == 0)
			r = err_set(e, EAGAIN,
				    "its layers were removed as fast as they were unpacked");
		else if (done < 0)
			r = done;
		if (r < 0 && !im->req->has_ref)
			(void)err_wrap(e, "image \"%s\"", plan->names[0].s);
	}
	return r;
}

/* A plan of one layer, whose config is ours. */
static int import_plan_rootfs(const struct import *im, const struct digest *layer,
			      struct plan_list *plans, struct err *e)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_INIT;
	CLEANUP_DOCUMENT struct document doc = { .text = NULL };
	struct platform platform = im->req->platform;
	struct plan *plan = NULL;
	int r;

	if (!im->req->has_platform)
		platform_host(&platform);
	r = image_config_write(&platform, clock_wall_ms(), IMPORT_CREATED_BY, layer, 1, &text, e);
	if (r < 0)
		return r;
	doc.n = text.len;
	doc.text = strbuf_take(&text);
	if (!doc.text)
		return err_nomem(e);
	digest_of(doc.text, doc.n, &doc.digest);
	r = plan_add(plans, "config", &doc, 1, &plan, e);
	return r < 0 ? r : plan_name(plan, im->req->ref.s, e);
}

static int import_rootfs(struct import *im, const struct staged_layer *layer, int dir,
			 const struct unpack_result *result, struct imported_list *ret,
			 struct err *e)
{
	CLEANUP_PLANS struct plan_list plans = { .v = NULL };
	size_t known;
	int r = import_plan_rootfs(im, &layer->digest, &plans, e);

	if (r == 0)
		r = import_staged(im, layer, dir, result, e);
	if (r < 0)
		return r;
	known = import_count_known(im, &plans.v[0]);
	r = import_commit(im, &plans.v[0], known, ret, e);
	return r < 0 ? r : 0;
}

int import_unpack(struct import *im, struct unpack_job *jobs, size_t n, struct err *e)
{
	const struct unpack_work work = { &im->store->unpacker, im->req, &im->limits };

	return unpack_jobs_run(&work, jobs, n, &im->progress, e);
}

static uint64_t import_archive_size(int fd)
{
	struct stat st;
	off_t at;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	at = lseek(fd, 0, SEEK_CUR);
	return at >= 0 && at < st.st_size ? (uint64_t)(st.st_size - at) : 0;
}

static int import_archive(struct import *im, struct imported_list *ret, struct err *e)
{
	CLEANUP_FD int dir = -EBADF, tree = -EBADF, split = -EBADF;
	struct staged_layer first;
	static const enum unpack_mode modes[] = {
		[IMPORT_ANY] = UNPACK_AUTO,
		[IMPORT_ROOTFS] = UNPACK_ROOTFS,
		[IMPORT_OCI] = UNPACK_BLOBS,
		[IMPORT_DOCKER] = UNPACK_BLOBS,
	};
	struct unpack_job job = { .mode = modes[im->req->format] };
	int r;

	dir = import_stage_layer(im, &first, &tree, e);
	if (dir < 0)
		return dir;
	split = import_stage_split(dir, e);
	if (split < 0)
		return split;
	job.fds =
		(struct unpack_fds){ .archive = im->req->archive_fd, .tree = tree, .split = split };
	im->progress = (struct import_progress){
		.phase = IMPORT_READING,
		.total_in = import_archive_size(im->req->archive_fd),
	};
	r = import_unpack(im, &job, 1, e);
	if (r < 0)
		return r;
	digest_from_bytes(job.result.archive_sha256, &im->archive);
	im->archive_bytes = job.result.archive_bytes;
	if (job.result.mode == UNPACK_BLOBS && im->req->format != IMPORT_ROOTFS) {
		const struct blobs blobs = { .dir = tree, .flat = true };

		return import_images(im, &blobs, ret, e);
	}
	digest_from_bytes(job.result.stream_sha256, &first.digest);
	return import_rootfs(im, &first, dir, &job.result, ret, e);
}

/* A full disk is the administrator's to mend: say which one. */
static int import_explain(const struct image_store *s, struct err *e)
{
	if (e->code == ENOSPC || e->code == EDQUOT) {
		struct store_path path;

		store_fd_path(s->staging, &path);
		(void)err_wrap(e, "unpack into %s", path.s);
		return err_hint(e, "make room there, or remove images and run `jail gc`");
	}
	return -e->code;
}

static int import_check_request(const struct import *im, struct err *e)
{
	const struct import_request *req = im->req;

	if (req->has_ref && req->all)
		return err_set(e, EINVAL, "one name can't be that of all images in the archive");
	if (req->wanted && req->all)
		return err_set(e, EINVAL, "one image of the archive, or all of them");
	if (req->format == IMPORT_ROOTFS && !req->has_ref)
		return err_set(e, EDESTADDRREQ, "a root file system needs a name");
	return req->has_ref ? import_check_name(im, &req->ref, e) : 0;
}

static int import_run(struct import *im, struct imported_list *ret, struct err *e)
{
	struct stat st;
	int r = import_limits_complete(&im->req->limits, &im->limits, e);

	if (r == 0)
		r = import_check_request(im, e);
	if (r == 0)
		r = staging_make(im->store, &im->staging, e);
	if (r < 0)
		return r;
	if (fstat(im->req->archive_fd, &st) < 0)
		return err_sys(e, "stat the archive");
	if (S_ISDIR(st.st_mode)) {
		const struct blobs blobs = { .dir = im->req->archive_fd };

		if (im->req->format == IMPORT_ROOTFS)
			return err_set(e, EISDIR,
				       "a root file system is imported from an archive of it");
		return import_images(im, &blobs, ret, e);
	}
	return import_archive(im, ret, e);
}

void imported_list_free(struct imported_list *l)
{
	free(l->v);
	*l = (struct imported_list){ .v = NULL };
}

int store_import(struct image_store *s, const struct import_request *req, struct imported_list *ret,
		 struct err *e)
{
	struct import im = { .store = s, .req = req, .staging = STAGING_INIT };
	struct err ignored = ERR_INIT;
	int r = import_run(&im, ret, e);

	free(im.staged);
	/* What can't be removed now is gc's. */
	if (staging_remove(s, &im.staging, &ignored) < 0)
		warn("%s", ignored.text);
	if (r == 0)
		return 0;
	(void)import_explain(s, e);
	return req->has_ref ? err_wrap(e, "import \"%s\"", req->ref.s) : err_wrap(e, "import");
}
