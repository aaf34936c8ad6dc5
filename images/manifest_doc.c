/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values out of a document's nodes, each checked where it is read. */
#include "images/manifest_priv.h"

int doc_expect(const struct json_doc *doc, const struct json *v, enum json_type type, struct err *e)
{
	if (v->type == type)
		return 0;
	return json_err(doc, v, e, EINVAL, "expected %s, not %s", json_type_name(type),
			json_type_name(v->type));
}

int doc_open(const char *file, const char *text, size_t n, enum json_type type,
	     struct json_doc **ret, struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	int r = json_parse(file, text, n, &doc, e);

	if (r == 0)
		r = doc_expect(doc, json_root(doc), type, e);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(doc);
	return 0;
}

const struct json *doc_get(const struct json *object, const char *key)
{
	const struct json *v = json_get(object, key);

	return v && v->type != JSON_NULL ? v : NULL;
}

int doc_fields(const struct json_doc *doc, const struct json *object,
	       const struct doc_field *fields, size_t n, void *base, struct err *e)
{
	int r = doc_expect(doc, object, JSON_OBJECT, e);

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct json *v = doc_get(object, fields[i].key);

		if (v)
			r = fields[i].parse(doc, v, (char *)base + fields[i].offset, e);
		else if (fields[i].required)
			r = json_err(doc, object, e, EINVAL, "\"%s\" is missing", fields[i].key);
	}
	return r;
}

int doc_list(const struct json_doc *doc, const struct json *v, enum json_type type, size_t max,
	     const char *what, struct err *e)
{
	int r = doc_expect(doc, v, type, e);

	if (r == 0 && v->count > max)
		return json_err(doc, v, e, E2BIG, "%zu %s; at most %zu are supported", v->count,
				what, max);
	return r;
}

int doc_blob_digest(const struct json_doc *doc, const struct json *v, void *target, struct err *e)
{
	struct err why = ERR_INIT;
	int r = doc_expect(doc, v, JSON_STRING, e);

	if (r < 0)
		return r;
	if (blob_digest_parse(v->text, target, &why) < 0)
		return json_err(doc, v, e, EINVAL, "%s", why.text);
	return 0;
}

int doc_digest(const struct json_doc *doc, const struct json *v, void *target, struct err *e)
{
	struct err why = ERR_INIT;
	int r = doc_expect(doc, v, JSON_STRING, e);

	if (r < 0)
		return r;
	if (digest_parse(v->text, target, &why) < 0)
		return json_err(doc, v, e, EINVAL, "%s", why.text);
	return 0;
}

int doc_u64(const struct json_doc *doc, const struct json *v, void *target, struct err *e)
{
	int r = doc_expect(doc, v, JSON_NUMBER, e);

	if (r < 0)
		return r;
	if (!v->is_int || v->integer < 0)
		return json_err(doc, v, e, EINVAL, "expected a whole number from 0");
	*(uint64_t *)target = (uint64_t)v->integer;
	return 0;
}

int doc_bool(const struct json_doc *doc, const struct json *v, void *target, struct err *e)
{
	int r = doc_expect(doc, v, JSON_BOOL, e);

	if (r == 0)
		*(bool *)target = v->boolean;
	return r;
}

int doc_string(const struct json_doc *doc, const struct json *v, void *target, struct err *e)
{
	char *copy;
	int r = doc_expect(doc, v, JSON_STRING, e);

	if (r < 0)
		return r;
	if (v->len > DOC_STRING_MAX)
		return json_err(doc, v, e, E2BIG, "longer than %u bytes", DOC_STRING_MAX);
	copy = strdup(v->text);
	if (!copy)
		return err_nomem(e);
	*(char **)target = copy;
	return 0;
}

int doc_string_given(const struct json_doc *doc, const struct json *v, void *target, struct err *e)
{
	if (v->type == JSON_STRING && v->len == 0)
		return 0;
	return doc_string(doc, v, target, e);
}

int doc_key(const struct json_doc *doc, const struct json *v, char **ret, struct err *e)
{
	if (strlen(v->key) > DOC_STRING_MAX)
		return json_err_key(doc, v, e, E2BIG, "longer than %u bytes", DOC_STRING_MAX);
	*ret = strdup(v->key);
	return *ret ? 0 : err_nomem(e);
}

int doc_name(const struct json_doc *doc, const struct json *v, void *target, struct err *e)
{
	int r = doc_expect(doc, v, JSON_STRING, e);

	if (r < 0)
		return r;
	if (v->len > LIMIT_IMAGE_REF_LEN)
		return json_err(doc, v, e, E2BIG, "a name longer than %d bytes",
				LIMIT_IMAGE_REF_LEN);
	memcpy(target, v->text, v->len + 1);
	return 0;
}

int doc_platform_word(const struct json_doc *doc, const struct json *v, void *target, struct err *e)
{
	char word[16] = "";
	int r = doc_expect(doc, v, JSON_STRING, e);

	if (r < 0)
		return r;
	if (v->len > 0 && !platform_word(v->text, v->len, word))
		memcpy(word, "unknown", sizeof("unknown"));
	memcpy(target, word, sizeof(word));
	return 0;
}

int doc_strings(const struct json_doc *doc, const struct json *array, size_t max, char ***ret,
		size_t *ret_n, struct err *e)
{
	int r = doc_list(doc, array, JSON_ARRAY, max, "entries", e);

	if (r < 0 || array->count == 0)
		return r;
	*ret = calloc(array->count, sizeof(char *));
	if (!*ret)
		return err_nomem(e);
	for (const struct json *v = array->first; r == 0 && v; v = v->next) {
		r = doc_string(doc, v, &(*ret)[*ret_n], e);
		if (r == 0)
			(*ret_n)++;
	}
	return r;
}

void doc_strings_free(char ***strings, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		free((*strings)[i]);
	free(*strings);
	*strings = NULL;
	*n = 0;
}
