/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only maker of struct image_ref (row 43): the grammar of the distribution project, whose names
 * docker, podman and OCI use. Which first component is a host is no question here: it is one if it
 * has the form of one, and a component of the path if it has that form.
 */
#include <limits.h>

#include "base/ident.h"
#include "base/num.h"
#include "base/str.h"

#define REF_TAG_LEN 128
#define REF_PORT_MAX 65535

static const char ref_lower[] = "abcdefghijklmnopqrstuvwxyz0123456789";
#define REF_ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* How many of the n bytes at s, from the first on, are of the set. */
static size_t ref_span(const char *s, size_t n, const char *set)
{
	size_t at = 0;

	while (at < n && s[at] && strchr(set, s[at]))
		at++;
	return at;
}

/* What may stand between letters and digits of a path: one '.', one or two '_', any number of '-'.
 */
static size_t ref_separator(const char *s, size_t n)
{
	size_t dashes = ref_span(s, n, "-"), lines = ref_span(s, n, "_");

	if (dashes > 0)
		return dashes;
	if (lines > 0)
		return lines <= 2 ? lines : 0;
	return n > 0 && s[0] == '.';
}

static bool ref_path_part_ok(const char *s, size_t n)
{
	for (;;) {
		size_t word = ref_span(s, n, ref_lower), between;

		if (word == 0)
			return false;
		if (word == n)
			return true;
		between = ref_separator(s + word, n - word);
		if (between == 0)
			return false;
		s += word + between;
		n -= word + between;
	}
}

static bool ref_host_part_ok(const char *s, size_t n)
{
	return n > 0 && ref_span(s, n, REF_ALNUM "-") == n && s[0] != '-' && s[n - 1] != '-';
}

static bool ref_host_name_ok(const char *s, size_t n)
{
	for (;;) {
		const char *dot = memchr(s, '.', n);
		size_t part = dot ? (size_t)(dot - s) : n;

		if (!ref_host_part_ok(s, part))
			return false;
		if (!dot)
			return true;
		s += part + 1;
		n -= part + 1;
	}
}

static bool ref_port_ok(const char *s, size_t n)
{
	struct err ignored = ERR_INIT;
	char text[8];
	uint64_t port;

	return n < sizeof(text) && str_format(text, sizeof(text), "%.*s", (int)n, s) > 0 &&
	       num_parse_u64(text, 1, REF_PORT_MAX, &port, &ignored) == 0;
}

/* HOST or HOST:PORT. */
static bool ref_host_ok(const char *s, size_t n)
{
	const char *end = n > 0 && s[0] == '[' ? memchr(s, ']', n) : NULL;
	const char *colon = end ? end + 1 : memchr(s, ':', n);
	size_t host = colon ? (size_t)(colon - s) : n;

	if (n > 0 && s[0] == '[') {
		if (!end || host < 4 ||
		    ref_span(s + 1, host - 2, "0123456789abcdefABCDEF:") != host - 2)
			return false;
	} else if (!ref_host_name_ok(s, host)) {
		return false;
	}
	return host == n || (s[host] == ':' && ref_port_ok(s + host + 1, n - host - 1));
}

static bool ref_name_ok(const char *s, size_t n)
{
	bool first = true;

	for (;;) {
		const char *slash = memchr(s, '/', n);
		size_t part = slash ? (size_t)(slash - s) : n;

		if (!ref_path_part_ok(s, part) && !(first && slash && ref_host_ok(s, part)))
			return false;
		if (!slash)
			return true;
		s += part + 1;
		n -= part + 1;
		first = false;
	}
}

static bool ref_tag_ok(const char *s, size_t n)
{
	return n > 0 && n <= REF_TAG_LEN && s[0] != '.' && s[0] != '-' &&
	       ref_span(s, n, REF_ALNUM "_.-") == n;
}

/* Where the tag's ':' is, or the end: not the one of a port, nor of an address. */
static size_t ref_find_tag(const char *s, size_t n)
{
	for (size_t i = n; i > 0 && s[i - 1] != '/' && s[i - 1] != ']'; i--)
		if (s[i - 1] == ':')
			return i - 1;
	return n;
}

int image_ref_parse(const char *text, struct image_ref *ret, struct err *e)
{
	size_t n = strcspn(text, "@"), name = ref_find_tag(text, n);
	struct image_ref ref = { .s = "" };
	struct blob_digest digest;

	if (!ref_name_ok(text, name))
		return err_set(
			e, EINVAL,
			"image \"%.80s\": expected [HOST[:PORT]/]NAME[:TAG][@DIGEST], NAME of "
			"a-z and 0-9 with single '.', '_', '-' or '/' between them",
			text);
	if (name < n && !ref_tag_ok(text + name + 1, n - name - 1))
		return err_set(e, EINVAL,
			       "image \"%.80s\": expected a tag of at most %d of A-Z, a-z, 0-9, "
			       "'_', '.', '-', not beginning with '.' or '-'",
			       text, REF_TAG_LEN);
	if (text[n] && blob_digest_parse(text + n + 1, &digest, e) < 0)
		return err_wrap(e, "image \"%.80s\"", text);
	if (str_format(ref.s, sizeof(ref.s), "%s%s", text, name == n && !text[n] ? ":latest" : "") <
	    0)
		return err_set(e, EINVAL, "image \"%.80s...\": longer than %d characters", text,
			       LIMIT_IMAGE_REF_LEN);
	*ret = ref;
	return 0;
}

size_t image_ref_tagged_len(const struct image_ref *ref)
{
	return strcspn(ref->s, "@");
}

size_t image_ref_name_len(const struct image_ref *ref)
{
	return ref_find_tag(ref->s, image_ref_tagged_len(ref));
}

bool image_ref_has_tag(const struct image_ref *ref)
{
	return image_ref_name_len(ref) < image_ref_tagged_len(ref);
}

/* Characters that a file name hasn't got as they are. */
static const struct {
	char c;
	char code[4];
} ref_codes[] = { { '/', "%2f" }, { ':', "%3a" }, { '@', "%40" }, { '[', "%5b" }, { ']', "%5d" } };

void image_ref_to_file(const struct image_ref *ref, struct image_file *ret)
{
	char *out = ret->s;

	memset(ret, 0, sizeof(*ret));
	for (const char *p = ref->s; *p; p++) {
		size_t i = 0;

		while (i < ARRAY_SIZE(ref_codes) && ref_codes[i].c != *p)
			i++;
		if (i < ARRAY_SIZE(ref_codes)) {
			memcpy(out, ref_codes[i].code, 3);
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

		for (size_t i = 0; i < ARRAY_SIZE(ref_codes); i++) {
			if (!str_starts(p, ref_codes[i].code))
				continue;
			c = ref_codes[i].c;
			p += 2;
			break;
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
