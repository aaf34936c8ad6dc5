/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/jail-copy/pax.h"

#include <inttypes.h>
#include <string.h>

#include "base/fd.h"

#define PAX_BLOCK 512u
#define PAX_OCTAL_MAX UINT64_C(077777777777) /* 11 digits */
#define PAX_ID_MAX UINT64_C(07777777)

/* POSIX.1-2008, "ustar Interchange Format". */
struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
	char link[100], magic[8], uname[32], gname[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct ustar) == PAX_BLOCK, "a header is one block");

void pax_init(struct pax *p, int fd)
{
	p->fd = fd;
	p->n = 0;
	p->records = p->map = STRBUF_INIT;
}

void pax_free(struct pax *p)
{
	strbuf_free(&p->records);
	strbuf_free(&p->map);
}

void pax_begin(struct pax *p)
{
	strbuf_free(&p->records);
	strbuf_free(&p->map);
	p->real_size = 0;
}

static int pax_flush(struct pax *p, struct err *e)
{
	int r = fd_write_all(p->fd, p->buf, p->n);

	p->n = 0;
	return r < 0 ? err_ret(e, r, "write the stream") : 0;
}

static int pax_write(struct pax *p, const void *data, size_t n, struct err *e)
{
	const uint8_t *from = data;

	while (n > 0) {
		size_t some = sizeof(p->buf) - p->n < n ? sizeof(p->buf) - p->n : n;

		memcpy(p->buf + p->n, from, some);
		p->n += some;
		from += some;
		n -= some;
		if (p->n == sizeof(p->buf) && pax_flush(p, e) < 0)
			return -e->code;
	}
	return 0;
}

static int pax_zeros(struct pax *p, size_t n, struct err *e)
{
	static const uint8_t zeros[PAX_BLOCK];

	for (; n > 0; n -= n < sizeof(zeros) ? n : sizeof(zeros))
		if (pax_write(p, zeros, n < sizeof(zeros) ? n : sizeof(zeros), e) < 0)
			return -e->code;
	return 0;
}

static size_t pax_padding(uint64_t n)
{
	return (size_t)(-n % PAX_BLOCK);
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself. */
static void pax_record(struct pax *p, const char *key, const void *value, size_t n)
{
	size_t rest = strlen(key) + n + 3, len = rest;
	char digits[24];

	do {
		(void)str_format(digits, sizeof(digits), "%zu", len);
		if (rest + strlen(digits) == len)
			break;
		len = rest + strlen(digits);
	} while (true);
	strbuf_addf(&p->records, "%zu %s=", len, key);
	strbuf_add(&p->records, value, n);
	strbuf_add(&p->records, "\n", 1);
}

static void pax_record_text(struct pax *p, const char *key, const char *value)
{
	pax_record(p, key, value, strlen(value));
}

static void pax_record_number(struct pax *p, const char *key, uint64_t value)
{
	char text[24];

	(void)str_format(text, sizeof(text), "%" PRIu64, value);
	pax_record_text(p, key, text);
}

bool pax_xattr(struct pax *p, const char *name, const void *value, size_t n)
{
	char key[300];

	if (strchr(name, '=') || str_format(key, sizeof(key), "SCHILY.xattr.%s", name) < 0)
		return false;
	pax_record(p, key, value, n);
	return true;
}

void pax_hole_map(struct pax *p, const struct sparse_extent *v, size_t n, uint64_t real_size)
{
	strbuf_addf(&p->map, "%zu\n", n);
	for (size_t i = 0; i < n; i++)
		strbuf_addf(&p->map, "%" PRIu64 "\n%" PRIu64 "\n", v[i].at, v[i].n);
	p->real_size = real_size;
}

static void pax_octal(char *field, size_t n, uint64_t value)
{
	field[n - 1] = '\0';
	for (size_t i = n - 1; i-- > 0; value >>= 3)
		field[i] = (char)('0' + (value & 7));
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text > 0x7f)
			return false;
	return true;
}

static int pax_block(struct pax *p, struct ustar *h, struct err *e)
{
	const uint8_t *bytes = (const uint8_t *)h;
	unsigned sum = 0;

	memcpy(h->magic, "ustar\00000", sizeof(h->magic));
	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += bytes[i];
	pax_octal(h->checksum, sizeof(h->checksum) - 1, sum);
	return pax_write(p, h, sizeof(*h), e);
}

static char pax_type(const struct stat *st, const char *link, bool hard)
{
	if (link)
		return hard ? '1' : '2';
	return S_ISDIR(st->st_mode) ? '5' : S_ISFIFO(st->st_mode) ? '6' : '0';
}

/* A text that may be too long for its field. */
static void pax_text(struct pax *p, char *field, size_t n, const char *key, const char *text)
{
	memcpy(field, text, strnlen(text, n));
	if (strlen(text) > n || !is_ascii(text))
		pax_record_text(p, key, text);
}

static void pax_number(struct pax *p, char *field, size_t n, const char *key, uint64_t value)
{
	bool fits = value <= (n == 8 ? PAX_ID_MAX : PAX_OCTAL_MAX);

	pax_octal(field, n, fits ? value : 0);
	if (!fits)
		pax_record_number(p, key, value);
}

static void pax_time(struct pax *p, struct ustar *h, const struct timespec *t)
{
	bool whole = t->tv_nsec == 0 && t->tv_sec >= 0 && (uint64_t)t->tv_sec <= PAX_OCTAL_MAX;
	bool negative = t->tv_sec < 0;
	uint64_t seconds = (uint64_t)t->tv_sec;
	long ns = t->tv_nsec;
	char text[48];

	pax_octal(h->mtime, sizeof(h->mtime), negative ? 0 : seconds & PAX_OCTAL_MAX);
	if (whole)
		return;
	/* -1.25 s is -2 s and 750,000,000 ns to the kernel. */
	if (negative) {
		seconds = -seconds;
		if (ns > 0) {
			seconds--;
			ns = 1000000000 - ns;
		}
	}
	(void)str_format(text, sizeof(text), "%s%" PRIu64 ".%09ld", negative ? "-" : "", seconds,
			 ns);
	pax_record_text(p, "mtime", text);
}

static int pax_extended(struct pax *p, struct err *e)
{
	struct ustar h = { .name = "PaxHeader", .type = 'x' };
	size_t n = p->records.len;

	if (n == 0)
		return 0;
	if (strbuf_ok(&p->records, e) < 0 || strbuf_ok(&p->map, e) < 0)
		return -e->code;
	pax_octal(h.mode, sizeof(h.mode), 0644);
	pax_octal(h.uid, sizeof(h.uid), 0);
	pax_octal(h.gid, sizeof(h.gid), 0);
	pax_octal(h.mtime, sizeof(h.mtime), 0);
	pax_octal(h.size, sizeof(h.size), n);
	if (pax_block(p, &h, e) < 0 || pax_write(p, strbuf_str(&p->records), n, e) < 0)
		return -e->code;
	return pax_zeros(p, pax_padding(n), e);
}

static void pax_sparse(struct pax *p, const char *name)
{
	pax_record_text(p, "GNU.sparse.major", "1");
	pax_record_text(p, "GNU.sparse.minor", "0");
	pax_record_text(p, "GNU.sparse.name", name);
	pax_record_number(p, "GNU.sparse.realsize", p->real_size);
}

int pax_header(struct pax *p, const char *name, const struct stat *st, const char *link, bool hard,
	       uint64_t size, struct err *e)
{
	struct ustar h = { .type = pax_type(st, link, hard) };
	size_t map = p->map.len;
	uint64_t map_size = map + pax_padding(map), total = size + map_size;

	/* So that readers take the bytes as they are. */
	if (!is_ascii(name) || (link && !is_ascii(link)))
		pax_record_text(p, "hdrcharset", "BINARY");
	if (map)
		pax_sparse(p, name);
	pax_text(p, h.name, sizeof(h.name), "path", name);
	if (link)
		pax_text(p, h.link, sizeof(h.link), "linkpath", link);
	pax_octal(h.mode, sizeof(h.mode), st->st_mode & 07777);
	pax_number(p, h.uid, sizeof(h.uid), "uid", st->st_uid);
	pax_number(p, h.gid, sizeof(h.gid), "gid", st->st_gid);
	pax_number(p, h.size, sizeof(h.size), "size", total);
	pax_time(p, &h, &st->st_mtim);
	p->pad = pax_padding(total);
	if (pax_extended(p, e) < 0 || pax_block(p, &h, e) < 0)
		return -e->code;
	if (map == 0)
		return 0;
	return pax_write(p, strbuf_str(&p->map), map, e) < 0 ? -e->code
							     : pax_zeros(p, pax_padding(map), e);
}

int pax_data(struct pax *p, const void *data, size_t n, struct err *e)
{
	return pax_write(p, data, n, e);
}

int pax_pad(struct pax *p, struct err *e)
{
	return pax_zeros(p, (size_t)p->pad, e);
}

int pax_end(struct pax *p, struct err *e)
{
	int r = pax_zeros(p, (size_t)2 * PAX_BLOCK, e);

	return r < 0 ? r : pax_flush(p, e);
}
