/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The container that `runc spec` describes, as the host's root and in a user namespace. */
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sys/vfs.h>

#include "tests/unit/namespaces_bundle_fixture.h"

static void test_mounts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		rig_reset(users[i]);
		rig.b.n_masked = 0;
		assert_string_equal(
			rig_output("while read -r a b c root point flags rest; do"
				   " [ $root = / ] && echo $point $flags ${rest##*- }; done"
				   " < /proc/self/mountinfo | while read -r p f t s; do"
				   " echo $p $f $t; done"),
			"/proc rw,relatime proc\n"
			"/dev rw,nosuid tmpfs\n"
			"/dev/pts rw,nosuid,noexec,relatime devpts\n"
			"/dev/shm rw,nosuid,nodev,noexec,relatime tmpfs\n"
			"/dev/mqueue rw,nosuid,nodev,noexec,relatime mqueue\n"
			"/sys ro,nosuid,nodev,noexec,relatime sysfs\n"
			"/sys/fs/cgroup ro,nosuid,nodev,noexec,relatime cgroup2\n");
	}
}

/* By what a program sees (row 25). */
static void test_sealed(void **state)
{
	static const char *const masked[] = { "/proc/iomem", "/proc/timer_list", "/sys/firmware",
					      "/proc/fs",    "/nonexistent/x",	 "/bin/sh/x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		rig_reset(users[i]);
		rig.b.masked = masked;
		rig.b.n_masked = ARRAY_SIZE(masked);
		assert_string_equal(
			rig_output("cat /proc/iomem /proc/timer_list; ls -A /sys/firmware /proc/fs;"
				   "stat -c '%F %t:%T' /proc/iomem /proc/timer_list;"
				   "(echo x > /sys/firmware/x) 2>/dev/null || echo ro;"
				   "(echo x > /proc/sys/kernel/hostname) 2>/dev/null || echo ro;"
				   "(echo x > /proc/sysrq-trigger) 2>/dev/null || echo ro;"
				   "cat /proc/sys/kernel/ostype; echo x > /made && echo rw;"
				   "rm /made"),
			"/proc/fs:\n\n/sys/firmware:\n"
			"character special file 1:3\ncharacter special file 1:3\n"
			"ro\nro\nro\nLinux\nrw\n");
		rig_reset(users[i]);
		rig.b.read_only = true;
		assert_string_equal(rig_output("(echo x > /made) 2>/dev/null || echo ro;"
					       "echo x > /dev/shm/x && cat /dev/shm/x"),
				    "ro\nx\n");
	}
}

static void test_dev(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		rig_reset(users[i]);
		assert_string_equal(
			rig_output("cd /dev; ls -1 | grep -v core; for d in null zero full random "
				   "urandom tty; do"
				   " stat -c '%F %t:%T %a' $d; done;"
				   " for d in fd stdin stdout stderr ptmx; do readlink $d; done;"
				   "echo x > null; ls -1 pts; stat -c %a / /dev /dev/shm"),
			"fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\n"
			"stdout\ntty\nurandom\nzero\n"
			"character special file 1:3 666\ncharacter special file 1:5 666\n"
			"character special file 1:7 666\ncharacter special file 1:8 666\n"
			"character special file 1:9 666\ncharacter special file 5:0 666\n"
			"/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/"
			"ptmx\n"
			"ptmx\n755\n755\n1777\n");
	}
}

static void console_echo(const struct bundle_root *root, int master, int peer)
{
	char buf[16] = "";

	(void)root;
	if (write(peer, "ping", 4) != 4 || read(master, buf, sizeof(buf)) != 4 ||
	    memcmp(buf, "ping", 4) != 0)
		_exit(70);
}

static void test_console(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		rig_reset(users[i]);
		rig.b.terminal = true;
		rig.before_exec = console_echo;
		assert_string_equal(rig_output("stat -c '%F %t:%T %u' /dev/console"),
				    "character special file 88:0 0\n");
	}
}

/* The old root is gone, one way or the other (row 29). */
static void chroot_break(const struct bundle_root *root, int master, int peer)
{
	int here = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat start, end;

	(void)root;
	(void)master;
	(void)peer;
	if (here < 0 || fstat(here, &start) < 0 || mkdirat(here, "d", 0755) < 0 ||
	    syscall(SYS_chroot, "/d") < 0 || fchdir(here) < 0 || unlinkat(here, "d", AT_REMOVEDIR))
		_exit(80);
	for (int i = 0; i < 64; i++) {
		if (chdir("..") < 0)
			_exit(81);
	}
	if (stat(".", &end) < 0 || end.st_ino != start.st_ino || end.st_dev != start.st_dev)
		_exit(82);
	if (syscall(SYS_chroot, ".") < 0 || chdir("/") < 0)
		_exit(83);
}

static void test_pivot(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		rig_reset(users[i]);
		rig.before_exec = chroot_break;
		assert_string_equal(rig_output("grep -c ' / / ' /proc/self/mountinfo; ls /"),
				    "0\nbin\ndev\netc\nproc\nsys\n");
	}
}

/* createContainer hooks look at the root's own path, with the host's root around them. */
static void look_at_path(const struct bundle_root *root)
{
	char path[160];
	struct stat st;

	(void)root;
	(void)str_format(path, sizeof(path), "%s/proc/self", fx.layer);
	if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode) || stat(fx.dir, &st) < 0)
		_exit(95);
	/* and what they mount there is in the container */
	(void)str_format(path, sizeof(path), "%s/etc", fx.layer);
	if (syscall(SYS_mount, "hook", path, "tmpfs", 0ul, NULL) < 0)
		_exit(96);
}

static void test_hooks_see_mounts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		rig_reset(users[i]);
		rig.hook = look_at_path;
		assert_string_equal(rig_output("ls -A /etc; grep -c ' - tmpfs hook '"
					       " /proc/self/mountinfo"),
				    "1\n");
	}
}

/* What must be made below what is to be read-only is made before (runc seals in the end, too). */
static void test_read_only_is_last(void **state)
{
	static const struct bundle_mount m[] = {
		{ .key = "mounts[0]",
		  .kind = BUNDLE_NEW,
		  .fstype = "proc",
		  .destination = "/proc" },
		{ .key = "mounts[1]",
		  .kind = BUNDLE_NEW,
		  .fstype = "tmpfs",
		  .destination = "/dev",
		  .attr_set = MOUNT_ATTR_RDONLY },
		{ .key = "mounts[2]",
		  .kind = BUNDLE_NEW,
		  .fstype = "devpts",
		  .destination = "/dev/pts",
		  .attr_set = MOUNT_ATTR_NOEXEC },
		{ .key = "mounts[3]",
		  .kind = BUNDLE_NEW,
		  .fstype = "tmpfs",
		  .destination = "/x/y/z" },
	};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		rig_reset(users[i]);
		rig.b.mounts = m;
		rig.b.n_mounts = ARRAY_SIZE(m);
		rig.b.read_only = true;
		rig.b.terminal = true;
		assert_string_equal(
			rig_output("for d in / /dev /x /x/y/z; do"
				   " (echo x > $d/f) 2>/dev/null && echo rw $d; done;"
				   " stat -c %F /dev/console /dev/null; echo x > /dev/null"),
			"rw /x/y/z\ncharacter special file\ncharacter special file\n");
		assert_int_equal(path_remove_tree(fx.layer_fd, "x", &e), 0);
	}
}

/* A caller who is nobody: one id, his own. All is made by the child. */
static void unprivileged(void)
{
	int status = 1;

	if (syscall(SYS_setgroups, 0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
	    setresuid(65534, 65534, 65534) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
		_exit(100);
	procfd_close();
	if (rig_run("id -u; cat /proc/timer_list; ls /sys/class/net; echo x > /dev/null;"
		    "stat -c %t:%T /dev/zero; cat /etc/hostname") == 0 &&
	    str_eq(fx.out, "0\nlo\n1:5\nimage\n"))
		status = 0;
	else
		print_error("%s\n%s\n%s\n", fx.error.text, fx.error.hint, fx.out);
	_exit(status);
}

static void test_unprivileged(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	rig_reset(true);
	assert_int_equal(fchown(fx.layer_fd, 65534, 65534), 0);
	rig.map = (struct id_mapping){ 0, 65534, 1 };
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		unprivileged();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* As on an initramfs. */
static void pivot_is_refused(const struct bundle_root *root)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pivot_root, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	(void)root;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(90);
}

/* Whoever takes the root away finds nothing that was mounted on the host's. */
static void look_below(const struct bundle_root *root, int master, int peer)
{
	int ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	struct stat before, after;
	struct statfs fs;

	chroot_break(root, master, peer);
	if (ns < 0 || stat("/", &before) < 0 || setns(ns, CLONE_NEWNS) < 0)
		_exit(91);
	if (stat("/", &after) < 0 || after.st_ino != before.st_ino)
		_exit(92);
	if (syscall(SYS_umount2, "/", 2) < 0 || setns(ns, CLONE_NEWNS) < 0)
		_exit(93);
	if (statfs("/proc", &fs) < 0 || fs.f_type == PROC_SUPER_MAGIC || statfs("/sys", &fs) < 0 ||
	    fs.f_type == SYSFS_MAGIC || access("/proc/self", F_OK) == 0)
		_exit(94);
	_exit(0);
}

static void test_no_pivot(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		rig_reset(i & 1);
		if (i & 2)
			assert_int_equal(fchmod(fx.dir_fd, 0700), 0);
		rig.hook = pivot_is_refused;
		assert_int_equal(rig_run("true"), -EINVAL);
		rig.b.no_pivot = true;
		assert_string_equal(rig_output("echo /*; cd ..; echo *; cat /proc/timer_list"),
				    "/bin /dev /etc /proc /sys\nbin dev etc proc sys\n");
		rig.before_exec = look_below;
		assert_int_equal(rig_run("true"), 0);
		/* and where it works it is taken */
		rig.hook = NULL;
		rig.before_exec = chroot_break;
		assert_string_equal(rig_output("echo *"), "bin dev etc proc sys\n");
	}
}

/* As on a systemd host, where everything is shared. */
static void test_host_is_unchanged(void **state)
{
	struct err e = ERR_INIT;
	char *before, *after;

	(void)state;
	assert_int_equal(mountfd_propagation_all(MS_SHARED, &e), 0);
	before = rig_mount_table();
	for (size_t i = 0; i < 8; i++) {
		rig_reset(i & 1);
		rig.b.no_pivot = i & 2;
		rig.hook = i & 2 ? pivot_is_refused : NULL;
		if (i & 4) /* the child doesn't get to the root's path */
			assert_int_equal(fchmod(fx.dir_fd, 0700), 0);
		(void)rig_output("mount -t tmpfs x /bin");
	}
	after = rig_mount_table();
	assert_string_equal(before, after);
	free(before);
	free(after);
	assert_int_equal(mountfd_propagation_all(MS_PRIVATE, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_dev),
		cmocka_unit_test(test_console),
		cmocka_unit_test(test_hooks_see_mounts),
		cmocka_unit_test(test_read_only_is_last),
		cmocka_unit_test(test_unprivileged),
		cmocka_unit_test(test_pivot),
		cmocka_unit_test(test_no_pivot),
		cmocka_unit_test(test_host_is_unchanged),
	};

	return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
