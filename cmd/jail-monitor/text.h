/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The little text that jail-monitor needs, without stdio: printf(3) alone would double the program.
 * The put functions write at `at`, add no NUL, and return the place after what they wrote; room is
 * the caller's business and is known at compile time everywhere.
 */
#ifndef JAIL_MONITOR_TEXT_H
#define JAIL_MONITOR_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#define TEXT_NUMBER_MAX 20
#define TEXT_TIME_LEN 24

/* Decimal digits only, at most max. */
bool text_parse_number(const char *text, uint64_t max, uint64_t *ret);
char *text_put(char *at, const char *s);
char *text_put_number(char *at, uint64_t value);
/* "2026-11-21T00:48:41.123Z": TEXT_TIME_LEN bytes. */
char *text_put_time(char *at, uint64_t wall_ms);

#endif
