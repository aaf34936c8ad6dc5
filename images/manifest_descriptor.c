/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors and media types. What a document is follows from its media type, never from what else
 * it looks like: a text that can be read as an index and as a manifest is refused, because two
 * readers would see two images (CVE-2021-41190).
 */
#include "images/manifest_priv.h"

#define DOCKER_TYPE "application/vnd.docker.distribution."
#define DOCKER_LAYER "application/vnd.docker.image.rootfs."
#define OCI_TYPE "application/vnd.oci.image."

static const struct {
	const char *type;
	enum descriptor_kind kind;
} descriptor_types[] = {
	{ OCI_TYPE "index.v1+json", DESCRIPTOR_INDEX },
	{ OCI_TYPE "manifest.v1+json", DESCRIPTOR_MANIFEST },
	{ OCI_TYPE "config.v1+json", DESCRIPTOR_CONFIG },
	{ DOCKER_TYPE "manifest.list.v2+json", DESCRIPTOR_INDEX },
	{ DOCKER_TYPE "manifest.v2+json", DESCRIPTOR_MANIFEST },
	{ "application/vnd.docker.container.image.v1+json", DESCRIPTOR_CONFIG },
};

/* With any compression behind: "", "+gzip", ".gzip", ... */
static const struct {
	const char *prefix;
	enum descriptor_kind kind;
} descriptor_layers[] = {
	{ OCI_TYPE "layer.v1.tar", DESCRIPTOR_LAYER },
	{ OCI_TYPE "layer.nondistributable.v1.tar", DESCRIPTOR_LAYER_FOREIGN },
	{ DOCKER_LAYER "diff.tar", DESCRIPTOR_LAYER },
	{ DOCKER_LAYER "foreign.diff.tar", DESCRIPTOR_LAYER_FOREIGN },
};

enum descriptor_kind descriptor_kind(const char *media_type)
{
	for (size_t i = 0; i < ARRAY_SIZE(descriptor_types); i++)
		if (str_eq(media_type, descriptor_types[i].type))
			return descriptor_types[i].kind;
	for (size_t i = 0; i < ARRAY_SIZE(descriptor_layers); i++) {
		const char *rest = media_type + strlen(descriptor_layers[i].prefix);

		if (!str_starts(media_type, descriptor_layers[i].prefix) ||
		    (*rest != '\0' && *rest != '+' && *rest != '.'))
			continue;
		return strstr(rest, "+encrypted") ? DESCRIPTOR_LAYER_ENCRYPTED
						  : descriptor_layers[i].kind;
	}
	return DESCRIPTOR_OTHER;
}

static int descriptor_media_type(const struct json_doc *doc, const struct json *v, void *target,
				 struct err *e)
{
	int r = doc_expect(doc, v, JSON_STRING, e);

	if (r == 0)
		*(enum descriptor_kind *)target = descriptor_kind(v->text);
	return r;
}

static const struct doc_field descriptor_platform_fields[] = {
	{ "os", doc_platform_word, offsetof(struct platform, os), false },
	{ "architecture", doc_platform_word, offsetof(struct platform, architecture), false },
	{ "variant", doc_platform_word, offsetof(struct platform, variant), false },
};

static int descriptor_platform(const struct json_doc *doc, const struct json *v, void *target,
			       struct err *e)
{
	struct descriptor *d = target;
	int r = doc_fields(doc, v, descriptor_platform_fields,
			   ARRAY_SIZE(descriptor_platform_fields), &d->platform, e);

	d->has_platform = true;
	platform_translate(&d->platform);
	return r;
}

/* What BuildKit lays beside an image, about it. */
static int descriptor_reference_type(const struct json_doc *doc, const struct json *v, void *target,
				     struct err *e)
{
	int r = doc_expect(doc, v, JSON_STRING, e);

	if (r == 0)
		((struct descriptor *)target)->kind = DESCRIPTOR_OTHER;
	return r;
}

static const struct doc_field descriptor_annotations[] = {
	{ "org.opencontainers.image.ref.name", doc_name, offsetof(struct descriptor, name), false },
	{ "io.containerd.image.name", doc_name, offsetof(struct descriptor, full_name), false },
	{ "vnd.docker.reference.type", descriptor_reference_type, 0, false },
};

static int descriptor_annotate(const struct json_doc *doc, const struct json *v, void *target,
			       struct err *e)
{
	return doc_fields(doc, v, descriptor_annotations, ARRAY_SIZE(descriptor_annotations),
			  target, e);
}

/* A manifest whose config is no image's says so here already (OCI 1.1). */
static int descriptor_artifact_type(const struct json_doc *doc, const struct json *v, void *target,
				    struct err *e)
{
	struct descriptor *d = target;
	int r = doc_expect(doc, v, JSON_STRING, e);

	if (r == 0 && v->len > 0 && descriptor_kind(v->text) != DESCRIPTOR_CONFIG)
		d->kind = DESCRIPTOR_OTHER;
	return r;
}

/* In this order: the later ones correct the kind. */
static const struct doc_field descriptor_fields[] = {
	{ "mediaType", descriptor_media_type, offsetof(struct descriptor, kind), true },
	{ "digest", doc_blob_digest, offsetof(struct descriptor, digest), true },
	{ "size", doc_u64, offsetof(struct descriptor, size), true },
	{ "platform", descriptor_platform, 0, false },
	{ "annotations", descriptor_annotate, 0, false },
	{ "artifactType", descriptor_artifact_type, 0, false },
};

int descriptor_parse(const struct json_doc *doc, const struct json *v, struct descriptor *ret,
		     struct err *e)
{
	return doc_fields(doc, v, descriptor_fields, ARRAY_SIZE(descriptor_fields), ret, e);
}

static int manifest_refuse_schema(const struct json_doc *doc, const struct json *version,
				  struct err *e)
{
	if (!version->is_int || version->integer != 1)
		return json_err(doc, version, e, EINVAL, "expected 2");
	(void)json_err(doc, version, e, EMEDIUMTYPE,
		       "a manifest of Docker's old schema 1, which names no layer by its content");
	return err_hint(e, "write the image again with a newer tool, as in `skopeo copy --format "
			   "oci`");
}

int manifest_check_version(const struct json_doc *doc, const struct json *root,
			   enum descriptor_kind kind, struct err *e)
{
	bool index = kind == DESCRIPTOR_INDEX;
	const char *what = index ? "an image index" : "an image manifest";
	const char *const foreign[] = { "fsLayers", index ? "layers" : "manifests",
					index ? "config" : "manifests" };
	const struct json *version = doc_get(root, "schemaVersion");
	const struct json *type = doc_get(root, "mediaType");
	int r = 0;

	if (version && (!version->is_int || version->integer != 2))
		return manifest_refuse_schema(doc, version, e);
	if (type)
		r = doc_expect(doc, type, JSON_STRING, e);
	if (r < 0)
		return r;
	if (type && type->len > 0 && descriptor_kind(type->text) != kind)
		return json_err(doc, type, e, EMEDIUMTYPE, "expected %s, not \"%.128s\"", what,
				type->text);
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		const struct json *v = doc_get(root, foreign[i]);

		if (v)
			return json_err_key(doc, v, e, EMEDIUMTYPE, "this is not %s", what);
	}
	return 0;
}
