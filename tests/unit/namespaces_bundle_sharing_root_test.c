/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an OCI container shares with its host: propagation, id-mapped mounts, device nodes. */
#include <sys/sysmacros.h>

#include "tests/unit/namespaces_bundle_fixture.h"

/* What is shown inside, and whether a mount made there shows up on the host. */
static void test_propagation(void **state)
{
	static const struct {
		uint64_t root, own, own2;
		const char *host_ids, *user; /* "s" shared, "m" slave */
		bool reaches_host;
	} cases[] = {
		{ 0, 0, 0, "m", "m", false },
		{ MS_SLAVE, 0, 0, "m", "m", false },
		{ MS_PRIVATE, 0, 0, "-", "-", false },
		{ 0, MS_PRIVATE, 0, "-", "-", false },
		{ 0, MS_SHARED, 0, "sm", "sm", false },
		{ MS_SHARED, 0, 0, "s", "sm", true },
		{ MS_SHARED, MS_SHARED, 0, "s", "sm", true },
		{ MS_SHARED, MS_SLAVE, 0, "m", "m", false },
		{ MS_SHARED, MS_PRIVATE, 0, "-", "-", false },
		{ MS_SHARED, MS_SLAVE, MS_SHARED, "sm", "sm", false },
		{ 0, MS_UNBINDABLE, 0, "u", "u", false },
	};
	struct err e = ERR_INIT;
	int top = attach_tmpfs(volume, 0);

	(void)state;
	fixture_mkdir(top, "x", 0755);
	assert_int_equal(mountfd_propagation(top, MS_SHARED, false, &e), 0);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		const char *want = i & 1 ? cases[i / 2].user : cases[i / 2].host_ids;
		struct bundle_mount m = BIND(
			"/v",
			.propagation = { { cases[i / 2].own, true }, { cases[i / 2].own2, false } },
			.n_propagation = cases[i / 2].own ? cases[i / 2].own2 ? 2 : 1 : 0);
		char *before, *after;

		rig_with(i & 1, &m, 1);
		rig.b.propagation = cases[i / 2].root;
		rig.b.propagation_recursive = true;
		before = rig_mount_table();
		(void)rig_output("while read -r a b c d p f o; do [ $p = /v ] && echo ${o%% - *};"
				 " done < /proc/self/mountinfo; mount -t tmpfs leak /v/x;"
				 " mount -t tmpfs leak /bin");
		after = rig_mount_table();
		assert_int_equal(!!strstr(fx.out, "shared:"), !!strchr(want, 's'));
		assert_int_equal(!!strstr(fx.out, "master:"), !!strchr(want, 'm'));
		assert_int_equal(!!strstr(fx.out, "unbindable"), !!strchr(want, 'u'));
		if (!(i & 1) && cases[i / 2].reaches_host) {
			char point[160];

			(void)str_format(point, sizeof(point), "%s/x", volume);
			assert_non_null(strstr(after, point));
			assert_int_equal(syscall(SYS_umount2, point, 2), 0);
		} else {
			assert_string_equal(before, after);
		}
		free(before);
		free(after);
	}
	(void)close(top);
	assert_int_equal(syscall(SYS_umount2, volume, 2), 0);
}

/* What the host mounts below a source shows up in the container. */
static int arrives_fs = -EBADF;
static void test_slave_receives(void **state)
{
	struct bundle_mount m = BIND("/v", );
	struct err e = ERR_INIT;
	struct fixture_run run;
	char point[160], ready[6];
	int top = attach_tmpfs(volume, 0), r;

	(void)state;
	fixture_mkdir(top, "x", 0755);
	(void)str_format(point, sizeof(point), "%s/x", volume);
	assert_int_equal(mountfd_propagation(top, MS_SHARED, false, &e), 0);
	rig_with(true, &m, 1);
	r = rig_start("echo ready; i=0; while [ ! -e /v/x/here ] && [ $i -lt 100 ]; do sleep 0.1; "
		      "i=$((i+1));"
		      " done; cat /v/x/here",
		      &run);
	assert_int_equal(r, 0);
	assert_int_equal(read(run.out, ready, 6), 6); /* a detached copy receives nothing */
	arrives_fs = attach_tmpfs(point, 0);
	fixture_write(arrives_fs, "here", "here\n", 0644);
	assert_int_equal(fixture_finish(&run, 0), 0);
	assert_string_equal(fx.out, "here\n");
	(void)close(arrives_fs);
	(void)close(top);
	assert_int_equal(syscall(SYS_umount2, point, 2), 0);
	assert_int_equal(syscall(SYS_umount2, volume, 2), 0);
}

/* rootfsPropagation is that of "/" inside. */
static void test_root_propagation(void **state)
{
	static const struct {
		uint64_t is;
		const char *want;
	} cases[] = {
		{ 0, "-" },	   { MS_SHARED, "shared" },	    { MS_PRIVATE, "-" },
		{ MS_SLAVE, "-" }, { MS_UNBINDABLE, "unbindable" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		rig_reset(i & 1);
		rig.b.propagation = cases[i / 2].is;
		(void)rig_output("while read -r a b c d p f o; do [ $p = / ] && echo ${o%% *};"
				 " done < /proc/self/mountinfo; true");
		assert_true(str_starts(fx.out, cases[i / 2].want));
	}
}

static void test_idmap(void **state)
{
	struct id_mapping ranges[] = { { 0, 33, 1 }, { 1, 0, 1 }, { 100, 50, 10 } };
	struct id_mapping shift[] = { { 33, 7, 1 }, { 0, 0, 1 } };
	struct bundle_mount own =
		BIND("/v", .idmap = BUNDLE_IDMAP, .maps = { ranges, ranges, 3, 3 });
	struct bundle_mount container = BIND("/v", .idmap = BUNDLE_RIDMAP, .recursive = true);
	struct err e = ERR_INIT;
	struct stat st;
	static const char script[] = "stat -c %u:%g /v /v/f";

	(void)state;
	/* the container's own */
	rig_with(true, &container, 1);
	assert_string_equal(rig_output("stat -c %u:%g /v /v/f; echo x > /v/n"), "0:0\n33:33\n");
	assert_int_equal(fstatat(volume_fd, "n", &st, 0), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(unlinkat(volume_fd, "n", 0), 0);
	/* several ranges, without a user namespace: 33 on disk is what 0 maps from */
	own.maps = (struct id_mappings){ shift, shift, 2, 2 };
	rig_with(false, &own, 1);
	assert_string_equal(rig_output(script), "0:0\n7:7\n");
	/* a joined one */
	rig_with(true, &container, 1);
	rig.b.user_ns = id_mappings_namespace(&rig.b.maps, &e);
	assert_true(rig.b.user_ns >= 0);
	assert_string_equal(rig_output(script), "0:0\n33:33\n");
	(void)close(rig.b.user_ns);
	/* none to map by */
	rig_with(false, &container, 1);
	assert_int_equal(rig_run("true"), -EINVAL);
	assert_non_null(strstr(fx.error.text, "mounts[7]"));
	/* a file system that can't */
	own.source = "/proc";
	rig_with(false, &own, 1);
	assert_int_equal(rig_run("true"), -EINVAL);
	assert_non_null(strstr(fx.error.hint, "idmapped"));
}

static const struct bundle_device devices[] = {
	{ "linux.devices[0]", "/dev/mem2", S_IFCHR | 0640, 1, 3, 3, 4 },
	{ "linux.devices[1]", "/dev/sub/fifo", S_IFIFO | 0666, 0, 0, 7, 8 },
	{ "linux.devices[2]", "/dev/null", S_IFCHR | 0666, 1, 3, 0, 0 },
};

static void test_devices(void **state)
{
	struct bundle_device other = devices[0];

	(void)state;
	rig_reset(false);
	rig.b.devices = devices;
	rig.b.n_devices = ARRAY_SIZE(devices);
	assert_string_equal(rig_output("cd /dev; stat -c '%F %t:%T %a %u:%g' mem2 sub/fifo null;"
				       "stat -c %a sub; echo x > mem2"),
			    "character special file 1:3 640 3:4\nfifo 0:0 666 7:8\n"
			    "character special file 1:3 666 0:0\n755\n");
	/* nobody makes nodes there: the host's, whatever it calls it */
	rig_reset(true);
	rig.b.devices = devices;
	rig.b.n_devices = ARRAY_SIZE(devices);
	if (faccessat(AT_FDCWD, "/dev/char/1:3", F_OK, 0) == 0) {
		assert_string_equal(rig_output("cd /dev; stat -c '%F %t:%T' mem2 sub/fifo null;"
					       "echo x > mem2"),
				    "character special file 1:3\nfifo 0:0\n"
				    "character special file 1:3\n");
	} else {
		assert_int_equal(rig_run("true"), -ENOENT);
		assert_non_null(strstr(fx.error.text, "linux.devices[0]"));
		rig.b.devices = devices + 1;
		rig.b.n_devices = 2;
		assert_string_equal(rig_output("cd /dev; stat -c '%F %t:%T' sub/fifo null"),
				    "fifo 0:0\ncharacter special file 1:3\n");
	}
	/* the same name, other numbers */
	other.path = "/dev/zero";
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		rig_reset(users[i]);
		rig.b.devices = &other;
		rig.b.n_devices = 1;
		assert_true(rig_run("true") < 0);
		assert_non_null(strstr(fx.error.text, "linux.devices[0]"));
	}
}

/* A /dev that is somebody's is left alone. */
static void test_dev_bound(void **state)
{
	static const struct bundle_mount m = { .key = "mounts[0]",
					       .kind = BUNDLE_BIND,
					       .source = volume,
					       .destination = "/dev",
					       .attr_set = MOUNT_ATTR_RDONLY };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		rig_reset(users[i]);
		rig.b.mounts = &m;
		rig.b.n_mounts = 1;
		assert_string_equal(rig_output("ls /dev"), "f\n");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_propagation),	 cmocka_unit_test(test_slave_receives),
		cmocka_unit_test(test_root_propagation), cmocka_unit_test(test_idmap),
		cmocka_unit_test(test_devices),		 cmocka_unit_test(test_dev_bound),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, fixture_group_teardown);
}
