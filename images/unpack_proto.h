/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the importer and its confined child say to each other, over one SOCK_SEQPACKET pair (fd 4 of
 * the child). Fixed size, one message per datagram, both sides are built from this header; a wrong
 * size or kind ends the import. The child is not trusted: it parsed a stranger's archive.
 *
 *     parent -> child   one struct unpack_request
 *     child  -> parent  any number of UNPACK_PROGRESS and UNPACK_OPAQUE, then UNPACK_DONE or
 *                       UNPACK_FAILED
 *
 * With UNPACK_DECODE, which uncompresses a split file (fd 0) and has no tree:
 *
 *     parent -> child   any number of struct unpack_seek
 *     child  -> parent  to each a struct unpack_piece, cut to the bytes that it has; or
 *                       UNPACK_FAILED, once
 */
#ifndef JAIL_IMAGES_UNPACK_PROTO_H
#define JAIL_IMAGES_UNPACK_PROTO_H

#include "images/entry.h"
#include "images/split.h"

/* Fds of jail-unpack. 1 and 2 are /dev/null. */
#define UNPACK_FD_ARCHIVE 0
#define UNPACK_FD_TREE 3 /* the empty directory to fill */
#define UNPACK_FD_REPORT 4
#define UNPACK_FD_SPLIT 5 /* with UNPACK_SPLIT: the split file to write (images/split.h) */

#define UNPACK_MAGIC 0x6a756e34u /* "jun4": changes with the layout */

enum unpack_mode {
	/* A root file system, unless a document in it says that it is an archive of images: then as
	 * UNPACK_BLOBS. */
	UNPACK_AUTO = 1,
	UNPACK_ROOTFS, /* whiteouts are refused */
	UNPACK_LAYER, /* whiteouts become overlayfs's */
	UNPACK_BLOBS, /* the members of an archive of images, flat (images/blobname.h) */
	UNPACK_DECODE, /* a split file */
	UNPACK_TREE, /* what layer_write_exact() wrote (images/layerwrite.h) */
};

#define UNPACK_SPLIT 1u
/* Files that are in the stream as they are get their size, but no content: the tree is wanted for
 * what is around it. */
#define UNPACK_HOLLOW 2u
#define UNPACK_SHA512 4u /* the file has to be known by that digest too */
#define UNPACK_FLAGS 7u /* all of them */

struct unpack_request {
	uint32_t magic;
	uint32_t mode; /* enum unpack_mode */
	uint32_t named; /* for UNPACK_AUTO: a root file system has a name to go by; else it is
			   refused */
	uint32_t flags; /* UNPACK_SPLIT, ... */
	uint64_t max_bytes; /* of content, and of the uncompressed stream */
	uint64_t max_members;
	uint64_t max_name;
	uint64_t max_ratio;
	/* With UNPACK_TREE: owners, which are below `count`, become those from `to` on. 0: they
	 * stay. */
	uint32_t shift_to, shift_count;
};

enum unpack_kind { UNPACK_PROGRESS = 1, UNPACK_OPAQUE, UNPACK_DONE, UNPACK_FAILED };

struct unpack_progress {
	uint64_t bytes_in, bytes_out, members;
};

/* A directory that hides what lower layers have in it. The attribute that says so to overlayfs
 * takes CAP_SYS_ADMIN, which the child hasn't got: the parent sets it. Sent once the directory
 * exists. */
struct unpack_opaque {
	char name[ENTRY_NAME_MAX + 1]; /* components joined by '/'; "" is the root */
};

struct unpack_result {
	uint32_t mode; /* what it was: any but UNPACK_AUTO */
	uint32_t reserved;
	uint8_t archive_sha256[32]; /* of the file as it was, to its end */
	uint8_t archive_sha512[64]; /* with UNPACK_SHA512 */
	uint8_t stream_sha256[32]; /* of the uncompressed tar stream, with what trails it */
	uint64_t archive_bytes, stream_bytes;
	uint64_t content_bytes; /* sum of the regular files' sizes */
	uint64_t members; /* entries of the archive */
	uint64_t files, directories, symlinks, hardlinks, devices, fifos; /* made */
	uint64_t whiteouts, opaques; /* of a layer, by the names that OCI gives them */
	uint64_t skipped_sockets;
	uint64_t skipped_whiteouts; /* character devices 0:0 */
	uint64_t skipped_xattrs; /* not on the allowlist, or not understood */
	uint64_t skipped_flags; /* members with file flags (chattr) */
};

struct unpack_seek {
	uint32_t magic;
	uint32_t seek; /* 0: go on where it is */
	uint64_t offset;
};
#define UNPACK_PIECE_MAGIC (UNPACK_MAGIC ^ 0x80000000u) /* no struct unpack_message */
struct unpack_piece {
	uint32_t magic;
	uint32_t first; /* struct split_piece */
	uint64_t frame_at;
	uint32_t n; /* the message ends behind so many bytes of data */
	uint8_t data[SPLIT_PIECE_MAX];
};

struct unpack_message {
	uint32_t magic;
	uint32_t kind; /* enum unpack_kind */
	union {
		struct unpack_progress progress;
		struct unpack_opaque opaque;
		struct unpack_result result;
		struct err err;
	} u;
};

#endif
