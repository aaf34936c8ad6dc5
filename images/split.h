/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it takes to make a layer's tar stream again, byte for byte, from its unpacked tree: the
 * bytes that are no file content (headers, pax records, padding, what trails the end) as they were,
 * and for each file content its place in between. With it a layer is verified against its digest,
 * and exported, without being stored twice. (The idea is that of vbatts/tar-split; the format is
 * our own.)
 *
 *     layers/HEX/split.zst    zstd frames of: the magic "jailspl1", then records
 *       'R' u32 n, n bytes         raw bytes of the stream
 *       'F' u32 n, n bytes, u64 s  content of the regular file of this name (components joined by
 *                                  '/', without a leading one), s > 0 bytes, all of them
 *       'C' u32 c                  crc32 of the content of the F before it: names the file whose
 *                                  content was changed, which the digest of the whole can't
 *       'P' u32 n, n bytes, u64 s, s bytes
 *                                  no part of the stream here: the content of what had this name
 *                                  until a later member of the layer replaced it. Begins a frame
 *                                  of its own, so that it can be read out of order.
 *       'E' u64 total              the end, and how long the stream is
 *     little endian. A content that the tree doesn't hold as it was in the stream (sparse maps,
 *     members that make no file) is raw.
 *
 * The file was written by a process that parsed a stranger's archive. Its decompression is that of
 * jail-unpack once more (split_child.c); what reads the records here is bounded in all it takes and
 * fuzzed (tests/fuzz/split_fuzz.c), names no file but by openat2(2) beneath the tree, and whatever
 * stream it makes is compared with the layer's digest.
 *
 * Which content an F means: that of the first P of the same name behind it; without one, the
 * tree's. For whoever unpacks writes a P for every regular file before it loses its name: between
 * an F and the next P of its name, that name was this file.
 */
#ifndef JAIL_IMAGES_SPLIT_H
#define JAIL_IMAGES_SPLIT_H

#include <sys/stat.h>

#include "base/err.h"

#define SPLIT_FILE "split.zst"

struct split_writer;

/* Writes to fd (borrowed, at its place). Return: 0 and *ret, owned. */
int split_begin(int fd, struct split_writer **ret, struct err *e);
/* n bytes of the stream that are no content of a file. */
int split_raw(struct split_writer *w, const void *data, size_t n, struct err *e);
/* `size` bytes of content, that of the file `name`, come here in the stream. */
int split_file(struct split_writer *w, const char *name, uint64_t size, struct err *e);
/* The content of the split_file() before: its crc32(). */
int split_check(struct split_writer *w, uint32_t crc, struct err *e);
/* The regular file `name`, open as `file` (borrowed, at its begin), is about to be replaced. */
int split_replaced(struct split_writer *w, const char *name, int file, struct err *e);
/* Finishes the file. Not fsync()ed. */
int split_end(struct split_writer *w, struct err *e);
void split_free(struct split_writer **w);
#define CLEANUP_SPLIT CLEANUP(split_free)

typedef int split_sink_fn(const void *data, size_t n, void *arg, struct err *e);
/* Told before each content that comes from the tree which file that is. */
typedef int split_file_fn(const struct stat *st, void *arg, struct err *e);

/* Told of a content that the tree hasn't got any more, and why. Return: 0, to go on with zeroes in
 * its place; negative. */
typedef int split_lost_fn(const char *name, const struct err *why, void *arg, struct err *e);

/* Told of a content of the tree that is another than it was, once it was given to the sink. Return:
 * 0, to go on; negative. */
typedef int split_changed_fn(const char *name, void *arg, struct err *e);

struct split_output {
	split_sink_fn *sink;
	split_file_fn *file; /* NULL: not wanted */
	split_lost_fn *lost; /* NULL: that is an error */
	split_changed_fn *changed; /* NULL: not wanted */
	void *arg;
};

/* A split file, uncompressed, piece by piece. */
#define SPLIT_PIECE_MAX ((size_t)64 << 10)
struct split_piece {
	uint64_t frame_at; /* where in the file the frame is that this is of */
	bool first; /* the frame's beginning */
	size_t n; /* 0: the end of the file */
	uint8_t data[SPLIT_PIECE_MAX];
};
struct split_feed {
	/* The next piece, never of two frames. seek: from this offset of the file on, NULL: from
	 * where it is. -EBADMSG: the file is damaged. */
	int (*next)(struct split_feed *f, const uint64_t *seek, struct split_piece *ret,
		    struct err *e);
	void (*free)(struct split_feed *f);
};
void split_feed_free(struct split_feed **f);
#define CLEANUP_SPLIT_FEED CLEANUP(split_feed_free)
/* Decompresses in this process (split_feed.c): for jail-unpack, which is confined, and tests. The
 * file is read by offset, and treated as a stranger's: the decoder's window, and with it its
 * memory, is bounded. fd: borrowed. */
int split_feed_here(int fd, struct split_feed **ret, struct err *e);

/* Where to read a split file: `open` makes a new feed of it. */
struct split_input {
	int (*open)(const struct split_input *in, struct split_feed **ret, struct err *e);
	int fd; /* borrowed */
	const void *arg;
};
/* By split_feed_here(). */
#define SPLIT_INPUT_HERE(fd_) ((struct split_input){ .open = split_input_here, .fd = (fd_) })
int split_input_here(const struct split_input *in, struct split_feed **ret, struct err *e);

/*
 * Makes the stream: reads `in`, and file contents below `tree` (openat2 IN_ROOT
 * NO_SYMLINKS, regular files of exactly the size recorded), and gives it to out->sink in pieces.
 * Return: 0; -EBADMSG the split or the tree is damaged (names the file); what `out` returned.
 */
int split_stream(const struct split_input *in, int tree, const struct split_output *out,
		 struct err *e);
/* Reads all of it and nothing else. Return: 0 and how long the stream is; -EBADMSG. */
int split_size(const struct split_input *in, uint64_t *ret, struct err *e);

#endif
