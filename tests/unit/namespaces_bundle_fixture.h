/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small OCI container for the tests of namespaces/bundle*.c: the busybox tree of
 * namespaces_fixture.h as its root, all steps in the engine's order, a shell script run inside.
 * Every test runs it as the host's root and in a user namespace.
 */
#ifndef JAIL_TESTS_NAMESPACES_BUNDLE_FIXTURE_H
#define JAIL_TESTS_NAMESPACES_BUNDLE_FIXTURE_H

#include "namespaces/bundle.h"
#include "namespaces/procfd.h"
#include "tests/unit/namespaces_fixture.h"

#define RIG_HOST_IDS (FIXTURE_ALL_NS & ~(uint64_t)CLONE_NEWUSER)

struct rig {
	struct bundle b;
	uint64_t namespaces;
	struct id_mapping map;
	void (*prepare)(void); /* in the child, before its mounts; or NULL */
	void (*hook)(const struct bundle_root *root); /* after them, before the pivot; or NULL */
	void (*before_exec)(const struct bundle_root *root, int master, int peer);
};
static struct rig rig;
static const bool users[] = { false, true }; /* of a user namespace */

static const struct bundle_mount rig_default[] = {
	{ .key = "mounts[0]",
	  .kind = BUNDLE_NEW,
	  .fstype = "proc",
	  .source = "proc",
	  .destination = "/proc" },
	{ .key = "mounts[1]",
	  .kind = BUNDLE_NEW,
	  .fstype = "tmpfs",
	  .source = "tmpfs",
	  .destination = "/dev",
	  .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME,
	  .attr_clr = MOUNT_ATTR__ATIME,
	  .data = (const struct mount_param[]){ { "mode", "755" }, { "size", "65536k" } },
	  .n_data = 2,
	  .has_mode = true },
	{ .key = "mounts[2]",
	  .kind = BUNDLE_NEW,
	  .fstype = "devpts",
	  .source = "devpts",
	  .destination = "/dev/pts",
	  .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
	  .data = (const struct mount_param[]){ { "newinstance", NULL },
						{ "ptmxmode", "0666" },
						{ "mode", "0620" },
						{ "gid", "5" } },
	  .n_data = 4,
	  .has_mode = true },
	{ .key = "mounts[3]",
	  .kind = BUNDLE_NEW,
	  .fstype = "tmpfs",
	  .source = "shm",
	  .destination = "/dev/shm",
	  .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	  .data = (const struct mount_param[]){ { "mode", "1777" }, { "size", "65536k" } },
	  .n_data = 2,
	  .has_mode = true },
	{ .key = "mounts[4]",
	  .kind = BUNDLE_NEW,
	  .fstype = "mqueue",
	  .source = "mqueue",
	  .destination = "/dev/mqueue",
	  .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC },
	{ .key = "mounts[5]",
	  .kind = BUNDLE_NEW,
	  .fstype = "sysfs",
	  .source = "sysfs",
	  .destination = "/sys",
	  .attr_set =
		  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC },
	{ .key = "mounts[6]",
	  .kind = BUNDLE_CGROUP,
	  .source = "cgroup",
	  .destination = "/sys/fs/cgroup",
	  .attr_set =
		  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC },
};

static const char *const rig_masked[] = {
	"/proc/acpi",	    "/proc/asound",	 "/proc/kcore",	  "/proc/keys",
	"/proc/timer_list", "/proc/timer_stats", "/sys/firmware", "/proc/scsi",
};
static const char *const rig_read_only[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

/* What `runc spec` writes, as host's root or in a user namespace. */
static inline void rig_reset(bool user)
{
	/* Container engines give the root to the container; they let it through to it, too. */
	assert_int_equal(fchown(fx.layer_fd, user ? FIXTURE_BASE : 0, user ? FIXTURE_BASE : 0), 0);
	assert_int_equal(fchmod(fx.dir_fd, 0711), 0);
	rig = (struct rig){
		.b = { .rootfs = fx.layer,
		       .private_mounts = true,
		       .private_user = user,
		       .user_ns = -EBADF,
		       .mounts = rig_default,
		       .n_mounts = ARRAY_SIZE(rig_default),
		       .masked = rig_masked,
		       .n_masked = ARRAY_SIZE(rig_masked),
		       .read_only_paths = rig_read_only,
		       .n_read_only_paths = ARRAY_SIZE(rig_read_only) },
		.namespaces = user ? FIXTURE_ALL_NS : RIG_HOST_IDS,
		.map = { 0, user ? FIXTURE_BASE : 0, IDMAP_COUNT },
	};
	if (user)
		rig.b.maps = (struct id_mappings){ &rig.map, &rig.map, 1, 1 };
}

/* The default mounts and some more. */
static inline void rig_add(const struct bundle_mount *m, size_t n)
{
	static struct bundle_mount all[64];
	size_t first = ARRAY_SIZE(rig_default);

	assert_true(first + n <= ARRAY_SIZE(all));
	memcpy(all, rig_default, sizeof(rig_default));
	memcpy(all + first, m, n * sizeof(*m));
	rig.b.mounts = all;
	rig.b.n_mounts = first + n;
}

static inline int rig_enter(struct bundle_kit *k, struct err *e)
{
	CLEANUP(bundle_root_close) struct bundle_root root = BUNDLE_ROOT_INIT;
	int master = -EBADF, peer = -EBADF;

	if (bundle_mount(&rig.b, k, &root, e) < 0)
		return -e->code;
	if (rig.hook)
		rig.hook(&root);
	if (bundle_pivot(&rig.b, &root, e) < 0 ||
	    (rig.b.terminal && bundle_console(&rig.b, &master, &peer, e) < 0) ||
	    bundle_seal(&rig.b, &root, e) < 0)
		return -e->code;
	if (rig.before_exec)
		rig.before_exec(&root, master, peer);
	return 0;
}

static inline void rig_child(int sock, int out, struct bundle_kit *k, char *const *argv)
{
	static char path[] = "PATH=/bin";
	static char *const env[] = { path, NULL };
	struct err e = ERR_INIT;
	char go;

	procfd_close();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || read(sock, &go, 1) != 1)
		_exit(120);
	if (rig.prepare)
		rig.prepare();
	if (ns_become_root(&e) == 0 && rig_enter(k, &e) == 0) {
		if (dup2(out, 1) != 1 || dup2(out, 2) != 2)
			_exit(121);
		(void)execve("/bin/busybox", argv, env);
		(void)err_sys(&e, "execve");
	}
	(void)send(sock, &e, sizeof(e), MSG_NOSIGNAL);
	_exit(122);
}

/* A started container whose output is read by fixture_finish(). */
static inline int rig_start(const char *script, struct fixture_run *ret)
{
	static char arg0[] = "sh", arg1[] = "-c";
	static char text[8192];
	char *argv[] = { arg0, arg1, text, NULL };
	struct ns_clone how = { .namespaces = rig.namespaces, .cgroup_fd = -EBADF };
	CLEANUP(bundle_kit_close) struct bundle_kit kit = BUNDLE_KIT_INIT;
	int sv[2], pipefd[2], r;

	fx.error = ERR_INIT;
	fx.out[0] = '\0';
	*ret = (struct fixture_run){ .pid = -1, .pidfd = -EBADF, .sock = -EBADF, .out = -EBADF };
	assert_true(str_format(text, sizeof(text), "%s", script) >= 0);
	r = bundle_open(&rig.b, &kit, &fx.error);
	if (r < 0)
		return r;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
	ret->pid = ns_clone(&how, &ret->pidfd, &fx.error);
	if (ret->pid == 0) {
		(void)close(sv[0]);
		rig_child(sv[1], pipefd[1], &kit, argv);
	}
	(void)close(sv[1]);
	(void)close(pipefd[1]);
	ret->sock = sv[0];
	ret->out = pipefd[0];
	assert_true(ret->pid > 0);
	assert_int_equal(id_mappings_write(ret->pid, &rig.b.maps, &fx.error), 0);
	assert_int_equal(write(ret->sock, "g", 1), 1);
	return 0;
}

/* Return: the script's status, or a negative errno with fx.error set. */
static inline int rig_run(const char *script)
{
	struct fixture_run run;
	int r = rig_start(script, &run);

	return r < 0 ? r : fixture_finish(&run, 0);
}

static inline const char *rig_output(const char *script)
{
	int r = rig_run(script);

	if (r != 0)
		print_error("status %d, error \"%s\", output:\n%s\n", r, fx.error.text, fx.out);
	assert_int_equal(r, 0);
	return fx.out;
}

static char volume[128]; /* a directory of the host */
static int volume_fd;

#define BIND(dest, ...)                                                                            \
	{                                                                                          \
		.key = "mounts[7]", .kind = BUNDLE_BIND, .source = volume, .destination = (dest),  \
		__VA_ARGS__                                                                        \
	}
#define NEW(type, dest, ...)                                                                       \
	{                                                                                          \
		.key = "mounts[7]", .kind = BUNDLE_NEW, .fstype = (type), .destination = (dest),   \
		__VA_ARGS__                                                                        \
	}

static inline void rig_with(bool user, const struct bundle_mount *m, size_t n)
{
	rig_reset(user);
	rig_add(m, n);
}

/* On the host. Return: fd of the new mount. */
static inline int attach_tmpfs(const char *path, uint64_t attr)
{
	struct err e = ERR_INIT;
	int fs = mountfd_new("tmpfs", NULL, 0, attr, &e);
	int target = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(fs >= 0 && target >= 0);
	assert_int_equal(mountfd_attach(fs, target, &e), 0);
	(void)close(target);
	return fs;
}

static inline char *rig_mount_table(void)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	char *text;
	size_t n;

	assert_int_equal(fd_read_all(fd, 1u << 20, &text, &n), 0);
	(void)close(fd);
	return text;
}

/* With the volume, and a file in it. */
static inline int rig_group_setup(void **state)
{
	int r = fixture_group_setup(state);

	fixture_mkdir(fx.dir_fd, "volume", 0755);
	volume_fd = fixture_open_dir(fx.dir_fd, "volume");
	fixture_write(volume_fd, "f", "volume\n", 0644);
	assert_int_equal(fchownat(volume_fd, "f", 33, 33, 0), 0);
	(void)str_format(volume, sizeof(volume), "%s/volume", fx.dir);
	return r;
}

#endif
