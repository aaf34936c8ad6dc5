/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections: who may connect, and what each message does.
 *
 * Only the host's root gets in: the socket's directory is 0700, and the kernel's record of the peer
 * is checked as well (row 8). Root of an instance that shares the host's ids would pass that, so
 * the peer must also be in our own pid namespace.
 *
 * A client's fd is its slot's number, so that the table survives the change of programs: what is
 * connected from MONITOR_FD_CLIENT on is the table.
 */
#include "cmd/jail-monitor/monitor.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "cmd/jail-monitor/text.h"

/* Slots that are kept for clients that only control. */
#define SLOTS_FOR_CONTROL 2
#define ACCEPT_RETRY_MS 1000

static int slot_fd(int i)
{
	return MONITOR_FD_CLIENT + i;
}

/* The pid may be recycled, in theory, by the time we look; the uid cannot change. */
static bool peer_in_our_pid_namespace(pid_t pid)
{
	char path[sizeof("/proc//ns/pid") + TEXT_NUMBER_MAX];
	struct stat ours, theirs;
	char *at;

	if (pid <= 0)
		return false;
	at = text_put_number(text_put(path, "/proc/"), (uint64_t)pid);
	*text_put(at, "/ns/pid") = '\0';
	return stat("/proc/self/ns/pid", &ours) == 0 && stat(path, &theirs) == 0 &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

static bool peer_is_allowed(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);
	int type;
	socklen_t type_n = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_n) == 0 && type == SOCK_SEQPACKET &&
	       getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && n == sizeof(peer) &&
	       peer.uid == 0 && peer_in_our_pid_namespace(peer.pid);
}

void client_close(struct monitor *m, int i)
{
	(void)close(slot_fd(i));
	m->chunk.waiting &= ~(1u << i);
	/* Input that was not acknowledged goes too: else a program that reads nothing would keep
	 * the slot for ever. */
	if (m->stdin_client == i)
		m->stdin_client = -1;
	m->clients[i] = (struct client){ .open = false };
}

bool client_send(struct monitor *m, int i, uint32_t type, const void *data, size_t n)
{
	struct monitor_header header = { .type = type, .length = (uint32_t)n };
	struct iovec iov[2] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)(uintptr_t)data, .iov_len = n },
	};
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };

	if (!m->clients[i].open)
		return true;
	if (sendmsg(slot_fd(i), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return true;
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
		return false;
	/* What it has sent us is still worth reading: its hang-up closes it. */
	m->clients[i].want_output = false;
	m->clients[i].awaited = false;
	return true;
}

/*
 * What a client said in HELLO must outlive the change of programs, and the one thing that does is
 * its socket. A send time-out is kept in it and means nothing to us, who never wait in send: so the
 * wishes are stored there, as seconds. 0 is a socket that has not said HELLO.
 */
enum { WISH_HELLO = 1, WISH_OUTPUT = 2, WISH_STDIN = 4, WISH_LOSSLESS = 8 };

static void remember_wishes(int i, const struct client *client)
{
	struct timeval wishes = {
		.tv_sec = WISH_HELLO | (client->want_output ? WISH_OUTPUT : 0) |
			  (client->want_stdin ? WISH_STDIN : 0) |
			  (client->lossless ? WISH_LOSSLESS : 0),
	};

	(void)setsockopt(slot_fd(i), SOL_SOCKET, SO_SNDTIMEO, &wishes, sizeof(wishes));
}

static long wishes_of(int i)
{
	struct timeval wishes = { 0 };
	socklen_t n = sizeof(wishes);

	(void)getsockopt(slot_fd(i), SOL_SOCKET, SO_SNDTIMEO, &wishes, &n);
	return (long)wishes.tv_sec;
}

static void recall_wishes(int i, struct client *client)
{
	long wishes = wishes_of(i);

	client->want_output = wishes & WISH_OUTPUT;
	client->want_stdin = wishes & WISH_STDIN;
	client->lossless = wishes & WISH_LOSSLESS;
}

void client_adopt_all(struct monitor *m)
{
	int i;

	for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		m->clients[i] = (struct client){ .open = peer_is_allowed(slot_fd(i)) };
		if (m->clients[i].open)
			recall_wishes(i, &m->clients[i]);
		else
			(void)close(slot_fd(i));
	}
}

void client_begin(struct monitor *m)
{
	int i;

	client_adopt_all(m);
	for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		if (!m->clients[i].open)
			continue;
		(void)fcntl(slot_fd(i), F_SETFD, FD_CLOEXEC);
		m->clients[i].awaited = wishes_of(i) == 0;
		(void)client_send(m, i, MONITOR_STARTED, NULL, 0);
	}
	m->await_until = m->now + MONITOR_HELLO_MS;
}

static bool has_free_slot(void)
{
	int i;

	for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		if (fcntl(slot_fd(i), F_GETFD) < 0)
			return true;
	}
	return false;
}

int client_accept(struct monitor *m)
{
	int fd, in_slot;

	/* The reader closes them without a word. */
	if (!has_free_slot()) {
		m->accept_retry_at = m->now + ACCEPT_RETRY_MS;
		return -1;
	}
	fd = accept4(MONITOR_FD_LISTEN, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0) {
		/* Out of memory or files: poll(2) would come back at once, for ever. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			m->accept_retry_at = m->now + ACCEPT_RETRY_MS;
		return -1;
	}
	/* It is the lowest free number: below the slots, or in one. Not by dup3(2): the reader may
	 * be opening a file at this moment. */
	in_slot = fd >= MONITOR_FD_CLIENT ? fd : fcntl(fd, F_DUPFD_CLOEXEC, MONITOR_FD_CLIENT);
	if (in_slot != fd)
		(void)close(fd);
	if (in_slot < 0)
		return -1;
	if (in_slot >= slot_fd(MONITOR_CLIENTS_MAX) || !peer_is_allowed(in_slot)) {
		(void)close(in_slot);
		return -1;
	}
	m->clients[in_slot - slot_fd(0)] = (struct client){ .open = true };
	return in_slot - slot_fd(0);
}

bool client_is_awaited(const struct monitor *m)
{
	int i;

	for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		if (m->clients[i].awaited)
			return true;
	}
	return false;
}

void client_stop_awaiting(struct monitor *m)
{
	int i;

	for (i = 0; i < MONITOR_CLIENTS_MAX; i++)
		m->clients[i].awaited = false;
	m->await_until = FOREVER;
}

void monitor_set_stopping(struct monitor *m)
{
	int i;

	m->stopping = true;
	/* Who stops an instance does not wait for somebody's pager. */
	for (i = 0; i < MONITOR_CLIENTS_MAX; i++)
		m->clients[i].lossless = false;
	if (m->phase >= PHASE_NOTIFYING && m->restarting) {
		m->restarting = false;
		end_notify(m);
	}
}

/* Return: 0 or an errno for the answer; -1: the message breaks the protocol. */
static int obey_hello(struct monitor *m, int i, const struct monitor_hello *hello)
{
	struct client *client = &m->clients[i];
	int talking = 0;
	int k;

	for (k = 0; k < MONITOR_CLIENTS_MAX; k++)
		talking += k != i && (m->clients[k].want_output || m->clients[k].want_stdin);
	if ((hello->want_output || hello->want_stdin) &&
	    talking >= MONITOR_CLIENTS_MAX - SLOTS_FOR_CONTROL)
		return -1;
	client->want_output = hello->want_output;
	client->want_stdin = hello->want_stdin;
	client->lossless = hello->lossless && !m->stopping;
	client->awaited = false;
	remember_wishes(i, client);
	return 0;
}

/* Between two starts there is nobody to signal: what asks a program to end calls the next one off.
 */
static int obey_signal(struct monitor *m, const struct monitor_signal *signal)
{
	int s = signal->signal;

	if (m->restarting && (s == SIGHUP || s == SIGINT || s == SIGQUIT || s == SIGTERM)) {
		monitor_set_stopping(m);
		return 0;
	}
	if (syscall(SYS_pidfd_send_signal, MONITOR_FD_PIDFD, s, NULL, 0) < 0)
		return errno;
	return 0;
}

static void obey_winsize(const struct monitor *m, const struct monitor_winsize *size)
{
	struct winsize window = { .ws_row = size->rows, .ws_col = size->columns };

	if (m->s.tty)
		(void)ioctl(MONITOR_FD_OUT, TIOCSWINSZ, &window);
}

static bool obey_stdin(struct monitor *m, int i, size_t n)
{
	struct client *client = &m->clients[i];

	if (client->stdin_held || client->done_owed || !client->want_stdin)
		return false;
	client->stdin_held = true;
	client->stdin_len = (uint32_t)n;
	client->stdin_at = 0;
	input_write(m);
	return true;
}

static void answer(struct monitor *m, int i, uint32_t type, int code)
{
	struct monitor_ok ok = { .type = type, .code = code };

	(void)client_send(m, i, MONITOR_OK, &ok, sizeof(ok));
	/* Who comes during the back-off has missed the news. */
	if (type == MONITOR_HELLO && m->phase == PHASE_BACKOFF) {
		struct monitor_exit news = { .status = end_status(m), .restarting = m->restarting };

		(void)client_send(m, i, MONITOR_EXIT, &news, sizeof(news));
	}
}

/* Return: false when the message breaks the protocol. */
static bool client_obey(struct monitor *m, int i, uint32_t type, const uint8_t *data, size_t n)
{
	union {
		struct monitor_hello hello;
		struct monitor_signal signal;
		struct monitor_winsize winsize;
	} body = { .hello = { 0 } };
	int code = 0;

	if (type == MONITOR_STDIN)
		return obey_stdin(m, i, n);
	if (n > sizeof(body))
		return false;
	memcpy(&body, data, n);
	switch (type) {
	case MONITOR_WINSIZE:
		if (n == sizeof(body.winsize))
			obey_winsize(m, &body.winsize);
		return n == sizeof(body.winsize);
	case MONITOR_HELLO:
		code = n == sizeof(body.hello) ? obey_hello(m, i, &body.hello) : -1;
		break;
	case MONITOR_SIGNAL:
		code = n == sizeof(body.signal) ? obey_signal(m, &body.signal) : -1;
		break;
	case MONITOR_STOPPING:
		if (n != 0)
			return false;
		monitor_set_stopping(m);
		break;
	default:
		return false;
	}
	if (code >= 0)
		answer(m, i, type, code);
	return code >= 0;
}

void client_read(struct monitor *m, int i)
{
	struct monitor_header header = { .type = 0 };
	uint8_t small[16];
	/* While the input buffer is in use, only a control message may come. */
	bool held = m->clients[i].stdin_held;
	uint8_t *data = held ? small : m->buffers->input[i];
	struct iovec iov[2] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = data, .iov_len = held ? sizeof(small) : MONITOR_DATA_MAX },
	};
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n = recvmsg(slot_fd(i), &message, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	m->buffers_used = true;
	if (n < (ssize_t)sizeof(header) || (message.msg_flags & MSG_TRUNC) ||
	    header.length != (size_t)n - sizeof(header) ||
	    !client_obey(m, i, header.type, data, header.length))
		client_close(m, i);
}
