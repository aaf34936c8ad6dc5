/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/proxy_priv.h"

#define ANSWER_MS 5000
#define BACKLOG 1024

static const char *protocol_name(unsigned protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : protocol == IPPROTO_UDP ? "udp" : "sctp";
}

/* "127.0.0.1:8080/tcp", for messages. */
static const char *port_text(const struct proxy_request *r, char ret[static 80])
{
	bool v6 = r->listen.family == AF_INET6;
	char address[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(r->listen.family,
			v6 ? (const void *)&r->listen.v6.sin6_addr : &r->listen.v4.sin_addr,
			address, sizeof(address));
	(void)str_format(ret, 80, v6 ? "[%s]:%u/%s" : "%s:%u/%s", address,
			 ntohs(v6 ? r->listen.v6.sin6_port : r->listen.v4.sin_port),
			 protocol_name(r->protocol));
	return ret;
}

static union proxy_address address4(struct in_addr a, uint16_t port)
{
	union proxy_address ret;

	memset(&ret, 0, sizeof(ret));
	ret.v4 = (struct sockaddr_in){ .sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr = a };
	return ret;
}

static union proxy_address address6(const struct in6_addr *a, uint16_t port)
{
	union proxy_address ret;

	memset(&ret, 0, sizeof(ret));
	ret.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
					.sin6_port = htons(port),
					.sin6_addr = *a };
	return ret;
}

static bool has6(const struct in6_addr *a)
{
	return !IN6_IS_ADDR_UNSPECIFIED(a);
}

/* The i-th port of a range. Return: false when the instance has no address. */
static bool request_of(const struct proxy_plan *plan, const struct net_port *port, unsigned i,
		       struct proxy_request *ret)
{
	const struct net_addresses *a = &plan->addresses, *g = &plan->gateways;
	uint16_t host = (uint16_t)(port->host_port + i), inside = (uint16_t)(port->port + i);
	bool v6 = port->family == AF_INET6;
	bool to6 = v6 ? has6(&a->v6) : !a->v4.s_addr;

	memset(ret, 0, sizeof(*ret));
	ret->type = PROXY_ADD;
	ret->protocol = port->protocol;
	ret->listen =
		v6 ? address6(&port->host_address.v6, host) : address4(port->host_address.v4, host);
	ret->target = to6 ? address6(&a->v6, inside) : address4(a->v4, inside);
	if (to6 ? has6(&g->v6) : g->v4.s_addr != 0)
		ret->source = to6 ? address6(&g->v6, 0) : address4(g->v4, 0);
	return to6 ? has6(&a->v6) : a->v4.s_addr != 0;
}

void proxy_ports_free(struct proxy_ports *p)
{
	for (size_t i = 0; i < p->n; i++)
		fd_reset(&p->v[i].fd);
	free(p->v);
	*p = (struct proxy_ports){ .v = NULL };
}

static int add_range(const struct proxy_plan *plan, const struct net_port *port,
		     struct proxy_ports *ret, struct err *e)
{
	struct proxy_port_plan *v;
	char text[80];

	if (ret->n + port->count > PROXY_PORTS_MAX) {
		err_set(e, E2BIG, "network.ports: more than %d on loopback", PROXY_PORTS_MAX);
		return err_hint(e, "publish a shorter range, or one on another address");
	}
	v = reallocarray(ret->v, ret->n + port->count, sizeof(*v));
	if (!v)
		return err_nomem(e);
	ret->v = v;
	for (unsigned i = 0; i < port->count; i++) {
		v = &ret->v[ret->n];
		v->fd = -EBADF;
		if (!request_of(plan, port, i, &v->request))
			return err_set(e, EADDRNOTAVAIL, "port %s: instance %s has no address",
				       port_text(&v->request, text), plan->instance->s);
		ret->n++;
	}
	return 0;
}

int proxy_ports_of(const struct proxy_plan *plan, struct proxy_ports *ret, struct err *e)
{
	for (size_t i = 0; i < plan->n_ports; i++)
		if (net_port_is_loopback(&plan->ports[i]) &&
		    add_range(plan, &plan->ports[i], ret, e) < 0)
			return -e->code;
	return 0;
}

static int bind_error(const struct proxy_request *r, struct err *e)
{
	bool used = errno == EADDRINUSE;
	char text[80];

	err_sys(e, "listen on port %s", port_text(r, text));
	return used ? err_hint(e, "another process of this host has it: publish another port")
		    : -e->code;
}

int proxy_port_bind(struct proxy_port_plan *p, struct err *e)
{
	const struct proxy_request *r = &p->request;
	bool v6 = r->listen.family == AF_INET6, udp = r->protocol == IPPROTO_UDP;
	int type = (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, on = 1;
	CLEANUP_FD int fd = socket(r->listen.family, type, (int)r->protocol);

	/* What is left of connections of an earlier proxy must not be in the way. For UDP the
	 * option would let another process have the port as well. */
	if (fd < 0 || (!udp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0) ||
	    (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    bind(fd, &r->listen.any, v6 ? sizeof(r->listen.v6) : sizeof(r->listen.v4)) < 0 ||
	    (!udp && listen(fd, BACKLOG) < 0))
		return bind_error(r, e);
	p->fd = TAKE_FD(fd);
	return 0;
}

static bool is_same(const struct proxy_request *a, const struct proxy_request *b)
{
	return a->type == b->type && a->protocol == b->protocol &&
	       proxy_address_is(&a->listen, &b->listen) &&
	       proxy_address_is(&a->target, &b->target) && proxy_address_is(&a->source, &b->source);
}

/* Takes out of both what is in both. O(n^2) of at most PROXY_PORTS_MAX. */
static void forget_common(struct proxy_ports *a, struct proxy_ports *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->n; i++) {
		size_t k = 0;

		while (k < b->n && !is_same(&a->v[i].request, &b->v[k].request))
			k++;
		if (k < b->n)
			b->v[k] = b->v[--b->n];
		else
			a->v[kept++] = a->v[i];
	}
	a->n = kept;
}

static int send_timed(int sock, const struct proxy_request *r, int fd)
{
	struct pollfd p = { .fd = sock, .events = POLLOUT };

	if (poll(&p, 1, ANSWER_MS) == 0)
		return -ETIMEDOUT;
	return fd_send(sock, r, sizeof(*r), &fd, fd >= 0 ? 1 : 0);
}

/* Return: 0 or what the answer said, -EPIPE: it ended, -ETIMEDOUT. */
static int ask(int sock, const struct proxy_request *r, int fd)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	struct proxy_answer a;
	size_t none = 0;
	ssize_t n;
	int got = send_timed(sock, r, fd);

	if (got < 0)
		return got;
	do
		got = poll(&p, 1, ANSWER_MS);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return got == 0 ? -ETIMEDOUT : -errno;
	n = fd_recv(sock, &a, sizeof(a), NULL, &none);
	if (n < 0)
		return (int)n;
	return n == sizeof(a) ? -a.code : -EPIPE;
}

static int ask_all(int sock, const struct proxy_ports *ports, uint32_t type, struct err *e)
{
	for (size_t i = 0; i < ports->n; i++) {
		struct proxy_request r = ports->v[i].request;
		char text[80];
		int code;

		r.type = type;
		code = ask(sock, &r, type == PROXY_ADD ? ports->v[i].fd : -EBADF);
		if (code == -EPIPE || code == -ECONNRESET)
			return err_set(e, EPIPE, "port %s: jail-proxy has ended",
				       port_text(&r, text));
		if (code < 0)
			return err_ret(e, code, "port %s: jail-proxy", port_text(&r, text));
	}
	return 0;
}

/* Connects to the one of that run directory. -ENOENT: there is none. */
static int proxy_connect(int run)
{
	struct timeval wait = { .tv_sec = ANSWER_MS / 1000 };
	CLEANUP_FD int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un a;

	if (sock < 0)
		return -errno;
	proxy_socket_address(run, &a);
	/* It bounds connect(2) to one whose backlog is full, since it is stopped. */
	if (setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0)
		return -errno;
	if (connect(sock, (struct sockaddr *)&a, sizeof(a)) < 0)
		return errno == ECONNREFUSED ? -ENOENT : -errno;
	return TAKE_FD(sock);
}

static bool is_listened_on(const struct proxy_ports *ports, const struct proxy_request *r)
{
	for (size_t i = 0; i < ports->n; i++) {
		const struct proxy_request *other = &ports->v[i].request;

		if (other->protocol == r->protocol && proxy_address_is(&other->listen, &r->listen))
			return true;
	}
	return false;
}

/* Those that are not bound yet, and are not among `except`. */
static int bind_all(struct proxy_ports *ports, const struct proxy_ports *except, struct err *e)
{
	for (size_t i = 0; i < ports->n; i++) {
		struct proxy_port_plan *p = &ports->v[i];

		if (p->fd < 0 && !(except && is_listened_on(except, &p->request)) &&
		    proxy_port_bind(p, e) < 0)
			return -e->code;
	}
	return 0;
}

/* The first ports of a program that is started for them. */
static int begin(const struct proxy_place *place, const struct proxy_plan *plan,
		 struct proxy_ports *ports, struct err *e)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int sock = -EBADF;

	if (bind_all(ports, NULL, e) < 0 || proxy_spawn(place, plan, e) < 0)
		return -e->code;
	sock = proxy_connect(place->run);
	if (sock < 0)
		err_ret(e, TAKE_FD(sock), "jail-proxy has ended");
	else if (ask_all(sock, ports, PROXY_ADD, e) >= 0)
		return 0;
	fd_reset(&sock); /* it takes one client at a time */
	(void)proxy_stop(place->run, &ignored);
	return -e->code;
}

int proxy_start(const struct proxy_place *place, const struct proxy_plan *plan, struct err *e)
{
	CLEANUP(proxy_ports_free) struct proxy_ports ports = { .v = NULL };

	if (proxy_ports_of(plan, &ports, e) < 0)
		return err_wrap(e, "network.ports");
	if (ports.n == 0)
		return 0;
	return begin(place, plan, &ports, e) < 0 ? err_wrap(e, "network.ports") : 0;
}

static int change(const struct proxy_place *place, struct proxy_ports *before,
		  struct proxy_ports *after, struct err *e)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int sock = -EBADF;

	sock = proxy_connect(place->run);
	if (sock < 0)
		return err_ret(e, TAKE_FD(sock), "connect to jail-proxy");
	/* While nothing has ended yet. A port that gets another target is in the way of itself. */
	if (bind_all(after, before, e) < 0)
		return -e->code;
	if (ask_all(sock, before, PROXY_REMOVE, e) >= 0 && bind_all(after, NULL, e) >= 0 &&
	    ask_all(sock, after, PROXY_ADD, e) >= 0)
		return 0;
	/* Back to what it was; what can't be is not there, as if nobody had it. */
	(void)ask_all(sock, after, PROXY_REMOVE, &ignored);
	for (size_t i = 0; i < after->n; i++)
		fd_reset(&after->v[i].fd);
	ignored = ERR_INIT;
	if (bind_all(before, NULL, &ignored) >= 0)
		(void)ask_all(sock, before, PROXY_ADD, &ignored);
	return -e->code;
}

int proxy_change(const struct proxy_place *place, const struct proxy_plan *from,
		 const struct proxy_plan *to, struct err *e)
{
	CLEANUP(proxy_ports_free) struct proxy_ports before = { .v = NULL }, after = { .v = NULL };
	bool had;
	int r;

	if (proxy_ports_of(from, &before, e) < 0 || proxy_ports_of(to, &after, e) < 0)
		return err_wrap(e, "network.ports");
	if (after.n == 0)
		return before.n == 0 ? 0 : proxy_stop(place->run, e);
	had = before.n > 0;
	forget_common(&before, &after);
	if (before.n == 0 && after.n == 0)
		return 0;
	r = had ? change(place, &before, &after, e) : begin(place, to, &after, e);
	return r < 0 ? err_wrap(e, "network.ports") : 0;
}

int proxy_stop(int run, struct err *e)
{
	struct proxy_request end = { .type = PROXY_END };
	CLEANUP_FD int sock = proxy_connect(run);
	int r;

	if (sock < 0)
		return sock == -ENOENT ? 0 : err_ret(e, TAKE_FD(sock), "connect to jail-proxy");
	r = ask(sock, &end, -EBADF);
	/* It ends just now, with the init. */
	if (r == -EPIPE || r == -ECONNRESET)
		r = 0;
	return r < 0 ? err_ret(e, r, "end jail-proxy") : 0;
}
