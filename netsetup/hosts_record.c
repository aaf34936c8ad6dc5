/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One record of a hosts file: 256 bytes that are one or two whole lines.
 *
 *     ADDRESS<tab>NAME NAME.TENANT.jail [ALIAS]     #LLHHHHHHHHHHHHHH<newline>
 *
 * as one line; or as two of 128 bytes, one for each family, with the comment at the end of the
 * second. LL is the length of NAME, H the hash of network and instance, by which the record is
 * found again: C libraries read neither. What is turned off has '#' in place of each line's first
 * byte.
 *
 * A tenant may fill his own networks with what names he likes. In nobody's network, where more than
 * one may have instances, a name stands there only as it can't hide another: no alias, and a name
 * with a dot, which may be one of the outside, only below ".jail".
 */
#include <arpa/inet.h>
#include <nettle/sha2.h>

#include "base/str.h"
#include "netsetup/hosts_priv.h"

#define HALF (HOSTS_RECORD / 2)
#define COMMENT 18 /* at the end of the record, with its newline */
#define HASH_DIGITS 14

struct hosts_key hosts_key_of(const struct jail_name *network, const struct jail_name *instance)
{
	struct hosts_key key = { .instance = instance->s };
	uint8_t sum[HASH_DIGITS / 2];
	struct sha256_ctx sha;

	sha256_init(&sha);
	sha256_update(&sha, strlen(network->s) + 1, (const uint8_t *)network->s);
	sha256_update(&sha, strlen(instance->s), (const uint8_t *)instance->s);
	sha256_digest(&sha, sizeof(sum), sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		key.hash = key.hash << 8 | sum[i];
	return key;
}

static void fill(char *at, size_t n)
{
	memset(at, ' ', n);
	at[n - 1] = '\n';
}

void hosts_record_blank(struct hosts_record *ret)
{
	fill(ret->text, HALF);
	fill(ret->text + HALF, HALF);
}

void hosts_record_head(struct hosts_record *ret)
{
	static const char first[] = "127.0.0.1\tlocalhost\n"
				    "::1\tlocalhost ip6-localhost ip6-loopback\n"
				    "# The instances of this network, kept by jail.";

	hosts_record_blank(ret);
	memset(ret->text, ' ', HALF);
	memcpy(ret->text, first, sizeof(first) - 1);
}

static bool is_reserved(const char *name)
{
	return str_eq(name, "localhost") || str_eq(name, "ip6-localhost") ||
	       str_eq(name, "ip6-loopback");
}

/* All that follows the address. The alias is left out where it does not fit. */
static void format_names(const struct hosts_entry *entry, bool alias, char *ret, size_t n)
{
	const char *name = entry->instance->s;
	bool own = entry->tenant[0] != '\0';
	bool bare = !is_reserved(name) && (own || !strchr(name, '.'));

	(void)str_format(ret, n, "%s%s%s%s%s.jail%s%s", bare ? name : "", bare ? " " : "", name,
			 own ? "." : "", entry->tenant, alias ? " " : "",
			 alias ? entry->alias : "");
}

/* One printable word of ASCII, and no comment. */
static bool is_word(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text >= 0x7f || *text == '#')
			return false;
	return true;
}

static bool has_alias(const struct hosts_entry *entry)
{
	const char *alias = entry->alias;

	return alias && alias[0] != '\0' && entry->tenant[0] != '\0' &&
	       !str_eq(alias, entry->instance->s) && !is_reserved(alias) && is_word(alias);
}

static void put_comment(const struct hosts_key *key, struct hosts_record *r)
{
	char text[COMMENT];

	(void)str_format(text, sizeof(text), "#%02zx%014llx", strlen(key->instance),
			 (unsigned long long)key->hash);
	memcpy(r->text + HOSTS_RECORD - COMMENT, text, COMMENT - 1);
}

/* Return: false when it does not fit. */
static bool put_line(char *at, size_t room, const char *address, const char *names)
{
	char line[2 * HOSTS_RECORD];
	int n = str_format(line, sizeof(line), "%s\t%s", address, names);

	if (n < 0 || (size_t)n > room)
		return false;
	memcpy(at, line, (size_t)n);
	return true;
}

static bool put_pair(const char *v4, const char *v6, const char *names, struct hosts_record *r)
{
	hosts_record_blank(r);
	r->text[0] = r->text[HALF] = '#';
	return (!*v4 || put_line(r->text, HALF - 1, v4, names)) &&
	       (!*v6 || put_line(r->text + HALF, HALF - COMMENT, v6, names));
}

static bool put_single(const char *address, const char *names, struct hosts_record *r)
{
	fill(r->text, HOSTS_RECORD);
	return put_line(r->text, HOSTS_RECORD - COMMENT, address, names);
}

static size_t format_with(const char *v4, const char *v6, const char *names,
			  struct hosts_record ret[static HOSTS_RECORDS_MAX])
{
	size_t n = 0;

	if (put_pair(v4, v6, names, &ret[0]))
		return 1;
	if (*v4)
		n += put_single(v4, names, &ret[n]);
	if (*v6)
		n += put_single(v6, names, &ret[n]);
	return n == (size_t) !!*v4 + !!*v6 ? n : 0;
}

size_t hosts_format(const struct hosts_entry *entry, const struct hosts_key *key,
		    struct hosts_record ret[static HOSTS_RECORDS_MAX])
{
	static const struct in6_addr none6;
	const struct net_addresses *a = &entry->addresses;
	char v4[INET_ADDRSTRLEN] = "", v6[INET6_ADDRSTRLEN] = "", names[2 * HOSTS_RECORD];
	size_t n = 0;

	if (a->v4.s_addr)
		(void)inet_ntop(AF_INET, &a->v4, v4, sizeof(v4));
	if (memcmp(&a->v6, &none6, sizeof(none6)) != 0)
		(void)inet_ntop(AF_INET6, &a->v6, v6, sizeof(v6));
	if (!*v4 && !*v6)
		return 0;
	if (has_alias(entry)) {
		format_names(entry, true, names, sizeof(names));
		n = format_with(v4, v6, names, ret);
	}
	if (n == 0) {
		format_names(entry, false, names, sizeof(names));
		n = format_with(v4, v6, names, ret);
	}
	for (size_t i = 0; i < n; i++)
		put_comment(key, &ret[i]);
	return n;
}

static bool line_is_live(const char *line)
{
	return *line != '#' && *line != ' ';
}

static bool is_pair(const struct hosts_record *r)
{
	return r->text[HALF - 1] == '\n';
}

bool hosts_record_is_live(const struct hosts_record *r)
{
	return line_is_live(r->text) || (is_pair(r) && line_is_live(r->text + HALF));
}

struct hosts_record hosts_record_off(const struct hosts_record *r)
{
	struct hosts_record off = *r;

	off.text[0] = '#';
	if (is_pair(r))
		off.text[HALF] = '#';
	return off;
}

/* Hexadecimal digits, lower case. */
static bool read_hex(const char *at, size_t n, uint64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < n; i++) {
		const char *digits = "0123456789abcdef";
		const char *digit = at[i] ? strchr(digits, at[i]) : NULL;

		if (!digit)
			return false;
		*ret = *ret << 4 | (uint64_t)(digit - digits);
	}
	return true;
}

bool hosts_record_read(const struct hosts_record *r, uint64_t *ret_hash, struct jail_name *ret)
{
	const char *comment = r->text + HOSTS_RECORD - COMMENT;
	const char *line = is_pair(r) && !line_is_live(r->text) ? r->text + HALF : r->text;
	const char *name = memchr(line, '\t', HALF);
	uint64_t n;

	if (comment[0] != '#' || !read_hex(comment + 1, 2, &n) ||
	    !read_hex(comment + 3, HASH_DIGITS, ret_hash) || !name || n == 0 || n > LIMIT_NAME_LEN)
		return false;
	memcpy(ret->s, name + 1, n);
	ret->s[n] = '\0';
	return true;
}

bool hosts_record_matches(const struct hosts_record *r, const struct hosts_key *key)
{
	struct jail_name name;
	uint64_t hash;

	return hosts_record_is_live(r) && hosts_record_read(r, &hash, &name) && hash == key->hash &&
	       str_eq(name.s, key->instance);
}
