/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image store: STATE/images/FILE.json names images, STATE/layers/HEX/ holds unpacked layers by
 * the sha256 of their uncompressed stream (the OCI diff id), STATE/staging/ what is being made. A
 * layer is either absent or whole: it is unpacked under staging/, synced, and renamed with
 * RENAME_NOREPLACE. Reference counts are derived by looking, never stored. All directories are 0700
 * (rows 40, 84).
 *
 *     layers/HEX/fs/           the tree; owners as in the archive
 *     layers/HEX/layer.json    sizes, counts, what was left out
 *     images/debian%3a12.json  an image, see image_to_json()
 *     images/.lock             held for renames only, never while an archive is read (row 51)
 */
#ifndef JAIL_IMAGES_STORE_H
#define JAIL_IMAGES_STORE_H

#include "base/ident.h"
#include "base/str.h"

struct image_store {
	int state_dir; /* borrowed */
	int images, layers, staging; /* directory fds */
};

struct image {
	struct image_ref ref;
	struct digest layers[LIMIT_LAYERS]; /* bottom first */
	size_t n_layers;
	struct digest archive; /* sha256 of the imported file as it was */
	uint64_t archive_bytes;
	uint64_t created_ms; /* wall clock */
	uint64_t size_bytes; /* sum of the regular files' sizes of its layers */
	uint64_t members;
};

struct import_limits {
	uint64_t max_bytes; /* uncompressed content, default 64 GiB */
	uint64_t max_members; /* default 5,000,000 */
	uint64_t max_name; /* bytes of a member name, default and at most 4096; 512 components */
	uint64_t max_ratio; /* uncompressed / compressed, default 1000 (after the first 64 MiB) */
};

struct import_progress {
	uint64_t bytes_in, bytes_out, members, total_in; /* total_in 0 = unknown (a pipe) */
};
typedef void import_progress_fn(const struct import_progress *p, void *arg);

struct import_request {
	int archive_fd; /* read from here; borrowed */
	struct image_ref ref;
	bool replace; /* the name may exist already */
	struct import_limits limits; /* 0 = default */
	const char *unpack_program; /* path of jail-unpack */
	import_progress_fn *progress;
	void *progress_arg;
};

int store_open(int state_dir, struct image_store *ret, struct err *e);
void store_close(struct image_store *s);

/*
 * Imports by running jail-unpack, a confined child that sees only the staging directory. Return: 0
 * and *ret; -EEXIST name taken, -EBADMSG damaged or not an archive, -E2BIG a limit (named), -EPERM
 * hostile member (named), -ENOSPC. *ret_known (may be NULL): the layer was in the store already.
 * Texts hold bytes of the archive: escape them (row 80).
 */
int store_import(struct image_store *s, const struct import_request *req, struct image *ret,
		 bool *ret_known, struct err *e);
/* -ENOENT with a hint. */
int store_get(const struct image_store *s, const struct image_ref *ref, struct image *ret,
	      struct err *e);
typedef int store_each_fn(const struct image *image, void *arg);
/* In order of name. */
int store_each(const struct image_store *s, store_each_fn *fn, void *arg, struct err *e);
/* Removes the name; layers go with store_gc. */
int store_remove(struct image_store *s, const struct image_ref *ref, struct err *e);
/* Directory of a layer, "layers/HEX/fs", as an absolute path below `state_path`. */
int store_layer_path(const char *state_path, const struct digest *layer, char *ret, size_t n);
/* Removes staging leftovers of dead imports (not of live ones: each holds a lock) and layers that
 * neither an image nor `used` names. *ret counts them also on failure. */
struct store_removed {
	size_t layers, staging;
	uint64_t bytes; /* what was freed */
};
typedef bool store_used_fn(const struct digest *layer, void *arg);
int store_gc(struct image_store *s, store_used_fn *used, void *arg, struct store_removed *ret,
	     struct err *e);
/* JSON object of an image, the stable shape of `image inspect` and `image list --json`: "name",
 * "layers" (digests, bottom first), "archive" (digest), "archiveBytes", "created" (RFC 3339),
 * "createdMs", "sizeBytes", "members". */
struct json_out;
void image_to_json(const struct image *image, struct json_out *o, const char *key);

#endif
