/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fixed array, run from the end. A step is popped before it runs, so that a step which itself
 * ends up in rollback_run() cannot run twice.
 */
#include "base/rollback.h"

void rollback_push(struct rollback *r, rollback_fn *fn, void *arg)
{
	if (r->n >= ROLLBACK_MAX)
		abort();
	r->steps[r->n].fn = fn;
	r->steps[r->n].arg = arg;
	r->n++;
}

void rollback_run(struct rollback *r)
{
	int saved = errno;

	while (r->n > 0) {
		r->n--;
		r->steps[r->n].fn(r->steps[r->n].arg);
	}
	errno = saved;
}

void rollback_commit(struct rollback *r)
{
	r->n = 0;
}
