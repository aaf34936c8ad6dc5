/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The child half, run by root of the instance's user namespace in its new mount namespace.
 *
 * First, while the parent assembles the overlay: mounts become private; the private tmpfs (files,
 * mask sources) is made and attached in the old root, where copies of its parts are made; the
 * file systems of the plan are made. Then, with the parent's mounts: the new root is attached over
 * the old; the fixed mounts, the spec's mounts, generated files, masks, the console, each onto a
 * target opened inside the new root; pivot_root, after which the old root, the layers and the
 * private tmpfs are gone (row 29).
 *
 * No program of the image runs here, and what comes from it is only ever looked up by openat2.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "namespaces/rootfs_priv.h"

static void enter_close(struct rootfs_child *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->fd); i++)
		fd_reset(&c->fd[i]);
}

static int enter_attach(int fd, const char *where, struct err *e)
{
	CLEANUP_FD int target = open(where, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (target < 0)
		return err_sys(e, "open %s", where);
	return mountfd_attach(fd, target, e);
}

static int enter_begin(const struct rootfs_spec *spec, struct rootfs_kit *kit, struct err *e)
{
	int proc;

	/* The parent does it too; whoever is first must not attach to a shared mount (row 29). */
	if (mountfd_propagation_all(MS_PRIVATE, e) < 0)
		return -e->code;
	kit->own[OWN_PRIVATE] = rootfs_files_make(spec, e);
	if (kit->own[OWN_PRIVATE] < 0 ||
	    enter_attach(kit->own[OWN_PRIVATE], ROOTFS_SCRATCH_CHILD, e) < 0)
		return err_wrap(e, "private tmpfs");
	if (rootfs_plan_begin(spec, kit, e) < 0)
		return -e->code;
	/* Only what is attached can be copied, and masks are copies of parts of it; it moves to its
	 * place later. */
	proc = rootfs_plan_early(kit, ROOTFS_PROC);
	if (enter_attach(proc, ROOTFS_SCRATCH_CHILD, e) < 0)
		return err_wrap(e, "mount /proc");
	if (rootfs_files_begin(spec, kit, e) < 0)
		return -e->code;
	return rootfs_masks_begin(spec, kit, e);
}

int rootfs_begin(const struct rootfs_spec *spec, struct rootfs_kit *kit, struct err *e)
{
	mode_t mask = umask(0); /* the modes of the tables are exact */
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(kit->own); i++)
		kit->own[i] = -EBADF;
	kit->begun = true;
	r = enter_begin(spec, kit, e);
	if (r < 0)
		rootfs_kit_close(kit);
	(void)umask(mask);
	return r;
}

static int enter_attach_root(struct rootfs_child *c, struct err *e)
{
	if (c->kit->n == 0)
		return err_set(e, EPROTO, "no root file system was received");
	c->fd[ROOTFS_ROOT] = TAKE_FD(c->kit->fds[0]);
	c->next = 1;
	if (enter_attach(c->fd[ROOTFS_ROOT], "/", e) < 0)
		return err_wrap(e, "root");
	return 0;
}

/*
 * A read-only overlay gets its attribute only now, because missing mount points were made in its
 * upper directory; the one exception to "attributes before attaching", without its danger: nothing
 * but this process can reach the mount.
 */
static int enter_seal(const struct rootfs_child *c, struct err *e)
{
	if (!c->spec->read_only || c->spec->kind == ROOTFS_DIRECTORY)
		return 0;
	if (mountfd_set_attr(c->fd[ROOTFS_ROOT], MOUNT_ATTR_RDONLY, e) < 0)
		return err_wrap(e, "read-only root");
	return 0;
}

static int enter_mount_all(struct rootfs_child *c, struct err *e)
{
	if (enter_attach_root(c, e) < 0 || rootfs_plan_apply(c, e) < 0 ||
	    rootfs_files_run(c, e) < 0 || rootfs_plan_mounts(c, e) < 0 ||
	    rootfs_secrets_attach(c, e) < 0 || rootfs_views_attach(c, e) < 0 ||
	    rootfs_files_take(c, e) < 0)
		return -e->code;
	if (c->next != c->kit->n)
		return err_set(e, EPROTO, "%zu mounts were received, %zu are in the plan",
			       c->kit->n, c->next);
	if (rootfs_files_attach(c, e) < 0)
		return -e->code;
	return rootfs_masks_apply(c, e);
}

static int enter(struct rootfs_child *c, int *ret_console, int *ret_console_peer, struct err *e)
{
	CLEANUP_FD int master = -EBADF, slave = -EBADF;

	if (enter_mount_all(c, e) < 0)
		return -e->code;
	if (c->spec->terminal && rootfs_pty_console(c, &master, &slave, e) < 0)
		return err_wrap(e, "console");
	if (enter_seal(c, e) < 0 || mountfd_pivot(c->fd[ROOTFS_ROOT], e) < 0)
		return -e->code;
	*ret_console = TAKE_FD(master);
	*ret_console_peer = TAKE_FD(slave);
	return 0;
}

int rootfs_enter(const struct rootfs_spec *spec, struct rootfs_kit *kit, int *ret_console,
		 int *ret_console_peer, struct err *e)
{
	CLEANUP(enter_close) struct rootfs_child c = { .spec = spec, .kit = kit };
	mode_t mask;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(c.fd); i++)
		c.fd[i] = -EBADF;
	if (!kit->begun && rootfs_begin(spec, kit, e) < 0)
		return -e->code;
	mask = umask(0);
	r = enter(&c, ret_console, ret_console_peer, e);
	rootfs_kit_close(kit);
	(void)umask(mask);
	return r;
}
