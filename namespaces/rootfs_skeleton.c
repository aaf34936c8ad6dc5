/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directories of an image's /run, made again in the empty tmpfs that covers it. On a machine
 * systemd-tmpfiles makes /run/lock, /run/postgresql and the like at boot; a program that is an
 * instance's only one finds nobody who does, and its image has the directories because the packages
 * were installed with them. Directories only, with owner and mode: files there (pid files, sockets,
 * a nologin) are of a boot that is over.
 *
 * The image is hostile: every step is openat2 beneath a held fd, through no link and no mount, and
 * depth and number are bounded. What is beyond the bounds is not made.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/str.h"
#include "base/sys.h"
#include "namespaces/rootfs_priv.h"

#define SKELETON_DEPTH 4
#define SKELETON_DIRS 256
#define SKELETON_ENTRIES 4096 /* looked at, of any type */

struct skeleton {
	unsigned dirs, entries;
};

static int skeleton_open(int dir, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};

	return sys_openat2(dir, name, &how);
}

/* Return: fd of the new directory, like the one behind `from`. */
static int skeleton_make(int from, int to, const char *name, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	struct stat st;

	if (fstat(from, &st) < 0)
		return err_sys(e, "stat %s", name);
	if (mkdirat(to, name, 0700) < 0)
		return err_sys(e, "make %s", name);
	fd = skeleton_open(to, name);
	if (fd < 0)
		return err_sys(e, "open %s", name);
	if (fchown(fd, st.st_uid, st.st_gid) < 0)
		return err_sys(e, "chown %s", name);
	if (fchmod(fd, st.st_mode & 07777) < 0)
		return err_sys(e, "chmod %s", name);
	return TAKE_FD(fd);
}

static int skeleton_copy(int from, int to, unsigned depth, struct skeleton *s, struct err *e)
{
	CLEANUP_DIR DIR *d = NULL;
	CLEANUP_FD int list = skeleton_open(from, ".");
	struct dirent *ent;

	if (list >= 0)
		d = dir_take(&list);
	if (!d)
		return err_sys(e, "read a directory");
	while ((errno = 0, ent = readdir(d)) && s->entries++ < SKELETON_ENTRIES &&
	       s->dirs < SKELETON_DIRS) {
		CLEANUP_FD int sub = -EBADF, made = -EBADF;

		if (str_eq(ent->d_name, ".") || str_eq(ent->d_name, "..") ||
		    (ent->d_type != DT_DIR && ent->d_type != DT_UNKNOWN))
			continue;
		sub = skeleton_open(from, ent->d_name);
		if (sub < 0)
			continue; /* of unknown type and no directory, or not ours to read */
		s->dirs++;
		made = skeleton_make(sub, to, ent->d_name, e);
		if (made < 0 || (depth > 1 && skeleton_copy(sub, made, depth - 1, s, e) < 0))
			return -e->code;
	}
	return !ent && errno ? err_sys(e, "read a directory") : 0;
}

int rootfs_skeleton(int from, int to, struct err *e)
{
	struct skeleton s = { 0 };

	return skeleton_copy(from, to, SKELETON_DEPTH, &s, e);
}
