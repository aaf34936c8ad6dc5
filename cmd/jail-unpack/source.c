/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file's first bytes choose one decompressor, or none; only that one is ever enabled (row 5: a
 * list of "all" filters would run programs). Output goes straight into the ring's blocks. The
 * limits on output are checked here, before a byte of it is parsed (row 41).
 */
#include "cmd/jail-unpack/source.h"

#include <string.h>

#include "base/str.h"

struct source_magic {
	const char *name;
	const char *bytes;
	size_t n;
	bool supported;
};

static const struct source_magic source_magics[] = {
	{ "gzip", "\x1f\x8b", 2, true },
	{ "xz",
	  "\xfd"
	  "7zXZ\0",
	  6, true },
	{ "zstd", "\x28\xb5\x2f\xfd", 4, true },
	{ "lz4", "\x04\x22\x4d\x18", 4, true },
	{ "bzip2", "BZh", 3, true },
	/* To say more than "not a tar archive". */
	{ "zip", "PK\x03\x04", 4, false },
	{ "7z", "7z\xbc\xaf\x27\x1c", 6, false },
	{ "rar", "Rar!\x1a\x07", 6, false },
	{ "compress (.Z)", "\x1f\x9d", 2, false },
	{ "lzip", "LZIP", 4, false },
	{ "lzop", "\x89LZO\0\r\n\x1a\n", 9, false },
	{ "lrzip", "LRZI", 4, false },
	{ "old lz4", "\x02\x21\x4c\x18", 4, false },
	{ "lzma", "\x5d\0\0", 3, false },
	{ "cpio", "07070", 5, false },
	{ "rpm", "\xed\xab\xee\xdb", 4, false },
	{ "deb", "!<arch>\n", 8, false },
	{ "squashfs", "hsqs", 4, false },
	{ "ELF",
	  "\x7f"
	  "ELF",
	  4, false },
};

int source_init(struct source *s, int fd, struct ring *ring, struct err *e)
{
	*s = (struct source){ .fd = fd, .ring = ring };
	sha256_init(&s->raw);
	sha512_init(&s->raw512);
	s->buffer = malloc(SOURCE_BUFFER);
	return s->buffer ? 0 : err_nomem(e);
}

static ssize_t source_read_fd(struct source *s, uint8_t *to, size_t n, struct err *e)
{
	ssize_t got;

	do
		got = read(s->fd, to, n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(e, "read the archive");
	s->bytes_in += (uint64_t)got;
	if (s->sha512)
		sha512_update(&s->raw512, (size_t)got, to);
	return got;
}

ssize_t source_read(struct source *s, const uint8_t **ret, struct err *e)
{
	ssize_t n = (ssize_t)s->have;

	s->have = 0;
	if (n == 0)
		n = source_read_fd(s, s->buffer, SOURCE_BUFFER, e);
	if (n > 0)
		sha256_update(&s->raw, (size_t)n, s->buffer);
	*ret = s->buffer;
	return n;
}

int source_space(struct source *s, uint8_t **ret, size_t *ret_n)
{
	if (!s->block) {
		s->block = ring_reserve(s->ring);
		s->fill = 0;
		if (!s->block)
			return -ECANCELED;
	}
	*ret = s->block + s->fill;
	*ret_n = RING_BLOCK - s->fill;
	return 0;
}

int source_put(struct source *s, size_t n, struct err *e)
{
	uint64_t out = s->bytes_out + n;
	uint64_t in = s->bytes_in;

	s->bytes_out = out;
	s->fill += n;
	if (s->fill == RING_BLOCK) {
		ring_commit(s->ring, s->fill);
		s->block = NULL;
	}
	if (out > s->max_bytes)
		return err_set(e, E2BIG,
			       "limit maxBytes exceeded: the archive holds more than %llu bytes",
			       (unsigned long long)s->max_bytes);
	if (!s->plain && out > SOURCE_RATIO_FROM && out / s->max_ratio > in)
		return err_set(
			e, E2BIG,
			"limit maxRatio exceeded: %llu bytes out of %llu, more than %llu times",
			(unsigned long long)out, (unsigned long long)in,
			(unsigned long long)s->max_ratio);
	return 0;
}

/* The ring is read into directly; its other reader computes the one digest there is. */
static int source_plain(struct source *s, struct err *e)
{
	s->plain = true;
	for (;;) {
		uint8_t *to;
		size_t room;
		ssize_t n;
		int r = source_space(s, &to, &room);

		if (r < 0)
			return r;
		if (s->have > 0) {
			n = (ssize_t)s->have;
			memcpy(to, s->buffer, s->have);
			s->have = 0;
		} else {
			n = source_read_fd(s, to, room, e);
		}
		if (n <= 0)
			return (int)n;
		r = source_put(s, (size_t)n, e);
		if (r < 0)
			return r;
	}
}

/* Enough bytes to know the format: a pipe may give one at a time. */
static int source_fill_head(struct source *s, struct err *e)
{
	while (s->have < 512) {
		ssize_t n = source_read_fd(s, s->buffer + s->have, 512 - s->have, e);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		s->have += (size_t)n;
	}
	if (s->have == 0)
		return err_set(e, EBADMSG, "the archive is empty");
	return 0;
}

/* pzstd begins with a skippable frame (RFC 8878, 3.1.2): 0x184D2A50 to 0x184D2A5F, little-endian.
 */
static bool source_is_skippable(const uint8_t *head)
{
	return (head[0] & 0xf0) == 0x50 && memcmp(head + 1, "\x2a\x4d\x18", 3) == 0;
}

static const struct source_magic *source_recognise(const struct source *s)
{
	static const char ustar[] = "ustar";
	const size_t ustar_at = 257;

	/* A member's name may begin with anything, also with "BZh". */
	if (s->have >= 512 && memcmp(s->buffer + ustar_at, ustar, strlen(ustar)) == 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(source_magics); i++) {
		const struct source_magic *m = &source_magics[i];

		if (s->have >= m->n && memcmp(s->buffer, m->bytes, m->n) == 0)
			return m;
		if (s->have >= 4 && str_eq(m->name, "zstd") && source_is_skippable(s->buffer))
			return m;
	}
	return NULL;
}

static int source_decompress(struct source *s, struct err *e)
{
	const struct source_magic *m;
	const uint8_t *rest;
	ssize_t n;
	int r;

	r = source_fill_head(s, e);
	if (r < 0)
		return r;
	m = source_recognise(s);
	if (!m)
		return source_plain(s, e);
	if (!m->supported)
		return err_set(
			e, EBADMSG,
			"this is a %s file, not a tar archive (plain, or compressed with gzip, "
			"xz, zstd, bzip2 or lz4)",
			m->name);
	r = str_eq(m->name, "gzip") ? source_gzip(s, e) : source_libarchive(s, m->name, e);
	if (r < 0)
		return r;
	/* What the decompressor left belongs to the file's digest. */
	do
		n = source_read(s, &rest, e);
	while (n > 0);
	return (int)n;
}

void source_run(struct source *s)
{
	struct err e = ERR_INIT;
	int r = source_decompress(s, &e);

	if (r == 0 && s->block && s->fill > 0)
		ring_commit(s->ring, s->fill);
	s->block = NULL;
	if (r < 0 && e.code == 0)
		(void)err_set(&e, ECANCELED, "cancelled");
	ring_finish(s->ring, &e);
}
