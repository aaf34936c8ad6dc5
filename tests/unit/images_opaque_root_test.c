/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What jail-unpack may ask its parent for: directories of its tree are marked, and nothing else is,
 * whatever it says and has put there. Needs root: trusted attributes. */
#include <sys/xattr.h>

#include "images/import_priv.h"
#include "tests/unit/base_tmpdir.h"

static void note(struct opaque_list *l, const char *name)
{
	struct unpack_opaque said = { .name = "" };
	struct err e = ERR_INIT;

	(void)snprintf(said.name, sizeof(said.name), "%s", name);
	assert_int_equal(opaque_note(l, &said, &e), 0);
}

static int made(int dir, const char *name)
{
	int fd;

	assert_int_equal(mkdirat(dir, name, 0755), 0);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static bool is_marked(int dir, const char *name)
{
	CLEANUP_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char value = 0;

	assert_true(fd >= 0);
	return fgetxattr(fd, STORE_OPAQUE_XATTR, &value, 1) == 1 && value == 'y';
}

static void test_beneath_only(void **state)
{
	struct tmpdir *t = *state;
	CLEANUP_FD int tree = made(t->fd, "tree"), out = made(t->fd, "out");
	struct opaque_list l = { .names = STRBUF_INIT };
	struct err e = ERR_INIT;

	(void)close(made(out, "sub"));
	(void)close(made(tree, "d"));
	(void)close(made(tree, "other"));
	assert_int_equal(symlinkat("../out", tree, "link"), 0);
	assert_int_equal(symlinkat("other", tree, "inner"), 0);
	tmpdir_put(tree, "file", "x");
	assert_int_equal(opaque_apply(&l, tree, &e), 0);
	note(&l, "link");
	note(&l, "link/sub");
	note(&l, "inner");
	note(&l, "file");
	note(&l, "file/x");
	note(&l, "gone");
	assert_int_equal(opaque_apply(&l, tree, &e), 0);
	note(&l, "d");
	note(&l, "");
	assert_int_equal(opaque_apply(&l, tree, &e), 1);
	assert_true(is_marked(tree, "d"));
	assert_true(is_marked(tree, "."));
	assert_false(is_marked(tree, "other"));
	assert_false(is_marked(tree, "file"));
	/* Out of the tree: an error, and no mark. */
	opaque_free(&l);
	note(&l, "../out");
	assert_int_equal(opaque_apply(&l, tree, &e), -EXDEV);
	opaque_free(&l);
	note(&l, "/");
	assert_int_equal(opaque_apply(&l, tree, &e), -EXDEV);
	opaque_free(&l);
	assert_false(is_marked(out, "."));
	assert_false(is_marked(out, "sub"));
	assert_false(is_marked(t->fd, "."));
}

static void test_bounds(void **state)
{
	struct opaque_list l = { .names = STRBUF_INIT };
	struct unpack_opaque said;
	struct err e = ERR_INIT;
	int r = 0;

	(void)state;
	memset(&said, 'a', sizeof(said));
	assert_int_equal(opaque_note(&l, &said, &e), -EPROTO);
	assert_int_equal(l.names.len, 0);
	said.name[sizeof(said.name) - 1] = '\0';
	e = ERR_INIT;
	for (size_t i = 0; r == 0 && i <= OPAQUE_BYTES_MAX / sizeof(said.name); i++)
		r = opaque_note(&l, &said, &e);
	assert_int_equal(r, -E2BIG);
	assert_true(l.names.len <= OPAQUE_BYTES_MAX);
	opaque_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_beneath_only, tmpdir_make, tmpdir_drop),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
