/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gzip by zlib itself: libarchive's filter skips the checksum and the length at the end ("TODO" in
 * its gzip reader), so that a damaged file would become a damaged image without a word.
 */
#include <string.h>
#include <zlib.h>

#include "cmd/jail-unpack/source.h"

/* zlib's windowBits: the largest window, and only the gzip wrapping. */
#define GZIP_WINDOW_BITS (15 + 16)

static int gzip_error(int z, const z_stream *stream, struct err *e)
{
	if (z == Z_MEM_ERROR)
		return err_nomem(e);
	return err_set(e, EBADMSG, "the gzip data is damaged: %s",
		       stream->msg ? stream->msg : zError(z));
}

/* More input when there is none. Return: 1 there is, 0 the file ends, negative. */
static int gzip_input(struct source *s, z_stream *stream, struct err *e)
{
	const uint8_t *data;
	ssize_t n;

	if (stream->avail_in > 0)
		return 1;
	n = source_read(s, &data, e);
	if (n <= 0)
		return (int)n;
	stream->next_in = (z_const Bytef *)(uintptr_t)data;
	stream->avail_in = (uInt)n;
	return 1;
}

/* One gzip member into the ring. */
static int gzip_member(struct source *s, z_stream *stream, struct err *e)
{
	for (;;) {
		uint8_t *to;
		size_t room;
		int z, r;

		r = gzip_input(s, stream, e);
		if (r == 0)
			return err_set(e, EBADMSG,
				       "the gzip data ends too early: it was cut short");
		if (r < 0)
			return r;
		r = source_space(s, &to, &room);
		if (r < 0)
			return r;
		stream->next_out = to;
		stream->avail_out = (uInt)room;
		z = inflate(stream, Z_NO_FLUSH);
		if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
			return gzip_error(z, stream, e);
		r = source_put(s, room - stream->avail_out, e);
		if (r < 0)
			return r;
		if (z == Z_STREAM_END)
			return 0;
	}
}

/* Zeros to the end of the file are a tape's padding, as gzip(1) has it; anything else is damage. */
static int gzip_padding(struct source *s, z_stream *stream, struct err *e)
{
	int r;

	while ((r = gzip_input(s, stream, e)) > 0) {
		for (uInt i = 0; i < stream->avail_in; i++)
			if (stream->next_in[i])
				return err_set(e, EBADMSG, "something follows the gzip data");
		stream->avail_in = 0;
	}
	return r;
}

static int gzip_all(struct source *s, z_stream *stream, struct err *e)
{
	for (;;) {
		int z;
		int r = gzip_member(s, stream, e);

		if (r < 0)
			return r;
		r = gzip_input(s, stream, e);
		if (r <= 0)
			return r;
		if (stream->next_in[0] != 0x1f)
			return gzip_padding(s, stream, e);
		z = inflateReset(stream);
		if (z != Z_OK)
			return gzip_error(z, stream, e);
	}
}

int source_gzip(struct source *s, struct err *e)
{
	z_stream stream = { .zalloc = NULL };
	int r, z = inflateInit2(&stream, GZIP_WINDOW_BITS);

	if (z != Z_OK)
		return gzip_error(z, &stream, e);
	r = gzip_all(s, &stream, e);
	(void)inflateEnd(&stream);
	return r;
}
