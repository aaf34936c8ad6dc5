/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting for a kill, or the end. The kernel wakes a poll(2) for POLLPRI on both files; what is
 * waited for is always read again after that, and once a second, so a lost wake-up costs no more.
 */
#include <fcntl.h>
#include <poll.h>

#include "base/clock.h"
#include "base/num.h"
#include "cgroups/cgroup_priv.h"
#include "cgroups/directory.h"

#define LOOK_MS 1000

/* "oom_kill N". Return: N, or 0 where there is none. */
static uint64_t read_kills(int events)
{
	static const char key[] = "\noom_kill ";
	char text[512] = "\n", *at;
	struct err ignored = ERR_INIT;
	uint64_t n = 0;
	ssize_t r = events < 0 ? -1 : pread(events, text + 1, sizeof(text) - 2, 0);

	if (r < 0)
		return 0;
	text[r + 1] = '\0';
	at = strstr(text, key);
	if (!at)
		return 0;
	at += sizeof(key) - 1;
	at[strcspn(at, "\n")] = '\0';
	return num_parse_u64(at, 0, UINT64_MAX, &n, &ignored) < 0 ? 0 : n;
}

/* How long the next poll(2) may take; < 0: the time is over. */
static int left_ms(uint64_t begin_ms, int timeout_ms)
{
	uint64_t past = clock_boot_ms() - begin_ms;

	if (timeout_ms < 0)
		return LOOK_MS;
	if (past >= (uint64_t)timeout_ms)
		return -1;
	return (uint64_t)timeout_ms - past < LOOK_MS ? (int)((uint64_t)timeout_ms - past) : LOOK_MS;
}

uint64_t cgroup_oom_kills(int dir)
{
	CLEANUP_FD int memory = openat(dir, "memory.events", O_RDONLY | O_CLOEXEC);

	return read_kills(memory);
}

int cgroup_directory_wait_oom(int dir, const char *name, int timeout_ms, uint64_t *kills,
			      struct err *e)
{
	CLEANUP_FD int memory = openat(dir, "memory.events", O_RDONLY | O_CLOEXEC);
	CLEANUP_FD int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	uint64_t begin_ms = clock_boot_ms();

	for (;;) {
		struct pollfd p[2] = { { .fd = events, .events = POLLPRI },
				       { .fd = memory, .events = POLLPRI } };
		/* In this order: the kill may have been the last one's end. */
		int populated = cgroup_event(dir, "populated"), wait;
		uint64_t now = read_kills(memory);

		if (now > *kills) {
			*kills = now;
			return 1;
		}
		if (populated <= 0)
			return 0;
		wait = left_ms(begin_ms, timeout_ms);
		if (wait < 0)
			return -ETIMEDOUT;
		if (poll(p, 2, wait) < 0 && errno != EINTR)
			return err_sys(e, "wait for cgroup %s", name);
	}
}
