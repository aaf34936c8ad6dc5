/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths inside trees that somebody else wrote: everything ends inside, or in an error. */
#include "base_tmpdir.h"

#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/path.h"

/* root/ is the jail's tree; canary/ stands beside it and must stay as it is. */
struct tree {
	int root, canary;
};

static struct tree tree_make(const struct tmpdir *t)
{
	struct tree tr;

	assert_int_equal(mkdirat(t->fd, "root", 0755), 0);
	assert_int_equal(mkdirat(t->fd, "canary", 0755), 0);
	tr.root = openat(t->fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tr.canary = openat(t->fd, "canary", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(tr.root >= 0 && tr.canary >= 0);
	tmpdir_put(tr.canary, "file", "alive");
	return tr;
}

static void tree_drop(struct tree *tr)
{
	fd_reset(&tr->root);
	fd_reset(&tr->canary);
}

static void link_at(int dir, const char *target, const char *name)
{
	assert_int_equal(symlinkat(target, dir, name), 0);
}

static void assert_same(int fd, int dir, const char *name)
{
	struct stat a, b;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &a), 0);
	assert_int_equal(fstatat(dir, name, &b, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(a.st_dev == b.st_dev && a.st_ino == b.st_ino);
	(void)close(fd);
}

static void test_in_root(void **state)
{
	const struct tmpdir *t = *state;
	struct tree tr = tree_make(t);
	char up[PATH_MAX];

	assert_int_equal(mkdirat(tr.root, "etc", 0755), 0);
	tmpdir_put(tr.root, "etc/f", "inside");
	link_at(tr.root, "/etc/f", "abs");
	link_at(tr.root, "../../../../etc/f", "up");
	(void)str_format(up, sizeof(up), "../../..%s/canary/file", t->path);
	link_at(tr.root, up, "out");
	link_at(tr.root, "/proc/self/root/etc", "magic");
	link_at(tr.root, "loop", "loop");
	assert_same(path_open_in_root(tr.root, "/etc/f", O_PATH, 0), tr.root, "etc/f");
	assert_same(path_open_in_root(tr.root, "abs", O_RDONLY, 0), tr.root, "etc/f");
	assert_same(path_open_in_root(tr.root, "up", O_RDONLY, 0), tr.root, "etc/f");
	assert_same(path_open_in_root(tr.root, "../../etc/f", O_RDONLY, 0), tr.root, "etc/f");
	assert_same(path_open_in_root(tr.root, "/", O_PATH, 0), t->fd, "root");
	assert_int_equal(path_open_in_root(tr.root, "out", O_RDONLY, 0), -ENOENT);
	assert_int_equal(path_open_in_root(tr.root, "loop", O_RDONLY, 0), -ELOOP);
	assert_int_equal(path_open_in_root_nolink(tr.root, "abs", O_RDONLY, 0), -ELOOP);
	assert_int_equal(path_open_in_root_nolink(tr.root, "etc/../abs", O_RDONLY, 0), -ELOOP);
	assert_same(path_open_in_root_nolink(tr.root, "etc/f", O_RDONLY, 0), tr.root, "etc/f");
	assert_same(path_open_in_root(tr.root, "new", O_WRONLY | O_CREAT | O_EXCL, 0600), tr.root,
		    "new");
	tree_drop(&tr);
}

/* Row 2: a magic link is never followed, not even by our own /proc. */
static void test_magic(void **state)
{
	CLEANUP_FD int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(path_open_in_root(proc, "self/root/etc", O_PATH, 0), -ELOOP);
	assert_int_equal(path_open_in_root(proc, "self/fd/0", O_PATH, 0), -ELOOP);
	assert_int_equal(path_open_in_root(proc, "self/cwd", O_RDONLY, 0), -ELOOP);
}

static void test_beneath(void **state)
{
	const struct tmpdir *t = *state;
	struct tree tr = tree_make(t);

	link_at(tr.root, "../canary", "out");
	link_at(tr.root, "d", "in");
	assert_int_equal(mkdirat(tr.root, "d", 0755), 0);
	assert_int_equal(path_open_beneath(tr.root, "../canary", O_PATH, 0), -EXDEV);
	assert_int_equal(path_open_beneath(tr.root, "d/../../canary", O_PATH, 0), -EXDEV);
	assert_int_equal(path_open_beneath(tr.root, "/etc", O_PATH, 0), -EXDEV);
	assert_int_equal(path_open_beneath(tr.root, "out/file", O_PATH, 0), -ELOOP);
	assert_int_equal(path_open_beneath(tr.root, "in", O_RDONLY, 0), -ELOOP);
	assert_same(path_open_beneath(tr.root, "d", O_RDONLY, 0), tr.root, "d");
	tree_drop(&tr);
}

static void test_make(void **state)
{
	const struct tmpdir *t = *state;
	struct tree tr = tree_make(t);
	struct err e = ERR_INIT;
	struct stat st;

	assert_same(path_make_in_root(tr.root, "/a/b/c", true, 0755, &e), tr.root, "a/b/c");
	assert_same(path_make_in_root(tr.root, "/a/b/c", true, 0755, &e), tr.root, "a/b/c");
	assert_same(path_make_in_root(tr.root, "a//b/./f", false, 0644, &e), tr.root, "a/b/f");
	assert_int_equal(fstatat(tr.root, "a/b/f", &st, 0), 0);
	assert_true(S_ISREG(st.st_mode) && st.st_size == 0);
	assert_int_equal(path_make_in_root(tr.root, "a/b", false, 0644, &e), -EISDIR);
	assert_int_equal(path_make_in_root(tr.root, "a/b/f", true, 0644, &e), -ENOTDIR);
	assert_int_equal(path_make_in_root(tr.root, "a/b/f/g", true, 0644, &e), -ENOTDIR);
	assert_int_equal(path_make_in_root(tr.root, "none/../x", true, 0755, &e), -ENOENT);
	assert_same(path_make_in_root(tr.root, "/", true, 0755, &e), t->fd, "root");
	assert_same(path_make_in_root(tr.root, "/../../a", true, 0755, &e), tr.root, "a");
	/* A device or FIFO is a fine mount point, and is not opened to find out. */
	assert_int_equal(mkfifoat(tr.root, "fifo", 0600), 0);
	assert_same(path_make_in_root(tr.root, "fifo", false, 0644, &e), tr.root, "fifo");
	tree_drop(&tr);
}

static void test_make_links(void **state)
{
	const struct tmpdir *t = *state;
	struct tree tr = tree_make(t);
	struct err e = ERR_INIT;
	char out[PATH_MAX];

	assert_int_equal(mkdirat(tr.root, "etc", 0755), 0);
	assert_int_equal(mkdirat(tr.root, "run", 0755), 0);
	link_at(tr.root, "run", "var-run");
	link_at(tr.root, "../run/stub/resolv.conf", "etc/resolv.conf");
	link_at(tr.root, "/run/next", "etc/abs");
	link_at(tr.root, "loop2", "loop1");
	link_at(tr.root, "loop1", "loop2");
	(void)str_format(out, sizeof(out), "%s/canary/made", t->path);
	link_at(tr.root, out, "out");
	(void)str_format(out, sizeof(out), "../../../../../../..%s/canary", t->path);
	link_at(tr.root, out, "outdir");
	assert_same(path_make_in_root(tr.root, "var-run/x", true, 0755, &e), tr.root, "run/x");
	/* As in Debian's images: the link's target is made, inside. */
	assert_same(path_make_in_root(tr.root, "/etc/resolv.conf", false, 0644, &e), tr.root,
		    "run/stub/resolv.conf");
	assert_same(path_make_in_root(tr.root, "/etc/abs/d", true, 0755, &e), tr.root,
		    "run/next/d");
	assert_int_equal(path_make_in_root(tr.root, "loop1", true, 0755, &e), -ELOOP);
	assert_int_equal(path_make_in_root(tr.root, "loop1/x", true, 0755, &e), -ELOOP);
	fd_reset(&(int){ path_make_in_root(tr.root, "out", true, 0755, &e) });
	fd_reset(&(int){ path_make_in_root(tr.root, "outdir/new", true, 0755, &e) });
	assert_false(tmpdir_exists(tr.canary, "made"));
	assert_false(tmpdir_exists(tr.canary, "new"));
	tree_drop(&tr);
}

/* Swaps a directory with a link to the outside as fast as it can (rows 20, 22). */
static void swap_child(int dir)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		(void)renameat2(dir, "vol", dir, "evil", RENAME_EXCHANGE);
}

/* What a naive twin does: looks, then makes by path. It must lose, or the race proves nothing. */
static void naive_make(const char *root, const char *path)
{
	char whole[PATH_MAX];

	(void)str_format(whole, sizeof(whole), "%s/%s", root, path);
	(void)mkdir(whole, 0755);
}

static void test_make_race(void **state)
{
	const struct tmpdir *t = *state;
	struct tree tr = tree_make(t);
	char root[PATH_MAX], out[PATH_MAX];
	int made = 0, escaped = 0, status;
	pid_t pid;

	(void)str_format(root, sizeof(root), "%s/root", t->path);
	(void)str_format(out, sizeof(out), "../../../../../../..%s/canary", t->path);
	assert_int_equal(mkdirat(tr.root, "vol", 0755), 0);
	link_at(tr.root, out, "evil");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		swap_child(tr.root);
	for (int i = 0; i < 2000; i++) {
		struct err e = ERR_INIT;
		char path[64];
		int fd;

		(void)str_format(path, sizeof(path), "vol/new%d/f", i);
		fd = path_make_in_root(tr.root, path, i % 2 != 0, 0644, &e);
		made += fd >= 0;
		fd_reset(&fd);
		(void)str_format(path, sizeof(path), "new%d", i);
		assert_false(tmpdir_exists(tr.canary, path));
		(void)str_format(path, sizeof(path), "vol/naive%d", i);
		naive_make(root, path);
		escaped += tmpdir_exists(tr.canary, path + strlen("vol/"));
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(made > 0);
	assert_true(escaped > 0);
	tree_drop(&tr);
}

/* Puts a link to the outside where a directory is about to be made, and takes it away again. */
static void plant_child(int dir, const char *target)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		(void)!symlinkat(target, dir, "x");
		(void)unlinkat(dir, "x", 0);
	}
}

/* The moment between "it is not there" and "it is made" (row 22). */
static void test_make_plant(void **state)
{
	const struct tmpdir *t = *state;
	struct tree tr = tree_make(t);
	char out[PATH_MAX];
	int made = 0, refused = 0, status;
	pid_t pid;

	(void)str_format(out, sizeof(out), "%s/canary", t->path);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		plant_child(tr.root, out);
	for (int i = 0; i < 5000; i++) {
		struct err e = ERR_INIT;
		int fd = path_make_in_root(tr.root, "x/f", i % 2 != 0, 0755, &e);

		made += fd >= 0;
		refused += fd == -ELOOP || fd == -ENOTDIR;
		fd_reset(&fd);
		if (tmpdir_exists(tr.canary, "f"))
			fail_msg("escaped in round %d", i);
		assert_int_equal(path_remove_tree(tr.root, "x", &e), 0);
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	print_message("    made %d, refused %d\n", made, refused);
	assert_true(made > 0);
	tree_drop(&tr);
}

static void test_clean(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "/", "/" },
		{ "//", "/" },
		{ "/a", "/a" },
		{ "/a/", "/a" },
		{ "//a//b//", "/a/b" },
		{ "/./a/./b/.", "/a/b" },
		{ "/a/../b", "/b" },
		{ "/..", "/" },
		{ "/../../a", "/a" },
		{ "/a/b/../../..", "/" },
		{ "/a/b/../c/..", "/a" },
		{ "/...", "/..." },
		{ "/.a/..b", "/.a/..b" },
		{ "/a/..", "/" },
		{ "a", NULL },
		{ "", NULL },
		{ "./a", NULL },
	};
	char out[64], big[PATH_MAX + 10];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = path_clean(cases[i].in, out, sizeof(out));

		assert_int_equal(r, cases[i].out ? 0 : -EINVAL);
		if (r == 0)
			assert_string_equal(out, cases[i].out);
	}
	assert_int_equal(path_clean("/abcd", out, 5), -EINVAL);
	assert_int_equal(path_clean("/abc", out, 5), 0);
	memset(big, 'a', sizeof(big));
	big[0] = '/';
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(path_clean(big, big, sizeof(big)), -EINVAL);
}

static void test_state_dir(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	char path[PATH_MAX];
	struct stat st;
	int fd;
	mode_t old = umask(0);

	(void)str_format(path, sizeof(path), "%s/x/y//z/", t->path);
	fd = path_make_state_dir(path, &e);
	assert_same(fd, t->fd, "x/y/z");
	assert_int_equal(fstatat(t->fd, "x/y", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	/* Others may write to a parent; others may look into the last. */
	assert_int_equal(fchmodat(t->fd, "x/y", 0720, 0), 0);
	assert_int_equal(path_make_state_dir(path, &e), -EPERM);
	assert_non_null(strstr(e.text, "/x/y: mode 0720 lets other users in"));
	assert_true(str_starts(e.hint, "chmod go-w /tmp/"));
	assert_int_equal(fchmodat(t->fd, "x/y", 0755, 0), 0);
	assert_int_equal(fchmodat(t->fd, "x/y/z", 0710, 0), 0);
	assert_int_equal(path_make_state_dir(path, &e), -EPERM);
	assert_non_null(strstr(e.text, "/x/y/z: mode 0710"));
	link_at(t->fd, "x", "link");
	(void)str_format(path, sizeof(path), "%s/link/y", t->path);
	assert_int_equal(path_make_state_dir(path, &e), -ELOOP);
	assert_int_equal(path_make_state_dir("relative", &e), -EINVAL);
	assert_int_equal(path_make_state_dir("/", &e), -EINVAL);
	assert_int_equal(path_make_state_dir("/tmp", &e), -EPERM);
	(void)umask(old);
}

static void test_dir_at(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	struct stat st;
	mode_t old = umask(077);

	assert_same(path_make_dir_at(t->fd, "d", 0711, &e), t->fd, "d");
	assert_int_equal(fstatat(t->fd, "d", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_same(path_make_dir_at(t->fd, "d", 0700, &e), t->fd, "d");
	link_at(t->fd, "d", "link");
	assert_true(path_make_dir_at(t->fd, "link", 0700, &e) < 0);
	tmpdir_put(t->fd, "f", "");
	assert_int_equal(path_make_dir_at(t->fd, "f", 0700, &e), -ENOTDIR);
	assert_int_equal(path_make_dir_at(t->fd, "a/b", 0700, &e), -EINVAL);
	assert_int_equal(path_make_dir_at(t->fd, "..", 0700, &e), -EINVAL);
	assert_int_equal(path_make_dir_at(t->fd, "", 0700, &e), -EINVAL);
	(void)umask(old);
}

static void test_remove(void **state)
{
	const struct tmpdir *t = *state;
	struct tree tr = tree_make(t);
	struct err e = ERR_INIT;

	assert_int_equal(mkdirat(tr.root, "d", 0755), 0);
	for (int i = 0; i < 300; i++) {
		char name[32];

		(void)str_format(name, sizeof(name), "d/sub%d", i);
		assert_int_equal(mkdirat(tr.root, name, 0755), 0);
		(void)str_format(name, sizeof(name), "d/sub%d/f", i);
		tmpdir_put(tr.root, name, "x");
	}
	link_at(tr.root, "../../canary", "d/link");
	assert_int_equal(mkfifoat(tr.root, "d/fifo", 0600), 0);
	assert_int_equal(path_remove_tree(t->fd, "root", &e), 0);
	assert_false(tmpdir_exists(t->fd, "root"));
	assert_true(tmpdir_exists(tr.canary, "file"));
	assert_int_equal(path_remove_tree(t->fd, "root", &e), 0); /* missing is fine */
	link_at(t->fd, "canary", "link");
	assert_int_equal(path_remove_tree(t->fd, "link", &e), 0); /* the link, not its target */
	assert_true(tmpdir_exists(tr.canary, "file"));
	tmpdir_put(t->fd, "f", "");
	assert_int_equal(path_remove_tree(t->fd, "f", &e), 0);
	assert_false(tmpdir_exists(t->fd, "f"));
	assert_int_equal(path_remove_tree(t->fd, "..", &e), -EINVAL);
	assert_int_equal(path_remove_tree(t->fd, "canary/file", &e), -EINVAL);
	tree_drop(&tr);
}

/* Deeper than any path, with names that the walk itself would use, and few descriptors. */
static void test_remove_deep(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	int dir;

	assert_int_equal(mkdirat(t->fd, "deep", 0755), 0);
	dir = openat(t->fd, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tmpdir_put(dir, ".deep-1", "in the way");
	for (int i = 0; i < 3000; i++) {
		int next;

		assert_int_equal(mkdirat(dir, "d", 0755), 0);
		assert_int_equal(mkdirat(dir, ".deep-0", 0755), 0);
		tmpdir_put(dir, "f", "");
		next = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		(void)close(dir);
		dir = next;
	}
	(void)close(dir);
	assert_int_equal(path_remove_tree(t->fd, "deep", &e), 0);
	assert_false(tmpdir_exists(t->fd, "deep"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TMPDIR_TEST(test_in_root),    cmocka_unit_test(test_magic),
		TMPDIR_TEST(test_beneath),    TMPDIR_TEST(test_make),
		TMPDIR_TEST(test_make_links), TMPDIR_TEST(test_make_race),
		TMPDIR_TEST(test_make_plant), cmocka_unit_test(test_clean),
		TMPDIR_TEST(test_state_dir),  TMPDIR_TEST(test_dir_at),
		TMPDIR_TEST(test_remove),     TMPDIR_TEST(test_remove_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
