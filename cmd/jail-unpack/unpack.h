/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parsing thread: members out of the ring, files into the tree, and what the parent is told.
 */
#ifndef JAIL_UNPACK_UNPACK_H
#define JAIL_UNPACK_UNPACK_H

#include "cmd/jail-unpack/ring.h"
#include "cmd/jail-unpack/source.h"
#include "cmd/jail-unpack/tree.h"
#include "images/tarwatch.h"
#include "images/unpack_proto.h"

struct archive;
struct archive_entry;

struct unpack {
	struct unpack_request limits;
	struct unpack_result result;
	struct tree tree;
	struct ring *ring; /* borrowed */
	struct source *source; /* borrowed; only its counters are read */
	struct tarwatch watch;
	uint64_t reported_ms;
	struct entry_name name, target;
	char last_name[ENTRY_NAME_MAX + 1]; /* for errors that come after it */
};

/* Everything, to the end of the stream. Return: 0, or what ended it. */
int unpack_run(struct unpack *u, struct err *e);
/* One member (member.c). The text of an error does not name it yet. */
int member_unpack(struct unpack *u, struct archive *a, struct archive_entry *entry, struct err *e);

/* The parent (report.c). Progress is dropped when it does not read fast enough. */
int report_receive(struct unpack_request *ret, struct err *e);
void report_progress(struct unpack *u);
int report_done(const struct unpack_result *result);
void report_failed(const struct err *e);

#endif
