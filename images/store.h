/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image store: STATE/images/FILE.json names images, STATE/configs/HEX.json holds their OCI
 * config documents, STATE/layers/HEX/ unpacked layers by the sha256 of their uncompressed stream
 * (the OCI diff id), STATE/staging/ what is being made. A layer is either absent or whole: it is
 * unpacked under staging/, synced, and renamed with RENAME_NOREPLACE. Reference counts are derived
 * by looking, never stored. All directories are 0700 (rows 40, 84).
 *
 *     layers/HEX/fs/           the tree; owners as in the archive
 *     layers/HEX/layer.json    sizes, counts, what was left out
 *     layers/HEX/split.zst     what makes the layer's tar stream again (images/split.h)
 *     configs/HEX.json         exactly the bytes whose sha256 is HEX; the image's id
 *     images/debian%3a12.json  an image, see image_to_json()
 *     images/.lock             held for renames only, never while an archive is read (row 51)
 */
#ifndef JAIL_IMAGES_STORE_H
#define JAIL_IMAGES_STORE_H

#include "images/manifest.h"

/* How jail-unpack is started, the child that reads what strangers wrote. */
struct unpacker {
	const char *program; /* its path */
	/* The directory of a cgroup with limits, that all of them run in, for CLONE_INTO_CGROUP;
	 * asked before each start. Return: fd, which stays the callee's; -EBADF: there is none on
	 * this host; another negative errno with *e. NULL: none. */
	int (*cgroup)(void *arg, struct err *e);
	/* One was killed by SIGKILL, which *e says: puts there why, if that was the cgroup's limit.
	 * NULL: nobody knows. */
	void (*killed)(void *arg, struct err *e);
	void *arg;
};

struct image_store {
	int state_dir; /* borrowed */
	int images, configs, layers, staging; /* directory fds */
	struct unpacker unpacker; /* the caller's to fill in, after store_open() */
};

struct image {
	struct image_ref ref;
	struct digest layers[LIMIT_LAYERS]; /* bottom first */
	size_t n_layers;
	/* Unset (digest_is_set) in what was imported before there were configs. */
	struct digest config; /* of its OCI config document: the image's id */
	struct digest manifest; /* that it came by; unset when it came by none */
	struct digest archive; /* sha256 of the imported file as it was; unset for a directory */
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
	enum import_phase {
		IMPORT_READING, /* the archive: a root file system, or layers that are packed yet */
		IMPORT_LAYERS, /* unpacking the layers that the store hasn't got */
	} phase;
	uint64_t bytes_in, bytes_out, members, total_in; /* total_in 0 = unknown (a pipe) */
	size_t layers, layers_done; /* of IMPORT_LAYERS */
};
typedef void import_progress_fn(const struct import_progress *p, void *arg);

struct import_request {
	/* Read from here; borrowed. An archive, also from a pipe, or a directory with an OCI layout
	 * (or as `skopeo copy ... dir:` makes it). */
	int archive_fd;
	bool has_ref; /* else the names are those that the archive gives */
	struct image_ref ref;
	const char *wanted; /* an image by its name in the archive; NULL: the only one there is */
	bool all; /* every image of the archive that has a name */
	bool has_platform; /* else that of this machine */
	struct platform platform;
	enum import_format {
		IMPORT_ANY, /* what its documents say, else a root file system */
		IMPORT_ROOTFS,
		IMPORT_OCI, /* oci-layout, index.json */
		IMPORT_DOCKER, /* manifest.json */
	} format;
	bool replace; /* the name may exist already */
	struct import_limits limits; /* 0 = default */
	import_progress_fn *progress;
	void *progress_arg;
};

int store_open(int state_dir, struct image_store *ret, struct err *e);
void store_close(struct image_store *s);

struct imported {
	struct image image;
	size_t known; /* of its layers, so many were in the store already */
};
struct imported_list {
	struct imported *v; /* owned */
	size_t n;
};
void imported_list_free(struct imported_list *l);
#define CLEANUP_IMPORTED CLEANUP(imported_list_free)

/*
 * Imports a root file system, or images of an archive or layout, by running jail-unpack, a confined
 * child that sees only the staging directory: one for the archive, and one for each layer. Return:
 * 0 and *ret (empty before), an entry for each name; -EEXIST name taken, -EBADMSG damaged, not an
 * archive or not what its digest says, -E2BIG a limit (named), -EPERM hostile member (named),
 * -ENOENT, -ENOTUNIQ no or more than one such image (they are listed), -EDESTADDRREQ it has no
 * name, -ENOSPC. *ret holds what was imported also on failure. Texts hold bytes of the archive:
 * escape them (row 80).
 */
int store_import(struct image_store *s, const struct import_request *req, struct imported_list *ret,
		 struct err *e);

struct pull_request {
	const char *source; /* "docker://NAME[:TAG|@DIGEST]" */
	struct import_request import; /* archive_fd is not used; has_ref is needed */
};
/* Fetches with skopeo, a program of its own, into the staging directory, and imports from there.
 * -ENOENT when it is not installed. */
int store_pull(struct image_store *s, const struct pull_request *req, struct imported_list *ret,
	       struct err *e);

/* The config document of an image, its digest checked. *ret is the caller's, NUL-terminated.
 * -ENOENT when it is missing. */
int store_config_read(const struct image_store *s, const struct digest *config, char **ret,
		      size_t *ret_n, struct err *e);
/* Whether the store has the layer. */
bool store_has_layer(const struct image_store *s, const struct digest *layer);
/* -ENOENT with a hint. */
int store_get(const struct image_store *s, const struct image_ref *ref, struct image *ret,
	      struct err *e);
/* What layers/HEX/layer.json says of a layer. */
struct layer_counts {
	uint64_t size_bytes, members;
};
int layer_file_read(const struct image_store *s, const struct digest *layer,
		    struct layer_counts *ret, struct err *e);
typedef int store_each_fn(const struct image *image, void *arg);
/* In order of name. */
int store_each(const struct image_store *s, store_each_fn *fn, void *arg, struct err *e);
/* With a warning for one that can't be read, instead of an error. */
int store_each_readable(const struct image_store *s, store_each_fn *fn, void *arg, struct err *e);
/* The layers that there are, of images or not, in order. */
typedef int store_layer_fn(const struct digest *layer, void *arg);
int store_each_layer(const struct image_store *s, store_layer_fn *fn, void *arg, struct err *e);
/* One more name for an image. -EEXIST unless `replace`: then the new name means it from now on. */
int store_tag(struct image_store *s, const struct image_ref *from, const struct image_ref *to,
	      bool replace, struct err *e);
/*
 * A name for layers that the store has, and that somebody uses: `ref` if it is free, and else, when
 * it means something else, "NAME:sha256-HEX" by the config's digest. config: NULL: there is none.
 * *ret: the new name, or "" when nothing had to be done.
 */
struct image_request {
	const struct image_ref *ref;
	const struct digest *layers; /* bottom first */
	size_t n_layers;
	const char *config; /* checked: it is of these layers */
	size_t n_config;
};
int store_add(struct image_store *s, const struct image_request *q, struct image_ref *ret,
	      struct err *e);
bool image_has_layers(const struct image *image, const struct digest *layers, size_t n);
/* Removes the name; layers go with store_gc. */
int store_remove(struct image_store *s, const struct image_ref *ref, struct err *e);
/* Directory of a layer, "layers/HEX/fs", as an absolute path below `state_path`. */
int store_layer_path(const char *state_path, const struct digest *layer, char *ret, size_t n);
/*
 * The layers that an overlay is made of, top first, of those of an image, bottom first. Overlayfs
 * refuses a layer that comes twice: only the upper one is left, which hides every name of the
 * lower. And it ignores that a layer's root is opaque: none is left below such a one. ret: room for
 * n.
 */
#define STORE_OPAQUE_XATTR "trusted.overlay.opaque"
int store_visible_layers(const char *state_path, const struct digest *layers, size_t n,
			 const struct digest **ret, size_t *ret_n, struct err *e);
/* Removes staging leftovers of dead imports (not of live ones: each holds a lock), layers that
 * neither an image nor `used` names, and configs that no image names. *ret counts them also on
 * failure. */
struct store_removed {
	size_t layers, configs, staging;
	uint64_t bytes; /* what was freed */
};
typedef bool store_used_fn(const struct digest *layer, void *arg);
int store_gc(struct image_store *s, store_used_fn *used, void *arg, struct store_removed *ret,
	     struct err *e);
/* JSON object of an image, the stable shape of `image inspect` and `image list --json`: "name",
 * "layers" (digests, bottom first), "config", "manifest", "archive" (digests, or null),
 * "archiveBytes", "created" (RFC 3339),
 * "createdMs", "sizeBytes", "members". */
struct json_out;
void image_to_json(const struct image *image, struct json_out *o, const char *key);
/* The same, and "imageConfig" (image_config_to_json()). */
void image_and_config_to_json(const struct image *image, const struct image_config *config,
			      struct json_out *o);

#endif
