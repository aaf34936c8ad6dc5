/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decompresses a split file, or a part of it. The file is read by offset, so that two of these can
 * share one descriptor. An output buffer never holds bytes of two frames: ZSTD_decompressStream()
 * stops where a frame ends.
 */
#include <string.h>
#include <zstd.h>

#include "images/split_priv.h"

/* The largest that any level up to 15 uses, for contents of any size. */
#define SOURCE_WINDOW_LOG_MAX 23
#define SOURCE_PIECE ((size_t)128 << 10)

struct split_source {
	int fd; /* borrowed */
	uint64_t at; /* in the file, behind what is in `in` */
	ZSTD_DCtx *zstd;
	size_t in_at, in_len;
	size_t out_at, out_len;
	uint64_t frame_at; /* of the frame that `out` is of */
	bool frame_first; /* `out` is its beginning */
	bool in_frame;
	uint8_t in[SOURCE_PIECE], out[SOURCE_PIECE];
};

int split_source_open(int fd, uint64_t offset, struct split_source **ret, struct err *e)
{
	CLEANUP_SPLIT_SOURCE struct split_source *s = calloc(1, sizeof(*s));
	size_t z;

	if (!s)
		return err_nomem(e);
	s->fd = fd;
	s->at = offset;
	s->zstd = ZSTD_createDCtx();
	if (!s->zstd)
		return err_nomem(e);
	z = ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, SOURCE_WINDOW_LOG_MAX);
	if (ZSTD_isError(z))
		return err_set(e, EIO, "decompress: %s", ZSTD_getErrorName(z));
	*ret = TAKE_PTR(s);
	return 0;
}

void split_source_free(struct split_source **s)
{
	if (*s) {
		(void)ZSTD_freeDCtx((*s)->zstd);
		free(TAKE_PTR(*s));
	}
}

/* Return: 1 there is input, 0 the file's end. */
static int source_input(struct split_source *s, struct err *e)
{
	ssize_t n;

	if (s->in_at < s->in_len)
		return 1;
	do
		n = pread(s->fd, s->in, sizeof(s->in), (off_t)s->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "read");
	s->at += (uint64_t)n;
	s->in_at = 0;
	s->in_len = (size_t)n;
	return n > 0;
}

/* Return: 1 `out` has bytes, 0 the end of the file, where a frame ended too. */
static int source_fill(struct split_source *s, struct err *e)
{
	while (s->out_at == s->out_len) {
		ZSTD_inBuffer in;
		ZSTD_outBuffer out = { s->out, sizeof(s->out), 0 };
		size_t left;
		bool more;
		int r = source_input(s, e);

		if (r < 0)
			return r;
		/* Within a frame the decoder may still hold output. */
		more = r > 0;
		if (!more && !s->in_frame)
			return 0;
		if (!s->in_frame)
			s->frame_at = s->at - (s->in_len - s->in_at);
		in = (ZSTD_inBuffer){ s->in, s->in_len, s->in_at };
		left = ZSTD_decompressStream(s->zstd, &out, &in);
		if (ZSTD_isError(left))
			return err_set(e, EBADMSG, "%s", ZSTD_getErrorName(left));
		s->in_at = in.pos;
		s->out_at = 0;
		s->out_len = out.pos;
		s->frame_first = s->frame_first || !s->in_frame;
		s->in_frame = left != 0;
		if (out.pos > 0)
			return 1;
		if (!more)
			return err_set(e, EBADMSG, "it was cut short");
	}
	return 1;
}

int split_source_read(struct split_source *s, void *ret, size_t n, struct err *e)
{
	uint8_t *p = ret;

	while (n > 0) {
		size_t part;
		int r = source_fill(s, e);

		if (r < 0)
			return r;
		if (r == 0)
			return err_set(e, EBADMSG, "it was cut short");
		part = s->out_len - s->out_at < n ? s->out_len - s->out_at : n;
		memcpy(p, s->out + s->out_at, part);
		s->out_at += part;
		s->frame_first = false;
		p += part;
		n -= part;
	}
	return 0;
}

int split_source_at_frame(struct split_source *s, uint64_t *ret, struct err *e)
{
	int r = source_fill(s, e);

	if (r <= 0 || !s->frame_first)
		return r < 0 ? r : 0;
	*ret = s->frame_at;
	return 1;
}

int split_source_end(struct split_source *s, struct err *e)
{
	int r = source_fill(s, e);

	return r <= 0 ? r : err_set(e, EBADMSG, "something follows its end");
}
