/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: does this host do what jail needs? Each line is an attempt, not a look at a version
 * number: a child in a mount and network namespace of its own makes the thing, and what it made
 * dies with it. The table is the list; a feature that is added to the engine gets its row here.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/path.h"
#include "base/sys.h"
#include "cgroups/devices.h"
#include "namespaces/clone.h"
#include "namespaces/mountfd.h"
#include "runtime/check_priv.h"
#include "runtime/creds.h"
#include "runtime/engine_priv.h"
#include "runtime/lxcfs.h"
#include "runtime/seccomp.h"

struct row {
	const char *group, *name;
	enum check_need need;
	bool in_child; /* forked, with private mount and network namespaces */
	int (*try)(struct attempt *a); /* 0 or negative with *a->e or a->detail set */
	uint64_t arg;
};

static int try_root(struct attempt *a)
{
	return geteuid() == 0 ? 0 : err_set(a->e, EPERM, "run it as root");
}

static int try_kernel(struct attempt *a)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	CLEANUP_FD int fd = sys_openat2(AT_FDCWD, "/", &how), pidfd = -EBADF;
	struct utsname u;

	if (fd < 0)
		return err_sys(a->e, "openat2 (Linux 5.6)");
	pidfd = sys_pidfd_open(getpid(), 0);
	if (pidfd < 0)
		return err_sys(a->e, "pidfd_open (Linux 5.3)");
	if (sys_close_range(1u << 30, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return err_sys(a->e, "close_range with CLOSE_RANGE_CLOEXEC (Linux 5.11)");
	if (uname(&u) == 0)
		(void)str_format(a->detail, 256, "%s %.60s", u.sysname, u.release);
	return 0;
}

static int try_namespace(struct attempt *a)
{
	struct ns_clone c = { .namespaces = a->arg, .cgroup_fd = -EBADF };
	CLEANUP_FD int pidfd = -EBADF;
	pid_t pid = ns_clone(&c, &pidfd, a->e);

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return pid;
	(void)waitpid(pid, NULL, 0);
	return 0;
}

/* A child with a new user namespace, mapped as an instance would be; it ends when its pipe closes.
 */
static pid_t mapped_child(const struct attempt *a, int *ret_pidfd, int *ret_pipe)
{
	struct id_range ids = { a->config->ids.first, IDMAP_COUNT };
	struct ns_clone c = { .namespaces = CLONE_NEWUSER | CLONE_NEWNS,
			      .cgroup_fd = -EBADF,
			      .owner_uid = ids.first };
	int p[2], r;
	pid_t pid;
	char byte;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(a->e, "pipe");
	pid = ns_clone(&c, ret_pidfd, a->e);
	if (pid == 0) {
		(void)close(p[1]);
		_exit(read(p[0], &byte, 1) < 0);
	}
	(void)close(p[0]);
	*ret_pipe = p[1];
	if (pid < 0)
		return pid;
	r = idmap_write(pid, &ids, a->e);
	return r < 0 ? r : pid;
}

int check_nearest_directory(const char *path)
{
	char copy[PATH_MAX];
	int fd = -ENOENT;

	if (str_format(copy, sizeof(copy), "%s", path) < 0)
		return -ENAMETOOLONG;
	while (fd < 0 && copy[0]) {
		fd = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			*strrchr(copy, '/') = '\0';
	}
	return fd >= 0 ? fd : open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int make_dirs(int where, const char *name, struct err *e)
{
	static const char *const parts[] = { "", "/layer", "/instance" };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		char path[64];

		(void)str_format(path, sizeof(path), "%s%s", name, parts[i]);
		if (mkdirat(where, path, 0755) < 0)
			return err_sys(e, "make a directory on the state file system");
	}
	return 0;
}

/* The real thing: idmapped layer, overlay above it, as a start makes them. */
static int overlay_in(int where, const char *name, const struct attempt *a)
{
	CLEANUP_FD int dir = -EBADF, pidfd = -EBADF, hold = -EBADF;
	char layer[PATH_MAX], path[64];
	const char *layers[] = { layer };
	struct rootfs_kit kit = { .n = 0 };
	struct rootfs_spec spec = { .kind = ROOTFS_OVERLAY, .layer_paths = layers, .n_layers = 1 };
	pid_t pid;
	int r;

	(void)str_format(path, sizeof(path), "%s/instance", name);
	dir = path_open_beneath(where, path, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return err_ret(a->e, dir, "open %s", path);
	(void)str_format(layer, sizeof(layer), "/proc/self/fd/%d/%s/layer", where, name);
	spec.ids = (struct id_range){ a->config->ids.first, IDMAP_COUNT };
	spec.instance_dir = dir;
	r = rootfs_prepare_dir(dir, 1, &spec.ids, a->e);
	if (r < 0)
		return r;
	pid = mapped_child(a, &pidfd, &hold);
	if (pid < 0)
		return pid;
	r = rootfs_build(&spec, pidfd, &kit, a->e);
	rootfs_kit_close(&kit);
	fd_reset(&hold);
	(void)waitpid(pid, NULL, 0);
	return r;
}

static int try_overlay(struct attempt *a)
{
	CLEANUP_FD int where = check_nearest_directory(a->config->state_dir);
	struct err ignored = ERR_INIT;
	char name[32];
	int r;

	if (where < 0)
		return err_ret(a->e, where, "open the state directory");
	(void)str_format(name, sizeof(name), ".jail-check-%d", getpid());
	r = make_dirs(where, name, a->e);
	if (r >= 0)
		r = overlay_in(where, name, a);
	(void)path_remove_tree(where, name, &ignored);
	return r;
}

static int try_seccomp(struct attempt *a)
{
	struct seccomp_program p = { 0 };
	struct creds c = { .capabilities = creds_default_capabilities(), .umask = 022 };
	int r = seccomp_program_load("default", c.capabilities, -EBADF, &p, a->e);

	if (r < 0)
		return r;
	(void)str_format(a->detail, 256, "default filter: %zu instructions", p.n);
	c.filter = p.filter;
	c.n_filter = p.n;
	c.filter_flags = p.flags;
	r = creds_apply(&c, -EBADF, a->e);
	seccomp_program_free(&p);
	return r;
}

static int try_cgroup(struct attempt *a)
{
	struct cgroup_tree t = { .root_fd = -EBADF };
	int r = cgroup_probe(&t, a->e);

	if (r < 0)
		return r;
	(void)str_format(a->detail, 256, "%s%s", t.path, t.hybrid ? " (hybrid host)" : "");
	cgroup_tree_close(&t);
	return 0;
}

static int try_devices(struct attempt *a)
{
	bool active = false;
	int r = cgroup_devices_probe(&active, a->e);

	if (r >= 0 && !active)
		(void)str_format(a->detail, 256,
				 "none: nobody makes device nodes in a user namespace");
	return r;
}

static int try_controller(struct attempt *a)
{
	struct cgroup_tree t = { .root_fd = -EBADF };
	int r = cgroup_probe(&t, a->e);
	bool has = r >= 0 && (t.controllers & a->arg);
	bool hybrid = t.hybrid;

	cgroup_tree_close(&t);
	if (r < 0 || has)
		return r;
	err_set(a->e, EOPNOTSUPP, "not in the v2 tree%s", hybrid ? ": cgroup v1 has it" : "");
	return err_hint(a->e, "boot with systemd.unified_cgroup_hierarchy=1");
}

static int try_network(struct attempt *a)
{
	return net_host_ensure(&a->config->network, 1, a->e);
}

static int try_veth(struct attempt *a)
{
	CLEANUP_FD int netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct jail_name name = { "check" };
	const struct net_network *n = &a->config->network;
	struct net_interface interface = { .network = n };
	struct net_attachment made;
	struct net_plan plan = {
		.instance = &name,
		.id = "00000000000000000000000000000000",
		.tenant = "",
		.interfaces = &interface,
		.n_interfaces = 1,
	};
	int r = net_host_ensure(n, 1, a->e);

	if (r < 0)
		return r;
	if (netns < 0)
		return err_sys(a->e, "open the network namespace");
	if (net_has4(n))
		interface.address4.s_addr = htonl(ntohl(n->gateway4.s_addr) + 1);
	if (net_has6(n)) {
		interface.address6 = n->gateway6;
		interface.address6.s6_addr[15] ^= 2;
	}
	return net_attach(&plan, netns, &made, a->e);
}

static int try_program(struct attempt *a)
{
	static const char *const names[] = { "jail-init", "jail-monitor", "jail-unpack",
					     "jail-proxy", "jail-copy" };
	char path[PATH_MAX];

	(void)str_format(path, sizeof(path), "%s/%s", a->config->libexec_dir, names[a->arg]);
	(void)str_format(a->detail, 256, "%.240s", path);
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0)
		return 0;
	err_sys(a->e, "%s", path);
	return err_hint(a->e, "make install, or set libexecDir");
}

static int try_credentials(struct attempt *a)
{
	struct creds c = { .capabilities = creds_default_capabilities(), .umask = 022 };

	return creds_apply(&c, -EBADF, a->e);
}

static int try_lxcfs(struct attempt *a)
{
	unsigned views = 0;
	int r = lxcfs_find(a->config, &views, a->e);

	if (r == 0)
		err_set(a->e, ENOENT, "instances see the host's memory, CPUs and uptime in /proc");
	if (r <= 0)
		return err_hint(a->e, "apt install lxcfs, or set lxcfs in the configuration");
	(void)str_format(a->detail, 256, "%.240s", a->config->lxcfs_dir);
	return 0;
}

static const struct row rows[] = {
	{ "kernel", "root", CHECK_REQUIRED, false, try_root, 0 },
	{ "kernel", "system calls", CHECK_REQUIRED, false, try_kernel, 0 },
	{ "kernel", "seccomp", CHECK_REQUIRED, true, try_seccomp, 0 },
	{ "kernel", "credentials", CHECK_REQUIRED, true, try_credentials, 0 },
	{ "namespace", "mount", CHECK_REQUIRED, false, try_namespace, CLONE_NEWNS },
	{ "namespace", "pid", CHECK_REQUIRED, false, try_namespace, CLONE_NEWPID },
	{ "namespace", "network", CHECK_REQUIRED, false, try_namespace, CLONE_NEWNET },
	{ "namespace", "ipc", CHECK_REQUIRED, false, try_namespace, CLONE_NEWIPC },
	{ "namespace", "uts", CHECK_REQUIRED, false, try_namespace, CLONE_NEWUTS },
	{ "namespace", "cgroup", CHECK_REQUIRED, false, try_namespace, CLONE_NEWCGROUP },
	{ "namespace", "user", CHECK_REQUIRED, false, try_namespace, CLONE_NEWUSER },
	{ "namespace", "time", CHECK_OPTIONAL, false, try_namespace, CLONE_NEWTIME },
	{ "storage", "overlay on idmapped layers", CHECK_REQUIRED, true, try_overlay, 0 },
	{ "storage", "disk images", CHECK_OPTIONAL, false, check_try_image, 0 },
	{ "storage", "project quotas", CHECK_OPTIONAL, false, check_try_projects, 0 },
	{ "cgroup", "version 2", CHECK_REQUIRED, false, try_cgroup, 0 },
	{ "cgroup", "device filter", CHECK_REQUIRED, false, try_devices, 0 },
	{ "cgroup", "cpu", CHECK_OPTIONAL, false, try_controller, CGROUP_CPU },
	{ "cgroup", "cpuset", CHECK_OPTIONAL, false, try_controller, CGROUP_CPUSET },
	{ "cgroup", "memory", CHECK_OPTIONAL, false, try_controller, CGROUP_MEMORY },
	{ "cgroup", "io", CHECK_OPTIONAL, false, try_controller, CGROUP_IO },
	{ "cgroup", "pids", CHECK_OPTIONAL, false, try_controller, CGROUP_PIDS },
	{ "network", "bridge, nftables", CHECK_REQUIRED, true, try_network, 0 },
	{ "network", "veth", CHECK_REQUIRED, true, try_veth, 0 },
	{ "program", "jail-init", CHECK_REQUIRED, false, try_program, 0 },
	{ "program", "jail-monitor", CHECK_REQUIRED, false, try_program, 1 },
	{ "program", "jail-unpack", CHECK_REQUIRED, false, try_program, 2 },
	{ "program", "jail-proxy", CHECK_REQUIRED, false, try_program, 3 },
	{ "program", "jail-copy", CHECK_REQUIRED, false, try_program, 4 },
	{ "program", "lxcfs", CHECK_OPTIONAL, false, try_lxcfs, 0 },
};

struct shared {
	char detail[256];
	struct err e;
	int result;
};

/* Namespaces of its own, in which everything may be made: it dies with the child. */
static void NORETURN child_try(const struct row *row, struct attempt *a, struct shared *s)
{
	/* What is new there has the kernel's defaults, which say nothing of the host. */
	warn_set_sink(NULL);
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
		s->result = err_sys(&s->e, "unshare");
	else
		s->result = mountfd_propagation_all(MS_PRIVATE, &s->e);
	if (s->result >= 0)
		s->result = row->try(a);
	_exit(0);
}

static int run_row(const struct row *row, const struct jail_config *c, struct shared *s,
		   struct err *e)
{
	struct attempt a = { c, row->arg, s->detail, &s->e };
	int status = 0;
	pid_t pid;

	memset(s, 0, sizeof(*s));
	if (!row->in_child) {
		s->result = row->try(&a);
		return 0;
	}
	s->result = -EIO;
	pid = fork();
	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0)
		child_try(row, &a, s);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		s->result = err_set(&s->e, EFAULT, "the attempt was ended by signal %d",
				    WTERMSIG(status));
	else if (s->result == -EIO && !s->e.code)
		(void)err_set(&s->e, EIO, "the attempt ended without a result");
	return 0;
}

int jail_check(const struct jail_config *c, check_fn *fn, void *arg, struct err *e)
{
	struct shared *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int good = 1, r = 0;

	if (s == MAP_FAILED)
		return err_sys(e, "mmap");
	for (size_t i = 0; i < ARRAY_SIZE(rows) && r >= 0; i++) {
		const struct row *row = &rows[i];
		struct check_result out = { .group = row->group,
					    .name = row->name,
					    .need = row->need };

		r = run_row(row, c, s, e);
		out.ok = s->result >= 0;
		(void)str_format(out.detail, sizeof(out.detail), "%.127s%s%.120s",
				 out.ok ? s->detail : s->e.text, s->e.hint[0] ? "; " : "",
				 s->e.hint);
		if (!out.ok && row->need == CHECK_REQUIRED)
			good = 0;
		if (r >= 0)
			fn(&out, arg);
	}
	(void)munmap(s, sizeof(*s));
	return r < 0 ? r : good;
}
