/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two clocks: BOOTTIME for "how long" (it counts suspend and never jumps), REALTIME for "when".
 */
#include "base/clock.h"

#include <inttypes.h>
#include <time.h>

static uint64_t clock_ms(clockid_t id)
{
	struct timespec ts = { 0 };

	/* Fails only for a clock that the kernel does not know; both are older than 5.19. */
	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t clock_boot_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

uint64_t clock_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

void clock_format(uint64_t wall_ms, char *ret, size_t n)
{
	/* RFC 3339 has four digits for the year: later times show as the last one that fits. */
	const uint64_t last_s = 253402300799u;
	uint64_t s = wall_ms / 1000;
	time_t t = (time_t)(s > last_s ? last_s : s);
	struct tm tm = { 0 };

	(void)gmtime_r(&t, &tm);
	(void)snprintf(ret, n, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900,
		       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		       (unsigned)(wall_ms % 1000));
}

int clock_parse(const char *text, uint64_t *ret_wall_ms)
{
	char again[CLOCK_TEXT_MAX];
	struct tm tm = { 0 };
	unsigned ms;
	int end = 0;
	uint64_t wall_ms;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3uZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms, &end) != 7 ||
	    !end || text[end])
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	wall_ms = (uint64_t)timegm(&tm) * 1000 + ms;
	/* sscanf and timegm are lenient: only what we would write ourselves is right. */
	clock_format(wall_ms, again, sizeof(again));
	if (strcmp(again, text) != 0)
		return -EINVAL;
	*ret_wall_ms = wall_ms;
	return 0;
}

void clock_format_age(uint64_t age_ms, char *ret, size_t n)
{
	uint64_t s = age_ms / 1000;

	if (s < 60)
		(void)snprintf(ret, n, "%" PRIu64 "s", s);
	else if (s < 3600)
		(void)snprintf(ret, n, "%" PRIu64 "m", s / 60);
	else if (s < 86400)
		(void)snprintf(ret, n, "%" PRIu64 "h", s / 3600);
	else
		(void)snprintf(ret, n, "%" PRIu64 "d", s / 86400);
}
