/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring of blocks between the thread that decompresses and the two that use the stream: the one
 * that hashes it and the one that unpacks it. Each block is filled once and seen once by each
 * reader, so that the bytes that were hashed are the bytes that were parsed.
 */
#ifndef JAIL_UNPACK_RING_H
#define JAIL_UNPACK_RING_H

#include <pthread.h>

#include "base/err.h"

#define RING_BLOCK ((size_t)512 << 10)
#define RING_BLOCKS 8

enum ring_reader { RING_HASH, RING_PARSE, RING_READERS };

struct ring {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t filled; /* blocks committed so far; block i is in slot i % RING_BLOCKS */
	uint64_t taken[RING_READERS]; /* blocks that each reader has been given */
	uint64_t released[RING_READERS]; /* blocks that each reader is done with */
	size_t len[RING_BLOCKS];
	uint8_t *memory;
	bool finished; /* nothing follows the filled blocks */
	bool cancelled; /* a reader failed: the writer should stop */
	struct err err; /* why the writer ended, code 0 = the stream is whole */
};

int ring_init(struct ring *r, struct err *e);
/* The writer. ring_reserve: an empty block of RING_BLOCK bytes, or NULL when cancelled. */
uint8_t *ring_reserve(struct ring *r);
void ring_commit(struct ring *r, size_t len);
/* e->code 0: the stream ended as it should. */
void ring_finish(struct ring *r, const struct err *e);
/* A reader. Gives back the block it had and waits for the next. Return: its length, 0 at the end of
 * a whole stream, -1 when the writer failed (ring_error) or the ring was cancelled. */
ssize_t ring_next(struct ring *r, enum ring_reader reader, const uint8_t **ret);
void ring_cancel(struct ring *r);
/* Copies the writer's error. Return: its -code, 0 when there is none (yet). */
int ring_error(struct ring *r, struct err *e);

#endif
