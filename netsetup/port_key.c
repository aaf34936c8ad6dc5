/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of port leases: port_lease.c has the list of them. */
#include "netsetup/port_priv.h"

#include <arpa/inet.h>

#include "base/num.h"
#include "base/str.h"

void port_key(uint8_t protocol, unsigned number, const char *address, char ret[static PORT_KEY_MAX])
{
	(void)snprintf(ret, PORT_KEY_MAX, "%s-%u%s%s", port_protocol_name(protocol), number,
		       address[0] ? "-" : "", address);
}

void port_hints(uint8_t protocol, unsigned number, char ret[static PORT_KEY_MAX])
{
	(void)snprintf(ret, PORT_KEY_MAX, "%s-%u@", port_protocol_name(protocol), number);
}

void port_lease_init(struct port_lease *l, const struct net_port *port)
{
	*l = (struct port_lease){ .port = port };
	if (port->family != AF_UNSPEC)
		(void)inet_ntop(port->family, &port->host_address, l->address, sizeof(l->address));
	if (port->count > 1) {
		(void)snprintf(l->key, sizeof(l->key), "%s-%u-%u%s%s",
			       port_protocol_name(port->protocol), port->host_port,
			       port->host_port + port->count - 1u, l->address[0] ? "-" : "",
			       l->address);
		return;
	}
	port_key(port->protocol, port->host_port, l->address, l->key);
	if (l->address[0])
		port_hints(port->protocol, port->host_port, l->hints);
}

bool port_parse_host(const char *address, struct net_port *ret)
{
	ret->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	return inet_pton(ret->family, address, &ret->host_address) == 1;
}

bool port_parse_range(const char *key, struct net_port *ret)
{
	char copy[PORT_KEY_MAX], *rest = copy, *protocol, *first, *last;
	struct err ignored = ERR_INIT;
	uint64_t a = 0, b = 0;

	*ret = (struct net_port){ .family = AF_UNSPEC };
	if (str_format(copy, sizeof(copy), "%s", key) < 0)
		return false;
	protocol = strsep(&rest, "-");
	first = strsep(&rest, "-");
	last = strsep(&rest, "-");
	if (!last || num_parse_u64(first, 1, UINT16_MAX, &a, &ignored) < 0 ||
	    num_parse_u64(last, a, UINT16_MAX, &b, &ignored) < 0)
		return false;
	ret->protocol = str_eq(protocol, "tcp")	  ? IPPROTO_TCP
			: str_eq(protocol, "udp") ? IPPROTO_UDP
						  : IPPROTO_SCTP;
	ret->host_port = (uint16_t)a;
	ret->count = (uint16_t)(b - a + 1);
	return !rest || port_parse_host(rest, ret);
}
