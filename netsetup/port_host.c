/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether this host's own processes, or its lack of an address, are in the way of a port. */
#include "netsetup/port_priv.h"

#include <arpa/inet.h>
#include <sys/socket.h>

union port_sockaddr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t port_sockaddr_make(const struct net_port *port, uint8_t family, uint16_t number,
				    union port_sockaddr *ret)
{
	bool both = port->family == AF_UNSPEC;

	*ret = (union port_sockaddr){ .v6 = { .sin6_family = family } };
	if (family == AF_INET) {
		ret->v4.sin_port = htons(number);
		ret->v4.sin_addr.s_addr = both ? htonl(INADDR_ANY) : port->host_address.v4.s_addr;
		return sizeof(ret->v4);
	}
	ret->v6.sin6_port = htons(number);
	ret->v6.sin6_addr = both ? in6addr_any : port->host_address.v6;
	return sizeof(ret->v6);
}

/*
 * Return: fd, -EAFNOSUPPORT when this kernel has no such sockets, -errno. TCP with SO_REUSEADDR, so
 * that only a listening socket is in the way and not the remains of a closed connection; UDP and
 * SCTP know no such difference.
 */
static int port_socket(const struct net_port *port, uint8_t family)
{
	int type = port->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM, one = 1;
	CLEANUP_FD int fd = socket(family, type | SOCK_CLOEXEC, port->protocol);

	if (fd < 0 && (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT))
		return -EAFNOSUPPORT;
	if (fd < 0)
		return -errno;
	if (port->protocol == IPPROTO_TCP &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return -errno;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int port_no_address(const char *shown, const char *address, struct err *e)
{
	(void)err_set(e, EADDRNOTAVAIL, "port %s: this host has no address %s", shown, address);
	return err_hint(e,
			"publish on an address that `ip address` lists, or on all: leave it out");
}

static int port_try(const struct net_port *port, uint8_t family, uint16_t number, struct err *e)
{
	struct net_port one = *port;
	char shown[NET_PORT_TEXT_MAX], address[INET6_ADDRSTRLEN] = "";
	union port_sockaddr a;
	socklen_t n = port_sockaddr_make(port, family, number, &a);
	CLEANUP_FD int fd = port_socket(port, family);

	if (fd == -EAFNOSUPPORT)
		return 0;
	one.host_port = number;
	one.count = 1;
	port_show(&one, shown);
	if (fd < 0)
		return err_ret(e, fd, "port %s: open socket", shown);
	if (bind(fd, &a.any, n) == 0)
		return 0;
	if (errno == EADDRNOTAVAIL) {
		(void)inet_ntop(port->family, &port->host_address, address, sizeof(address));
		return port_no_address(shown, address, e);
	}
	if (errno != EADDRINUSE)
		return err_sys(e, "port %s", shown);
	(void)err_set(e, EADDRINUSE, "port %s is in use: a process of this host listens there",
		      shown);
	return err_hint(e, "stop that process (`ss -lntup` shows it), or publish another port");
}

int port_check_host(const struct net_port *port, struct err *e)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };

	for (unsigned i = 0; i < port->count; i++)
		for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
			int r;

			if (port->family != AF_UNSPEC && port->family != families[f])
				continue;
			r = port_try(port, families[f], (uint16_t)(port->host_port + i), e);
			if (r < 0)
				return r;
		}
	return 0;
}
