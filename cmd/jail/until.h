/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands that go on until somebody ends them: by a signal, or by closing what they write to. */
#ifndef JAIL_CMD_UNTIL_H
#define JAIL_CMD_UNTIL_H

#include "base/err.h"

/* From here on SIGINT, SIGTERM and SIGHUP are news for until_wait(). Return: fd. */
int until_begin(struct err *e);
/* Waits for `fd` (a negative one: never) to be readable or for the time; timeout_ms -1 = for ever.
 * Return: 1 goes on, 0 it is to end. */
int until_wait(int until, int fd, int timeout_ms);

#endif
