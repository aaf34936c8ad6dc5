/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rollback stack: what was changed outside the process (a cgroup, a link, a lease, a directory)
 * is undone by one list, newest first, not by nested error paths. Push right after the change
 * succeeded; commit when the whole operation did.
 */
#ifndef JAIL_BASE_ROLLBACK_H
#define JAIL_BASE_ROLLBACK_H

#include "base/defs.h"

#define ROLLBACK_MAX 32

typedef void rollback_fn(void *arg);
struct rollback {
	size_t n;
	struct {
		rollback_fn *fn;
		void *arg; /* borrowed: must outlive the stack */
	} steps[ROLLBACK_MAX];
};
#define ROLLBACK_INIT ((struct rollback){ .n = 0 })

/* Aborts the program when full: the number of steps is a property of the code, not of input. */
void rollback_push(struct rollback *r, rollback_fn *fn, void *arg);
/* Runs all, newest first; empty afterwards. As a cleanup attribute it runs what was not committed.
 */
void rollback_run(struct rollback *r);
void rollback_commit(struct rollback *r);
#define CLEANUP_ROLLBACK CLEANUP(rollback_run)

#endif
