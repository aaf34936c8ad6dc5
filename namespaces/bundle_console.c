/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The console of an OCI container (rows 18, 82): a pty of its own devpts, whose peer is asked for
 * by ioctl and never looked up by name, and bound over /dev/console.
 *
 * Where /dev/pts is no devpts, /dev/ptmx decides whose pty it is, as for any program that opens
 * one. It is looked at before it is opened: opening a device can do things.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/path.h"
#include "base/str.h"
#include "namespaces/bundle_priv.h"
#include "namespaces/procfd.h"
#include "namespaces/rootfs_priv.h"

static bool is_devpts(int fd)
{
	struct statfs fs;

	return fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == DEVPTS_SUPER_MAGIC;
}

/* The master by /dev/ptmx. */
static int console_ptmx(int root, struct err *e)
{
	CLEANUP_FD int fd = path_open_in_root(root, "dev/ptmx", O_PATH, 0);
	char path[32];
	struct stat st;
	int master;

	if (fd < 0)
		return err_ret(e, TAKE_FD(fd), "open /dev/ptmx");
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2))
		return err_set(e, ENOTTY, "/dev/ptmx is not the pty master");
	(void)str_format(path, sizeof(path), "self/fd/%d", fd);
	master = procfd_open(path, O_RDWR | O_NOCTTY);
	return master < 0 ? err_ret(e, master, "open /dev/ptmx") : master;
}

static int console_pty(int root, int *ret_master, int *ret_peer, struct err *e)
{
	CLEANUP_FD int pts = path_open_in_root_nolink(root, "dev/pts", O_PATH | O_DIRECTORY, 0);
	CLEANUP_FD int master = -EBADF;
	int unlock = 0, peer;

	if (is_devpts(pts))
		return rootfs_pty_make(pts, ret_master, ret_peer, e);
	master = console_ptmx(root, e);
	if (master < 0)
		return -e->code;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_sys(e, "unlock the pty");
	peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (peer < 0)
		return err_sys(e, "open the pty's peer");
	*ret_master = TAKE_FD(master);
	*ret_peer = peer;
	return 0;
}

static int console_mount(int root, int peer, struct err *e)
{
	CLEANUP_FD int target = bundle_target_nofollow(root, "/dev/console", false, e);
	CLEANUP_FD int fd = -EBADF;
	struct statfs fs;

	if (target < 0)
		return -e->code;
	if (fstatfs(target, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
		return err_set(e, EPERM, "/dev leads into a procfs");
	fd = mountfd_clone(peer, "", false, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, -EBADF, e);
	return fd < 0 ? fd : mountfd_attach(fd, target, e);
}

int bundle_console(const struct bundle *b, int *ret_master, int *ret_peer, struct err *e)
{
	CLEANUP_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int master = -EBADF, peer = -EBADF;

	if (root < 0)
		return err_sys(e, "open /");
	if (console_pty(root, &master, &peer, e) < 0 ||
	    (b->private_mounts && console_mount(root, peer, e) < 0))
		return err_wrap(e, "console");
	*ret_master = TAKE_FD(master);
	*ret_peer = TAKE_FD(peer);
	return 0;
}
