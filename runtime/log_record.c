/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder of the log. Not base/json.h: a log holds what that rightly refuses (\u0000), and a
 * reader of megabytes wants no tree. The grammar is the writer's own, so anything else is damage.
 */
#include <string.h>

#include "runtime/log_priv.h"

struct cursor {
	const char *at, *end;
};

static bool take(struct cursor *c, const char *literal)
{
	size_t n = strlen(literal);

	if ((size_t)(c->end - c->at) < n || memcmp(c->at, literal, n) != 0)
		return false;
	c->at += n;
	return true;
}

/* "2026-11-21T00:48:41.123Z": only the shape, so that texts can be compared as times. */
static bool take_time(struct cursor *c, char ret[static LOG_TIME_LEN + 1])
{
	static const char shape[] = "0000-00-00T00:00:00.000Z";

	if (c->end - c->at < LOG_TIME_LEN)
		return false;
	for (int i = 0; i < LOG_TIME_LEN; i++) {
		bool digit = c->at[i] >= '0' && c->at[i] <= '9';

		if (shape[i] == '0' ? !digit : c->at[i] != shape[i])
			return false;
	}
	memcpy(ret, c->at, LOG_TIME_LEN);
	ret[LOG_TIME_LEN] = '\0';
	c->at += LOG_TIME_LEN;
	return true;
}

static bool take_source(struct cursor *c, enum log_source *ret)
{
	static const char *const names[] = {
		[LOG_FROM_STDOUT] = "stdout\"",
		[LOG_FROM_STDERR] = "stderr\"",
		[LOG_FROM_JAIL] = "jail\"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (take(c, names[i])) {
			*ret = (enum log_source)i;
			return true;
		}
	}
	return false;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* After a backslash. Only a byte can be meant: below 0x20, or any in a raw record. */
static bool take_escape(struct cursor *c, bool raw, char *ret)
{
	static const char from[] = "\"\\nrt";
	static const char to[] = "\"\\\n\r\t";
	const char *known;
	int high, low;

	if (c->at == c->end)
		return false;
	known = memchr(from, *c->at, sizeof(from) - 1);
	if (known != NULL) {
		*ret = to[known - from];
		c->at++;
		return true;
	}
	if (!take(c, "u00") || c->end - c->at < 2)
		return false;
	high = hex_digit(c->at[0]);
	low = hex_digit(c->at[1]);
	if (high < 0 || low < 0 || (!raw && high > 1))
		return false;
	c->at += 2;
	*ret = (char)(high << 4 | low);
	return true;
}

/* Up to and with the closing quote. Return: length, or -1. */
static ssize_t take_text(struct cursor *c, bool raw, char *text)
{
	char *out = text;

	while (c->at < c->end) {
		char byte = *c->at++;

		if (byte == '"')
			return out - text;
		if ((unsigned char)byte < 0x20 ||
		    (raw && (unsigned char)byte >= 0x7f && byte != 0x7f))
			return -1;
		if (byte == '\\' && !take_escape(c, raw, &byte))
			return -1;
		*out++ = byte;
	}
	return -1;
}

int log_record_parse(const char *line, size_t n, struct log_record *ret, char *text)
{
	static const char raw_tail[] = "\",\"raw\":true}";
	struct cursor c = { line, line + n };
	struct log_record r = { .raw = false };
	ssize_t length;

	r.raw = n >= sizeof(raw_tail) - 1 &&
		memcmp(c.end - (sizeof(raw_tail) - 1), raw_tail, sizeof(raw_tail) - 1) == 0;
	if (!take(&c, "{\"time\":\"") || !take_time(&c, r.time) || !take(&c, "\",\"stream\":\"") ||
	    !take_source(&c, &r.source) || !take(&c, ",\"text\":\""))
		return -EBADMSG;
	length = take_text(&c, r.raw, text);
	if (length < 0 || !take(&c, r.raw ? ",\"raw\":true}" : "}") || c.at != c.end)
		return -EBADMSG;
	r.n = (size_t)length;
	*ret = r;
	return 0;
}
