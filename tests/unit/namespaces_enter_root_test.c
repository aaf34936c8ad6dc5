/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an instance finds when it has entered its root file system: exactly the mounts of the plan
 * with exactly their flags, the fixed list of devices, its own ids; and what the host is left with:
 * nothing.
 */
#include <sys/sysmacros.h>

#include "tests/unit/namespaces_fixture.h"

/* Mount points and their flags, in the order of the plan; nothing else may be mounted. */
static const char *const plan[][2] = {
	{ "/", "rw,nodev,relatime" },
	{ "/proc", "rw,nosuid,nodev,noexec,relatime" },
	{ "/sys", "ro,nosuid,nodev,noexec,relatime" },
	{ "/sys/fs/cgroup", "ro,nosuid,nodev,noexec,relatime" },
	{ "/dev", "rw,nosuid,noexec,relatime" },
	{ "/dev/pts", "rw,nosuid,noexec,relatime" },
	{ "/dev/shm", "rw,nosuid,nodev,relatime" },
	{ "/dev/mqueue", "rw,nosuid,nodev,noexec,relatime" },
	{ "/run", "rw,nosuid,nodev,relatime" },
	{ "/tmp", "rw,nosuid,nodev,relatime" },
};

static const char *plan_flags(const char *point)
{
	for (size_t i = 0; i < ARRAY_SIZE(plan); i++) {
		if (str_eq(plan[i][0], point))
			return plan[i][1];
	}
	return NULL;
}

/* Fields 4, 5, 6, 7 of a line of mountinfo: root, mount point, flags, first optional field. */
static void mountinfo_line(const char *line, char root[256], char point[256], char flags[256],
			   char optional[256])
{
	assert_int_equal(
		sscanf(line, "%*d %*d %*s %255s %255s %255s %255s", root, point, flags, optional),
		4);
}

static void test_mounts(void **state)
{
	size_t seen = 0;
	const char *line;

	fixture_reset();
	fx.late = state == NULL;
	line = fixture_output("cat /proc/self/mountinfo");
	while (*line) {
		char root[256], point[256], flags[256], optional[256];
		const char *want;

		mountinfo_line(line, root, point, flags, optional);
		want = plan_flags(point);
		/* no "shared:", no "master:": private (row 29) */
		assert_string_equal(optional, "-");
		if (want) {
			assert_string_equal(flags, want);
			assert_string_equal(root, "/");
			seen++;
		} else { /* a mask or a read-only path: below a kernel file system, read-only */
			assert_true(str_starts(point, "/proc/") || str_starts(point, "/sys/"));
			assert_true(str_starts(flags, "ro,nosuid,nodev,noexec"));
		}
		line = strchr(line, '\n') + 1;
	}
	assert_int_equal(seen, ARRAY_SIZE(plan));
}

/* The same when all the child's work is done at the end. */
static void test_mounts_late(void **state)
{
	(void)state;
	test_mounts(NULL);
}

static void test_ids(void **state)
{
	(void)state;
	fixture_reset();
	assert_string_equal(fixture_output("pwd; cat /proc/self/uid_map /proc/self/gid_map;"
					   "id; grep -E 'Uid|Gid|Groups' /proc/self/status"),
			    "/\n"
			    "         0 1342177280      65536\n"
			    "         0 1342177280      65536\n"
			    "uid=0(root) gid=0\n"
			    "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t \n");
	/* files of the layer, of the upper directory, of tmpfs, and kernel files */
	assert_string_equal(
		fixture_output("echo x > /new; mkdir /d;"
			       "stat -c '%n %u:%g %a' / /bin /etc/passwd /new /d /run /tmp"
			       " /dev/shm /dev /dev/null /dev/pts /dev/pts/ptmx"),
		"/ 0:0 755\n/bin 0:0 755\n/etc/passwd 0:0 644\n/new 0:0 644\n/d 0:0 755\n"
		"/run 0:0 755\n/tmp 0:0 1777\n/dev/shm 0:0 1777\n/dev 0:0 755\n"
		"/dev/null 0:0 666\n/dev/pts 0:0 755\n/dev/pts/ptmx 0:0 666\n");
}

/* The layer is shared: nothing in it changes, what is written is in the upper directory, with the
 * range's owner. */
static void test_layer_is_shared(void **state)
{
	struct stat st;

	(void)state;
	fixture_reset();
	(void)fixture_output("echo changed > /etc/hostname && chmod 600 /etc/passwd && rm /bin/df");
	assert_int_equal(fstatat(fx.layer_fd, "etc/hostname", &st, 0), 0);
	assert_int_equal(st.st_size, 6);
	assert_int_equal(fstatat(fx.layer_fd, "bin/df", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(fstatat(fx.layer_fd, "etc/passwd", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(fstatat(fx.instance, "upper/etc/hostname", &st, 0), 0);
	assert_int_equal(st.st_uid, FIXTURE_BASE);
	assert_int_equal(st.st_size, 8);
	/* a second start finds it again */
	assert_string_equal(fixture_output("cat /etc/hostname; stat -c %a /etc/passwd"),
			    "changed\n600\n");
}

static void test_dev(void **state)
{
	(void)state;
	fixture_reset();
	assert_string_equal(fixture_output("ls -1 /dev /dev/pts"),
			    "/dev:\nfd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\n"
			    "stdout\ntty\nurandom\nzero\n\n/dev/pts:\nptmx\n");
	assert_string_equal(
		fixture_output("for d in null zero full random urandom tty; do"
			       " stat -c '%F %t:%T' /dev/$d; done;"
			       "for d in fd stdin stdout stderr ptmx; do readlink /dev/$d; done"),
		"character special file 1:3\ncharacter special file 1:5\n"
		"character special file 1:7\ncharacter special file 1:8\n"
		"character special file 1:9\ncharacter special file 5:0\n"
		"/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\n");
	/* they work */
	assert_string_equal(
		fixture_output("echo x > /dev/null && cat /dev/null &&"
			       "dd if=/dev/zero bs=7 count=1 2>/dev/null | tr '\\0' z &&"
			       "dd if=/dev/urandom bs=9 count=1 2>/dev/null | wc -c;"
			       "echo x > /dev/full || echo full"),
		"zzzzzzz9\nsh: write error: No space left on device\nfull\n");
	/* without a terminal there is none (row 82), and nodes can't be made anywhere (row 31) */
	assert_string_equal(fixture_output("(exec 3<>/dev/tty) 2>/dev/null || echo none;"
					   "for d in /dev /tmp /run /dev/shm /; do"
					   " mknod $d/x b 8 0 2>/dev/null || echo refused; done"),
			    "none\nrefused\nrefused\nrefused\nrefused\nrefused\n");
}

static void test_devices(void **state)
{
	const struct rootfs_device devices[] = {
		{ "/dev/fuse", S_IFCHR | 0600, makedev(10, 229) },
		{ "/dev/net/nothing", S_IFCHR | 0666, makedev(1, 3) },
	};
	const struct rootfs_device outside = { "/dev/../etc/x", S_IFCHR | 0666, makedev(1, 3) };

	(void)state;
	fixture_reset();
	fx.spec.devices = devices;
	fx.spec.n_devices = ARRAY_SIZE(devices);
	assert_string_equal(fixture_output("stat -c '%F %t:%T %u %a' /dev/fuse /dev/net/nothing;"
					   "echo x > /dev/net/nothing; stat -c %u /dev/net"),
			    "character special file a:e5 0 600\n"
			    "character special file 1:3 0 666\n0\n");
	fx.spec.n_devices = 1;
	fx.spec.devices = &outside;
	assert_int_equal(fixture_run("true"), -EINVAL);
}

static void test_limits(void **state)
{
	static const struct rootfs_mount tmpfs[] = {
		{ .kind = BIND_TMPFS,
		  .destination = "/small/deep",
		  .size_bytes = 1u << 20,
		  .mode = 0700,
		  .noexec = true },
		{ .kind = BIND_TMPFS, .destination = "/tmp", .size_bytes = 2u << 20 },
	};

	(void)state;
	fixture_reset();
	fx.spec.mounts = tmpfs;
	fx.spec.n_mounts = 2;
	fx.spec.shm_size_bytes = 1u << 20;
	/* every tmpfs is full at its size (row 69) */
	assert_string_equal(
		fixture_output(
			"for d in /small/deep /tmp /dev/shm; do"
			" dd if=/dev/zero of=$d/f bs=64k count=100 2>/dev/null || stat -c %s $d/f;"
			" done; dd if=/dev/zero of=/dev/f bs=64k count=100 2>/dev/null || echo no;"
			"stat -c '%a' /small/deep /tmp;"
			"grep -c ' /tmp ' /proc/self/mountinfo;"
			"grep ' /small/deep ' /proc/self/mountinfo | grep -c noexec"),
		"1048576\n2097152\n1048576\nno\n700\n1777\n1\n1\n");
	/* and has a number of inodes */
	assert_string_equal(fixture_output("i=0; while echo > /small/deep/$i; do i=$((i+1));"
					   "[ $i -lt 2000 ] || exit 1; done 2>/dev/null;"
					   "test $i -gt 100 && echo bounded"),
			    "bounded\n");
}

static void test_read_only(void **state)
{
	(void)state;
	fixture_reset();
	fx.spec.read_only = true;
	assert_string_equal(
		fixture_output("(echo x > /x) 2>/dev/null || echo ro; echo x > /tmp/x && echo tmp;"
			       "grep ' / / ' /proc/self/mountinfo | grep -c ' ro,'"),
		"ro\ntmp\n1\n");
}

static void test_generated_files(void **state)
{
	static const struct rootfs_file files[] = {
		{ "/etc/hostname", "web\n", 4, -EBADF },
		{ "/etc/hosts", "127.0.0.1 localhost\n", 20, -EBADF },
		{ "/etc/resolv.conf", "nameserver 10.88.0.1\n", 21, -EBADF },
	};
	struct stat st;

	(void)state;
	fixture_reset();
	assert_int_equal(symlinkat("../run/systemd/resolve/stub-resolv.conf", fx.layer_fd,
				   "etc/resolv.conf"),
			 0);
	fx.spec.files = files;
	fx.spec.n_files = ARRAY_SIZE(files);
	for (int read_only = 0; read_only < 2; read_only++) {
		fixture_reset();
		fx.spec.files = files;
		fx.spec.n_files = ARRAY_SIZE(files);
		fx.spec.read_only = read_only;
		assert_string_equal(
			fixture_output("cat /etc/hostname /etc/hosts /etc/resolv.conf;"
				       "echo more >> /etc/hosts && cat /etc/hosts;"
				       "stat -c '%a %u %F' /etc/hosts /etc/resolv.conf"),
			"web\n127.0.0.1 localhost\nnameserver 10.88.0.1\n"
			"127.0.0.1 localhost\nmore\n644 0 regular file\n644 0 regular file\n");
	}
	/* the mount point that was missing is an empty file, what is in it was never on disk */
	assert_int_equal(fstatat(fx.instance, "upper/etc/hosts", &st, 0), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(unlinkat(fx.layer_fd, "etc/resolv.conf", 0), 0);
}

/* Writes into the file when the instance has shown that it is there. */
static pid_t write_later(int fd, const char *text)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < 3000; i++) {
			if (faccessat(fx.instance, "upper/ready", F_OK, 0) == 0)
				_exit(pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text));
			(void)usleep(10000);
		}
		_exit(2);
	}
	return pid;
}

/* One file for many: what its owner writes is seen, and nobody inside can write. */
static void test_shared_file(void **state)
{
	CLEANUP_FD int owner = -EBADF, fd = -EBADF;
	struct rootfs_file file = { "/etc/hosts", NULL, 0, -EBADF };
	static const struct rootfs_mount over = { .kind = BIND_TMPFS, .destination = "/etc/hosts" };
	char *data = NULL;
	size_t n;
	pid_t pid;
	int status;

	(void)state;
	fixture_reset();
	fixture_write(fx.dir_fd, "shared", "10.88.0.7 old\n", 0644);
	owner = openat(fx.dir_fd, "shared", O_RDWR | O_CLOEXEC);
	file.fd = fd = openat(fx.dir_fd, "shared", O_RDONLY | O_CLOEXEC);
	assert_true(owner >= 0 && fd >= 0);
	fx.spec.files = &file;
	fx.spec.n_files = 1;
	pid = write_later(owner, "10.88.0.7 new\n");
	assert_string_equal(
		fixture_output("cat /etc/hosts; > /ready;"
			       "until grep -q new /etc/hosts; do sleep 0.01; done; cat /etc/hosts;"
			       "(echo x >> /etc/hosts) 2>/dev/null || echo read-only;"
			       "mount -o remount,bind,rw /etc/hosts && echo remounted;"
			       "(echo x >> /etc/hosts) 2>/dev/null || echo not his;"
			       "chmod 666 /etc/hosts 2>/dev/null || echo nor its mode;"
			       "(umount /etc/hosts; echo own > /etc/hosts) && cat /etc/hosts"),
		"10.88.0.7 old\n10.88.0.7 new\nread-only\nremounted\nnot his\nnor its mode\nown\n");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(fd_read_all(fd, 4096, &data, &n), 0);
	assert_string_equal(data, "10.88.0.7 new\n");
	free(data);
	/* A mount of the spec goes before it. */
	fixture_reset();
	fx.spec.files = &file;
	fx.spec.n_files = 1;
	fx.spec.mounts = &over;
	fx.spec.n_mounts = 1;
	assert_string_equal(fixture_output("test -d /etc/hosts && echo tmpfs"), "tmpfs\n");
	assert_int_equal(unlinkat(fx.dir_fd, "shared", 0), 0);
}

/* pts 0 of its own devpts, reachable by its name only through that (rows 18, 82). */
static void console_echo(int console, int peer)
{
	char buf[16] = "";

	if (write(peer, "ping", 4) != 4 || read(console, buf, sizeof(buf)) != 4 ||
	    memcmp(buf, "ping", 4) != 0)
		_exit(70);
	if (rootfs_open_pty(&console, &peer, &(struct err){ 0 }) < 0)
		_exit(71);
	if (write(peer, "pong", 4) != 4 || read(console, buf, sizeof(buf)) != 4)
		_exit(72);
}

/* The directories of the image's /run, not its files or links, in a tmpfs. */
static void test_run_skeleton(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	fixture_reset();
	fixture_mkdir(fx.layer_fd, "run", 0755);
	fixture_mkdir(fx.layer_fd, "run/lock", 01777);
	fixture_mkdir(fx.layer_fd, "run/db", 02775);
	fixture_mkdir(fx.layer_fd, "run/db/a", 0700);
	assert_int_equal(fchownat(fx.layer_fd, "run/db", 5, 70000, 0), 0);
	assert_int_equal(fchmodat(fx.layer_fd, "run/db", 02775, 0), 0);
	fixture_write(fx.layer_fd, "run/nginx.pid", "1\n", 0644);
	assert_int_equal(symlinkat("/etc", fx.layer_fd, "run/link"), 0);
	assert_string_equal(fixture_output("find /run | sort; stat -c '%a %u:%g' /run/lock /run/db"
					   " /run/db/a; grep -c ' / /run ' /proc/self/mountinfo"),
			    "/run\n/run/db\n/run/db/a\n/run/lock\n1777 0:0\n2775 5:65534\n700 0:0\n"
			    "1\n");
	/* bounded */
	for (unsigned i = 0; i < 400; i++) {
		char name[32];

		assert_true(str_format(name, sizeof(name), "run/d%u", i) > 0);
		fixture_mkdir(fx.layer_fd, name, 0755);
	}
	assert_string_equal(fixture_output("find /run -type d | wc -l"), "257\n");
	assert_int_equal(path_remove_tree(fx.layer_fd, "run", &e), 0);
}

static void test_console(void **state)
{
	struct fixture_run run;
	int r;

	(void)state;
	fixture_reset();
	fx.spec.terminal = true;
	r = fixture_start("stat -c '%F %t:%T %a %u:%g' /dev/console; grep -c ' /dev/console '"
			  " /proc/self/mountinfo",
			  console_echo, &run);
	assert_int_equal(fixture_finish(&run, r), 0);
	assert_string_equal(fx.out, "character special file 88:0 620 0:5\n1\n");
}

/* The classic way out of a chroot ends at the root (row 29). */
static void chroot_break(int console, int peer)
{
	int here = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat root, end;

	(void)console;
	(void)peer;
	if (here < 0 || fstat(here, &root) < 0 || mkdirat(here, "d", 0755) < 0 ||
	    syscall(SYS_chroot, "/d") < 0 || fchdir(here) < 0)
		_exit(80);
	for (int i = 0; i < 64; i++) {
		if (chdir("..") < 0)
			_exit(81);
	}
	if (stat(".", &end) < 0 || end.st_ino != root.st_ino || end.st_dev != root.st_dev)
		_exit(82);
	if (syscall(SYS_chroot, ".") < 0 || chdir("/") < 0)
		_exit(83);
}

static void test_chroot_break(void **state)
{
	struct fixture_run run;
	int r;

	(void)state;
	fixture_reset();
	r = fixture_start("ls /", chroot_break, &run);
	assert_int_equal(fixture_finish(&run, r), 0);
	assert_string_equal(fx.out, "bin\nd\ndev\netc\nproc\nrun\nsys\ntmp\n");
}

/* One's own namespaces show one's own things (row 77), and only processes of the instance. */
static void test_views(void **state)
{
	(void)state;
	fixture_reset();
	assert_string_equal(fixture_output("ls /sys/class/net; echo /proc/[0-9]*;"
					   "cat /proc/net/unix | wc -l; cat /proc/self/cgroup |"
					   " grep '^0:'; (echo 1 > /sys/fs/cgroup/cgroup.procs)"
					   " 2>/dev/null || echo ro"),
			    "lo\n/proc/1\n1\n0::/\nro\n");
}

static char *mount_table(void)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	char *text;
	size_t n;

	assert_int_equal(fd_read_all(fd, 1u << 20, &text, &n), 0);
	(void)close(fd);
	return text;
}

/* As on a systemd host, all mounts are shared: nothing of an instance may show up, whether its ids
 * are its own or the host's, and whichever half begins (row 29). */
static void test_host_is_unchanged(void **state)
{
	struct err e = ERR_INIT;
	char cwd[256], cwd_after[256];
	char *before, *after;

	(void)state;
	assert_int_equal(mountfd_propagation_all(MS_SHARED, &e), 0);
	before = mount_table();
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	for (int i = 0; i < 4; i++) {
		fixture_reset();
		fx.late = i & 1;
		if (i & 2) {
			fx.ids.count = 0;
			fx.namespaces &= ~(uint64_t)CLONE_NEWUSER;
		}
		(void)fixture_output("mount -t tmpfs x /run");
	}
	after = mount_table();
	assert_string_equal(before, after);
	assert_non_null(getcwd(cwd_after, sizeof(cwd_after)));
	assert_string_equal(cwd, cwd_after);
	free(before);
	free(after);
	assert_int_equal(mountfd_propagation_all(MS_PRIVATE, &e), 0);
}

static void test_host_ids(void **state)
{
	struct stat st;

	(void)state;
	fixture_reset();
	fx.ids = (struct id_range){ 0 };
	fx.namespaces &= ~(uint64_t)CLONE_NEWUSER;
	assert_string_equal(
		fixture_output("cat /proc/self/uid_map; echo x > /new; stat -c %u / /new /dev/null;"
			       "ls /sys/class/net; (echo x > /proc/sys/kernel/hostname) 2>/dev/null"
			       " || echo ro"),
		"         0          0 4294967295\n0\n0\n0\nlo\nro\n");
	assert_int_equal(fstatat(fx.instance, "upper/new", &st, 0), 0);
	assert_int_equal(st.st_uid, 0);
}

static void test_host_network(void **state)
{
	(void)state;
	fixture_reset();
	fx.spec.host_network = true;
	fx.namespaces &= ~(uint64_t)CLONE_NEWNET;
	assert_string_equal(
		fixture_output("ls /sys/class/net; ls -d /sys/class/tty;"
			       "grep ' / /sys ' /proc/self/mountinfo | grep -c"
			       " ' ro,nosuid,nodev,noexec,'; ls /sys/fs/cgroup | grep -c"
			       " cgroup.procs"),
		"/sys/class/tty\n1\n1\n");
}

static void test_many_layers(void **state)
{
	static char paths[LIMIT_LAYERS][128];
	static const char *layers[LIMIT_LAYERS];

	(void)state;
	fixture_reset();
	for (size_t i = 0; i < LIMIT_LAYERS - 1; i++) {
		char name[32];
		int fd;

		assert_true(str_format(name, sizeof(name), "l%zu", i) > 0);
		assert_true(str_format(paths[i], sizeof(paths[i]), "%s/%s", fx.dir, name) > 0);
		fixture_mkdir(fx.dir_fd, name, 0755);
		fd = fixture_open_dir(fx.dir_fd, name);
		fixture_write(fd, "which", name, 0644);
		fixture_write(fd, name, "", 0644);
		(void)close(fd);
		layers[i] = paths[i];
	}
	layers[LIMIT_LAYERS - 1] = fx.layer;
	fx.spec.layer_paths = layers;
	fx.spec.n_layers = LIMIT_LAYERS;
	assert_string_equal(fixture_output("cat /which; ls -d /l* | wc -l"), "l0127\n");
}

static void test_errors_name_their_object(void **state)
{
	const char *missing[] = { "/nonexistent/layer" };

	(void)state;
	fixture_reset();
	fx.spec.layer_paths = missing;
	assert_int_equal(fixture_run("true"), -ENOENT);
	assert_non_null(strstr(fx.error.text, "layer /nonexistent/layer"));
	fixture_reset();
	fx.spec.n_layers = 0;
	assert_int_equal(fixture_run("true"), -EINVAL);
	fixture_reset();
	fx.spec.kind = ROOTFS_DIRECTORY;
	fx.spec.directory = "/etc/passwd";
	assert_int_equal(fixture_run("true"), -ENOTDIR);
	assert_non_null(strstr(fx.error.text, "/etc/passwd"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_mounts_late),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_layer_is_shared),
		cmocka_unit_test(test_dev),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_generated_files),
		cmocka_unit_test(test_shared_file),
		cmocka_unit_test(test_run_skeleton),
		cmocka_unit_test(test_console),
		cmocka_unit_test(test_chroot_break),
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_host_is_unchanged),
		cmocka_unit_test(test_host_ids),
		cmocka_unit_test(test_host_network),
		cmocka_unit_test(test_many_layers),
		cmocka_unit_test(test_errors_name_their_object),
	};

	return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
