/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of an export: export_out.c takes members and makes a tar or a directory of them,
 * export_blob.c makes the blob of a layer, export_oci.c and export_docker.c know the two formats.
 */
#ifndef JAIL_IMAGES_EXPORT_PRIV_H
#define JAIL_IMAGES_EXPORT_PRIV_H

#include "images/export.h"
#include "images/image_document.h"
#include "images/layer.h"
#include "images/tarheader.h"

/* ---- members (export_out.c) ---- */

struct export_out;
int export_out_open(int out, bool is_directory, struct export_out **ret, struct err *e);
/* Without export_out_finish() what was written is cut short. */
void export_out_free(struct export_out **o);
#define CLEANUP_EXPORT_OUT CLEANUP(export_out_free)
/* A directory, named before what is in it. */
int export_out_dir(struct export_out *o, const char *name, struct err *e);
/* A file of `size` bytes, which follow by export_out_data(). */
int export_out_file(struct export_out *o, const char *name, uint64_t size, struct err *e);
int export_out_data(struct export_out *o, const void *data, size_t n, struct err *e);
int export_out_file_end(struct export_out *o, struct err *e);
/* All of it at once. */
int export_out_text(struct export_out *o, const char *name, const void *data, size_t n,
		    struct err *e);
int export_out_finish(struct export_out *o, struct err *e);
/* The header of a member of the tar: '0' or '5'. -ENAMETOOLONG. */
int export_tar_header(const char *name, char type, uint64_t size, uint8_t h[static TARHEADER_BLOCK],
		      struct err *e);

/* ---- an image to be exported (export.c) ---- */

struct export_image {
	struct image image;
	struct image_document document; /* owned */
};

struct export
{
	const struct image_store *store;
	const struct export_request *req;
	struct export_out *out;
	struct export_image *images; /* owned, req->n_refs */
	/* Blobs that were written: what several images share goes out once. */
	struct export_blob {
		struct digest of; /* the layer, or the document itself */
		struct digest digest; /* of the blob as it was written */
		uint64_t size;
	} * blobs; /* owned */
	size_t n_blobs, room_blobs;
	struct layer *layers; /* owned: all, open, so that none goes away meanwhile */
	size_t n_layers, room_layers;
};

const struct layer *export_held(const struct export *x, const struct digest *layer);

/* NULL: not yet. */
const struct export_blob *export_find(const struct export *x, const struct digest *of);
int export_note(struct export *x, const struct export_blob *blob, struct err *e);

/* Writes the layer as the member "PREFIX" HEX "SUFFIX", unless it was written. *ret stays valid
 * until the next blob (export_blob.c). */
int export_layer(struct export *x, const struct digest *layer, const char *prefix,
		 const char *suffix, const struct export_blob **ret, struct err *e);

int export_oci(struct export *x, struct err *e);
int export_docker(struct export *x, struct err *e);

#endif
