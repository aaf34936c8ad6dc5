/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile root file systems (rows 14, 15, 19, 47): each directory that the runtime mounts on or
 * writes below is in turn a link to a canary on the host, a file, a FIFO, ... An instance then
 * starts with its mounts inside its root, or does not start with an error that names the place; the
 * canary is never touched, and nothing hangs. And bind mounts whose targets are links.
 */
#include <dirent.h>

#include "tests/unit/namespaces_fixture.h"

static const char *const places[] = { "dev", "proc", "sys", "etc", "tmp", "run" };

enum kind { ABSOLUTE, DOTDOT, FILE_, FIFO, DANGLING, MAGIC, TO_PROC, TO_ROOT, KINDS };
static const char *const kind_names[KINDS] = { "absolute link", "../.. link",	 "file",
					       "FIFO",		"dangling link", "magic link",
					       "link to /proc", "link to /" };

static const struct rootfs_file files[] = {
	{ "/etc/hostname", "web\n", 4, -EBADF },
	{ "/etc/hosts", "127.0.0.1 localhost\n", 20, -EBADF },
	{ "/etc/resolv.conf", "nameserver 10.88.0.1\n", 21, -EBADF },
};

static int top = -EBADF; /* a layer over the fixture's, with the hostile entry */
static char top_path[128];
static struct stat canary_before[4];
static const char *const canary_names[4] = { ".", "hosts", "ptmx", "pts" };

static void canary_make(void)
{
	int fd;

	fixture_mkdir(fx.dir_fd, "canary", 0755);
	fd = fixture_open_dir(fx.dir_fd, "canary");
	fixture_write(fd, "hosts", "canary\n", 0644);
	fixture_write(fd, "ptmx", "canary\n", 0644);
	fixture_mkdir(fd, "pts", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(canary_names); i++)
		assert_int_equal(fstatat(fd, canary_names[i], &canary_before[i], 0), 0);
	(void)close(fd);
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
		assert_int_equal(st.st_size, canary_before[i].st_size);
		assert_int_equal(st.st_uid, 0);
	}
	d = fdopendir(fd);
	assert_non_null(d);
	while (readdir(d))
		n++;
	assert_int_equal(n, 2 + 3);
	(void)closedir(d);
}

static void top_clear(void)
{
	struct err e = ERR_INIT;

	if (top >= 0)
		(void)close(top);
	assert_int_equal(path_remove_tree(fx.dir_fd, "top", &e), 0);
	fixture_mkdir(fx.dir_fd, "top", 0755);
	top = fixture_open_dir(fx.dir_fd, "top");
	assert_true(str_format(top_path, sizeof(top_path), "%s/top", fx.dir) > 0);
}

static void hostile_link(const char *place, const char *format)
{
	char target[256];

	assert_true(str_format(target, sizeof(target), "%s%s/canary", format, fx.dir) > 0);
	assert_int_equal(symlinkat(target, top, place), 0);
}

static void hostile_make(const char *place, enum kind kind)
{
	top_clear();
	switch (kind) {
	case ABSOLUTE:
		hostile_link(place, "");
		return;
	case DOTDOT:
		hostile_link(place, "../../../../..");
		return;
	case FILE_:
		fixture_write(top, place, "x", 0644);
		return;
	case FIFO:
		assert_int_equal(mkfifoat(top, place, 0644), 0);
		return;
	case DANGLING:
		assert_int_equal(symlinkat("/no/such/thing", top, place), 0);
		return;
	case MAGIC:
		assert_int_equal(symlinkat("/proc/self/fd/9", top, place), 0);
		return;
	case TO_PROC:
		assert_int_equal(symlinkat("/proc/sys", top, place), 0);
		return;
	case TO_ROOT:
		assert_int_equal(symlinkat("/", top, place), 0);
		return;
	case KINDS:
		break;
	}
	fail();
}

static void hostile_spec(void)
{
	fixture_reset();
	fx.layers[0] = top_path;
	fx.layers[1] = fx.layer;
	fx.spec.n_layers = 2;
}

static void hostile_run(const char *place, enum kind kind)
{
	/* /proc, /sys and /dev must be directories; the others may be links inside the root. */
	bool strict = str_eq(place, "dev") || str_eq(place, "proc") || str_eq(place, "sys");
	int r;

	hostile_make(place, kind);
	hostile_spec();
	fx.spec.files = files;
	fx.spec.n_files = ARRAY_SIZE(files);
	fx.spec.terminal = true;
	r = fixture_run("cat /etc/hosts; stat -f -c %T /proc /sys | sort -u; grep -c canary"
			" /proc/self/mountinfo");
	if (strict || kind == FILE_ || kind == FIFO || kind == MAGIC || kind == TO_PROC) {
		if (r >= 0)
			print_error("/%s as %s: started: %s\n", place, kind_names[kind], fx.out);
		assert_true(r < 0);
		assert_non_null(strstr(fx.error.text, place));
	} else if (r >= 0) {
		assert_true(str_starts(fx.out, "127.0.0.1 localhost\n"));
	}
	canary_ok();
}

static void test_hostile_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		for (enum kind k = ABSOLUTE; k < KINDS; k++)
			hostile_run(places[i], k);
	}
}

/* A stop and a second start over what the first left in the upper directory. */
static void test_hostile_respawn(void **state)
{
	(void)state;
	top_clear();
	hostile_spec();
	(void)fixture_output("rm -rf /etc; ln -s ../../../../etc /etc");
	fx.spec.files = files;
	fx.spec.n_files = ARRAY_SIZE(files);
	(void)fixture_run("true");
	canary_ok();
	assert_int_equal(access("/etc/passwd", R_OK), 0);
}

/* Each name of a generated file is a FIFO, a link out, a directory. */
static void test_hostile_files(void **state)
{
	(void)state;
	top_clear();
	fixture_mkdir(top, "etc", 0755);
	assert_int_equal(mkfifoat(top, "etc/hostname", 0644), 0);
	assert_int_equal(symlinkat("../../../../../../../../etc/hosts", top, "etc/hosts"), 0);
	hostile_spec();
	fx.spec.files = files;
	fx.spec.n_files = ARRAY_SIZE(files);
	assert_string_equal(fixture_output("cat /etc/hostname /etc/hosts"),
			    "web\n127.0.0.1 localhost\n");
	top_clear();
	fixture_mkdir(top, "etc", 0755);
	fixture_mkdir(top, "etc/hosts", 0755);
	hostile_spec();
	fx.spec.files = files;
	fx.spec.n_files = ARRAY_SIZE(files);
	assert_int_equal(fixture_run("true"), -EISDIR);
	assert_non_null(strstr(fx.error.text, "/etc/hosts"));
}

/* A mount may go through links that stay inside; not onto /proc, /sys, /dev or /, by any way. */
static void test_bind_targets(void **state)
{
	static const struct {
		const char *destination;
		int want;
	} cases[] = {
		{ "/to-canary/x", 0 },
		{ "/to-proc", -EPERM },
		{ "/to-proc/sys", -EPERM },
		{ "/to-sys/kernel", -EPERM },
		{ "/to-root", -EPERM },
		{ "/to-dev", -EPERM },
		{ "/to-dev/pts", -EPERM },
		{ "/proc", -EPERM },
		{ "/proc/sys", -EPERM },
		{ "/sys/fs/cgroup", -EPERM },
		{ "/", -EPERM },
		{ "/dev", -EPERM },
		{ "/process", 0 },
		{ "/dev/new/dir", 0 },
		{ "/to-magic", -ELOOP },
	};
	char source[128];

	(void)state;
	top_clear();
	hostile_link("to-canary", "");
	assert_int_equal(symlinkat("/proc", top, "to-proc"), 0);
	assert_int_equal(symlinkat("/sys", top, "to-sys"), 0);
	assert_int_equal(symlinkat("/", top, "to-root"), 0);
	assert_int_equal(symlinkat("/dev", top, "to-dev"), 0);
	assert_int_equal(symlinkat("/proc/self/fd/5", top, "to-magic"), 0);
	assert_true(str_format(source, sizeof(source), "%s/canary", fx.dir) > 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rootfs_mount m = { .kind = BIND_BIND,
					  .source = source,
					  .destination = cases[i].destination,
					  .read_only = true };
		char script[256];
		int r;

		hostile_spec();
		fx.spec.mounts = &m;
		fx.spec.n_mounts = 1;
		assert_true(str_format(script, sizeof(script), "cat %s/hosts",
				       cases[i].destination) > 0);
		r = fixture_run(script);
		if (r != cases[i].want)
			print_error("%s: %d %s %s\n", cases[i].destination, r, fx.error.text,
				    fx.out);
		assert_int_equal(r, cases[i].want);
		if (r == 0)
			assert_string_equal(fx.out, "canary\n");
		else
			assert_non_null(strstr(fx.error.text, cases[i].destination));
		canary_ok();
	}
}

/* Another instance swaps a directory of a shared volume with a link to the canary, as fast as it
 * can. Return: its pid. */
static pid_t swapper(int volume)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(1);
	for (;;)
		(void)renameat2(volume, "d", volume, "l", RENAME_EXCHANGE);
}

/* Whether a lookup by a plain path ends on the canary: the naive twin must lose. */
static unsigned naive_losses(int volume)
{
	unsigned lost = 0;

	for (int i = 0; i < 1000000 && lost == 0; i++) {
		struct stat st;

		if (i % 1000 == 999)
			(void)sched_yield();
		if (fstatat(volume, "d/pts", &st, 0) == 0 && st.st_ino == canary_before[3].st_ino)
			lost++;
	}
	return lost;
}

/* A volume in which a directory and a link are swapped while mounts are put below it, also onto
 * missing targets (rows 20, 22): the start succeeds inside or fails, and the host sees nothing. */
static void test_swapped_volume(void **state)
{
	char source[128], missing[64];
	struct rootfs_mount m[] = {
		{ .kind = BIND_BIND, .source = source, .destination = "/v", .idmap = true },
		{ .kind = BIND_TMPFS, .destination = missing },
	};
	unsigned started = 0, refused = 0;
	pid_t pid;
	int volume;

	(void)state;
	fixture_mkdir(fx.dir_fd, "shared", 0755);
	volume = fixture_open_dir(fx.dir_fd, "shared");
	fixture_mkdir(volume, "d", 0755);
	assert_true(str_format(source, sizeof(source), "../../../../../../..%s/canary", fx.dir) >
		    0);
	assert_int_equal(symlinkat(source, volume, "l"), 0);
	assert_true(str_format(source, sizeof(source), "%s/shared", fx.dir) > 0);
	pid = swapper(volume);
	assert_true(pid > 0);
	assert_true(naive_losses(volume) > 0);
	for (unsigned i = 0; i < 150; i++) {
		int r;

		assert_true(str_format(missing, sizeof(missing), "/v/d/new%u/f", i) > 0);
		fixture_reset();
		fx.spec.mounts = m;
		fx.spec.n_mounts = ARRAY_SIZE(m);
		r = fixture_run("grep -c ' - tmpfs tmpfs ' /proc/self/mountinfo");
		if (r == 0) {
			assert_string_equal(fx.out, "1\n");
			started++;
		} else {
			assert_true(r < 0);
			refused++;
		}
		canary_ok();
	}
	print_message("%u started, %u refused\n", started, refused);
	assert_true(started > 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)close(volume);
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
		cmocka_unit_test(test_hostile_places), cmocka_unit_test(test_hostile_respawn),
		cmocka_unit_test(test_hostile_files),  cmocka_unit_test(test_bind_targets),
		cmocka_unit_test(test_swapped_volume),
	};

	return cmocka_run_group_tests(tests, setup, fixture_group_teardown);
}
