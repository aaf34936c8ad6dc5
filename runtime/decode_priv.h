/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON objects into C structs by tables: one row per key says who decodes its value and where the
 * result goes. Shared by the spec and the configuration file.
 *
 * A handler gets the value's node and `base`, the struct that the row's offsets count from (nested
 * objects that live in the same struct share it). It returns 0, or a negative errno with an error
 * that reads "FILE:LINE:COLUMN: PATH: WHY". null is a wrong type everywhere but in open tables.
 */
#ifndef JAIL_RUNTIME_DECODE_PRIV_H
#define JAIL_RUNTIME_DECODE_PRIV_H

#include "base/arena.h"
#include "base/ident.h"
#include "base/json.h"

struct decoder {
	const char *file;
	struct json_doc *doc;
	struct arena *arena; /* where decode_elements() and its like put elements, or NULL */
	const char *dir; /* absolute: relative paths count from it; or NULL */
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
	bool open; /* unknown members are ignored, and null is as good as not given (OCI
		      specifications); else both are errors */
};

/* A word and the value that it stands for; a list ends with a NULL name. */
struct decode_name {
	const char *name;
	uint64_t value;
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
	const struct decode_name *names;
	size_t count; /* of a size_t in *base: number of elements */
	size_t size; /* of an element, in bytes */
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

/* Handlers of decode_list.c: what they leave behind points into the document or the arena, and
 * lives as long as the shorter-lived of the two. */
int decode_ref(const struct decoder *d, const struct json *node, void *base,
	       const struct decode_field *f, struct err *e); /* const char *; check, max bytes */
/* A path, made absolute from the decoder's directory. */
int decode_path(const struct decoder *d, const struct json *node, void *base,
		const struct decode_field *f, struct err *e); /* const char *; not "" */
/* As decode_ref(), where "" is as good as not given. */
int decode_ref_given(const struct decoder *d, const struct json *node, void *base,
		     const struct decode_field *f, struct err *e);
int decode_refs(const struct decoder *d, const struct json *node, void *base,
		const struct decode_field *f,
		struct err *e); /* const char **, ends with NULL; count; check, max elements */
/* ELEMENT *, count, size; each by `item` or `table` with the zeroed element as base; max elements.
 * decode_elements: of an array; decode_members: of an object. */
int decode_elements(const struct decoder *d, const struct json *node, void *base,
		    const struct decode_field *f, struct err *e);
int decode_members(const struct decoder *d, const struct json *node, void *base,
		   const struct decode_field *f, struct err *e);
int decode_int(const struct decoder *d, const struct json *node, void *base,
	       const struct decode_field *f, struct err *e); /* int; min, max as int64_t */
int decode_i64(const struct decoder *d, const struct json *node, void *base,
	       const struct decode_field *f, struct err *e); /* int64_t; min, max as int64_t */
int decode_u16(const struct decoder *d, const struct json *node, void *base,
	       const struct decode_field *f, struct err *e); /* uint16_t; min, max */
int decode_u64_all(const struct decoder *d, const struct json *node, void *base,
		   const struct decode_field *f, struct err *e); /* uint64_t, its whole range */
int decode_named(const struct decoder *d, const struct json *node, void *base,
		 const struct decode_field *f, struct err *e); /* uint64_t; names */
int decode_named_int(const struct decoder *d, const struct json *node, void *base,
		     const struct decode_field *f, struct err *e); /* int; names */
int decode_flags(const struct decoder *d, const struct json *node, void *base,
		 const struct decode_field *f, struct err *e); /* uint64_t, names ORed; array */

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
/* Says that the word is unknown, with the nearest of the n known ones as a hint. */
int decode_unknown_word(const struct decoder *d, const struct json *node, const char *const *words,
			size_t n, struct err *e);
/* Index of `text` in a NULL-terminated list, or -1. */
int decode_find(const char *const *words, const char *text);

#endif
