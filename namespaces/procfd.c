/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One private procfs for each process: fsopen("proc") with subset=pid (Linux 5.8), never attached.
 * Making it costs a few microseconds, closing it more (the kernel waits for a grace period), so it
 * is kept until the process ends, executes, or enters an instance.
 */
#include "namespaces/procfd.h"

#include <fcntl.h>

#include "base/num.h"
#include "base/str.h"
#include "namespaces/mountfd.h"

static int procfd_handle = -EBADF;

int procfd_get(struct err *e)
{
	static const struct mount_param params[] = { { "subset", "pid" } };

	if (procfd_handle < 0) {
		int fd = mountfd_new("proc", params, ARRAY_SIZE(params),
				     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);

		if (fd < 0)
			return err_wrap(e, "private /proc handle");
		procfd_handle = fd;
	}
	return procfd_handle;
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
