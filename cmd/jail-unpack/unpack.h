/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parsing thread: members out of the ring, files into the tree, and what the parent is told.
 */
#ifndef JAIL_UNPACK_UNPACK_H
#define JAIL_UNPACK_UNPACK_H

#include "cmd/jail-unpack/ring.h"
#include "cmd/jail-unpack/source.h"
#include "cmd/jail-unpack/tree.h"
#include "images/splitter.h"
#include "images/tarwatch.h"
#include "images/treecopy.h"
#include "images/unpack_proto.h"

struct archive;
struct archive_entry;

struct unpack {
	struct unpack_request limits;
	enum unpack_mode mode; /* the request's; UNPACK_AUTO until the first members were seen */
	/* While it is UNPACK_AUTO (detect.c): a file that an archive of images may have was the
	 * first one; there was a member that none has. */
	bool hinted, foreign;
	struct unpack_result result;
	struct tree tree;
	struct tree_shift shift; /* of owners */
	struct ring *ring; /* borrowed */
	struct source *source; /* borrowed; only its counters are read */
	struct tarwatch watch;
	struct splitter splitter; /* the layer's split file (split.c) */
	struct split_writer *split; /* owned; NULL: none is wanted */
	struct err split_failed; /* while libarchive was reading */
	bool as_is; /* the member's data is its content, and the split file refers to it */
	uint64_t reported_ms;
	struct entry_name name, target;
	char last_name[ENTRY_NAME_MAX + 1]; /* for errors that come after it */
};

/* Everything, to the end of the stream. Return: 0, or what ended it. */
int unpack_run(struct unpack *u, struct err *e);

/* One member (member.c). The text of an error does not name it yet. */
int member_unpack(struct unpack *u, struct archive *a, struct archive_entry *entry, struct err *e);
/* Parts of that: */

/* The name as it stands in the archive (or NULL), into u->name. Return: enum entry_kind. */
int member_name(struct unpack *u, const char *name, struct err *e);
/* A new regular file for u->name, if the limits allow its size. */
int member_make(struct unpack *u, struct archive_entry *entry, int *ret_fd, struct err *e);
int member_content(struct unpack *u, struct archive *a, int fd, int64_t size, struct err *e);

/* What only UNPACK_TREE knows of (member_tree.c). */
/* Owners become those of the range. -EPERM: it isn't one that is inside. */
int member_shift(const struct unpack *u, struct tree_meta *meta, struct err *e);
/* Whether the member has the attribute, with the value "y". */
bool member_has_mark(struct archive_entry *entry, const char *name);

/* The split file (split.c). */
int split_start(struct unpack *u, struct err *e);
/* Around ring_next(): the block goes, the next has come. */
int split_give_back(struct unpack *u);
void split_block(struct unpack *u, const uint8_t *block, size_t n);
/* u->name is a new file of this size, whose content comes now. Sets u->as_is. */
int split_member(struct unpack *u, int64_t size, struct err *e);
/* Its content was written; its crc32(). */
int split_content(struct unpack *u, uint32_t crc, struct err *e);
int split_finish(struct unpack *u, struct err *e);
void split_abandon(struct unpack *u);

/* The same for an archive of images (blobs.c). */
int blobs_member(struct unpack *u, struct archive *a, struct archive_entry *entry, struct err *e);
int blobs_link(struct unpack *u, const char *target, bool hard, struct err *e);
/* While it isn't known which of the two it is: finds out, and sets u->mode (detect.c). */
int detect_member(struct unpack *u, struct archive *a, struct archive_entry *entry, struct err *e);
/* The archive has no more members. */
int detect_end(struct unpack *u, struct err *e);

/* UNPACK_DECODE, until the parent has gone (decode.c). */
int decode_serve(struct err *e);

/* The parent (report.c). Progress is dropped when it does not read fast enough. */
int report_receive(struct unpack_request *ret, struct err *e);
void report_progress(struct unpack *u);
/* tree_opaque_fn */
int report_opaque(const struct tree *t, void *unused, struct err *e);
int report_done(const struct unpack_result *result);
void report_failed(const struct err *e);

#endif
