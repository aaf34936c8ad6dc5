/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON in. Two passes over the text, which is wholly in memory:
 *
 * 1. json_scan() looks at bytes only: UTF-8, byte order mark, NUL, and inside strings control
 *    characters and escapes (yajl 2.1 turns \u0000 into a NUL and a lone surrogate into a '?',
 *    and may look past the end of the string to do so). What it refuses never reaches yajl.
 * 2. yajl checks the grammar and calls back for each token. yajl does not tell where a token
 *    stands, so a cursor runs along: in a text whose grammar holds so far, the next token begins
 *    behind the blanks, commas and colons that follow the last one.
 *
 * Keys are compared when their object ends: sorted, so that a hostile object of a hundred thousand
 * keys costs no more than n log n.
 */
#include <stdarg.h>
#include <yajl/yajl_parse.h>

#include "base/json_memory_priv.h"
#include "base/json_priv.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/utf8.h"

struct json_parser {
	struct json_doc *doc;
	struct err *e;
	const char *text;
	size_t n;
	size_t at; /* the cursor: behind the last token */
	uint32_t line; /* of the cursor, from 1 */
	size_t line_start; /* offset of that line's first byte */
	size_t nodes;
	size_t depth; /* containers that are open */
	struct json *open[LIMIT_JSON_DEPTH];
	struct json *last[LIMIT_JSON_DEPTH]; /* last child of each so far */
	const char *key; /* of the next value, or NULL */
	uint32_t key_line, key_column;
	struct json_memory memory; /* yajl's */
};

/* Sets an error at an offset of the text. */
static int PRINTF(3, 4) json_fail(struct json_parser *p, size_t offset, const char *fmt, ...)
{
	char text[256];
	uint32_t line = 1;
	size_t start = 0;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < offset; i++) {
		if (p->text[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	return err_set(p->e, EINVAL, "%s:%u:%zu: %s", p->doc->file, line, offset - start + 1, text);
}

static bool json_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Reads four hexadecimal digits at `at`. Return: the value, or -1. */
static int json_hex4(const struct json_parser *p, size_t at)
{
	int v = 0;

	if (p->n - at < 4)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		char c = p->text[i];
		int digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			digit = c - 'A' + 10;
		else
			return -1;
		v = v * 16 + digit;
	}
	return v;
}

/* Checks the escape whose backslash is at *at, and moves behind it. */
static int json_scan_escape(struct json_parser *p, size_t *at)
{
	size_t start = *at;
	char c = start + 1 < p->n ? p->text[start + 1] : '\0';
	int unit, low = -1;

	if (c == '\0' || !strchr("\"\\/bfnrtu", c))
		return json_fail(p, start, "unknown escape in a string");
	*at += 2;
	if (c != 'u')
		return 0;
	unit = json_hex4(p, *at);
	if (unit < 0)
		return json_fail(p, start, "\\u needs four hexadecimal digits");
	if (unit == 0)
		return json_fail(p, start, "NUL is not allowed in a string");
	*at += 4;
	if (unit < 0xd800 || unit > 0xdfff)
		return 0;
	if (unit < 0xdc00 && p->n - *at >= 6 && p->text[*at] == '\\' && p->text[*at + 1] == 'u')
		low = json_hex4(p, *at + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return json_fail(p, start, "lone surrogate in a string");
	*at += 6;
	return 0;
}

/* The first pass. */
static int json_scan(struct json_parser *p)
{
	bool in_string = false;
	size_t at = 0;

	if (p->n >= 3 && memcmp(p->text, "\xef\xbb\xbf", 3) == 0)
		return json_fail(p, 0, "byte order mark; save the file as UTF-8 without one");
	while (at < p->n) {
		char c = p->text[at];
		uint32_t cp = 0;
		size_t len;

		if (in_string && c == '\\') {
			if (json_scan_escape(p, &at) < 0)
				return -EINVAL;
			continue;
		}
		len = utf8_decode(p->text + at, p->n - at, &cp);
		if (len == 0)
			return json_fail(p, at, "invalid UTF-8");
		if (cp == 0)
			return json_fail(p, at, "NUL byte");
		if (in_string && cp < 0x20)
			return json_fail(p, at, "control character 0x%02x in a string; escape it",
					 (unsigned)cp);
		/* yajl takes vertical tab and form feed for blanks. */
		if (cp < 0x20 && !json_is_blank(c))
			return json_fail(p, at, "control character 0x%02x", (unsigned)cp);
		if (c == '"')
			in_string = !in_string;
		at += len;
	}
	return 0;
}

/* Offset behind the token that begins at `at`. */
static size_t json_token_end(const struct json_parser *p, size_t at)
{
	size_t start = at;

	if (p->text[at] == '"') {
		for (at++; at < p->n && p->text[at] != '"'; at++)
			at += p->text[at] == '\\';
		return at < p->n ? at + 1 : p->n;
	}
	while (at < p->n && !json_is_blank(p->text[at]) && !strchr(",:{}[]\"", p->text[at]))
		at++;
	return at > start ? at : start + 1;
}

/* Moves the cursor to the start of the next token, over what separates tokens. */
static void json_cursor_next(struct json_parser *p)
{
	for (; p->at < p->n; p->at++) {
		char c = p->text[p->at];

		if (c == '\n') {
			p->line++;
			p->line_start = p->at + 1;
		} else if (!json_is_blank(c) && c != ',' && c != ':') {
			return;
		}
	}
}

static uint32_t json_cursor_column(const struct json_parser *p)
{
	return (uint32_t)(p->at - p->line_start + 1);
}

static char *json_copy(struct json_parser *p, const char *s, size_t n)
{
	char *copy = json_doc_alloc(p->doc, n + 1);

	if (!copy) {
		(void)err_nomem(p->e);
		return NULL;
	}
	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

/* Makes a node for the token at the cursor, hangs it into the open container, and moves the cursor
 * behind the token. Return: NULL with the error set. */
static struct json *json_add(struct json_parser *p, enum json_type type)
{
	struct json *node;

	json_cursor_next(p);
	if (++p->nodes > LIMIT_JSON_NODES) {
		(void)json_fail(p, p->at, "more than %d values", LIMIT_JSON_NODES);
		return NULL;
	}
	node = json_doc_alloc(p->doc, sizeof(*node));
	if (!node) {
		(void)err_nomem(p->e);
		return NULL;
	}
	*node = (struct json){ .type = type,
			       .line = p->line,
			       .column = json_cursor_column(p),
			       .key = p->key,
			       .key_line = p->key_line,
			       .key_column = p->key_column };
	p->key = NULL;
	p->key_line = 0;
	p->key_column = 0;
	if (p->depth == 0) {
		p->doc->root = node;
	} else {
		struct json *parent = p->open[p->depth - 1];
		struct json **last = &p->last[p->depth - 1];

		node->parent = parent;
		if (*last)
			(*last)->next = node;
		else
			parent->first = node;
		*last = node;
		parent->count++;
	}
	p->at = json_token_end(p, p->at);
	return node;
}

static int json_on_null(void *ctx)
{
	return json_add(ctx, JSON_NULL) != NULL;
}

static int json_on_boolean(void *ctx, int value)
{
	struct json *node = json_add(ctx, JSON_BOOL);

	if (node)
		node->boolean = value != 0;
	return node != NULL;
}

/* Sets the node's text. Return: for yajl, 1 to go on, 0 to stop. */
static int json_set_text(struct json_parser *p, struct json *node, const char *s, size_t n)
{
	if (n > LIMIT_JSON_STRING)
		return json_fail(p, p->at, "longer than %u bytes", LIMIT_JSON_STRING), 0;
	node->text = json_copy(p, s, n);
	node->len = n;
	return node->text != NULL;
}

static int json_on_number(void *ctx, const char *s, size_t n)
{
	struct json_parser *p = ctx;
	struct json *node = json_add(p, JSON_NUMBER);
	struct err ignored;

	if (!node || !json_set_text(p, node, s, n))
		return 0;
	/* yajl reads "01" as 0 and then a 1 in the wrong place. */
	p->at = p->line_start + node->column - 1 + n;
	if (strpbrk(node->text, ".eE"))
		return 1;
	node->is_int = str_eq(node->text, "-0") || num_parse_i64(node->text, INT64_MIN, INT64_MAX,
								 &node->integer, &ignored) == 0;
	return 1;
}

static int json_on_string(void *ctx, const unsigned char *s, size_t n)
{
	struct json_parser *p = ctx;
	struct json *node = json_add(p, JSON_STRING);

	return node && json_set_text(p, node, (const char *)s, n);
}

static int json_on_key(void *ctx, const unsigned char *s, size_t n)
{
	struct json_parser *p = ctx;

	json_cursor_next(p);
	p->key_line = p->line;
	p->key_column = json_cursor_column(p);
	if (n > LIMIT_JSON_STRING)
		return json_fail(p, p->at, "longer than %u bytes", LIMIT_JSON_STRING), 0;
	p->key = json_copy(p, (const char *)s, n);
	p->at = json_token_end(p, p->at);
	return p->key != NULL;
}

static int json_begin(struct json_parser *p, enum json_type type)
{
	struct json *node;

	if (p->depth == LIMIT_JSON_DEPTH) {
		json_cursor_next(p);
		(void)json_fail(p, p->at, "nested deeper than %d levels", LIMIT_JSON_DEPTH);
		return 0;
	}
	node = json_add(p, type);
	if (!node)
		return 0;
	p->open[p->depth] = node;
	p->last[p->depth] = NULL;
	p->depth++;
	return 1;
}

static int json_end(struct json_parser *p)
{
	json_cursor_next(p);
	p->at++;
	p->depth--;
	return 1;
}

static int json_on_start_map(void *ctx)
{
	return json_begin(ctx, JSON_OBJECT);
}

static int json_on_start_array(void *ctx)
{
	return json_begin(ctx, JSON_ARRAY);
}

static int json_on_end_array(void *ctx)
{
	return json_end(ctx);
}

/* By key, then by place. */
static int json_compare_keys(const void *a, const void *b)
{
	const struct json *x = *(const struct json *const *)a;
	const struct json *y = *(const struct json *const *)b;
	int r = strcmp(x->key, y->key);

	if (r != 0)
		return r;
	if (x->key_line != y->key_line)
		return x->key_line < y->key_line ? -1 : 1;
	return x->key_column < y->key_column ? -1 : x->key_column > y->key_column;
}

static int json_check_duplicates(struct json_parser *p, const struct json *object)
{
	CLEANUP_FREE const struct json **keys = NULL;
	size_t n = 0;

	if (object->count < 2)
		return 0;
	keys = calloc(object->count, sizeof(const struct json *));
	if (!keys)
		return err_nomem(p->e);
	for (const struct json *m = object->first; m; m = m->next)
		keys[n++] = m;
	qsort(keys, n, sizeof(const struct json *), json_compare_keys);
	for (size_t i = 1; i < n; i++) {
		if (str_eq(keys[i - 1]->key, keys[i]->key))
			return json_err_key(p->doc, keys[i], p->e, EINVAL,
					    "duplicate key; the first is at %u:%u",
					    keys[i - 1]->key_line, keys[i - 1]->key_column);
	}
	return 0;
}

static int json_on_end_map(void *ctx)
{
	struct json_parser *p = ctx;

	if (json_check_duplicates(p, p->open[p->depth - 1]) < 0)
		return 0;
	return json_end(p);
}

static const yajl_callbacks json_callbacks = {
	.yajl_null = json_on_null,
	.yajl_boolean = json_on_boolean,
	.yajl_number = json_on_number,
	.yajl_string = json_on_string,
	.yajl_start_map = json_on_start_map,
	.yajl_map_key = json_on_key,
	.yajl_end_map = json_on_end_map,
	.yajl_start_array = json_on_start_array,
	.yajl_end_array = json_on_end_array,
};

/* Offset of the token that yajl refused after having read `consumed` bytes. */
static size_t json_bad_token(const struct json_parser *p, size_t consumed)
{
	size_t at = p->at;

	while (at < p->n) {
		size_t end;

		if (json_is_blank(p->text[at])) {
			at++;
			continue;
		}
		end = json_token_end(p, at);
		if (end >= consumed)
			break;
		at = end;
	}
	return at;
}

/* Turns yajl's complaint into ours. */
static int json_fail_grammar(struct json_parser *p, yajl_handle h, size_t consumed)
{
	unsigned char *raw = yajl_get_error(h, 0, NULL, 0);
	const char *why = raw ? (const char *)raw : "invalid JSON";
	bool early;
	size_t at = json_bad_token(p, consumed);
	int r;

	if (str_starts(why, "parse error: "))
		why += strlen("parse error: ");
	else if (str_starts(why, "lexical error: "))
		why += strlen("lexical error: ");
	early = str_starts(why, "premature EOF");
	if (at < p->n && p->text[at] == '"' && early)
		r = json_fail(p, at, "string without end");
	else if (at >= p->n || early)
		r = json_fail(p, p->n, "unexpected end of the text");
	else
		r = json_fail(p, at, "%.*s", (int)strcspn(why, ".\n"), why);
	if (raw)
		yajl_free_error(h, raw);
	return r;
}

/* Only blanks may follow the root. yajl overlooks a last token that has no end ("{} tru"). */
static int json_check_tail(struct json_parser *p)
{
	while (p->at < p->n && json_is_blank(p->text[p->at]))
		p->at++;
	return p->at < p->n ? json_fail(p, p->at, "trailing garbage") : 0;
}

static int json_run(struct json_parser *p, yajl_handle h)
{
	size_t consumed = p->n;
	yajl_status status;

	status = yajl_parse(h, (const unsigned char *)p->text, p->n);
	if (status == yajl_status_error)
		consumed = yajl_get_bytes_consumed(h);
	else if (status == yajl_status_ok)
		status = yajl_complete_parse(h);
	if (status == yajl_status_client_canceled)
		return -p->e->code;
	if (status == yajl_status_error || !p->doc->root)
		return json_fail_grammar(p, h, consumed);
	return json_check_tail(p);
}

/* The second pass. */
static int json_build(struct json_parser *p)
{
	yajl_alloc_funcs funcs = json_memory_funcs(&p->memory);
	int r;

	if (setjmp(p->memory.out) == 0)
		r = json_run(p, yajl_alloc(&json_callbacks, &funcs, p));
	else
		r = err_nomem(p->e);
	json_memory_free(&p->memory);
	return r;
}

int json_parse(const char *file, const char *text, size_t n, struct json_doc **ret, struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = calloc(1, sizeof(*doc));
	struct json_parser p = { .doc = doc, .e = e, .text = text, .n = n, .line = 1 };
	int r;

	if (doc)
		doc->file = strdup(file);
	if (!doc || !doc->file)
		return err_nomem(e);
	if (n > LIMIT_JSON_BYTES)
		return err_set(e, EFBIG, "%s: larger than %u bytes", file, LIMIT_JSON_BYTES);
	r = json_scan(&p);
	if (r == 0)
		r = json_build(&p);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(doc);
	return 0;
}
