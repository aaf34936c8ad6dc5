/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text from instances, images and specs on its way to a person (rows 80, 81 of docs/security.md):
 * C0, C1, DEL, bidi controls and invalid UTF-8 become \xNN or \u{NNNN}, so that no name, label or
 * log line can steer a terminal. Tables measure columns, not bytes.
 */
#ifndef JAIL_BASE_TEXT_H
#define JAIL_BASE_TEXT_H

#include "base/str.h"

/* Appends `s` escaped; '\n' and '\t' are escaped too when one_line. */
void text_escape(struct strbuf *out, const char *s, size_t n, bool one_line);
/* Whether a character (beyond ASCII) steers the text around it or shows as nothing. */
bool text_is_hidden(uint32_t cp);
/* Columns that the (escaped) text takes. */
size_t text_width(const char *s);

/* Appends the (escaped) text, which begins in column `at`, on lines of at most `width` columns (0:
 * any): broken at blanks and after commas, inside a word only when it is longer than a line. Lines
 * after the first begin in column `indent`. Without a newline at the end. */
void text_wrap(struct strbuf *out, const char *s, size_t at, size_t indent, size_t width);

/* A plain table: rows of cells, printed with two blanks between columns, the last column cut to fit
 * `width` (0 = unlimited) with "...". Cells are escaped here. */
struct table {
	size_t columns;
	size_t rows;
	char **cells; /* rows * columns */
	bool failed;
};
void table_init(struct table *t, size_t columns);
void table_free(struct table *t);
/* Takes `columns` strings (copied). */
void table_row(struct table *t, const char *const *cells);
int table_print(const struct table *t, FILE *out, size_t width, struct err *e);

#endif
