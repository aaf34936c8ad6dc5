/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A terminal is the caller's wish and the instance's: only when the instance has a console is ours
 * made raw, and only without one are signals forwarded (with one, the keys are).
 */
#include "cmd/jail/attachment.h"

#include "cmd/jail/cli.h"
#include "runtime/console.h"

int attachment_run(int sock, const struct jail_spec *spec, unsigned flags, struct err *e)
{
	const struct attach_options options = {
		.stdin_open = flags & ATTACHMENT_STDIN,
		.tty = spec->process.terminal,
		.signals = !spec->process.terminal,
		.wait_close = flags & ATTACHMENT_REMOVED,
		.lossless = (flags & ATTACHMENT_LOSSLESS) && !spec->process.terminal,
	};
	enum attach_end end = ATTACH_LOST;
	int status = 0, r = attach_run(sock, &options, &end, &status, e);

	if (r < 0)
		return err_wrap(e, "%s", spec->name.s);
	switch (end) {
	case ATTACH_EXITED:
		return status;
	case ATTACH_DETACHED:
		return 0;
	case ATTACH_LOST:
		break;
	}
	(void)err_set(e, EPIPE, "%s: the monitor is gone, and the instance with it", spec->name.s);
	return err_hint(e, "\"jail inspect %s\" shows the state that it left", spec->name.s);
}

int attachment_exec_status(int code)
{
	return code == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}
