/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UNPACK_DECODE: pieces of a split file, as the parent asks for them. */
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd/jail-unpack/unpack.h"

static struct {
	struct split_piece piece;
	struct unpack_piece message;
} decode;

/* Return: 1 and *ret; 0 the parent has all it wants. */
static int decode_asked(struct unpack_seek *ret, struct err *e)
{
	ssize_t n;

	do
		n = recv(UNPACK_FD_REPORT, ret, sizeof(*ret), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != ECONNRESET)
		return err_sys(e, "receive a request");
	if (n > 0 && (n != (ssize_t)sizeof(*ret) || ret->magic != UNPACK_MAGIC))
		return err_set(e, EPROTO, "the request does not come from this version of jail");
	return n > 0;
}

static int decode_answer(const struct split_piece *p, struct err *e)
{
	struct unpack_piece *m = &decode.message;
	ssize_t n;

	m->magic = UNPACK_PIECE_MAGIC;
	m->first = p->first;
	m->frame_at = p->frame_at;
	m->n = (uint32_t)p->n;
	memcpy(m->data, p->data, p->n);
	do
		n = send(UNPACK_FD_REPORT, m, offsetof(struct unpack_piece, data) + p->n,
			 MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? err_sys(e, "answer") : 0;
}

int decode_serve(struct err *e)
{
	CLEANUP_SPLIT_FEED struct split_feed *feed = NULL;
	struct unpack_seek ask;
	int r = split_feed_here(UNPACK_FD_ARCHIVE, &feed, e);

	while (r == 0) {
		r = decode_asked(&ask, e);
		if (r <= 0)
			return r;
		r = feed->next(feed, ask.seek ? &ask.offset : NULL, &decode.piece, e);
		if (r == 0)
			r = decode_answer(&decode.piece, e);
	}
	return r;
}
