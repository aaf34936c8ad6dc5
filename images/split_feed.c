/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decompresses a split file. An output buffer never holds bytes of two frames:
 * ZSTD_decompressStream() stops where a frame ends.
 */
#include <string.h>
#include <zstd.h>

#include "images/split_priv.h"

/* The largest that any level up to 15 uses, for contents of any size. */
#define FEED_WINDOW_LOG_MAX 23
#define FEED_INPUT ((size_t)128 << 10)

struct feed {
	struct split_feed base;
	int fd; /* borrowed */
	uint64_t at; /* in the file, behind what is in `in` */
	ZSTD_DCtx *zstd;
	size_t in_at, in_len;
	uint64_t frame_at; /* of the frame that is being read */
	bool in_frame;
	bool frame_first; /* nothing of it was given yet */
	uint8_t in[FEED_INPUT];
};

/* Return: 1 there is input, 0 the file's end. */
static int feed_input(struct feed *f, struct err *e)
{
	ssize_t n;

	if (f->in_at < f->in_len)
		return 1;
	do
		n = pread(f->fd, f->in, sizeof(f->in), (off_t)f->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "read");
	f->at += (uint64_t)n;
	f->in_at = 0;
	f->in_len = (size_t)n;
	return n > 0;
}

static int feed_seek(struct feed *f, uint64_t offset, struct err *e)
{
	size_t z = ZSTD_DCtx_reset(f->zstd, ZSTD_reset_session_only);

	if (ZSTD_isError(z))
		return err_set(e, EIO, "decompress: %s", ZSTD_getErrorName(z));
	if (offset > INT64_MAX)
		return err_set(e, EBADMSG, "an impossible offset");
	f->at = offset;
	f->in_at = f->in_len = 0;
	f->in_frame = f->frame_first = false;
	return 0;
}

/* One step of the decoder. Return: 1 go on, 0 the end of the file, where a frame ended too. */
static int feed_step(struct feed *f, struct split_piece *ret, struct err *e)
{
	ZSTD_outBuffer out = { ret->data, sizeof(ret->data), 0 };
	ZSTD_inBuffer in;
	size_t left;
	int more = feed_input(f, e);

	if (more < 0)
		return more;
	/* Within a frame the decoder may still hold output. */
	if (more == 0 && !f->in_frame)
		return 0;
	if (!f->in_frame)
		f->frame_at = f->at - (f->in_len - f->in_at);
	in = (ZSTD_inBuffer){ f->in, f->in_len, f->in_at };
	left = ZSTD_decompressStream(f->zstd, &out, &in);
	if (ZSTD_isError(left))
		return err_set(e, EBADMSG, "%s", ZSTD_getErrorName(left));
	f->in_at = in.pos;
	f->frame_first = f->frame_first || !f->in_frame;
	f->in_frame = left != 0;
	if (out.pos == 0)
		return more ? 1 : err_set(e, EBADMSG, "it was cut short");
	ret->n = out.pos;
	ret->frame_at = f->frame_at;
	ret->first = f->frame_first;
	f->frame_first = false;
	return 1;
}

static int feed_next(struct split_feed *base, const uint64_t *seek, struct split_piece *ret,
		     struct err *e)
{
	struct feed *f = (struct feed *)base;
	int r = seek ? feed_seek(f, *seek, e) : 0;

	if (r < 0)
		return r;
	ret->n = 0;
	do
		r = feed_step(f, ret, e);
	while (r > 0 && ret->n == 0);
	return r < 0 ? r : 0;
}

static void feed_free(struct split_feed *base)
{
	struct feed *f = (struct feed *)base;

	(void)ZSTD_freeDCtx(f->zstd);
	free(f);
}

void split_feed_free(struct split_feed **f)
{
	if (*f)
		(*f)->free(*f);
	*f = NULL;
}

int split_feed_here(int fd, struct split_feed **ret, struct err *e)
{
	struct feed *f = calloc(1, sizeof(*f));
	size_t z;

	if (!f)
		return err_nomem(e);
	f->base = (struct split_feed){ feed_next, feed_free };
	f->fd = fd;
	f->zstd = ZSTD_createDCtx();
	if (!f->zstd) {
		free(f);
		return err_nomem(e);
	}
	z = ZSTD_DCtx_setParameter(f->zstd, ZSTD_d_windowLogMax, FEED_WINDOW_LOG_MAX);
	if (ZSTD_isError(z)) {
		feed_free(&f->base);
		return err_set(e, EIO, "decompress: %s", ZSTD_getErrorName(z));
	}
	*ret = &f->base;
	return 0;
}

int split_input_here(const struct split_input *in, struct split_feed **ret, struct err *e)
{
	return split_feed_here(in->fd, ret, e);
}
