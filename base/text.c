/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Escaping and tables. What a terminal could take as an order rather than as text is written as
 * \xNN (a byte) or \u{NNNN} (a character); everything else passes through, so that names in any
 * script stay readable. A backslash is not doubled: the result is for eyes, not for parsers (those
 * get JSON).
 */
#include "base/text.h"

#include "base/utf8.h"

#define TEXT_GAP 2
#define TEXT_ROOM_MIN 8 /* columns of a wrapped line, however narrow all is */
#define TEXT_CUT "..."

struct text_range {
	uint32_t first, last;
};

/* Characters that change what is shown around them, or that show as nothing. */
static const struct text_range text_hidden[] = {
	{ 0x80, 0x9f }, /* C1: 0x9b is CSI on some terminals */
	{ 0xad, 0xad }, /* soft hyphen */
	{ 0x61c, 0x61c }, /* Arabic letter mark */
	{ 0x180e, 0x180e }, /* Mongolian vowel separator */
	{ 0x200b, 0x200f }, /* zero width, left-to-right and right-to-left marks */
	{ 0x2028, 0x202e }, /* line, paragraph, bidi embedding and override */
	{ 0x2060, 0x206f }, /* invisible operators, bidi isolates */
	{ 0xfeff, 0xfeff }, /* byte order mark */
	{ 0xfff9, 0xfffb }, /* interlinear annotation */
	{ 0xe0000, 0xe007f }, /* tags */
};

/* Combining: no column of their own. */
static const struct text_range text_combining[] = {
	{ 0x300, 0x36f },   { 0x483, 0x489 },	  { 0x591, 0x5bd },   { 0x610, 0x61a },
	{ 0x64b, 0x65f },   { 0x900, 0x902 },	  { 0x93c, 0x93c },   { 0x941, 0x948 },
	{ 0x94d, 0x94d },   { 0xe31, 0xe31 },	  { 0xe34, 0xe3a },   { 0xe47, 0xe4e },
	{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },	  { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f }, { 0xe0100, 0xe01ef },
};

/* East Asian wide and fullwidth, and emoji: two columns. */
static const struct text_range text_wide[] = {
	{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0x33ff },	  { 0x3400, 0x4dbf },
	{ 0x4e00, 0x9fff },   { 0xa000, 0xa4cf },   { 0xa960, 0xa97f },	  { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },	  { 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

static bool text_in(uint32_t cp, const struct text_range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return true;
	}
	return false;
}

bool text_is_hidden(uint32_t cp)
{
	return text_in(cp, text_hidden, ARRAY_SIZE(text_hidden));
}

void text_escape(struct strbuf *out, const char *s, size_t n, bool one_line)
{
	for (size_t i = 0; i < n;) {
		uint32_t cp = 0;
		size_t len = utf8_decode(s + i, n - i, &cp);

		if (len == 0) {
			strbuf_addf(out, "\\x%02x", (unsigned char)s[i]);
			i++;
			continue;
		}
		if (!one_line && (cp == '\n' || cp == '\t'))
			strbuf_addc(out, (char)cp);
		else if (cp < 0x20 || cp == 0x7f)
			strbuf_addf(out, "\\x%02x", (unsigned)cp);
		else if (text_is_hidden(cp))
			strbuf_addf(out, "\\u{%04x}", (unsigned)cp);
		else
			strbuf_add(out, s + i, len);
		i += len;
	}
}

/* Columns of one character that has been through text_escape(). */
static size_t text_columns(uint32_t cp)
{
	if (cp < 0x300)
		return 1;
	if (text_in(cp, text_combining, ARRAY_SIZE(text_combining)))
		return 0;
	return text_in(cp, text_wide, ARRAY_SIZE(text_wide)) ? 2 : 1;
}

/* Bytes of the longest start of s that takes at most `columns`; *ret_used is what it takes. */
static size_t text_fit(const char *s, size_t columns, size_t *ret_used)
{
	size_t n = strlen(s), i = 0, used = 0;

	while (i < n) {
		uint32_t cp = 0;
		size_t len = utf8_decode(s + i, n - i, &cp);
		size_t w = len ? text_columns(cp) : 1;

		if (used + w > columns)
			break;
		used += w;
		i += len ? len : 1;
	}
	*ret_used = used;
	return i;
}

size_t text_width(const char *s)
{
	size_t used;

	(void)text_fit(s, SIZE_MAX, &used);
	return used;
}

/* Bytes of `s` for a line of `columns`. */
static size_t text_break(const char *s, size_t columns)
{
	size_t used, most = text_fit(s, columns, &used), n = most;

	if (!s[most])
		return most;
	while (n > 0 && s[n] != ' ' && s[n - 1] != ',')
		n--;
	return n > 0 ? n : most;
}

void text_wrap(struct strbuf *out, const char *s, size_t at, size_t indent, size_t width)
{
	if (width == 0)
		width = SIZE_MAX;
	for (;;) {
		size_t n = text_break(s, width > at + TEXT_ROOM_MIN ? width - at : TEXT_ROOM_MIN);
		size_t shown = n;

		while (shown > 0 && s[shown - 1] == ' ')
			shown--;
		strbuf_add(out, s, shown);
		s += n + strspn(s + n, " ");
		if (!*s)
			return;
		strbuf_addf(out, "\n%*s", (int)indent, "");
		at = indent;
	}
}

void table_init(struct table *t, size_t columns)
{
	*t = (struct table){ .columns = columns };
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->rows * t->columns; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct table){ .columns = t->columns };
}

void table_row(struct table *t, const char *const *cells)
{
	size_t used = t->rows * t->columns;
	char **grown;

	if (t->failed)
		return;
	grown = reallocarray(t->cells, used + t->columns, sizeof(*grown));
	if (!grown) {
		t->failed = true;
		return;
	}
	t->cells = grown;
	for (size_t i = 0; i < t->columns; i++) {
		struct strbuf b = STRBUF_INIT;

		text_escape(&b, cells[i], strlen(cells[i]), true);
		grown[used + i] = b.failed ? NULL : strbuf_take(&b);
		if (!grown[used + i]) {
			strbuf_free(&b);
			while (i-- > 0)
				free(grown[used + i]);
			t->failed = true;
			return;
		}
	}
	t->rows++;
}

/* The last cell of a row, cut to `room` columns. */
static void table_put_last(struct strbuf *out, const char *cell, size_t room)
{
	size_t used, keep;

	if (text_width(cell) <= room) {
		strbuf_adds(out, cell);
		return;
	}
	keep = room > strlen(TEXT_CUT) ? room - strlen(TEXT_CUT) : 0;
	strbuf_add(out, cell, text_fit(cell, keep, &used));
	strbuf_adds(out, TEXT_CUT);
}

static void table_put_row(struct strbuf *out, const struct table *t, size_t row,
			  const size_t *widths, size_t width)
{
	size_t at = 0;

	for (size_t i = 0; i + 1 < t->columns; i++) {
		const char *cell = t->cells[row * t->columns + i];

		strbuf_adds(out, cell);
		for (size_t pad = text_width(cell); pad < widths[i] + TEXT_GAP; pad++)
			strbuf_addc(out, ' ');
		at += widths[i] + TEXT_GAP;
	}
	table_put_last(out, t->cells[row * t->columns + t->columns - 1],
		       width == 0   ? SIZE_MAX
		       : width > at ? width - at
				    : 0);
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	strbuf_addc(out, '\n');
}

int table_print(const struct table *t, FILE *out, size_t width, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	CLEANUP_FREE size_t *widths = NULL;

	if (t->failed)
		return err_nomem(e);
	if (t->columns == 0 || t->rows == 0)
		return 0;
	widths = calloc(t->columns, sizeof(*widths));
	if (!widths)
		return err_nomem(e);
	for (size_t i = 0; i < t->rows * t->columns; i++) {
		size_t w = text_width(t->cells[i]);

		if (w > widths[i % t->columns])
			widths[i % t->columns] = w;
	}
	for (size_t row = 0; row < t->rows; row++)
		table_put_row(&b, t, row, widths, width);
	if (strbuf_ok(&b, e) < 0)
		return -e->code;
	if (fwrite(strbuf_str(&b), 1, b.len, out) != b.len)
		return err_sys(e, "write");
	return 0;
}
