/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/json_memory_priv.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct json_memory_block {
	struct json_memory_block *next, *previous;
	alignas(max_align_t) unsigned char data[];
};

static struct json_memory_block *block_of(void *data)
{
	return (struct json_memory_block *)(void *)((unsigned char *)data -
						    offsetof(struct json_memory_block, data));
}

static void unlink_block(struct json_memory *m, struct json_memory_block *b)
{
	if (b->previous)
		b->previous->next = b->next;
	else
		m->first = b->next;
	if (b->next)
		b->next->previous = b->previous;
}

/* b: a block that is in no list, or NULL. */
static void *resize(struct json_memory *m, struct json_memory_block *b, size_t n)
{
	struct json_memory_block *bigger =
		n < SIZE_MAX - sizeof(*b) ? realloc(b, sizeof(*b) + n) : NULL;

	if (!bigger) {
		free(b);
		longjmp(m->out, 1);
	}
	bigger->previous = NULL;
	bigger->next = m->first;
	if (m->first)
		m->first->previous = bigger;
	m->first = bigger;
	return bigger->data;
}

static void *json_malloc(void *m, size_t n)
{
	return resize(m, NULL, n);
}

static void *json_realloc(void *m, void *data, size_t n)
{
	struct json_memory_block *b = data ? block_of(data) : NULL;

	if (b)
		unlink_block(m, b);
	return resize(m, b, n);
}

static void json_free(void *m, void *data)
{
	if (!data)
		return;
	unlink_block(m, block_of(data));
	free(block_of(data));
}

yajl_alloc_funcs json_memory_funcs(struct json_memory *m)
{
	return (yajl_alloc_funcs){
		.malloc = json_malloc, .realloc = json_realloc, .free = json_free, .ctx = m
	};
}

void json_memory_free(struct json_memory *m)
{
	while (m->first) {
		struct json_memory_block *b = m->first;

		m->first = b->next;
		free(b);
	}
}
