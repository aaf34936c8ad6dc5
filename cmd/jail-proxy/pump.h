/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One direction of a connection. Nothing is read while there is something to be written, so what is
 * under way is at most one pipe, or one message.
 */
#ifndef JAIL_PROXY_PUMP_H
#define JAIL_PROXY_PUMP_H

#include "base/defs.h"

#define PUMP_CHUNK 65536

struct direction {
	int pipe[2]; /* only while it holds something, else -EBADF */
	char *message; /* of PUMP_CHUNK bytes: whole messages are copied, for SCTP; NULL: splice(2)
			*/
	uint32_t at, fill;
	bool eof, shut;
};

void pump_init(struct direction *d, char *message);
void pump_drop(struct direction *d);
/* Moves what there is, without waiting. Return: false when the connection is broken. */
bool pump_run(struct direction *d, int from, int to);
static inline bool pump_wants_read(const struct direction *d)
{
	return d->fill == 0 && !d->eof;
}
static inline bool pump_wants_write(const struct direction *d)
{
	return d->fill > 0;
}

#endif
