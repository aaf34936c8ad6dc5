/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program's read-only copy of itself; see sealed.h. */
#include "runtime/sealed.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <sys/statvfs.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "namespaces/mountfd.h"

static int read_cmdline(char **ret, size_t *ret_len, struct err *e)
{
	CLEANUP_FD int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd_read_all(fd, 4u << 20, ret, ret_len);

	return r < 0 ? err_ret(e, r, "read /proc/self/cmdline") : 0;
}

/* The command line that we were called with; `first` instead of argv[0]. */
static int own_args(const char *first, struct strv *ret, struct err *e)
{
	CLEANUP_FREE char *line = NULL;
	size_t n = 0;

	if (read_cmdline(&line, &n, e) < 0)
		return -e->code;
	for (size_t i = 0; i < n; i += strlen(line + i) + 1)
		if (strv_add(ret, i == 0 ? first : line + i) < 0)
			return err_nomem(e);
	return ret->v ? 0 : err_set(e, EIO, "/proc/self/cmdline is empty");
}

int program_path(char *ret, size_t n, struct err *e)
{
	ssize_t got = readlink("/proc/self/exe", ret, n - 1);

	if (got < 0)
		return err_sys(e, "readlink /proc/self/exe");
	ret[got] = '\0';
	return 0;
}

static int execute(int program, const char *path, bool sealed, struct err *e)
{
	CLEANUP_FD int copy = -EBADF;
	CLEANUP_STRV struct strv args = { 0 };

	if (sealed) {
		copy = mountfd_clone(program, "", false, MOUNT_ATTR_RDONLY, 0, -EBADF, e);
		if (copy < 0)
			return err_wrap(e, "read-only copy of %s", path);
	}
	if (own_args(path, &args, e) < 0)
		return -e->code;
	(void)sys_execveat(sealed ? copy : program, args.v, environ);
	return err_sys(e, "execute %s", path);
}

int program_exec(const char *path, bool sealed, struct err *e)
{
	CLEANUP_FD int program = open(path, O_PATH | O_CLOEXEC);

	if (program < 0)
		return err_sys(e, "open %s", path);
	return execute(program, path, sealed, e);
}

int sealed_exec(struct err *e)
{
	CLEANUP_FD int self = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	char path[PATH_MAX];
	struct statvfs fs;

	if (self < 0 || fstatvfs(self, &fs) < 0)
		return err_sys(e, "look at /proc/self/exe");
	if (fs.f_flag & ST_RDONLY)
		return 0;
	if (program_path(path, sizeof(path), e) < 0)
		return -e->code;
	return execute(self, path, true, e);
}
