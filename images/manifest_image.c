/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image manifest: one config and its layers. */
#include "images/manifest_priv.h"

static int manifest_config(const struct json_doc *doc, const struct json *v, void *target,
			   struct err *e)
{
	struct image_manifest *m = target;
	const struct json *type;
	int r = descriptor_parse(doc, v, &m->config, e);

	if (r < 0 || m->config.kind == DESCRIPTOR_CONFIG)
		return r;
	type = doc_get(v, "mediaType");
	return json_err(doc, type ? type : v, e, EMEDIUMTYPE,
			"an artifact of type \"%.128s\", not an image", type ? type->text : "");
}

/* Tells why a layer is no good. Signatures that call themselves images are known by their layers.
 */
static int manifest_check_layer(const struct json_doc *doc, const struct json *v,
				const struct descriptor *d, struct err *e)
{
	const struct json *type = doc_get(v, "mediaType");

	if (d->kind == DESCRIPTOR_LAYER || d->kind == DESCRIPTOR_LAYER_FOREIGN)
		return 0;
	if (!type)
		type = v;
	if (d->kind == DESCRIPTOR_LAYER_ENCRYPTED) {
		(void)json_err(doc, type, e, EOPNOTSUPP, "the layer is encrypted");
		return err_hint(e, "decrypt the image first, as in `skopeo copy "
				   "--decryption-key`");
	}
	return json_err(doc, type, e, EMEDIUMTYPE, "\"%.128s\" is no layer of a file system",
			type->text ? type->text : "");
}

static int manifest_layers(const struct json_doc *doc, const struct json *v, void *target,
			   struct err *e)
{
	struct image_manifest *m = target;
	int r = doc_list(doc, v, JSON_ARRAY, LIMIT_LAYERS, "layers", e);

	for (const struct json *l = v->first; r == 0 && l; l = l->next) {
		struct descriptor *d = &m->layers[m->n_layers++];

		r = descriptor_parse(doc, l, d, e);
		if (r == 0)
			r = manifest_check_layer(doc, l, d, e);
	}
	return r;
}

/* The config first: what makes it an artifact explains odd layers. */
static const struct doc_field manifest_fields[] = {
	{ "config", manifest_config, 0, true },
	{ "layers", manifest_layers, 0, true },
};

int image_manifest_parse(const char *file, const char *text, size_t n, struct image_manifest *ret,
			 struct err *e)
{
	CLEANUP_FREE struct image_manifest *m = NULL;
	CLEANUP_JSON struct json_doc *doc = NULL;
	const struct json *root;
	int r = doc_open(file, text, n, JSON_OBJECT, &doc, e);

	if (r < 0)
		return r;
	m = calloc(1, sizeof(*m)); /* too large for the stack */
	if (!m)
		return err_nomem(e);
	root = json_root(doc);
	r = manifest_check_version(doc, root, DESCRIPTOR_MANIFEST, e);
	if (r == 0)
		r = doc_fields(doc, root, manifest_fields, ARRAY_SIZE(manifest_fields), m, e);
	if (r == 0)
		*ret = *m;
	return r;
}
