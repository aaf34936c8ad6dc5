/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for yajl, which looks at no allocation's result (2.1: yajl_buf.c, yajl_lex.c). When there
 * is none, it is left by longjmp(3), and what it had is given back as a whole.
 */
#ifndef JAIL_BASE_JSON_MEMORY_PRIV_H
#define JAIL_BASE_JSON_MEMORY_PRIV_H

#include <setjmp.h>

#include <yajl/yajl_common.h>

struct json_memory_block;
struct json_memory {
	jmp_buf out; /* the caller's setjmp(3), before anything is allocated */
	struct json_memory_block *first;
};

/* For yajl_alloc(), whose handle must be used within the life of m and below the setjmp(3). */
yajl_alloc_funcs json_memory_funcs(struct json_memory *m);
/* Frees all that yajl has not, so in place of yajl_free() too. */
void json_memory_free(struct json_memory *m);

#endif
