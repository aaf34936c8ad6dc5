/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two clocks: BOOTTIME for "how long" (it counts suspend and never jumps), REALTIME for "when".
 */
#include "base/clock.h"

#include <inttypes.h>
#include <time.h>

/* RFC 3339 has four digits for the year. */
#define CLOCK_LAST_S 253402300799

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
	/* Later times show as the last one that fits. */
	uint64_t s = wall_ms / 1000;
	time_t t = (time_t)(s > CLOCK_LAST_S ? CLOCK_LAST_S : s);
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

/* Exactly n digits, followed by `end` unless that is NUL. Return: behind them, or NULL; also when
 * text is NULL, so that several make one chain. */
static const char *clock_digits(const char *text, size_t n, char end, int *ret)
{
	int value = 0;

	if (!text)
		return NULL;
	for (; n > 0; n--, text++) {
		if (*text < '0' || *text > '9')
			return NULL;
		value = value * 10 + *text - '0';
	}
	*ret = value;
	if (end == '\0')
		return text;
	return *text == end ? text + 1 : NULL;
}

/* "2026-11-21T00:48:41", every field in its range. Return: behind it, or NULL. */
static const char *clock_date_time(const char *text, int64_t *ret_s)
{
	struct tm tm = { 0 }, back = { 0 };
	int year = 0, month = 0;
	time_t t;

	text = clock_digits(text, 4, '-', &year);
	text = clock_digits(text, 2, '-', &month);
	text = clock_digits(text, 2, '\0', &tm.tm_mday);
	if (!text || (*text != 'T' && *text != 't'))
		return NULL;
	text = clock_digits(text + 1, 2, ':', &tm.tm_hour);
	text = clock_digits(text, 2, ':', &tm.tm_min);
	text = clock_digits(text, 2, '\0', &tm.tm_sec);
	if (!text || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return NULL;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	back = tm;
	t = timegm(&back);
	/* What timegm() had to bring into range was no date; a leap second may run over. */
	back = tm;
	back.tm_sec = 0;
	(void)timegm(&back);
	if (back.tm_mon != tm.tm_mon)
		return NULL;
	*ret_s = (int64_t)t;
	return text;
}

/* "Z", "+02:00". Return: behind it, or NULL. */
static const char *clock_offset(const char *text, int64_t *ret_s)
{
	int hours = 0, minutes = 0;
	bool negative = *text == '-';

	if (*text == 'Z' || *text == 'z') {
		*ret_s = 0;
		return text + 1;
	}
	if (*text != '+' && *text != '-')
		return NULL;
	text = clock_digits(text + 1, 2, ':', &hours);
	text = clock_digits(text, 2, '\0', &minutes);
	if (!text || hours > 23 || minutes > 59)
		return NULL;
	*ret_s = (int64_t)(hours * 60 + minutes) * (negative ? -60 : 60);
	return text;
}

int clock_parse_rfc3339(const char *text, uint64_t *ret_wall_ms)
{
	int64_t s = 0, offset_s = 0;
	unsigned ms = 0;

	text = clock_date_time(text, &s);
	if (!text)
		return -EINVAL;
	if (*text == '.') {
		unsigned weight = 100;

		text++;
		if (*text < '0' || *text > '9')
			return -EINVAL;
		for (; *text >= '0' && *text <= '9'; text++, weight /= 10)
			ms += (unsigned)(*text - '0') * weight;
	}
	text = clock_offset(text, &offset_s);
	if (!text || *text)
		return -EINVAL;
	s -= offset_s;
	if (s < 0 || s > CLOCK_LAST_S)
		return -ERANGE;
	*ret_wall_ms = (uint64_t)s * 1000 + ms;
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
