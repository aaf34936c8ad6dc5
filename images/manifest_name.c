/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of images as archives hold them: with a registry's host or without, a tag alone, none. */
#include "images/manifest_priv.h"

#define NAMES_LISTED 12

/* The ':' of the tag ("a/b:1", not that of "host:5000/b"), else the '@' of the digest, or the end.
 */
static const char *manifest_tag(const char *name)
{
	size_t n = strcspn(name, "@"), i = n;

	while (i > 0 && name[i - 1] != '/' && name[i - 1] != ':')
		i--;
	return i > 0 && name[i - 1] == ':' ? name + i - 1 : name + n;
}

/* Whether the last n bytes before `end` are `wanted`, whole components of the name. */
static bool manifest_name_ends(const char *name, const char *end, const char *wanted)
{
	size_t n = strlen(wanted), len = (size_t)(end - name);

	return n <= len && memcmp(end - n, wanted, n) == 0 && (n == len || *(end - n - 1) == '/');
}

unsigned manifest_name_match(const char *wanted, const char *name)
{
	const char *tag = manifest_tag(name);

	if (wanted[0] == '\0' || name[0] == '\0')
		return 0;
	if (str_eq(wanted, name))
		return 3;
	if (manifest_name_ends(name, name + strlen(name), wanted))
		return 2;
	return manifest_name_ends(name, tag, wanted) || (*tag && str_eq(tag + 1, wanted)) ||
	       manifest_name_ends(name, name + strcspn(name, "@"), wanted);
}

void manifest_list(struct strbuf *b, size_t *n, const char *item)
{
	if (*n < NAMES_LISTED)
		strbuf_addf(b, "%s%s", *n ? ", " : "", item);
	else if (*n == NAMES_LISTED)
		strbuf_adds(b, ", ...");
	(*n)++;
}
