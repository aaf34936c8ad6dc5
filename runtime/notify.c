/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/notify.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/monitor_proto.h"

int notify_listen(int run, struct err *e)
{
	CLEANUP_FD int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (sock < 0)
		return err_sys(e, "socket");
	(void)str_format(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/" NOTIFY_SOCKET, run);
	if (unlinkat(run, NOTIFY_SOCKET, 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove the last " NOTIFY_SOCKET);
	if (bind(sock, (struct sockaddr *)&a, sizeof(a)) < 0)
		return err_sys(e, "make " NOTIFY_SOCKET);
	/* For whatever user the program runs as. On the host only root gets to the directory. */
	if (fchmodat(run, NOTIFY_SOCKET, 0666, 0) < 0)
		return err_sys(e, "mode of " NOTIFY_SOCKET);
	return TAKE_FD(sock);
}

size_t notify_env(const struct jail_spec *spec, char text[static 64], const char *ret[static 2])
{
	if (!spec_notifies(spec))
		return 0;
	ret[0] = "NOTIFY_SOCKET=" NOTIFY_INSIDE;
	if (!spec->notify.watchdog_ms)
		return 1;
	(void)str_format(text, 64, "WATCHDOG_USEC=%llu000",
			 (unsigned long long)spec->notify.watchdog_ms);
	ret[1] = text;
	return 2;
}

int notify_await(int run, struct err *e)
{
	CLEANUP_FD int fd =
		openat(run, NOTIFY_AWAITED, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? err_sys(e, "make " NOTIFY_AWAITED) : 0;
}

bool notify_is_awaited(int run)
{
	return faccessat(run, NOTIFY_AWAITED, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int notify_error(struct err *e)
{
	err_set(e, ECHILD, "the program has ended before it said READY=1");
	return err_hint(e, "notify.ready of its spec asks for that; see jail logs");
}

int notify_wait(int sock, struct err *e)
{
	char text[sizeof(MONITOR_READY)];
	ssize_t n;

	do
		n = recv(sock, text, sizeof(text), 0);
	while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : notify_error(e);
}
