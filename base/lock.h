/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Advisory locks on files of the state tree. A lock is a fact kept by the kernel: it ends when the
 * last copy of its fd is closed, so a killed process never leaves a stale one. Open file
 * description locks, fcntl(2): a forked child that holds the fd shares the lock, one that closes it
 * does not release it for others. (They are not seen by flock(2).)
 */
#ifndef JAIL_BASE_LOCK_H
#define JAIL_BASE_LOCK_H

#include "base/err.h"

enum lock_mode { LOCK_MODE_SHARED, LOCK_MODE_EXCLUSIVE };

/* Opens (makes, 0600) and locks. wait_ms: 0 = try once, else the bound. Return: fd that holds the
 * lock, -EWOULDBLOCK when somebody else holds it at the end of the wait. */
int lock_take_at(int dir, const char *name, enum lock_mode mode, unsigned wait_ms, struct err *e);
/* Return: 1 somebody holds it exclusively, 0 free or no such file, -errno. Takes nothing. */
int lock_is_held_at(int dir, const char *name);

#endif
