/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the importer and its confined child say to each other, over one SOCK_SEQPACKET pair (fd 4 of
 * the child). Fixed size, one message per datagram, both sides are built from this header; a wrong
 * size or kind ends the import. The child is not trusted: it parsed a stranger's archive.
 *
 *     parent -> child   one struct unpack_request
 *     child  -> parent  any number of UNPACK_PROGRESS, then UNPACK_DONE or UNPACK_FAILED
 */
#ifndef JAIL_IMAGES_UNPACK_PROTO_H
#define JAIL_IMAGES_UNPACK_PROTO_H

#include "base/err.h"

/* Fds of jail-unpack. 1 and 2 are /dev/null. */
#define UNPACK_FD_ARCHIVE 0
#define UNPACK_FD_TREE 3 /* the empty directory to fill */
#define UNPACK_FD_REPORT 4

#define UNPACK_MAGIC 0x6a756e31u /* "jun1": changes with the layout */

struct unpack_request {
	uint32_t magic;
	uint32_t reserved;
	uint64_t max_bytes; /* of content, and of the uncompressed stream */
	uint64_t max_members;
	uint64_t max_name;
	uint64_t max_ratio;
};

enum unpack_kind { UNPACK_PROGRESS = 1, UNPACK_DONE, UNPACK_FAILED };

struct unpack_progress {
	uint64_t bytes_in, bytes_out, members;
};

struct unpack_result {
	uint8_t archive_sha256[32]; /* of the file as it was, to its end */
	uint8_t stream_sha256[32]; /* of the uncompressed tar stream, with what trails it */
	uint64_t archive_bytes, stream_bytes;
	uint64_t content_bytes; /* sum of the regular files' sizes */
	uint64_t members; /* entries of the archive */
	uint64_t files, directories, symlinks, hardlinks, devices, fifos; /* made */
	uint64_t skipped_sockets;
	uint64_t skipped_whiteouts; /* character devices 0:0 */
	uint64_t skipped_xattrs; /* not on the allowlist, or not understood */
	uint64_t skipped_flags; /* members with file flags (chattr) */
};

struct unpack_message {
	uint32_t magic;
	uint32_t kind; /* enum unpack_kind */
	union {
		struct unpack_progress progress;
		struct unpack_result result;
		struct err err;
	} u;
};

#endif
