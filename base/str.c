/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buffers that grow by doubling up to their maximum, and vectors of strings. */
#include "base/str.h"

#include <stdarg.h>

void strbuf_free(struct strbuf *b)
{
	free(b->data);
	*b = (struct strbuf){ .max = b->max };
}

static size_t strbuf_max(const struct strbuf *b)
{
	return b->max ? b->max : STRBUF_MAX_DEFAULT;
}

/* Makes room for n more bytes and the NUL. Return: whether there is. */
static bool strbuf_reserve(struct strbuf *b, size_t n)
{
	size_t need, cap;
	char *data;

	if (b->failed)
		return false;
	if (n > strbuf_max(b) - b->len) {
		b->failed = true;
		return false;
	}
	need = b->len + n + 1;
	if (need <= b->cap)
		return true;
	cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

void strbuf_add(struct strbuf *b, const void *data, size_t n)
{
	if (!strbuf_reserve(b, n))
		return;
	if (n > 0)
		memcpy(b->data + b->len, data, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void strbuf_adds(struct strbuf *b, const char *s)
{
	strbuf_add(b, s, strlen(s));
}

void strbuf_addc(struct strbuf *b, char c)
{
	strbuf_add(b, &c, 1);
}

void strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if (!strbuf_reserve(b, (size_t)n))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

int strbuf_ok(const struct strbuf *b, struct err *e)
{
	if (!b->failed)
		return 0;
	/* What fails first is told apart by size: half of the maximum was reached, or memory. */
	if (b->len >= strbuf_max(b) / 2)
		return err_set(e, E2BIG, "text is longer than %zu bytes", strbuf_max(b));
	return err_nomem(e);
}

const char *strbuf_str(const struct strbuf *b)
{
	return b->data ? b->data : "";
}

char *strbuf_take(struct strbuf *b)
{
	char *s;

	if ((!b->data && !strbuf_reserve(b, 0)) || !b->data)
		return NULL;
	b->data[b->len] = '\0';
	s = TAKE_PTR(b->data);
	b->len = 0;
	b->cap = 0;
	return s;
}

int str_format(char *out, size_t n, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(out, n, fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= n) {
		if (n > 0)
			out[0] = '\0';
		return -ENAMETOOLONG;
	}
	return len;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

void strv_free(struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->v[i]);
	free(v->v);
	*v = (struct strv){ .v = NULL };
}

/* Appends s, which is then owned by v; frees it on failure. */
static int strv_add_owned(struct strv *v, char *s)
{
	char **grown = NULL;

	if (s)
		grown = reallocarray(v->v, v->n + 2, sizeof(*grown));
	if (!grown) {
		free(s);
		return -ENOMEM;
	}
	v->v = grown;
	v->v[v->n++] = s;
	v->v[v->n] = NULL;
	return 0;
}

int strv_add(struct strv *v, const char *s)
{
	return strv_add_owned(v, strdup(s));
}

int strv_addf(struct strv *v, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return strv_add_owned(v, n < 0 ? NULL : s);
}

int strv_copy(const struct strv *from, struct strv *ret)
{
	struct strv copy = { .v = NULL };

	for (size_t i = 0; i < from->n; i++) {
		int r = strv_add(&copy, from->v[i]);

		if (r < 0) {
			strv_free(&copy);
			return r;
		}
	}
	*ret = copy;
	return 0;
}
