/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only makers of struct jail_name and of digests (row 43). Each reads an alphabet that has no
 * '/', no control character and no leading '.' or '-', so that the value can be a path component,
 * an argument or a cgroup directory as it is.
 */
#include "base/ident.h"

#include <limits.h>

#include "base/str.h"

#define IDENT_WORD_MAX 64

static bool ident_is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Names the character for a message: as itself, or as a number when it is not printable. */
static const char *ident_show(char c, char buf[static 16])
{
	if (c >= 0x20 && c < 0x7f)
		(void)snprintf(buf, 16, "'%c'", c);
	else
		(void)snprintf(buf, 16, "0x%02x", (unsigned char)c);
	return buf;
}

int name_parse(const char *kind, const char *text, struct jail_name *ret, struct err *e)
{
	size_t n = strnlen(text, LIMIT_NAME_LEN + 1);
	char show[16];

	if (n == 0)
		return err_set(e, EINVAL, "%s name \"\": empty", kind);
	if (n > LIMIT_NAME_LEN)
		return err_set(e, EINVAL, "%s name \"%.64s...\": longer than %d characters", kind,
			       text, LIMIT_NAME_LEN);
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (ident_is_lower_alnum(c))
			continue;
		if (c != '_' && c != '.' && c != '-')
			return err_set(e, EINVAL,
				       "%s name \"%s\": character %s is not allowed (a-z, 0-9, and "
				       "'_', '.', '-' inside)",
				       kind, text, ident_show(c, show));
		if (i == 0 || i == n - 1)
			return err_set(e, EINVAL,
				       "%s name \"%s\": must begin and end with a-z or 0-9", kind,
				       text);
		if (c == '.' && text[i - 1] == '.')
			return err_set(e, EINVAL, "%s name \"%s\": \"..\" is not allowed", kind,
				       text);
	}
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->s, text, n);
	return 0;
}

static bool ident_is_hex(const char *text, size_t n)
{
	return strnlen(text, n + 1) == n && strspn(text, "0123456789abcdef") == n;
}

int blob_digest_parse(const char *text, struct blob_digest *ret, struct err *e)
{
	size_t digits = str_starts(text, "sha256:") ? 64 : str_starts(text, "sha512:") ? 128 : 0;

	if (digits == 0)
		return err_set(e, EINVAL,
			       "digest \"%.80s\": expected \"sha256:\" or \"sha512:\", and digits",
			       text);
	if (!ident_is_hex(blob_digest_hex(text), digits))
		return err_set(e, EINVAL, "digest \"%.160s\": expected %zu digits of 0-9 and a-f",
			       text, digits);
	(void)str_format(ret->s, sizeof(ret->s), "%s", text); /* fits */
	return 0;
}

int digest_parse(const char *text, struct digest *ret, struct err *e)
{
	static const char prefix[] = "sha256:";
	const char *hex = text + sizeof(prefix) - 1;
	size_t n;

	if (!str_starts(text, prefix))
		return err_set(e, EINVAL, "digest \"%.80s\": expected \"sha256:\" and 64 digits",
			       text);
	n = strnlen(hex, 65);
	for (size_t i = 0; i < n; i++) {
		if (!(hex[i] >= '0' && hex[i] <= '9') && !(hex[i] >= 'a' && hex[i] <= 'f'))
			return err_set(e, EINVAL, "digest \"%.80s\": only 0-9 and a-f are allowed",
				       text);
	}
	if (n != 64)
		return err_set(e, EINVAL, "digest \"%.80s\": expected 64 hexadecimal digits", text);
	memcpy(ret->hex, hex, 64);
	ret->hex[64] = '\0';
	return 0;
}

/* Edits (insert, delete, replace) that make a into b; both at most IDENT_WORD_MAX long. */
static unsigned ident_distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned row[IDENT_WORD_MAX + 1];

	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned replace = diagonal + (a[i - 1] != b[j - 1]);
			unsigned step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = replace < step ? replace : step;
		}
	}
	return row[nb];
}

int ident_nearest(const char *word, const char *const *words, size_t n)
{
	size_t len = strnlen(word, IDENT_WORD_MAX + 1);
	/* A third of the word may be wrong; more is another word. */
	unsigned best = (unsigned)(len + 2) / 3 + 1;
	int nearest = -1;

	if (len == 0 || len > IDENT_WORD_MAX)
		return -1;
	for (size_t i = 0; i < n && i < INT_MAX; i++) {
		size_t other = strnlen(words[i], IDENT_WORD_MAX + 1);
		unsigned d;

		if (other > IDENT_WORD_MAX)
			continue;
		d = ident_distance(word, len, words[i], other);
		if (d < best) {
			best = d;
			nearest = (int)i;
		}
	}
	return nearest;
}
