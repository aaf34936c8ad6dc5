/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile identifiers (row 43): what is taken, and that nothing else is. */
#include "base_tmpdir.h"

#include "base/ident.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define H16 "0123456789abcdef"
#define H64 H16 H16 H16 H16

static void test_names_good(void **state)
{
	static const char *const good[] = { "a",   "0",	   "web",  "web-1",  "a.b",
					    "a_b", "a--b", "a.-b", A60 "aaa" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct err e = ERR_INIT;
		struct jail_name n;

		assert_int_equal(name_parse("instance", good[i], &n, &e), 0);
		assert_string_equal(n.s, good[i]);
		assert_int_equal(e.code, 0);
	}
}

static void test_names_bad(void **state)
{
	static const char *const bad[] = {
		"",	   ".",	       "..",	  "a/b",   "/",	       "a/../../x",
		"-x",	   "--help",   "x-",	  "a.",	   "a_",       "_a",
		".hidden", "a..b",     "A",	  "Web",   "a\nb",     "a\n",
		"%n",	   "a%2fb",    "\x1b[2J", "a b",   " a",       "a ",
		"a\tb",	   "a\\b",     "a:b",	  "a@b",   "a*",       "a;b",
		"$(x)",	   "\xc3\xa9", "a\xff",	  "a\x7f", A60 "aaaa", A60 A60 A60 A60 A60,
		"a,b",	   "a=b",      "a'b",	  "a\"b",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err e = ERR_INIT;
		struct jail_name n = { .s = "before" };

		if (name_parse("instance", bad[i], &n, &e) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_string_equal(n.s, "before");
		assert_true(str_starts(e.text, "instance name \""));
	}
}

static void test_name_message(void **state)
{
	struct err e = ERR_INIT;
	struct jail_name n;

	(void)state;
	(void)name_parse("network", "a/b", &n, &e);
	assert_string_equal(e.text, "network name \"a/b\": character '/' is not allowed (a-z, 0-9, "
				    "and '_', '.', '-' inside)");
	(void)name_parse("network", "a\nb", &n, &e);
	assert_non_null(strstr(e.text, "character 0x0a"));
}

static void test_digest(void **state)
{
	static const char *const bad[] = {
		"",
		"sha256:",
		H64,
		"sha256:" H16,
		"sha256:" H64 "0",
		"sha512:" H64,
		"SHA256:" H64,
		"sha256:0123456789ABCDEF" H16 H16 H16,
		"sha256:../../../../../../../../../../../../../../../../../../../../etc/pa",
		"sha256:" H16 H16 H16 "0123456789abcde\n",
		" sha256:" H64,
		"sha256:" H64 "\n",
	};
	struct digest d = { .hex = "before" };
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (digest_parse(bad[i], &d, &e) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_string_equal(d.hex, "before");
	}
	assert_int_equal(digest_parse("sha256:" H64, &d, &e), 0);
	assert_string_equal(d.hex, H64);
}

static void test_image_good(void **state)
{
	static const struct {
		const char *text, *full, *file;
	} good[] = {
		{ "debian", "debian:latest", "debian%3alatest" },
		{ "debian:12", "debian:12", "debian%3a12" },
		{ "lib/deb-ian_x:V1.2-a", "lib/deb-ian_x:V1.2-a", "lib%2fdeb-ian_x%3aV1.2-a" },
		{ "a:_x", "a:_x", "a%3a_x" },
		{ "a__b--c.d/e", "a__b--c.d/e:latest", "a__b--c.d%2fe%3alatest" },
		{ "localhost:5000/app", "localhost:5000/app:latest",
		  "localhost%3a5000%2fapp%3alatest" },
		{ "localhost:5000/app:1", "localhost:5000/app:1", "localhost%3a5000%2fapp%3a1" },
		{ "Reg-1.Example:65535/a/b:1", "Reg-1.Example:65535/a/b:1",
		  "Reg-1.Example%3a65535%2fa%2fb%3a1" },
		{ "[::1]:5000/a:1", "[::1]:5000/a:1", "%5b%3a%3a1%5d%3a5000%2fa%3a1" },
		{ "[fe80::A]/a", "[fe80::A]/a:latest", "%5bfe80%3a%3aA%5d%2fa%3alatest" },
		{ "a@sha256:" H64, "a@sha256:" H64, "a%40sha256%3a" H64 },
		{ "h:1/a:T@sha512:" H64 H64, "h:1/a:T@sha512:" H64 H64,
		  "h%3a1%2fa%3aT%40sha512%3a" H64 H64 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct err e = ERR_INIT;
		struct image_ref ref, back;
		struct image_file file;

		assert_int_equal(image_ref_parse(good[i].text, &ref, &e), 0);
		assert_string_equal(ref.s, good[i].full);
		image_ref_to_file(&ref, &file);
		assert_string_equal(file.s, good[i].file);
		assert_int_equal(image_ref_from_file(file.s, &back, &e), 0);
		assert_string_equal(back.s, ref.s);
	}
}

static void test_image_bad(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		":12",
		"debian:",
		"Debian",
		"a//b",
		"/a",
		"a/",
		"a/./b",
		"a/../b",
		"../a",
		"-a",
		"a-",
		"a___b",
		"a..b",
		"a.-b",
		"A",
		"A:1",
		"host:/a",
		"host:0/a",
		"host:65536/a",
		"host:5000000000000/a",
		"host:5x/a",
		"-host:1/a",
		"host-:1/a",
		"a..b:1/a",
		"[::1]",
		"[]/a",
		"[::1/a",
		"[::1]5000/a",
		"[::g]/a",
		"x[::1]/a",
		"a/[::1]/b",
		"a/b:1/c",
		"a/B/c",
		"a@",
		"@sha256:" H64,
		"a@sha256:" A60,
		"a@sha256:" H64 "0",
		"a@sha512:" H64,
		"a@md5:" H64,
		"a@sha256:" H64 "@sha256:" H64,
		"a@sha256:" H64 ":1",
		"a:@sha256:" H64,
		"a:.x",
		"a:-x",
		"a:b:c",
		"host:5000:1",
		"a:b/c",
		"a b",
		"a:b c",
		"a\n",
		"a%2fb",
		"a:" A60 A60 "aaaaaaaaa",
		A60 A60 A60 A60 A60,
		"\xc3\xa9",
		"--help",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err e = ERR_INIT;
		struct image_ref ref = { .s = "before" };

		if (image_ref_parse(bad[i], &ref, &e) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_string_equal(ref.s, "before");
	}
}

/* A file name that is not exactly what image_ref_to_file() writes is not one of ours. */
static void test_image_file_bad(void **state)
{
	static const char *const bad[] = {
		"debian",	"debian:12",	  "a/b%3a1",
		"debian%3A12",	"a%2Fb%3alatest", "..",
		"a%3a1.tmp%3a", ".a%3a1.tmp",	  A60 A60 A60 A60 A60 "%3a1"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err e = ERR_INIT;
		struct image_ref ref = { .s = "before" };

		if (image_ref_from_file(bad[i], &ref, &e) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_string_equal(ref.s, "before");
	}
}

static void test_longest_image(void **state)
{
	char text[LIMIT_IMAGE_REF_LEN + 2];
	struct err e = ERR_INIT;
	struct image_ref ref;
	struct image_file file;

	(void)state;
	/* "a/a/.../a:t": the longest file name for its length. */
	for (size_t i = 0; i < LIMIT_IMAGE_REF_LEN; i++)
		text[i] = i % 2 ? '/' : 'a';
	text[LIMIT_IMAGE_REF_LEN - 2] = ':';
	text[LIMIT_IMAGE_REF_LEN - 1] = 't';
	text[LIMIT_IMAGE_REF_LEN] = '\0';
	assert_int_equal(image_ref_parse(text, &ref, &e), 0);
	image_ref_to_file(&ref, &file);
	assert_int_equal(image_ref_from_file(file.s, &ref, &e), 0);
	assert_string_equal(ref.s, text);
}

static void test_nearest(void **state)
{
	static const char *const words[] = { "memory", "network", "mounts", "cpu" };

	(void)state;
	assert_int_equal(ident_nearest("memroy", words, 4), 0);
	assert_int_equal(ident_nearest("Network", words, 4), 1);
	assert_int_equal(ident_nearest("mount", words, 4), 2);
	assert_int_equal(ident_nearest("cp", words, 4), 3);
	assert_int_equal(ident_nearest("cpus", words, 4), 3);
	assert_int_equal(ident_nearest("xyzzy", words, 4), -1);
	assert_int_equal(ident_nearest("", words, 4), -1);
	assert_int_equal(ident_nearest("memory", words, 0), -1);
	assert_int_equal(ident_nearest(A60 A60, words, 4), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_good),     cmocka_unit_test(test_names_bad),
		cmocka_unit_test(test_name_message),   cmocka_unit_test(test_digest),
		cmocka_unit_test(test_image_good),     cmocka_unit_test(test_image_bad),
		cmocka_unit_test(test_image_file_bad), cmocka_unit_test(test_longest_image),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
