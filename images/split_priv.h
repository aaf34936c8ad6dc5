/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the writer and the reader of a split file share. */
#ifndef JAIL_IMAGES_SPLIT_PRIV_H
#define JAIL_IMAGES_SPLIT_PRIV_H

#include "images/entry.h"
#include "images/split.h"

#define SPLIT_MAGIC "jailspl1"
#define SPLIT_MAGIC_LEN 8
#define SPLIT_RAW_MAX (1u << 20) /* bytes of one R record */
#define SPLIT_REPLACED_MAX 1000000u /* P records */

enum split_type {
	SPLIT_RAW = 'R',
	SPLIT_CONTENT = 'F',
	SPLIT_CHECK = 'C',
	SPLIT_REPLACED = 'P',
	SPLIT_END = 'E',
};

/* The bytes of a split file, uncompressed (split_source.c). */
struct split_source;
int split_source_open(const struct split_input *in, struct split_source **ret, struct err *e);
/* What is read next is the frame at that offset of the file. */
void split_source_seek(struct split_source *s, uint64_t offset);
void split_source_free(struct split_source **s);
#define CLEANUP_SPLIT_SOURCE CLEANUP(split_source_free)
/* Exactly n bytes; -EBADMSG when there are fewer. */
int split_source_read(struct split_source *s, void *ret, size_t n, struct err *e);
/* Whether the next byte is the first of a frame, and where in the file that is. Return: 1, 0. */
int split_source_at_frame(struct split_source *s, uint64_t *ret, struct err *e);
/* Return: 0 when nothing follows, else -EBADMSG. */
int split_source_end(struct split_source *s, struct err *e);

/* ---- records (split_record.c) ---- */

struct split_record {
	enum split_type type;
	uint32_t len; /* of a raw piece, or of the name */
	uint64_t size; /* of a content; of the stream (SPLIT_END) */
	uint32_t crc; /* SPLIT_CHECK */
	char name[ENTRY_NAME_MAX + 1];
};

int split_magic_read(struct split_source *s, struct err *e);
/* A record up to the bytes that belong to it, with its type, name and sizes checked. */
int split_record_read(struct split_source *s, struct split_record *ret, struct err *e);

#endif
