/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every kind and option of an OCI container's mounts, as the host's root and in a user namespace.
 */
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "tests/unit/namespaces_bundle_fixture.h"

/* "FLAGS OPTIONAL" of each mount at or below the point. */
static const char *flags_of(const char *point)
{
	static char script[512];

	assert_true(str_format(script, sizeof(script),
			       "while read -r a b c d p f o; do case $p in %s|%s/*)"
			       " echo $f ${o%%%% *};; esac; done < /proc/self/mountinfo",
			       point, point) > 0);
	return script;
}

static void test_attributes(void **state)
{
	static const struct {
		uint64_t set, clr, rset, rclr;
		const char *top, *below;
	} cases[] = {
		{ 0, 0, 0, 0, "rw,nosuid,noatime -", "rw,noexec,relatime -" },
		{ MOUNT_ATTR_RDONLY, 0, 0, 0, "ro,nosuid,noatime -", "rw,noexec,relatime -" },
		{ 0, MOUNT_ATTR_NOSUID, 0, 0, "rw,noatime -", "rw,noexec,relatime -" },
		{ 0, MOUNT_ATTR_NOATIME, 0, 0, "rw,nosuid,relatime -", "rw,noexec,relatime -" },
		{ MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, 0, 0, "rw,nosuid -",
		  "rw,noexec,relatime -" },
		{ MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NODEV, 0, 0, 0,
		  "rw,nosuid,nodev,noatime,nodiratime -", "rw,noexec,relatime -" },
		{ 0, 0, MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID, "ro,noatime -",
		  "ro,relatime -" },
		{ 0, 0, MOUNT_ATTR_NOATIME | MOUNT_ATTR_NOSYMFOLLOW, 0,
		  "rw,nosuid,noatime,nosymfollow -", "rw,noexec,noatime,nosymfollow -" },
	};
	char sub[160], want[256];
	int top = attach_tmpfs(volume, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOATIME), below;

	(void)state;
	fixture_mkdir(top, "sub", 0755);
	(void)str_format(sub, sizeof(sub), "%s/sub", volume);
	below = attach_tmpfs(sub, MOUNT_ATTR_NOEXEC);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		struct bundle_mount m =
			BIND("/v", .recursive = true, .attr_set = cases[i / 2].set,
			     .attr_clr = cases[i / 2].clr, .rattr_set = cases[i / 2].rset,
			     .rattr_clr = cases[i / 2].rclr);

		rig_with(i & 1, &m, 1);
		(void)str_format(want, sizeof(want), "%s\n%s\n", cases[i / 2].top,
				 cases[i / 2].below);
		assert_string_equal(rig_output(flags_of("/v")), want);
		m.recursive = false;
		rig_with(i & 1, &m, 1);
		(void)str_format(want, sizeof(want), "%s\n", cases[i / 2].top);
		assert_string_equal(rig_output(flags_of("/v")), want);
	}
	(void)close(below);
	(void)close(top);
	assert_int_equal(syscall(SYS_umount2, sub, 2), 0);
	assert_int_equal(syscall(SYS_umount2, volume, 2), 0);
}

/* In a user namespace of ours the flags of the host's mounts are locked: kept, and no failure. */
static void test_locked(void **state)
{
	struct bundle_mount m =
		BIND("/v", .recursive = true,
		     .attr_clr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR__ATIME,
		     .attr_set = MOUNT_ATTR_NODEV);
	int top = attach_tmpfs(volume, MOUNT_ATTR_NOSUID | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME);
	struct ns_clone how = { .namespaces = CLONE_NEWUSER | CLONE_NEWNS, .cgroup_fd = -EBADF };
	struct id_mapping map = { 0, 0, 1 };
	struct id_mappings maps = { &map, &map, 1, 1 };
	struct err e = ERR_INIT;
	int pidfd, status, go[2];
	pid_t pid;

	(void)state;
	rig_reset(false);
	rig.b.mounts = &m;
	rig.b.n_mounts = 1;
	rig.b.n_masked = 0;
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid = ns_clone(&how, &pidfd, &e);
	if (pid == 0) {
		char c;
		CLEANUP(bundle_kit_close) struct bundle_kit kit = BUNDLE_KIT_INIT;
		struct statfs fs;

		procfd_close();
		if (read(go[0], &c, 1) != 1 || ns_become_root(&e) < 0)
			_exit(1);
		if (bundle_open(&rig.b, &kit, &e) < 0) {
			print_error("%s\n", e.text);
			_exit(2);
		}
		if (fstatfs(kit.mounts[0], &fs) < 0)
			_exit(3);
		_exit((fs.f_flags & 7) == 7 ? 0 : 4); /* ro, nosuid, nodev */
	}
	assert_int_equal(id_mappings_write(pid, &maps, &e), 0);
	assert_int_equal(write(go[1], "g", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)close(pidfd);
	(void)close(go[0]);
	(void)close(go[1]);
	(void)close(top);
	assert_int_equal(syscall(SYS_umount2, volume, 2), 0);
}

static void test_file_kinds(void **state)
{
	char file[160], sock[160], link[160];
	struct bundle_mount m[] = {
		BIND("/a/file", ), BIND("/a/socket", ),	     BIND("/a/link", .source_link = true),
		BIND("/a/null", ), NEW("tmpfs", "/a/t/u", ),
	};

	(void)state;
	(void)str_format(file, sizeof(file), "%s/f", volume);
	(void)str_format(sock, sizeof(sock), "%s/s", volume);
	(void)str_format(link, sizeof(link), "%s/l", volume);
	assert_int_equal(mknodat(volume_fd, "s", S_IFSOCK | 0666, 0), 0);
	assert_int_equal(symlinkat("file", volume_fd, "l"), 0);
	m[0].source = file;
	m[1].source = sock;
	m[2].source = link;
	m[3].source = "/dev/null";
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		rig_with(users[i], m, ARRAY_SIZE(m));
		assert_string_equal(rig_output("cat /a/file; stat -c %F /a/socket /a/null;"
					       "readlink /a/link; cat /a/link; stat -c %a /a /a/t"),
				    "volume\nsocket\ncharacter special file\nfile\nvolume\n"
				    "755\n755\n");
	}
	assert_int_equal(unlinkat(volume_fd, "s", 0), 0);
	assert_int_equal(unlinkat(volume_fd, "l", 0), 0);
}

/* A link at the destination is followed, inside, or covered. */
static void test_destination_link(void **state)
{
	char file[160];
	struct bundle_mount m = BIND("/etc/link", );

	(void)state;
	(void)str_format(file, sizeof(file), "%s/f", volume);
	m.source = file;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(users); i++) {
		(void)unlinkat(fx.layer_fd, "etc/link", 0);
		(void)unlinkat(fx.layer_fd, "etc/target", 0);
		assert_int_equal(symlinkat("target", fx.layer_fd, "etc/link"), 0);
		assert_int_equal(fchownat(fx.layer_fd, "etc", i / 2 ? FIXTURE_BASE : 0, 0, 0), 0);
		m.destination_link = i & 1;
		rig_with(users[i / 2], &m, 1);
		assert_string_equal(rig_output("cat /etc/link; cat /etc/target 2>/dev/null"
					       " || echo none"),
				    i & 1 ? "volume\nnone\n" : "volume\nvolume\n");
	}
	assert_int_equal(unlinkat(fx.layer_fd, "etc/link", 0), 0);
	(void)unlinkat(fx.layer_fd, "etc/target", 0);
	assert_int_equal(fchownat(fx.layer_fd, "etc", 0, 0, 0), 0);
}

/* The mode of what it covers, of the option, or the kernel's default (runc). */
static void test_tmpfs_mode(void **state)
{
	struct bundle_mount m[] = {
		NEW("tmpfs", "/covered", ),
		NEW("tmpfs", "/covered/new", ),
		NEW("tmpfs", "/covered/given", .has_mode = true, .n_data = 1,
		    .data = (const struct mount_param[]){ { "mode", "0700" } }),
		NEW("tmpfs", "/ro", .attr_set = MOUNT_ATTR_RDONLY),
		NEW("tmpfs", "/ro/x/rw", ),
	};
	struct err e = ERR_INIT;

	(void)state;
	fixture_mkdir(fx.layer_fd, "covered", 01711);
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		rig_with(users[i], m, ARRAY_SIZE(m));
		assert_string_equal(
			rig_output("stat -c %a /covered /covered/new /covered/given;"
				   "(echo > /ro/x/y) 2>/dev/null || echo ro; echo > /ro/x/rw/y"),
			"1711\n1777\n700\nro\n");
	}
	assert_int_equal(path_remove_tree(fx.layer_fd, "covered", &e), 0);
}

static const char copy_script[] =
	"cd /data; find . | sort; cat f d/g; readlink l; stat -c '%a %u:%g %F' . f d d/fifo;"
	"echo x > new";

static void test_copy_up(void **state)
{
	struct bundle_mount m = NEW("tmpfs", "/data", .copy_up = true);
	struct err e = ERR_INIT;
	int data;

	(void)state;
	fixture_mkdir(fx.layer_fd, "data", 0750);
	data = fixture_open_dir(fx.layer_fd, "data");
	fixture_write(data, "f", "file\n", 04711);
	fixture_mkdir(data, "d", 02775);
	fixture_write(data, "d/g", "inner\n", 0600);
	assert_int_equal(mkfifoat(data, "d/fifo", 0620), 0);
	assert_int_equal(symlinkat("/etc/shadow", data, "l"), 0);
	assert_int_equal(symlinkat("/", data, "d/up"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		uid_t uid = users[i] ? FIXTURE_BASE : 0;
		static const char *const names[] = { "", "f", "d", "d/g", "d/fifo", "l", "d/up" };

		for (size_t k = 0; k < ARRAY_SIZE(names); k++)
			assert_int_equal(fchownat(data, names[k], uid, uid + 5,
						  AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH),
					 0);
		assert_int_equal(fchmodat(data, "f", 04711, 0), 0);
		assert_int_equal(fchmodat(data, "d/fifo", 0620, 0), 0);
		assert_int_equal(fchmodat(data, "d", 02775, 0), 0);
		rig_with(users[i], &m, 1);
		assert_string_equal(rig_output(copy_script),
				    ".\n./d\n./d/fifo\n./d/g\n./d/up\n./f\n./l\nfile\ninner\n"
				    "/etc/shadow\n750 0:5 directory\n4711 0:5 regular file\n"
				    "2775 0:5 directory\n620 0:5 fifo\n");
		assert_int_equal(faccessat(data, "new", F_OK, 0), -1);
	}
	/* what can't be copied whole isn't copied in part */
	for (int i = 0; i < 70; i++) {
		int next;

		fixture_mkdir(data, "deep", 0755);
		next = fixture_open_dir(data, "deep");
		(void)close(data);
		data = next;
	}
	rig_with(false, &m, 1);
	assert_int_equal(rig_run("true"), -E2BIG);
	assert_non_null(strstr(fx.error.text, "mounts[7]: /data: tmpcopyup: deep: deep"));
	(void)close(data);
	assert_int_equal(path_remove_tree(fx.layer_fd, "data", &e), 0);
}

/* The host's where a new one is refused. */
static void test_fallbacks(void **state)
{
	(void)state;
	rig_reset(true);
	rig.b.n_masked = 0;
	rig.namespaces &= ~(uint64_t)(CLONE_NEWNET | CLONE_NEWCGROUP);
	assert_string_equal(rig_output("grep -c ' /sys ro.* sysfs ' /proc/self/mountinfo;"
				       "grep -c ' /dev/mqueue ' /proc/self/mountinfo;"
				       "grep -c ' /sys/fs/cgroup rw' /proc/self/mountinfo;"
				       "ls -d /sys/class/net /sys/fs/cgroup/cgroup.procs"),
			    "1\n1\n0\n/sys/class/net\n/sys/fs/cgroup/cgroup.procs\n");
	rig_reset(true);
	rig.namespaces &= ~(uint64_t)CLONE_NEWPID;
	assert_string_equal(rig_output("grep -c ' /proc ' /proc/self/mountinfo"), "1\n");
}

/* Options that don't fit through fsconfig. */
static void test_long_options(void **state)
{
	char lower[1024] = "";
	size_t n = 0;
	struct mount_param data[] = { { "lowerdir", lower }, { "index", "off" } };
	struct bundle_mount m = NEW("overlay", "/o", .source = "overlay", .data = data, .n_data = 2,
				    .attr_set = MOUNT_ATTR_NODEV);

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		char name[32];

		(void)str_format(name, sizeof(name), "lower-with-a-long-name-%zu", i);
		fixture_mkdir(fx.dir_fd, name, 0755);
		n += (size_t)str_format(lower + n, sizeof(lower) - n, "%s%s/%s", n ? ":" : "",
					fx.dir, name);
	}
	assert_true(n > 256);
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		rig_with(users[i], &m, 1);
		assert_string_equal(rig_output("grep -c ' /o rw,nodev,.* overlay ' "
					       "/proc/self/mountinfo; ls /dev/null"),
				    "1\n/dev/null\n");
	}
}

static void test_errors(void **state)
{
	static const struct mount_param unknown[] = { { "no-such", "1" } };
	static const struct {
		struct bundle_mount m;
		const char *text;
	} cases[] = {
		{ { .kind = BUNDLE_BIND, .source = "/no/such", .destination = "/v" }, "/no/such" },
		{ { .kind = BUNDLE_BIND, .source = "/tmp", .destination = "/etc/passwd" },
		  "/etc/passwd" },
		{ { .kind = BUNDLE_BIND, .source = "/dev/null", .destination = "/etc" }, "/etc" },
		{ { .kind = BUNDLE_NEW, .fstype = "nosuchfs", .destination = "/v" }, "nosuchfs" },
		{ { .kind = BUNDLE_NEW,
		    .fstype = "tmpfs",
		    .destination = "/v",
		    .data = unknown,
		    .n_data = 1 },
		  "no-such" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		struct bundle_mount m = cases[i / 2].m;

		m.key = "mounts[7]";
		rig_with(i & 1, &m, 1);
		assert_true(rig_run("true") < 0);
		assert_non_null(strstr(fx.error.text, "mounts[7]"));
		assert_non_null(strstr(fx.error.text, cases[i / 2].text));
	}
	rig_reset(false);
	rig.b.rootfs = "/etc/passwd";
	assert_int_equal(rig_run("true"), -ENOTDIR);
	assert_non_null(strstr(fx.error.text, "root.path"));
}

/* In a joined mount namespace nothing is mounted. */
static void test_no_namespace(void **state)
{
	(void)state;
	rig_reset(false);
	rig.b.private_mounts = false;
	assert_int_equal(rig_run("true"), -EINVAL);
	assert_non_null(strstr(fx.error.text, "mounts needs a new mount namespace"));
	rig.b.n_mounts = rig.b.n_masked = rig.b.n_read_only_paths = 0;
	assert_string_equal(rig_output("ls /bin/sh"), "/bin/sh\n");
	rig.b.read_only = true;
	assert_int_equal(rig_run("true"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes), cmocka_unit_test(test_locked),
		cmocka_unit_test(test_file_kinds), cmocka_unit_test(test_destination_link),
		cmocka_unit_test(test_tmpfs_mode), cmocka_unit_test(test_copy_up),
		cmocka_unit_test(test_fallbacks),  cmocka_unit_test(test_long_options),
		cmocka_unit_test(test_errors),	   cmocka_unit_test(test_no_namespace),
	};

	return cmocka_run_group_tests(tests, rig_group_setup, fixture_group_teardown);
}
