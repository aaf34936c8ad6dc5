/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Platforms. Words are those of Go, lower case; what people and uname(2) say instead ("x86_64",
 * "aarch64", "armhf"), and some builders, is translated.
 *
 * A variant is a level where the architecture has levels (amd64 v1 to v4, arm v5 to v8, arm64 v8,
 * v8.1, v9): a machine of one level runs what is made for a lower one. Not naming it means the
 * level that everybody has. Elsewhere it is a word that must be the same.
 */
#include <sys/utsname.h>

#include "base/num.h"
#include "images/manifest_priv.h"

#define PLATFORM_EXACT 0x10000 /* both parts were named, and are the same */

static const struct {
	const char *word, *architecture, *variant;
} platform_aliases[] = {
	{ "x86_64", "amd64", "" },
	{ "x86-64", "amd64", "" },
	{ "aarch64", "arm64", "v8" },
	{ "armhf", "arm", "v7" },
	{ "armel", "arm", "v6" },
	{ "armv6l", "arm", "v6" },
	{ "armv7l", "arm", "v7" },
	{ "armv8l", "arm", "v8" },
	{ "i386", "386", "" },
	{ "i486", "386", "" },
	{ "i586", "386", "" },
	{ "i686", "386", "" },
	{ "loongarch64", "loong64", "" },
};

static const char *const platform_systems[] = { "linux",  "windows", "darwin", "freebsd",
						"netbsd", "openbsd", "wasip1" };

bool platform_word(const char *text, size_t n, char ret[static 16])
{
	if (n == 0 || n > 15)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '.' &&
		    c != '-')
			return false;
		ret[i] = c;
	}
	ret[n] = '\0';
	return true;
}

static bool platform_is_system(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(platform_systems); i++)
		if (str_eq(platform_systems[i], word))
			return true;
	return false;
}

void platform_translate(struct platform *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(platform_aliases); i++) {
		if (!str_eq(platform_aliases[i].word, p->architecture))
			continue;
		(void)str_format(p->architecture, sizeof(p->architecture), "%s",
				 platform_aliases[i].architecture); /* fits */
		if (p->variant[0] == '\0')
			(void)str_format(p->variant, sizeof(p->variant), "%s",
					 platform_aliases[i].variant); /* fits */
		return;
	}
}

int platform_parse(const char *text, struct platform *ret, struct err *e)
{
	char words[3][16] = { "", "", "" };
	struct platform p = { .os = "linux" };
	const char *at = text;
	size_t n = 0;

	for (;; at++) {
		size_t len = strcspn(at, "/");

		if (n == ARRAY_SIZE(words) || !platform_word(at, len, words[n]))
			return err_set(e, EINVAL,
				       "platform \"%.80s\": expected OS/ARCHITECTURE[/VARIANT] or "
				       "ARCHITECTURE, as in linux/arm64",
				       text);
		n++;
		at += len;
		if (*at == '\0')
			break;
	}
	if (n > 1 || platform_is_system(words[0]))
		memcpy(p.os, words[0], sizeof(p.os));
	else
		memcpy(p.architecture, words[0], sizeof(p.architecture));
	if (n > 1)
		memcpy(p.architecture, words[1], sizeof(p.architecture));
	memcpy(p.variant, words[2], sizeof(p.variant));
	platform_translate(&p);
	*ret = p;
	return 0;
}

void platform_host(struct platform *ret)
{
	struct platform p = { .os = "linux" };
	struct utsname u;

	/* Can't fail: the only error is a bad address. A machine without a word matches nothing. */
	if (uname(&u) < 0 || !platform_word(u.machine, strlen(u.machine), p.architecture))
		memcpy(p.architecture, "unknown", sizeof("unknown"));
	platform_translate(&p);
	*ret = p;
}

void platform_format(const struct platform *p, char ret[static 64])
{
	const char *os = p->os[0] ? p->os : "any";
	const char *architecture = p->architecture[0] ? p->architecture : "any";

	(void)str_format(ret, 64, "%s/%s%s%s", os, architecture, p->variant[0] ? "/" : "",
			 p->variant); /* fits: three words of 15 */
}

/* "v8" is 800, "v8.1" is 801. Return: 0 when it is no level. */
static unsigned platform_level_parse(const char *variant)
{
	char major[16] = "";
	const char *dot = strchr(variant, '.');
	size_t n = dot ? (size_t)(dot - variant) : strlen(variant);
	uint64_t high = 0, low = 0;
	struct err ignored;

	if (variant[0] != 'v' || n < 2 || n >= sizeof(major))
		return 0;
	memcpy(major, variant + 1, n - 1);
	if (num_parse_u64(major, 1, 99, &high, &ignored) < 0 ||
	    (dot && num_parse_u64(dot + 1, 0, 99, &low, &ignored) < 0))
		return 0;
	return (unsigned)(high * 100 + low);
}

/* Return: 0 for an architecture without levels, or a variant that is none. */
static unsigned platform_level(const char *architecture, const char *variant)
{
	static const struct {
		const char *architecture, *variant;
	} base[] = { { "amd64", "v1" }, { "arm64", "v8" }, { "arm", "v7" } };

	for (size_t i = 0; i < ARRAY_SIZE(base); i++)
		if (str_eq(base[i].architecture, architecture))
			return platform_level_parse(variant[0] ? variant : base[i].variant);
	return 0;
}

static unsigned platform_match_variant(const struct platform *wanted,
				       const struct platform *offered)
{
	unsigned want = platform_level(offered->architecture, wanted->variant);
	unsigned offer = platform_level(offered->architecture, offered->variant);

	if (want > 0 && offer > 0)
		return offer <= want ? offer : 0;
	if (str_eq(wanted->variant, offered->variant))
		return 2;
	return offered->variant[0] == '\0' ? 1 : 0;
}

unsigned platform_match(const struct platform *wanted, const struct platform *offered)
{
	bool os_same = str_eq(wanted->os, offered->os);
	bool architecture_same = str_eq(wanted->architecture, offered->architecture);
	unsigned variant;

	if (str_eq(offered->os, "unknown") || str_eq(offered->architecture, "unknown"))
		return 0;
	if (!os_same && wanted->os[0] && offered->os[0])
		return 0;
	if (!architecture_same && wanted->architecture[0] && offered->architecture[0])
		return 0;
	/* A variant means something only together with its architecture. */
	variant = architecture_same ? platform_match_variant(wanted, offered) : 1;
	if (variant == 0)
		return 0;
	return variant + (os_same && architecture_same ? PLATFORM_EXACT : 0);
}
