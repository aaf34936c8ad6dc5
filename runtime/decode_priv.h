/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON objects into C structs by tables: one row per key says who decodes its value and where the
 * result goes. Shared by the spec and the configuration file.
 *
 * A handler gets the value's node and `base`, the struct that the row's offsets count from (nested
 * objects that live in the same struct share it). It returns 0, or a negative errno with an error
 * that reads "FILE:LINE:COLUMN: PATH: WHY". null is a wrong type everywhere.
 */
#ifndef JAIL_RUNTIME_DECODE_PRIV_H
#define JAIL_RUNTIME_DECODE_PRIV_H

#include "base/ident.h"
#include "base/json.h"

struct decoder {
	const char *file;
	struct json_doc *doc;
};

struct decode_field;
typedef int decode_fn(const struct decoder *d, const struct json *node, void *base,
		      const struct decode_field *f, struct err *e);
/* Judges a string alone. Return: 0, or a negative errno with a text that quotes it. */
typedef int decode_check_fn(const char *text, struct err *e);
/* A string becomes a number. */
typedef int decode_parse_fn(const char *text, uint64_t *ret, struct err *e);
/* One element of an array, or one member of an object that is a map. */
typedef int decode_item_fn(const struct decoder *d, const struct json *node, void *base,
			   struct err *e);

struct decode_table {
	const struct decode_field *fields;
	size_t n;
};

/* The values of an enum, in its order; `later` are known words that are refused as not supported
 * yet. Both end with NULL. */
struct decode_words {
	const char *const *words;
	const char *const *later;
};

/* Which members count depends on `decode`; see each handler. */
struct decode_field {
	const char *key;
	decode_fn *decode;
	size_t offset; /* of the value in *base */
	size_t flag; /* of a bool in *base that says "given", or 0 for none */
	uint64_t min, max;
	bool required;
	const struct decode_table *table;
	const struct decode_words *words;
	decode_check_fn *check;
	decode_parse_fn *parse;
	decode_item_fn *item;
};

/* Decodes every member of an object by the table. An unknown key is an error that names the nearest
 * known one; a required one that is missing is an error at the object. */
int decode_object(const struct decoder *d, const struct json *node, void *base,
		  const struct decode_table *table, struct err *e);

/* Handlers. */
int decode_nested(const struct decoder *d, const struct json *node, void *base,
		  const struct decode_field *f, struct err *e); /* table, same base */
int decode_bool(const struct decoder *d, const struct json *node, void *base,
		const struct decode_field *f, struct err *e); /* bool */
int decode_u64(const struct decoder *d, const struct json *node, void *base,
	       const struct decode_field *f, struct err *e); /* uint64_t; min, max */
int decode_u32(const struct decoder *d, const struct json *node, void *base,
	       const struct decode_field *f, struct err *e); /* uint32_t; min, max */
/* uint64_t; a string goes through `parse`; a number is taken as it is, in [min, max], times 1000
 * with _milli; decode_quantity_text takes strings only. */
int decode_quantity(const struct decoder *d, const struct json *node, void *base,
		    const struct decode_field *f, struct err *e);
int decode_quantity_milli(const struct decoder *d, const struct json *node, void *base,
			  const struct decode_field *f, struct err *e);
int decode_quantity_text(const struct decoder *d, const struct json *node, void *base,
			 const struct decode_field *f, struct err *e);
int decode_text(const struct decoder *d, const struct json *node, void *base,
		const struct decode_field *f, struct err *e); /* char *, owned; check, max */
int decode_word(const struct decoder *d, const struct json *node, void *base,
		const struct decode_field *f, struct err *e); /* enum (int); words */
int decode_array(const struct decoder *d, const struct json *node, void *base,
		 const struct decode_field *f, struct err *e); /* item for each; max elements */
int decode_map(const struct decoder *d, const struct json *node, void *base,
	       const struct decode_field *f, struct err *e); /* item for each member; max */
int decode_later(const struct decoder *d, const struct json *node, void *base,
		 const struct decode_field *f, struct err *e); /* always EOPNOTSUPP */

/* Building blocks of handlers. */
int decode_type(const struct decoder *d, const struct json *node, enum json_type type,
		struct err *e);
/* An integer in [min, max]; 1.0 and 1e3 are integers (JSON Schema 2020-12, 6.1.1). */
int decode_integer(const struct decoder *d, const struct json *node, int64_t min, int64_t max,
		   int64_t *ret, struct err *e);
/* A string of at most max code points; *ret is the document's. */
int decode_string(const struct decoder *d, const struct json *node, size_t max, const char **ret,
		  struct err *e);
/* Puts position and path before an error that does not know where it is. Return: -e->code. */
int decode_wrap(const struct decoder *d, const struct json *node, struct err *e);
/* The same at the member's key. */
int decode_wrap_key(const struct decoder *d, const struct json *node, struct err *e);
/* Number of code points of valid UTF-8. */
size_t decode_length(const char *text);
/* Index of `text` in a NULL-terminated list, or -1. */
int decode_find(const char *const *words, const char *text);

#endif
