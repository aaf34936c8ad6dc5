/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The encoder of the log. Valid UTF-8 goes into a JSON string as it is, with the escapes that JSON
 * demands: so no output can end its record or forge another (row 81). If a piece is not valid
 * UTF-8, the whole piece is taken as bytes: each byte from 0x80 on becomes \u00XX, and "raw":true
 * says so. Text and bytes never mix in one record, so that the reader gets back what was written.
 */
#include "cmd/jail-monitor/line.h"

#include "base/defs.h"
#include "cmd/jail-monitor/text.h"

/* Return: length of the valid sequence at p, 0 if there is none, -1 if n bytes are too few to
 * tell. Unicode 15, table 3-7: no overlong forms, no surrogates, nothing over U+10FFFF. */
static int utf8_sequence(const uint8_t *p, size_t n)
{
	uint8_t low = 0x80, high = 0xbf;
	int i, length;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		length = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		length = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	for (i = 1; i < length; i++) {
		if ((size_t)i == n)
			return -1;
		if (p[i] < low || p[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return length;
}

static bool is_utf8(const uint8_t *p, size_t n)
{
	while (n > 0) {
		uint64_t word;
		int length;

		if (n >= sizeof(word)) {
			memcpy(&word, p, sizeof(word));
			if ((word & 0x8080808080808080u) == 0) {
				p += sizeof(word);
				n -= sizeof(word);
				continue;
			}
		}
		length = utf8_sequence(p, n);
		if (length <= 0)
			return false;
		p += length;
		n -= (size_t)length;
	}
	return true;
}

size_t line_cut(const uint8_t *text, size_t n)
{
	size_t back;

	for (back = 1; back <= 3 && back <= n; back++) {
		const uint8_t *lead = text + n - back;

		if (*lead < 0x80)
			return n;
		if (*lead >= 0xc0)
			return utf8_sequence(lead, back) < 0 ? n - back : n;
	}
	return n;
}

static char *put_escape(char *at, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";

	*at++ = '\\';
	switch (c) {
	case '"':
	case '\\':
		*at++ = (char)c;
		return at;
	case '\n':
		*at++ = 'n';
		return at;
	case '\r':
		*at++ = 'r';
		return at;
	case '\t':
		*at++ = 't';
		return at;
	default:
		at = text_put(at, "u00");
		*at++ = hex[c >> 4];
		*at++ = hex[c & 15];
		return at;
	}
}

size_t line_encode(char *out, const char *time, const char *stream, const uint8_t *text, size_t n)
{
	bool raw = !is_utf8(text, n);
	uint8_t plain_end = raw ? 0x7f : 0xff;
	char *at = out;
	size_t i;

	at = text_put(at, "{\"time\":\"");
	memcpy(at, time, TEXT_TIME_LEN);
	at = text_put(at + TEXT_TIME_LEN, "\",\"stream\":\"");
	at = text_put(at, stream);
	at = text_put(at, "\",\"text\":\"");
	for (i = 0; i < n; i++) {
		uint8_t c = text[i];

		if (c >= 0x20 && c <= plain_end && c != '"' && c != '\\')
			*at++ = (char)c;
		else
			at = put_escape(at, c);
	}
	at = text_put(at, raw ? "\",\"raw\":true}\n" : "\"}\n");
	return (size_t)(at - out);
}
