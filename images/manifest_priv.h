/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parsers of manifest.h share: values out of a document's nodes, by tables of fields, each
 * with an error that says where. null is as good as not given (config.md of the image
 * specification, and what Go does everywhere).
 */
#ifndef JAIL_IMAGES_MANIFEST_PRIV_H
#define JAIL_IMAGES_MANIFEST_PRIV_H

#include "images/manifest.h"

#define DOC_LIST_MAX 1024 /* entries of a list of strings */
#define DOC_STRING_MAX ((128u << 10) - 1) /* bytes: MAX_ARG_STRLEN, with the NUL */

/* Parses, and asks for a root of this type. */
int doc_open(const char *file, const char *text, size_t n, enum json_type type,
	     struct json_doc **ret, struct err *e);
/* Member of an object; NULL also for null. */
const struct json *doc_get(const struct json *object, const char *key);
int doc_expect(const struct json_doc *doc, const struct json *v, enum json_type type,
	       struct err *e);

/* An array, or an object that is a map, of at most `max` of `what` ("layers"). */
int doc_list(const struct json_doc *doc, const struct json *v, enum json_type type, size_t max,
	     const char *what, struct err *e);

/* Puts a value into *target. */
typedef int doc_fn(const struct json_doc *doc, const struct json *v, void *target, struct err *e);
struct doc_field {
	const char *key;
	doc_fn *parse;
	size_t offset; /* of the target in the struct */
	bool required;
};
/* Every field of the table that the object has. Others are ignored. */
int doc_fields(const struct json_doc *doc, const struct json *object,
	       const struct doc_field *fields, size_t n, void *base, struct err *e);

/* ---- for tables: the target's type, and what else is asked ---- */

int doc_blob_digest(const struct json_doc *doc, const struct json *v, void *target,
		    struct err *e); /* struct blob_digest */
int doc_digest(const struct json_doc *doc, const struct json *v, void *target,
	       struct err *e); /* struct digest */
int doc_u64(const struct json_doc *doc, const struct json *v, void *target,
	    struct err *e); /* uint64_t, up to INT64_MAX */
int doc_bool(const struct json_doc *doc, const struct json *v, void *target,
	     struct err *e); /* bool */
/* char *, owned: a copy of at most DOC_STRING_MAX bytes. */
int doc_string(const struct json_doc *doc, const struct json *v, void *target, struct err *e);
/* The same, where "" is as good as not given: NULL. */
int doc_string_given(const struct json_doc *doc, const struct json *v, void *target, struct err *e);
/* The same of the value's key. */
int doc_key(const struct json_doc *doc, const struct json *v, char **ret, struct err *e);
/* char[LIMIT_IMAGE_REF_LEN + 1] */
int doc_name(const struct json_doc *doc, const struct json *v, void *target, struct err *e);
/* char[16]: a word of a platform. What can't be one is "unknown", and matches nothing. */
int doc_platform_word(const struct json_doc *doc, const struct json *v, void *target,
		      struct err *e);

/* Copies the strings of an array into a new array of at most `max`; *ret and *ret_n are empty
 * before. On failure, what is in them is the caller's to free. */
int doc_strings(const struct json_doc *doc, const struct json *array, size_t max, char ***ret,
		size_t *ret_n, struct err *e);
void doc_strings_free(char ***strings, size_t *n);

/* A descriptor (descriptor.md), of a manifest or a layer. */
int descriptor_parse(const struct json_doc *doc, const struct json *v, struct descriptor *ret,
		     struct err *e);
/* What a media type stands for. */
enum descriptor_kind descriptor_kind(const char *media_type);
/* schemaVersion and mediaType of a manifest or an index: `kind` is what is expected. */
int manifest_check_version(const struct json_doc *doc, const struct json *root,
			   enum descriptor_kind kind, struct err *e);

/* ---- platforms ---- */

/* One word of n bytes, made lower case. Return: false when it can't be one; *ret is undefined. */
bool platform_word(const char *text, size_t n, char ret[static 16]);
/* "x86_64" is "amd64", ... A variant that was said is kept. */
void platform_translate(struct platform *p);

/* ---- names ---- */

/*
 * How well `wanted` names something called `name`: 3 it is the name; 2 its end ("debian:12" of
 * "docker.io/library/debian:12"); 1 the end without the tag, or its tag alone; 0 not.
 */
unsigned manifest_name_match(const char *wanted, const char *name);
/* For messages: adds "a, b, c" piece by piece, and stops adding with ", ..." after a dozen. */
void manifest_list(struct strbuf *b, size_t *n, const char *item);

#endif
