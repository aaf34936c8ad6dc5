/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the archive file to the uncompressed tar stream in the ring. Runs in its own thread.
 */
#ifndef JAIL_UNPACK_SOURCE_H
#define JAIL_UNPACK_SOURCE_H

#include <nettle/sha2.h>
#include <stdatomic.h>

#include "cmd/jail-unpack/ring.h"

#define SOURCE_BUFFER ((size_t)512 << 10)
/* A small archive may be as well packed as it likes. */
#define SOURCE_RATIO_FROM ((uint64_t)64 << 20)

struct source {
	int fd; /* borrowed */
	struct ring *ring; /* borrowed */
	uint64_t max_bytes, max_ratio;
	bool sha512; /* of the file, is wanted too */
	_Atomic uint64_t bytes_in, bytes_out; /* for the progress, readable at any time */
	/* Valid when the thread has ended: */
	bool plain; /* not compressed: the stream's digest is the file's */
	struct sha256_ctx raw; /* of the file as it is, when it is compressed */
	struct sha512_ctx raw512;

	uint8_t *buffer; /* SOURCE_BUFFER bytes; the file's first bytes are in it already */
	size_t have;
	uint8_t *block; /* of the ring, being filled */
	size_t fill;
};

int source_init(struct source *s, int fd, struct ring *ring, struct err *e);
/* Reads to the end of the file and finishes the ring, with the error if there is one. */
void source_run(struct source *s);

/* For the decompressors (source_gzip.c, source_libarchive.c). */

/* The next piece of the file, counted and hashed. Return: length, 0 at the end, -errno. */
ssize_t source_read(struct source *s, const uint8_t **ret, struct err *e);
/* Where output goes, at most *ret_n bytes; source_put says how many there are. Return: 0;
 * -ECANCELED without an error text; -E2BIG. */
int source_space(struct source *s, uint8_t **ret, size_t *ret_n);
int source_put(struct source *s, size_t n, struct err *e);
int source_gzip(struct source *s, struct err *e);
/* name: "xz", "zstd", "lz4", "bzip2". */
int source_libarchive(struct source *s, const char *name, struct err *e);

#endif
