/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The corpus of tests/spec through the decoder. good: decodes, finishes where the manifest does not
 * say otherwise, and reads back as it was printed. bad: refused by the decoder with the message
 * that `expect` lists. semantic: decodes (the schema accepts it), but decoding exactly or finishing
 * refuses it.
 *
 * With --verdicts this program is the decoder for tests/spec/validate.py: it reads "LENGTH\n" and
 * so many bytes again and again, and answers each with a line, "ok" or "bad MESSAGE [HINT]".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/num.h"
#include "runtime/spec.h"
#include "tests/unit/spec_equal.h"

#define CORPUS "tests/spec/"

static void read_file(const char *path, char **ret, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fd_read_all(fd, LIMIT_JSON_BYTES, ret, ret_len) < 0)
		fail_msg("%s: cannot be read; run the test at the top of the tree", path);
	(void)close(fd);
}

static int json_files_only(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 5 && str_eq(d->d_name + n - 5, ".json");
}

/* Calls fn for each file in order of name. Return: how many. */
static int each_file(const char *dir, void (*fn)(const char *path, const char *name))
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, json_files_only, alphasort);
	char path[512];

	for (int i = 0; i < n; i++) {
		assert_true(str_format(path, sizeof(path), "%s/%s", dir, entries[i]->d_name) > 0);
		fn(path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return n;
}

static void print(const struct jail_spec *s, bool pretty, struct strbuf *b)
{
	struct json_out o;
	struct err e = ERR_INIT;

	json_out_init(&o, b, pretty);
	spec_to_json(s, &o, NULL);
	assert_int_equal(strbuf_ok(b, &e), 0);
}

static void assert_round_trip(const struct jail_spec *s, bool finished, const char *path)
{
	for (int pretty = 0; pretty < 2; pretty++) {
		CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
		CLEANUP_SPEC struct jail_spec again;
		struct err e = ERR_INIT;
		const char *differs;

		spec_init(&again);
		print(s, pretty != 0, &b);
		if (spec_decode("printed", b.data, b.len, &again, &e) < 0)
			fail_msg("%s: %s: %s", path, e.text, b.data);
		if (finished && spec_finish(&again, &e) < 0)
			fail_msg("%s: %s: %s", path, e.text, b.data);
		differs = spec_differ(s, &again);
		if (differs)
			fail_msg("%s: %s differs: %s", path, differs, b.data);
	}
}

static void check_good(const char *path, const char *name)
{
	CLEANUP_SPEC struct jail_spec s;
	CLEANUP_FREE char *text = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;

	(void)name;
	spec_init(&s);
	read_file(path, &text, &n);
	if (spec_decode(path, text, n, &s, &e) < 0)
		fail_msg("%s", e.text);
	assert_round_trip(&s, false, path);
	/* The files are about the decoder: some leave the root to the command line. */
	if (!s.has_image && !s.rootfs) {
		assert_int_equal(image_ref_parse("debian:12", &s.image, &e), 0);
		s.has_image = true;
	}
	if (spec_finish(&s, &e) < 0)
		fail_msg("%s: %s", path, e.text);
	assert_round_trip(&s, true, path);
	/* Twice is once. */
	assert_int_equal(spec_finish(&s, &e), 0);
}

/* The message that DIR/expect has for `name`: "NAME<tab>FRAGMENT". */
static void find_expected(const char *dir, const char *name, char *ret, size_t size)
{
	CLEANUP_FREE char *text = NULL;
	char path[512], *rest, *line;
	size_t n = 0, len = strlen(name);

	assert_true(str_format(path, sizeof(path), "%s/expect", dir) > 0);
	read_file(path, &text, &n);
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, name, len) == 0 && line[len] == '\t') {
			assert_true(str_format(ret, size, "%s", line + len + 1) > 0);
			return;
		}
	}
	fail_msg("%s: no line for %s", path, name);
}

static void assert_message(const struct err *e, const char *dir, const char *name, bool position)
{
	char expected[512], text[ERR_TEXT_MAX + ERR_HINT_MAX + 4];

	find_expected(dir, name, expected, sizeof(expected));
	(void)str_format(text, sizeof(text), "%s [%s]", e->text, e->hint);
	if (!strstr(text, expected))
		fail_msg("%s: expected \"%s\" in \"%s\"", name, expected, text);
	assert_true(e->code > 0);
	/* "not supported yet" is what EOPNOTSUPP means here, and nothing else. */
	assert_int_equal(e->code == EOPNOTSUPP, strstr(e->text, "not supported yet") != NULL);
	if (position && (!str_starts(e->text, name) || e->text[strlen(name)] != ':'))
		fail_msg("%s: no position in \"%s\"", name, e->text);
}

static void check_bad(const char *path, const char *name)
{
	struct jail_spec s, untouched;
	CLEANUP_FREE char *text = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;
	int r;

	spec_init(&untouched);
	memset(&s, 0x5a, sizeof(s));
	memset(&untouched, 0x5a, sizeof(untouched));
	read_file(path, &text, &n);
	r = spec_decode(name, text, n, &s, &e);
	if (r >= 0)
		fail_msg("%s is accepted", path);
	assert_int_equal(r, -e.code);
	assert_memory_equal(&s, &untouched, sizeof(s));
	assert_message(&e, CORPUS "bad", name, true);
}

static void check_semantic(const char *path, const char *name)
{
	CLEANUP_SPEC struct jail_spec s;
	CLEANUP_FREE char *text = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;
	bool decoded;

	spec_init(&s);
	read_file(path, &text, &n);
	decoded = spec_decode(name, text, n, &s, &e) >= 0;
	if (decoded && spec_finish(&s, &e) >= 0)
		fail_msg("%s is accepted", path);
	assert_message(&e, CORPUS "semantic", name, !decoded);
}

static void test_good(void **state)
{
	(void)state;
	assert_true(each_file(CORPUS "good", check_good) >= 60);
}

static void test_bad(void **state)
{
	(void)state;
	assert_true(each_file(CORPUS "bad", check_bad) >= 120);
}

static void test_semantic(void **state)
{
	(void)state;
	assert_true(each_file(CORPUS "semantic", check_semantic) >= 25);
}

static void answer(const char *text, size_t n)
{
	CLEANUP_SPEC struct jail_spec s;
	struct err e = ERR_INIT;

	spec_init(&s);
	if (spec_decode("spec", text, n, &s, &e) >= 0) {
		(void)puts("ok");
		return;
	}
	for (char *p = e.text; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = '?';
	(void)printf("bad %s [%s]\n", e.text, e.hint);
}

static int verdicts(void)
{
	char line[32];

	while (fgets(line, sizeof(line), stdin)) {
		CLEANUP_FREE char *text = NULL;
		struct err e = ERR_INIT;
		uint64_t n = 0;

		line[strcspn(line, "\n")] = '\0';
		if (num_parse_u64(line, 0, 2 * LIMIT_JSON_BYTES, &n, &e) < 0)
			return 2;
		text = malloc(n + 1);
		if (!text || fread(text, 1, n, stdin) != n)
			return 2;
		text[n] = '\0';
		answer(text, n);
		(void)fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_semantic),
	};

	if (argc == 2 && str_eq(argv[1], "--verdicts"))
		return verdicts();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
