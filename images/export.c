/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An export: all names are looked up, all config documents read and all layers opened before a byte
 * is written.
 */
#include "images/export_priv.h"

static void export_free(struct export *x)
{
	for (size_t i = 0; x->images && i < x->req->n_refs; i++)
		image_document_free(&x->images[i].document);
	free(x->images);
	free(x->blobs);
	for (size_t i = 0; i < x->n_layers; i++)
		store_layer_close(&x->layers[i]);
	free(x->layers);
	export_out_free(&x->out);
}

const struct export_blob *export_find(const struct export *x, const struct digest *of)
{
	for (size_t i = 0; i < x->n_blobs; i++)
		if (str_eq(x->blobs[i].of.hex, of->hex))
			return &x->blobs[i];
	return NULL;
}

int export_note(struct export *x, const struct export_blob *blob, struct err *e)
{
	if (x->n_blobs == x->room_blobs) {
		size_t room = x->room_blobs ? 2 * x->room_blobs : 32;
		struct export_blob *grown = reallocarray(x->blobs, room, sizeof(*grown));

		if (!grown)
			return err_nomem(e);
		x->blobs = grown;
		x->room_blobs = room;
	}
	x->blobs[x->n_blobs++] = *blob;
	return 0;
}

const struct layer *export_held(const struct export *x, const struct digest *layer)
{
	for (size_t i = 0; i < x->n_layers; i++)
		if (str_eq(x->layers[i].digest.hex, layer->hex))
			return &x->layers[i];
	return NULL;
}

static int export_hold(struct export *x, const struct digest *layer, struct err *e)
{
	int r;

	if (export_held(x, layer))
		return 0;
	if (x->n_layers == x->room_layers) {
		size_t room = x->room_layers ? 2 * x->room_layers : LIMIT_LAYERS;
		struct layer *grown = reallocarray(x->layers, room, sizeof(*grown));

		if (!grown)
			return err_nomem(e);
		x->layers = grown;
		x->room_layers = room;
	}
	r = store_layer_open(x->store, layer, &x->layers[x->n_layers], e);
	x->n_layers += r == 0;
	return r;
}

static int export_load(struct export *x, const struct image_ref *ref, struct export_image *ret,
		       struct err *e)
{
	int r = store_get(x->store, ref, &ret->image, e);

	if (r == 0)
		r = image_document_read(x->store, &ret->image, &ret->document, e);
	for (size_t i = 0; r == 0 && i < ret->image.n_layers; i++)
		r = export_hold(x, &ret->image.layers[i], e);
	return r;
}

static int export_write(struct export *x, struct err *e)
{
	int r = export_out_open(x->req->out, x->req->is_directory, &x->out, e);

	if (r < 0)
		return r;
	switch (x->req->format) {
	case EXPORT_OCI:
		r = export_oci(x, e);
		break;
	case EXPORT_DOCKER:
		r = export_docker(x, e);
		break;
	}
	return r < 0 ? r : export_out_finish(x->out, e);
}

static int export_check(const struct export_request *req, struct err *e)
{
	if (req->n_refs == 0 || req->n_refs > EXPORT_IMAGES_MAX)
		return err_set(e, EINVAL, "from 1 to %d images can be exported together",
			       EXPORT_IMAGES_MAX);
	if (req->format == EXPORT_DOCKER && req->compress != EXPORT_PLAIN) {
		(void)err_set(e, EINVAL, "the layers of a docker archive are not compressed");
		return err_hint(e, "compress the whole file, or choose --format oci");
	}
	if (req->format == EXPORT_DOCKER && req->is_directory) {
		(void)err_set(e, EINVAL, "a docker archive is one file");
		return err_hint(e, "choose --format oci, or a file");
	}
	return 0;
}

int store_export(const struct image_store *s, const struct export_request *req, struct err *e)
{
	CLEANUP(export_free) struct export x = { .store = s, .req = req };
	int r = export_check(req, e);

	if (r < 0)
		return r;
	x.images = calloc(req->n_refs, sizeof(*x.images));
	if (!x.images)
		return err_nomem(e);
	for (size_t i = 0; r == 0 && i < req->n_refs; i++)
		r = export_load(&x, &req->refs[i], &x.images[i], e);
	if (r == 0)
		r = export_write(&x, e);
	return r < 0 ? err_wrap(e, "export") : 0;
}
