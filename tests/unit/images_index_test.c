/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Indexes: what real tools wrote is understood, the entry that is meant is found, the odd is
 * refused. */
#include "tests/unit/images_docs.h"

#define NAMED(hex, name)                                                                           \
	IMAGE(hex) ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" name "\"}}"
#define FOR(hex, os, arch)                                                                         \
	IMAGE(hex) ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}}"
#define REF "org.opencontainers.image.ref.name"
#define FULL(hex, full)                                                                            \
	IMAGE(hex)                                                                                 \
	",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"},\"annotations\":"             \
	"{\"" REF "\":\"1\",\"io.containerd.image.name\":\"" full "\"}}"
#define INDEX(entries) "{\"schemaVersion\":2,\"manifests\":[" entries "]}"

static const struct platform amd64 = { "linux", "amd64", "" };
static const struct platform arm64 = { "linux", "arm64", "v8" };
static const struct platform riscv = { "linux", "riscv64", "" };
static const struct platform any = { "", "", "" };

static void index_of(const char *text, struct image_index *ret)
{
	struct err e = ERR_INIT;

	if (image_index_parse("f", text, strlen(text), ret, &e) < 0)
		fail_msg("%s", e.text);
}

static void test_index_real(void **state)
{
	static const struct {
		const char *file;
		size_t n;
		const char *wanted;
		const struct platform *platform;
		int choice;
	} cases[] = {
		{ "podman-oci-archive-index.json", 1, NULL, &amd64, 0 },
		{ "podman-oci-archive-index.json", 1, "localhost/shop/web:docker", &amd64, 0 },
		{ "podman-oci-archive-index.json", 1, "shop/web:docker", &amd64, 0 },
		{ "podman-oci-archive-index.json", 1, "docker", &amd64, 0 },
		{ "podman-oci-archive-index.json", 1, "other", &amd64, -ENOENT },
		{ "skopeo-index.json", 1, "shop/web:2", &arm64, 0 },
		{ "umoci-layout-index.json", 3, NULL, &amd64, -ENOTUNIQ },
		{ "umoci-layout-index.json", 3, "two", &amd64, 0 },
		{ "umoci-layout-index.json", 3, "one", &amd64, 1 },
		{ "umoci-layout-index.json", 3, "umoci", &amd64, 2 },
		{ "buildx-index.json", 4, NULL, &amd64, 0 },
		{ "buildx-index.json", 4, NULL, &arm64, 1 },
		{ "buildx-index.json", 4, NULL, &riscv, -ENOENT },
		{ "buildx-index.json", 4, NULL, &any, 0 },
		{ "buildah-docker-list.json", 2, NULL, &amd64, 0 },
		{ "buildah-docker-list.json", 2, NULL, &arm64, 1 },
		{ "docker-save-index.json", 2, NULL, &amd64, -ENOTUNIQ },
		{ "docker-save-index.json", 2, "debian:12", &amd64, 0 },
		{ "docker-save-index.json", 2, "12", &amd64, 0 },
		{ "docker-save-index.json", 2, "alpine", &amd64, 1 },
		{ "docker-save-index.json", 2, "docker.io/library/alpine:latest", &amd64, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image_index index = { .n = 0 };
		CLEANUP_FREE char *text = NULL;
		struct err e = ERR_INIT;
		char name[128];
		size_t n = 0;
		int r;

		assert_true(str_format(name, sizeof(name), "manifest/%s", cases[i].file) > 0);
		text = docs_read(name, &n);
		if (image_index_parse(cases[i].file, text, n, &index, &e) < 0)
			fail_msg("%s", e.text);
		assert_int_equal(index.n, cases[i].n);
		r = image_index_choose(&index, cases[i].wanted, cases[i].platform, &e);
		if (r != cases[i].choice)
			fail_msg("%s, %s: %d, %s", cases[i].file, cases[i].wanted, r, e.text);
		image_index_free(&index);
	}
}

static void test_index_fields(void **state)
{
	struct image_index index = { .n = 0 };
	CLEANUP_FREE char *text = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;

	(void)state;
	text = docs_read("manifest/docker-save-index.json", &n);
	assert_int_equal(image_index_parse("f", text, n, &index, &e), 0);
	assert_int_equal(index.v[0].kind, DESCRIPTOR_INDEX);
	assert_string_equal(index.v[0].name, "12");
	assert_string_equal(index.v[0].full_name, "docker.io/library/debian:12");
	assert_int_equal(index.v[0].size, 9225);
	assert_false(index.v[0].has_platform);
	image_index_free(&index);
	assert_null(index.v);
	free(text);
	text = docs_read("manifest/buildx-index.json", &n);
	assert_int_equal(image_index_parse("f", text, n, &index, &e), 0);
	assert_int_equal(index.v[1].kind, DESCRIPTOR_MANIFEST);
	assert_string_equal(index.v[1].digest.s, "sha256:" B);
	assert_true(index.v[1].has_platform);
	assert_string_equal(index.v[1].platform.os, "linux");
	assert_string_equal(index.v[1].platform.architecture, "arm64");
	assert_string_equal(index.v[1].platform.variant, "v8");
	assert_int_equal(index.v[2].kind, DESCRIPTOR_OTHER); /* an attestation */
	image_index_free(&index);
}

static void test_index_choose(void **state)
{
	static const struct {
		const char *text, *wanted;
		const struct platform *platform;
		int choice;
		const char *words; /* of the error */
	} cases[] = {
		{ INDEX(""), NULL, &amd64, -ENOENT, "names no image" },
		{ INDEX(BLOB("application/spdx+json", A) "}"), NULL, &amd64, -ENOENT,
		  "names no image (1 other" },
		{ INDEX(IMAGE(A) "}"), NULL, &amd64, 0, NULL },
		{ INDEX(IMAGE(A) "}"), "x", &amd64, -ENOENT,
		  "no image \"x\"; there is: sha256:" A },
		{ INDEX(IMAGE(A) "}," IMAGE(B) "}"), NULL, &amd64, -ENOTUNIQ,
		  "several images: sha256:" A ", sha256:" B },
		{ INDEX(IMAGE(A) "}," IMAGE(B) "}"), "sha256:" B, &amd64, 1, NULL },
		{ INDEX(IMAGE(A) "}," IMAGE(B) "}"), B, &amd64, 1, NULL },
		/* Twice the same image, by two names or by none. */
		{ INDEX(NAMED(A, "x") "," NAMED(A, "y")), NULL, &amd64, 0, NULL },
		{ INDEX(NAMED(A, "x") "," NAMED(B, "y")), NULL, &amd64, -ENOTUNIQ, "x, y" },
		{ INDEX(NAMED(A, "x") "," NAMED(B, "y")), "y", &amd64, 1, NULL },
		{ INDEX(NAMED(A, "x") "," NAMED(B, "x")), "x", &amd64, -ENOTUNIQ, "several" },
		{ INDEX(NAMED(A, "a/x:1") "," NAMED(B, "b/x:1")), "x:1", &amd64, -ENOTUNIQ,
		  "a/x:1, b/x:1" },
		{ INDEX(NAMED(A, "a/x:1") "," NAMED(B, "b/x:1")), "b/x:1", &amd64, 1, NULL },
		{ INDEX(NAMED(A, "a/x:1") "," NAMED(B, "x")), "x", &amd64, 1, NULL },
		{ INDEX(NAMED(A, "host:5000/x")), "5000/x", &amd64, -ENOENT, "no image" },
		{ INDEX(NAMED(A, "host:5000/x")), "x", &amd64, 0, NULL },
		{ INDEX(NAMED(A, "host:5000/ax")), "x", &amd64, -ENOENT, "there is: host" },
		{ INDEX(NAMED(A, "x")), "", &amd64, -ENOENT, "no image \"\"" },
		{ INDEX(NAMED(A, "a/")), "", &amd64, -ENOENT, "no image \"\"" },
		{ INDEX(IMAGE(A) "}"), "", &amd64, -ENOENT, "no image \"\"" },
		/* The name itself is closer than its end, and that with the tag than without. */
		{ INDEX(NAMED(A, "a/x:1") "," NAMED(B, "x:1")), "x:1", &amd64, 1, NULL },
		{ INDEX(NAMED(A, "x:1") "," NAMED(B, "a/x:1")), "x:1", &amd64, 0, NULL },
		{ INDEX(NAMED(A, "a/x:1") "," NAMED(B, "b/x")), "x", &amd64, 1, NULL },
		/* Named once each. */
		{ INDEX(NAMED(A, "x") "," NAMED(B, "x") "," NAMED(C, "y")), "x", &amd64, -ENOTUNIQ,
		  "several images: x, y" },
		/* One tag of two names. */
		{ INDEX(FULL(A, "a/x:1") "," FULL(B, "b/y:1")), "1", &amd64, -ENOTUNIQ,
		  "several images: a/x:1, b/y:1" },
		{ INDEX(FULL(A, "a/x:1") "," FULL(B, "b/y:1")), "y:1", &amd64, 1, NULL },
		{ INDEX(FOR(A, "unknown", "unknown")), NULL, &amd64, -ENOENT, "names no image" },
		/* The best platform, not the first. */
		{ INDEX(IMAGE(A) "}," FOR(B, "linux", "amd64")), NULL, &amd64, 1, NULL },
		{ INDEX(FOR(A, "linux", "arm") "," FOR(B, "linux", "arm64")), NULL, &arm64, 1,
		  NULL },
		{ INDEX(FOR(A, "windows", "amd64") "," FOR(B, "linux", "amd64")), NULL, &amd64, 1,
		  NULL },
		{ INDEX(FOR(A, "linux", "aarch64")), NULL, &arm64, 0, NULL },
		{ INDEX(FOR(A, "linux", "\\u001b[2J")), NULL, &amd64, -ENOENT,
		  "no image for linux/amd64; there is: linux/unknown" },
		{ INDEX(FOR(A, "linux", "amd64") "," FOR(B, "linux", "arm64")), NULL, &riscv,
		  -ENOENT, "no image for linux/riscv64; there is: linux/amd64, linux/arm64" },
		/* One image in two compressions. */
		{ INDEX(FOR(A, "linux", "amd64") "," FOR(B, "linux", "amd64")), NULL, &amd64, 0,
		  NULL },
		/* An artifact of OCI 1.1 beside the image. */
		{ INDEX(IMAGE(A) ",\"artifactType\":\"application/spdx+json\"}," IMAGE(B) "}"),
		  NULL, &amd64, 1, NULL },
		{ INDEX(IMAGE(A) ",\"artifactType\":\"" OCI "config.v1+json\"}"), NULL, &amd64, 0,
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image_index index = { .n = 0 };
		struct err e = ERR_INIT;
		int r;

		index_of(cases[i].text, &index);
		r = image_index_choose(&index, cases[i].wanted, cases[i].platform, &e);
		if (r != cases[i].choice || (r < 0 && !strstr(e.text, cases[i].words)))
			fail_msg("%zu: %d, \"%s\"", i, r, e.text);
		image_index_free(&index);
	}
}

/* A dozen names are enough in a message. */
static void test_index_many_names(void **state)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct image_index index = { .n = 0 };
	struct err e = ERR_INIT;

	(void)state;
	strbuf_adds(&b, "{\"manifests\":[");
	for (int i = 0; i < 14; i++)
		strbuf_addf(&b, "%s" NAMED(A, "n%d"), i ? "," : "", i);
	strbuf_adds(&b, "]}");
	index_of(strbuf_str(&b), &index);
	assert_int_equal(image_index_choose(&index, "x", &amd64, &e), -ENOENT);
	assert_string_equal(e.text, "no image \"x\"; there is: n0, n1, n2, n3, n4, n5, n6, n7, n8, "
				    "n9, n10, n11, ...");
	image_index_free(&index);
}

static void test_index_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *words;
	} cases[] = {
		{ "[]", EINVAL, "expected an object, not an array" },
		{ "{}", EINVAL, "\"manifests\" is missing" },
		{ "{\"manifests\":null}", EINVAL, "\"manifests\" is missing" },
		{ "{\"manifests\":{}}", EINVAL, "f:1:14: manifests: expected an array" },
		{ "{\"manifests\":[7]}", EINVAL, "manifests[0]: expected an object, not a number" },
		{ INDEX("{}"), EINVAL, "manifests[0]: \"mediaType\" is missing" },
		{ INDEX("{\"mediaType\":7}"), EINVAL, "manifests[0].mediaType: expected a string" },
		{ "{\"schemaVersion\":1,\"fsLayers\":[]}", EMEDIUMTYPE, "old schema 1" },
		{ "{\"schemaVersion\":3,\"manifests\":[]}", EINVAL, "schemaVersion: expected 2" },
		{ "{\"schemaVersion\":\"2\",\"manifests\":[]}", EINVAL, "expected 2" },
		{ "{\"schemaVersion\":1e999,\"manifests\":[]}", EINVAL, "expected 2" },
		{ "{\"mediaType\":\"" OCI "manifest.v1+json\",\"manifests\":[]}", EMEDIUMTYPE,
		  "expected an image index, not \"application/vnd.oci.image.manifest" },
		{ "{\"mediaType\":7,\"manifests\":[]}", EINVAL, "mediaType: expected a string" },
		/* CVE-2021-41190 */
		{ "{\"manifests\":[],\"layers\":[]}", EMEDIUMTYPE, "layers: this is not an image" },
		{ "{\"manifests\":[],\"config\":{}}", EMEDIUMTYPE, "config: this is not an image" },
		/* Row 43: no digest but one of sha256 or sha512 in lower case, whatever it is used
		 * for. */
		{ INDEX("{\"mediaType\":\"x\",\"digest\":\"sha256:../../../etc\",\"size\":1}"),
		  EINVAL, "manifests[0].digest: digest \"sha256:../../../etc\"" },
		{ INDEX("{\"mediaType\":\"x\",\"digest\":\"sha256:aaaa\",\"size\":1}"), EINVAL,
		  "expected 64 digits" },
		{ INDEX("{\"mediaType\":\"x\",\"digest\":\"sha512:" A "\",\"size\":1}"), EINVAL,
		  "expected 128 digits" },
		{ INDEX("{\"mediaType\":\"x\",\"digest\":\"sha384:" A "\",\"size\":1}"), EINVAL,
		  "expected \"sha256:\" or \"sha512:\"" },
		{ INDEX("{\"mediaType\":\"x\",\"digest\":\"sha256:" A "a\",\"size\":1}"), EINVAL,
		  "64 digits" },
		{ INDEX("{\"mediaType\":\"x\",\"digest\":\"sha256:" A "\\u0000\",\"size\":1}"),
		  EINVAL, "NUL is not allowed" },
		{ INDEX("{\"mediaType\":\"x\",\"size\":1}"), EINVAL, "\"digest\" is missing" },
		{ INDEX("{\"mediaType\":\"x\",\"digest\":\"sha256:" A "\"}"), EINVAL,
		  "\"size\" is missing" },
		{ INDEX("{\"mediaType\":\"x\",\"digest\":\"sha256:" A "\",\"size\":-1}"), EINVAL,
		  "size: expected a whole number from 0" },
		{ INDEX("{\"mediaType\":\"x\",\"digest\":\"sha256:" A "\",\"size\":1e999}"), EINVAL,
		  "size: expected a whole number" },
		{ INDEX("{\"mediaType\":\"x\",\"digest\":\"sha256:" A
			"\",\"size\":9223372036854775808}"),
		  EINVAL, "size: expected a whole number" },
		{ INDEX(IMAGE(A) ",\"platform\":[]}"), EINVAL, "platform: expected an object" },
		{ INDEX(IMAGE(A) ",\"annotations\":{\"io.containerd.image.name\":7}}"), EINVAL,
		  "expected a string, not a number" },
		{ INDEX(IMAGE(A) ",\"size\":8}"), EINVAL, "duplicate key" },
		{ "{\"manifests\":[]} x", EINVAL, "trailing garbage" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image_index index = { .v = NULL, .n = 7 };
		struct err e = ERR_INIT;
		int r = image_index_parse("f", cases[i].text, strlen(cases[i].text), &index, &e);

		docs_refused(cases[i].text, r, &e, cases[i].code, cases[i].words);
		assert_true(!index.v && index.n == 7); /* untouched */
	}
}

static void test_index_long(void **state)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct image_index index = { .n = 0 };
	struct err e = ERR_INIT;
	char name[LIMIT_IMAGE_REF_LEN + 2];

	(void)state;
	strbuf_adds(&b, "{\"manifests\":[");
	for (int i = 0; i <= MANIFEST_ENTRIES_MAX; i++)
		strbuf_addf(&b, "%s" IMAGE(A) "}", i ? "," : "");
	strbuf_adds(&b, "]}");
	assert_int_equal(image_index_parse("f", b.data, b.len, &index, &e), -E2BIG);
	assert_non_null(strstr(e.text, "f:1:14: manifests: 1025 entries; at most 1024"));

	memset(name, 'n', sizeof(name) - 1);
	for (size_t n = LIMIT_IMAGE_REF_LEN; n <= LIMIT_IMAGE_REF_LEN + 1; n++) {
		name[n] = '\0';
		b.len = 0;
		strbuf_addf(&b, INDEX(NAMED(A, "%s")), name);
		e = ERR_INIT;
		assert_int_equal(image_index_parse("f", b.data, b.len, &index, &e),
				 n > LIMIT_IMAGE_REF_LEN ? -E2BIG : 0);
		image_index_free(&index);
		name[n] = 'n';
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index_real),    cmocka_unit_test(test_index_fields),
		cmocka_unit_test(test_index_choose),  cmocka_unit_test(test_index_many_names),
		cmocka_unit_test(test_index_refused), cmocka_unit_test(test_index_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
