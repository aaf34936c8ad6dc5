/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of an export, read. Of a header only name and size are looked at; then the header that
 * the writer makes for these is made again, and has to be the one that came.
 */
#include <nettle/sha2.h>
#include <string.h>

#include "base/json.h"
#include "images/digest.h"
#include "images/export_priv.h"
#include "images/transfer.h"

#define SUMS_MAX ((size_t)512 << 10)
#define SIZE_AT 124
#define SIZE_LEN 12
#define NAME_LEN 100

struct transfer_reader {
	int fd; /* borrowed */
	struct transfer_sums sums;
	/* The member whose header was read. */
	bool ended; /* it was the end */
	char name[NAME_LEN + 1];
	uint64_t size;
	uint8_t piece[TRANSFER_PIECE_MAX];
};

void transfer_reader_free(struct transfer_reader **r)
{
	if (!*r)
		return;
	transfer_sums_free(&(*r)->sums);
	free(TAKE_PTR(*r));
}

/* All of n bytes. Return: 1; 0 at the end, before the first. */
static int read_whole(int fd, void *to, size_t n, struct err *e)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = read(fd, (uint8_t *)to + have, n - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, "read");
		if (got == 0 && have == 0)
			return 0;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return have == n ? 1 : err_set(e, EBADMSG, "it is cut short");
}

static bool is_zero(const uint8_t *block)
{
	for (size_t i = 0; i < TARHEADER_BLOCK; i++)
		if (block[i])
			return false;
	return true;
}

/* Octal digits and a NUL. */
static bool read_size(const uint8_t *field, uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < SIZE_LEN - 1; i++) {
		if (field[i] < '0' || field[i] > '7')
			return false;
		value = value << 3 | (uint64_t)(field[i] - '0');
	}
	*ret = value;
	return field[SIZE_LEN - 1] == '\0';
}

/* The header of the next member, or the end. */
static int next(struct transfer_reader *r, struct err *e)
{
	uint8_t h[TARHEADER_BLOCK], expected[TARHEADER_BLOCK];
	int got = read_whole(r->fd, h, sizeof(h), e);

	if (got <= 0)
		return got < 0 ? got : err_set(e, EBADMSG, "it is cut short");
	r->ended = is_zero(h);
	if (r->ended)
		return 0;
	memcpy(r->name, h, NAME_LEN);
	r->name[NAME_LEN] = '\0';
	if (!read_size(h + SIZE_AT, &r->size) || r->size > TRANSFER_PIECE_MAX * 16ull ||
	    export_tar_header(r->name, '0', r->size, expected, e) < 0 ||
	    memcmp(h, expected, sizeof(h)) != 0) {
		*e = ERR_INIT;
		return err_set(e, EBADMSG, "damaged: a header is none that `jail export` writes");
	}
	return 0;
}

static int read_padding(struct transfer_reader *r, struct err *e)
{
	uint8_t pad[TARHEADER_BLOCK];
	size_t over = (size_t)(r->size % TARHEADER_BLOCK), n = over ? TARHEADER_BLOCK - over : 0;
	int got = n ? read_whole(r->fd, pad, n, e) : 1;

	if (got <= 0)
		return got < 0 ? got : err_set(e, EBADMSG, "it is cut short");
	for (size_t i = 0; i < n; i++)
		if (pad[i])
			return err_set(e, EBADMSG, "damaged: something is between two members");
	return 0;
}

/* The member's content, padding, and the next one's header. `to` has room for r->size. */
static int take(struct transfer_reader *r, void *to, struct err *e)
{
	int got = r->size ? read_whole(r->fd, to, (size_t)r->size, e) : 1;

	if (got == 0)
		return err_set(e, EBADMSG, "it is cut short");
	if (got < 0 || (got = read_padding(r, e)) < 0)
		return got;
	return next(r, e);
}

int transfer_open(int in, struct transfer_reader **ret, struct err *e)
{
	CLEANUP_TRANSFER_READER struct transfer_reader *r = calloc(1, sizeof(*r));
	struct err why = ERR_INIT;
	int got;

	if (!r)
		return err_nomem(e);
	r->fd = in;
	got = next(r, &why);
	if (got < 0 && why.code != EBADMSG) {
		*e = why;
		return got;
	}
	if (got < 0 || r->ended || !str_eq(r->name, TRANSFER_DOCUMENT)) {
		(void)err_set(e, EMEDIUMTYPE, "this is no file of `jail export`");
		return err_hint(e,
				"images are imported with `jail image import`; a compressed file "
				"is unpacked before: zstd -d <FILE | jail import -");
	}
	*ret = TAKE_PTR(r);
	return 0;
}

static int expect(const struct transfer_reader *r, const char *name, struct err *e)
{
	if (r->ended)
		return err_set(e, EBADMSG, "damaged: %s is missing", name);
	if (!str_eq(r->name, name))
		return err_set(e, EBADMSG, "damaged: %s is where %s should be", r->name, name);
	return 0;
}

static int note(struct transfer_reader *r, const char *name, uint64_t bytes,
		struct sha256_ctx *sha256, struct err *e)
{
	struct transfer_sum sum = { .bytes = bytes };
	uint8_t digest[SHA256_DIGEST_SIZE];

	(void)str_format(sum.name, sizeof(sum.name), "%s", name);
	sha256_digest(sha256, sizeof(digest), digest);
	digest_from_bytes(digest, &sum.sha256);
	return transfer_sums_add(&r->sums, &sum, e);
}

static int read_text(struct transfer_reader *r, const char *name, size_t max, char **ret,
		     size_t *ret_n, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	size_t n;
	int got = expect(r, name, e);

	if (got < 0)
		return got;
	if (r->size > max)
		return err_set(e, E2BIG, "%s has %llu bytes; at most %zu are possible", name,
			       (unsigned long long)r->size, max);
	n = (size_t)r->size;
	text = malloc(n + 1);
	if (!text)
		return err_nomem(e);
	text[n] = '\0';
	got = take(r, text, e);
	if (got < 0)
		return got;
	*ret = TAKE_PTR(text);
	*ret_n = n;
	return 0;
}

int transfer_read_text(struct transfer_reader *r, const char *name, size_t max, char **ret,
		       size_t *ret_n, struct err *e)
{
	struct sha256_ctx sha256;
	int got = read_text(r, name, max, ret, ret_n, e);

	if (got < 0)
		return got;
	sha256_init(&sha256);
	sha256_update(&sha256, *ret_n, (const uint8_t *)*ret);
	got = note(r, name, *ret_n, &sha256, e);
	if (got < 0)
		free(TAKE_PTR(*ret));
	return got;
}

int transfer_read_part(struct transfer_reader *r, const char *name, layer_sink_fn *sink, void *arg,
		       struct err *e)
{
	struct sha256_ctx sha256;
	uint64_t bytes = 0;
	bool last = false;

	sha256_init(&sha256);
	for (unsigned i = 0; !last; i++) {
		char piece[TRANSFER_NAME_MAX + 16];
		size_t n = (size_t)r->size, prefix = strlen(name);
		int got;

		(void)str_format(piece, sizeof(piece), "%s/%06u", name, i); /* fits */
		got = expect(r, piece, e);
		if (got < 0)
			return got;
		if (n > sizeof(r->piece))
			return err_set(e, E2BIG, "%s has %zu bytes; at most %zu are possible",
				       piece, n, sizeof(r->piece));
		got = take(r, r->piece, e);
		if (got < 0)
			return err_wrap(e, "%s", piece);
		sha256_update(&sha256, n, r->piece);
		bytes += n;
		got = sink(r->piece, n, arg, e);
		if (got < 0)
			return got;
		last = r->ended || strncmp(r->name, name, prefix) != 0 || r->name[prefix] != '/';
	}
	return note(r, name, bytes, &sha256, e);
}

int transfer_read_end(struct transfer_reader *r, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	uint8_t block[TARHEADER_BLOCK];
	size_t n;
	int got = read_text(r, TRANSFER_SUMS, SUMS_MAX, &text, &n, e);

	if (got >= 0)
		got = transfer_sums_check(&r->sums, text, n, e);
	if (got < 0)
		return got;
	if (!r->ended)
		return err_set(e, EBADMSG, "damaged: %s comes after the end", r->name);
	got = read_whole(r->fd, block, sizeof(block), e);
	if (got <= 0 || !is_zero(block))
		return got < 0 ? got : err_set(e, EBADMSG, "damaged: its end is missing");
	got = read_whole(r->fd, block, 1, e);
	return got > 0 ? err_set(e, EBADMSG, "damaged: something follows its end") : got;
}
