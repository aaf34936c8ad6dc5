/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bounds of a config document, each at its last good value and one beyond; and its writer. */
#include "base/clock.h"
#include "tests/unit/images_docs.h"

#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}"

static int parse(const struct strbuf *b, struct image_config *ret, struct err *e)
{
	*e = ERR_INIT;
	return image_config_parse("f", b->data, b->len, ret, e);
}

/* Lists of 1,024; of diff_ids LIMIT_LAYERS. `item` may hold a %d. */
static void test_lists(void **state)
{
	static const struct {
		const char *lead, *item, *tail;
		int max;
		size_t count; /* where the result counts them */
		const char *words;
	} cases[] = {
		{ "{" ROOTFS ",\"config\":{\"Cmd\":[", "\"%d\"", "]}}", 1024,
		  offsetof(struct image_config, n_cmd), "config.Cmd: 1025 entries; at most 1024" },
		{ "{" ROOTFS ",\"config\":{\"Env\":[", "\"A%d=\"", "]}}", 1024,
		  offsetof(struct image_config, n_env), "config.Env: 1025 entries; at most 1024" },
		{ "{" ROOTFS ",\"config\":{\"Volumes\":{", "\"/%d\":{}", "}}}", 1024,
		  offsetof(struct image_config, n_volumes), "Volumes: 1025 entries; at most 1024" },
		{ "{" ROOTFS ",\"config\":{\"Labels\":{", "\"%d\":\"\"", "}}}", 1024,
		  offsetof(struct image_config, n_labels), "Labels: 1025 entries; at most 1024" },
		{ "{" ROOTFS ",\"config\":{\"ExposedPorts\":{", "\"1%04d\":{}", "}}}", 1024,
		  offsetof(struct image_config, n_ports), "more than 1024 ports" },
		{ "{" ROOTFS ",\"history\":[", "{\"created_by\":\"%d\"}", "]}", 1024,
		  offsetof(struct image_config, n_history), "history: 1025 entries; at most 1024" },
		{ "{\"rootfs\":{\"diff_ids\":[", "\"sha256:" A "\"", "]}}", LIMIT_LAYERS,
		  offsetof(struct image_config, n_layers), "129 layers; at most 128" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (int n = cases[i].max; n <= cases[i].max + 1; n++) {
			CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 0 };
			CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
			struct err e;
			int r;

			strbuf_adds(&b, cases[i].lead);
			for (int k = 0; k < n; k++) {
				const char *item = cases[i].item, *at = strchr(item, '%');

				strbuf_adds(&b, k ? "," : "");
				if (!at) {
					strbuf_adds(&b, item);
					continue;
				}
				strbuf_add(&b, item, (size_t)(at - item));
				strbuf_addf(&b, "%04d%s", k, strchr(at, 'd') + 1);
			}
			strbuf_adds(&b, cases[i].tail);
			r = parse(&b, &c, &e);
			if (n > cases[i].max) {
				docs_refused(cases[i].lead, r, &e, E2BIG, cases[i].words);
				continue;
			}
			if (r < 0)
				fail_msg("%s: %s", cases[i].lead, e.text);
			assert_int_equal(*(size_t *)((char *)&c + cases[i].count), n);
		}
	}
}

static void test_port_ranges(void **state)
{
	static const struct {
		const char *keys;
		size_t n; /* 0: refused */
	} cases[] = {
		{ "\"1-1024\":{}", 1024 },
		{ "\"1-1025\":{}", 0 },
		{ "\"1-1023\":{},\"2000/udp\":{}", 1024 },
		{ "\"1-1024\":{},\"2000/udp\":{}", 0 },
		{ "\"1-65535\":{}", 0 },
		{ "\"1-512/tcp\":{},\"1-512/udp\":{}", 1024 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 0 };
		CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
		struct err e;
		int r;

		strbuf_addf(&b, "{" ROOTFS ",\"config\":{\"ExposedPorts\":{%s}}}", cases[i].keys);
		r = parse(&b, &c, &e);
		if (cases[i].n == 0)
			docs_refused(cases[i].keys, r, &e, E2BIG, "more than 1024 ports");
		else
			assert_int_equal(r, 0);
		assert_int_equal(c.n_ports, cases[i].n);
	}
}

/* A string can be an argument of execve(2): MAX_ARG_STRLEN with its NUL, and no more. */
static void test_string_length(void **state)
{
	static const char *const cases[] = {
		"\"Cmd\":[\"%s\"]",	   "\"Entrypoint\":\"%s\"",    "\"User\":\"%s\"",
		"\"Volumes\":{\"%s\":{}}", "\"Labels\":{\"%s\":\"\"}", "\"Labels\":{\"a\":\"%s\"}",
		"\"Env\":[\"=%s\"]", /* measured before it is left out */
	};
	const size_t max = (128u << 10) - 1;
	char *text = calloc(1, max + 2);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', max);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool equals = strstr(cases[i], "=%s") != NULL;

		for (size_t n = max; n <= max + 1; n++) {
			CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 0 };
			CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
			const char *at = strstr(cases[i], "%s");
			struct err e;
			int r;

			strbuf_adds(&b, "{" ROOTFS ",\"config\":{");
			strbuf_add(&b, cases[i], (size_t)(at - cases[i]));
			for (size_t k = equals; k < n; k++)
				strbuf_addc(&b, 'x');
			strbuf_addf(&b, "%s}}", at + 2);
			r = parse(&b, &c, &e);
			if (n == max)
				assert_int_equal(r, 0);
			else
				docs_refused(cases[i], r, &e, E2BIG, "longer than 131071 bytes");
		}
	}
	free(text);
}

/* Row 49: depth, size. */
static void test_large(void **state)
{
	CLEANUP_STRBUF struct strbuf deep = STRBUF_INIT, large = STRBUF_INIT;
	struct image_config c = { .n_layers = 0 };
	struct err e;

	(void)state;
	strbuf_adds(&deep, "{" ROOTFS ",\"unknown\":");
	for (int i = 0; i < 100000; i++)
		strbuf_addc(&deep, '[');
	docs_refused("deep", parse(&deep, &c, &e), &e, EINVAL, "nested deeper");
	strbuf_adds(&large, "{" ROOTFS "}");
	while (large.len <= MANIFEST_BYTES_MAX)
		strbuf_adds(&large, "                                                            ");
	docs_refused("large", parse(&large, &c, &e), &e, EFBIG, "larger than 4194304 bytes");
}

/* ---- the writer ---- */

static void test_write(void **state)
{
	static const char expected[] =
		"{\"created\":\"2025-11-21T00:35:21.123Z\",\"architecture\":\"arm64\","
		"\"variant\":\"v8\",\"os\":\"linux\",\"config\":{},\"rootfs\":{\"type\":\"layers\","
		"\"diff_ids\":[\"sha256:" A "\",\"sha256:" B "\"]},\"history\":[{\"created\":"
		"\"2025-11-21T00:35:21.123Z\",\"created_by\":\"jail \\\"import\\\"\\n\"}]}";
	const struct platform platform = { "linux", "arm64", "v8" };
	const struct digest layers[] = { { A }, { B } };
	CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 0 };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(image_config_write(&platform, 1763685321123, "jail \"import\"\n", layers,
					    2, &b, &e),
			 0);
	assert_string_equal(strbuf_str(&b), expected);
	assert_int_equal(parse(&b, &c, &e), 0);
	assert_int_equal(c.created_ms, 1763685321123);
	assert_memory_equal(&c.platform, &platform, sizeof(platform));
	assert_int_equal(c.n_layers, 2);
	assert_string_equal(c.layers[1].hex, B);
	assert_int_equal(c.n_history, 1);
	assert_string_equal(c.history[0].created_by, "jail \"import\"\n");
	assert_false(c.history[0].empty_layer);
}

static void test_write_plain(void **state)
{
	const struct platform platform = { "linux", "amd64", "" };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(image_config_write(&platform, 0, "", NULL, 0, &b, &e), 0);
	assert_null(strstr(b.data, "variant"));
	assert_non_null(strstr(b.data, "\"created\":\"1970-01-01T00:00:00.000Z\""));
	assert_non_null(strstr(b.data, "\"diff_ids\":[]"));
}

static void test_write_refused(void **state)
{
	static const struct platform nothing = { "", "amd64", "" };
	static const struct platform nowhere = { "linux", "", "" },
				     amd64 = { "linux", "amd64", "" };
	static struct digest layers[LIMIT_LAYERS + 1];
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(image_config_write(&nowhere, 0, "", layers, 1, &b, &e), -EINVAL);
	assert_non_null(strstr(e.text, "needs an os and an architecture"));
	e = ERR_INIT;
	assert_int_equal(image_config_write(&nothing, 0, "", layers, 1, &b, &e), -EINVAL);
	e = ERR_INIT;
	assert_int_equal(image_config_write(&amd64, 0, "", layers, LIMIT_LAYERS + 1, &b, &e),
			 -E2BIG);
	assert_int_equal(b.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),	      cmocka_unit_test(test_port_ranges),
		cmocka_unit_test(test_string_length), cmocka_unit_test(test_large),
		cmocka_unit_test(test_write),	      cmocka_unit_test(test_write_plain),
		cmocka_unit_test(test_write_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
