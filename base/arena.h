/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that is freed at once: what is decoded out of a document lives as long as the document,
 * and has one owner. Zeroed, aligned for every type. Failure is -ENOMEM, never an abort.
 */
#ifndef JAIL_BASE_ARENA_H
#define JAIL_BASE_ARENA_H

#include "base/defs.h"

struct arena_block;
struct arena {
	struct arena_block *first;
};
#define ARENA_INIT ((struct arena){ .first = NULL })

/* n elements of `size` bytes. NULL when there is no memory, or n * size overflows; n = 0 gives a
 * pointer that is good for nothing but not NULL. */
void *arena_alloc(struct arena *a, size_t n, size_t size);
/* A copy of n bytes with a NUL after them, or NULL. */
char *arena_strn(struct arena *a, const char *s, size_t n);
void arena_free(struct arena *a);
#define CLEANUP_ARENA CLEANUP(arena_free)

#endif
