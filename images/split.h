/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it takes to make a layer's tar stream again, byte for byte, from its unpacked tree: the
 * bytes that are no file content (headers, pax records, padding, what trails the end) as they were,
 * and for each file content its place in between. With it a layer is verified against its digest,
 * and exported, without being stored twice. (The idea is that of vbatts/tar-split; the format is
 * our own.)
 *
 *     layers/HEX/split.zst    zstd of: the magic "jailspl1", then records
 *       'R' u32 n, n bytes         raw bytes of the stream
 *       'F' u32 n, n bytes, u64 s  content of the regular file of this name (components joined by
 *                                  '/', without a leading one), s bytes, all of them
 *       'E' u64 total              the end, and how long the stream is
 *     little endian. A content that the tree doesn't hold as it was in the stream (sparse maps, a
 *     file that a later member of the same layer replaces) is raw.
 */
#ifndef JAIL_IMAGES_SPLIT_H
#define JAIL_IMAGES_SPLIT_H

#include "base/err.h"

struct split_writer;

/* Writes to fd (borrowed, at its place). Return: 0 and *ret, owned. */
int split_begin(int fd, struct split_writer **ret, struct err *e);
/* n bytes of the stream that are no content of a file. */
int split_raw(struct split_writer *w, const void *data, size_t n, struct err *e);
/* `size` bytes of content, that of the file `name`, come here in the stream. */
int split_file(struct split_writer *w, const char *name, uint64_t size, struct err *e);
/* Finishes the file. Not fsync()ed. */
int split_end(struct split_writer *w, struct err *e);
void split_free(struct split_writer **w);
#define CLEANUP_SPLIT CLEANUP(split_free)

typedef int split_sink_fn(const void *data, size_t n, void *arg, struct err *e);

/*
 * Makes the stream: reads split_fd, and file contents below `tree` (openat2 IN_ROOT NO_SYMLINKS,
 * regular files of exactly the size recorded), and gives it to `sink` in pieces. Return: 0;
 * -EBADMSG the split or the tree is damaged (names the file); what the sink returned.
 */
int split_stream(int split_fd, int tree, split_sink_fn *sink, void *arg, struct err *e);

#endif
