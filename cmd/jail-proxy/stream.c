/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections: accepted from a client of the host, connected to the instance, two directions.
 * Either side may end its own half and go on reading. A connection that breaks on one side is reset
 * on the other, as the two would be without us.
 *
 * Events are level-triggered and asked for only as long as something would follow from them: a
 * socket that we can do nothing with now is not in the epoll set at all, or its hang-up would wake
 * us for ever.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "cmd/jail-proxy/proxy.h"
#include "cmd/jail-proxy/pump.h"

#define MESSAGE_STREAMS_MAX 64 /* of SCTP */
#define SYN_RETRIES 3 /* 15 s: the client is told that nobody answers, and the place is free */

enum state { STATE_FREE, STATE_CONNECTING, STATE_OPEN };

struct stream {
	enum state state;
	uint32_t generation;
	int fd[2]; /* the client's, the instance's */
	uint32_t watched[2];
	struct direction directions[2]; /* from fd[i] to the other */
	uint32_t port;
	int messages; /* its place in `messages`, or -1 */
	struct stream *next; /* of the free ones */
};

static struct stream streams[PROXY_CONNECTIONS_MAX];
static unsigned streams_used; /* places that were ever in use: the rest was never touched */
static struct stream *streams_free;
static unsigned streams_n, streams_limit;
static char messages[MESSAGE_STREAMS_MAX][2][PUMP_CHUNK];
static bool messages_taken[MESSAGE_STREAMS_MAX];

void stream_init(unsigned limit)
{
	streams_limit = limit;
}

static unsigned index_of(const struct stream *s)
{
	return (unsigned)(s - streams);
}

static bool stream_watch(struct stream *s, int side, uint32_t events)
{
	return watch(s->fd[side],
		     tag_of(side ? KIND_SERVER : KIND_CLIENT, index_of(s), s->generation),
		     &s->watched[side], events);
}

static void stream_end(struct stream *s, bool reset)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	for (int i = 0; i < 2; i++) {
		pump_drop(&s->directions[i]);
		if (s->fd[i] >= 0 && reset)
			(void)setsockopt(s->fd[i], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		fd_reset(&s->fd[i]);
		s->watched[i] = 0;
	}
	if (s->messages >= 0)
		messages_taken[s->messages] = false;
	s->state = STATE_FREE;
	s->generation++;
	s->next = streams_free;
	streams_free = s;
	streams_n--;
	ports_resume();
}

bool stream_is_full(void)
{
	return streams_n >= streams_limit;
}

/* There is one unless all are full. */
static struct stream *stream_place(void)
{
	struct stream *s = streams_free;

	streams_n++;
	if (!s)
		return &streams[streams_used++];
	streams_free = s->next;
	return s;
}

static int messages_place(void)
{
	for (int i = 0; i < MESSAGE_STREAMS_MAX; i++)
		if (!messages_taken[i])
			return i;
	return -1;
}

/* Return: a socket that is connected, or will be; -1. */
static int stream_connect(const struct proxy_port *p)
{
	CLEANUP_FD int fd = socket(p->target.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				   (int)p->protocol);
	int on = 1, retries = SYN_RETRIES;

	if (fd < 0)
		return -1;
	if (p->protocol == IPPROTO_TCP) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		(void)setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &retries, sizeof(retries));
		(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	}
	/* When the host has lost that address, what it chooses by the route does as well (row 74):
	 * the way to an instance is never the loopback interface. */
	if (p->source.family == p->target.family)
		(void)bind(fd, &p->source.any, address_length(&p->source));
	if (connect(fd, &p->target.any, address_length(&p->target)) < 0 && errno != EINPROGRESS)
		return -1;
	return TAKE_FD(fd);
}

static void stream_begin(unsigned port, int client)
{
	struct stream *s = stream_place();
	const struct proxy_port *p = &ports[port];
	int on = 1, place = p->protocol == IPPROTO_TCP ? -1 : messages_place();

	s->state = STATE_CONNECTING;
	s->port = port;
	s->fd[0] = client;
	s->fd[1] = -EBADF;
	s->watched[0] = s->watched[1] = 0;
	s->messages = place;
	if (place >= 0)
		messages_taken[place] = true;
	for (int i = 0; i < 2; i++)
		pump_init(&s->directions[i], place >= 0 ? messages[place][i] : NULL);
	if (p->protocol == IPPROTO_TCP)
		(void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (p->protocol == IPPROTO_TCP || place >= 0)
		s->fd[1] = stream_connect(p);
	if (s->fd[1] < 0 || !stream_watch(s, 1, EPOLLOUT))
		stream_end(s, true);
}

void stream_accept(unsigned port)
{
	for (int i = 0; i < PROXY_ROUNDS; i++) {
		int fd;

		if (stream_is_full()) {
			ports_pause();
			return;
		}
		fd = accept4(ports[port].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (fd < 0) {
			/* No descriptors, no memory: it would wake us again at once. */
			if (errno != EAGAIN)
				ports_pause();
			return;
		}
		stream_begin(port, fd);
	}
}

static bool stream_pump(struct stream *s)
{
	return pump_run(&s->directions[0], s->fd[0], s->fd[1]) &&
	       pump_run(&s->directions[1], s->fd[1], s->fd[0]);
}

static bool stream_watch_both(struct stream *s)
{
	for (int i = 0; i < 2; i++) {
		uint32_t events = (pump_wants_read(&s->directions[i]) ? (uint32_t)EPOLLIN : 0) |
				  (pump_wants_write(&s->directions[!i]) ? (uint32_t)EPOLLOUT : 0);

		if (!stream_watch(s, i, events))
			return false;
	}
	return true;
}

static bool is_connected(const struct stream *s)
{
	int code = 0;
	socklen_t n = sizeof(code);

	return getsockopt(s->fd[1], SOL_SOCKET, SO_ERROR, &code, &n) == 0 && code == 0;
}

void stream_event(uint64_t tag)
{
	struct stream *s = &streams[(uint32_t)tag];

	if (s->state == STATE_FREE || ((tag >> 32) & 0xffffff) != (s->generation & 0xffffff))
		return;
	if (s->state == STATE_CONNECTING) {
		if (!is_connected(s)) {
			stream_end(s, true);
			return;
		}
		s->state = STATE_OPEN;
	}
	if (!stream_pump(s))
		stream_end(s, true);
	else if (s->directions[0].shut && s->directions[1].shut)
		stream_end(s, false);
	else if (!stream_watch_both(s))
		stream_end(s, true);
}

void stream_end_of_port(unsigned port)
{
	for (unsigned i = 0; i < streams_used; i++)
		if (streams[i].state != STATE_FREE && streams[i].port == port)
			stream_end(&streams[i], true);
}

/* Also of those that we have not yet seen open: the other side may have, and have answered. */
void stream_flush(void)
{
	for (unsigned i = 0; i < streams_used; i++)
		if (streams[i].state != STATE_FREE)
			(void)stream_pump(&streams[i]);
}
