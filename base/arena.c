/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks in a list; what is larger than a block gets one of its own. */
#include "base/arena.h"

#include <stdalign.h>
#include <string.h>

#define BLOCK_BYTES 8192

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(max_align_t) unsigned char data[];
};

static struct arena_block *add_block(struct arena *a, size_t size)
{
	struct arena_block *b = calloc(1, sizeof(*b) + size);

	if (!b)
		return NULL;
	b->size = size;
	b->next = a->first;
	a->first = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *b = a->first;
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + align - 1) / align * align;
	if (!b || b->size - b->used < bytes) {
		b = add_block(a, bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES);
		if (!b)
			return NULL;
	}
	p = b->data + b->used;
	b->used += bytes;
	return p;
}

char *arena_strn(struct arena *a, const char *s, size_t n)
{
	char *p = n < SIZE_MAX ? arena_alloc(a, n + 1, 1) : NULL;

	if (p)
		memcpy(p, s, n);
	return p;
}

void arena_free(struct arena *a)
{
	while (a->first) {
		struct arena_block *next = a->first->next;

		free(a->first);
		a->first = next;
	}
}
