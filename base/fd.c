/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start-up hygiene and whole transfers. What a caller left open must neither take the place of our
 * standard streams (row 11) nor reach a child (row 2).
 */
#include "base/fd.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/socket.h>

#include "base/str.h"
#include "base/sys.h"

int fd_sanitize(struct err *e)
{
	for (int fd = 0; fd <= 2; fd++) {
		int null;

		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* The lowest free number is fd itself: all below it are open by now. */
		null = open("/dev/null", O_RDWR | O_NOCTTY); /* NOLINT(android-cloexec-open) */
		if (null < 0)
			return err_sys(e, "open /dev/null");
		if (null != fd)
			return err_set(e, EBADF, "open /dev/null: got descriptor %d, not %d", null,
				       fd);
	}
	return fd_cloexec_from(3, e);
}

int fd_cloexec_from(int first, struct err *e)
{
	if (sys_close_range((unsigned)first, ~0u, CLOSE_RANGE_CLOEXEC) < 0) {
		(void)err_sys(e, "close_range from descriptor %d", first);
		return err_hint(e, "jail needs Linux 5.19 or later");
	}
	return 0;
}

int fd_set_cloexec(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0)
		return -errno;
	flags = on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC;
	return fcntl(fd, F_SETFD, flags) < 0 ? -errno : 0;
}

int fd_set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

int fd_path(int fd, char *ret, size_t n)
{
	char link[64];
	ssize_t got;

	(void)str_format(link, sizeof(link), "/proc/self/fd/%d", fd);
	got = readlink(link, ret, n - 1);
	if (got < 0)
		return -errno;
	ret[got] = '\0';
	return (int)got;
}

int fd_write_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		if (w == 0)
			return -EIO;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Grows *buf so that it can take at least one byte more and the NUL, never over max + 2. */
static int fd_grow(char **buf, size_t *cap, size_t max)
{
	size_t want = *cap ? *cap * 2 : 4096;
	char *p;

	if (want > max + 2)
		want = max + 2;
	p = realloc(*buf, want);
	if (!p)
		return -ENOMEM;
	*buf = p;
	*cap = want;
	return 0;
}

int fd_read_all(int fd, size_t max, char **ret, size_t *ret_len)
{
	CLEANUP_FREE char *buf = NULL;
	size_t cap = 0, len = 0;

	if (max > SIZE_MAX / 2)
		return -EINVAL;
	for (;;) {
		ssize_t r;

		if (len + 1 >= cap) {
			int g = fd_grow(&buf, &cap, max);

			if (g < 0)
				return g;
		}
		r = read(fd, buf + len, cap - 1 - len);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		len += (size_t)r;
		if (len > max)
			return -EFBIG;
	}
	buf[len] = '\0';
	*ret = TAKE_PTR(buf);
	if (ret_len)
		*ret_len = len;
	return 0;
}

/* Room for the control message of FD_PASS_MAX fds, aligned as CMSG_* want it. */
union fd_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(FD_PASS_MAX * sizeof(int))];
};

int fd_send(int sock, const void *data, size_t n, const int *fds, size_t n_fds)
{
	union fd_control control = { .bytes = { 0 } };
	struct iovec iov = { .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (n_fds > FD_PASS_MAX)
		return -E2BIG;
	memcpy(&iov.iov_base, &data, sizeof(data)); /* sendmsg(2) does not write to it */
	if (n_fds > 0) {
		struct cmsghdr *c;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	do
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	return (size_t)sent == n ? 0 : -EMSGSIZE;
}

/* Moves the fds of one received control message to `fds`; what has no room there is closed.
 * Return: whether all had room. */
static bool fd_collect(struct cmsghdr *c, int *fds, size_t room, size_t *n)
{
	size_t got = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	bool fits = true;

	for (size_t i = 0; i < got; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
		if (*n < room) {
			fds[(*n)++] = fd;
		} else {
			(void)close(fd);
			fits = false;
		}
	}
	return fits;
}

ssize_t fd_recv(int sock, void *data, size_t n, int *ret_fds, size_t *n_fds)
{
	union fd_control control = { .bytes = { 0 } };
	struct iovec iov = { .iov_base = data, .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	size_t room = n_fds ? *n_fds : 0;
	size_t got = 0;
	bool whole = true;
	ssize_t r;

	do
		r = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			whole = fd_collect(c, ret_fds, room, &got) && whole;
	}
	if (!whole || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		for (size_t i = 0; i < got; i++)
			fd_reset(&ret_fds[i]);
		return -EMSGSIZE;
	}
	if (n_fds)
		*n_fds = got;
	return r;
}
