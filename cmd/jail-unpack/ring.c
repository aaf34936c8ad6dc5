/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One mutex and one condition: a block is half a mebibyte, so the lock is taken a few thousand
 * times per gigabyte and its cost can't be measured.
 */
#include "cmd/jail-unpack/ring.h"

int ring_init(struct ring *r, struct err *e)
{
	*r = (struct ring){ .err = ERR_INIT };
	r->memory = malloc(RING_BLOCK * RING_BLOCKS);
	if (!r->memory)
		return err_nomem(e);
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->changed, NULL);
	return 0;
}

static uint64_t ring_slowest(const struct ring *r)
{
	uint64_t slowest = r->released[0];

	for (size_t i = 1; i < RING_READERS; i++)
		if (r->released[i] < slowest)
			slowest = r->released[i];
	return slowest;
}

uint8_t *ring_reserve(struct ring *r)
{
	uint8_t *block = NULL;

	(void)pthread_mutex_lock(&r->lock);
	while (!r->cancelled && r->filled - ring_slowest(r) == RING_BLOCKS)
		(void)pthread_cond_wait(&r->changed, &r->lock);
	if (!r->cancelled)
		block = r->memory + (r->filled % RING_BLOCKS) * RING_BLOCK;
	(void)pthread_mutex_unlock(&r->lock);
	return block;
}

void ring_commit(struct ring *r, size_t len)
{
	(void)pthread_mutex_lock(&r->lock);
	r->len[r->filled % RING_BLOCKS] = len;
	r->filled++;
	(void)pthread_cond_broadcast(&r->changed);
	(void)pthread_mutex_unlock(&r->lock);
}

void ring_finish(struct ring *r, const struct err *e)
{
	(void)pthread_mutex_lock(&r->lock);
	r->finished = true;
	r->err = *e;
	(void)pthread_cond_broadcast(&r->changed);
	(void)pthread_mutex_unlock(&r->lock);
}

ssize_t ring_next(struct ring *r, enum ring_reader reader, const uint8_t **ret)
{
	ssize_t len = -1;

	*ret = NULL;
	(void)pthread_mutex_lock(&r->lock);
	if (r->released[reader] != r->taken[reader]) {
		r->released[reader] = r->taken[reader];
		(void)pthread_cond_broadcast(&r->changed);
	}
	while (!r->cancelled && !r->finished && r->taken[reader] == r->filled)
		(void)pthread_cond_wait(&r->changed, &r->lock);
	if (r->cancelled) {
		len = -1;
	} else if (r->taken[reader] < r->filled) {
		size_t slot = r->taken[reader]++ % RING_BLOCKS;

		*ret = r->memory + slot * RING_BLOCK;
		len = (ssize_t)r->len[slot];
	} else {
		len = r->err.code ? -1 : 0;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return len;
}

void ring_cancel(struct ring *r)
{
	(void)pthread_mutex_lock(&r->lock);
	r->cancelled = true;
	(void)pthread_cond_broadcast(&r->changed);
	(void)pthread_mutex_unlock(&r->lock);
}

int ring_error(struct ring *r, struct err *e)
{
	int code;

	(void)pthread_mutex_lock(&r->lock);
	code = r->err.code;
	if (code)
		*e = r->err;
	(void)pthread_mutex_unlock(&r->lock);
	return -code;
}
