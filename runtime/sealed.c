/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program's read-only copy of itself; see sealed.h. */
#include "runtime/sealed.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/statvfs.h>

#include "base/fd.h"
#include "base/str.h"
#include "namespaces/mountfd.h"

static int read_cmdline(char **ret, size_t *ret_len, struct err *e)
{
	CLEANUP_FD int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd_read_all(fd, 4u << 20, ret, ret_len);

	return r < 0 ? err_ret(e, r, "read /proc/self/cmdline") : 0;
}

int sealed_exec(struct err *e)
{
	CLEANUP_FD int self = open("/proc/self/exe", O_PATH | O_CLOEXEC), copy = -EBADF;
	CLEANUP_FREE char *line = NULL;
	CLEANUP_STRV struct strv args = { 0 };
	struct statvfs fs;
	size_t n = 0;
	int r;

	if (self < 0 || fstatvfs(self, &fs) < 0)
		return err_sys(e, "look at /proc/self/exe");
	if (fs.f_flag & ST_RDONLY)
		return 0;
	copy = mountfd_clone(self, "", false, MOUNT_ATTR_RDONLY, 0, -EBADF, e);
	if (copy < 0)
		return err_wrap(e, "read-only copy of this program");
	r = read_cmdline(&line, &n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i += strlen(line + i) + 1)
		if (strv_add(&args, line + i) < 0)
			return err_nomem(e);
	if (!args.v)
		return err_set(e, EIO, "/proc/self/cmdline is empty");
	(void)execveat(copy, "", args.v, environ, AT_EMPTY_PATH);
	return err_sys(e, "execute the read-only copy of this program");
}
