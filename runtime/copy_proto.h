/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `jail cp` and its helper jail-copy say to each other, over one SOCK_SEQPACKET pair. There
 * are two helpers with a pipe of tar between them, or one and our stdin or stdout. Fixed size, one
 * message per datagram, both sides are built from this header.
 *
 *     jail      -> jail-copy   one struct copy_request
 *     jail-copy -> jail        any number of COPY_PROGRESS, then COPY_DONE or COPY_FAILED
 */
#ifndef JAIL_RUNTIME_COPY_PROTO_H
#define JAIL_RUNTIME_COPY_PROTO_H

#include <linux/limits.h>

#include "base/err.h"

/* Fds of jail-copy; the report's and the first free one are those of images/unpack_proto.h, whose
 * cage it shares. */
#define COPY_FD_IN 0 /* the tar stream, for COPY_PLACE */
#define COPY_FD_OUT 1 /* for COPY_PACK */
#define COPY_FD_REPORT 4
#define COPY_FD_TARGET 5 /* pidfd of a process in the instance, with COPY_INSIDE */

#define COPY_MAGIC 0x6a637031u /* "jcp1": changes with the layout */

enum copy_role { COPY_PACK = 1, COPY_PLACE };

#define COPY_INSIDE 1u /* the path is the instance's, else the host's */
#define COPY_FOLLOW 2u /* a symbolic link as the source is followed */
#define COPY_ARCHIVE 4u /* owners stay */
#define COPY_CONTENT 8u /* what is in the directory, not itself */
#define COPY_DIRECTORY 16u /* the path ends with a slash, or is to be a directory */
#define COPY_STOPPED 32u /* the process only holds the mounts: a tmpfs of theirs ends with it */
#define COPY_FOREIGN 64u /* the stream is not from COPY_PACK: any tar archive, maybe compressed */
#define COPY_FLAGS 127u /* all of them */

struct copy_request {
	uint32_t magic;
	uint32_t role; /* enum copy_role */
	uint32_t flags;
	uint32_t uid,
		gid; /* without COPY_ARCHIVE: who gets what is placed, as the helper sees it */
	uint64_t namespaces; /* with COPY_INSIDE: which to join */
	uint64_t capabilities; /* with COPY_INSIDE: at most these, of the ones that files take */
	char path[PATH_MAX]; /* COPY_PACK: the source; COPY_PLACE: the destination */
	char name[NAME_MAX +
		  1]; /* what the source is called in the stream; not with COPY_CONTENT */
};

struct copy_progress {
	uint64_t bytes, members;
};

struct copy_result {
	uint64_t bytes, members;
	uint64_t devices, sockets; /* left out */
	uint64_t changed; /* files that changed while they were read */
	uint64_t skipped_xattrs; /* that the destination can't hold */
};

enum copy_kind { COPY_PROGRESS = 1, COPY_DONE, COPY_FAILED };

struct copy_message {
	uint32_t magic;
	uint32_t kind; /* enum copy_kind */
	union {
		struct copy_progress progress;
		struct copy_result result;
		struct err err;
	} u;
};

#endif
