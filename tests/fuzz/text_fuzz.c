/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text of strangers on its way to a terminal (rows 80, 81): whatever goes in, no byte that comes
 * out of the escaping, of a table or of wrapped lines is a control character, none hides or turns
 * the text around it, all of it is UTF-8, and no line is wider than asked for. The first two bytes
 * are a width and a number of columns; cells are divided by 0x00.
 */
#include "base/text.h"
#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"

#define COLUMNS_MAX 5

static void check(const char *text, size_t n, bool one_line)
{
	fuzz_harmless(text, n, one_line);
	for (size_t i = 0; i < n;) {
		uint32_t cp = 0;
		size_t len = utf8_decode(text + i, n - i, &cp);

		fuzz_require(len > 0, "what comes out is UTF-8");
		fuzz_require(!text_is_hidden(cp), "nothing that hides");
		i += len;
	}
}

static void escape(const char *text, size_t n, size_t width)
{
	CLEANUP_STRBUF struct strbuf one = STRBUF_INIT, many = STRBUF_INIT, again = STRBUF_INIT;
	CLEANUP_STRBUF struct strbuf wrapped = STRBUF_INIT;

	text_escape(&one, text, n, true);
	check(strbuf_str(&one), one.len, true);
	text_escape(&again, strbuf_str(&one), one.len, true);
	fuzz_require(str_eq(strbuf_str(&one), strbuf_str(&again)), "escaped is escaped");
	text_escape(&many, text, n, false);
	check(strbuf_str(&many), many.len, false);
	text_wrap(&wrapped, strbuf_str(&one), width / 2, width / 4, width);
	check(strbuf_str(&wrapped), wrapped.len, false);
	fuzz_require(text_width(strbuf_str(&one)) <= one.len, "a column is a byte at least");
}

static void check_lines(char *text, size_t width, bool fits)
{
	char *end;

	for (char *line = text; *line; line = end + 1) {
		end = strchr(line, '\n');
		fuzz_require(end != NULL, "whole lines");
		*end = '\0';
		check(line, (size_t)(end - line), true);
		fuzz_require(!fits || text_width(line) <= width, "a line that fits");
	}
}

static void print(const char *text, size_t n, size_t columns, size_t width)
{
	const char *cells[COLUMNS_MAX];
	const char *at = text, *end = text + n;
	CLEANUP(table_free) struct table t;
	CLEANUP_FREE char *printed = NULL;
	struct err e = ERR_INIT;
	size_t size = 0;
	FILE *out = open_memstream(&printed, &size);

	fuzz_require(out != NULL, "a stream");
	table_init(&t, columns);
	while (at < end) {
		for (size_t i = 0; i < columns; i++) {
			cells[i] = at < end ? at : "";
			at += at < end ? strlen(at) + 1 : 0;
		}
		table_row(&t, cells);
	}
	fuzz_require(fuzz_judged(table_print(&t, out, width, &e), &e), "it is printed");
	(void)fclose(out);
	/* Only the last column is cut. */
	check_lines(printed, width, columns == 1 && width >= 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	size_t width = fuzz_byte(&in) % 120, columns = fuzz_byte(&in) % (COLUMNS_MAX + 1);
	CLEANUP_FREE char *text = malloc(in.left + 1);

	fuzz_require(text != NULL, "memory");
	memcpy(text, in.at, in.left);
	text[in.left] = '\0';
	escape(text, in.left, width);
	print(text, in.left, columns ? columns : 1, width);
	return 0;
}
