/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ports, and who may change them: root of the host, over the control socket. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd/jail-proxy/proxy.h"

struct proxy_port ports[PROXY_PORTS_MAX];
unsigned ports_used;
static bool ports_paused;
static uint64_t retry_ms;

static int peer = -EBADF;
static uint32_t peer_watched, peer_generation;

socklen_t address_length(const union proxy_address *a)
{
	return a->family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
}

static bool port_watch(unsigned i, uint32_t events)
{
	return watch(ports[i].fd, tag_of(KIND_PORT, i, ports[i].generation), &ports[i].watched,
		     events);
}

void ports_pause(void)
{
	ports_paused = true;
	retry_ms = now_ms + PROXY_RETRY_MS;
	for (unsigned i = 0; i < ports_used; i++)
		if (ports[i].fd >= 0 && ports[i].protocol != IPPROTO_UDP)
			(void)port_watch(i, 0);
}

void ports_resume(void)
{
	if (!ports_paused)
		return;
	ports_paused = false;
	for (unsigned i = 0; i < ports_used; i++)
		if (ports[i].fd >= 0 && !port_watch(i, EPOLLIN))
			ports_paused = true;
	retry_ms = now_ms + PROXY_RETRY_MS;
}

int ports_retry(void)
{
	if (ports_paused && !stream_is_full() && now_ms >= retry_ms)
		ports_resume();
	return ports_paused && !stream_is_full() ? (int)(retry_ms - now_ms) : -1;
}

static void port_end(unsigned i)
{
	fd_reset(&ports[i].fd);
	ports[i].watched = 0;
	ports[i].generation++;
	if (ports[i].protocol == IPPROTO_UDP)
		dgram_end_of_port(i);
	else
		stream_end_of_port(i);
}

/* Before whoever waits for our end is told of it, by an answer or by the end of its connection. */
void ports_close(void)
{
	for (unsigned i = 0; i < ports_used; i++)
		fd_reset(&ports[i].fd);
}

static bool is_address(const union proxy_address *a)
{
	return a->family == AF_INET || a->family == AF_INET6;
}

/* Takes fd when it succeeds. Return: an errno. */
static int port_add(const struct proxy_request *r, int *fd)
{
	unsigned i = 0;

	if (*fd < 0 || !is_address(&r->listen) || !is_address(&r->target) ||
	    (r->protocol != IPPROTO_TCP && r->protocol != IPPROTO_UDP &&
	     r->protocol != IPPROTO_SCTP))
		return EINVAL;
	if (fcntl(*fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return errno;
	while (i < ports_used && ports[i].fd >= 0)
		i++;
	if (i == PROXY_PORTS_MAX)
		return E2BIG;
	if (i == ports_used)
		ports_used++;
	ports[i] = (struct proxy_port){
		.fd = TAKE_FD(*fd),
		.generation = ports[i].generation,
		.protocol = r->protocol,
		.listen = r->listen,
		.target = r->target,
		.source = r->source,
	};
	if (!(ports_paused && r->protocol != IPPROTO_UDP) && !port_watch(i, EPOLLIN)) {
		port_end(i);
		return ENOMEM;
	}
	return 0;
}

static int port_remove(const struct proxy_request *r)
{
	for (unsigned i = 0; i < ports_used; i++) {
		if (ports[i].fd < 0 || ports[i].protocol != r->protocol ||
		    !proxy_address_is(&ports[i].listen, &r->listen))
			continue;
		port_end(i);
		return 0;
	}
	return ENOENT;
}

void control_accept(void)
{
	int fd;

	if (peer >= 0)
		return;
	fd = accept4(PROXY_FD_CONTROL, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	peer = fd;
	peer_watched = 0;
	if (!watch(peer, tag_of(KIND_PEER, 0, peer_generation), &peer_watched, EPOLLIN))
		fd_reset(&peer);
}

static void answer(int code)
{
	struct proxy_answer a = { .code = code };

	(void)!send(peer, &a, sizeof(a), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void handle(const struct proxy_request *r, int *fd)
{
	switch (r->type) {
	case PROXY_ADD:
		answer(port_add(r, fd));
		break;
	case PROXY_REMOVE:
		answer(port_remove(r));
		break;
	case PROXY_END:
		ports_close();
		answer(0);
		_exit(0);
	default:
		answer(EINVAL);
	}
}

/* The next one who waits comes in. */
static void peer_end(void)
{
	fd_reset(&peer);
	peer_generation++;
	control_accept();
}

void control_read(void)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} c;
	struct proxy_request r;
	struct iovec v = { &r, sizeof(r) };
	/* Not the room, which is rounded up: a second descriptor would arrive, and stay. */
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &c,
			    .msg_controllen = CMSG_LEN(sizeof(int)) };
	CLEANUP_FD int fd = -EBADF;
	struct cmsghdr *h;
	ssize_t n;

	if (peer < 0)
		return;
	n = recvmsg(peer, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && errno == EAGAIN)
		return;
	h = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL; /* an empty message may bring one, too */
	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS &&
	    h->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(h), sizeof(fd));
	if (n == sizeof(r) && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		handle(&r, &fd);
	else
		peer_end();
}
