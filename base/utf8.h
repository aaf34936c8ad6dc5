/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef JAIL_BASE_UTF8_H
#define JAIL_BASE_UTF8_H

#include "base/defs.h"

#define UTF8_MAX 4

/* Decodes the character at s[0..n), n > 0. Return: its length in bytes and *ret, or 0 when the
 * first byte does not begin a valid one. */
size_t utf8_decode(const char *s, size_t n, uint32_t *ret);

#endif
