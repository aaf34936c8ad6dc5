/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time namespaces. Their offsets can be written only while they are empty, so clone3 with
 * CLONE_NEWTIME, whose child is inside at once, is of no use: unshare makes one for the children to
 * come, the offsets are written, and the next child is born in it (time_namespaces(7)).
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <time.h>

#include "base/str.h"
#include "base/sys.h"
#include "namespaces/clone.h"
#include "namespaces/procfd.h"

/* Minus the present value of a clock, with the nanoseconds positive, as the kernel wants it. */
static int ns_time_offset(clockid_t clock, const char *name, char *ret, size_t n, struct err *e)
{
	struct timespec now;
	int r;

	if (clock_gettime(clock, &now) < 0)
		return err_sys(e, "clock_gettime");
	if (now.tv_nsec > 0) {
		now.tv_sec++;
		now.tv_nsec = 1000000000L - now.tv_nsec;
	}
	r = str_format(ret, n, "%s -%lld %ld\n", name, (long long)now.tv_sec, now.tv_nsec);
	return r < 0 ? err_ret(e, r, "offset of the %s clock", name) : r;
}

int ns_time_zero(struct err *e)
{
	char text[128];
	CLEANUP_FD int fd = -EBADF;
	int a, b;

	if (unshare(CLONE_NEWTIME) < 0)
		return err_sys(e, "new time namespace");
	fd = procfd_open("self/timens_offsets", O_WRONLY);
	if (fd < 0)
		return err_ret(e, fd, "open /proc/self/timens_offsets");
	a = ns_time_offset(CLOCK_MONOTONIC, "monotonic", text, sizeof(text), e);
	if (a < 0)
		return a;
	b = ns_time_offset(CLOCK_BOOTTIME, "boottime", text + a, sizeof(text) - (size_t)a, e);
	if (b < 0)
		return b;
	if (write(fd, text, (size_t)a + (size_t)b) != a + b)
		return err_sys(e, "write /proc/self/timens_offsets");
	return 0;
}

int ns_time_reset(struct err *e)
{
	CLEANUP_FD int fd = procfd_open("self/ns/time", O_RDONLY);

	if (fd < 0)
		return err_ret(e, fd, "open /proc/self/ns/time");
	if (sys_setns(fd, CLONE_NEWTIME) < 0)
		return err_sys(e, "return to our time namespace");
	return 0;
}
