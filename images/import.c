/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Import: staging/ID/fs is filled by jail-unpack and synced by it, layer.json is written beside it,
 * and staging/ID becomes layers/HEX in one rename. Then, and under the same lock, the image's name
 * is written. Killed anywhere before the rename, what remains is a staging directory that nobody
 * holds; after it, a layer that no image names. `gc` removes both (row 51).
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/path.h"
#include "images/entry.h"
#include "images/store_priv.h"

#define IMPORT_MAX_BYTES ((uint64_t)64 << 30)
#define IMPORT_MAX_MEMBERS 5000000u
#define IMPORT_MAX_RATIO 1000u

static int import_limits_complete(const struct import_limits *asked, struct import_limits *ret,
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

static int import_check_name(const struct image_store *s, const struct import_request *req,
			     struct err *e)
{
	struct store_file file;
	struct stat st;
	int r = store_file_name(&req->ref, &file, e);

	if (r < 0)
		return r;
	if (req->replace || fstatat(s->images, file.s, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	(void)err_set(e, EEXIST, "image \"%s\": the name is in use", req->ref.s);
	return err_hint(e, "choose another name, or replace it with --replace");
}

static void import_digest(const uint8_t sha256[static 32], struct digest *ret)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < 32; i++) {
		ret->hex[2 * i] = hex[sha256[i] >> 4];
		ret->hex[2 * i + 1] = hex[sha256[i] & 15];
	}
	ret->hex[64] = '\0';
}

/* Fills staging/ID: fs/ and layer.json, both on disk when it returns. */
static int import_stage(const struct import_request *req, const struct import_limits *limits,
			const struct staging *st, struct unpack_result *result, struct err *e)
{
	CLEANUP_FD int tree = -EBADF;
	struct digest layer;
	int r;

	tree = path_make_dir_at(st->dir, "fs", 0755, e);
	if (tree < 0)
		return tree;
	r = unpack_child_run(req, limits, tree, result, e);
	if (r < 0)
		return r;
	import_digest(result->stream_sha256, &layer);
	return layer_file_write(st->dir, &layer, result, e);
}

/* Puts the layer into the store, unless it is there, and gives it its name. */
static int import_commit(struct image_store *s, const struct import_request *req,
			 const struct staging *st, const struct image *image, bool *ret_known,
			 struct err *e)
{
	CLEANUP_FD int lock = -EBADF;
	const char *hex = image->layers[0].hex;
	bool known;
	int r;

	lock = store_lock(s, e);
	if (lock < 0)
		return lock;
	r = import_check_name(s, req, e);
	if (r < 0)
		return r;
	known = renameat2(s->staging, st->id, s->layers, hex, RENAME_NOREPLACE) < 0;
	if (known && errno != EEXIST)
		return err_sys(e, "move the layer into the store");
	if (!known && (fsync(s->layers) < 0 || fsync(s->staging) < 0))
		return err_sys(e, "write the store to disk");
	r = image_file_write(s->images, image, e);
	if (r < 0)
		return r;
	*ret_known = known;
	return 0;
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

static int import_staged(struct image_store *s, const struct import_request *req,
			 const struct staging *st, struct image *ret, bool *ret_known,
			 struct err *e)
{
	struct image image = { .ref = req->ref, .n_layers = 1, .created_ms = clock_wall_ms() };
	struct import_limits limits;
	struct unpack_result result = { .members = 0 };
	int r;

	r = import_limits_complete(&req->limits, &limits, e);
	if (r == 0)
		r = import_stage(req, &limits, st, &result, e);
	if (r < 0)
		return r;
	import_digest(result.stream_sha256, &image.layers[0]);
	import_digest(result.archive_sha256, &image.archive);
	image.archive_bytes = result.archive_bytes;
	image.size_bytes = result.content_bytes;
	image.members = result.members;
	r = import_commit(s, req, st, &image, ret_known, e);
	if (r == 0)
		*ret = image;
	return r;
}

int store_import(struct image_store *s, const struct import_request *req, struct image *ret,
		 bool *ret_known, struct err *e)
{
	struct staging st = STAGING_INIT;
	struct err ignored = ERR_INIT;
	bool known = false;
	int r;

	r = import_check_name(s, req, e);
	if (r < 0)
		return r;
	r = staging_make(s, &st, e);
	if (r == 0)
		r = import_staged(s, req, &st, ret, &known, e);
	/* What can't be removed now is gc's. */
	if (staging_remove(s, &st, &ignored) < 0)
		warn("%s", ignored.text);
	if (r < 0) {
		(void)import_explain(s, e);
		return err_wrap(e, "import \"%s\"", req->ref.s);
	}
	if (ret_known)
		*ret_known = known;
	return 0;
}
