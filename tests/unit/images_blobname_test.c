/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the members of an archive of images, by table (rows 33, 43). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "images/blobname.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct entry_limits limits = { .max_name = ENTRY_NAME_MAX,
					    .max_depth = ENTRY_DEPTH_MAX };

static struct entry_name parse(const char *text)
{
	struct entry_name name;
	struct err e = ERR_INIT;

	assert_int_equal(entry_name_parse(text, strlen(text), &limits, &name, &e), 0);
	return name;
}

static void flat_names(void **state)
{
	static const struct {
		const char *text, *flat;
	} cases[] = {
		{ "index.json", "index.json" },
		{ "./index.json", "index.json" },
		{ "blobs/sha256/x", "blobs%2fsha256%2fx" },
		{ "a%2fb", "a%252fb" },
		{ "%", "%25" },
	};
	char max[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct blob_name flat;
		struct err e = ERR_INIT;

		assert_int_equal(blob_name_parse(cases[i].text, &flat, &e), 0);
		assert_string_equal(flat.s, cases[i].flat);
	}
	for (size_t n = 240; n < 256; n++) {
		struct blob_name flat;
		struct err e = ERR_INIT;
		int r;

		memset(max, 'x', n);
		max[n] = '\0';
		r = blob_name_parse(max, &flat, &e);
		assert_true(r == 0 ? str_eq(flat.s, max) : e.code == EINVAL);
	}
}

static void names_that_are_none(void **state)
{
	static const char *const cases[] = { "",     "/etc/passwd", "../x",  "a/../../x",
					     "a/..", "./",	    ".wh.x", "." };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct blob_name flat;
		struct err e = ERR_INIT;

		assert_true(blob_name_parse(cases[i], &flat, &e) < 0);
		assert_true(e.code != 0 && e.text[0] != '\0');
	}
}

static void links(void **state)
{
	static const struct {
		const char *member, *target;
		bool hard;
		const char *flat; /* NULL: refused */
	} cases[] = {
		{ "a/layer.tar", "../b.tar", false, "b.tar" },
		{ "a/layer.tar", "../b/layer.tar", false, "b%2flayer.tar" },
		{ "a/layer.tar", "b.tar", false, "a%2fb.tar" },
		{ "a/layer.tar", "./../b/./c/../d", false, "b%2fd" },
		{ "a/layer.tar", "a/b.tar", true, "a%2fb.tar" },
		{ "a/layer.tar", "../b.tar", true, NULL },
		{ "a/layer.tar", "../../b.tar", false, NULL },
		{ "a/layer.tar", "/etc/passwd", false, NULL },
		{ "a/layer.tar", "/etc/passwd", true, NULL },
		{ "a/layer.tar", "..", false, NULL },
		{ "a/layer.tar", "", false, "a" },
		{ "a", "", false, NULL },
		{ "a", "../a", false, NULL },
		{ "a", "b/../../c", false, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct entry_name member = parse(cases[i].member);
		struct blob_name flat;
		struct err e = ERR_INIT;
		int r = blob_name_link(&member, cases[i].target, cases[i].hard, &flat, &e);

		assert_int_equal(r, cases[i].flat ? 0 : -EPERM);
		if (cases[i].flat)
			assert_string_equal(flat.s, cases[i].flat);
		else
			assert_non_null(strstr(e.text, "out of the archive"));
	}
}

static void first_members(void **state)
{
	static const struct {
		const char *text;
		bool dir;
		enum blob_hint hint;
	} cases[] = {
		{ "manifest.json", false, BLOB_HINT_ARCHIVE },
		{ "index.json", false, BLOB_HINT_ARCHIVE },
		{ "oci-layout", false, BLOB_HINT_ARCHIVE },
		{ "config.json", false, BLOB_HINT_ARCHIVE },
		{ "repositories", false, BLOB_HINT_ARCHIVE },
		{ HEX ".tar", false, BLOB_HINT_ARCHIVE },
		{ HEX ".tar.gz", false, BLOB_HINT_ARCHIVE },
		{ HEX ".json", false, BLOB_HINT_ARCHIVE },
		{ "sha256:" HEX, false, BLOB_HINT_ARCHIVE },
		{ HEX "/layer.tar", false, BLOB_HINT_ARCHIVE },
		{ HEX "/VERSION", false, BLOB_HINT_ARCHIVE },
		{ "blobs/sha256/" HEX, false, BLOB_HINT_ARCHIVE },
		{ "./", true, BLOB_HINT_DIRECTORY },
		{ "blobs", true, BLOB_HINT_DIRECTORY },
		{ "./blobs/sha256/", true, BLOB_HINT_DIRECTORY },
		{ HEX, true, BLOB_HINT_DIRECTORY },
		{ "bin", true, BLOB_HINT_NONE },
		{ "blobs/sha512", true, BLOB_HINT_DIRECTORY },
		{ "blobs/sha512/" HEX HEX, false, BLOB_HINT_ARCHIVE },
		{ "blobs/sha512/" HEX, false, BLOB_HINT_NONE },
		{ "blobs/sha256/" HEX HEX, false, BLOB_HINT_NONE },
		{ "blobs/sha384", true, BLOB_HINT_NONE },
		{ "bin/sh", false, BLOB_HINT_NONE },
		{ "blobs/sha256/file", false, BLOB_HINT_NONE },
		{ "blobs/sha256", false, BLOB_HINT_NONE },
		{ "etc/manifest.json", false, BLOB_HINT_NONE },
		{ "manifest.json", true, BLOB_HINT_NONE },
		{ "x" HEX ".tar", false, BLOB_HINT_NONE },
		{ HEX "/other", false, BLOB_HINT_NONE },
		{ HEX, false, BLOB_HINT_NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct entry_name member = parse(cases[i].text);

		assert_int_equal(blob_name_hint(&member, cases[i].dir), cases[i].hint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flat_names),
		cmocka_unit_test(names_that_are_none),
		cmocka_unit_test(links),
		cmocka_unit_test(first_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
