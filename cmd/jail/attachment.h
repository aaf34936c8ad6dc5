/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What run, start --attach and attach share: the client loop, and its end as an exit status. */
#ifndef JAIL_CMD_ATTACHMENT_H
#define JAIL_CMD_ATTACHMENT_H

#include "runtime/jail.h"

enum attachment_flags {
	ATTACHMENT_STDIN = 1, /* our input goes to the instance */
	ATTACHMENT_REMOVED = 2, /* the instance is removed at its exit: return after that */
	ATTACHMENT_LOSSLESS = 4, /* the instance waits for a slow reader of our output, as in a
				    pipeline; a console never does */
};
/* sock: connected to the monitor, borrowed. flags: of the above. Return: the program's status (0
 * when detached by Ctrl-P Ctrl-Q), or a negative errno. */
int attachment_run(int sock, const struct jail_spec *spec, unsigned flags, struct err *e);
/* Exit status for a program that could not be executed; `code` is the errno. */
int attachment_exec_status(int code);

#endif
