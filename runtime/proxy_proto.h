/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the engine and jail-proxy, the small program that carries connections to ports published
 * on loopback into the instance (row 72). Must compile with musl.
 *
 *     jail-proxy NAME UID CONNECTIONS
 *
 * UID (never 0) is what it becomes; CONNECTIONS, 1 to PROXY_CONNECTIONS_MAX, is how many it has at
 * once; further ones wait in the backlog. It opens nothing by name: what it listens on arrives over
 * the control socket. It ends when the init does, or when it is told to.
 *
 * A request is one struct proxy_request, for PROXY_ADD with the bound (and listening) socket; the
 * answer is a struct proxy_answer, in the same order. One client at a time; others wait.
 */
#ifndef JAIL_RUNTIME_PROXY_PROTO_H
#define JAIL_RUNTIME_PROXY_PROTO_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define PROXY_CONNECTIONS_MAX 1024
#define PROXY_PORTS_MAX 1024 /* sockets that it listens on */

enum proxy_fd {
	PROXY_FD_PIDFD = 3, /* of the instance's init */
	PROXY_FD_CONTROL = 4, /* listening, SOCK_SEQPACKET */
	PROXY_FD_END, /* what is above is closed */
};

union proxy_address {
	sa_family_t family; /* AF_UNSPEC: none */
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* The same address and port; of IPv6, also the scope. */
static inline bool proxy_address_is(const union proxy_address *a, const union proxy_address *b)
{
	if (a->family != b->family)
		return false;
	if (a->family == AF_INET6)
		return IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr) &&
		       a->v6.sin6_port == b->v6.sin6_port &&
		       a->v6.sin6_scope_id == b->v6.sin6_scope_id;
	return a->family != AF_INET ||
	       (a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr && a->v4.sin_port == b->v4.sin_port);
}

enum proxy_type {
	PROXY_ADD = 1,
	PROXY_REMOVE, /* by protocol and listen; its connections end */
	PROXY_END, /* answered when no port is listened on any more */
};

struct proxy_request {
	uint32_t type, protocol; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
	union proxy_address listen, target;
	union proxy_address source; /* what the instance sees; of the target's family, or none */
};

struct proxy_answer {
	int32_t code; /* 0 or an errno */
};

#endif
