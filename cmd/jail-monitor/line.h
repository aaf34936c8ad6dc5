/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One piece of output as one JSON line of the log (runtime/log.h). Pure: memory in, memory out. */
#ifndef JAIL_MONITOR_LINE_H
#define JAIL_MONITOR_LINE_H

#include <stddef.h>
#include <stdint.h>

/* All but the text: braces, keys, time, "stdout", "raw", newline. */
#define LINE_FRAME_MAX 80
/* Room that a line of n bytes of output can take: each byte may become \u00XX. */
#define LINE_ENCODED_MAX(n) (LINE_FRAME_MAX + 6 * (size_t)(n))

/* Writes the line, newline included; `out` has LINE_ENCODED_MAX(n) bytes. stream: at most 6
 * characters. time: TEXT_TIME_LEN bytes. Return: length. */
size_t line_encode(char *out, const char *time, const char *stream, const uint8_t *text, size_t n);
/* Where to cut a line that is n bytes long and goes on: n, or up to 3 less so that no UTF-8
 * sequence is cut. */
size_t line_cut(const uint8_t *text, size_t n);

#endif
