/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child whose archive is what we write, and which is heard meanwhile. */
#include <fcntl.h>
#include <poll.h>

#include "base/fd.h"
#include "images/import_priv.h"

#define FEED_PIPE_BYTES (1 << 20)

int unpack_feed_start(struct unpack_feed *f, const struct unpacker *how,
		      const struct unpack_request *request, const struct unpack_fds *with,
		      struct err *e)
{
	CLEANUP_FD int theirs = -EBADF;
	struct unpack_fds fds = *with;
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	fds.archive = theirs = ends[0];
	f->pipe = ends[1];
	(void)fcntl(f->pipe, F_SETPIPE_SZ, FEED_PIPE_BYTES);
	/* Ours only: while it is full, the child may have something to say. */
	r = fd_set_nonblock(f->pipe, true);
	return r < 0 ? err_ret(e, r, "pipe") : unpack_child_start(how, request, &fds, &f->child, e);
}

/* One message. */
static int feed_hear(struct unpack_feed *f, struct err *e)
{
	struct unpack_message m;
	int r = unpack_child_receive(&f->child, &m, e);

	if (r < 0)
		return r;
	switch ((enum unpack_kind)m.kind) {
	case UNPACK_PROGRESS:
		return 0;
	case UNPACK_OPAQUE:
		return opaque_note(&f->opaque, &m.u.opaque, e);
	case UNPACK_DONE:
		f->result = m.u.result;
		f->done = true;
		return 0;
	case UNPACK_FAILED:
		break; /* is an error of unpack_child_receive() */
	}
	return err_set(e, EPROTO, "jail-unpack said something unknown");
}

/* Until the child takes more, or says something. */
static int feed_wait(struct unpack_feed *f, struct err *e)
{
	struct pollfd fds[] = { { .fd = f->pipe, .events = POLLOUT },
				{ .fd = f->child.report, .events = POLLIN } };

	if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		return errno == EINTR ? 0 : err_sys(e, "wait for jail-unpack");
	return fds[1].revents ? feed_hear(f, e) : 0;
}

int unpack_feed_write(struct unpack_feed *f, const void *data, size_t n, struct err *e)
{
	const uint8_t *p = data;

	while (n > 0 && !f->done) {
		ssize_t w = write(f->pipe, p, n);
		int r = 0;

		if (w > 0) {
			p += w;
			n -= (size_t)w;
		} else if (w < 0 && errno == EAGAIN) {
			r = feed_wait(f, e);
		} else if (w < 0 && errno == EPIPE) {
			/* It has ended: its last word says why. */
			r = feed_hear(f, e);
		} else if (w < 0 && errno != EINTR) {
			r = err_sys(e, "write to jail-unpack");
		}
		if (r < 0)
			return r;
	}
	return n == 0;
}

int unpack_feed_end(struct unpack_feed *f, struct err *e)
{
	int r = 0;

	fd_reset(&f->pipe);
	while (r >= 0 && !f->done)
		r = feed_hear(f, e);
	return r;
}

void unpack_feed_free(struct unpack_feed *f)
{
	unpack_child_stop(&f->child);
	opaque_free(&f->opaque);
	fd_reset(&f->pipe);
}
