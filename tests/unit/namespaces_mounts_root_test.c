/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounts of the spec, a host directory as the root, and the kit that carries them. */
#include "tests/unit/namespaces_fixture.h"

static char volume[128];

static const char *flags_of(const char *point, const char *option)
{
	static char script[256];

	assert_true(str_format(script, sizeof(script),
			       "grep -c ' %s [^ ]*\\b%s\\b' /proc/self/mountinfo; true", point,
			       option) > 0);
	return script;
}

static void with_mounts(const struct rootfs_mount *m, size_t n)
{
	fixture_reset();
	fx.spec.mounts = m;
	fx.spec.n_mounts = n;
}

static void test_attributes(void **state)
{
	static const char *const names[] = { "ro", "nosuid", "nodev", "noexec", "noatime" };

	(void)state;
	for (unsigned set = 0; set < 32; set++) {
		struct rootfs_mount m = {
			.kind = set & 1 ? BIND_BIND : BIND_TMPFS,
			.source = volume,
			.destination = "/mnt/a",
			.read_only = set & 1,
			.nosuid = set & 2,
			.nodev = set & 4,
			.noexec = set & 8,
			.noatime = set & 16,
		};

		with_mounts(&m, 1);
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			bool want = set & 1u << i || str_eq(names[i], "nodev"); /* always: row 31 */

			assert_string_equal(fixture_output(flags_of("/mnt/a", names[i])),
					    want ? "1\n" : "0\n");
		}
	}
}

/* Whose are the files: without idmap nobody's, with it those of the same number inside. */
static void test_idmap(void **state)
{
	struct rootfs_mount m = { .kind = BIND_BIND, .source = volume, .destination = "/v" };
	struct stat st;
	int dir = open(volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	with_mounts(&m, 1);
	assert_string_equal(fixture_output("stat -c %u:%g /v /v/f; (echo x > /v/n) 2>/dev/null ||"
					   " echo refused"),
			    "65534:65534\n65534:65534\nrefused\n");
	m.idmap = true;
	with_mounts(&m, 1);
	assert_string_equal(fixture_output("stat -c %u:%g /v /v/f; echo x > /v/n && cat /v/n"),
			    "0:0\n33:33\nx\n");
	assert_int_equal(fstatat(dir, "n", &st, 0), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(unlinkat(dir, "n", 0), 0);
	(void)close(dir);
}

/* In the order of the spec, one below another; a file onto a file that is made. */
static void test_nested(void **state)
{
	char file[160];
	struct rootfs_mount m[] = {
		{ .kind = BIND_TMPFS, .destination = "/a" },
		{ .kind = BIND_BIND, .source = volume, .destination = "/a/b/c", .idmap = true },
		{ .kind = BIND_TMPFS, .destination = "/a/b/c/d/e", .size_bytes = 4096 },
		{ .kind = BIND_BIND,
		  .source = file,
		  .destination = "/a/b/file",
		  .read_only = true },
	};

	(void)state;
	assert_true(str_format(file, sizeof(file), "%s/f", volume) > 0);
	with_mounts(m, ARRAY_SIZE(m));
	assert_string_equal(fixture_output("cat /a/b/c/f /a/b/file; ls -d /a/b/c/d/e;"
					   "grep -c ' /a' /proc/self/mountinfo;"
					   "(echo x > /a/b/file) 2>/dev/null || echo ro"),
			    "volume\nvolume\n/a/b/c/d/e\n4\nro\n");
}

/* rbind brings the mounts below along, all of them read-only; bind does not (row 24). */
static void test_recursive(void **state)
{
	struct err e = ERR_INIT;
	struct rootfs_mount m = {
		.kind = BIND_BIND, .source = volume, .destination = "/v", .read_only = true
	};
	char sub[160];
	int fs, target;

	(void)state;
	assert_true(str_format(sub, sizeof(sub), "%s/sub", volume) > 0);
	fs = mountfd_new("tmpfs", NULL, 0, 0, &e);
	target = open(sub, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mountfd_attach(fs, target, &e), 0);
	fixture_write(fs, "inner", "inner\n", 0644);
	with_mounts(&m, 1);
	assert_string_equal(fixture_output("ls /v/sub"), "");
	m.recursive = true;
	with_mounts(&m, 1);
	assert_string_equal(fixture_output("cat /v/sub/inner; grep ' /v' /proc/self/mountinfo |"
					   " grep -c ' ro,[^ ]*nodev'"),
			    "inner\n2\n");
	(void)close(target);
	(void)close(fs);
	assert_int_equal(syscall(SYS_umount2, sub, 2), 0);
}

/* A shared source is private inside unless asked for; "slave" receives and does not send. */
static void test_propagation(void **state)
{
	struct err e = ERR_INIT;
	struct rootfs_mount m = { .kind = BIND_BIND, .source = volume, .destination = "/v" };
	int fs = mountfd_new("tmpfs", NULL, 0, 0, &e);
	int target = open(volume, O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(mountfd_attach(fs, target, &e), 0);
	assert_int_equal(mountfd_propagation(fs, MS_SHARED, false, &e), 0);
	with_mounts(&m, 1);
	assert_string_equal(fixture_output("grep ' /v ' /proc/self/mountinfo |"
					   " grep -c -e shared: -e master:; true"),
			    "0\n");
	m.propagation = MS_SLAVE;
	with_mounts(&m, 1);
	assert_string_equal(
		fixture_output("grep ' /v ' /proc/self/mountinfo | grep -c master:;"
			       "grep ' /v ' /proc/self/mountinfo | grep -c shared:; true"),
		"1\n0\n");
	(void)close(target);
	(void)close(fs);
	assert_int_equal(syscall(SYS_umount2, volume, 2), 0);
}

static void test_errors(void **state)
{
	static const struct {
		struct rootfs_mount m;
		int want;
		const char *text;
	} cases[] = {
		{ { .kind = BIND_BIND, .source = "/no/such", .destination = "/v" },
		  -ENOENT,
		  "mounts[0]" },
		{ { .kind = BIND_BIND, .source = "relative", .destination = "/v" },
		  -EINVAL,
		  "expected an absolute path" },
		/* a directory onto a file */
		{ { .kind = BIND_BIND, .source = "/tmp", .destination = "/etc/passwd" },
		  -ENOTDIR,
		  "/etc/passwd" },
		/* procfs can't be idmapped */
		{ { .kind = BIND_BIND, .source = "/proc", .destination = "/v", .idmap = true },
		  -EINVAL,
		  "mounts[0]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		with_mounts(&cases[i].m, 1);
		assert_int_equal(fixture_run("true"), cases[i].want);
		assert_non_null(strstr(fx.error.text, cases[i].text));
	}
}

/* More fds than one message carries. */
static void test_many(void **state)
{
	static struct rootfs_mount m[LIMIT_MOUNTS];
	static char destinations[LIMIT_MOUNTS][32];

	(void)state;
	for (size_t i = 0; i < LIMIT_MOUNTS; i++) {
		assert_true(str_format(destinations[i], sizeof(destinations[i]), "/m/%zu", i) > 0);
		m[i] = (struct rootfs_mount){ .kind = BIND_BIND,
					      .source = volume,
					      .destination = destinations[i] };
	}
	with_mounts(m, LIMIT_MOUNTS);
	assert_string_equal(fixture_output("grep -c ' /m/' /proc/self/mountinfo; cat /m/255/f"),
			    "256\nvolume\n");
}

static void test_kit_is_checked(void **state)
{
	struct {
		uint32_t magic, first, total;
	} m = { 0x6b697473u, 0, 400 };
	struct rootfs_kit kit = { .n = 77 };
	struct err e = ERR_INIT;
	int sv[2], fd = 1;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(fd_send(sv[0], &m, sizeof(m), &fd, 1), 0); /* more than fit */
	assert_int_equal(rootfs_kit_recv(sv[1], &kit, &e), -EPROTO);
	assert_int_equal(kit.n, 77);
	m.total = 2;
	e = ERR_INIT;
	assert_int_equal(fd_send(sv[0], &m, sizeof(m), &fd, 1), 0);
	(void)close(sv[0]); /* and the second never comes */
	assert_int_equal(rootfs_kit_recv(sv[1], &kit, &e), -EPIPE);
	(void)close(sv[1]);
}

/* A directory as the root: idmapped, missing mount points are made, its owner stays the same. */
static void test_directory(void **state)
{
	struct stat st;

	(void)state;
	fixture_reset();
	fx.spec.kind = ROOTFS_DIRECTORY;
	fx.spec.directory = fx.layer;
	/* read-only: /proc can't be made */
	fx.spec.read_only = true;
	assert_int_equal(fixture_run("true"), -EROFS);
	assert_non_null(strstr(fx.error.text, "has no /proc"));
	fx.spec.read_only = false;
	assert_string_equal(fixture_output("stat -c %u / /etc/passwd; echo x > /made; mount |"
					   " grep -c 'on / '"),
			    "0\n0\n1\n");
	assert_int_equal(fstatat(fx.layer_fd, "made", &st, 0), 0);
	assert_int_equal(st.st_uid, 0); /* on disk, as root of the host sees it */
	assert_int_equal(unlinkat(fx.layer_fd, "made", 0), 0);
	fx.spec.read_only = true;
	assert_string_equal(fixture_output("(echo x > /y) 2>/dev/null || echo ro; ls /proc/1/comm"),
			    "ro\n/proc/1/comm\n");
}

/* setuid programs of a layer work, with the instance's own ids (su, sudo). */
static void test_setuid(void **state)
{
	(void)state;
	fixture_reset();
	assert_string_equal(
		fixture_output("grep ' / / ' /proc/self/mountinfo | grep -c nosuid; true"), "0\n");
}

static int setup(void **state)
{
	int r = fixture_group_setup(state), dir;

	fixture_mkdir(fx.dir_fd, "volume", 0755);
	dir = fixture_open_dir(fx.dir_fd, "volume");
	fixture_write(dir, "f", "volume\n", 0644);
	fixture_mkdir(dir, "sub", 0755);
	assert_int_equal(fchownat(dir, "f", 33, 33, 0), 0);
	(void)close(dir);
	(void)str_format(volume, sizeof(volume), "%s/volume", fx.dir);
	return r;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),  cmocka_unit_test(test_idmap),
		cmocka_unit_test(test_nested),	    cmocka_unit_test(test_recursive),
		cmocka_unit_test(test_propagation), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_many),	    cmocka_unit_test(test_kit_is_checked),
		cmocka_unit_test(test_directory),   cmocka_unit_test(test_setuid),
	};

	return cmocka_run_group_tests(tests, setup, fixture_group_teardown);
}
