/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handlers whose results belong to the document (strings) or to the decoder's arena (lists): one
 * free at the end instead of one for each member. See decode_priv.h.
 */
#include <limits.h>

#include "base/num.h"
#include "runtime/decode_priv.h"

#define NAMES_MAX 64 /* words of one table that a hint chooses from */

static void *at(void *base, size_t offset)
{
	return (char *)base + offset;
}

int decode_ref(const struct decoder *d, const struct json *node, void *base,
	       const struct decode_field *f, struct err *e)
{
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	if (f->max && node->len > f->max)
		return json_err(d->doc, node, e, ENAMETOOLONG, "longer than %llu bytes",
				(unsigned long long)f->max);
	if (f->check && f->check(node->text, e) < 0)
		return decode_wrap(d, node, e);
	*(const char **)at(base, f->offset) = node->text;
	return 0;
}

int decode_ref_given(const struct decoder *d, const struct json *node, void *base,
		     const struct decode_field *f, struct err *e)
{
	if (node->type == JSON_STRING && node->len == 0)
		return 0;
	return decode_ref(d, node, base, f, e);
}

int decode_path(const struct decoder *d, const struct json *node, void *base,
		const struct decode_field *f, struct err *e)
{
	const char **value = at(base, f->offset);
	char path[PATH_MAX];
	int n;

	if (decode_ref(d, node, base, f, e) < 0)
		return -e->code;
	if (**value == '\0')
		return json_err(d->doc, node, e, EINVAL, "is empty");
	n = **value == '/' ? str_format(path, sizeof(path), "%s", *value)
			   : str_format(path, sizeof(path), "%s/%s", d->dir, *value);
	if (n < 0)
		return json_err(d->doc, node, e, ENAMETOOLONG, "too long a path");
	*value = arena_strn(d->arena, path, (size_t)n);
	return *value ? 0 : err_nomem(e);
}

static int check_count(const struct decoder *d, const struct json *node,
		       const struct decode_field *f, struct err *e)
{
	if (f->max && node->count > f->max)
		return json_err(d->doc, node, e, E2BIG, "%zu entries are too many, at most %llu",
				node->count, (unsigned long long)f->max);
	return 0;
}

int decode_refs(const struct decoder *d, const struct json *node, void *base,
		const struct decode_field *f, struct err *e)
{
	const char **list;
	size_t n = 0;
	int r = decode_type(d, node, JSON_ARRAY, e);

	if (r < 0 || (r = check_count(d, node, f, e)) < 0)
		return r;
	list = arena_alloc(d->arena, node->count + 1, sizeof(*list));
	if (!list)
		return err_nomem(e);
	for (const struct json *item = node->first; item; item = item->next) {
		r = decode_type(d, item, JSON_STRING, e);
		if (r < 0)
			return r;
		if (f->check && f->check(item->text, e) < 0)
			return decode_wrap(d, item, e);
		list[n++] = item->text;
	}
	*(const char ***)at(base, f->offset) = list;
	*(size_t *)at(base, f->count) = n;
	return 0;
}

static int fill(const struct decoder *d, const struct json *node, void *base,
		const struct decode_field *f, struct err *e)
{
	char *list;
	size_t n = 0;
	int r = check_count(d, node, f, e);

	if (r < 0)
		return r;
	list = arena_alloc(d->arena, node->count, f->size);
	if (!list)
		return err_nomem(e);
	for (const struct json *item = node->first; item; item = item->next, n++) {
		void *element = list + n * f->size;

		r = f->item ? f->item(d, item, element, e)
			    : decode_object(d, item, element, f->table, e);
		if (r < 0)
			return r;
	}
	*(void **)at(base, f->offset) = list;
	*(size_t *)at(base, f->count) = n;
	return 0;
}

int decode_elements(const struct decoder *d, const struct json *node, void *base,
		    const struct decode_field *f, struct err *e)
{
	int r = decode_type(d, node, JSON_ARRAY, e);

	return r < 0 ? r : fill(d, node, base, f, e);
}

int decode_members(const struct decoder *d, const struct json *node, void *base,
		   const struct decode_field *f, struct err *e)
{
	int r = decode_type(d, node, JSON_OBJECT, e);

	return r < 0 ? r : fill(d, node, base, f, e);
}

int decode_int(const struct decoder *d, const struct json *node, void *base,
	       const struct decode_field *f, struct err *e)
{
	int64_t v = 0;
	int r = decode_integer(d, node, (int64_t)f->min, (int64_t)f->max, &v, e);

	if (r < 0)
		return r;
	*(int *)at(base, f->offset) = (int)v;
	return 0;
}

int decode_i64(const struct decoder *d, const struct json *node, void *base,
	       const struct decode_field *f, struct err *e)
{
	int64_t v = 0;
	int r = decode_integer(d, node, (int64_t)f->min, (int64_t)f->max, &v, e);

	if (r < 0)
		return r;
	*(int64_t *)at(base, f->offset) = v;
	return 0;
}

int decode_u16(const struct decoder *d, const struct json *node, void *base,
	       const struct decode_field *f, struct err *e)
{
	int64_t v = 0;
	int r = decode_integer(d, node, (int64_t)f->min, (int64_t)f->max, &v, e);

	if (r < 0)
		return r;
	*(uint16_t *)at(base, f->offset) = (uint16_t)v;
	return 0;
}

/* Above INT64_MAX a node has the text alone: limits that mean "none" are 2^64 - 1. */
int decode_u64_all(const struct decoder *d, const struct json *node, void *base,
		   const struct decode_field *f, struct err *e)
{
	uint64_t v = 0;
	int64_t small = 0;
	struct err ignored = ERR_INIT;
	int r = decode_type(d, node, JSON_NUMBER, e);

	if (r < 0)
		return r;
	if (num_parse_u64(node->text, 0, UINT64_MAX, &v, &ignored) < 0) {
		r = decode_integer(d, node, 0, INT64_MAX, &small, e);
		if (r < 0)
			return r;
		v = (uint64_t)small;
	}
	*(uint64_t *)at(base, f->offset) = v;
	return 0;
}

static int find_name(const struct decoder *d, const struct json *node,
		     const struct decode_name *names, uint64_t *ret, struct err *e)
{
	const char *words[NAMES_MAX];
	size_t n = 0;
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	for (; n < NAMES_MAX && names[n].name; n++) {
		if (str_eq(names[n].name, node->text)) {
			*ret = names[n].value;
			return 0;
		}
		words[n] = names[n].name;
	}
	return decode_unknown_word(d, node, words, n, e);
}

int decode_named(const struct decoder *d, const struct json *node, void *base,
		 const struct decode_field *f, struct err *e)
{
	return find_name(d, node, f->names, at(base, f->offset), e);
}

int decode_named_int(const struct decoder *d, const struct json *node, void *base,
		     const struct decode_field *f, struct err *e)
{
	uint64_t v = 0;
	int r = find_name(d, node, f->names, &v, e);

	if (r < 0)
		return r;
	*(int *)at(base, f->offset) = (int)v;
	return 0;
}

int decode_flags(const struct decoder *d, const struct json *node, void *base,
		 const struct decode_field *f, struct err *e)
{
	uint64_t all = 0, one = 0;
	int r = decode_type(d, node, JSON_ARRAY, e);

	if (r < 0)
		return r;
	for (const struct json *item = node->first; item; item = item->next) {
		r = find_name(d, item, f->names, &one, e);
		if (r < 0)
			return r;
		all |= one;
	}
	*(uint64_t *)at(base, f->offset) = all;
	return 0;
}
