/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON in and out. Only json_parse.c behind it knows yajl (no release since 2015, with known
 * flaws), so that it can be replaced. In: the whole text in memory, at most LIMIT_JSON_BYTES,
 * parsed into a tree of nodes that know their line and column; duplicate keys, embedded NUL (also
 * as \u0000), invalid UTF-8, lone surrogates, NaN-like numbers, depth over LIMIT_JSON_DEPTH, a byte
 * order mark and trailing text are errors. Numbers are kept as text and as int64 where they are
 * integers in range. Errors read "FILE:LINE:COLUMN: PATH: WHY".
 */
#ifndef JAIL_BASE_JSON_H
#define JAIL_BASE_JSON_H

#include "base/str.h"

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json {
	enum json_type type;
	uint32_t line, column; /* of the value's first character, from 1; column counts bytes */
	uint32_t key_line, key_column; /* of the key, for members */
	const char *key; /* member name, or NULL */
	const struct json *parent;
	const struct json *next; /* next member or element */
	const struct json *first; /* first member or element */
	size_t count; /* members or elements */
	const char *text; /* string value, or the number as written; NUL-terminated */
	size_t len;
	bool boolean;
	bool is_int; /* number without fraction or exponent, in int64 range (1.0 is not) */
	int64_t integer;
};

struct json_doc; /* owns every node and string */

/* Parses. `file` names the source in errors and is copied. Return: 0; *ret owned by the caller. */
int json_parse(const char *file, const char *text, size_t n, struct json_doc **ret, struct err *e);
void json_doc_free(struct json_doc **doc);
#define CLEANUP_JSON CLEANUP(json_doc_free)
const struct json *json_root(const struct json_doc *doc);
/* A document without content (its root is NULL) that only names the source in errors: for nodes
 * whose own document the caller of a function keeps to itself. */
int json_doc_named(const char *file, struct json_doc **ret, struct err *e);

/* Member of an object, or NULL. */
const struct json *json_get(const struct json *object, const char *key);
/* JSON path of a node as in messages: "resources.memory.max", "mounts[2].source"; root is "". Long
 * keys are cut. */
void json_path(const struct json *node, struct strbuf *ret);
/* Error at a node: sets "FILE:LINE:COL: PATH: <fmt>". Return: -code. */
int json_err(const struct json_doc *doc, const struct json *node, struct err *e, int code,
	     const char *fmt, ...) PRINTF(5, 6);
/* As json_err, at the position of the member's key (for an unknown key). */
int json_err_key(const struct json_doc *doc, const struct json *node, struct err *e, int code,
		 const char *fmt, ...) PRINTF(5, 6);
#ifdef __clang_analyzer__ /* see err.h */
#define json_err(doc, node, e, code, ...) ((void)json_err(doc, node, e, code, __VA_ARGS__), -EIO)
#define json_err_key(doc, node, e, code, ...)                                                      \
	((void)json_err_key(doc, node, e, code, __VA_ARGS__), -EIO)
#endif
const char *json_type_name(enum json_type type);

/*
 * Writer. Appends to a strbuf; commas and indentation are its business. `key` is NULL inside arrays
 * and for the root. Strings that are not valid UTF-8 are written with U+FFFD for each bad byte.
 * Check strbuf_ok() of the buffer at the end.
 */
struct json_out {
	struct strbuf *b;
	bool pretty;
	int depth;
	bool need_comma;
};
void json_out_init(struct json_out *o, struct strbuf *b, bool pretty);
void json_out_object(struct json_out *o, const char *key);
void json_out_object_end(struct json_out *o);
void json_out_array(struct json_out *o, const char *key);
void json_out_array_end(struct json_out *o);
void json_out_str(struct json_out *o, const char *key, const char *value);
void json_out_strn(struct json_out *o, const char *key, const char *value, size_t n);
void json_out_int(struct json_out *o, const char *key, int64_t value);
void json_out_u64(struct json_out *o, const char *key, uint64_t value);
/* A number given in thousandths: 1230 is 1.23. */
void json_out_milli(struct json_out *o, const char *key, uint64_t thousandths);
void json_out_bool(struct json_out *o, const char *key, bool value);
void json_out_null(struct json_out *o, const char *key);
/* Copies a parsed node. */
void json_out_node(struct json_out *o, const char *key, const struct json *node);

#endif
