/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small instance for the tests of namespaces/: a busybox root file system, one real clone, build
 * and enter, a shell script run inside, its output and status handed back. Everything happens in a
 * private mount and network namespace; the tree is made below /tmp and removed at the end.
 */
#ifndef JAIL_TESTS_NAMESPACES_FIXTURE_H
#define JAIL_TESTS_NAMESPACES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "namespaces/clone.h"
#include "namespaces/mountfd.h"
#include "namespaces/rootfs.h"

#define FIXTURE_ALL_NS                                                                             \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWUSER | \
	 CLONE_NEWCGROUP)
#define FIXTURE_BASE 1342177280u
#define FIXTURE_OUT (256u << 10)

struct fixture {
	char dir[64]; /* /tmp/jail-ns.XXXXXX */
	int dir_fd;
	char layer[96]; /* DIR/layer */
	int layer_fd;
	const char *layers[2];
	int instance; /* DIR/instance */
	struct id_range ids;
	uint64_t namespaces;
	struct rootfs_spec spec;
	bool late; /* the child begins only when it has the kit */
	struct err error; /* of the last run */
	char out[FIXTURE_OUT]; /* of the last run: stdout and stderr */
};

static struct fixture fx;

static inline void fixture_mkdir(int dir, const char *name, mode_t mode)
{
	assert_int_equal(mkdirat(dir, name, mode), 0);
	assert_int_equal(fchmodat(dir, name, mode, 0), 0);
}

static inline void fixture_write(int dir, const char *name, const char *text, mode_t mode)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

static inline void fixture_busybox(int root)
{
	static const char *const links[] = { "sh",     "cat",	"ls",	    "id",    "stat",
					     "grep",   "touch", "echo",	    "mkdir", "mount",
					     "umount", "dd",	"readlink", "sleep", "chmod",
					     "mknod",  "ln",	"true",	    "rm",    "find",
					     "test",   "df",	"wc",	    "tr" };
	char *data = NULL;
	size_t n = 0;
	int in = open("/bin/busybox", O_RDONLY | O_CLOEXEC);
	int out;

	assert_true(in >= 0);
	assert_int_equal(fd_read_all(in, 16u << 20, &data, &n), 0);
	(void)close(in);
	fixture_mkdir(root, "bin", 0755);
	out = openat(root, "bin/busybox", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	assert_true(out >= 0);
	assert_int_equal(fd_write_all(out, data, n), 0);
	free(data);
	(void)close(out);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		char path[64];

		assert_true(str_format(path, sizeof(path), "bin/%s", links[i]) > 0);
		assert_int_equal(symlinkat("busybox", root, path), 0);
	}
}

static inline int fixture_open_dir(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* A fresh instance directory and the plainest spec: overlay, private ids. */
static inline void fixture_reset(void)
{
	struct err e = ERR_INIT;

	if (fx.instance > 0) {
		(void)close(fx.instance);
		assert_int_equal(path_remove_tree(fx.dir_fd, "instance", &e), 0);
	}
	fixture_mkdir(fx.dir_fd, "instance", 0700);
	fx.instance = fixture_open_dir(fx.dir_fd, "instance");
	fx.ids = (struct id_range){ FIXTURE_BASE, IDMAP_COUNT };
	fx.namespaces = FIXTURE_ALL_NS;
	fx.layers[0] = fx.layer;
	fx.late = false;
	fx.spec = (struct rootfs_spec){
		.kind = ROOTFS_OVERLAY,
		.layer_paths = fx.layers,
		.n_layers = 1,
		.instance_dir = fx.instance,
	};
}

static inline int fixture_group_setup(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(unshare(CLONE_NEWNS | CLONE_NEWNET), 0);
	assert_int_equal(mountfd_propagation_all(MS_PRIVATE, &e), 0);
	(void)umask(022);
	(void)str_format(fx.dir, sizeof(fx.dir), "/tmp/jail-ns.XXXXXX");
	assert_non_null(mkdtemp(fx.dir));
	fx.dir_fd = fixture_open_dir(AT_FDCWD, fx.dir);
	fixture_mkdir(fx.dir_fd, "layer", 0755);
	(void)str_format(fx.layer, sizeof(fx.layer), "%s/layer", fx.dir);
	fx.layer_fd = fixture_open_dir(fx.dir_fd, "layer");
	fixture_busybox(fx.layer_fd);
	fixture_mkdir(fx.layer_fd, "etc", 0755);
	fixture_write(fx.layer_fd, "etc/passwd", "root:x:0:0:root:/:/bin/sh\n", 0644);
	fixture_write(fx.layer_fd, "etc/hostname", "image\n", 0644);
	fixture_reset();
	return 0;
}

static inline int fixture_group_teardown(void **state)
{
	struct err e = ERR_INIT;
	char *name = strrchr(fx.dir, '/') + 1;
	int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	(void)close(fx.instance);
	assert_int_equal(path_remove_tree(tmp, name, &e), 0);
	(void)close(tmp);
	return 0;
}

struct fixture_child {
	const struct rootfs_spec *spec;
	int sock, out;
	char *const *argv;
	void (*before_exec)(int console, int peer); /* or NULL */
};

static inline void fixture_child(const struct fixture_child *c)
{
	static char path[] = "PATH=/bin";
	static char *const env[] = { path, NULL };
	struct rootfs_kit kit = { .n = 0 };
	struct err e = ERR_INIT;
	int console = -EBADF, peer = -EBADF;
	char go;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || read(c->sock, &go, 1) != 1)
		_exit(120);
	if (ns_become_root(&e) == 0 && (fx.late || rootfs_begin(c->spec, &kit, &e) == 0) &&
	    rootfs_kit_recv(c->sock, &kit, &e) == 0 &&
	    rootfs_enter(c->spec, &kit, &console, &peer, &e) == 0) {
		if (c->before_exec)
			c->before_exec(console, peer);
		if (dup2(c->out, 1) != 1 || dup2(c->out, 2) != 2)
			_exit(121);
		(void)execve("/bin/busybox", c->argv, env);
		(void)err_sys(&e, "execve");
	}
	(void)send(c->sock, &e, sizeof(e), MSG_NOSIGNAL);
	_exit(122);
}

/* Output until end of file, at most 20 s. */
static inline void fixture_read(int fd)
{
	size_t len = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, 20000) <= 0)
			break;
		n = read(fd, fx.out + len, sizeof(fx.out) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	fx.out[len] = '\0';
}

/* A child that has entered and waits to be told to go on, or has failed (fx.error). */
struct fixture_run {
	pid_t pid;
	int pidfd, sock, out;
};

static inline int fixture_start(const char *script, void (*before_exec)(int, int),
				struct fixture_run *ret)
{
	static char arg0[] = "sh", arg1[] = "-c";
	static char text[8192];
	char *argv[] = { arg0, arg1, text, NULL };
	struct ns_clone how = { .namespaces = fx.namespaces,
				.cgroup_fd = -EBADF,
				.owner_uid = fx.ids.count ? fx.ids.first : 0 };
	struct rootfs_kit kit = { .n = 0 };
	int sv[2], pipefd[2], r;

	fx.error = ERR_INIT;
	fx.out[0] = '\0';
	fx.spec.ids = fx.ids;
	assert_true(str_format(text, sizeof(text), "%s", script) >= 0);
	assert_int_equal(rootfs_prepare_dir(fx.instance, fx.spec.n_layers, &fx.ids, &fx.error), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
	ret->pid = ns_clone(&how, &ret->pidfd, &fx.error);
	if (ret->pid == 0) {
		struct fixture_child c = { .spec = &fx.spec,
					   .sock = sv[1],
					   .out = pipefd[1],
					   .argv = argv,
					   .before_exec = before_exec };

		(void)close(sv[0]);
		fixture_child(&c);
	}
	(void)close(sv[1]);
	(void)close(pipefd[1]);
	ret->sock = sv[0];
	ret->out = pipefd[0];
	if (ret->pid < 0)
		return -fx.error.code;
	r = idmap_write(ret->pid, &fx.ids, &fx.error);
	if (r == 0 && write(ret->sock, "g", 1) != 1)
		r = -EIO;
	if (r == 0)
		r = rootfs_build(&fx.spec, ret->pidfd, &kit, &fx.error);
	if (r == 0)
		r = rootfs_kit_send(ret->sock, &kit, &fx.error);
	rootfs_kit_close(&kit);
	return r;
}

static inline int fixture_finish(struct fixture_run *run, int r)
{
	int status = 0;

	if (r < 0)
		(void)kill(run->pid, SIGKILL);
	else
		fixture_read(run->out);
	if (r == 0 &&
	    recv(run->sock, &fx.error, sizeof(fx.error), MSG_DONTWAIT) == (ssize_t)sizeof(fx.error))
		r = -fx.error.code;
	assert_int_equal(waitpid(run->pid, &status, 0), run->pid);
	(void)close(run->sock);
	(void)close(run->out);
	(void)close(run->pidfd);
	if (r < 0)
		return r;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Return: the script's status, or a negative errno of build or enter with fx.error set. */
static inline int fixture_run(const char *script)
{
	struct fixture_run run;
	int r = fixture_start(script, NULL, &run);

	return fixture_finish(&run, r);
}

/* Runs a script that must succeed. */
static inline const char *fixture_output(const char *script)
{
	int r = fixture_run(script);

	if (r != 0)
		print_error("status %d, error \"%s\", output:\n%s\n", r, fx.error.text, fx.out);
	assert_int_equal(r, 0);
	return fx.out;
}

#endif
