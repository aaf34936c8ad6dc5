/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The child half: everything is mounted in the container's own mount namespace.
 *
 * First all that the namespace has become a slave of the host's: nothing that is done here shows up
 * there (row 29), and pivot_root wants no shared parent. Then the root is attached at its own path,
 * where createContainer hooks look for it; in a user namespace that can't get there, on "/". Then
 * the mounts in the order of the configuration, each by bundle_target() and one move_mount.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "base/path.h"
#include "namespaces/bundle_copy.h"
#include "namespaces/bundle_priv.h"

#ifndef SELINUX_MAGIC
#define SELINUX_MAGIC 0xf97cff8c
#endif

void bundle_root_close(struct bundle_root *r)
{
	fd_reset(&r->fd);
	fd_reset(&r->proc);
	fd_reset(&r->mask);
	for (size_t i = 0; i < r->n_read_only; i++)
		fd_reset(&r->read_only[i]);
	free(TAKE_PTR(r->read_only));
	r->n_read_only = 0;
}

static int mount_root(struct bundle_child *c, struct err *e)
{
	CLEANUP_FD int target = open(c->b->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (target < 0 && errno == EACCES) {
		target = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		c->on_top = true;
	}
	if (target < 0)
		return err_sys(e, "root.path: open %s", c->b->rootfs);
	c->root = c->k->root >= 0 ? TAKE_FD(c->k->root) : bundle_source_root(c->b, e);
	if (c->root < 0 || mountfd_attach(c->root, target, e) < 0)
		return err_wrap(e, "root.path: %s", c->b->rootfs);
	return 0;
}

/* The copy of the source, and whether it is a directory. */
static int mount_bind(const struct bundle_child *c, size_t i, bool *ret_is_dir, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	struct stat st;

	if (i < c->k->n_mounts)
		fd = TAKE_FD(c->k->mounts[i]);
	if (fd < 0)
		fd = bundle_source_mount(c->b, &c->b->mounts[i], c->b->user_ns, e);
	if (fd < 0)
		return -e->code;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat the source");
	*ret_is_dir = S_ISDIR(st.st_mode);
	return TAKE_FD(fd);
}

/* Mode of the directory that a tmpfs will cover, or -1: none there, or the tmpfs has its own. */
static int mount_mode(const struct bundle_child *c, const struct bundle_mount *m)
{
	CLEANUP_FD int fd = -EBADF;
	struct stat st;

	if (!bundle_is_tmpfs(m) || m->has_mode)
		return -1;
	fd = path_open_in_root(c->root, m->destination, O_PATH | O_DIRECTORY, 0);
	return fd < 0 || fstat(fd, &st) < 0 ? -1 : (int)(st.st_mode & 07777);
}

/* A copy has got its default when it was made. A new mount has none but what its parent made of it.
 */
static int mount_propagation(const struct bundle *b, const struct bundle_mount *m, int fd,
			     struct err *e)
{
	if (m->kind != BUNDLE_BIND && b->propagation && b->propagation_recursive &&
	    mountfd_propagation(fd, b->propagation, false, e) < 0)
		return -e->code;
	for (size_t i = 0; i < m->n_propagation; i++) {
		if (mountfd_propagation(fd, m->propagation[i].type, m->propagation[i].recursive,
					e) < 0)
			return -e->code;
	}
	return 0;
}

static int mount_one(struct bundle_child *c, size_t i, struct err *e)
{
	const struct bundle_mount *m = &c->b->mounts[i];
	CLEANUP_FD int fd = -EBADF, target = -EBADF;
	bool is_dir = true;
	int mode = mount_mode(c, m);

	if (m->kind == BUNDLE_BIND) {
		fd = mount_bind(c, i, &is_dir, e);
		if (fd < 0)
			return -e->code;
	}
	target = bundle_target(c, m, is_dir, fd, e);
	if (target < 0)
		return -e->code;
	if (fd < 0)
		fd = bundle_new(c, m, mode, e);
	if (fd < 0 ||
	    (m->copy_up && bundle_is_tmpfs(m) && bundle_copy_up(target, fd, m->has_mode, e) < 0) ||
	    mountfd_attach(fd, target, e) < 0 || mount_propagation(c->b, m, fd, e) < 0 ||
	    bundle_target_verify(c, m, fd, e) < 0)
		return -e->code;
	if (bundle_is_late(m))
		c->late[c->n_late++] = TAKE_FD(fd);
	return 0;
}

/* A procfs that nothing can be mounted over (row 16). In a user namespace that sees only parts of
 * the host's it is refused. */
static int own_proc(void)
{
	static const struct mount_param params[] = { { "source", "proc" } };
	struct err refused;

	return mountfd_new("proc", params, ARRAY_SIZE(params),
			   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, &refused);
}

static bool has_selinux(void)
{
	struct statfs fs;

	return statfs("/sys/fs/selinux", &fs) == 0 && (uint32_t)fs.f_type == SELINUX_MAGIC;
}

static int mount_all(struct bundle_child *c, struct err *e)
{
	if (mountfd_propagation_all(MS_SLAVE, e) < 0 || mount_root(c, e) < 0)
		return -e->code;
	if (c->b->n_masked && c->k->mask < 0) {
		c->k->mask = bundle_dev_source(&bundle_dev_nodes[0], e);
		if (c->k->mask < 0)
			return err_wrap(e, "linux.maskedPaths");
	}
	for (size_t i = 0; i < c->b->n_mounts; i++) {
		if (mount_one(c, i, e) < 0)
			return err_wrap(e, "%s: %s", c->b->mounts[i].key,
					c->b->mounts[i].destination);
	}
	return bundle_dev_apply(c, e);
}

/* Nothing is mounted in namespaces of others, and what needs a mount is refused. */
static int mount_nothing(const struct bundle *b, struct bundle_root *ret, struct err *e)
{
	static const char *const names[] = { "mounts", "linux.maskedPaths", "linux.readonlyPaths" };
	size_t n[] = { b->n_mounts, b->n_masked, b->n_read_only_paths };
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (n[i])
			return err_set(e, EINVAL, "%s needs a new mount namespace", names[i]);
	}
	if (b->read_only)
		return err_set(e, EINVAL, "root.readonly needs a new mount namespace");
	fd = open(b->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "root.path: open %s", b->rootfs);
	*ret = BUNDLE_ROOT_INIT;
	ret->fd = fd;
	ret->proc = own_proc();
	return 0;
}

int bundle_mount(const struct bundle *b, struct bundle_kit *k, struct bundle_root *ret,
		 struct err *e)
{
	CLEANUP(bundle_root_close) struct bundle_root root = BUNDLE_ROOT_INIT;
	struct bundle_child c = { .b = b, .k = k, .root = -EBADF, .selinux = has_selinux() };
	mode_t mask;
	int r;

	if (!b->private_mounts)
		return mount_nothing(b, ret, e);
	c.late = root.read_only = calloc(b->n_mounts + 1, sizeof(*c.late));
	if (!c.late)
		return err_nomem(e);
	root.proc = c.proc = own_proc();
	mask = umask(0); /* modes are as they are given */
	r = mount_all(&c, e);
	(void)umask(mask);
	root.fd = c.root;
	root.n_read_only = c.n_late;
	if (r < 0)
		return r;
	root.mask = TAKE_FD(k->mask);
	root.selinux = c.selinux;
	root.on_top = c.on_top;
	*ret = root;
	root = BUNDLE_ROOT_INIT;
	bundle_kit_close(k);
	return 0;
}
