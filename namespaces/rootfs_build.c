/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parent half. All host paths are opened here, once, with the host's eyes, and become detached
 * mounts; the child gets fds and never sees a host path (row 21).
 *
 * For the overlay the parent enters the child's mount namespace and comes back. The way back is an
 * fd that was opened before; if it fails, the process would go on working in an instance's mount
 * namespace without knowing it, so it aborts instead.
 */
#include <fcntl.h>
#include <sched.h>

#include "base/path.h"
#include "base/statx.h"
#include "base/str.h"
#include "base/sys.h"
#include "namespaces/procfd.h"
#include "namespaces/rootfs_priv.h"

struct build {
	const struct rootfs_spec *spec;
	int pidfd; /* borrowed */
	int userns; /* the child's, -EBADF with the host's ids */
	int own_mounts; /* our mount namespace */
	int own_cwd;
	struct rootfs_overlay overlay;
	struct rootfs_kit kit;
};

static void build_close(struct build *b)
{
	fd_reset(&b->userns);
	fd_reset(&b->own_mounts);
	fd_reset(&b->own_cwd);
	rootfs_overlay_close(&b->overlay);
	rootfs_kit_close(&b->kit);
}

static int build_put(struct build *b, int fd)
{
	if (fd >= 0)
		b->kit.fds[b->kit.n++] = fd;
	return fd;
}

static int build_open_userns(struct build *b, struct err *e)
{
	char path[64];
	pid_t pid;
	int r;

	if (b->spec->ids.count == 0)
		return 0;
	pid = procfd_pid(b->pidfd, e);
	if (pid < 0)
		return -e->code;
	r = str_format(path, sizeof(path), "%d/ns/user", (int)pid);
	if (r >= 0)
		r = procfd_open(path, O_RDONLY);
	if (r < 0)
		return err_ret(e, r, "open the user namespace of pid %d", (int)pid);
	b->userns = r;
	return 0;
}

static int build_open_own(struct build *b, struct err *e)
{
	int fd = procfd_open("self/ns/mnt", O_RDONLY);

	if (fd < 0)
		return err_ret(e, fd, "open /proc/self/ns/mnt");
	b->own_mounts = fd;
	b->own_cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return b->own_cwd < 0 ? err_sys(e, "open the working directory") : 0;
}

static int build_root_directory(struct build *b, struct err *e)
{
	struct mount_how how = {
		.attr_set = MOUNT_ATTR_NODEV | (b->spec->read_only ? MOUNT_ATTR_RDONLY : 0),
		.attr_clr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		.idmap_fd = b->userns,
	};
	struct stat st;
	int fd = build_put(b, mountfd_clone_how(AT_FDCWD, b->spec->directory, &how, e));

	if (fd >= 0 && fstat(fd, &st) < 0)
		return err_sys(e, "rootfs: %s", b->spec->directory);
	if (fd >= 0 && !S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "rootfs: %s", b->spec->directory);
	return fd < 0 ? err_wrap(e, "rootfs") : 0;
}

/* A mount that is there becomes the one of the spec, nobody having seen it (row 24). */
static int change_mount(const struct rootfs_mount *m, struct mount_how *how, struct err *e)
{
	CLEANUP_FD int fd = fcntl(m->fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return err_sys(e, "copy an fd");
	how->attr_clr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
	if (!how->propagation)
		how->propagation = MS_PRIVATE;
	return mountfd_change(fd, how, e) < 0 ? -e->code : TAKE_FD(fd);
}

static int clone_source(const struct rootfs_mount *m, const struct mount_how *how, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;

	if (!m->no_follow)
		return mountfd_clone_how(AT_FDCWD, m->source, how, e);
	fd = path_open_nolink(m->source, O_PATH);
	if (fd == -ELOOP) {
		(void)err_set(e, ELOOP, "%s: there is a symbolic link in this path", m->source);
		return err_hint(e, "name the place itself, or leave out the option \"nofollow\"");
	}
	return fd < 0 ? err_ret(e, fd, "%s", m->source) : mountfd_clone_how(fd, "", how, e);
}

static int build_bind(struct build *b, const struct rootfs_mount *m, struct err *e)
{
	struct mount_how how = {
		.attr_set =
			(m->read_only ? MOUNT_ATTR_RDONLY : 0) |
			(m->nosuid ? MOUNT_ATTR_NOSUID : 0) | (m->noexec ? MOUNT_ATTR_NOEXEC : 0) |
			(m->noatime ? MOUNT_ATTR_NOATIME : 0) |
			MOUNT_ATTR_NODEV, /* always: row 31; devices come from the spec's list */
		.propagation = m->propagation & ~(uint64_t)MS_REC,
		.idmap_fd = m->idmap ? b->userns : -EBADF,
		.recursive = m->recursive,
	};

	if (m->kind == BIND_BIND && m->source[0] != '/')
		return err_set(e, EINVAL, "%s: expected an absolute path", m->source);
	if (b->kit.n >= LIMIT_MOUNTS + 3 + ROOTFS_DEV_NODES)
		return err_set(e, E2BIG, "more than %d mounts", LIMIT_MOUNTS);
	return build_put(b, m->kind == BIND_MOUNT ? change_mount(m, &how, e)
						  : clone_source(m, &how, e));
}

/* The host's sysfs, for an instance in its network namespace: the kernel lets only the owner of
 * that namespace make a new one (rows 77, 26). */
static int build_sys(struct build *b, struct err *e)
{
	int fd = mountfd_clone(AT_FDCWD, "/sys", false,
			       MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				       MOUNT_ATTR_NOEXEC,
			       0, -EBADF, e);

	return build_put(b, fd);
}

/* Everything that is opened in the host's mount namespace, in the order in which the child takes
 * it; the root's place is kept free. */
static int build_sources(struct build *b, struct err *e)
{
	const struct rootfs_spec *spec = b->spec;

	if (spec->kind == ROOTFS_DIRECTORY) {
		if (build_root_directory(b, e) < 0)
			return -e->code;
	} else {
		if (rootfs_overlay_open(spec, b->userns, &b->overlay, e) < 0)
			return -e->code;
		b->kit.fds[b->kit.n++] = -EBADF;
	}
	if (spec->host_network && build_sys(b, e) < 0)
		return -e->code;
	if (build_put(b, rootfs_dev_build(spec, e)) < 0 || rootfs_dev_binds(spec, &b->kit, e) < 0)
		return -e->code;
	for (size_t i = 0; i < spec->n_mounts; i++) {
		if (spec->mounts[i].kind != BIND_TMPFS && build_bind(b, &spec->mounts[i], e) < 0)
			return err_wrap(e, "mounts[%zu]", i);
	}
	if (spec->n_secrets > 0 && build_put(b, rootfs_secrets_build(spec, e)) < 0)
		return -e->code;
	if (rootfs_views_build(spec, &b->kit, e) < 0)
		return -e->code;
	return rootfs_files_build(spec, &b->kit, e);
}

static int build_inside(struct build *b, struct err *e)
{
	int fd;

	/* With the host's user namespace the copies of mounts are peers of the host's until now,
	 * and the first attach would reach the host (row 29). */
	if (mountfd_propagation_all(MS_PRIVATE, e) < 0)
		return -e->code;
	if (b->spec->kind == ROOTFS_DIRECTORY)
		return 0;
	fd = rootfs_overlay_assemble(&b->overlay, e);
	if (fd < 0)
		return err_wrap(e, "overlay");
	b->kit.fds[0] = fd;
	return 0;
}

static int build_visit_child(struct build *b, struct err *e)
{
	struct statx before = { 0 }, after = { 0 };
	int r;

	if (statx(AT_FDCWD, "/", 0, STATX_INO | STATX_MNT_ID, &before) < 0)
		return err_sys(e, "statx /");
	if (sys_setns(b->pidfd, CLONE_NEWNS) < 0)
		return err_sys(e, "enter the mount namespace of the instance's first process");
	r = build_inside(b, e);
	if (sys_setns(b->own_mounts, CLONE_NEWNS) < 0)
		abort();
	if (r < 0)
		return r;
	/* setns(2) also moves "/" to the namespace's root: of a chroot there is no way back. */
	if (fchdir(b->own_cwd) < 0 || statx(AT_FDCWD, "/", 0, STATX_INO | STATX_MNT_ID, &after) < 0)
		return err_sys(e, "return to the working directory");
	if (before.stx_mnt_id != after.stx_mnt_id || before.stx_ino != after.stx_ino)
		return err_set(e, EXDEV, "jail can't run in a chroot");
	return 0;
}

int rootfs_build(const struct rootfs_spec *spec, int pidfd, struct rootfs_kit *ret, struct err *e)
{
	CLEANUP(build_close)
	struct build b = {
		.spec = spec,
		.pidfd = pidfd,
		.userns = -EBADF,
		.own_mounts = -EBADF,
		.own_cwd = -EBADF,
		.overlay = { .instance = -EBADF },
	};

	if (build_open_userns(&b, e) < 0 || build_open_own(&b, e) < 0 || build_sources(&b, e) < 0 ||
	    build_visit_child(&b, e) < 0)
		return -e->code;
	*ret = b.kit;
	b.kit.n = 0;
	return 0;
}
