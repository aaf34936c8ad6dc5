/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A second opinion on where every member of a tar stream begins (row 42). libarchive parses the
 * members; this watches the same bytes just before it and follows headers and sizes only. Where two
 * readers of one archive can disagree (a pax size beside another size, a long name beside a pax
 * name, a link that carries data, a broken pax record), it stops, and the importer refuses the
 * member: a scanner that read the file with another program saw what we unpack.
 * It also knows what libarchive does not tell: whether the end-of-archive mark was there, without
 * which a file cut between two members looks whole.
 * Pure: no system call but for memory.
 */
#ifndef JAIL_IMAGES_TARWATCH_H
#define JAIL_IMAGES_TARWATCH_H

#include "base/err.h"

#define TARWATCH_BLOCK 512
/* Most bytes that may be fed before their members are asked for: bounds the queue. */
#define TARWATCH_FEED_MAX (2u << 20)
#define TARWATCH_QUEUE (TARWATCH_FEED_MAX / TARWATCH_BLOCK + 2)

struct tarwatch_member {
	uint64_t start; /* of its first header */
	uint64_t data,
		size; /* where its data begins (old sparse maps go before) and how long it is */
	bool sparse; /* the data is not the content as it is */
};

struct tarwatch {
	uint64_t offset; /* bytes of the stream seen */
	uint64_t skip; /* of them, still to come: a member's data and padding */
	uint8_t block[TARWATCH_BLOCK];
	size_t have; /* bytes in block */
	bool sparse_extension; /* the next block continues an old GNU sparse map */

	uint8_t *body; /* of an extension header being collected, owned */
	size_t body_cap, body_len, body_have;
	char body_type; /* 'x', 'g', or 0 when none is being collected */

	uint64_t start; /* of the member whose headers are being read */
	bool in_member; /* an extension header was seen, its member not yet */
	bool seen_pax, seen_long_name, seen_long_link;
	bool has_size;
	uint64_t size; /* from the pax header */
	bool sparse; /* says the pax header */

	bool ended; /* the end-of-archive mark was seen */
	struct err stopped; /* code != 0: nothing is followed from here on */
	uint64_t stopped_at; /* start of the member that is refused */

	struct tarwatch_member queue[TARWATCH_QUEUE]; /* those that were not asked for yet */
	size_t queue_first, queue_n;
	struct tarwatch_member member; /* the last that was asked for */
};

void tarwatch_init(struct tarwatch *w);
void tarwatch_free(struct tarwatch *w);
/* The next n bytes of the stream. Never fails: what is wrong is kept for tarwatch_member(). */
void tarwatch_feed(struct tarwatch *w, const void *data, size_t n);
/* The other parser says that its next member (with its extension headers) begins at `start`.
 * Return: 0 when it does, and w->member is it, else -EBADMSG with the reason. */
int tarwatch_member(struct tarwatch *w, uint64_t start, struct err *e);
/* Where the first member begins that was not asked for, or may still come: all before it belongs to
 * members that were. */
uint64_t tarwatch_settled(const struct tarwatch *w);
/* The other parser says that there are no more members. Return: 0 or -EBADMSG. */
int tarwatch_end(struct tarwatch *w, struct err *e);

#endif
