/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Error objects and warnings. All formatting goes into fixed buffers, because an error must be
 * reportable when memory is what is missing; a text that does not fit ends in "...", so that a
 * reader sees that it was cut.
 */
#include "base/err.h"

#ifdef __clang_analyzer__ /* the functions themselves, not what err.h tells the analyzer about     \
			     them */
#undef err_set
#undef err_sys
#undef err_ret
#undef err_wrap
#undef err_hint
#undef err_nomem
#endif

#include <stdarg.h>

static warn_sink_fn *err_warn_sink;

/* Marks text as cut when the formatted length did not fit. */
static void err_mark_cut(char *buf, size_t size, int formatted)
{
	if (formatted < 0)
		buf[0] = '\0';
	else if ((size_t)formatted >= size)
		memcpy(buf + size - 4, "...", 4);
}

static void PRINTF(3, 0) err_vformat(char *buf, size_t size, const char *fmt, va_list ap)
{
	err_mark_cut(buf, size, vsnprintf(buf, size, fmt, ap));
}

/* Appends ": why" to what stands in the text already. */
static void err_append_reason(struct err *e, const char *why)
{
	size_t used = strlen(e->text);

	err_mark_cut(e->text + used, sizeof(e->text) - used,
		     snprintf(e->text + used, sizeof(e->text) - used, ": %s", why));
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	e->code = code > 0 ? code : EIO;
	e->hint[0] = '\0';
	va_start(ap, fmt);
	err_vformat(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -e->code;
}

static int PRINTF(3, 0) err_vsys(struct err *e, int code, const char *fmt, va_list ap)
{
	/* The reason matters more than a long name: room is kept for it. */
	char reason[96];

	e->code = code > 0 ? code : EIO;
	e->hint[0] = '\0';
	(void)snprintf(reason, sizeof(reason), "%s", strerror(e->code));
	err_vformat(e->text, sizeof(e->text) - sizeof(reason) - 2, fmt, ap);
	err_append_reason(e, reason);
	return -e->code;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int code = errno;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = err_vsys(e, code, fmt, ap);
	va_end(ap);
	return r;
}

int err_ret(struct err *e, int r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	r = err_vsys(e, -r, fmt, ap);
	va_end(ap);
	return r;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	va_list ap;

	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	err_vformat(e->text, sizeof(e->text) / 2, fmt, ap);
	va_end(ap);
	err_append_reason(e, old);
	return -e->code;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (e->hint[0] == '\0') {
		va_start(ap, fmt);
		err_vformat(e->hint, sizeof(e->hint), fmt, ap);
		va_end(ap);
	}
	return -e->code;
}

int err_nomem(struct err *e)
{
	return err_set(e, ENOMEM, "out of memory");
}

warn_sink_fn *warn_set_sink(warn_sink_fn *sink)
{
	warn_sink_fn *before = err_warn_sink;

	err_warn_sink = sink;
	return before;
}

void warn(const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	if (!err_warn_sink)
		return;
	va_start(ap, fmt);
	err_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_warn_sink(text);
}
