/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libarchive reads the tar format and only that: its input comes from the ring, uncompressed, with
 * no filter but "none" (row 5). The same blocks pass the tar watch first (row 42); every member
 * must begin where both say.
 *
 * libarchive runs in the C locale on purpose. Names then stay the bytes that they are: in a UTF-8
 * locale it would normalise them (NFD to NFC), so that two files of the archive could become one.
 * Its price is a warning for each pax name that is not ASCII, the one warning that is no error
 * here.
 */
#include "cmd/jail-unpack/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "base/str.h"

_Static_assert(RING_BLOCK < TARWATCH_FEED_MAX, "the tar watch must hold a block's members");

#define UNPACK_NAME_SHOWN "%.300s" /* in errors: the reason must fit too */

/* The next block of the stream. Return: its length, 0 at the end, -1: see split_failed,
 * ring_error(). */
static ssize_t unpack_next(struct unpack *u, const uint8_t **ret)
{
	ssize_t n;

	if (split_give_back(u) < 0)
		return -1;
	n = ring_next(u->ring, RING_PARSE, ret);
	if (n > 0)
		split_block(u, *ret, (size_t)n);
	return n;
}

static la_ssize_t unpack_read(struct archive *a, void *arg, const void **ret)
{
	struct unpack *u = arg;
	const uint8_t *block = NULL;
	ssize_t n = unpack_next(u, &block);

	if (n < 0)
		archive_set_error(a, EIO, "no more input");
	if (n > 0)
		tarwatch_feed(&u->watch, block, (size_t)n);
	*ret = block;
	return n;
}

/* libarchive can't go on: the most precise reason of the three that may be known. */
static int unpack_failed(struct unpack *u, struct archive *a, struct err *e)
{
	const char *why = archive_error_string(a);
	int code = archive_errno(a) == ENOMEM ? ENOMEM : EBADMSG;

	if (u->split_failed.code) {
		*e = u->split_failed;
		return -e->code;
	}
	/* The input itself ended badly. */
	if (ring_error(u->ring, e) < 0)
		return -e->code;
	if (u->result.members == 0 && u->source->bytes_out == 0)
		return err_set(e, EBADMSG, "the archive is empty");
	if (u->result.members == 0 && archive_format(a) == 0)
		return err_set(e, EBADMSG,
			       "this is not a tar archive (plain, or compressed with "
			       "gzip, xz, zstd, bzip2 or lz4)");
	if (u->watch.stopped.code &&
	    u->watch.stopped_at == (uint64_t)archive_read_header_position(a))
		(void)err_set(e, u->watch.stopped.code, "%s", u->watch.stopped.text);
	else
		(void)err_set(e, code, "%s", why ? why : "the tar format is damaged");
	if (u->result.members == 0)
		return err_wrap(e, "first member");
	return err_wrap(e, "after member " UNPACK_NAME_SHOWN, u->last_name);
}

static int unpack_open(struct unpack *u, struct archive *a, struct err *e)
{
	if (archive_read_support_filter_none(a) != ARCHIVE_OK ||
	    archive_read_support_format_tar(a) != ARCHIVE_OK)
		return err_set(e, ENOTSUP, "this libarchive can't read tar archives");
	/* Reads the first block and looks for a tar header in it. */
	if (archive_read_open(a, u, NULL, unpack_read, NULL) != ARCHIVE_OK)
		return unpack_failed(u, a, e);
	return 0;
}

/* The archive's end mark was reached, or the end of the stream. */
static int unpack_end(struct unpack *u, struct err *e)
{
	const uint8_t *block;
	ssize_t n;

	/* An empty layer is what a build step leaves that changed no file. */
	if (u->result.members == 0 && u->watch.ended && u->mode != UNPACK_LAYER)
		return err_set(e, EBADMSG, "the archive has no members");
	if (tarwatch_end(&u->watch, e) < 0) {
		(void)ring_error(u->ring, e); /* a damaged input is why */
		return -e->code;
	}
	/* What trails it counts for the digests, and the input's own end has to be sound. */
	do
		n = unpack_next(u, &block);
	while (n > 0);
	if (n < 0 && u->split_failed.code)
		*e = u->split_failed;
	else if (n < 0 && ring_error(u->ring, e) == 0)
		return err_set(e, EIO, "the input ended without a reason");
	return n < 0 ? -e->code : 0;
}

static bool unpack_only_charset(struct archive *a)
{
	const char *why = archive_error_string(a);

	return why && strstr(why, "can't be converted from") != NULL;
}

static int unpack_by_mode(struct unpack *u, struct archive *a, struct archive_entry *entry,
			  struct err *e)
{
	switch (u->mode) {
	case UNPACK_AUTO:
		return detect_member(u, a, entry, e);
	case UNPACK_BLOBS:
		return blobs_member(u, a, entry, e);
	case UNPACK_ROOTFS:
	case UNPACK_LAYER:
	case UNPACK_TREE:
		return member_unpack(u, a, entry, e);
	case UNPACK_DECODE:
		break; /* no archive (decode.c) */
	}
	return err_set(e, EPROTO, "an unknown mode");
}

static int unpack_member(struct unpack *u, struct archive *a, struct archive_entry *entry,
			 struct err *e)
{
	const char *name = archive_entry_pathname(entry);
	int r;

	(void)snprintf(u->last_name, sizeof(u->last_name), "%s", name ? name : "");
	r = tarwatch_member(&u->watch, (uint64_t)archive_read_header_position(a), e);
	if (r == 0 && ++u->result.members > u->limits.max_members)
		r = err_set(e, E2BIG, "limit maxMembers exceeded: more than %llu",
			    (unsigned long long)u->limits.max_members);
	if (r == 0)
		r = unpack_by_mode(u, a, entry, e);
	if (r < 0 && ring_error(u->ring, e) == 0) /* else: the input failed, and says why */
		return err_wrap(e, "member " UNPACK_NAME_SHOWN, u->last_name);
	return r < 0 ? -e->code : 0;
}

static int unpack_all(struct unpack *u, struct archive *a, struct err *e)
{
	int r = unpack_open(u, a, e);

	while (r == 0) {
		struct archive_entry *entry;
		int status = archive_read_next_header(a, &entry);

		if (status == ARCHIVE_EOF)
			return unpack_end(u, e);
		if (status != ARCHIVE_OK && !(status == ARCHIVE_WARN && unpack_only_charset(a)))
			return unpack_failed(u, a, e);
		r = unpack_member(u, a, entry, e);
		report_progress(u);
	}
	return r;
}

int unpack_run(struct unpack *u, struct err *e)
{
	struct archive *a = archive_read_new();
	int r;

	if (!a)
		return err_nomem(e);
	tarwatch_init(&u->watch);
	u->mode = u->limits.mode;
	u->tree.opaque = u->mode == UNPACK_LAYER || u->mode == UNPACK_TREE ? report_opaque : NULL;
	u->tree.exact = u->mode == UNPACK_TREE;
	u->shift = (struct tree_shift){ .to = u->limits.shift_to, .count = u->limits.shift_count };
	r = split_start(u, e);
	if (r == 0)
		r = unpack_all(u, a, e);
	if (r == 0)
		r = detect_end(u, e);
	u->result.mode = u->mode;
	if (r == 0)
		r = split_finish(u, e);
	if (r == 0)
		r = tree_finish(&u->tree, e);
	tree_abandon(&u->tree);
	split_abandon(u);
	tarwatch_free(&u->watch);
	(void)archive_read_free(a);
	return r;
}
