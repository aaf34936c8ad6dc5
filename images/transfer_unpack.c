/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A part of an export into a tree: its bytes go through a pipe into a confined child, which is
 * heard at the same time. One after the other: a stream has an order.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "images/transfer_priv.h"

struct feed {
	struct unpack_child child;
	const struct transfer_child *how;
	int pipe; /* its input */
	bool done;
	struct opaque_list opaque;
	struct unpack_result result;
};

static void feed_stop(struct feed *f)
{
	unpack_child_stop(&f->child);
	opaque_free(&f->opaque);
	fd_reset(&f->pipe);
}

/* One message. */
static int hear(struct feed *f, struct err *e)
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

static int feed(const void *data, size_t n, void *arg, struct err *e)
{
	struct feed *f = arg;
	const uint8_t *p = data;

	while (n > 0) {
		struct pollfd fds[] = { { .fd = f->child.report, .events = POLLIN },
					{ .fd = f->pipe, .events = POLLOUT } };
		ssize_t put;

		if (f->done)
			return err_set(e, EPROTO, "jail-unpack ended before its input did");
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return err_sys(e, "wait for jail-unpack");
		if (fds[0].revents && hear(f, e) < 0)
			return -e->code;
		if (!fds[1].revents || fds[0].revents)
			continue;
		put = write(f->pipe, p, n);
		if (put < 0 && errno == EPIPE) { /* it has died, and says why */
			if (hear(f, e) < 0)
				return -e->code;
			continue;
		}
		if (put < 0 && errno != EAGAIN && errno != EINTR)
			return err_sys(e, "write to jail-unpack");
		if (put > 0) {
			p += put;
			n -= (size_t)put;
		}
	}
	return 0;
}

static int start(struct feed *f, struct err *e)
{
	const struct transfer_child *how = f->how;
	const struct unpack_request request = {
		.magic = UNPACK_MAGIC,
		.mode = how->mode,
		.flags = how->fds.split < 0 ? 0 : UNPACK_SPLIT,
		.max_bytes = how->limits.max_bytes,
		.max_members = how->limits.max_members,
		.max_name = how->limits.max_name,
		/* What is in there was on a disk once, with all its zeroes; max_bytes holds. */
		.max_ratio = UINT64_MAX,
		.shift_to = how->shift.to,
		.shift_count = how->shift.count,
	};
	struct unpack_fds fds = how->fds;
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	f->pipe = ends[1];
	(void)fcntl(ends[1], F_SETPIPE_SZ, TRANSFER_PIECE_MAX);
	fds.archive = ends[0];
	r = fd_set_nonblock(f->pipe, true);
	r = r < 0 ? err_ret(e, r, "pipe")
		  : unpack_child_start(how->unpacker, &request, &fds, &f->child, e);
	(void)close(ends[0]);
	return r;
}

int transfer_unpack(struct transfer_reader *r, const char *part, const struct transfer_child *how,
		    struct unpack_result *ret, struct err *e)
{
	CLEANUP(feed_stop)
	struct feed f = { .child = UNPACK_CHILD_INIT, .how = how, .pipe = -EBADF };
	int got = start(&f, e);

	if (got >= 0)
		got = transfer_read_part(r, part, feed, &f, e);
	fd_reset(&f.pipe);
	while (got >= 0 && !f.done)
		got = hear(&f, e);
	unpack_child_stop(&f.child);
	if (got >= 0)
		got = opaque_apply(&f.opaque, how->fds.tree, e);
	/* The child wrote everything else to disk. */
	if (got > 0 && syncfs(how->fds.tree) < 0)
		got = err_sys(e, "write to disk");
	if (got < 0)
		return err_wrap(e, "%s", part);
	*ret = f.result;
	return 0;
}

int transfer_unpack_tree(struct transfer_reader *r, const char *part,
			 const struct transfer_tree *to, struct err *e)
{
	struct transfer_child how = {
		.unpacker = to->unpacker,
		.fds = { .tree = to->tree,
			 .split = -EBADF,
			 .has_mount = to->mount >= 0,
			 .mount = to->mount,
			 .mount_at = to->mount_at },
		.mode = UNPACK_TREE,
		.shift = to->shift,
	};
	struct unpack_result ignored;
	int got = import_limits_complete(to->limits, &how.limits, e);

	return got < 0 ? got : transfer_unpack(r, part, &how, &ignored, e);
}
