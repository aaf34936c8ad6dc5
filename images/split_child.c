/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A split file uncompressed by jail-unpack: the decoder is as large a surface as that of an import,
 * and so is confined as it is, with no tree at all. It is asked for each piece; what it says is as
 * good as the file itself, which a stranger's archive had a hand in.
 */
#include <stddef.h>
#include <sys/socket.h>

#include "images/import_priv.h"

struct split_child {
	struct split_feed base;
	struct unpack_child child;
	union {
		struct unpack_piece piece;
		struct unpack_message failed;
	} said;
};

static int child_ask(struct split_child *c, const uint64_t *seek, struct err *e)
{
	const struct unpack_seek ask = { .magic = UNPACK_MAGIC,
					 .seek = seek != NULL,
					 .offset = seek ? *seek : 0 };

	/* EPIPE: it died; why is waiting to be read. */
	if (send(c->child.report, &ask, sizeof(ask), MSG_NOSIGNAL) < 0 && errno != EPIPE &&
	    errno != ECONNRESET)
		return err_sys(e, "talk to jail-unpack");
	return 0;
}

static int child_next(struct split_feed *base, const uint64_t *seek, struct split_piece *ret,
		      struct err *e)
{
	const size_t head = offsetof(struct unpack_piece, data);
	struct split_child *c = (struct split_child *)base;
	const struct unpack_piece *p = &c->said.piece;
	ssize_t n = child_ask(c, seek, e);

	if (n < 0)
		return (int)n;
	n = unpack_child_hear(&c->child, &c->said, sizeof(c->said), e);
	if (n < 0)
		return (int)n;
	if ((size_t)n == sizeof(c->said.failed) && c->said.failed.magic == UNPACK_MAGIC &&
	    c->said.failed.kind == UNPACK_FAILED)
		return unpack_child_failed(&c->said.failed, e);
	if ((size_t)n < head || (size_t)n > sizeof(*p) || p->magic != UNPACK_PIECE_MAGIC ||
	    p->n != (size_t)n - head || p->first > 1)
		return err_set(e, EPROTO, "jail-unpack said something unknown");
	ret->n = p->n;
	ret->first = p->first;
	ret->frame_at = p->frame_at;
	memcpy(ret->data, p->data, p->n);
	return 0;
}

static void child_free(struct split_feed *base)
{
	struct split_child *c = (struct split_child *)base;

	unpack_child_stop(&c->child);
	free(c);
}

int split_input_child(const struct split_input *in, struct split_feed **ret, struct err *e)
{
	const struct unpack_request request = {
		.magic = UNPACK_MAGIC,
		.mode = UNPACK_DECODE,
		.max_bytes = INT64_MAX,
		.max_members = UINT64_MAX,
		.max_name = ENTRY_NAME_MAX,
		.max_ratio = UINT64_MAX,
	};
	const struct unpack_fds fds = { .archive = in->fd, .tree = -EBADF, .split = -EBADF };
	struct split_child *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return err_nomem(e);
	c->base = (struct split_feed){ child_next, child_free };
	c->child = UNPACK_CHILD_INIT;
	r = unpack_child_start(in->arg, &request, &fds, &c->child, e);
	if (r < 0) {
		child_free(&c->base);
		return r;
	}
	*ret = &c->base;
	return 0;
}
