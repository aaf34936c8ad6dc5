/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Published ports as text: [HOST_ADDRESS:]HOST_PORT:PORT[/PROTOCOL]. What a later version may know
 * is told apart from what is wrong: -EOPNOTSUPP and "not supported yet".
 */
#include "netsetup/network.h"

#include <arpa/inet.h>

#include "base/num.h"
#include "base/str.h"

#define PORT_TEXT_MAX 64
#define PORT_USAGE "[ADDRESS:]HOST_PORT:PORT[/tcp|/udp]"

static int port_not_yet(const char *text, const char *what, struct err *e)
{
	return err_set(e, EOPNOTSUPP, "port \"%.64s\": %s not supported yet", text, what);
}

static int port_parse_protocol(const char *text, const char *name, uint8_t *ret, struct err *e)
{
	if (str_eq(name, "tcp")) {
		*ret = IPPROTO_TCP;
		return 0;
	}
	if (str_eq(name, "udp")) {
		*ret = IPPROTO_UDP;
		return 0;
	}
	if (str_eq(name, "sctp"))
		return port_not_yet(text, "SCTP is", e);
	return err_set(e, EINVAL, "port \"%.64s\": unknown protocol \"%s\"; use tcp or udp", text,
		       name);
}

static int port_parse_number(const char *text, const char *number, uint16_t *ret, struct err *e)
{
	uint64_t value;

	if (strchr(number, '-'))
		return port_not_yet(text, "port ranges are", e);
	if (num_parse_u64(number, 1, UINT16_MAX, &value, e) < 0)
		return err_wrap(e, "port \"%.64s\"", text);
	*ret = (uint16_t)value;
	return 0;
}

static int port_parse_address(const char *text, const char *address, struct in_addr *ret,
			      struct err *e)
{
	struct in_addr parsed;
	uint32_t host;

	if (inet_pton(AF_INET, address, &parsed) != 1)
		return err_set(e, EINVAL, "port \"%.64s\": \"%s\" is not an IPv4 address", text,
			       address);
	host = ntohl(parsed.s_addr);
	/* Without route_localnet, which would open 127.0.0.1 to neighbours (row 72), the kernel
	 * does not route a packet with such an address to the bridge. */
	if (host >> 24 == 127)
		return port_not_yet(text, "publishing on a loopback address is", e);
	if (IN_MULTICAST(host) || IN_BADCLASS(host))
		return err_set(e, EINVAL, "port \"%.64s\": %s is not an address of a host", text,
			       address);
	*ret = parsed;
	return 0;
}

int net_port_parse(const char *text, struct net_port *ret, struct err *e)
{
	struct net_port port = { .protocol = IPPROTO_TCP };
	char copy[PORT_TEXT_MAX], *address = NULL, *host_port, *inside, *protocol;
	int r;

	if (str_format(copy, sizeof(copy), "%s", text) < 0)
		return err_set(e, EINVAL, "port \"%.64s...\": too long", text);
	if (copy[0] == '[')
		return port_not_yet(text, "IPv6 is", e);
	protocol = strchr(copy, '/');
	if (protocol)
		*protocol++ = '\0';
	inside = strrchr(copy, ':');
	if (!inside)
		return err_set(e, EINVAL, "port \"%s\": expected " PORT_USAGE, text);
	*inside++ = '\0';
	host_port = strrchr(copy, ':');
	if (host_port) {
		*host_port++ = '\0';
		address = copy;
	} else {
		host_port = copy;
	}
	r = protocol ? port_parse_protocol(text, protocol, &port.protocol, e) : 0;
	if (r >= 0 && address)
		r = port_parse_address(text, address, &port.host_address, e);
	if (r >= 0)
		r = port_parse_number(text, host_port, &port.host_port, e);
	if (r >= 0)
		r = port_parse_number(text, inside, &port.port, e);
	if (r < 0)
		return r;
	*ret = port;
	return 0;
}
