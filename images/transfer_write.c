/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of an export, written. */
#include <nettle/sha2.h>
#include <string.h>
#include <zstd.h>

#include "base/json.h"
#include "images/digest.h"
#include "images/export_priv.h"
#include "images/transfer.h"

#define WRITE_LEVEL 3

struct transfer_writer {
	struct export_out *out; /* owned */
	ZSTD_CCtx *zstd; /* owned; NULL: nothing is compressed */
	struct transfer_sums sums;
	struct transfer_sum part; /* that is being written */
	struct sha256_ctx sha256;
	unsigned pieces;
	size_t n; /* of piece */
	uint64_t total;
	uint8_t piece[TRANSFER_PIECE_MAX];
};

int transfer_begin(int out, bool compress, struct transfer_writer **ret, struct err *e)
{
	CLEANUP_TRANSFER_WRITER struct transfer_writer *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return err_nomem(e);
	r = export_out_open(out, false, &w->out, e);
	if (r < 0)
		return r;
	if (compress) {
		w->zstd = ZSTD_createCCtx();
		if (!w->zstd || ZSTD_isError(ZSTD_CCtx_setParameter(
					w->zstd, ZSTD_c_compressionLevel, WRITE_LEVEL)))
			return err_nomem(e);
	}
	*ret = TAKE_PTR(w);
	return 0;
}

void transfer_writer_free(struct transfer_writer **w)
{
	if (!*w)
		return;
	export_out_free(&(*w)->out);
	(void)ZSTD_freeCCtx((*w)->zstd);
	transfer_sums_free(&(*w)->sums);
	free(TAKE_PTR(*w));
}

uint64_t transfer_bytes(const struct transfer_writer *w)
{
	return w->total;
}

int transfer_text(struct transfer_writer *w, const char *name, const void *text, size_t n,
		  struct err *e)
{
	struct transfer_sum sum = { .bytes = n };
	int r = export_out_text(w->out, name, text, n, e);

	(void)str_format(sum.name, sizeof(sum.name), "%s", name);
	digest_of(text, n, &sum.sha256);
	w->total += n;
	return r < 0 ? r : transfer_sums_add(&w->sums, &sum, e);
}

int transfer_part_begin(struct transfer_writer *w, const char *name, struct err *e)
{
	int r;

	w->part = (struct transfer_sum){ .bytes = 0 };
	r = str_format(w->part.name, sizeof(w->part.name), "%s", name);
	if (r < 0)
		return err_ret(e, r, "part %s", name);
	sha256_init(&w->sha256);
	w->pieces = 0;
	w->n = 0;
	if (w->zstd)
		(void)ZSTD_CCtx_reset(w->zstd, ZSTD_reset_session_only);
	return 0;
}

static int flush(struct transfer_writer *w, struct err *e)
{
	char name[TRANSFER_NAME_MAX + 16];
	size_t n = w->n;

	w->n = 0;
	sha256_update(&w->sha256, n, w->piece);
	w->part.bytes += n;
	w->total += n;
	(void)str_format(name, sizeof(name), "%s/%06u", w->part.name, w->pieces++); /* fits */
	return export_out_text(w->out, name, w->piece, n, e);
}

static int put_plain(struct transfer_writer *w, const uint8_t *data, size_t n, struct err *e)
{
	while (n > 0) {
		size_t some = sizeof(w->piece) - w->n < n ? sizeof(w->piece) - w->n : n;

		memcpy(w->piece + w->n, data, some);
		w->n += some;
		data += some;
		n -= some;
		if (w->n == sizeof(w->piece) && flush(w, e) < 0)
			return -e->code;
	}
	return 0;
}

static int put_packed(struct transfer_writer *w, const void *data, size_t n, ZSTD_EndDirective end,
		      struct err *e)
{
	ZSTD_inBuffer in = { data, n, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { w->piece + w->n, sizeof(w->piece) - w->n, 0 };

		left = ZSTD_compressStream2(w->zstd, &out, &in, end);
		if (ZSTD_isError(left))
			return err_set(e, EIO, "compress: %s", ZSTD_getErrorName(left));
		w->n += out.pos;
		if (w->n == sizeof(w->piece) && flush(w, e) < 0)
			return -e->code;
	} while (end == ZSTD_e_continue ? in.pos < in.size : left > 0);
	return 0;
}

int transfer_part_data(const void *data, size_t n, void *arg, struct err *e)
{
	struct transfer_writer *w = arg;

	return w->zstd ? put_packed(w, data, n, ZSTD_e_continue, e) : put_plain(w, data, n, e);
}

int transfer_part_end(struct transfer_writer *w, struct err *e)
{
	uint8_t sha256[SHA256_DIGEST_SIZE];
	int r = w->zstd ? put_packed(w, NULL, 0, ZSTD_e_end, e) : 0;

	if (r == 0 && (w->n > 0 || w->pieces == 0))
		r = flush(w, e);
	if (r < 0)
		return r;
	sha256_digest(&w->sha256, sizeof(sha256), sha256);
	digest_from_bytes(sha256, &w->part.sha256);
	return transfer_sums_add(&w->sums, &w->part, e);
}

int transfer_end(struct transfer_writer *w, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;
	int r;

	json_out_init(&o, &b, true);
	transfer_sums_write(&w->sums, &o);
	strbuf_addc(&b, '\n');
	r = strbuf_ok(&b, e);
	if (r == 0)
		r = export_out_text(w->out, TRANSFER_SUMS, b.data, b.len, e);
	return r < 0 ? r : export_out_finish(w->out, e);
}
