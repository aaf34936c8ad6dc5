/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile root file systems of OCI containers (rows 14 to 22): each place that is mounted on or
 * written to is in turn a link to a canary on the host, a file, a FIFO, ... A container then starts
 * with its mounts inside its root, or does not start with an error that names the place; the canary
 * is never touched. Static, and while a directory and a link are swapped.
 */
#include <dirent.h>
#include <sys/sysmacros.h>

#include "tests/unit/namespaces_bundle_fixture.h"

enum kind { ABSOLUTE, DOTDOT, FILE_, FIFO, DANGLING, MAGIC, TO_PROC, TO_ROOT, KINDS };
static const char *const kind_names[KINDS] = { "absolute link", "../.. link",	 "file",
					       "FIFO",		"dangling link", "magic link",
					       "link to /proc", "link to /" };
static const char *const canary_names[] = { ".", "ptmx", "pts", "null", "cgroup" };
static struct stat canary_before[ARRAY_SIZE(canary_names)];
static char canary[128];

static void canary_make(void)
{
	int fd;

	fixture_mkdir(fx.dir_fd, "canary", 0777);
	fd = fixture_open_dir(fx.dir_fd, "canary");
	fixture_write(fd, "ptmx", "canary\n", 0666);
	fixture_write(fd, "null", "canary\n", 0666);
	fixture_mkdir(fd, "pts", 0777);
	fixture_mkdir(fd, "cgroup", 0777);
	for (size_t i = 0; i < ARRAY_SIZE(canary_names); i++)
		assert_int_equal(fstatat(fd, canary_names[i], &canary_before[i], 0), 0);
	(void)close(fd);
	(void)str_format(canary, sizeof(canary), "%s/canary", fx.dir);
}

static void canary_ok(void)
{
	int fd = fixture_open_dir(fx.dir_fd, "canary");
	size_t n = 0;
	DIR *d;

	for (size_t i = 0; i < ARRAY_SIZE(canary_names); i++) {
		struct stat st;

		assert_int_equal(fstatat(fd, canary_names[i], &st, AT_SYMLINK_NOFOLLOW), 0);
		assert_int_equal(st.st_mtim.tv_nsec, canary_before[i].st_mtim.tv_nsec);
		assert_int_equal(st.st_ctim.tv_nsec, canary_before[i].st_ctim.tv_nsec);
		assert_int_equal(st.st_nlink, canary_before[i].st_nlink);
	}
	d = fdopendir(fd);
	assert_non_null(d);
	while (readdir(d))
		n++;
	assert_int_equal(n, 2 + ARRAY_SIZE(canary_names) - 1);
	(void)closedir(d);
}

/* Puts it in the root's place, which is empty. */
static void hostile_make(const char *place, enum kind kind)
{
	char target[256];

	switch (kind) {
	case ABSOLUTE:
	case DOTDOT:
		(void)str_format(target, sizeof(target), "%s%s",
				 kind == DOTDOT ? "../../../../.." : "", canary);
		assert_int_equal(symlinkat(target, fx.layer_fd, place), 0);
		return;
	case FILE_:
		fixture_write(fx.layer_fd, place, "x", 0644);
		return;
	case FIFO:
		assert_int_equal(mkfifoat(fx.layer_fd, place, 0644), 0);
		return;
	case DANGLING:
		assert_int_equal(symlinkat("/no/such/thing", fx.layer_fd, place), 0);
		return;
	case MAGIC:
		assert_int_equal(symlinkat("/proc/self/fd/9", fx.layer_fd, place), 0);
		return;
	case TO_PROC:
		assert_int_equal(symlinkat("/proc/sys", fx.layer_fd, place), 0);
		return;
	case TO_ROOT:
		assert_int_equal(symlinkat("/", fx.layer_fd, place), 0);
		return;
	case KINDS:
		break;
	}
	fail();
}

static void root_clear(void)
{
	/* the last two: what links led to inside the root */
	static const char *const names[] = { "dev", "proc", "sys", "v", "tmp", "no" };
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(path_remove_tree(fx.layer_fd, names[i], &e), 0);
}

static void hostile_run(const char *place, enum kind kind, bool user)
{
	bool strict = str_eq(place, "proc") || str_eq(place, "sys");
	bool must_fail = strict || kind == FILE_ || kind == FIFO || kind == MAGIC ||
			 kind == TO_PROC || kind == TO_ROOT;
	int r;

	root_clear();
	hostile_make(place, kind);
	rig_reset(user);
	rig.b.terminal = true;
	r = rig_run("stat -f -c %T /proc /sys | sort -u | grep -c -v -e proc -e sysfs -e UNKNOWN;"
		    "stat -c '%F %t:%T' /dev/null /dev/console; test -d /proc/self");
	if (must_fail) {
		if (r >= 0)
			print_error("/%s as %s: started: %s\n", place, kind_names[kind], fx.out);
		assert_true(r < 0);
		assert_non_null(strstr(fx.error.text, place));
	} else {
		if (r != 0)
			print_error("/%s as %s: %s\n", place, kind_names[kind], fx.error.text);
		assert_int_equal(r, 0);
		assert_string_equal(fx.out, "0\ncharacter special file 1:3\n"
					    "character special file 88:0\n");
	}
	canary_ok();
}

/* /proc and /sys as anything but a directory are refused; another place leads somewhere inside. */
static void test_places(void **state)
{
	static const char *const places[] = { "proc", "sys", "dev" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		for (enum kind k = ABSOLUTE; k < KINDS; k++) {
			for (size_t u = 0; u < ARRAY_SIZE(users); u++)
				hostile_run(places[i], k, users[u]);
		}
	}
	root_clear();
}

/* Without a mount on /dev it is the root's own that nodes are made in (row 19). */
static void test_dev_of_the_root(void **state)
{
	static const char *const names[] = { "null", "console", "ptmx", "stdin" };

	(void)state;
	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		for (size_t u = 0; u < 2 * ARRAY_SIZE(users); u++) {
			char target[256];
			int r, dev;

			root_clear();
			rig_reset(users[u / 2]);
			fixture_mkdir(fx.layer_fd, "dev", 0755);
			dev = fixture_open_dir(fx.layer_fd, "dev");
			assert_int_equal(fchown(dev, rig.map.outside, rig.map.outside), 0);
			(void)str_format(target, sizeof(target), "%s%s/%s",
					 u & 1 ? "../../../../.." : "", canary, names[n]);
			assert_int_equal(symlinkat(target, dev, names[n]), 0);
			(void)close(dev);
			rig.b.n_mounts = 1; /* /proc */
			rig.b.masked = (const char *const[]){ "/proc/timer_list" };
			rig.b.n_masked = 1;
			r = rig_run("cat /proc/timer_list; readlink /dev/ptmx; echo x > /dev/null");
			if (r == 0)
				assert_string_equal(fx.out, "pts/ptmx\n");
			else
				assert_true(r < 0 && strstr(fx.error.text, "/dev/null"));
			canary_ok();
		}
	}
	root_clear();
}

/* The whole of /dev is a link to the host's directory. */
static void test_dev_link_without_mount(void **state)
{
	(void)state;
	for (enum kind k = ABSOLUTE; k < KINDS; k++) {
		for (size_t u = 0; u < ARRAY_SIZE(users); u++) {
			root_clear();
			hostile_make("dev", k);
			rig_reset(users[u]);
			rig.b.n_mounts = 1;
			(void)rig_run("true");
			canary_ok();
		}
	}
	root_clear();
}

/* Where a bind may go, and that nothing of the kernel's is covered by any way. */
static void test_bind_targets(void **state)
{
	static const struct {
		const char *destination;
		int want;
	} cases[] = {
		{ "/v/to-canary/x", 0 },   { "/v/to-proc", -EPERM }, { "/v/to-proc/sys", -EPERM },
		{ "/v/to-self", -EPERM },  { "/v/to-root", -EPERM }, { "/proc", -EPERM },
		{ "/proc/sys", -EPERM },   { "/proc/self", -EPERM }, { "/proc/self/attr", -EPERM },
		{ "/proc/acpi", -EPERM },  { "/process", 0 },	     { "/dev/new/dir", 0 },
		{ "/v/to-magic", -ELOOP }, { "/v/dangling", 0 },
	};
	int v;

	(void)state;
	root_clear();
	fixture_mkdir(fx.layer_fd, "v", 0777);
	v = fixture_open_dir(fx.layer_fd, "v");
	assert_int_equal(symlinkat(canary, v, "to-canary"), 0);
	assert_int_equal(symlinkat("/proc", v, "to-proc"), 0);
	assert_int_equal(symlinkat("/proc/self", v, "to-self"), 0);
	assert_int_equal(symlinkat("/", v, "to-root"), 0);
	assert_int_equal(symlinkat("/proc/self/fd/5", v, "to-magic"), 0);
	assert_int_equal(symlinkat("../../../no/such/dir", v, "dangling"), 0);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		struct bundle_mount m = { .key = "mounts[7]",
					  .kind = BUNDLE_BIND,
					  .source = canary,
					  .destination = cases[i / 2].destination,
					  .attr_set = MOUNT_ATTR_RDONLY };
		char script[256];
		int r;

		rig_reset(i & 1);
		rig_add(&m, 1);
		(void)str_format(script, sizeof(script), "cat %s/ptmx", cases[i / 2].destination);
		r = rig_run(script);
		if (r != cases[i / 2].want)
			print_error("%s: %d %s %s\n", cases[i / 2].destination, r, fx.error.text,
				    fx.out);
		assert_int_equal(r, cases[i / 2].want);
		if (r == 0)
			assert_string_equal(fx.out, "canary\n");
		else
			assert_non_null(strstr(fx.error.text, cases[i / 2].destination));
		canary_ok();
	}
	(void)close(v);
	root_clear();
	assert_int_equal(unlinkat(fx.layer_fd, "process", AT_REMOVEDIR), 0);
}

/* The files that lxcfs stands in for, and a procfs in place of a new one. */
static void test_proc_binds(void **state)
{
	struct bundle_mount file = { .key = "mounts[7]",
				     .kind = BUNDLE_BIND,
				     .destination = "/proc/cpuinfo" };
	struct bundle_mount proc = { .key = "mounts[7]",
				     .kind = BUNDLE_BIND,
				     .source = "/proc",
				     .destination = "/proc",
				     .recursive = true };
	char source[160];

	(void)state;
	(void)str_format(source, sizeof(source), "%s/ptmx", canary);
	file.source = source;
	for (size_t u = 0; u < ARRAY_SIZE(users); u++) {
		rig_reset(users[u]);
		rig_add(&file, 1);
		assert_string_equal(rig_output("cat /proc/cpuinfo"), "canary\n");
		rig_reset(users[u]);
		rig_add(&proc, 1);
		rig.b.n_masked = rig.b.n_read_only_paths = 0;
		assert_string_equal(rig_output("grep -c ' /proc .* proc ' /proc/1/mountinfo"
					       " >/dev/null; echo ok"),
				    "ok\n");
		proc.source = "/proc/sys";
		rig_reset(users[u]);
		rig_add(&proc, 1);
		assert_int_equal(rig_run("true"), -EPERM);
		proc.source = "/proc";
	}
}

/* A mask goes where its name leads, inside the root; one that leads nowhere needs none. */
static void test_masks(void **state)
{
	static const char *const masked[] = { "/v/link", "/v/up", "/v/none", "/v/loop" };
	int v;

	(void)state;
	root_clear();
	fixture_mkdir(fx.layer_fd, "v", 0777);
	v = fixture_open_dir(fx.layer_fd, "v");
	fixture_write(v, "secret", "secret\n", 0644);
	assert_int_equal(symlinkat("secret", v, "link"), 0);
	assert_int_equal(symlinkat(canary, v, "up"), 0);
	assert_int_equal(symlinkat("/v/nothing", v, "none"), 0);
	assert_int_equal(symlinkat("loop", v, "loop"), 0);
	for (size_t u = 0; u < ARRAY_SIZE(users); u++) {
		rig_reset(users[u]);
		rig.b.masked = masked;
		rig.b.n_masked = 3;
		assert_string_equal(rig_output("cat /v/secret; stat -c %t:%T /v/secret"), "1:3\n");
		canary_ok();
		rig.b.n_masked = 4;
		assert_int_equal(rig_run("true"), -ELOOP);
		assert_non_null(strstr(fx.error.text, "/v/loop"));
	}
	(void)close(v);
	root_clear();
}

/* Another container swaps a directory of a shared volume with a link to the canary. */
static pid_t swapper(const char *dir)
{
	char a[160], b[160];
	pid_t pid;

	(void)str_format(a, sizeof(a), "%s/d", dir);
	(void)str_format(b, sizeof(b), "%s/l", dir);
	pid = fork();
	if (pid != 0)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(1);
	for (;;)
		(void)renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

static unsigned naive_losses(const char *dir)
{
	char path[160];
	unsigned lost = 0;

	(void)str_format(path, sizeof(path), "%s/d/pts", dir);
	for (int i = 0; i < 1000000 && lost == 0; i++) {
		struct stat st;

		if (i % 1000 == 999)
			(void)sched_yield();
		if (stat(path, &st) == 0 && st.st_ino == canary_before[2].st_ino)
			lost++;
	}
	return lost;
}

static void swapped_run(const struct bundle_mount *m, size_t n, unsigned *ret_started)
{
	for (unsigned i = 0; i < 200; i++) {
		int r;

		rig_reset(i & 1);
		rig_add(m, n);
		/* what is mounted, not where: inside the root there may be a path of that name */
		r = rig_run("while read -r a b c root rest; do echo $root; done"
			    " < /proc/self/mountinfo | grep -c canary");
		if (r == 1) { /* of grep: none */
			assert_string_equal(fx.out, "0\n");
			++*ret_started;
		} else {
			assert_true(r < 0);
		}
		canary_ok();
	}
}

/* Mounts and a made mount point below a directory that is swapped (rows 20, 22). */
static void test_swapped_volume(void **state)
{
	char source[128], target[160];
	const struct bundle_mount m[] = {
		{ .key = "mounts[7]",
		  .kind = BUNDLE_BIND,
		  .source = source,
		  .destination = "/v",
		  .recursive = true },
		{ .key = "mounts[8]",
		  .kind = BUNDLE_NEW,
		  .fstype = "tmpfs",
		  .destination = "/v/d/pts" },
		{ .key = "mounts[9]",
		  .kind = BUNDLE_BIND,
		  .source = "/dev/null",
		  .destination = "/v/d/made/file" },
		{ .key = "mounts[10]",
		  .kind = BUNDLE_NEW,
		  .fstype = "tmpfs",
		  .destination = "/v/d",
		  .copy_up = true },
	};
	unsigned started = 0;
	pid_t pid;
	int shared;

	(void)state;
	fixture_mkdir(fx.dir_fd, "shared", 0777);
	shared = fixture_open_dir(fx.dir_fd, "shared");
	fixture_mkdir(shared, "d", 0777);
	(void)str_format(target, sizeof(target), "../../../../../../..%s", canary);
	assert_int_equal(symlinkat(target, shared, "l"), 0);
	(void)str_format(source, sizeof(source), "%s/shared", fx.dir);
	pid = swapper(source);
	assert_true(pid > 0);
	assert_true(naive_losses(source) > 0);
	swapped_run(m, ARRAY_SIZE(m), &started);
	print_message("%u of 200 started\n", started);
	assert_true(started > 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)close(shared);
}

static int setup(void **state)
{
	int r = fixture_group_setup(state);

	canary_make();
	return r;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_dev_of_the_root),
		cmocka_unit_test(test_dev_link_without_mount),
		cmocka_unit_test(test_bind_targets),
		cmocka_unit_test(test_proc_binds),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_swapped_volume),
	};

	return cmocka_run_group_tests(tests, setup, fixture_group_teardown);
}
