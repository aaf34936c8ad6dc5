/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File descriptors: start-up hygiene, whole reads and writes, passing over sockets.
 * Everything is close-on-exec from birth.
 */
#ifndef JAIL_BASE_FD_H
#define JAIL_BASE_FD_H

#include <sys/types.h>

#include "base/err.h"

/*
 * First thing in main (rows 2, 11 of docs/security.md): opens /dev/null on missing 0..2 and marks
 * every fd above 2 close-on-exec, so that nothing inherited can reach a child.
 */
int fd_sanitize(struct err *e);
/* Marks fds >= first close-on-exec (close_range(2), CLOSE_RANGE_CLOEXEC, Linux 5.11). */
int fd_cloexec_from(int first, struct err *e);
int fd_set_cloexec(int fd, bool on);
int fd_set_nonblock(int fd, bool on);

/* Where what the fd holds lies now, as the kernel has it. Return: length, or -errno. */
int fd_path(int fd, char *ret, size_t n);

/* Whole write, EINTR and short writes handled. Return: 0 or -errno. */
int fd_write_all(int fd, const void *data, size_t n);
/* Reads to the end, at most max bytes (-EFBIG beyond). *ret is NUL-terminated, owned by the caller.
 */
int fd_read_all(int fd, size_t max, char **ret, size_t *ret_len);

/* One message with up to FD_PASS_MAX fds over a unix socket (SOCK_SEQPACKET). Borrowed fds. 0 or
 * -errno. */
#define FD_PASS_MAX 64
int fd_send(int sock, const void *data, size_t n, const int *fds, size_t n_fds);
/* Receives one message; fds arrive close-on-exec and belong to the caller; *n_fds in: room, out:
 * got. Return: message length, 0 at end, -errno (-EMSGSIZE when it was cut: nothing is left open).
 */
ssize_t fd_recv(int sock, void *data, size_t n, int *ret_fds, size_t *n_fds);

#endif
