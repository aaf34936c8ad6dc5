/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "images/tarheader.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/sysmacros.h>

enum { /* offset and length of the fields of a ustar header */
       NAME = 0,
       NAME_LEN = 100,
       MODE = 100,
       UID = 108,
       GID = 116,
       ID_LEN = 8,
       SIZE = 124,
       MTIME = 136,
       NUMBER_LEN = 12,
       CHECKSUM = 148,
       TYPE = 156,
       LINK = 157,
       MAGIC = 257,
       MAJOR = 329,
       MINOR = 337,
};
#define ID_MAX 07777777
#define NUMBER_MAX 077777777777

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself. */
static void record_head(struct strbuf *b, const char *key, size_t n)
{
	size_t rest = 1 + strlen(key) + 1 + n + 1, digits = 1;
	char text[24];

	for (;;) {
		int len = snprintf(text, sizeof(text), "%zu", rest + digits);

		if ((size_t)len == digits)
			break;
		digits = (size_t)len;
	}
	strbuf_addf(b, "%zu %s=", rest + digits, key);
}

static void record(struct strbuf *b, const char *key, const void *value, size_t n)
{
	record_head(b, key, n);
	strbuf_add(b, value, n);
	strbuf_addc(b, '\n');
}

static void record_text(struct strbuf *b, const char *key, const char *value)
{
	record(b, key, value, strlen(value));
}

static void record_u64(struct strbuf *b, const char *key, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	record_text(b, key, text);
}

void tar_member_xattr(struct tar_member *m, const char *name, const void *value, size_t n)
{
	char key[sizeof("SCHILY.xattr.") + 256];

	/* The one character that the key of a record can't hold; such a name is nobody's. */
	if (strchr(name, '=') || str_format(key, sizeof(key), "SCHILY.xattr.%s", name) < 0)
		return;
	record(&m->xattrs, key, value, n);
}

static void record_mtime(struct strbuf *b, const struct timespec *t)
{
	char text[48];

	/* Before 1970 to the second: what a fraction means there, readers don't agree on. */
	if (t->tv_nsec == 0 || t->tv_sec < 0)
		(void)snprintf(text, sizeof(text), "%lld", (long long)t->tv_sec);
	else
		(void)snprintf(text, sizeof(text), "%lld.%09ld", (long long)t->tv_sec, t->tv_nsec);
	record_text(b, "mtime", text);
}

static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

static bool is_file(const struct tar_member *m)
{
	return S_ISREG(m->st.st_mode) && !m->again;
}

static void records_sparse(const struct tar_member *m, struct strbuf *b)
{
	record_text(b, "GNU.sparse.major", "1");
	record_text(b, "GNU.sparse.minor", "0");
	record_text(b, "GNU.sparse.name", m->name);
	record_u64(b, "GNU.sparse.realsize", (uint64_t)m->st.st_size);
}

/* size: of what follows. */
static void records(const struct tar_member *m, uint64_t size, struct strbuf *b)
{
	const struct timespec *t = &m->st.st_mtim;
	bool name = strlen(m->name) > NAME_LEN, link = m->link && strlen(m->link) > NAME_LEN;

	/* Records are UTF-8 otherwise, and names are bytes. */
	if (((name || m->sparse) && !is_plain(m->name)) || (link && !is_plain(m->link)))
		record_text(b, "hdrcharset", "BINARY");
	if (m->sparse)
		records_sparse(m, b);
	if (name)
		record_text(b, "path", m->name);
	if (link)
		record_text(b, "linkpath", m->link);
	if (m->st.st_uid > ID_MAX)
		record_u64(b, "uid", m->st.st_uid);
	if (m->st.st_gid > ID_MAX)
		record_u64(b, "gid", m->st.st_gid);
	if (size > NUMBER_MAX)
		record_u64(b, "size", size);
	if (t->tv_nsec != 0 || t->tv_sec < 0 || t->tv_sec > NUMBER_MAX)
		record_mtime(b, t);
	if (m->xattrs.len)
		strbuf_add(b, m->xattrs.data, m->xattrs.len);
}

static void number(uint8_t *h, size_t at, int len, uint64_t value)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%0*" PRIo64, len - 1, value);
	memcpy(h + at, text, (size_t)len - 1);
}

static void header(struct strbuf *b, const struct tar_member *m, char type, uint64_t size)
{
	const struct timespec *t = &m->st.st_mtim;
	uint8_t h[TARHEADER_BLOCK] = { 0 };
	unsigned sum = 0;
	size_t n = strlen(m->name);

	memcpy(h + NAME, m->name, n < NAME_LEN ? n : NAME_LEN);
	number(h, MODE, ID_LEN, m->st.st_mode & 07777);
	number(h, UID, ID_LEN, m->st.st_uid > ID_MAX ? 0 : m->st.st_uid);
	number(h, GID, ID_LEN, m->st.st_gid > ID_MAX ? 0 : m->st.st_gid);
	number(h, SIZE, NUMBER_LEN, size > NUMBER_MAX ? 0 : size);
	number(h, MTIME, NUMBER_LEN,
	       t->tv_sec < 0 || t->tv_sec > NUMBER_MAX ? 0 : (uint64_t)t->tv_sec);
	h[TYPE] = (uint8_t)type;
	if (m->link) {
		n = strlen(m->link);
		memcpy(h + LINK, m->link, n < NAME_LEN ? n : NAME_LEN);
	}
	memcpy(h + MAGIC, "ustar\00000", 8);
	number(h, MAJOR, ID_LEN, major(m->st.st_rdev));
	number(h, MINOR, ID_LEN, minor(m->st.st_rdev));
	memset(h + CHECKSUM, ' ', ID_LEN);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += h[i];
	number(h, CHECKSUM, ID_LEN - 1, sum);
	h[CHECKSUM + ID_LEN - 2] = '\0';
	strbuf_add(b, h, sizeof(h));
}

static char type_of(const struct tar_member *m)
{
	if (m->again)
		return '1';
	switch (m->st.st_mode & S_IFMT) {
	case S_IFREG:
		return '0';
	case S_IFLNK:
		return '2';
	case S_IFCHR:
		return '3';
	case S_IFBLK:
		return '4';
	case S_IFDIR:
		return '5';
	case S_IFIFO:
		return '6';
	default:
		return 0;
	}
}

static void pad(struct strbuf *b, size_t n)
{
	static const uint8_t zeroes[TARHEADER_BLOCK];

	if (n % TARHEADER_BLOCK)
		strbuf_add(b, zeroes, TARHEADER_BLOCK - n % TARHEADER_BLOCK);
}

/* GNU tar's format 1.0: the number of extents, then place and length of each. */
static void sparse_text(const struct sparse_map *map, struct strbuf *b)
{
	strbuf_addf(b, "%zu\n", map->n);
	for (size_t i = 0; i < map->n; i++)
		strbuf_addf(b, "%" PRIu64 "\n%" PRIu64 "\n", map->v[i].at, map->v[i].n);
	pad(b, b->len);
}

int tar_member_header(const struct tar_member *m, struct strbuf *out, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT, map = STRBUF_INIT;
	struct tar_member plain = *m;
	uint64_t size = is_file(m) ? (uint64_t)m->st.st_size : 0;
	char type = type_of(m);
	int r;

	if (!type)
		return err_set(e, EMEDIUMTYPE, "%s: an archive can't hold a socket", m->name);
	if (!S_ISCHR(m->st.st_mode) && !S_ISBLK(m->st.st_mode))
		plain.st.st_rdev = 0;
	if (m->sparse) {
		sparse_text(m->sparse, &map);
		size = map.len + m->sparse->data;
	}
	records(m, size, &b);
	if ((r = strbuf_ok(&b, e)) < 0 || (r = strbuf_ok(&map, e)) < 0 ||
	    (m->xattrs.failed && (r = strbuf_ok(&m->xattrs, e)) < 0))
		return r;
	if (b.len) {
		const struct tar_member pax = { .name = "pax", .st = { .st_mode = 0644 } };

		header(out, &pax, 'x', b.len);
		strbuf_add(out, b.data, b.len);
		pad(out, b.len);
	}
	header(out, &plain, type, size);
	if (map.len)
		strbuf_add(out, map.data, map.len);
	return strbuf_ok(out, e);
}
