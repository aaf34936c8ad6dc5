/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A running instance that stands still for a moment. A child of ours watches over it: when we are
 * killed in between, it lets the instance go on.
 */
#ifndef JAIL_RUNTIME_FREEZE_H
#define JAIL_RUNTIME_FREEZE_H

#include "runtime/engine_priv.h"

struct freeze {
	struct jail *j;
	const struct jail_name *name;
	int life; /* the child sees its end */
	pid_t child;
	uint64_t since_us;
	bool was_paused; /* it stood still before, and goes on doing so */
};
#define FREEZE_INIT ((struct freeze){ .life = -EBADF })

/* name: borrowed until the end. Of several at once the last is the first that is let go. */
int freeze_begin(struct jail *j, const struct jail_name *name, struct freeze *ret, struct err *e);
/* Lets it go on. *ret_us: how long it stood still. -EBUSY: it didn't all the time. */
int freeze_end(struct freeze *f, uint64_t *ret_us, struct err *e);
/* The same, when nobody asks any more. */
void freeze_abandon(struct freeze *f);
#define CLEANUP_FREEZE CLEANUP(freeze_abandon)

#endif
