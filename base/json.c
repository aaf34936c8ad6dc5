/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A parsed document: its memory, and looking things up in it. The parser is json_parse.c. */
#include "base/json.h"

#include <stdarg.h>

#include "base/json_priv.h"

#ifdef __clang_analyzer__ /* see err.c */
#undef json_err
#undef json_err_key
#endif

#define JSON_CHUNK 16384
#define JSON_KEY_SHOWN 80 /* bytes of a key in a message */
#define JSON_ALIGN _Alignof(max_align_t)

struct json_chunk {
	struct json_chunk *next;
	size_t used, size;
	_Alignas(max_align_t) char bytes[];
};

void *json_doc_alloc(struct json_doc *doc, size_t n)
{
	struct json_chunk *c = doc->chunks;
	void *p;

	n = (n + JSON_ALIGN - 1) & ~(JSON_ALIGN - 1);
	if (!c || c->size - c->used < n) {
		size_t size = n > JSON_CHUNK ? n : JSON_CHUNK;

		c = malloc(sizeof(*c) + size);
		if (!c)
			return NULL;
		*c = (struct json_chunk){ .next = doc->chunks, .size = size };
		doc->chunks = c;
	}
	p = c->bytes + c->used;
	c->used += n;
	return p;
}

int json_doc_named(const char *file, struct json_doc **ret, struct err *e)
{
	struct json_doc *doc = calloc(1, sizeof(*doc));

	if (!doc)
		return err_nomem(e);
	doc->file = strdup(file);
	if (!doc->file) {
		free(doc);
		return err_nomem(e);
	}
	*ret = doc;
	return 0;
}

void json_doc_free(struct json_doc **doc)
{
	if (!*doc)
		return;
	while ((*doc)->chunks) {
		struct json_chunk *c = (*doc)->chunks;

		(*doc)->chunks = c->next;
		free(c);
	}
	free((*doc)->file);
	free(*doc);
	*doc = NULL;
}

const struct json *json_root(const struct json_doc *doc)
{
	return doc->root;
}

const struct json *json_get(const struct json *object, const char *key)
{
	if (!object || object->type != JSON_OBJECT)
		return NULL;
	for (const struct json *m = object->first; m; m = m->next) {
		if (str_eq(m->key, key))
			return m;
	}
	return NULL;
}

const char *json_type_name(enum json_type type)
{
	switch (type) {
	case JSON_NULL:
		return "null";
	case JSON_BOOL:
		return "a boolean";
	case JSON_NUMBER:
		return "a number";
	case JSON_STRING:
		return "a string";
	case JSON_ARRAY:
		return "an array";
	case JSON_OBJECT:
		return "an object";
	}
	return "an unknown type";
}

/* Whether a key can stand in a path without quotes. */
static bool json_key_is_plain(const char *key)
{
	if (*key == '\0')
		return false;
	for (; *key; key++) {
		if (!(*key >= 'a' && *key <= 'z') && !(*key >= 'A' && *key <= 'Z') &&
		    !(*key >= '0' && *key <= '9') && *key != '_' && *key != '-')
			return false;
	}
	return true;
}

static size_t json_index(const struct json *node)
{
	size_t i = 0;

	for (const struct json *s = node->parent->first; s && s != node; s = s->next)
		i++;
	return i;
}

/* How much of a key is shown: a stranger's may be as long as the whole message, and would push out
 * the reason. Whole characters. */
static int json_key_shown(const char *key)
{
	size_t n = strnlen(key, JSON_KEY_SHOWN + 1);

	if (n <= JSON_KEY_SHOWN)
		return (int)n;
	for (n = JSON_KEY_SHOWN; n > 0 && ((unsigned char)key[n] & 0xc0) == 0x80;)
		n--;
	return (int)n;
}

void json_path(const struct json *node, struct strbuf *ret)
{
	const char *cut;
	int shown;

	if (!node->parent)
		return;
	json_path(node->parent, ret); /* LIMIT_JSON_DEPTH bounds it */
	if (!node->key) {
		strbuf_addf(ret, "[%zu]", json_index(node));
		return;
	}
	shown = json_key_shown(node->key);
	cut = node->key[shown] ? "..." : "";
	if (json_key_is_plain(node->key))
		strbuf_addf(ret, "%s%.*s%s", ret->len ? "." : "", shown, node->key, cut);
	else
		strbuf_addf(ret, "[\"%.*s%s\"]", shown, node->key, cut);
}

static int PRINTF(6, 0) json_verr(const struct json_doc *doc, const struct json *node, bool at_key,
				  struct err *e, int code, const char *fmt, va_list ap)
{
	CLEANUP_STRBUF struct strbuf path = STRBUF_INIT;
	char text[ERR_TEXT_MAX];
	uint32_t line = at_key ? node->key_line : node->line;
	uint32_t column = at_key ? node->key_column : node->column;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	json_path(node, &path);
	return err_set(e, code, "%s:%u:%u: %s%s%s", doc->file, line, column, strbuf_str(&path),
		       path.len ? ": " : "", text);
}

int json_err(const struct json_doc *doc, const struct json *node, struct err *e, int code,
	     const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = json_verr(doc, node, false, e, code, fmt, ap);
	va_end(ap);
	return r;
}

int json_err_key(const struct json_doc *doc, const struct json *node, struct err *e, int code,
		 const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = json_verr(doc, node, node->key != NULL, e, code, fmt, ap);
	va_end(ap);
	return r;
}
