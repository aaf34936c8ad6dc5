/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A part of an export into a tree: its bytes go through a pipe into a confined child, which is
 * heard at the same time. One after the other: a stream has an order.
 */
#include "images/transfer_priv.h"

static int feed(const void *data, size_t n, void *arg, struct err *e)
{
	int r = unpack_feed_write(arg, data, n, e);

	return r != 0 ? r : err_set(e, EPROTO, "jail-unpack ended before its input did");
}

static int start(struct unpack_feed *f, const struct transfer_child *how, struct err *e)
{
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

	return unpack_feed_start(f, how->unpacker, &request, &how->fds, e);
}

int transfer_unpack(struct transfer_reader *r, const char *part, const struct transfer_child *how,
		    struct unpack_result *ret, struct err *e)
{
	CLEANUP(unpack_feed_free) struct unpack_feed f = UNPACK_FEED_INIT;
	int got = start(&f, how, e);

	if (got >= 0)
		got = transfer_read_part(r, part, feed, &f, e);
	if (got >= 0)
		got = unpack_feed_end(&f, e);
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
