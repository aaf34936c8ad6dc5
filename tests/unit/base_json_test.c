/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON: positions, what is refused and with which words, and that what is written reads back. */
#include "base_tmpdir.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/limits.h"

#define JUTF8_E "\xc3\xa9"

static int parse(const char *text, struct json_doc **ret, struct err *e)
{
	return json_parse("f.json", text, strlen(text), ret, e);
}

static void assert_at(const struct json *node, unsigned line, unsigned column)
{
	assert_non_null(node);
	assert_int_equal(node->line, line);
	assert_int_equal(node->column, column);
}

static void test_tree(void **state)
{
	static const char text[] = "{\n"
				   "  \"name\" : \"w\\u00e9b\",\n"
				   "\t\"n\": -12, \"f\": 1.0,\r\n"
				   "  \"list\":[1,\n   true , null,{\"k\":{}}]\n"
				   "}\n";
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct err e = ERR_INIT;
	const struct json *root, *n;

	(void)state;
	assert_int_equal(parse(text, &doc, &e), 0);
	root = json_root(doc);
	assert_int_equal(root->type, JSON_OBJECT);
	assert_int_equal(root->count, 4);
	assert_at(root, 1, 1);

	n = json_get(root, "name");
	assert_at(n, 2, 12);
	assert_int_equal(n->key_line, 2);
	assert_int_equal(n->key_column, 3);
	assert_string_equal(n->text, "w" JUTF8_E "b");
	assert_int_equal(n->len, 4);
	assert_ptr_equal(n->parent, root);

	n = json_get(root, "n");
	assert_at(n, 3, 7);
	assert_true(n->is_int);
	assert_int_equal(n->integer, -12);
	n = json_get(root, "f");
	assert_at(n, 3, 17);
	assert_false(n->is_int);
	assert_string_equal(n->text, "1.0");

	n = json_get(root, "list");
	assert_at(n, 4, 10);
	assert_int_equal(n->count, 4);
	assert_at(n->first, 4, 11);
	assert_at(n->first->next, 5, 4);
	assert_true(n->first->next->boolean);
	assert_at(n->first->next->next, 5, 11);
	assert_int_equal(n->first->next->next->type, JSON_NULL);
	n = n->first->next->next->next;
	assert_at(n, 5, 16);
	assert_null(n->next);
	assert_at(json_get(n, "k"), 5, 21);
	assert_int_equal(json_get(n, "k")->key_column, 17);
	assert_null(json_get(n, "nothing"));
	assert_null(json_get(NULL, "k"));
	assert_null(json_get(json_get(root, "n"), "k"));
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		bool is_int;
		int64_t value;
	} cases[] = {
		{ "0", true, 0 },
		{ "-0", true, 0 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 },
		{ "1e2", false, 0 },
		{ "1E2", false, 0 },
		{ "0.5", false, 0 },
		{ "123456789012345678901234567890", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP_JSON struct json_doc *doc = NULL;
		struct err e = ERR_INIT;

		assert_int_equal(parse(cases[i].text, &doc, &e), 0);
		assert_int_equal(e.code, 0);
		assert_string_equal(json_root(doc)->text, cases[i].text);
		assert_int_equal(json_root(doc)->is_int, cases[i].is_int);
		assert_true(json_root(doc)->integer == cases[i].value);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "", "1:1: unexpected end of the text" },
		{ " \n ", "2:2: unexpected end of the text" },
		{ "{", "1:2: unexpected end of the text" },
		{ "[1,2", "1:5: unexpected end of the text" },
		{ "{\"a\":", "1:6: unexpected end of the text" },
		{ "\"abc", "1:1: string without end" },
		{ "[\n \"abc]", "2:2: string without end" },
		{ "{\"a\":1} x", "1:9: trailing garbage" },
		{ "1 2", "1:3: trailing garbage" },
		{ "{}{}", "1:3: trailing garbage" },
		{ "{} \"abc", "1:4: trailing garbage" },
		{ "[]tru", "1:3: trailing garbage" },
		{ "1\n-", "2:1: trailing garbage" },
		{ "[1,\f2]", "1:4: control character 0x0c" },
		{ "\v1", "1:1: control character 0x0b" },
		{ "01", "1:2: trailing garbage" },
		{ "[1,,2]", "1:4: unallowed token at this point in JSON text" },
		{ "[1,]", "1:4: unallowed token at this point in JSON text" },
		{ "{\"a\" 1}", "1:6: object key and value must be separated by a colon" },
		{ "{\"a\":1,}", "1:8: " },
		{ "{a:1}", "1:2: " },
		{ "{1:1}", "1:2: " },
		{ "{'a':1}", "1:2: " },
		{ "[1 2]", "1:4: after array element" },
		{ "]", "1:1: unallowed token" },
		{ "[}", "1:2: unallowed token" },
		{ "NaN", "1:1: " },
		{ "Infinity", "1:1: " },
		{ "-", "1:1: " },
		{ "+1", "1:1: " },
		{ ".5", "1:1: " },
		{ "[1.]", "1:2: malformed number" },
		{ "[1e]", "1:2: malformed number" },
		{ "[0x10]", "1:3: " },
		{ "nul", "1:1: " },
		{ "True", "1:1: " },
		{ "// c\n{}", "1:1: " },
		{ "/* c */{}", "1:1: " },
		{ "\xef\xbb\xbf{}", "1:1: byte order mark" },
		{ "\"\\u0000\"", "1:2: NUL is not allowed" },
		{ "{\"a\\u0000b\":1}", "1:4: NUL is not allowed" },
		{ "\"\\ud800\"", "1:2: lone surrogate" },
		{ "\"\\ud800x\"", "1:2: lone surrogate" },
		{ "\"\\ud800\\n\"", "1:2: lone surrogate" },
		{ "\"\\ud800\\ud800\"", "1:2: lone surrogate" },
		{ "\"\\udc00\"", "1:2: lone surrogate" },
		{ "\"\\ud83d\\u00e9\"", "1:2: lone surrogate" },
		{ "\"\\ud8", "1:2: \\u needs four" },
		{ "\"\\ud800\\u", "1:2: lone surrogate" },
		{ "\"\\", "1:2: unknown escape" },
		{ "\"\\u12g4\"", "1:2: \\u needs four" },
		{ "\"\\x41\"", "1:2: unknown escape" },
		{ "\"a\tb\"", "1:3: control character 0x09" },
		{ "\"a\nb\"", "1:3: control character 0x0a" },
		{ "\"\xff\"", "1:2: invalid UTF-8" },
		{ "\"\xc0\x80\"", "1:2: invalid UTF-8" },
		{ "\"\xed\xa0\x80\"", "1:2: invalid UTF-8" },
		{ "\"\xf4\x90\x80\x80\"", "1:2: invalid UTF-8" },
		{ "\"\xe2\x82", "1:2: invalid UTF-8" },
		{ "{\"a\":1,\n \"b\":2, \"a\":3}", "2:9: a: duplicate key; the first is at 1:2" },
		{ "{\"x\":[{\"k\":1,\"\\u006b\":1}]}", "1:14: x[0].k: duplicate key" },
		{ "{\"\":1,\"\":1}", "1:7: [\"\"]: duplicate key" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_doc *doc = NULL;
		struct err e = ERR_INIT;

		if (parse(cases[i].text, &doc, &e) != -EINVAL)
			fail_msg("%s was taken", cases[i].text);
		assert_null(doc);
		if (!str_starts(e.text, "f.json:") || !str_starts(e.text + 7, cases[i].error))
			fail_msg("%s: \"%s\"", cases[i].text, e.text);
	}
}

static void test_nul_byte(void **state)
{
	struct json_doc *doc = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(json_parse("f.json", "[1]\0", 4, &doc, &e), -EINVAL);
	assert_string_equal(e.text, "f.json:1:4: NUL byte");
	assert_int_equal(json_parse("f.json", "\"a\0b\"", 5, &doc, &e), -EINVAL);
	assert_string_equal(e.text, "f.json:1:3: NUL byte");
}

/* The text need not end in NUL, and nothing behind it is looked at. */
static void test_no_terminator(void **state)
{
	static const char whole[] = "{\"a\":[1,\"x\\ud83d\\ude00\"]}";

	(void)state;
	for (size_t n = 0; n < strlen(whole); n++) {
		CLEANUP_FREE char *exact = malloc(n + !n);
		struct json_doc *doc = NULL;
		struct err e = ERR_INIT;

		assert_non_null(exact);
		memcpy(exact, whole, n);
		assert_int_equal(json_parse("f.json", exact, n, &doc, &e), -EINVAL);
	}
}

static void test_depth(void **state)
{
	char text[2 * LIMIT_JSON_DEPTH + 3];
	struct json_doc *doc = NULL;
	struct err e = ERR_INIT;

	(void)state;
	memset(text, '[', LIMIT_JSON_DEPTH);
	memset(text + LIMIT_JSON_DEPTH, ']', LIMIT_JSON_DEPTH);
	text[2 * LIMIT_JSON_DEPTH] = '\0';
	assert_int_equal(parse(text, &doc, &e), 0);
	json_doc_free(&doc);
	assert_null(doc);
	memset(text, '[', LIMIT_JSON_DEPTH + 1);
	memset(text + LIMIT_JSON_DEPTH + 1, ']', LIMIT_JSON_DEPTH + 1);
	text[2 * LIMIT_JSON_DEPTH + 2] = '\0';
	assert_int_equal(parse(text, &doc, &e), -EINVAL);
	assert_string_equal(e.text, "f.json:1:33: nested deeper than 32 levels");
}

static void test_sizes(void **state)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_doc *doc = NULL;
	struct err e = ERR_INIT;

	(void)state;
	strbuf_addc(&b, '[');
	for (int i = 0; i < LIMIT_JSON_NODES - 2; i++)
		strbuf_adds(&b, "0,");
	strbuf_adds(&b, "0]");
	assert_int_equal(parse(strbuf_str(&b), &doc, &e), 0);
	assert_int_equal(json_root(doc)->count, LIMIT_JSON_NODES - 1);
	json_doc_free(&doc);
	b.data[b.len - 1] = ',';
	strbuf_adds(&b, "0]");
	assert_int_equal(parse(strbuf_str(&b), &doc, &e), -EINVAL);
	assert_non_null(strstr(e.text, "more than 200000 values"));
	for (size_t i = 0; i < b.len; i++)
		b.data[i] = i == 0 || i == b.len - 1 ? '"' : 'x';
	while (b.len <= LIMIT_JSON_BYTES)
		strbuf_adds(&b, "                                ");
	assert_int_equal(parse(strbuf_str(&b), &doc, &e), -EFBIG);
	b.data[LIMIT_JSON_STRING + 2] = '"';
	memset(b.data + 1, 'x', LIMIT_JSON_STRING + 1);
	assert_int_equal(json_parse("f.json", b.data, LIMIT_JSON_STRING + 3, &doc, &e), -EINVAL);
	assert_non_null(strstr(e.text, "longer than"));
	b.data[LIMIT_JSON_STRING + 1] = '"';
	assert_int_equal(json_parse("f.json", b.data, LIMIT_JSON_STRING + 2, &doc, &e), 0);
	assert_int_equal(json_root(doc)->len, LIMIT_JSON_STRING);
	json_doc_free(&doc);
}

/* A hundred thousand keys in one object: sorted, not compared in pairs. */
static void test_many_keys(void **state)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_doc *doc = NULL;
	struct err e = ERR_INIT;

	(void)state;
	strbuf_addc(&b, '{');
	for (int i = 0; i < 100000; i++)
		strbuf_addf(&b, "\"k%d\":0,", i * 7919 % 100000);
	strbuf_adds(&b, "\"k5\":0}");
	assert_int_equal(parse(strbuf_str(&b), &doc, &e), -EINVAL);
	assert_non_null(strstr(e.text, "k5: duplicate key"));
}

static void test_errors(void **state)
{
	static const char text[] = "{ \"resources\": {\n  \"memory\": { \"max\": 5 } },\n"
				   "  \"mounts\": [ {}, { \"a.b\": 1 } ] }";
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct err e = ERR_INIT;
	const struct json *max, *odd;

	(void)state;
	assert_int_equal(parse(text, &doc, &e), 0);
	max = json_get(json_get(json_get(json_root(doc), "resources"), "memory"), "max");
	odd = json_get(json_get(json_root(doc), "mounts")->first->next, "a.b");
	assert_int_equal(json_err(doc, max, &e, ERANGE, "%d is too small", 5), -ERANGE);
	assert_string_equal(e.text, "f.json:2:22: resources.memory.max: 5 is too small");
	assert_int_equal(json_err_key(doc, max, &e, EINVAL, "unknown"), -EINVAL);
	assert_string_equal(e.text, "f.json:2:15: resources.memory.max: unknown");
	(void)json_err(doc, odd, &e, EINVAL, "x");
	assert_string_equal(e.text, "f.json:3:28: mounts[1][\"a.b\"]: x");
	(void)json_err_key(doc, json_root(doc), &e, EINVAL, "x");
	assert_string_equal(e.text, "f.json:1:1: x");
}

/* A stranger's key doesn't push the reason out of the message, nor is it cut inside a character. */
static void test_long_key(void **state)
{
	char key[2001], text[2100], expected[200];

	(void)state;
	for (size_t offset = 0; offset < 2; offset++) {
		CLEANUP_JSON struct json_doc *doc = NULL;
		struct err e = ERR_INIT;

		memset(key, 'k', sizeof(key) - 1);
		key[2000] = '\0';
		memcpy(key + 79 - offset, "\xc3\xa4", 2);
		assert_true(str_format(text, sizeof(text), "{\"%s\":1}", key) > 0);
		assert_int_equal(json_parse("f", text, strlen(text), &doc, &e), 0);
		assert_int_equal(json_err_key(doc, json_root(doc)->first, &e, EINVAL, "why"),
				 -EINVAL);
		assert_true(str_format(expected, sizeof(expected), "f:1:2: [\"%.*s...\"]: why",
				       offset ? 80 : 79, key) > 0);
		assert_string_equal(e.text, expected);
	}
}

static void test_write(void **state)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	(void)state;
	json_out_init(&o, &b, true);
	json_out_object(&o, NULL);
	json_out_str(&o, "s", "a\"\\\n\x01\x7f/" JUTF8_E);
	json_out_strn(&o, "bad", "x\xffy\0z", 5);
	json_out_int(&o, "i", INT64_MIN);
	json_out_u64(&o, "u", UINT64_MAX);
	json_out_milli(&o, "m", 1230);
	json_out_milli(&o, "m", 100000);
	json_out_milli(&o, "m", 5);
	json_out_array(&o, "list");
	json_out_bool(&o, NULL, true);
	json_out_null(&o, NULL);
	json_out_object(&o, NULL);
	json_out_object_end(&o);
	json_out_array_end(&o);
	json_out_array(&o, "empty");
	json_out_array_end(&o);
	json_out_object_end(&o);
	assert_string_equal(strbuf_str(&b), "{\n"
					    "  \"s\": \"a\\\"\\\\\\n\\u0001\\u007f/" JUTF8_E "\",\n"
					    "  \"bad\": \"x\xef\xbf\xbdy\\u0000z\",\n"
					    "  \"i\": -9223372036854775808,\n"
					    "  \"u\": 18446744073709551615,\n"
					    "  \"m\": 1.23,\n"
					    "  \"m\": 100,\n"
					    "  \"m\": 0.005,\n"
					    "  \"list\": [\n"
					    "    true,\n"
					    "    null,\n"
					    "    {}\n"
					    "  ],\n"
					    "  \"empty\": []\n"
					    "}");
}

/* What is written is one line of ASCII orders' free text, and reads back to the same. */
static void test_write_back(void **state)
{
	static const char text[] = "{\"a\":[1,2.50,-0,\"\\u009b\\u202e\\udb40\\udc41\",null,true],"
				   "\"\\\"k\\\"\":{\"x\":\"\\u001b\\b\\f\\r\\t\"}}";
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT, again = STRBUF_INIT;
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct err e = ERR_INIT;
	struct json_out o;

	(void)state;
	assert_int_equal(parse(text, &doc, &e), 0);
	json_out_init(&o, &b, false);
	json_out_node(&o, NULL, json_root(doc));
	assert_string_equal(strbuf_str(&b), text);
	json_doc_free(&doc);
	json_out_init(&o, &again, true);
	assert_int_equal(parse(strbuf_str(&b), &doc, &e), 0);
	json_out_node(&o, NULL, json_root(doc));
	json_doc_free(&doc);
	assert_int_equal(parse(strbuf_str(&again), &doc, &e), 0);
	strbuf_free(&b);
	json_out_init(&o, &b, false);
	json_out_node(&o, NULL, json_root(doc));
	assert_string_equal(strbuf_str(&b), text);
}

/* In a child that may have no more than it has, and SIZE bytes. */
static int parse_with(const char *text, rlim_t size)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct err e = ERR_INIT;
	struct rlimit limit;
	size_t pages;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f || fscanf(f, "%zu", &pages) != 1)
		return 0;
	(void)fclose(f);
	limit.rlim_cur = limit.rlim_max = pages * (size_t)sysconf(_SC_PAGESIZE) + size;
	if (setrlimit(RLIMIT_AS, &limit) < 0)
		return 0;
	return parse(text, &doc, &e);
}

/* yajl looks at no allocation's result. At some size one of its own is the first that fails: a
 * string with escapes is put together in its buffer. */
static void test_no_memory(void **state)
{
	enum { ESCAPES = 400000 };
	char *text = malloc(2 * ESCAPES + 5);
	const char *preload = getenv("LD_PRELOAD");
	bool ended_by_allocator = preload && strstr(preload, "vgpreload");
	unsigned failed = 0, done = 0;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	ended_by_allocator = true;
#endif
	if (ended_by_allocator) {
		free(text);
		skip();
		return;
	}
	assert_non_null(text);
	memcpy(text, "[\"", 2);
	for (size_t i = 0; i < ESCAPES; i++)
		memcpy(text + 2 + 2 * i, "\\n", 2);
	memcpy(text + 2 + 2 * ESCAPES, "\"]", 3);
	for (rlim_t size = 0; size < 4u << 20; size += 64u << 10) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(-parse_with(text, size));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_true(WEXITSTATUS(status) == ENOMEM || WEXITSTATUS(status) == 0);
		failed += WEXITSTATUS(status) == ENOMEM;
		done += WEXITSTATUS(status) == 0;
	}
	assert_true(failed > 0 && done > 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: others leave room in the heap. */
		cmocka_unit_test(test_no_memory),  cmocka_unit_test(test_tree),
		cmocka_unit_test(test_numbers),	   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nul_byte),   cmocka_unit_test(test_no_terminator),
		cmocka_unit_test(test_depth),	   cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_many_keys),  cmocka_unit_test(test_errors),
		cmocka_unit_test(test_long_key),   cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
