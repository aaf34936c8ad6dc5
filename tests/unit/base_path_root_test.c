/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removing trees over live mounts (row 23). Needs root; runs in a mount namespace of its own. */
#include "base_tmpdir.h"

#include <limits.h>
#include <sched.h>
#include <sys/mount.h>

#include "base/path.h"

static void bind_at(const struct tmpdir *t, const char *from, const char *to)
{
	char source[PATH_MAX], target[PATH_MAX];

	(void)str_format(source, sizeof(source), "%s/%s", t->path, from);
	(void)str_format(target, sizeof(target), "%s/%s", t->path, to);
	assert_int_equal(mount(source, target, NULL, MS_BIND, NULL), 0);
}

static void unmount_at(const struct tmpdir *t, const char *name)
{
	char target[PATH_MAX];

	(void)str_format(target, sizeof(target), "%s/%s", t->path, name);
	assert_int_equal(umount2(target, 0), 0);
}

static void make_dirs(const struct tmpdir *t)
{
	static const char *const dirs[] = { "canary", "tree", "tree/a", "tree/a/data", "tree/z" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		assert_int_equal(mkdirat(t->fd, dirs[i], 0755), 0);
	tmpdir_put(t->fd, "canary/file", "alive");
	tmpdir_put(t->fd, "tree/a/file", "x");
}

/* A bind mount inside, of the same file system: st_dev would not tell. */
static void test_mount_inside(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;

	make_dirs(t);
	bind_at(t, "canary", "tree/a/data");
	assert_int_equal(path_remove_tree(t->fd, "tree", &e), -EBUSY);
	assert_string_equal(e.text, "remove tree: something is mounted in it");
	assert_true(e.hint[0] != '\0');
	assert_true(tmpdir_exists(t->fd, "canary/file"));
	unmount_at(t, "tree/a/data");
	assert_int_equal(path_remove_tree(t->fd, "tree", &e), 0);
	assert_true(tmpdir_exists(t->fd, "canary/file"));
}

static void test_mount_on_top(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;

	make_dirs(t);
	bind_at(t, "canary", "tree");
	assert_int_equal(path_remove_tree(t->fd, "tree", &e), -EBUSY);
	assert_true(tmpdir_exists(t->fd, "canary/file"));
	unmount_at(t, "tree");
}

static void test_mount_on_file(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;

	make_dirs(t);
	bind_at(t, "canary/file", "tree/a/file");
	assert_int_equal(path_remove_tree(t->fd, "tree", &e), -EBUSY);
	assert_true(tmpdir_exists(t->fd, "canary/file"));
	unmount_at(t, "tree/a/file");
}

/* A state directory that another user owns, or that another user made in /tmp first (row 84). */
static void test_foreign_owner(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	char path[PATH_MAX];

	assert_int_equal(mkdirat(t->fd, "theirs", 0700), 0);
	assert_int_equal(fchownat(t->fd, "theirs", 65534, 65534, 0), 0);
	(void)str_format(path, sizeof(path), "%s/theirs", t->path);
	assert_int_equal(path_make_state_dir(path, &e), -EPERM);
	assert_non_null(strstr(e.text, "owned by uid 65534"));
	(void)str_format(path, sizeof(path), "%s/theirs/sub", t->path);
	assert_int_equal(path_make_state_dir(path, &e), -EPERM);
	assert_false(tmpdir_exists(t->fd, "theirs/sub"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TMPDIR_TEST(test_mount_inside),
		TMPDIR_TEST(test_mount_on_top),
		TMPDIR_TEST(test_mount_on_file),
		TMPDIR_TEST(test_foreign_owner),
	};

	if (geteuid() != 0 || unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		print_message("needs root and namespaces\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
