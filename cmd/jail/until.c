/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The signals as a descriptor: what was being written is finished first, and the status is 0. */
#include "cmd/jail/until.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

int until_begin(struct err *e)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct sigaction now;

		/* nohup, and a shell's "command &": what is ignored stays so. */
		if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			(void)sigaddset(&set, ends[i]);
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(e, "block signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_sys(e, "signalfd") : fd;
}

int until_wait(int until, int fd, int timeout_ms)
{
	struct pollfd p[] = {
		{ .fd = until, .events = POLLIN },
		/* Nothing asked: a reader that has gone says so by itself. */
		{ .fd = STDOUT_FILENO, .events = 0 },
		{ .fd = fd, .events = POLLIN },
	};

	if (poll(p, ARRAY_SIZE(p), timeout_ms) < 0)
		return errno == EINTR;
	return !(p[0].revents & POLLIN) && !(p[1].revents & (POLLERR | POLLHUP | POLLNVAL));
}
