/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON out. Characters that could steer a terminal (C1, bidi controls; row 80) are escaped as well
 * as those that JSON demands, so that the output may be looked at and still reads back the same.
 */
#include <inttypes.h>

#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"

void json_out_init(struct json_out *o, struct strbuf *b, bool pretty)
{
	*o = (struct json_out){ .b = b, .pretty = pretty };
}

static void json_out_newline(struct json_out *o)
{
	if (!o->pretty)
		return;
	strbuf_addc(o->b, '\n');
	for (int i = 0; i < o->depth; i++)
		strbuf_add(o->b, "  ", 2);
}

static void json_out_unit(struct strbuf *b, unsigned unit)
{
	strbuf_addf(b, "\\u%04x", unit);
}

/* One character of a string. `raw` is its UTF-8 form. */
static void json_out_char(struct strbuf *b, uint32_t cp, const char *raw, size_t len)
{
	static const char shorts[] = "\b\f\n\r\t\"\\";
	static const char letters[] = "bfnrt\"\\";
	const char *hit = cp > 0 && cp < 0x80 ? strchr(shorts, (int)cp) : NULL;

	if (hit) {
		strbuf_addc(b, '\\');
		strbuf_addc(b, letters[hit - shorts]);
	} else if (cp >= 0x10000 && text_is_hidden(cp)) {
		json_out_unit(b, 0xd800 + ((cp - 0x10000) >> 10));
		json_out_unit(b, 0xdc00 + (cp & 0x3ff));
	} else if (cp < 0x20 || cp == 0x7f || text_is_hidden(cp)) {
		json_out_unit(b, cp);
	} else {
		strbuf_add(b, raw, len);
	}
}

static void json_out_quoted(struct strbuf *b, const char *s, size_t n)
{
	strbuf_addc(b, '"');
	for (size_t i = 0; i < n;) {
		uint32_t cp = 0;
		size_t len = utf8_decode(s + i, n - i, &cp);

		if (len == 0)
			strbuf_adds(b, "\xef\xbf\xbd"); /* U+FFFD */
		else
			json_out_char(b, cp, s + i, len);
		i += len ? len : 1;
	}
	strbuf_addc(b, '"');
}

/* Comma, line and key: all that stands before a value. */
static void json_out_lead(struct json_out *o, const char *key)
{
	if (o->need_comma)
		strbuf_addc(o->b, ',');
	if (o->depth > 0)
		json_out_newline(o);
	if (key) {
		json_out_quoted(o->b, key, strlen(key));
		strbuf_adds(o->b, o->pretty ? ": " : ":");
	}
	o->need_comma = true;
}

static void json_out_open(struct json_out *o, const char *key, char bracket)
{
	json_out_lead(o, key);
	strbuf_addc(o->b, bracket);
	o->depth++;
	o->need_comma = false;
}

static void json_out_close(struct json_out *o, char bracket)
{
	o->depth--;
	if (o->need_comma)
		json_out_newline(o);
	strbuf_addc(o->b, bracket);
	o->need_comma = true;
}

void json_out_object(struct json_out *o, const char *key)
{
	json_out_open(o, key, '{');
}

void json_out_object_end(struct json_out *o)
{
	json_out_close(o, '}');
}

void json_out_array(struct json_out *o, const char *key)
{
	json_out_open(o, key, '[');
}

void json_out_array_end(struct json_out *o)
{
	json_out_close(o, ']');
}

void json_out_str(struct json_out *o, const char *key, const char *value)
{
	json_out_strn(o, key, value, strlen(value));
}

void json_out_strn(struct json_out *o, const char *key, const char *value, size_t n)
{
	json_out_lead(o, key);
	json_out_quoted(o->b, value, n);
}

void json_out_int(struct json_out *o, const char *key, int64_t value)
{
	json_out_lead(o, key);
	strbuf_addf(o->b, "%" PRId64, value);
}

void json_out_u64(struct json_out *o, const char *key, uint64_t value)
{
	json_out_lead(o, key);
	strbuf_addf(o->b, "%" PRIu64, value);
}

void json_out_milli(struct json_out *o, const char *key, uint64_t thousandths)
{
	unsigned rest = (unsigned)(thousandths % 1000);
	int digits = 3;

	for (; digits > 0 && rest % 10 == 0; digits--)
		rest /= 10;
	json_out_lead(o, key);
	strbuf_addf(o->b, "%" PRIu64, thousandths / 1000);
	if (digits > 0)
		strbuf_addf(o->b, ".%0*u", digits, rest);
}

void json_out_bool(struct json_out *o, const char *key, bool value)
{
	json_out_lead(o, key);
	strbuf_adds(o->b, value ? "true" : "false");
}

void json_out_null(struct json_out *o, const char *key)
{
	json_out_lead(o, key);
	strbuf_adds(o->b, "null");
}

void json_out_node(struct json_out *o, const char *key, const struct json *node)
{
	switch (node->type) {
	case JSON_NULL:
		json_out_null(o, key);
		break;
	case JSON_BOOL:
		json_out_bool(o, key, node->boolean);
		break;
	case JSON_NUMBER:
		json_out_lead(o, key);
		strbuf_add(o->b, node->text, node->len);
		break;
	case JSON_STRING:
		json_out_strn(o, key, node->text, node->len);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		json_out_open(o, key, node->type == JSON_ARRAY ? '[' : '{');
		for (const struct json *m = node->first; m; m = m->next)
			json_out_node(o, m->key, m);
		json_out_close(o, node->type == JSON_ARRAY ? ']' : '}');
		break;
	}
}
