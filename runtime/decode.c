/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks a parsed document along tables of fields. The document is bounded by base/json.h and every
 * table nests at most a few levels, so recursion is bounded by the tables, not by the input.
 */
#include "runtime/decode_priv.h"

#include <limits.h>
#include <math.h>

#define MAX_KEYS 64

static void *at(void *base, size_t offset)
{
	return (char *)base + offset;
}

static void mark_given(void *base, const struct decode_field *f)
{
	if (f->flag)
		*(bool *)at(base, f->flag) = true;
}

static int wrap_at(uint32_t line, uint32_t column, const struct decoder *d, const struct json *node,
		   struct err *e)
{
	CLEANUP_STRBUF struct strbuf path = STRBUF_INIT;

	json_path(node, &path);
	if (path.len > 0)
		return err_wrap(e, "%s:%u:%u: %s", d->file, line, column, strbuf_str(&path));
	return err_wrap(e, "%s:%u:%u", d->file, line, column);
}

int decode_wrap(const struct decoder *d, const struct json *node, struct err *e)
{
	return wrap_at(node->line, node->column, d, node, e);
}

int decode_wrap_key(const struct decoder *d, const struct json *node, struct err *e)
{
	return wrap_at(node->key_line, node->key_column, d, node, e);
}

size_t decode_length(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

int decode_find(const char *const *words, const char *text)
{
	for (int i = 0; words && words[i]; i++)
		if (str_eq(words[i], text))
			return i;
	return -1;
}

int decode_type(const struct decoder *d, const struct json *node, enum json_type type,
		struct err *e)
{
	if (node->type == type)
		return 0;
	return json_err(d->doc, node, e, EINVAL, "expected %s, not %s", json_type_name(type),
			json_type_name(node->type));
}

/* Adds what the user may have meant to an unknown word. */
static int hint_words(struct err *e, const char *word, const char *const *words, size_t n)
{
	CLEANUP_STRBUF struct strbuf all = STRBUF_INIT;
	int nearest = ident_nearest(word, words, n);

	if (nearest >= 0)
		return err_hint(e, "did you mean \"%s\"?", words[nearest]);
	for (size_t i = 0; i < n; i++)
		strbuf_addf(&all, "%s%s", i ? ", " : "", words[i]);
	return err_hint(e, "known: %s", strbuf_str(&all));
}

static int unknown_key(const struct decoder *d, const struct json *node,
		       const struct decode_table *table, struct err *e)
{
	const char *keys[MAX_KEYS];
	size_t n = 0;

	for (; n < table->n && n < MAX_KEYS; n++)
		keys[n] = table->fields[n].key;
	(void)json_err_key(d->doc, node, e, EINVAL, "unknown key");
	return hint_words(e, node->key, keys, n);
}

static const struct decode_field *find_field(const struct decode_table *table, const char *key)
{
	for (size_t i = 0; i < table->n; i++)
		if (str_eq(table->fields[i].key, key))
			return &table->fields[i];
	return NULL;
}

static bool is_given(const struct decode_table *table, const struct json *node, const char *key)
{
	const struct json *m = json_get(node, key);

	return m && !(table->open && m->type == JSON_NULL);
}

int decode_object(const struct decoder *d, const struct json *node, void *base,
		  const struct decode_table *table, struct err *e)
{
	int r = decode_type(d, node, JSON_OBJECT, e);

	if (r < 0)
		return r;
	for (const struct json *m = node->first; m; m = m->next) {
		const struct decode_field *f = find_field(table, m->key);

		if (table->open && (!f || m->type == JSON_NULL))
			continue;
		if (!f)
			return unknown_key(d, m, table, e);
		r = f->decode(d, m, base, f, e);
		if (r < 0)
			return r;
		mark_given(base, f);
	}
	for (size_t i = 0; i < table->n; i++)
		if (table->fields[i].required && !is_given(table, node, table->fields[i].key))
			return json_err(d->doc, node, e, EINVAL, "\"%s\" is missing",
					table->fields[i].key);
	return 0;
}

int decode_nested(const struct decoder *d, const struct json *node, void *base,
		  const struct decode_field *f, struct err *e)
{
	return decode_object(d, node, base, f->table, e);
}

int decode_later(const struct decoder *d, const struct json *node, void *base,
		 const struct decode_field *f, struct err *e)
{
	(void)base;
	(void)f;
	return json_err_key(d->doc, node, e, EOPNOTSUPP, "not supported yet");
}

int decode_bool(const struct decoder *d, const struct json *node, void *base,
		const struct decode_field *f, struct err *e)
{
	int r = decode_type(d, node, JSON_BOOL, e);

	if (r < 0)
		return r;
	*(bool *)at(base, f->offset) = node->boolean;
	return 0;
}

/* A number that is written with a fraction or an exponent, as a double like every validator reads
 * it. */
static bool integral(const struct json *node, int64_t *ret)
{
	double v = strtod(node->text, NULL);

	/* 2^63 is exact as a double; an infinity fails the comparison. */
	if (!(fabs(v) < 9223372036854775808.0) || (double)(int64_t)v != v)
		return false;
	*ret = (int64_t)v;
	return true;
}

int decode_integer(const struct decoder *d, const struct json *node, int64_t min, int64_t max,
		   int64_t *ret, struct err *e)
{
	int64_t v = node->integer;
	int r = decode_type(d, node, JSON_NUMBER, e);

	if (r < 0)
		return r;
	if ((!node->is_int && !integral(node, &v)) || v < min || v > max)
		return json_err(d->doc, node, e, ERANGE,
				"%.40s: expected an integer from %lld to %lld", node->text,
				(long long)min, (long long)max);
	*ret = v;
	return 0;
}

int decode_u64(const struct decoder *d, const struct json *node, void *base,
	       const struct decode_field *f, struct err *e)
{
	int64_t v = 0;
	int r = decode_integer(d, node, (int64_t)f->min, (int64_t)f->max, &v, e);

	if (r < 0)
		return r;
	*(uint64_t *)at(base, f->offset) = (uint64_t)v;
	return 0;
}

int decode_u32(const struct decoder *d, const struct json *node, void *base,
	       const struct decode_field *f, struct err *e)
{
	int64_t v = 0;
	int r = decode_integer(d, node, (int64_t)f->min, (int64_t)f->max, &v, e);

	if (r < 0)
		return r;
	*(uint32_t *)at(base, f->offset) = (uint32_t)v;
	return 0;
}

int decode_string(const struct decoder *d, const struct json *node, size_t max, const char **ret,
		  struct err *e)
{
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	if (decode_length(node->text) > max)
		return json_err(d->doc, node, e, ENAMETOOLONG, "longer than %zu characters", max);
	*ret = node->text;
	return 0;
}

int decode_quantity_text(const struct decoder *d, const struct json *node, void *base,
			 const struct decode_field *f, struct err *e)
{
	uint64_t v = 0;
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	r = f->parse(node->text, &v, e);
	if (r < 0)
		return decode_wrap(d, node, e);
	*(uint64_t *)at(base, f->offset) = v;
	return 0;
}

static int quantity(const struct decoder *d, const struct json *node, void *base,
		    const struct decode_field *f, uint64_t unit, struct err *e)
{
	int64_t v = 0;
	int r;

	if (node->type == JSON_STRING)
		return decode_quantity_text(d, node, base, f, e);
	if (node->type != JSON_NUMBER)
		return json_err(d->doc, node, e, EINVAL, "expected a string or an integer, not %s",
				json_type_name(node->type));
	r = decode_integer(d, node, (int64_t)f->min, (int64_t)f->max, &v, e);
	if (r < 0)
		return r;
	*(uint64_t *)at(base, f->offset) = (uint64_t)v * unit;
	return 0;
}

int decode_quantity(const struct decoder *d, const struct json *node, void *base,
		    const struct decode_field *f, struct err *e)
{
	return quantity(d, node, base, f, 1, e);
}

int decode_quantity_milli(const struct decoder *d, const struct json *node, void *base,
			  const struct decode_field *f, struct err *e)
{
	return quantity(d, node, base, f, 1000, e);
}

int decode_text(const struct decoder *d, const struct json *node, void *base,
		const struct decode_field *f, struct err *e)
{
	const char *text = "";
	char **value = at(base, f->offset);
	char *copy;
	int r = decode_string(d, node, f->max ? f->max : SIZE_MAX, &text, e);

	if (r < 0)
		return r;
	if (f->check && f->check(text, e) < 0)
		return decode_wrap(d, node, e);
	copy = strdup(text);
	if (!copy)
		return err_nomem(e);
	free(*value);
	*value = copy;
	return 0;
}

int decode_unknown_word(const struct decoder *d, const struct json *node, const char *const *words,
			size_t n, struct err *e)
{
	(void)json_err(d->doc, node, e, EINVAL, "\"%.100s\" is not a known value", node->text);
	return hint_words(e, node->text, words, n);
}

int decode_word(const struct decoder *d, const struct json *node, void *base,
		const struct decode_field *f, struct err *e)
{
	size_t n = 0;
	int i, r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	i = decode_find(f->words->words, node->text);
	if (i >= 0) {
		*(int *)at(base, f->offset) = i;
		return 0;
	}
	if (decode_find(f->words->later, node->text) >= 0)
		return json_err(d->doc, node, e, EOPNOTSUPP, "\"%s\" is not supported yet",
				node->text);
	while (f->words->words[n])
		n++;
	return decode_unknown_word(d, node, f->words->words, n, e);
}

static int each(const struct decoder *d, const struct json *node, void *base,
		const struct decode_field *f, struct err *e)
{
	if (f->max && node->count > f->max)
		return json_err(d->doc, node, e, E2BIG, "%zu entries are too many, at most %llu",
				node->count, (unsigned long long)f->max);
	for (const struct json *item = node->first; item; item = item->next) {
		int r = f->item(d, item, base, e);

		if (r < 0)
			return r;
	}
	return 0;
}

int decode_array(const struct decoder *d, const struct json *node, void *base,
		 const struct decode_field *f, struct err *e)
{
	int r = decode_type(d, node, JSON_ARRAY, e);

	return r < 0 ? r : each(d, node, base, f, e);
}

int decode_map(const struct decoder *d, const struct json *node, void *base,
	       const struct decode_field *f, struct err *e)
{
	int r = decode_type(d, node, JSON_OBJECT, e);

	return r < 0 ? r : each(d, node, base, f, e);
}
