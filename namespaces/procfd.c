/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One private procfs for each process: fsopen("proc") with subset=pid (Linux 5.8), never attached.
 * Making it costs a few microseconds, closing it more (the kernel waits for a grace period), so it
 * is kept until the process ends, executes, or enters an instance.
 */
#include "namespaces/procfd.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/num.h"
#include "base/str.h"
#include "namespaces/mountfd.h"

#define PROCFD_ROOT_INODE 1 /* PROC_ROOT_INO of the kernel */

static int procfd_handle = -EBADF;

/* Who may mount nothing has only /proc. It is the host's, and must be a procfs. */
static int procfd_public(void)
{
	CLEANUP_FD int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	struct stat st;

	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC || fstat(fd, &st) < 0 ||
	    st.st_ino != PROCFD_ROOT_INODE)
		return -EBADF;
	return TAKE_FD(fd);
}

int procfd_get(struct err *e)
{
	static const struct mount_param params[] = { { "subset", "pid" } };
	struct err first = ERR_INIT;

	if (procfd_handle >= 0)
		return procfd_handle;
	procfd_handle =
		mountfd_new("proc", params, ARRAY_SIZE(params),
			    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, &first);
	if (procfd_handle < 0 && first.code == EPERM)
		procfd_handle = procfd_public();
	if (procfd_handle >= 0)
		return procfd_handle;
	*e = first;
	return err_wrap(e, "private /proc handle");
}

int procfd_open(const char *path, int flags)
{
	struct err e = ERR_INIT;
	int dir = procfd_get(&e);
	int fd;

	if (dir < 0)
		return dir;
	fd = openat(dir, path, flags | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

pid_t procfd_pid(int pidfd, struct err *e)
{
	char path[64], text[512];
	CLEANUP_FD int fd = -EBADF;
	const char *p;
	ssize_t n;
	int64_t pid;

	if (str_format(path, sizeof(path), "self/fdinfo/%d", pidfd) < 0)
		return err_set(e, EBADF, "pidfd %d", pidfd);
	fd = procfd_open(path, O_RDONLY);
	if (fd < 0)
		return err_ret(e, fd, "open /proc/%s", path);
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return err_sys(e, "read /proc/%s", path);
	text[n] = '\0';
	p = strstr(text, "\nPid:\t");
	if (!p)
		return err_set(e, EBADF, "fd %d is not a pidfd", pidfd);
	p += strlen("\nPid:\t");
	text[(size_t)(p - text) + strcspn(p, "\n")] = '\0';
	if (num_parse_i64(p, -1, INT32_MAX, &pid, e) < 0)
		return err_wrap(e, "/proc/%s", path);
	if (pid <= 0)
		return err_set(e, ESRCH, "the process of pidfd %d is gone", pidfd);
	return (pid_t)pid;
}

void procfd_close(void)
{
	fd_reset(&procfd_handle);
}
