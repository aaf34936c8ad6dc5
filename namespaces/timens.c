/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time namespaces. Their offsets can be written only while they are empty, so clone3 with
 * CLONE_NEWTIME, whose child is inside at once, is of no use: unshare makes one for the children to
 * come, the offsets are written, and the next child is born in it (time_namespaces(7)).
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/stat.h>
#include <time.h>

#include "base/str.h"
#include "base/sys.h"
#include "namespaces/clone.h"
#include "namespaces/procfd.h"

/* Minus the present value of a clock, with the nanoseconds positive, as the kernel wants it. */
static int ns_time_to_zero(clockid_t clock, struct ns_time_offset *ret, struct err *e)
{
	struct timespec now;

	if (clock_gettime(clock, &now) < 0)
		return err_sys(e, "clock_gettime");
	if (now.tv_nsec > 0) {
		now.tv_sec++;
		now.tv_nsec = 1000000000L - now.tv_nsec;
	}
	*ret = (struct ns_time_offset){ -now.tv_sec, (uint32_t)now.tv_nsec };
	return 0;
}

static int ns_time_write(const char *clock, const struct ns_time_offset *o, struct err *e)
{
	CLEANUP_FD int fd = procfd_open("self/timens_offsets", O_WRONLY);
	char text[64];
	int n;

	if (fd < 0)
		return err_ret(e, fd, "open /proc/self/timens_offsets");
	n = str_format(text, sizeof(text), "%s %lld %u\n", clock, (long long)o->seconds,
		       o->nanoseconds);
	if (n < 0)
		return err_ret(e, n, "offset of the %s clock", clock);
	if (write(fd, text, (size_t)n) == n)
		return 0;
	(void)err_sys(e, "set the %s clock's offset to %lld s", clock, (long long)o->seconds);
	return e->code == ERANGE ? err_hint(e, "the clock would be before its start or too far on")
				 : -e->code;
}

int ns_time_new(const struct ns_time_offset *monotonic, const struct ns_time_offset *boottime,
		struct err *e)
{
	struct ns_time_offset zero[2];
	int r = 0;

	if (unshare(CLONE_NEWTIME) < 0)
		return err_sys(e, "new time namespace");
	if (!monotonic && !boottime) {
		if (ns_time_to_zero(CLOCK_MONOTONIC, &zero[0], e) < 0 ||
		    ns_time_to_zero(CLOCK_BOOTTIME, &zero[1], e) < 0)
			return -e->code;
		monotonic = &zero[0];
		boottime = &zero[1];
	}
	if (monotonic)
		r = ns_time_write("monotonic", monotonic, e);
	if (r == 0 && boottime)
		r = ns_time_write("boottime", boottime, e);
	return r;
}

/* Children are born where we are: nothing was made, or it is undone already. */
static bool ns_time_is_ours(int own)
{
	CLEANUP_FD int next = procfd_open("self/ns/time_for_children", O_RDONLY);
	struct stat a, b;

	return next >= 0 && fstat(own, &a) == 0 && fstat(next, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

int ns_time_reset(struct err *e)
{
	CLEANUP_FD int fd = procfd_open("self/ns/time", O_RDONLY);

	if (fd < 0)
		return err_ret(e, fd, "open /proc/self/ns/time");
	if (ns_time_is_ours(fd))
		return 0;
	if (sys_setns(fd, CLONE_NEWTIME) < 0)
		return err_sys(e, "return to our time namespace");
	return 0;
}
