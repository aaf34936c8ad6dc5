/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A clock that has jumped, for the programs that load this (LD_PRELOAD): their wall clock is
 * CLOCK_JUMP seconds ahead, or behind. The kernel has no namespace for that clock, and the tests
 * may not set the machine's.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static time_t jump;

__attribute__((constructor)) static void init(void)
{
	const char *text = getenv("CLOCK_JUMP");

	jump = text ? (time_t)strtoll(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	int (*real)(clockid_t, struct timespec *) =
		(int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	int r = real(clock, ret);

	if (r == 0 && clock == CLOCK_REALTIME)
		ret->tv_sec += jump;
	return r;
}

time_t time(time_t *ret)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}
