/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manifests, of OCI and of docker save: what real tools wrote is understood, what is odd is refused
 * by name. */
#include "tests/unit/images_docs.h"

#define CONFIG BLOB(OCI "config.v1+json", C) "}"
#define LAYER(type) BLOB(type, A) "}"
#define MANIFEST(config, layers)                                                                   \
	"{\"schemaVersion\":2,\"config\":" config ",\"layers\":[" layers "]}"

/* ---- a manifest ---- */

static void manifest_of(const char *text, size_t n, struct image_manifest *ret)
{
	struct err e = ERR_INIT;

	if (image_manifest_parse("f", text, n, ret, &e) < 0)
		fail_msg("%s", e.text);
}

static void test_manifest_real(void **state)
{
	static const char *const files[] = { "manifest/buildah-oci.json",
					     "manifest/podman-docker-dir.json" };
	static struct image_manifest m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		size_t n = 0;
		CLEANUP_FREE char *text = docs_read(files[i], &n);

		manifest_of(text, n, &m);
		assert_int_equal(m.config.kind, DESCRIPTOR_CONFIG);
		assert_int_equal(m.n_layers, 2);
		assert_int_equal(m.layers[0].kind, DESCRIPTOR_LAYER);
		if (i > 0)
			continue;
		assert_string_equal(
			m.layers[1].digest.s,
			"sha256:06e1c7b9f7474a1150e3a80ed9a0defca1d4fd3cc8ede3bc1f4ad30ba67f09cf");
		assert_int_equal(m.layers[1].size, 103);
		assert_int_equal(m.config.size, 2691);
	}
}

static void test_manifest_layers(void **state)
{
	static const struct {
		const char *type;
		int r;
		enum descriptor_kind kind;
	} cases[] = {
		{ OCI "layer.v1.tar", 0, DESCRIPTOR_LAYER },
		{ OCI "layer.v1.tar+gzip", 0, DESCRIPTOR_LAYER },
		{ OCI "layer.v1.tar+zstd", 0, DESCRIPTOR_LAYER },
		{ OCI "layer.v1.tar+xz", 0, DESCRIPTOR_LAYER },
		{ OCI "layer.nondistributable.v1.tar+gzip", 0, DESCRIPTOR_LAYER_FOREIGN },
		{ DOCKER "image.rootfs.diff.tar", 0, DESCRIPTOR_LAYER },
		{ DOCKER "image.rootfs.diff.tar.gzip", 0, DESCRIPTOR_LAYER },
		{ DOCKER "image.rootfs.diff.tar.zstd", 0, DESCRIPTOR_LAYER },
		{ DOCKER "image.rootfs.foreign.diff.tar.gzip", 0, DESCRIPTOR_LAYER_FOREIGN },
		{ OCI "layer.v1.tar+encrypted", -EOPNOTSUPP, DESCRIPTOR_OTHER },
		{ OCI "layer.v1.tar+gzip+encrypted", -EOPNOTSUPP, DESCRIPTOR_OTHER },
		{ OCI "layer.nondistributable.v1.tar+encrypted", -EOPNOTSUPP, DESCRIPTOR_OTHER },
		{ OCI "layer.v1.tarball", -EMEDIUMTYPE, DESCRIPTOR_OTHER },
		{ OCI "layer.v1.squashfs", -EMEDIUMTYPE, DESCRIPTOR_OTHER },
		{ OCI "config.v1+json", -EMEDIUMTYPE, DESCRIPTOR_OTHER },
		{ "application/vnd.dev.cosign.simplesigning.v1+json", -EMEDIUMTYPE,
		  DESCRIPTOR_OTHER },
		{ "", -EMEDIUMTYPE, DESCRIPTOR_OTHER },
	};
	static struct image_manifest m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
		struct err e = ERR_INIT;
		int r;

		strbuf_addf(&b, MANIFEST(CONFIG, LAYER("%s")), cases[i].type);
		r = image_manifest_parse("f", b.data, b.len, &m, &e);
		if (r < 0)
			docs_refused(cases[i].type, r, &e, -cases[i].r,
				     r == -EOPNOTSUPP ? "layers[0].mediaType: the layer is encr"
						      : "is no layer of a file system");
		else
			assert_int_equal(m.layers[0].kind, cases[i].kind);
		assert_int_equal(r, cases[i].r);
		assert_int_equal(e.hint[0] != '\0', r == -EOPNOTSUPP);
	}
}

static void test_manifest_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *words;
	} cases[] = {
		{ "7", EINVAL, "expected an object" },
		{ "{}", EINVAL, "\"config\" is missing" },
		{ "{\"config\":" CONFIG "}", EINVAL, "\"layers\" is missing" },
		{ MANIFEST("[]", ""), EINVAL, "config: expected an object" },
		{ MANIFEST(CONFIG, "null"), EINVAL, "layers[0]: expected an object" },
		{ MANIFEST(BLOB("application/vnd.oci.empty.v1+json", A) "}", ""), EMEDIUMTYPE,
		  "config.mediaType: an artifact of type \"application/vnd.oci.empty.v1+json\"" },
		{ MANIFEST(BLOB("application/vnd.cncf.helm.config.v1+json", A) "}", ""),
		  EMEDIUMTYPE, "helm.config.v1+json\", not an image" },
		{ "{\"mediaType\":\"" OCI "index.v1+json\",\"config\":" CONFIG ",\"layers\":[]}",
		  EMEDIUMTYPE, "expected an image manifest, not" },
		{ "{\"mediaType\":\"" DOCKER
		  "distribution.manifest.v1+prettyjws\",\"schemaVersion\":1}",
		  EMEDIUMTYPE, "old schema 1" },
		/* CVE-2021-41190 */
		{ "{\"config\":" CONFIG ",\"layers\":[],\"manifests\":[]}", EMEDIUMTYPE,
		  "manifests: this is not an image manifest" },
		{ "{\"config\":" CONFIG ",\"layers\":[],\"fsLayers\":[]}", EMEDIUMTYPE,
		  "fsLayers: this is not" },
	};
	static struct image_manifest m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = ERR_INIT;
		int r = image_manifest_parse("f", cases[i].text, strlen(cases[i].text), &m, &e);

		docs_refused(cases[i].text, r, &e, cases[i].code, cases[i].words);
		assert_int_equal(m.n_layers, 0);
	}
}

static void test_manifest_many(void **state)
{
	static struct image_manifest m;

	(void)state;
	for (int n = LIMIT_LAYERS; n <= LIMIT_LAYERS + 1; n++) {
		CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
		struct err e = ERR_INIT;
		int r;

		strbuf_adds(&b, "{\"config\":" CONFIG ",\"layers\":[");
		for (int i = 0; i < n; i++)
			strbuf_addf(&b, "%s" LAYER(OCI "layer.v1.tar"), i ? "," : "");
		strbuf_adds(&b, "]}");
		r = image_manifest_parse("f", b.data, b.len, &m, &e);
		assert_int_equal(m.n_layers, LIMIT_LAYERS);
		if (n == LIMIT_LAYERS)
			assert_int_equal(r, 0);
		else
			docs_refused("many", r, &e, E2BIG, "layers: 129 layers; at most 128");
	}
}

/* ---- manifest.json of docker save ---- */

static void test_docker_real(void **state)
{
	static const struct {
		const char *file, *wanted;
		int choice;
	} cases[] = {
		{ "manifest/docker-save.json", NULL, 0 },
		{ "manifest/docker-save.json", "debian:12", 0 },
		{ "manifest/docker-save.json", "debian", 0 },
		{ "manifest/docker-save.json", "debian:11", -ENOENT },
		{ "manifest/podman-docker-archive.json", NULL, -ENOTUNIQ },
		{ "manifest/podman-docker-archive.json", "localhost/shop/web:1.0", 0 },
		{ "manifest/podman-docker-archive.json", "shop/web:docker", 1 },
		{ "manifest/podman-docker-archive.json", "shop/web", -ENOTUNIQ },
		{ "manifest/podman-docker-archive.json",
		  "sha256:4c46d33c3bf224972b4cb7199c5b9b51a732eaf8fd1aa4a09f92c17c12008be8", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct docker_manifest m = { .n = 0 };
		CLEANUP_FREE char *text = NULL;
		struct err e = ERR_INIT;
		size_t n = 0;

		text = docs_read(cases[i].file, &n);
		if (docker_manifest_parse(cases[i].file, text, n, &m, &e) < 0)
			fail_msg("%s", e.text);
		assert_int_equal(docker_manifest_choose(&m, cases[i].wanted, &e), cases[i].choice);
		assert_int_equal(m.v[0].n_layers, 2);
		assert_int_equal(m.v[0].n_tags, 1);
		if (i == 0)
			assert_string_equal(m.v[0].layers[1],
					    "blobs/sha256/55555555555555555555555555555555"
					    "55555555555555555555555555555555");
		if (cases[i].choice == -ENOTUNIQ)
			assert_non_null(strstr(e.text, "several images: localhost/shop/web:1.0, "
						       "localhost/shop/web:docker"));
		if (cases[i].choice == -ENOENT)
			assert_non_null(strstr(e.text, "no image \"debian:11\"; there is: "
						       "debian:12"));
		docker_manifest_free(&m);
		assert_int_equal(m.n, 0);
	}
}

static void test_docker_choose(void **state)
{
	static const struct {
		const char *text, *wanted;
		int choice;
		const char *words;
	} cases[] = {
		{ "[]", NULL, -ENOENT, "names no image" },
		{ "[{\"Config\":\"a\",\"RepoTags\":null,\"Layers\":[]}]", NULL, 0, NULL },
		{ "[{\"Config\":\"a\",\"RepoTags\":null,\"Layers\":[]}]", "x", -ENOENT,
		  "there is: a" },
		{ "[{\"Config\":\"a\",\"Layers\":[]},{\"Config\":\"b\",\"Layers\":[]}]", NULL,
		  -ENOTUNIQ, "several images: a, b" },
		{ "[{\"Config\":\"a\",\"Layers\":[]},{\"Config\":\"b\",\"Layers\":[]}]", "b", 1,
		  NULL },
		{ "[{\"Config\":\"a\",\"Layers\":[]},{\"Config\":\"a\",\"Layers\":[]}]", NULL, 0,
		  NULL },
		{ "[{\"Config\":\"a.json\",\"Layers\":[]}]", "sha256:a", -ENOENT,
		  "there is: a.json" },
		{ "[{\"Config\":\"a\",\"RepoTags\":[\"x:1\",\"y:2\"],\"Layers\":[]}]", "y:2", 0,
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct docker_manifest m = { .n = 0 };
		struct err e = ERR_INIT;
		int r = docker_manifest_parse("f", cases[i].text, strlen(cases[i].text), &m, &e);

		assert_int_equal(r, 0);
		r = docker_manifest_choose(&m, cases[i].wanted, &e);
		if (r != cases[i].choice || (r < 0 && !strstr(e.text, cases[i].words)))
			fail_msg("%zu: %d, \"%s\"", i, r, e.text);
		docker_manifest_free(&m);
	}
}

static void test_docker_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *words;
	} cases[] = {
		{ "{}", EINVAL, "expected an array, not an object" },
		{ "[7]", EINVAL, "[0]: expected an object" },
		{ "[{}]", EINVAL, "[0]: \"Config\" is missing" },
		{ "[{\"Config\":\"\",\"Layers\":[]}]", EINVAL, "[0].Config: expected a member's" },
		{ "[{\"Config\":7,\"Layers\":[]}]", EINVAL, "[0].Config: expected a string" },
		{ "[{\"Config\":\"a\"}]", EINVAL, "[0]: \"Layers\" is missing" },
		{ "[{\"Config\":\"a\",\"Layers\":[\"x\",\"\"]}]", EINVAL, "[0].Layers[1]: expect" },
		{ "[{\"Config\":\"a\",\"Layers\":[\"x\",7]}]", EINVAL, "[0].Layers[1]: expected" },
		{ "[{\"Config\":\"a\",\"Layers\":[],\"RepoTags\":[\"x\",7]}]", EINVAL,
		  "[0].RepoTags[1]: expected a string" },
		{ "[{\"Config\":\"a\",\"Layers\":[]},{\"Config\":\"b\",\"Config\":\"b\"}]", EINVAL,
		  "duplicate key" },
		{ "[{\"Config\":\"a\\u0000b\",\"Layers\":[]}]", EINVAL, "NUL is not allowed" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct docker_manifest m = { .v = NULL, .n = 7 };
		struct err e = ERR_INIT;
		int r = docker_manifest_parse("f", cases[i].text, strlen(cases[i].text), &m, &e);

		docs_refused(cases[i].text, r, &e, cases[i].code, cases[i].words);
		assert_true(!m.v && m.n == 7);
	}
}

static void test_docker_many(void **state)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT, c = STRBUF_INIT;
	struct docker_manifest m = { .n = 0 };
	struct err e = ERR_INIT;
	int r;

	(void)state;
	strbuf_adds(&b, "[{\"Config\":\"a\",\"Layers\":[\"l\"");
	for (int i = 0; i < LIMIT_LAYERS; i++)
		strbuf_adds(&b, ",\"l\"");
	strbuf_adds(&b, "]}]");
	r = docker_manifest_parse("f", b.data, b.len, &m, &e);
	docs_refused("layers", r, &e, E2BIG, "[0].Layers: 129 layers; at most 128");

	strbuf_adds(&c, "[{}");
	for (int i = 0; i < MANIFEST_ENTRIES_MAX; i++)
		strbuf_adds(&c, ",{}");
	strbuf_adds(&c, "]");
	e = ERR_INIT;
	r = docker_manifest_parse("f", c.data, c.len, &m, &e);
	docs_refused("images", r, &e, E2BIG, "1025 images; at most 1024");
}

/* Row 49: what base/json.h refuses is refused here too, before anything else. */
static void test_large(void **state)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT, deep = STRBUF_INIT;
	static struct image_manifest m;
	struct image_index index = { .n = 0 };
	struct docker_manifest d = { .n = 0 };
	struct err e = ERR_INIT;

	(void)state;
	while (b.len <= MANIFEST_BYTES_MAX)
		strbuf_adds(&b, "                                                                ");
	docs_refused("4 MiB", image_index_parse("f", b.data, b.len, &index, &e), &e, EFBIG,
		     "larger than");
	e = ERR_INIT;
	docs_refused("4 MiB", image_manifest_parse("f", b.data, b.len, &m, &e), &e, EFBIG,
		     "larger than");
	e = ERR_INIT;
	docs_refused("4 MiB", docker_manifest_parse("f", b.data, b.len, &d, &e), &e, EFBIG,
		     "larger than");
	for (int i = 0; i < 100000; i++)
		strbuf_addc(&deep, '[');
	e = ERR_INIT;
	docs_refused("deep", docker_manifest_parse("f", deep.data, deep.len, &d, &e), &e, EINVAL,
		     "nested deeper");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manifest_real),
		cmocka_unit_test(test_manifest_layers),
		cmocka_unit_test(test_manifest_refused),
		cmocka_unit_test(test_manifest_many),
		cmocka_unit_test(test_docker_real),
		cmocka_unit_test(test_docker_choose),
		cmocka_unit_test(test_docker_refused),
		cmocka_unit_test(test_docker_many),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
