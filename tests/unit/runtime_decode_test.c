/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of runtime/decode_priv.h: strict ones refuse unknown members and null, open ones pass over
 * both; the handlers whose results are the document's and the arena's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "runtime/decode_priv.h"

struct item {
	const char *name;
	int64_t value;
};

struct thing {
	int first; /* offset 0 is no flag */
	bool has_number;
	int number;
	int64_t large;
	uint16_t small;
	uint64_t whole, flags, word;
	int word_int;
	const char *text, *given, *path;
	const char **texts;
	size_t n_texts;
	struct item *items, *members;
	size_t n_items, n_members;
};

#define THING(member) offsetof(struct thing, member)

static const struct decode_field item_fields[] = {
	{ .key = "name",
	  .decode = decode_ref,
	  .offset = offsetof(struct item, name),
	  .required = true },
	{ .key = "value",
	  .decode = decode_i64,
	  .offset = offsetof(struct item, value),
	  .min = (uint64_t)INT64_MIN,
	  .max = INT64_MAX },
};
static const struct decode_table item_table = { .fields = item_fields,
						.n = ARRAY_SIZE(item_fields) };

static int decode_member(const struct decoder *d, const struct json *node, void *base,
			 struct err *e)
{
	struct item *item = base;

	item->name = node->key;
	return decode_integer(d, node, 0, 9, &item->value, e);
}

static int check_lower(const char *text, struct err *e)
{
	return *text >= 'A' && *text <= 'Z' ? err_set(e, EINVAL, "\"%s\": upper", text) : 0;
}

static const struct decode_name names[] = {
	{ "one", 1 }, { "two", 2 }, { "four", 4 }, { NULL, 0 }
};

static const struct decode_field fields[] = {
	{ .key = "number",
	  .decode = decode_int,
	  .offset = THING(number),
	  .flag = THING(has_number),
	  .min = (uint64_t)-5,
	  .max = 5 },
	{ .key = "large",
	  .decode = decode_i64,
	  .offset = THING(large),
	  .min = (uint64_t)INT64_MIN,
	  .max = INT64_MAX },
	{ .key = "small", .decode = decode_u16, .offset = THING(small), .max = UINT16_MAX },
	{ .key = "whole", .decode = decode_u64_all, .offset = THING(whole) },
	{ .key = "flags", .decode = decode_flags, .offset = THING(flags), .names = names },
	{ .key = "word", .decode = decode_named, .offset = THING(word), .names = names },
	{ .key = "wordInt", .decode = decode_named_int, .offset = THING(word_int), .names = names },
	{ .key = "text",
	  .decode = decode_ref,
	  .offset = THING(text),
	  .max = 5,
	  .check = check_lower },
	{ .key = "given", .decode = decode_ref_given, .offset = THING(given) },
	{ .key = "path", .decode = decode_path, .offset = THING(path) },
	{ .key = "texts",
	  .decode = decode_refs,
	  .offset = THING(texts),
	  .count = THING(n_texts),
	  .check = check_lower,
	  .max = 3 },
	{ .key = "items",
	  .decode = decode_elements,
	  .offset = THING(items),
	  .count = THING(n_items),
	  .size = sizeof(struct item),
	  .table = &item_table,
	  .max = 2 },
	{ .key = "members",
	  .decode = decode_members,
	  .offset = THING(members),
	  .count = THING(n_members),
	  .size = sizeof(struct item),
	  .item = decode_member,
	  .max = 2 },
};
static const struct decode_field required_fields[] = {
	{ .key = "text", .decode = decode_ref, .offset = THING(text), .required = true },
};

static struct json_doc *doc;
static struct arena arena;
static struct thing thing;
static struct err error;

static int decode_by(const char *text, const struct decode_table *table)
{
	struct decoder d = { .file = "f", .arena = &arena, .dir = "/dir" };

	json_doc_free(&doc);
	arena_free(&arena);
	thing = (struct thing){ .first = 0 };
	error = ERR_INIT;
	assert_int_equal(json_parse("f", text, strlen(text), &doc, &error), 0);
	d.doc = doc;
	return decode_object(&d, json_root(doc), &thing, table, &error);
}

static int decode(const char *text)
{
	static const struct decode_table table = { .fields = fields,
						   .n = ARRAY_SIZE(fields),
						   .open = true };

	return decode_by(text, &table);
}

static int free_all(void **state)
{
	(void)state;
	json_doc_free(&doc);
	arena_free(&arena);
	return 0;
}

static void test_open_and_strict(void **state)
{
	static const struct decode_table strict = { .fields = fields, .n = ARRAY_SIZE(fields) };

	(void)state;
	assert_int_equal(decode("{\"unknown\":{\"a\":[null]},\"number\":null,\"items\":null}"), 0);
	assert_false(thing.has_number);
	assert_null(thing.items);
	assert_int_equal(decode_by("{\"number\":1}", &strict), 0);
	assert_true(thing.has_number);
	assert_int_equal(decode_by("{\"numbr\":1}", &strict), -EINVAL);
	assert_string_equal(error.text, "f:1:2: numbr: unknown key");
	assert_string_equal(error.hint, "did you mean \"number\"?");
	assert_int_equal(decode_by("{\"number\":null}", &strict), -EINVAL);
	assert_non_null(strstr(error.text, "expected a number, not null"));
}

static void test_required(void **state)
{
	static const struct decode_table strict = { .fields = required_fields, .n = 1 };
	static const struct decode_table open = { .fields = required_fields, .n = 1, .open = true };

	(void)state;
	assert_int_equal(decode_by("{\"text\":\"a\"}", &open), 0);
	assert_int_equal(decode_by("{}", &open), -EINVAL);
	assert_int_equal(decode_by("{}", &strict), -EINVAL);
	assert_int_equal(decode_by("{\"text\":null}", &open), -EINVAL);
	assert_string_equal(error.text, "f:1:1: \"text\" is missing");
}

static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(decode("{\"number\":-5,\"large\":-9223372036854775808,\"small\":65535,"
				"\"whole\":18446744073709551615}"),
			 0);
	assert_int_equal(thing.number, -5);
	assert_true(thing.large == INT64_MIN);
	assert_int_equal(thing.small, 65535);
	assert_true(thing.whole == UINT64_MAX);
	assert_int_equal(decode("{\"whole\":1e3}"), 0);
	assert_int_equal(thing.whole, 1000);
	assert_int_equal(decode("{\"number\":6}"), -ERANGE);
	assert_int_equal(decode("{\"small\":65536}"), -ERANGE);
	assert_int_equal(decode("{\"whole\":-1}"), -ERANGE);
	assert_int_equal(decode("{\"whole\":18446744073709551616}"), -ERANGE);
	assert_int_equal(decode("{\"whole\":1.5}"), -ERANGE);
	assert_int_equal(decode("{\"whole\":\"1\"}"), -EINVAL);
}

static void test_words(void **state)
{
	(void)state;
	assert_int_equal(
		decode("{\"flags\":[\"one\",\"four\"],\"word\":\"two\",\"wordInt\":\"four\"}"), 0);
	assert_int_equal(thing.flags, 5);
	assert_int_equal(thing.word, 2);
	assert_int_equal(thing.word_int, 4);
	assert_int_equal(decode("{\"flags\":[]}"), 0);
	assert_int_equal(decode("{\"flags\":[\"too\"]}"), -EINVAL);
	assert_string_equal(error.text, "f:1:11: flags[0]: \"too\" is not a known value");
	assert_string_equal(error.hint, "did you mean \"two\"?");
	assert_int_equal(decode("{\"word\":3}"), -EINVAL);
	assert_int_equal(decode("{\"wordInt\":\"\"}"), -EINVAL);
}

static void test_texts(void **state)
{
	(void)state;
	assert_int_equal(decode("{\"text\":\"abcde\",\"given\":\"\",\"path\":\"a/b\","
				"\"texts\":[\"x\",\"\"]}"),
			 0);
	assert_string_equal(thing.text, "abcde");
	assert_null(thing.given);
	assert_string_equal(thing.path, "/dir/a/b");
	assert_int_equal(thing.n_texts, 2);
	assert_string_equal(thing.texts[1], "");
	assert_null(thing.texts[2]);
	assert_int_equal(decode("{\"text\":\"\",\"path\":\"/a\",\"texts\":[]}"), 0);
	assert_string_equal(thing.text, "");
	assert_string_equal(thing.path, "/a");
	assert_null(thing.texts[0]);
	assert_int_equal(decode("{\"text\":\"abcdef\"}"), -ENAMETOOLONG);
	assert_int_equal(decode("{\"path\":\"\"}"), -EINVAL);
	assert_int_equal(decode("{\"text\":\"A\"}"), -EINVAL);
	assert_string_equal(error.text, "f:1:9: text: \"A\": upper");
	assert_int_equal(decode("{\"texts\":[\"a\",\"B\"]}"), -EINVAL);
	assert_string_equal(error.text, "f:1:15: texts[1]: \"B\": upper");
	assert_int_equal(decode("{\"texts\":[\"a\",null]}"), -EINVAL);
	assert_int_equal(decode("{\"texts\":[\"\",\"\",\"\",\"\"]}"), -E2BIG);
}

static void test_lists(void **state)
{
	(void)state;
	assert_int_equal(decode("{\"items\":[{\"name\":\"a\"},{\"name\":\"b\",\"value\":-1}],"
				"\"members\":{\"k\":3}}"),
			 0);
	assert_int_equal(thing.n_items, 2);
	assert_string_equal(thing.items[1].name, "b");
	assert_int_equal(thing.items[1].value, -1);
	assert_int_equal(thing.n_members, 1);
	assert_string_equal(thing.members[0].name, "k");
	assert_int_equal(thing.members[0].value, 3);
	assert_int_equal(decode("{\"items\":[],\"members\":{}}"), 0);
	assert_int_equal(thing.n_items + thing.n_members, 0);
	assert_int_equal(decode("{\"items\":{}}"), -EINVAL);
	assert_int_equal(decode("{\"members\":[]}"), -EINVAL);
	assert_int_equal(decode("{\"items\":[{}]}"), -EINVAL);
	assert_string_equal(error.text, "f:1:11: items[0]: \"name\" is missing");
	assert_int_equal(decode("{\"members\":{\"a\":1,\"b\":2,\"c\":3}}"), -E2BIG);
	/* a list that failed isn't there */
	assert_int_equal(decode("{\"members\":{\"a\":10}}"), -ERANGE);
	assert_int_equal(thing.n_members, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_and_strict), cmocka_unit_test(test_required),
		cmocka_unit_test(test_numbers),		cmocka_unit_test(test_words),
		cmocka_unit_test(test_texts),		cmocka_unit_test(test_lists),
	};

	return cmocka_run_group_tests(tests, NULL, free_all);
}
