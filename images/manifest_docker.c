/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * manifest.json of `docker save`, which podman and skopeo write as well. Its config and layers are
 * members of the archive. Their names never become a path: they are looked up among those of the
 * members that were spooled (row 43).
 */
#include "images/manifest_priv.h"

#define DOCKER_MEMBER_MAX 4096 /* bytes of a member's name */

static void docker_image_free(struct docker_image *image)
{
	free(image->config);
	for (size_t i = 0; i < image->n_layers; i++)
		free(image->layers[i]);
	doc_strings_free(&image->tags, &image->n_tags);
}

void docker_manifest_free(struct docker_manifest *m)
{
	for (size_t i = 0; i < m->n; i++)
		docker_image_free(&m->v[i]);
	free(m->v);
	*m = (struct docker_manifest){ .n = 0 };
}

static int docker_member(const struct json_doc *doc, const struct json *v, void *target,
			 struct err *e)
{
	int r = doc_expect(doc, v, JSON_STRING, e);

	if (r < 0)
		return r;
	if (v->len == 0 || v->len > DOCKER_MEMBER_MAX)
		return json_err(doc, v, e, EINVAL, "expected a member's name of 1 to %d bytes",
				DOCKER_MEMBER_MAX);
	return doc_string(doc, v, target, e);
}

static int docker_layers(const struct json_doc *doc, const struct json *v, void *target,
			 struct err *e)
{
	struct docker_image *image = target;
	int r = doc_list(doc, v, JSON_ARRAY, LIMIT_LAYERS, "layers", e);

	for (const struct json *l = v->first; r == 0 && l; l = l->next) {
		r = docker_member(doc, l, &image->layers[image->n_layers], e);
		if (r == 0)
			image->n_layers++;
	}
	return r;
}

static int docker_tags(const struct json_doc *doc, const struct json *v, void *target,
		       struct err *e)
{
	struct docker_image *image = target;

	return doc_strings(doc, v, MANIFEST_ENTRIES_MAX, &image->tags, &image->n_tags, e);
}

static const struct doc_field docker_fields[] = {
	{ "Config", docker_member, offsetof(struct docker_image, config), true },
	{ "Layers", docker_layers, 0, true },
	{ "RepoTags", docker_tags, 0, false },
};

static int docker_images(const struct json_doc *doc, struct docker_manifest *m, struct err *e)
{
	const struct json *root = json_root(doc);
	int r = doc_list(doc, root, JSON_ARRAY, MANIFEST_ENTRIES_MAX, "images", e);

	if (r < 0)
		return r;
	m->v = calloc(root->count ? root->count : 1, sizeof(*m->v));
	if (!m->v)
		return err_nomem(e);
	for (const struct json *v = root->first; r == 0 && v; v = v->next)
		r = doc_fields(doc, v, docker_fields, ARRAY_SIZE(docker_fields), &m->v[m->n++], e);
	return r;
}

int docker_manifest_parse(const char *file, const char *text, size_t n, struct docker_manifest *ret,
			  struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct docker_manifest m = { .n = 0 };
	int r = doc_open(file, text, n, JSON_ARRAY, &doc, e);

	if (r == 0)
		r = docker_images(doc, &m, e);
	if (r < 0) {
		docker_manifest_free(&m);
		return r;
	}
	*ret = m;
	return 0;
}

/* Whether the name itself, or "sha256:HEX" of "HEX.json" or "blobs/sha256/HEX". */
static bool docker_is_config(const char *wanted, const char *config)
{
	const char *slash = strrchr(config, '/');
	const char *base = slash ? slash + 1 : config;
	size_t n;

	if (!str_starts(wanted, "sha256:"))
		return str_eq(wanted, config);
	wanted += strlen("sha256:");
	n = strlen(wanted);
	return n == 64 && strncmp(base, wanted, n) == 0 &&
	       (base[n] == '\0' || str_eq(base + n, ".json"));
}

static unsigned docker_match(const struct docker_image *image, const char *wanted)
{
	unsigned best = 0;

	if (!wanted)
		return 1;
	if (docker_is_config(wanted, image->config))
		return 3;
	for (size_t i = 0; i < image->n_tags; i++) {
		unsigned match = manifest_name_match(wanted, image->tags[i]);

		best = match > best ? match : best;
	}
	return best;
}

/* Every name; a config for an image that has none. */
static void docker_list(const struct docker_manifest *m, struct strbuf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		if (m->v[i].n_tags == 0)
			manifest_list(b, &n, m->v[i].config);
		for (size_t k = 0; k < m->v[i].n_tags; k++)
			manifest_list(b, &n, m->v[i].tags[k]);
	}
}

int docker_manifest_choose(const struct docker_manifest *m, const char *wanted, struct err *e)
{
	CLEANUP_STRBUF struct strbuf names = STRBUF_INIT;
	unsigned best_match = 0;
	size_t best = 0;

	if (m->n == 0)
		return err_set(e, ENOENT, "the archive names no image");
	docker_list(m, &names);
	for (size_t i = 0; i < m->n; i++) {
		unsigned match = docker_match(&m->v[i], wanted);

		if (match > best_match) {
			best = i;
			best_match = match;
		}
	}
	if (best_match == 0)
		return err_set(e, ENOENT, "no image \"%.255s\"; there is: %s", wanted,
			       strbuf_str(&names));
	for (size_t i = 0; i < m->n; i++) {
		if (docker_match(&m->v[i], wanted) == best_match &&
		    !str_eq(m->v[i].config, m->v[best].config))
			return err_set(e, ENOTUNIQ, "several images: %s", strbuf_str(&names));
	}
	return (int)best;
}
