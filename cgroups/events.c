/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup.events: two facts that change by themselves, "populated" and "frozen". The kernel wakes a
 * poll(2) for POLLPRI when one does; what is waited for is always read again after that.
 */
#include <fcntl.h>
#include <poll.h>

#include "base/clock.h"
#include "cgroups/cgroup_priv.h"

/* Value of "KEY N" on a line of the text, or -ENOENT. */
static int events_value(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = text; *p; p += strcspn(p, "\n") + (strchr(p, '\n') != NULL)) {
		if (str_starts(p, key) && p[n] == ' ')
			return p[n + 1] == '1';
	}
	return -ENOENT;
}

static int events_read(int fd, const char *key)
{
	char buf[128];
	ssize_t r = pread(fd, buf, sizeof(buf) - 1, 0);

	if (r < 0)
		return -errno;
	buf[r] = '\0';
	return events_value(buf, key);
}

int cgroup_event(int dir, const char *key)
{
	CLEANUP_FD int fd = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : events_read(fd, key);
}

int cgroup_event_wait(int dir, const char *key, int want, uint64_t deadline_ms)
{
	CLEANUP_FD int fd = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLPRI };
		int value = events_read(fd, key);
		uint64_t now = clock_boot_ms();

		if (value < 0)
			return value;
		if (value == want)
			return 0;
		if (now >= deadline_ms)
			return -ETIMEDOUT;
		/* At most a second at a time: a wake-up that got lost costs no more. */
		if (poll(&p, 1, deadline_ms - now < 1000 ? (int)(deadline_ms - now) : 1000) < 0 &&
		    errno != EINTR)
			return -errno;
	}
}
