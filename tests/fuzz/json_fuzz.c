/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target for the JSON parser. Build and run from the top of the tree:
 *
 *	clang -std=gnu17 -D_GNU_SOURCE -I. -g -O1 -fsanitize=fuzzer,address,undefined \
 *		-o json_fuzz tests/fuzz/json_fuzz.c -lyajl_s && ./json_fuzz -max_total_time=60
 *
 * It includes the code, so that its static functions are instrumented too. Three properties beside
 * "does not crash": what is refused says where, what is taken has positions that point at the
 * value, and what is written from it reads back to the same text.
 */
/* clang-format off: in the order of dependency */
#include "base/err.c"
#include "base/json.c"
#include "base/json_out.c"
#include "base/json_parse.c"
#include "base/num.c"
#include "base/str.c"
#include "base/text.c"
#include "base/utf8.c"
/* clang-format on */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_require(bool holds)
{
	if (!holds)
		abort();
}

/* Offset of a line and column. */
static size_t fuzz_offset(const char *text, size_t n, uint32_t line, uint32_t column)
{
	size_t at = 0;

	for (; line > 1; line--) {
		const char *newline = memchr(text + at, '\n', n - at);

		fuzz_require(newline != NULL);
		at = (size_t)(newline - text) + 1;
	}
	return at + column - 1;
}

/* Each node stands where it says: its first character fits its type. */
static void fuzz_positions(const struct json *node, const char *text, size_t n)
{
	static const char *const first[] = {
		[JSON_NULL] = "n",    [JSON_BOOL] = "tf", [JSON_NUMBER] = "-0123456789",
		[JSON_STRING] = "\"", [JSON_ARRAY] = "[", [JSON_OBJECT] = "{",
	};
	size_t at = fuzz_offset(text, n, node->line, node->column);
	size_t count = 0;

	fuzz_require(at < n && strchr(first[node->type], text[at]));
	if (node->type == JSON_NUMBER)
		fuzz_require(node->len <= n - at && !memcmp(node->text, text + at, node->len));
	if (node->key)
		fuzz_require(text[fuzz_offset(text, n, node->key_line, node->key_column)] == '"');
	if (node->type == JSON_STRING)
		fuzz_require(strlen(node->text) == node->len);
	for (const struct json *m = node->first; m; m = m->next) {
		fuzz_require(m->parent == node && !m->key == (node->type == JSON_ARRAY));
		fuzz_positions(m, text, n);
		count++;
	}
	fuzz_require(count == node->count);
}

static void fuzz_write(const struct json_doc *doc, struct strbuf *b, bool pretty)
{
	struct json_out o;

	json_out_init(&o, b, pretty);
	json_out_node(&o, NULL, json_root(doc));
	for (size_t i = 0; i < b->len; i++)
		fuzz_require((unsigned char)b->data[i] >= 0x20 || (pretty && b->data[i] == '\n'));
}

/* Any bytes as a string, any number: it is a document, and says the same. */
static void fuzz_values(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = strndup((const char *)data, size);
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct err e = ERR_INIT;
	struct json_out o;
	int64_t number = 0;

	fuzz_require(text != NULL);
	memcpy(&number, data, size < sizeof(number) ? size : sizeof(number));
	json_out_init(&o, &b, size % 2);
	json_out_object(&o, NULL);
	json_out_str(&o, "text", text);
	json_out_int(&o, "number", number);
	json_out_array(&o, "list");
	json_out_u64(&o, NULL, (uint64_t)number);
	json_out_milli(&o, NULL, (uint64_t)number);
	json_out_array_end(&o);
	json_out_object_end(&o);
	fuzz_require(json_parse("f", strbuf_str(&b), b.len, &doc, &e) == 0);
	fuzz_require(json_get(json_root(doc), "number")->integer == number);
	fuzz_require(json_get(json_root(doc), "text")->len >= strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_STRBUF struct strbuf pretty = STRBUF_INIT, one = STRBUF_INIT, two = STRBUF_INIT;
	CLEANUP_JSON struct json_doc *doc = NULL;
	const char *text = (const char *)data;
	struct err e = ERR_INIT;

	if (size <= 4096)
		fuzz_values(data, size);
	if (json_parse("f", text, size, &doc, &e) < 0) {
		fuzz_require(doc == NULL && e.code > 0 && str_starts(e.text, "f:"));
		return 0;
	}
	fuzz_require(e.code == 0);
	fuzz_positions(json_root(doc), text, size);
	fuzz_write(doc, &pretty, true);
	fuzz_write(doc, &one, false);
	json_doc_free(&doc);
	fuzz_require(json_parse("f", strbuf_str(&pretty), pretty.len, &doc, &e) == 0);
	fuzz_write(doc, &two, false);
	fuzz_require(str_eq(strbuf_str(&one), strbuf_str(&two)));
	return 0;
}
