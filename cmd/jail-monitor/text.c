/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and times in and out, without stdio. */
#include "cmd/jail-monitor/text.h"

#include "base/defs.h"

bool text_parse_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value > max)
		return false;
	*ret = value;
	return true;
}

char *text_put(char *at, const char *s)
{
	size_t n = strlen(s);

	memcpy(at, s, n);
	return at + n;
}

/* Exactly `width` digits, leading zeroes. */
static char *put_digits(char *at, uint64_t value, int width)
{
	int i;

	for (i = width - 1; i >= 0; i--) {
		at[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return at + width;
}

char *text_put_number(char *at, uint64_t value)
{
	uint64_t rest = value;
	int width = 1;

	while (rest >= 10) {
		rest /= 10;
		width++;
	}
	return put_digits(at, value, width);
}

char *text_put_time(char *at, uint64_t wall_ms)
{
	uint64_t seconds = wall_ms / 1000;
	/*
	 * Days to a civil date, by the years that begin on the first of March, so that the leap
	 * day is a year's last (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
	 */
	uint64_t days = seconds / 86400 + 719468;
	uint64_t era = days / 146097;
	uint64_t day_of_era = days % 146097;
	uint64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint64_t march_month = (5 * day_of_year + 2) / 153;
	uint64_t day = day_of_year - (153 * march_month + 2) / 5 + 1;
	uint64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
	uint64_t year = year_of_era + era * 400 + (month <= 2);

	at = put_digits(at, year, 4);
	*at++ = '-';
	at = put_digits(at, month, 2);
	*at++ = '-';
	at = put_digits(at, day, 2);
	*at++ = 'T';
	at = put_digits(at, seconds / 3600 % 24, 2);
	*at++ = ':';
	at = put_digits(at, seconds / 60 % 60, 2);
	*at++ = ':';
	at = put_digits(at, seconds % 60, 2);
	*at++ = '.';
	at = put_digits(at, wall_ms % 1000, 3);
	*at++ = 'Z';
	return at;
}
