/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_BASE_CLOCK_H
#define JAIL_BASE_CLOCK_H

#include "base/defs.h"

/* CLOCK_BOOTTIME and CLOCK_REALTIME in milliseconds. */
uint64_t clock_boot_ms(void);
uint64_t clock_wall_ms(void);
/* RFC 3339 in UTC with milliseconds, "2026-11-21T00:48:41.123Z": 25 bytes. */
#define CLOCK_TEXT_MAX 32
void clock_format(uint64_t wall_ms, char *ret, size_t n);
/* The reverse, of exactly that form. Return: 0 or -EINVAL. */
int clock_parse(const char *text, uint64_t *ret_wall_ms);
/* Any time of RFC 3339, section 5.6, as strangers write it: a fraction of any length (cut to
 * milliseconds), an offset, a leap second. Return: 0; -EINVAL; -ERANGE before 1970 or after 9999
 * (Go writes the year 1 for "not set"). */
int clock_parse_rfc3339(const char *text, uint64_t *ret_wall_ms);
/* "5 minutes ago" style for tables: "12s", "5m", "3h", "2d". */
void clock_format_age(uint64_t age_ms, char *ret, size_t n);

#endif
