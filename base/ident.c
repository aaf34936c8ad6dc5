/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only makers of struct jail_name, digest and image_ref (row 43). Each reads an alphabet that
 * has no '/', no control character and no leading '.' or '-', so that the value can be a path
 * component, an argument or a cgroup directory as it is.
 */
#include "base/ident.h"

#include <limits.h>

#include "base/str.h"

#define IDENT_TAG_LEN 128
#define IDENT_WORD_MAX 64

static bool ident_is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool ident_is_alnum(char c)
{
	return ident_is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
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

/* Checks [a-z0-9]+([._-][a-z0-9]+)* joined by '/'. */
static bool ident_image_name_ok(const char *s, size_t n)
{
	bool after_alnum = false;

	for (size_t i = 0; i < n; i++) {
		if (ident_is_lower_alnum(s[i]))
			after_alnum = true;
		else if (after_alnum && strchr("._-/", s[i]) && s[i] != '\0')
			after_alnum = false;
		else
			return false;
	}
	return after_alnum;
}

/* Checks [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}. */
static bool ident_tag_ok(const char *s)
{
	size_t n = strnlen(s, IDENT_TAG_LEN + 1);

	if (n == 0 || n > IDENT_TAG_LEN || (!ident_is_alnum(s[0]) && s[0] != '_'))
		return false;
	for (size_t i = 1; i < n; i++) {
		if (!ident_is_alnum(s[i]) && s[i] != '_' && s[i] != '.' && s[i] != '-')
			return false;
	}
	return true;
}

int image_ref_parse(const char *text, struct image_ref *ret, struct err *e)
{
	const char *colon = strchr(text, ':');
	const char *tag = colon ? colon + 1 : "latest";
	size_t n = colon ? (size_t)(colon - text) : strlen(text);
	struct image_ref ref = { .s = "" };

	if (!ident_image_name_ok(text, n))
		return err_set(e, EINVAL,
			       "image \"%.80s\": expected NAME[:TAG], NAME of a-z and 0-9 with "
			       "single '.', '_', '-' or '/' between them",
			       text);
	if (!ident_tag_ok(tag))
		return err_set(e, EINVAL,
			       "image \"%.80s\": expected a tag of at most %d of A-Z, a-z, 0-9, "
			       "'_', '.', '-', not beginning with '.' or '-'",
			       text, IDENT_TAG_LEN);
	if (n > INT_MAX || str_format(ref.s, sizeof(ref.s), "%.*s:%s", (int)n, text, tag) < 0)
		return err_set(e, EINVAL, "image \"%.80s...\": longer than %d characters", text,
			       LIMIT_IMAGE_REF_LEN);
	*ret = ref;
	return 0;
}

void image_ref_to_file(const struct image_ref *ref, struct image_file *ret)
{
	char *out = ret->s;

	memset(ret, 0, sizeof(*ret));
	for (const char *p = ref->s; *p; p++) {
		if (*p == '/' || *p == ':') {
			memcpy(out, *p == '/' ? "%2f" : "%3a", 3);
			out += 3;
		} else {
			*out++ = *p;
		}
	}
}

int image_ref_from_file(const char *file, struct image_ref *ret, struct err *e)
{
	struct image_ref ref = { .s = "" };
	struct image_file back;
	size_t n = 0;

	for (const char *p = file; *p; p++) {
		char c = *p;

		if (str_starts(p, "%2f") || str_starts(p, "%3a")) {
			c = p[1] == '2' ? '/' : ':';
			p += 2;
		}
		if (n >= LIMIT_IMAGE_REF_LEN)
			return err_set(e, EINVAL, "image file \"%.80s...\": name too long", file);
		ref.s[n++] = c;
	}
	if (image_ref_parse(ref.s, &ref, e) < 0)
		return err_wrap(e, "image file \"%.80s\"", file);
	/* One file for each reference: what would not be written that way is not ours. */
	image_ref_to_file(&ref, &back);
	if (!str_eq(back.s, file))
		return err_set(e, EINVAL, "image file \"%.80s\": not in canonical form", file);
	*ret = ref;
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
