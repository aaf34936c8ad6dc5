/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The importer's policy for names and attributes, by table (rows 33, 37 to 40). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "images/entry.h"

static const struct entry_limits limits = { .max_name = ENTRY_NAME_MAX,
					    .max_depth = ENTRY_DEPTH_MAX };

static void join(const struct entry_name *name, char *out, size_t n)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < name->n; i++) {
		int w = str_format(out + len, n - len, "%s%s", i ? "/" : "",
				   entry_component(name, i));

		assert_true(w >= 0);
		len += (size_t)w;
	}
}

static void names_that_are_taken(void **state)
{
	static const struct {
		const char *text, *components;
		size_t n;
	} cases[] = {
		{ "a", "a", 1 },
		{ "a/b", "a/b", 2 },
		{ "a/b/", "a/b", 2 },
		{ "./a", "a", 1 },
		{ "./", "", 0 },
		{ ".", "", 0 },
		{ "./.", "", 0 },
		{ "a//b", "a/b", 2 },
		{ "a/./b/.", "a/b", 2 },
		{ "...", "...", 1 },
		{ "..a", "..a", 1 },
		{ "a..", "a..", 1 },
		{ ".wh", ".wh", 1 },
		{ "a.wh.b", "a.wh.b", 1 },
		{ "-rf", "-rf", 1 },
		{ "a\nb\033[2J", "a\nb\033[2J", 1 },
		{ "\xff\xfe", "\xff\xfe", 1 },
		{ "C:f", "C:f", 1 },
		{ "a\\..\\b", "a\\..\\b", 1 },
	};
	char joined[ENTRY_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct entry_name name;
		struct err e = ERR_INIT;

		assert_int_equal(
			entry_name_parse(cases[i].text, strlen(cases[i].text), &limits, &name, &e),
			0);
		assert_int_equal(e.code, 0);
		assert_int_equal(name.n, cases[i].n);
		join(&name, joined, sizeof(joined));
		assert_string_equal(joined, cases[i].components);
	}
}

static void names_that_are_refused(void **state)
{
	static const struct {
		const char *text;
		size_t n; /* 0 = strlen */
		int code;
		const char *why;
	} cases[] = {
		{ "", 0, EINVAL, "empty" },	     { "/", 0, EPERM, "absolute" },
		{ "/a", 0, EPERM, "absolute" },	     { "//a", 0, EPERM, "absolute" },
		{ "/.", 0, EPERM, "absolute" },	     { "..", 0, EPERM, "\"..\"" },
		{ "../a", 0, EPERM, "\"..\"" },	     { "a/..", 0, EPERM, "\"..\"" },
		{ "a/../b", 0, EPERM, "\"..\"" },    { "a/../../b", 0, EPERM, "\"..\"" },
		{ "./../a", 0, EPERM, "\"..\"" },    { "a/b/../../../c", 0, EPERM, "\"..\"" },
		{ ".wh.", 0, EPERM, "whiteout" },    { ".wh..", 0, EPERM, "whiteout" },
		{ ".wh...", 0, EPERM, "whiteout" },  { "a/.wh.b", 0, EPERM, "whiteout" },
		{ ".wh.a/b", 0, EPERM, "whiteout" }, { ".wh..wh..opq", 0, EPERM, "whiteout" },
		{ "a\0b", 3, EPERM, "NUL" },	     { "a\0", 2, EPERM, "NUL" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t n = cases[i].n ? cases[i].n : strlen(cases[i].text);
		struct entry_name name;
		struct err e = ERR_INIT;

		assert_int_equal(entry_name_parse(cases[i].text, n, &limits, &name, &e),
				 -cases[i].code);
		assert_int_equal(e.code, cases[i].code);
		assert_non_null(strstr(e.text, cases[i].why));
	}
}

static void limits_are_exact(void **state)
{
	char text[2 * ENTRY_NAME_MAX];
	struct entry_name name;
	struct err e = ERR_INIT;
	struct entry_limits small = { .max_name = 10, .max_depth = 3 };

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(entry_name_parse(text, 255, &limits, &name, &e), 0);
	assert_int_equal(strlen(entry_component(&name, 0)), 255);
	assert_int_equal(entry_name_parse(text, 256, &limits, &name, &e), -ENAMETOOLONG);

	/* 512 components of 7 bytes and their slashes: both limits at once. */
	for (size_t i = 7; i < sizeof(text); i += 8)
		text[i] = '/';
	assert_int_equal(entry_name_parse(text, ENTRY_NAME_MAX, &limits, &name, &e), 0);
	assert_int_equal(name.n, ENTRY_DEPTH_MAX);
	assert_string_equal(entry_component(&name, ENTRY_DEPTH_MAX - 1), "xxxxxxx");
	assert_int_equal(entry_name_parse(text, ENTRY_NAME_MAX + 1, &limits, &name, &e), -E2BIG);
	assert_non_null(strstr(e.text, "maxName"));

	assert_int_equal(entry_name_parse("a/b/c", 5, &small, &name, &e), 0);
	assert_int_equal(entry_name_parse("a/b/c/", 6, &small, &name, &e), 0);
	assert_int_equal(entry_name_parse("a/b/c/d", 7, &small, &name, &e), -E2BIG);
	assert_non_null(strstr(e.text, "maxDepth"));
	assert_int_equal(entry_name_parse("aaaaaaaaaa", 10, &small, &name, &e), 0);
	assert_int_equal(entry_name_parse("aaaaaaaaaaa", 11, &small, &name, &e), -E2BIG);

	/* Elsewhere than in an image. */
	small.whiteouts_are_names = true;
	assert_int_equal(entry_name_parse("d/.wh.x", 7, &small, &name, &e), 0);
	assert_string_equal(entry_component(&name, 1), ".wh.x");
	assert_int_equal(entry_name_parse("../.wh.x", 8, &small, &name, &e), -EPERM);
}

#define CAP2 "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static void attributes(void **state)
{
	static const struct {
		const char *name;
		const char *value;
		size_t n;
		enum entry_xattr policy;
	} cases[] = {
		{ "user.a", "x", 1, ENTRY_XATTR_SET },
		{ "user.", "x", 1, ENTRY_XATTR_DROP },
		{ "user", "x", 1, ENTRY_XATTR_DROP },
		{ "userx.a", "x", 1, ENTRY_XATTR_DROP },
		{ "user.overlay.opaque", "y", 1, ENTRY_XATTR_SET },
		{ "system.posix_acl_access", "x", 1, ENTRY_XATTR_SET },
		{ "system.posix_acl_default", "x", 1, ENTRY_XATTR_SET_LATE },
		{ "system.posix_acl_accessx", "x", 1, ENTRY_XATTR_DROP },
		{ "system.nfs4_acl", "x", 1, ENTRY_XATTR_DROP },
		{ "trusted.overlay.opaque", "y", 1, ENTRY_XATTR_DROP },
		{ "trusted.overlay.redirect", "/x", 2, ENTRY_XATTR_DROP },
		{ "trusted.a", "x", 1, ENTRY_XATTR_DROP },
		{ "security.selinux", "x", 1, ENTRY_XATTR_DROP },
		{ "security.ima", "x", 1, ENTRY_XATTR_DROP },
		{ "security.evm", "x", 1, ENTRY_XATTR_DROP },
		{ "security.apparmor", "x", 1, ENTRY_XATTR_DROP },
		{ "", "x", 1, ENTRY_XATTR_DROP },
		{ "security.capability", CAP2, 20, ENTRY_XATTR_SET },
		{ "security.capability", CAP2, 19, ENTRY_XATTR_DROP },
		{ "security.capability", CAP2 "\0", 21, ENTRY_XATTR_DROP },
		{ "security.capability", "", 0, ENTRY_XATTR_DROP },
		/* version 1, an unknown version, an unknown flag */
		{ "security.capability", "\x01\0\0\x01\0\x04\0\0\0\0\0\0", 12, ENTRY_XATTR_DROP },
		{ "security.capability", "\x01\0\0\x09\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20,
		  ENTRY_XATTR_DROP },
		{ "security.capability", "\x03\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20,
		  ENTRY_XATTR_DROP },
		/* version 3: root 0 becomes version 2, any other goes; sizes of one with the other
		 */
		{ "security.capability", "\x01\0\0\x03\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
		  24, ENTRY_XATTR_SET },
		{ "security.capability",
		  "\x01\0\0\x03\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xe8\x03\0\0", 24,
		  ENTRY_XATTR_DROP },
		{ "security.capability", "\x01\0\0\x03\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20,
		  ENTRY_XATTR_DROP },
		{ "security.capability", "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
		  24, ENTRY_XATTR_DROP },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t cap[ENTRY_CAPABILITY_MAX];
		const void *value = cases[i].value;
		size_t n = cases[i].n;

		if (entry_xattr_policy(cases[i].name, &value, &n, cap) != cases[i].policy)
			fail_msg("%zu: %s, %zu bytes", i, cases[i].name, cases[i].n);
		if (cases[i].policy == ENTRY_XATTR_SET &&
		    str_eq(cases[i].name, "security.capability")) {
			assert_int_equal(n, 20);
			assert_memory_equal(value, CAP2, 20);
		}
	}
}

static void attribute_sizes(void **state)
{
	static char big[ENTRY_XATTR_VALUE_MAX + 1];
	char name[300];
	uint8_t cap[ENTRY_CAPABILITY_MAX];
	const void *value = big;
	size_t n = ENTRY_XATTR_VALUE_MAX;

	(void)state;
	assert_int_equal(entry_xattr_policy("user.a", &value, &n, cap), ENTRY_XATTR_SET);
	n++;
	assert_int_equal(entry_xattr_policy("user.a", &value, &n, cap), ENTRY_XATTR_DROP);
	n = 1;
	memset(name, 'x', sizeof(name));
	memcpy(name, "user.", 5);
	name[255] = '\0';
	assert_int_equal(entry_xattr_policy(name, &value, &n, cap), ENTRY_XATTR_SET);
	name[255] = 'x';
	name[256] = '\0';
	assert_int_equal(entry_xattr_policy(name, &value, &n, cap), ENTRY_XATTR_DROP);
}

/* Row 38: what a whiteout is about is a name like any other, and a whiteout has no members. */
static void members_of_layers(void **state)
{
	static const struct {
		const char *text;
		int result;
		const char *components;
	} cases[] = {
		{ "a/b", ENTRY_PLAIN, "a/b" },
		{ "./", ENTRY_PLAIN, "" },
		{ "a.wh.b", ENTRY_PLAIN, "a.wh.b" },
		{ ".wh", ENTRY_PLAIN, ".wh" },
		{ ".wh.f", ENTRY_WHITEOUT, "f" },
		{ "./d/.wh.f", ENTRY_WHITEOUT, "d/f" },
		{ "d/.wh.f/", ENTRY_WHITEOUT, "d/f" },
		{ "d/.wh....", ENTRY_WHITEOUT, "d/..." },
		{ "d/.wh.wh.f", ENTRY_WHITEOUT, "d/wh.f" },
		{ ".wh..f", ENTRY_WHITEOUT, ".f" },
		{ ".wh..wh", ENTRY_WHITEOUT, ".wh" },
		{ "d/.wh..wh..opq", ENTRY_OPAQUE, "d" },
		{ ".wh..wh..opq", ENTRY_OPAQUE, "" },
		{ ".wh..wh.plnk", ENTRY_IGNORED, NULL },
		{ ".wh..wh.plnk/1.2", ENTRY_IGNORED, NULL },
		{ ".wh..wh.aufs", ENTRY_IGNORED, NULL },
		{ "d/.wh..wh.", ENTRY_IGNORED, NULL },
		{ ".wh..wh..opq/f", ENTRY_IGNORED, NULL },
		{ ".wh..", -EPERM, "not the name of a file" },
		{ ".wh...", -EPERM, "not the name of a file" },
		{ "a/.wh...", -EPERM, "not the name of a file" },
		{ ".wh.", -EPERM, "not the name of a file" },
		{ ".wh./x", -EPERM, "has members" },
		{ "d/.wh.f/x", -EPERM, "has members" },
		{ ".wh..wh.plnk/../x", -EPERM, "\"..\"" },
		{ "/.wh.f", -EPERM, "absolute" },
		{ "../.wh.f", -EPERM, "\"..\"" },
		{ "", -EINVAL, "empty" },
	};
	char joined[ENTRY_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct entry_name name;
		struct err e = ERR_INIT;

		assert_int_equal(
			entry_layer_parse(cases[i].text, strlen(cases[i].text), &limits, &name, &e),
			cases[i].result);
		assert_int_equal(e.code, cases[i].result < 0 ? -cases[i].result : 0);
		if (cases[i].result < 0) {
			assert_non_null(strstr(e.text, cases[i].components));
			continue;
		}
		join(&name, joined, sizeof(joined));
		if (cases[i].components)
			assert_string_equal(joined, cases[i].components);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_are_taken), cmocka_unit_test(names_that_are_refused),
		cmocka_unit_test(limits_are_exact),	cmocka_unit_test(attributes),
		cmocka_unit_test(attribute_sizes),	cmocka_unit_test(members_of_layers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
