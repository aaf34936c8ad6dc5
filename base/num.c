/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers in and out. Everything is built on num_digits(), which reads decimal digits and nothing
 * else: no blanks, no sign, no locale, no base prefix (row 46). A value with a unit is digits, at
 * most three digits of fraction, and the unit's name.
 */
#include "base/num.h"

#include <inttypes.h>

#include "base/str.h"

static bool num_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads the digits at *p and moves *p behind them. Return: 0, -EINVAL (no digit), -ERANGE. */
static int num_digits(const char **p, uint64_t *ret)
{
	uint64_t v = 0;
	bool over = false;

	if (!num_is_digit(**p))
		return -EINVAL;
	for (; num_is_digit(**p); (*p)++)
		over |= __builtin_mul_overflow(v, (uint64_t)10, &v) ||
			__builtin_add_overflow(v, (uint64_t)(**p - '0'), &v);
	if (over)
		return -ERANGE;
	*ret = v;
	return 0;
}

/* A whole decimal number without leading zero that ends the string. */
static int num_whole(const char *p, uint64_t *ret)
{
	const char *start = p;
	uint64_t v = 0;
	int r = num_digits(&p, &v);

	if (r == -EINVAL || *p != '\0' || (*start == '0' && p - start > 1))
		return -EINVAL;
	if (r < 0)
		return r;
	*ret = v;
	return 0;
}

int num_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret, struct err *e)
{
	uint64_t v = 0;
	int r = num_whole(text, &v);

	if (r == -EINVAL)
		return err_set(e, EINVAL,
			       "\"%s\": expected a number in decimal digits, without leading zero",
			       text);
	if (r < 0 || v < min || v > max)
		return err_set(e, ERANGE, "\"%s\": expected a number from %" PRIu64 " to %" PRIu64,
			       text, min, max);
	*ret = v;
	return 0;
}

int num_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret, struct err *e)
{
	bool negative = text[0] == '-';
	uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
	uint64_t v = 0;
	int64_t value = 0;
	int r = num_whole(text + negative, &v);

	if (r == -EINVAL || (negative && v == 0 && r == 0))
		return err_set(e, EINVAL,
			       "\"%s\": expected a number in decimal digits, without leading zero",
			       text);
	if (r == 0 && v <= limit)
		value = negative ? (int64_t)(0 - v) : (int64_t)v;
	else
		r = -ERANGE;
	if (r < 0 || value < min || value > max)
		return err_set(e, ERANGE, "\"%s\": expected a number from %" PRId64 " to %" PRId64,
			       text, min, max);
	*ret = value;
	return 0;
}

/* "12.345": a whole part without leading zero and at most three digits of fraction. *ret_whole and
 * *ret_milli are set, *p moves behind. Return: 0, -EINVAL, -ERANGE. */
static int num_fixed(const char **p, uint64_t *ret_whole, unsigned *ret_milli)
{
	const char *start = *p;
	unsigned milli = 0, scale = 100;
	int r = num_digits(p, ret_whole);

	if (r < 0)
		return r;
	if (*start == '0' && *p - start > 1)
		return -EINVAL;
	if (**p == '.') {
		(*p)++;
		if (!num_is_digit(**p))
			return -EINVAL;
		for (; num_is_digit(**p); (*p)++) {
			if (scale == 0)
				return -EINVAL;
			milli += (unsigned)(**p - '0') * scale;
			scale /= 10;
		}
	}
	*ret_milli = milli;
	return 0;
}

/* whole.milli * unit. Return: 0, -ERANGE (overflow), -EINVAL (not a whole number). */
static int num_scale(uint64_t whole, unsigned milli, uint64_t unit, uint64_t *ret)
{
	unsigned __int128 v =
		(unsigned __int128)whole * unit * 1000 + (unsigned __int128)milli * unit;

	if (v % 1000 != 0)
		return -EINVAL;
	v /= 1000;
	if (v > UINT64_MAX)
		return -ERANGE;
	*ret = (uint64_t)v;
	return 0;
}

static const struct {
	const char *name;
	unsigned shift;
} num_sizes[] = {
	{ "", 0 },     { "B", 0 },  { "K", 10 },   { "KiB", 10 }, { "M", 20 },
	{ "MiB", 20 }, { "G", 30 }, { "GiB", 30 }, { "T", 40 },	  { "TiB", 40 },
};

int num_parse_size(const char *text, uint64_t *ret_bytes, struct err *e)
{
	const char *p = text;
	uint64_t whole = 0;
	unsigned milli = 0;
	size_t i;
	int r = num_fixed(&p, &whole, &milli);

	if (r == -EINVAL)
		return err_set(e, EINVAL,
			       "\"%s\": expected a size such as \"512MiB\", \"1.5GiB\" or \"4096\"",
			       text);
	for (i = 0; i < ARRAY_SIZE(num_sizes); i++) {
		if (str_eq(p, num_sizes[i].name))
			break;
	}
	if (i == ARRAY_SIZE(num_sizes))
		return err_set(e, EINVAL,
			       "\"%s\": unknown unit \"%s\"; use B, KiB, MiB, GiB, TiB, or K, M, "
			       "G, T",
			       text, p);
	if (r == 0)
		r = num_scale(whole, milli, 1ull << num_sizes[i].shift, ret_bytes);
	if (r == -EINVAL)
		return err_set(e, EINVAL, "\"%s\": not a whole number of bytes", text);
	if (r < 0)
		return err_set(e, ERANGE, "\"%s\": larger than 16 EiB", text);
	return 0;
}

/* Longest first; "ms" stands before "m" because a unit is matched as a prefix. */
static const struct {
	const char *name;
	unsigned rank;
	uint64_t ms;
} num_durations[] = {
	{ "ms", 5, 1 },	   { "d", 1, 86400000 }, { "h", 2, 3600000 },
	{ "m", 3, 60000 }, { "s", 4, 1000 },
};

/* Reads one "12s" of a duration; *rank is the last one's and must grow. */
static int num_duration_part(const char **p, unsigned *rank, uint64_t *total)
{
	const char *start = *p;
	uint64_t v = 0, ms = 0;
	int r = num_digits(p, &v);

	if (r == -EINVAL || (*start == '0' && *p - start > 1))
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(num_durations); i++) {
		if (!str_starts(*p, num_durations[i].name))
			continue;
		if (num_durations[i].rank <= *rank)
			return -EINVAL;
		*rank = num_durations[i].rank;
		*p += strlen(num_durations[i].name);
		if (r < 0 || __builtin_mul_overflow(v, num_durations[i].ms, &ms) ||
		    __builtin_add_overflow(*total, ms, total))
			return -ERANGE;
		return 0;
	}
	return -EINVAL;
}

int num_parse_duration(const char *text, uint64_t *ret_ms, struct err *e)
{
	const char *p = text;
	uint64_t total = 0;
	unsigned rank = 0;
	int r;

	do
		r = num_duration_part(&p, &rank, &total);
	while (r == 0 && *p != '\0');
	if (r == -ERANGE)
		return err_set(e, ERANGE, "\"%s\": too long a time", text);
	if (r < 0)
		return err_set(e, EINVAL,
			       "\"%s\": expected a time such as \"10s\", \"1m30s\" or \"500ms\" "
			       "(units d, h, m, s, ms)",
			       text);
	*ret_ms = total;
	return 0;
}

int num_parse_cpus(const char *text, uint64_t *ret_millicpus, struct err *e)
{
	const char *p = text;
	uint64_t whole = 0;
	unsigned milli = 0;
	int r = num_fixed(&p, &whole, &milli);

	if (r == -EINVAL || *p != '\0')
		return err_set(e, EINVAL,
			       "\"%s\": expected a number of CPUs such as \"2\" or \"1.5\", with "
			       "at most 3 digits after the point",
			       text);
	if (r < 0 || whole > NUM_CPUS_MAX || (whole == 0 && milli == 0))
		return err_set(e, ERANGE, "\"%s\": expected from 0.001 to %d CPUs", text,
			       NUM_CPUS_MAX);
	*ret_millicpus = whole * 1000 + milli;
	return 0;
}

int num_parse_milli(const char *text, uint64_t *ret, struct err *e)
{
	const char *p = text;
	uint64_t whole = 0, value;
	unsigned milli = 0;
	int r = num_fixed(&p, &whole, &milli);

	if (r == -EINVAL || *p != '\0')
		return err_set(e, EINVAL,
			       "\"%s\": expected a number with at most 3 digits after the point",
			       text);
	if (r < 0 || __builtin_mul_overflow(whole, (uint64_t)1000, &value) ||
	    __builtin_add_overflow(value, (uint64_t)milli, &value))
		return err_set(e, ERANGE, "\"%s\": the number is too large", text);
	*ret = value;
	return 0;
}

/* Reads "3" or "0-3" at *p into the bit map. Return: 0, -EINVAL, -ERANGE. */
static int num_cpu_range(const char **p, uint8_t *bits)
{
	uint64_t first = 0, last;
	int r = num_digits(p, &first);

	last = first;
	if (r == 0 && **p == '-') {
		(*p)++;
		r = num_digits(p, &last);
	}
	if (r < 0)
		return r;
	if (last < first)
		return -EINVAL;
	if (last >= NUM_CPUS_MAX)
		return -ERANGE;
	for (uint64_t i = first; i <= last; i++)
		bits[i / 8] |= (uint8_t)(1u << (i % 8));
	return 0;
}

/* Writes the bit map as a canonical list. Return: 0 or -ENAMETOOLONG. */
static int num_cpu_write(const uint8_t *bits, char *ret, size_t n)
{
	size_t used = 0;

	for (unsigned i = 0; i < NUM_CPUS_MAX; i++) {
		unsigned last = i;
		int len;

		if (!(bits[i / 8] & (1u << (i % 8))))
			continue;
		while (last + 1 < NUM_CPUS_MAX && (bits[(last + 1) / 8] & (1u << ((last + 1) % 8))))
			last++;
		if (last == i)
			len = str_format(ret + used, n - used, "%s%u", used ? "," : "", i);
		else
			len = str_format(ret + used, n - used, "%s%u-%u", used ? "," : "", i, last);
		if (len < 0)
			return len;
		used += (size_t)len;
		i = last;
	}
	return 0;
}

int num_parse_cpubits(const char *text, uint8_t ret[static NUM_CPUS_MAX / 8], struct err *e)
{
	uint8_t bits[NUM_CPUS_MAX / 8] = { 0 };
	const char *p = text;
	int r;

	for (;;) {
		r = num_cpu_range(&p, bits);
		if (r < 0 || *p != ',')
			break;
		p++;
	}
	if (r == -ERANGE)
		return err_set(e, ERANGE, "\"%s\": CPU numbers go from 0 to %d", text,
			       NUM_CPUS_MAX - 1);
	if (r < 0 || *p != '\0')
		return err_set(e, EINVAL, "\"%s\": expected a list of CPUs such as \"0-3,7\"",
			       text);
	memcpy(ret, bits, sizeof(bits));
	return 0;
}

int num_parse_cpulist(const char *text, char *ret, size_t n, struct err *e)
{
	uint8_t bits[NUM_CPUS_MAX / 8];
	int r = num_parse_cpubits(text, bits, e);

	if (r < 0)
		return r;
	if (num_cpu_write(bits, ret, n) < 0)
		return err_set(e, ENAMETOOLONG, "\"%s\": too many separate ranges", text);
	return 0;
}

void num_format_size(uint64_t bytes, char *ret, size_t n)
{
	static const struct {
		const char *name;
		unsigned shift;
	} units[] = { { "TiB", 40 }, { "GiB", 30 }, { "MiB", 20 }, { "KiB", 10 } };

	for (size_t i = 0; bytes > 0 && i < ARRAY_SIZE(units); i++) {
		if (bytes % (1ull << units[i].shift) == 0) {
			(void)snprintf(ret, n, "%" PRIu64 "%s", bytes >> units[i].shift,
				       units[i].name);
			return;
		}
	}
	(void)snprintf(ret, n, "%" PRIu64 "B", bytes);
}

void num_format_duration(uint64_t ms, char *ret, size_t n)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {
		{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }
	};
	size_t used = 0;

	if (ms == 0) {
		(void)snprintf(ret, n, "0s");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		int len;

		if (ms < units[i].ms)
			continue;
		len = str_format(ret + used, n - used, "%" PRIu64 "%s", ms / units[i].ms,
				 units[i].name);
		if (len < 0)
			return;
		used += (size_t)len;
		ms %= units[i].ms;
	}
}

void num_format_size_short(uint64_t bytes, char *ret, size_t n)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	size_t unit = 0;
	uint64_t whole = bytes, tenths;

	while (whole >= 1024) {
		whole >>= 10;
		unit++;
	}
	/* "1023.9MiB" would take nine columns: four digits go without a fraction. */
	if (unit == 0 || whole >= 1000) {
		(void)snprintf(ret, n, "%" PRIu64 "%s", whole, units[unit]);
		return;
	}
	tenths = ((bytes >> (10 * (unit - 1))) & 1023) * 10 / 1024;
	(void)snprintf(ret, n, "%" PRIu64 ".%" PRIu64 "%s", whole, tenths, units[unit]);
}
