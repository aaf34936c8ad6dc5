/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `docker save` wrote until version 25 and every `docker load` and `podman load` reads:
 * manifest.json names a config and layers, which are members of the archive.
 */
#include "base/json.h"
#include "images/export_priv.h"

#define DOCKER_CONFIG ".json"
#define DOCKER_LAYER ".tar"

static void docker_member(struct json_out *o, const char *key, const struct digest *digest,
			  const char *suffix)
{
	char name[sizeof(digest->hex) + 8];

	(void)str_format(name, sizeof(name), "%s%s", digest->hex, suffix); /* fits */
	json_out_str(o, key, name);
}

static int docker_config(struct export *x, const struct export_image *im, struct err *e)
{
	const struct export_blob blob = { im->document.digest, im->document.digest,
					  im->document.n };
	char name[sizeof(im->document.digest.hex) + sizeof(DOCKER_CONFIG)];
	int r;

	if (export_find(x, &im->document.digest))
		return 0;
	(void)str_format(name, sizeof(name), "%s" DOCKER_CONFIG,
			 im->document.digest.hex); /* fits */
	r = export_out_text(x->out, name, im->document.text, im->document.n, e);
	return r < 0 ? r : export_note(x, &blob, e);
}

/* Docker takes no digest here. A name without a tag is none. */
static void docker_tag(struct json_out *o, const struct image_ref *ref)
{
	size_t n = image_ref_tagged_len(ref);
	char tag[sizeof(ref->s)];

	if (ref->s[n] && !image_ref_has_tag(ref))
		return;
	(void)str_format(tag, sizeof(tag), "%.*s", (int)n, ref->s); /* fits */
	json_out_str(o, NULL, tag);
}

static int docker_image(struct export *x, const struct export_image *im, struct json_out *o,
			struct err *e)
{
	int r = docker_config(x, im, e);

	json_out_object(o, NULL);
	docker_member(o, "Config", &im->document.digest, DOCKER_CONFIG);
	json_out_array(o, "RepoTags");
	docker_tag(o, &im->image.ref);
	json_out_array_end(o);
	json_out_array(o, "Layers");
	for (size_t i = 0; r == 0 && i < im->image.n_layers; i++) {
		const struct export_blob *blob;

		r = export_layer(x, &im->image.layers[i], "", DOCKER_LAYER, &blob, e);
		docker_member(o, NULL, &im->image.layers[i], DOCKER_LAYER);
	}
	json_out_array_end(o);
	json_out_object_end(o);
	return r < 0 ? err_wrap(e, "image \"%s\"", im->image.ref.s) : 0;
}

int export_docker(struct export *x, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	int r = 0;

	json_out_init(&o, &b, false);
	json_out_array(&o, NULL);
	for (size_t i = 0; r == 0 && i < x->req->n_refs; i++)
		r = docker_image(x, &x->images[i], &o, e);
	json_out_array_end(&o);
	if (r == 0)
		r = strbuf_ok(&b, e);
	return r < 0 ? r : export_out_text(x->out, "manifest.json", b.data, b.len, e);
}
