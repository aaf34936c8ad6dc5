/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both halves of a copy. Each works on fds below one that was opened after the last namespace was
 * joined and the last capability dropped.
 */
#ifndef JAIL_COPY_COPY_H
#define JAIL_COPY_COPY_H

#include <sys/stat.h>

#include "cmd/jail-unpack/tree.h"
#include "runtime/copy_proto.h"

struct archive;
struct archive_entry;

struct copy {
	struct copy_request request;
	struct copy_result result;
	uint64_t reported_ms;
	int top; /* COPY_PACK: the source, O_PATH; COPY_PLACE: the directory that it goes into */
	int fds; /* COPY_PACK: /proc/self/fd, which turns an O_PATH fd into one to read from */
	char place[NAME_MAX + 1]; /* COPY_PLACE: what it will be called in `top`; "": as it is */
	bool exists; /* COPY_PLACE: and is there, and is no directory */
	struct tree tree;
	struct entry_name name, target;
	char shown[ENTRY_NAME_MAX + 1]; /* the member at hand, for errors */
};

/* Finds what the request's path means, below `root` (of the instance) or, with -EBADF, for the
 * caller on the host. */
int pack_open(struct copy *c, int root, struct err *e);
int place_open(struct copy *c, int root, struct err *e);
/* The whole stream. */
int pack_run(struct copy *c, struct err *e);
int place_run(struct copy *c, struct err *e);

/* Dropped when nobody reads it. */
void copy_progress(struct copy *c);

#endif
