/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a split file (images/split.h) of a stream that somebody else is parsing: gets the same
 * blocks, and is told where in the stream the content of a file stands when the parser comes to it.
 * The parser reads ahead by less than a block and the headers of a member; that much is kept. Pure
 * but for what the split writer does.
 */
#ifndef JAIL_IMAGES_SPLITTER_H
#define JAIL_IMAGES_SPLITTER_H

#include "images/split.h"

struct splitter {
	struct split_writer *writer; /* borrowed; NULL: everything here does nothing */
	uint64_t at; /* offset of the first byte that isn't written or passed over yet */
	uint64_t skip; /* content that is still to come */
	uint8_t *kept; /* owned: begins at `at` */
	size_t n_kept, room;
	const uint8_t *block; /* follows what is kept; borrowed */
	size_t n_block;
};

void splitter_init(struct splitter *s, struct split_writer *writer);
void splitter_free(struct splitter *s);
/* The block that was given last goes away: all before `from` is known to be no file content that is
 * still to be told of. */
int splitter_keep(struct splitter *s, uint64_t from, struct err *e);
/* The next n bytes, which stay where they are until splitter_keep(). */
void splitter_block(struct splitter *s, const void *data, size_t n);
/* The content of file `name`, `size` bytes, begins at offset `at`. -EPROTO: that went by. */
int splitter_file(struct splitter *s, uint64_t at, const char *name, uint64_t size, struct err *e);
/* The stream is over: nothing that is still kept is the content of a file. */
int splitter_end(struct splitter *s, struct err *e);

#endif
