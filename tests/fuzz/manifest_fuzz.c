/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parsers of indexes, manifests and manifest.json, all three with the same input. A refusal
 * says why and gives nothing; what is accepted keeps the promises of images/manifest.h, and no text
 * is an index and a manifest at once. Seeds: tests/fuzz/corpus/manifest.
 */
#include "images/manifest_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
	if (!condition) {
		(void)fprintf(stderr, "manifest_fuzz: %s\n", what);
		abort();
	}
}

/* 1: accepted. */
static bool judged(int r, const struct err *e)
{
	require(r < 0 ? e->code == -r && e->text[0] : e->code == 0, "an error for a failure only");
	return r == 0;
}

static void check_word(const char *word)
{
	char again[16];

	require(word[0] == '\0' ||
			(platform_word(word, strlen(word), again) && str_eq(word, again)),
		"a word of a platform");
}

static void check_descriptor(const struct descriptor *d)
{
	struct blob_digest again;
	struct err e = ERR_INIT;

	require(blob_digest_parse(d->digest.s, &again, &e) == 0, "a digest");
	require(d->size <= INT64_MAX, "a size");
	check_word(d->platform.os);
	check_word(d->platform.architecture);
	check_word(d->platform.variant);
	require(strnlen(d->name, sizeof(d->name)) < sizeof(d->name), "a name ends");
	require(strnlen(d->full_name, sizeof(d->full_name)) < sizeof(d->full_name), "a name ends");
}

/* Chooses by every name that there is, by none, and by one that is nobody's. */
static void check_index(const struct image_index *index)
{
	static const struct platform platforms[] = { { "linux", "amd64", "" },
						     { "linux", "arm64", "v8" },
						     { "", "", "" } };

	require(index->n <= MANIFEST_ENTRIES_MAX, "entries of an index");
	for (size_t i = 0; i < index->n; i++)
		check_descriptor(&index->v[i]);
	for (size_t i = 0; i < index->n + 2; i++) {
		const char *wanted = i < index->n ? index->v[i].name : i == index->n ? NULL : "x";
		struct err e = ERR_INIT;
		int r = image_index_choose(index, wanted, &platforms[i % 3], &e);
		const struct descriptor *d = r >= 0 ? &index->v[r] : NULL;

		require(r >= 0 || r == -ENOENT || r == -ENOTUNIQ, "a choice or a reason");
		require(r < 0 || ((size_t)r < index->n &&
				  platform_match(&platforms[i % 3], &d->platform) > 0),
			"an entry of that platform");
		require(r < 0 || d->kind == DESCRIPTOR_INDEX || d->kind == DESCRIPTOR_MANIFEST,
			"an image");
		require((r < 0) == (e.text[0] != '\0'), "a reason for a failure only");
		if (i > 16 && i < index->n)
			i = index->n - 1;
	}
}

static void check_manifest(const struct image_manifest *m)
{
	require(m->config.kind == DESCRIPTOR_CONFIG && m->n_layers <= LIMIT_LAYERS, "an image");
	check_descriptor(&m->config);
	for (size_t i = 0; i < m->n_layers; i++) {
		check_descriptor(&m->layers[i]);
		require(m->layers[i].kind == DESCRIPTOR_LAYER ||
				m->layers[i].kind == DESCRIPTOR_LAYER_FOREIGN,
			"a layer");
	}
}

static void check_docker(const struct docker_manifest *m)
{
	const char *wanted[] = { NULL, "x", m->n && m->v[0].n_tags ? m->v[0].tags[0] : "y",
				 m->n ? m->v[m->n - 1].config : "z" };

	require(m->n <= MANIFEST_ENTRIES_MAX, "images");
	for (size_t i = 0; i < m->n; i++) {
		require(m->v[i].config && m->v[i].config[0], "a config");
		require(m->v[i].n_layers <= LIMIT_LAYERS, "layers");
		for (size_t k = 0; k < m->v[i].n_layers; k++)
			require(m->v[i].layers[k] && m->v[i].layers[k][0], "a layer");
		for (size_t k = 0; k < m->v[i].n_tags; k++)
			require(m->v[i].tags[k] != NULL, "a tag");
	}
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct err e = ERR_INIT;
		int r = docker_manifest_choose(m, wanted[i], &e);

		require(r < 0 ? e.text[0] && (r == -ENOENT || r == -ENOTUNIQ) : (size_t)r < m->n,
			"a choice or a reason");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct image_manifest manifest;
	const char *text = (const char *)data;
	struct image_index index = { .n = 0 };
	struct docker_manifest docker = { .n = 0 };
	struct err e = ERR_INIT, e2 = ERR_INIT, e3 = ERR_INIT;
	bool is_index = judged(image_index_parse("fuzz", text, size, &index, &e), &e);
	bool is_manifest = judged(image_manifest_parse("fuzz", text, size, &manifest, &e2), &e2);

	require(!(is_index && is_manifest), "one text, two documents");
	if (is_index)
		check_index(&index);
	else
		require(!index.v, "nothing of a refused index");
	if (is_manifest)
		check_manifest(&manifest);
	if (judged(docker_manifest_parse("fuzz", text, size, &docker, &e3), &e3))
		check_docker(&docker);
	else
		require(!docker.v, "nothing of a refused manifest.json");
	image_index_free(&index);
	docker_manifest_free(&docker);
	return 0;
}
