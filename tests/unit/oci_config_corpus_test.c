/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The corpus of tests/spec/oci through the decoder of config.json. good: what engines and runtimes
 * wrote, and every field once; accepted. bad: refused with the message that `expect` lists, at a
 * position. What is cut short is refused too, and never crashes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/limits.h"
#include "runtime/oci/config.h"

#define CORPUS "tests/spec/oci/"

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

static void check_good(const char *path, const char *name)
{
	CLEANUP_OCI_CONFIG struct oci_config c = OCI_CONFIG_INIT;
	CLEANUP_FREE char *text = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;

	(void)name;
	read_file(path, &text, &n);
	if (oci_config_parse(path, text, n, "/bundle", &c, &e) < 0)
		fail_msg("%s [%s]", e.text, e.hint);
	assert_int_equal(e.code, 0);
	assert_int_equal(c.text_len, n);
	assert_memory_equal(c.text, text, n);
	assert_int_equal(c.bundle.rootfs[0], '/');
	assert_int_equal(c.bundle.user_ns, -EBADF);
	for (size_t i = 0; i < c.bundle.n_mounts; i++) {
		assert_int_equal(c.bundle.mounts[i].destination[0], '/');
		assert_int_equal(strncmp(c.bundle.mounts[i].key, "mounts[", 7), 0);
	}
}

/* The message that bad/expect has for `name`: "NAME<tab>FRAGMENT". */
static void find_expected(const char *name, char *ret, size_t size)
{
	CLEANUP_FREE char *text = NULL;
	char *rest, *line;
	size_t n = 0, len = strlen(name);

	read_file(CORPUS "bad/expect", &text, &n);
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, name, len) == 0 && line[len] == '\t') {
			assert_true(str_format(ret, size, "%s", line + len + 1) > 0);
			return;
		}
	}
	fail_msg("bad/expect: no line for %s", name);
}

static void check_bad(const char *path, const char *name)
{
	CLEANUP_OCI_CONFIG struct oci_config c = OCI_CONFIG_INIT;
	CLEANUP_FREE char *text = NULL;
	char expected[512], message[ERR_TEXT_MAX + ERR_HINT_MAX + 4];
	struct err e = ERR_INIT;
	size_t n = 0;
	int r;

	read_file(path, &text, &n);
	r = oci_config_parse(name, text, n, "/bundle", &c, &e);
	if (r >= 0)
		fail_msg("%s is accepted", path);
	assert_int_equal(r, -e.code);
	find_expected(name, expected, sizeof(expected));
	(void)str_format(message, sizeof(message), "%s [%s]", e.text, e.hint);
	if (!strstr(message, expected))
		fail_msg("%s: expected \"%s\" in \"%s\"", name, expected, message);
	if (!str_starts(e.text, name) || e.text[strlen(name)] != ':' ||
	    e.text[strlen(name) + 1] < '1' || e.text[strlen(name) + 1] > '9')
		fail_msg("%s: no position in \"%s\"", name, e.text);
}

static void test_good(void **state)
{
	(void)state;
	assert_true(each_file(CORPUS "good", check_good) >= 11);
}

static void test_bad(void **state)
{
	(void)state;
	assert_true(each_file(CORPUS "bad", check_bad) >= 150);
}

static void test_every_beginning(void **state)
{
	CLEANUP_FREE char *text = NULL;
	size_t n = 0;

	(void)state;
	read_file(CORPUS "good/everything.json", &text, &n);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	for (size_t i = 0; i < n; i++) {
		CLEANUP_OCI_CONFIG struct oci_config c = OCI_CONFIG_INIT;
		struct err e = ERR_INIT;

		assert_true(oci_config_parse("cut", text, i, "/bundle", &c, &e) < 0);
		assert_true(e.code > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_every_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
