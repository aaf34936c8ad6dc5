/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ptys of the instance's own devpts (rows 18, 82). The slave is never looked up by its number: the
 * master's fd is asked for its peer (TIOCGPTPEER, Linux 4.13), which is the right one whatever lies
 * at /dev/pts/N, and /dev/console is a mount of that very file.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/path.h"
#include "base/sys.h"
#include "namespaces/rootfs_priv.h"

/* The directory must be the root of a devpts, in which nobody can make or replace names; NO_XDEV
 * keeps a mount over ptmx out. */
static int pty_open_master(int pts, struct err *e)
{
	struct open_how how = {
		.flags = O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};
	CLEANUP_FD int fd = -EBADF;
	struct statfs fs;
	struct stat st;

	if (fstatfs(pts, &fs) < 0)
		return err_sys(e, "statfs /dev/pts");
	if (fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(e, ENOTTY, "/dev/pts is not a devpts");
	fd = sys_openat2(pts, "ptmx", &how);
	if (fd < 0)
		return err_sys(e, "open /dev/pts/ptmx");
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat /dev/pts/ptmx");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2))
		return err_set(e, ENOTTY, "/dev/pts/ptmx is not the pty master");
	return TAKE_FD(fd);
}

int rootfs_pty_make(int pts, int *ret_master, int *ret_slave, struct err *e)
{
	CLEANUP_FD int master = pty_open_master(pts, e);
	int unlock = 0, slave;

	if (master < 0)
		return -e->code;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_sys(e, "unlock the pty");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_sys(e, "open the pty's peer");
	*ret_master = TAKE_FD(master);
	*ret_slave = slave;
	return 0;
}

int rootfs_pty_console(const struct rootfs_child *c, int *ret_master, int *ret_slave, struct err *e)
{
	CLEANUP_FD int master = -EBADF, slave = -EBADF, fd = -EBADF;
	CLEANUP_FD int target =
		path_open_beneath(c->fd[ROOTFS_DEV], "console", O_PATH | O_NOFOLLOW, 0);

	if (target < 0)
		return err_ret(e, target, "open /dev/console");
	if (rootfs_pty_make(c->fd[ROOTFS_PTS], &master, &slave, e) < 0)
		return -e->code;
	fd = mountfd_clone(slave, "", false, 0, 0, -EBADF, e);
	if (fd < 0 || mountfd_attach(fd, target, e) < 0)
		return err_wrap(e, "mount /dev/console");
	*ret_master = TAKE_FD(master);
	*ret_slave = TAKE_FD(slave);
	return 0;
}

int rootfs_open_pty(int *ret_master, int *ret_slave, struct err *e)
{
	CLEANUP_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int pts = -EBADF;

	if (root < 0)
		return err_sys(e, "open /");
	pts = path_open_in_root_nolink(root, "dev/pts", O_PATH | O_DIRECTORY, 0);
	if (pts < 0)
		return err_ret(e, pts, "open /dev/pts of the instance");
	return rootfs_pty_make(pts, ret_master, ret_slave, e);
}
