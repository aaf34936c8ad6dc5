/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GVariant's text format (docs.gtk.org/glib/gvariant-text.html), as far as properties of units need
 * it: strings, booleans, decimal numbers, arrays of strings; a type before the value by its name
 * ("uint64 5") or its D-Bus letter ("@t 5"). A number without one is an int32, or a double.
 */
#include "base/num.h"
#include "base/str.h"
#include "runtime/oci/scope_property.h"

#define VALUE_TEXT_MAX 4096

static const struct {
	const char *name, *letter;
	int64_t min;
	uint64_t max; /* 0: no integer */
} types[] = {
	{ "boolean", "b", 0, 0 },
	{ "byte", "y", 0, UINT8_MAX },
	{ "int16", "n", INT16_MIN, INT16_MAX },
	{ "uint16", "q", 0, UINT16_MAX },
	{ "int32", "i", INT32_MIN, INT32_MAX },
	{ "uint32", "u", 0, UINT32_MAX },
	{ "int64", "x", INT64_MIN, INT64_MAX },
	{ "uint64", "t", 0, UINT64_MAX },
	{ "double", "d", 0, 0 },
	{ "string", "s", 0, 0 },
	{ "objectpath", "o", 0, 0 },
	{ "signature", "g", 0, 0 },
	{ "", "as", 0, 0 },
};

struct value_reader {
	const char *key, *at;
};

static int bad(const struct value_reader *r, const char *why, struct err *e)
{
	(void)err_set(e, EINVAL, "annotations.%s: %s", r->key, why);
	return err_hint(e, "values are GVariant's text: 'text', true, uint64 5, ['a', 'b']");
}

static void skip_blanks(struct value_reader *r)
{
	r->at += strspn(r->at, " \t\n");
}

/* The type that is said, or -1. */
static int read_type(struct value_reader *r)
{
	bool letters = *r->at == '@';
	const char *word = r->at + letters;
	size_t n = strcspn(word, " \t\n");

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const char *name = letters ? types[i].letter : types[i].name;

		if (n > 0 && strlen(name) == n && memcmp(word, name, n) == 0) {
			r->at = word + n;
			skip_blanks(r);
			return (int)i;
		}
	}
	return -1;
}

static int read_escape(struct value_reader *r, char *ret)
{
	static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
	const char *found = *r->at ? strchr(from, *r->at) : NULL;

	if (!found)
		return -EINVAL;
	*ret = to[found - from];
	r->at++;
	return 0;
}

static int read_string(struct value_reader *r, struct strv *ret, struct err *e)
{
	char quote = *r->at, text[VALUE_TEXT_MAX];
	size_t n = 0;

	if (quote != '\'' && quote != '"')
		return bad(r, "not a string in quotes", e);
	for (r->at++; *r->at != quote;) {
		char c = *r->at++;

		if (c == '\0' || n + 1 >= sizeof(text))
			return bad(r, "the string does not end", e);
		if (c == '\\' && read_escape(r, &c) < 0)
			return bad(r, "unknown escape in a string", e);
		text[n++] = c;
	}
	r->at++;
	text[n] = '\0';
	return strv_add(ret, text) < 0 ? err_nomem(e) : 0;
}

static int read_strings(struct value_reader *r, struct strv *ret, struct err *e)
{
	if (*r->at != '[')
		return bad(r, "not a list in brackets", e);
	r->at++;
	skip_blanks(r);
	while (*r->at != ']') {
		if (read_string(r, ret, e) < 0)
			return -e->code;
		skip_blanks(r);
		if (*r->at == ',')
			r->at++;
		else if (*r->at != ']')
			return bad(r, "neither \",\" nor \"]\" after a string of a list", e);
		skip_blanks(r);
	}
	r->at++;
	return 0;
}

static int take_word(struct value_reader *r, char *ret, size_t n, struct err *e)
{
	size_t len = strcspn(r->at, " \t\n");

	if (len == 0 || str_format(ret, n, "%.*s", (int)len, r->at) < 0)
		return bad(r, "not a number", e);
	r->at += len;
	return 0;
}

static int read_integer(struct value_reader *r, int type, uint64_t *ret, struct err *e)
{
	struct err why = ERR_INIT;
	int64_t negative = 0;
	char word[32];
	int n;

	if (take_word(r, word, sizeof(word), e) < 0)
		return -e->code;
	if (word[0] != '-') {
		n = num_parse_u64(word, 0, types[type].max, ret, &why);
	} else {
		n = num_parse_i64(word, types[type].min, 0, &negative, &why);
		*ret = (uint64_t)negative;
	}
	return n < 0 ? bad(r, why.text, e) : 0;
}

static int read_double(struct value_reader *r, double *ret, struct err *e)
{
	struct err why = ERR_INIT;
	uint64_t milli = 0;
	char word[32];

	if (take_word(r, word, sizeof(word), e) < 0)
		return -e->code;
	if (num_parse_milli(word, &milli, &why) < 0)
		return bad(r, why.text, e);
	*ret = (double)milli / 1000;
	return 0;
}

static int read_boolean(struct value_reader *r, uint64_t *ret, struct err *e)
{
	static const char *const words[] = { "false", "true" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (str_starts(r->at, words[i])) {
			*ret = i;
			r->at += strlen(words[i]);
			return 0;
		}
	}
	return bad(r, "neither true nor false", e);
}

/* By the first character, where no type is said. */
static const char *guess_type(const char *at)
{
	size_t n = strcspn(at, " \t\n");

	if (*at == '[')
		return "as";
	if (*at == '\'' || *at == '"')
		return "s";
	if (str_starts(at, "true") || str_starts(at, "false"))
		return "b";
	return memchr(at, '.', n) ? "d" : "i";
}

static int type_of(const char *letter)
{
	int i = 0;

	while (!str_eq(types[i].letter, letter))
		i++;
	return i;
}

int scope_value_parse(const char *key, const char *text, struct scope_property *p, struct err *e)
{
	struct value_reader r = { key, text };
	int type, ret;

	skip_blanks(&r);
	type = read_type(&r);
	if (type < 0)
		type = type_of(guess_type(r.at));
	(void)snprintf(p->type, sizeof(p->type), "%s", types[type].letter);
	if (types[type].max)
		ret = read_integer(&r, type, &p->number, e);
	else if (str_eq(p->type, "b"))
		ret = read_boolean(&r, &p->number, e);
	else if (str_eq(p->type, "d"))
		ret = read_double(&r, &p->real, e);
	else if (str_eq(p->type, "as"))
		ret = read_strings(&r, &p->list, e);
	else
		ret = read_string(&r, &p->list, e);
	if (ret < 0)
		return ret;
	skip_blanks(&r);
	return *r.at ? bad(&r, "text after the value", e) : 0;
}
