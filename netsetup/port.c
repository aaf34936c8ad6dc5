/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Published ports as text, both ways (port.h has the notation), and which of them exclude each
 * other. Exactly what the pattern in config.schema.json accepts is accepted, but for the length of
 * a range, which no pattern can compare.
 */
#include "netsetup/port_priv.h"

#include <arpa/inet.h>

#include "base/num.h"
#include "base/str.h"

#define PORT_USAGE "[ADDRESS:]HOST-PORT[-LAST]:PORT[-LAST][/tcp|udp|sctp]"

static const struct {
	const char *name;
	uint8_t protocol;
} port_protocols[] = { { "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { "sctp", IPPROTO_SCTP } };

const char *port_protocol_name(uint8_t protocol)
{
	for (size_t i = 0; i < ARRAY_SIZE(port_protocols); i++)
		if (port_protocols[i].protocol == protocol)
			return port_protocols[i].name;
	return "?";
}

static int port_parse_protocol(const char *name, uint8_t *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(port_protocols); i++)
		if (str_eq(name, port_protocols[i].name)) {
			*ret = port_protocols[i].protocol;
			return 0;
		}
	return err_set(e, EINVAL, "unknown protocol \"%s\"; use tcp, udp or sctp", name);
}

/* PORT[-LAST]; cuts the text up. *ret_count is 0 where there is no LAST. */
static int port_parse_numbers(char *numbers, uint16_t *ret_first, uint16_t *ret_count,
			      struct err *e)
{
	char *dash = strchr(numbers, '-');
	uint64_t first = 0, last = 0;

	if (dash)
		*dash++ = '\0';
	if (num_parse_u64(numbers, 1, UINT16_MAX, &first, e) < 0 ||
	    (dash && num_parse_u64(dash, 1, UINT16_MAX, &last, e) < 0))
		return -e->code;
	if (dash && last < first)
		return err_set(e, EINVAL, "%s-%s goes backwards", numbers, dash);
	*ret_first = (uint16_t)first;
	*ret_count = dash ? (uint16_t)(last - first + 1) : 0;
	return 0;
}

static int port_parse_address6(const char *address, struct net_port *ret, struct err *e)
{
	struct in6_addr v6;

	if (inet_pton(AF_INET6, address, &v6) != 1)
		return err_set(e, EINVAL, "\"%s\" is not an IPv6 address", address);
	if (IN6_IS_ADDR_V4MAPPED(&v6))
		return err_set(e, EINVAL, "%s: write the IPv4 address as one", address);
	/* Without its interface a link-local one names no host. */
	if (IN6_IS_ADDR_MULTICAST(&v6) || IN6_IS_ADDR_LINKLOCAL(&v6))
		return err_set(e, EINVAL, "%s is not an address of a host", address);
	ret->family = AF_INET6;
	ret->host_address.v6 = v6;
	return 0;
}

static int port_parse_address4(const char *address, struct net_port *ret, struct err *e)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, address, &v4) != 1) {
		if (inet_pton(AF_INET6, address, &v6) == 1)
			return err_set(e, EINVAL, "an IPv6 address stands in brackets: [%s]",
				       address);
		return err_set(e, EINVAL, "\"%s\" is not an IPv4 address", address);
	}
	if (ntohl(v4.s_addr) >> 28 >= 0xe)
		return err_set(e, EINVAL, "%s is not an address of a host", address);
	ret->family = AF_INET;
	ret->host_address.v4 = v4;
	return 0;
}

static int port_parse_address(char *address, struct net_port *ret, struct err *e)
{
	size_t n = strlen(address);

	if (address[0] != '[')
		return port_parse_address4(address, ret, e);
	if (address[n - 1] != ']')
		return err_set(e, EINVAL, "expected " PORT_USAGE);
	address[n - 1] = '\0';
	return port_parse_address6(address + 1, ret, e);
}

/* Cuts the copy up from its end: PROTOCOL, PORT, HOST-PORT; what is left is the address. */
static int port_parse_copy(char *copy, struct net_port *port, struct err *e)
{
	char *protocol = strchr(copy, '/'), *inside, *host;
	uint16_t count = 0;

	if (protocol)
		*protocol++ = '\0';
	if (protocol && port_parse_protocol(protocol, &port->protocol, e) < 0)
		return -e->code;
	inside = strrchr(copy, ':');
	if (!inside)
		return err_set(e, EINVAL, "expected " PORT_USAGE);
	*inside++ = '\0';
	host = strrchr(copy, ':');
	if (host) {
		*host++ = '\0';
		if (port_parse_address(copy, port, e) < 0)
			return -e->code;
	}
	if (port_parse_numbers(host ? host : copy, &port->host_port, &port->count, e) < 0 ||
	    port_parse_numbers(inside, &port->port, &count, e) < 0)
		return -e->code;
	if (port->count != count)
		return err_set(e, EINVAL, "a range is as long on both sides");
	if (port->count == 0)
		port->count = 1;
	return 0;
}

int net_port_parse(const char *text, struct net_port *ret, struct err *e)
{
	struct net_port port = { .family = AF_UNSPEC, .protocol = IPPROTO_TCP };
	char copy[NET_PORT_TEXT_MAX];
	int r;

	if (str_format(copy, sizeof(copy), "%s", text) < 0)
		return err_set(e, EINVAL, "port \"%.64s...\": too long", text);
	r = port_parse_copy(copy, &port, e);
	if (r < 0)
		return err_wrap(e, "port \"%s\"", text);
	*ret = port;
	return 0;
}

bool port_is_any(const struct net_port *port)
{
	return port->family == AF_UNSPEC ||
	       (port->family == AF_INET && port->host_address.v4.s_addr == htonl(INADDR_ANY)) ||
	       (port->family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&port->host_address.v6));
}

/* The address and the colon behind it; "" for both families. */
static void port_format_address(const struct net_port *port, char ret[static INET6_ADDRSTRLEN + 3])
{
	char address[INET6_ADDRSTRLEN] = "";
	bool six = port->family == AF_INET6;

	ret[0] = '\0';
	if (port->family == AF_UNSPEC)
		return;
	(void)inet_ntop(port->family, &port->host_address, address, sizeof(address));
	(void)str_format(ret, INET6_ADDRSTRLEN + 3, "%s%s%s:", six ? "[" : "", address,
			 six ? "]" : "");
}

static void port_format_numbers(unsigned first, unsigned count, char ret[static 16])
{
	if (count > 1)
		(void)str_format(ret, 16, "%u-%u", first, first + count - 1);
	else
		(void)str_format(ret, 16, "%u", first);
}

void net_port_format(const struct net_port *port, char ret[static NET_PORT_TEXT_MAX])
{
	char address[INET6_ADDRSTRLEN + 3], host[16], inside[16];

	port_format_address(port, address);
	port_format_numbers(port->host_port, port->count, host);
	port_format_numbers(port->port, port->count, inside);
	(void)str_format(ret, NET_PORT_TEXT_MAX, "%s%s:%s/%s", address, host, inside,
			 port_protocol_name(port->protocol));
}

void port_show(const struct net_port *port, char ret[static NET_PORT_TEXT_MAX])
{
	char address[INET6_ADDRSTRLEN + 3], host[16];

	port_format_address(port, address);
	port_format_numbers(port->host_port, port->count, host);
	(void)str_format(ret, NET_PORT_TEXT_MAX, "%s%s/%s", address, host,
			 port_protocol_name(port->protocol));
}

bool net_ports_collide(const struct net_port *a, const struct net_port *b)
{
	size_t n = a->family == AF_INET ? sizeof(a->host_address.v4) : sizeof(a->host_address.v6);

	if (a->protocol != b->protocol || a->host_port >= b->host_port + b->count ||
	    b->host_port >= a->host_port + a->count)
		return false;
	if (a->family == AF_UNSPEC || b->family == AF_UNSPEC)
		return true;
	if (a->family != b->family)
		return false;
	return port_is_any(a) || port_is_any(b) ||
	       memcmp(&a->host_address, &b->host_address, n) == 0;
}
