/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Growing byte buffer with a maximum, and string helpers that cannot truncate silently.
 * Invariant: data is NUL-terminated whenever data != NULL; len excludes that NUL; len <= max.
 * Failure is sticky: after one failed append `failed` is true and further appends do nothing, so a
 * run of appends is checked once at the end with strbuf_ok().
 */
#ifndef JAIL_BASE_STR_H
#define JAIL_BASE_STR_H

#include "base/err.h"

struct strbuf {
	char *data;
	size_t len;
	size_t cap;
	size_t max; /* 0 = STRBUF_MAX_DEFAULT */
	bool failed;
};

#define STRBUF_MAX_DEFAULT (64u << 20)
#define STRBUF_INIT ((struct strbuf){ .data = NULL })

void strbuf_free(struct strbuf *b);
#define CLEANUP_STRBUF CLEANUP(strbuf_free)
void strbuf_add(struct strbuf *b, const void *data, size_t n);
void strbuf_adds(struct strbuf *b, const char *s);
void strbuf_addc(struct strbuf *b, char c);
void strbuf_addf(struct strbuf *b, const char *fmt, ...) PRINTF(2, 3);
/* Return: 0, or -ENOMEM/-E2BIG with *e set when an append failed. */
int strbuf_ok(const struct strbuf *b, struct err *e);
/* The string ("" when empty), owned by b. */
const char *strbuf_str(const struct strbuf *b);
/* Takes the buffer's memory out (never NULL unless out of memory); b is empty afterwards. */
char *strbuf_take(struct strbuf *b);

/* snprintf that fails instead of cutting. Return: length, or -ENAMETOOLONG. */
int str_format(char *out, size_t n, const char *fmt, ...) PRINTF(3, 4);
bool str_starts(const char *s, const char *prefix);
static inline bool str_eq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* A NULL-terminated vector of owned strings. */
struct strv {
	char **v;
	size_t n;
};
void strv_free(struct strv *v);
#define CLEANUP_STRV CLEANUP(strv_free)
/* Appends a copy. Return: 0 or -ENOMEM. */
int strv_add(struct strv *v, const char *s);
int strv_addf(struct strv *v, const char *fmt, ...) PRINTF(2, 3);
int strv_copy(const struct strv *from, struct strv *ret);

#endif
