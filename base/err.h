/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The error object: fixed size, owned by the caller, safe to send over a socket as it is.
 *
 * Contract. A function `int f(..., struct err *e)` returns >= 0 and leaves *e untouched, or returns
 * a negative errno and has set *e exactly once, where the cause is known: what was tried, on which
 * object, why it failed. Callers on the way up add context with err_wrap(), never replace it. A
 * hint says what to do next; the innermost one wins. `e` is never NULL. Texts may hold bytes from
 * outside: they are escaped when shown (base/text.h), not here.
 *
 *     fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
 *     if (fd < 0)
 *             return err_sys(e, "open %s", name);          -> "open web.json: No such file or
 * directory"
 *     ...
 *     r = spec_load(fd, &spec, e);
 *     if (r < 0)
 *             return err_wrap(e, "create %s", name);       -> "create web: open web.json: No such
 * ..."
 */
#ifndef JAIL_BASE_ERR_H
#define JAIL_BASE_ERR_H

#include "base/defs.h"

#define ERR_TEXT_MAX 1024
#define ERR_HINT_MAX 256

struct err {
	int code; /* positive errno, 0 = no error */
	char text[ERR_TEXT_MAX]; /* "WHAT: WHY", NUL-terminated, cut with "..." when too long */
	char hint[ERR_HINT_MAX]; /* what to do next, or "" */
};

#define ERR_INIT ((struct err){ .code = 0 })

/* Sets the error. code: positive errno. Return: -code. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF(3, 4);
/* Sets the error from errno and appends ": strerror". Return: -errno (-EIO if errno was 0). */
int err_sys(struct err *e, const char *fmt, ...) PRINTF(2, 3);
/* As err_sys for a negative errno that a function returned. Return: r. */
int err_ret(struct err *e, int r, const char *fmt, ...) PRINTF(3, 4);
/* Puts "fmt: " before the text. Return: -e->code. */
int err_wrap(struct err *e, const char *fmt, ...) PRINTF(2, 3);
/* Sets the hint if there is none yet. Return: -e->code, so it can end a return statement. */
int err_hint(struct err *e, const char *fmt, ...) PRINTF(2, 3);
/* -ENOMEM with a text. */
int err_nomem(struct err *e);

/* The analyzer sees one file at a time and can't know that these never return 0. */
#ifdef __clang_analyzer__
#define err_set(e, code, ...) ((void)err_set(e, code, __VA_ARGS__), -EIO)
#define err_sys(e, ...) ((void)err_sys(e, __VA_ARGS__), -EIO)
#define err_ret(e, r, ...) ((void)err_ret(e, r, __VA_ARGS__), -EIO)
#define err_wrap(e, ...) ((void)err_wrap(e, __VA_ARGS__), -EIO)
#define err_hint(e, ...) ((void)err_hint(e, __VA_ARGS__), -EIO)
#define err_nomem(e) ((void)err_nomem(e), -ENOMEM)
#endif

/*
 * Warnings: something that the user should know and that does not stop the work ("a default that
 * the host can't give"). Libraries call warn(); the program decides where it goes. Default sink:
 * dropped.
 */
typedef void warn_sink_fn(const char *text);
/* Return: the sink until now. */
warn_sink_fn *warn_set_sink(warn_sink_fn *sink);
void warn(const char *fmt, ...) PRINTF(1, 2);

#endif
