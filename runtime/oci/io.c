/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the caller gives by path: sockets and files of the engine. A directory is opened once, and
 * the last component is used below it without following a link (row 83).
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/sys.h"
#include "runtime/console.h"
#include "runtime/oci/engine_priv.h"

/* The directory of a path, and what comes after the last slash. Return: fd. */
static int open_parent(const char *path, const char **ret_name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	int fd;

	*ret_name = slash ? slash + 1 : path;
	if (!**ret_name || str_format(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) + 1 : 1,
				      slash ? path : ".") < 0)
		return err_set(e, EINVAL, "%s: not the path of a file", path);
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open %s", dir) : fd;
}

int oci_connect(const char *path, struct err *e)
{
	CLEANUP_FD int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CLEANUP_FD int dir = -EBADF, file = -EBADF;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const char *name;

	if (sock < 0)
		return err_sys(e, "socket");
	dir = open_parent(path, &name, e);
	if (dir < 0)
		return dir;
	/* The path of a socket has 107 bytes, those of engines are longer. */
	file = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0)
		return err_sys(e, "connect to %s", path);
	(void)str_format(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d", file);
	if (connect(sock, (struct sockaddr *)&a, sizeof(a)) < 0)
		return err_sys(e, "connect to %s", path);
	return TAKE_FD(sock);
}

int oci_write_pid_file(const char *path, pid_t pid, struct err *e)
{
	CLEANUP_FD int dir = -EBADF;
	const char *name;
	char text[16];
	int n = str_format(text, sizeof(text), "%d", (int)pid);

	dir = open_parent(path, &name, e);
	if (dir < 0 || file_write_at(dir, name, text, (size_t)n, 0644, FILE_NOSYNC, e) < 0)
		return err_wrap(e, "--pid-file %s", path);
	return 0;
}

int oci_send_fd(int sock, int fd, const char *name, struct err *e)
{
	/* fd_send() is for packets; a stream takes the same message. */
	int r = fd_send(sock, name, strlen(name), &fd, 1);

	return r < 0 ? err_ret(e, r, "send a file descriptor") : 0;
}

static int check_preserved(unsigned n, struct err *e)
{
	for (unsigned fd = 3; fd < 3 + n; fd++)
		if (fcntl((int)fd, F_GETFD) < 0)
			return err_sys(e, "--preserve-fds %u: fd %u", n, fd);
	return 0;
}

int oci_io_open(const struct oci_io *io, bool terminal, bool detach, int *ret_console,
		int *ret_show, struct err *e)
{
	int pair[2];

	if (check_preserved(io->preserve_fds, e) < 0)
		return -e->code;
	if (terminal && detach && !io->console_socket)
		return err_set(e, EINVAL,
			       "cannot allocate tty if jail-oci will detach without setting "
			       "console socket");
	if ((!terminal || !detach) && io->console_socket)
		return err_set(e, EINVAL,
			       "cannot use console socket if jail-oci will not detach or allocate "
			       "tty");
	if (io->console_socket) {
		*ret_console = oci_connect(io->console_socket, e);
		return *ret_console < 0 ? err_wrap(e, "--console-socket") : 0;
	}
	if (!terminal)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "socketpair");
	*ret_console = pair[0];
	*ret_show = pair[1];
	return 0;
}

int oci_take_console(int show, int *ret_master, struct err *e)
{
	size_t n = 1;
	char name[64];
	ssize_t r;

	if (show < 0)
		return 0;
	r = fd_recv(show, name, sizeof(name), ret_master, &n);
	if (r <= 0 || n != 1)
		return err_set(e, EPROTO, "the container's process sent no terminal");
	return 0;
}

static int reap(pid_t pid, int *ret_status, struct err *e)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "wait for the container's process");
	*ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

int oci_follow(pid_t pid, int pidfd, int master, int *ret_status, struct err *e)
{
	struct exec_io io = {
		.pidfd = pidfd,
		.in = -EBADF,
		.out = master,
		.err = -EBADF,
		.tty = master >= 0,
		.interactive = master >= 0,
		.post_output = true,
	};
	enum attach_end end;
	int r = exec_io_run(&io, &end, e);

	return r < 0 ? r : reap(pid, ret_status, e);
}
