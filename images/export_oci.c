/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image layout of the OCI image specification 1.1. The index comes last, when all that it speaks
 * of is there.
 */
#include "base/json.h"
#include "images/digest.h"
#include "images/export_priv.h"

#define OCI_BLOBS "blobs/sha256/"
#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"

static const char *oci_layer_type(enum export_compress compress)
{
	switch (compress) {
	case EXPORT_PLAIN:
		return "application/vnd.oci.image.layer.v1.tar";
	case EXPORT_GZIP:
		return "application/vnd.oci.image.layer.v1.tar+gzip";
	case EXPORT_ZSTD:
		return "application/vnd.oci.image.layer.v1.tar+zstd";
	}
	return "application/octet-stream";
}

/* Leaves the object open for more members. */
static void oci_descriptor(struct json_out *o, const char *key, const char *type,
			   const struct digest *digest, uint64_t size)
{
	char text[sizeof("sha256:") + sizeof(digest->hex)];

	(void)str_format(text, sizeof(text), "sha256:%s", digest->hex); /* fits */
	json_out_object(o, key);
	json_out_str(o, "mediaType", type);
	json_out_str(o, "digest", text);
	json_out_u64(o, "size", size);
}

/* A document, unless it was written. */
static int oci_document(struct export *x, const char *data, size_t n, const struct digest *digest,
			struct err *e)
{
	const struct export_blob blob = { *digest, *digest, n };
	char name[sizeof(OCI_BLOBS) + sizeof(digest->hex)];
	int r;

	if (export_find(x, digest))
		return 0;
	(void)str_format(name, sizeof(name), OCI_BLOBS "%s", digest->hex); /* fits */
	r = export_out_text(x->out, name, data, n, e);
	return r < 0 ? r : export_note(x, &blob, e);
}

static int oci_layers(struct export *x, const struct image *image, struct json_out *o,
		      struct err *e)
{
	json_out_array(o, "layers");
	for (size_t i = 0; i < image->n_layers; i++) {
		const struct export_blob *blob = NULL;
		int r = export_layer(x, &image->layers[i], OCI_BLOBS, "", &blob, e);

		if (r < 0)
			return r;
		oci_descriptor(o, NULL, oci_layer_type(x->req->compress), &blob->digest,
			       blob->size);
		json_out_object_end(o);
	}
	json_out_array_end(o);
	return 0;
}

/* The blobs of an image, and its manifest. */
static int oci_image(struct export *x, const struct export_image *im, struct digest *ret,
		     uint64_t *ret_size, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	int r;

	json_out_init(&o, &b, false);
	json_out_object(&o, NULL);
	json_out_u64(&o, "schemaVersion", 2);
	json_out_str(&o, "mediaType", OCI_MANIFEST);
	oci_descriptor(&o, "config", "application/vnd.oci.image.config.v1+json",
		       &im->document.digest, im->document.n);
	json_out_object_end(&o);
	r = oci_layers(x, &im->image, &o, e);
	if (r < 0)
		return r;
	json_out_object_end(&o);
	r = strbuf_ok(&b, e);
	if (r == 0)
		r = oci_document(x, im->document.text, im->document.n, &im->document.digest, e);
	if (r < 0)
		return r;
	digest_of(b.data, b.len, ret);
	*ret_size = b.len;
	return oci_document(x, b.data, b.len, ret, e);
}

static void oci_platform(const struct platform *p, struct json_out *o)
{
	if (!p->os[0] || !p->architecture[0])
		return;
	json_out_object(o, "platform");
	json_out_str(o, "architecture", p->architecture);
	json_out_str(o, "os", p->os);
	if (p->variant[0])
		json_out_str(o, "variant", p->variant);
	json_out_object_end(o);
}

/* The whole name, and not the tag alone: podman and skopeo take the first annotation for the name,
 * docker and containerd look at the second. */
static void oci_names(const struct image_ref *ref, struct json_out *o)
{
	json_out_object(o, "annotations");
	json_out_str(o, "io.containerd.image.name", ref->s);
	json_out_str(o, "org.opencontainers.image.ref.name", ref->s);
	json_out_object_end(o);
}

static int oci_images(struct export *x, struct json_out *o, struct err *e)
{
	json_out_array(o, "manifests");
	for (size_t i = 0; i < x->req->n_refs; i++) {
		const struct export_image *im = &x->images[i];
		struct digest digest;
		uint64_t size;
		int r = oci_image(x, im, &digest, &size, e);

		if (r < 0)
			return err_wrap(e, "image \"%s\"", im->image.ref.s);
		oci_descriptor(o, NULL, OCI_MANIFEST, &digest, size);
		oci_platform(&im->document.config.platform, o);
		oci_names(&im->image.ref, o);
		json_out_object_end(o);
	}
	json_out_array_end(o);
	return 0;
}

int export_oci(struct export *x, struct err *e)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	int r = export_out_text(x->out, "oci-layout", layout, sizeof(layout) - 1, e);

	if (r == 0)
		r = export_out_dir(x->out, "blobs", e);
	if (r == 0)
		r = export_out_dir(x->out, "blobs/sha256", e);
	if (r < 0)
		return r;
	json_out_init(&o, &b, false);
	json_out_object(&o, NULL);
	json_out_u64(&o, "schemaVersion", 2);
	json_out_str(&o, "mediaType", "application/vnd.oci.image.index.v1+json");
	r = oci_images(x, &o, e);
	if (r < 0)
		return r;
	json_out_object_end(&o);
	r = strbuf_ok(&b, e);
	return r < 0 ? r : export_out_text(x->out, "index.json", b.data, b.len, e);
}
