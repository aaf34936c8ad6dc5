/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No field of the spec escapes a policy by having been added later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/json.h"
#include "runtime/policy.h"

#define SCHEMA "config.schema.json"
#define DEPTH_MAX 8

static size_t n_fields;

static const struct json *resolve(const struct json *root, const struct json *node)
{
	const struct json *ref = json_get(node, "$ref");

	if (!ref)
		return node;
	assert_true(str_starts(ref->text, "#/$defs/"));
	node = json_get(json_get(root, "$defs"), ref->text + strlen("#/$defs/"));
	assert_non_null(node);
	return node;
}

/* A node without members of its own is a field. */
static void walk(const struct json *root, const struct json *node, const char *path, int depth)
{
	const struct json *properties, *items;

	assert_true(depth < DEPTH_MAX);
	node = resolve(root, node);
	items = json_get(node, "items");
	if (items && items->type == JSON_OBJECT && json_get(resolve(root, items), "properties"))
		node = resolve(root, items);
	properties = json_get(node, "properties");
	/* One judge for a whole map or list of objects. */
	if (!properties || (path[0] && policy_judge_of(path))) {
		n_fields++;
		if (!policy_judge_of(path))
			fail_msg("%s: which part of a policy judges it? (runtime/policy_fields.c)",
				 path);
		return;
	}
	for (const struct json *m = properties->first; m; m = m->next) {
		char below[256];

		if (m->key[0] == '$')
			continue;
		assert_true(str_format(below, sizeof(below), "%s%s%s", path, path[0] ? "." : "",
				       m->key) > 0);
		walk(root, m, below, depth + 1);
	}
}

static void test_every_field_has_a_judge(void **state)
{
	CLEANUP_FD int fd = open(SCHEMA, O_RDONLY | O_CLOEXEC);
	CLEANUP_JSON struct json_doc *doc = NULL;
	CLEANUP_FREE char *text = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fd_read_all(fd, 1 << 20, &text, &n), 0);
	assert_int_equal(json_parse(SCHEMA, text, n, &doc, &e), 0);
	walk(json_root(doc), json_root(doc), "", 0);
	assert_true(n_fields > 80);
	assert_null(policy_judge_of("no.such.field"));
}

/* The judge is a key of a policy: of a limit, one that is given alone. */
static void test_judges_are_keys(void **state)
{
	static const struct {
		const char *field, *policy;
	} examples[] = {
		{ "mounts.source", "{\"hostPaths\": [\"/srv\"]}" },
		{ "resources.memory.max", "{\"resources\": {\"memory\": {\"max\": \"1GiB\"}}}" },
		{ "log.files", "{\"resources\": {\"log\": \"1GiB\"}}" },
		{ "network.ingress", "{\"resources\": {\"network\": {\"ingress\": \"1Gbit\"}}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		CLEANUP_POLICY struct policy p = { .doc = NULL };
		struct err e = ERR_INIT;
		const char *judge = policy_judge_of(examples[i].field);
		const char *last = strrchr(judge, '.');

		assert_non_null(strstr(examples[i].policy, last ? last + 1 : judge));
		assert_int_equal(
			policy_decode("p", examples[i].policy, strlen(examples[i].policy), &p, &e),
			0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_field_has_a_judge),
		cmocka_unit_test(test_judges_are_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
