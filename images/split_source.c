/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of a split file in the sizes that its reader wants. */
#include <string.h>

#include "images/split_priv.h"

struct split_source {
	struct split_feed *feed; /* owned */
	bool seek;
	uint64_t offset; /* to seek to */
	size_t at; /* in the piece */
	struct split_piece piece;
};

int split_source_open(const struct split_input *in, struct split_source **ret, struct err *e)
{
	CLEANUP_SPLIT_SOURCE struct split_source *s = calloc(1, sizeof(*s));
	int r = s ? in->open(in, &s->feed, e) : err_nomem(e);

	if (r < 0)
		return r;
	split_source_seek(s, 0);
	*ret = TAKE_PTR(s);
	return 0;
}

void split_source_seek(struct split_source *s, uint64_t offset)
{
	s->seek = true;
	s->offset = offset;
	s->at = s->piece.n = 0;
}

void split_source_free(struct split_source **s)
{
	if (*s) {
		split_feed_free(&(*s)->feed);
		free(TAKE_PTR(*s));
	}
}

/* Return: 1 the piece has bytes, 0 the end of the file. */
static int source_fill(struct split_source *s, struct err *e)
{
	int r;

	if (s->at < s->piece.n)
		return 1;
	s->at = s->piece.n = 0;
	r = s->feed->next(s->feed, s->seek ? &s->offset : NULL, &s->piece, e);
	s->seek = false;
	return r < 0 ? r : s->piece.n > 0;
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
		part = s->piece.n - s->at < n ? s->piece.n - s->at : n;
		memcpy(p, s->piece.data + s->at, part);
		s->at += part;
		p += part;
		n -= part;
	}
	return 0;
}

int split_source_at_frame(struct split_source *s, uint64_t *ret, struct err *e)
{
	int r = source_fill(s, e);

	if (r <= 0 || s->at > 0 || !s->piece.first)
		return r < 0 ? r : 0;
	*ret = s->piece.frame_at;
	return 1;
}

int split_source_end(struct split_source *s, struct err *e)
{
	int r = source_fill(s, e);

	return r <= 0 ? r : err_set(e, EBADMSG, "something follows its end");
}
