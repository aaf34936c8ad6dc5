/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the published ports share. */
#ifndef JAIL_NETSETUP_PORT_PRIV_H
#define JAIL_NETSETUP_PORT_PRIV_H

#include <arpa/inet.h>

#include "netsetup/port.h"

const char *port_protocol_name(uint8_t protocol); /* "tcp", "udp", "sctp" */
/* Its host address stands for every address of its families. */
bool port_is_any(const struct net_port *port);
/* The host's side, for people: "8080/tcp", "192.0.2.7:8080-8090/udp", "[2001:db8::1]:53/udp". */
void port_show(const struct net_port *port, char ret[static NET_PORT_TEXT_MAX]);

/* Where a port's lease is (port_lease.c). */
#define PORT_KEY_MAX 80
struct port_lease {
	const struct net_port *port;
	char key[PORT_KEY_MAX];
	char hints[PORT_KEY_MAX]; /* "" = needs none */
	char address[INET6_ADDRSTRLEN]; /* "" = of both families */
};
void port_lease_init(struct port_lease *l, const struct net_port *port);
/* The key of a single port: PROTOCOL-NUMBER, and the address if it is not "". */
void port_key(uint8_t protocol, unsigned number, const char *address,
	      char ret[static PORT_KEY_MAX]);
/* The directory of its hints: PROTOCOL-NUMBER@ */
void port_hints(uint8_t protocol, unsigned number, char ret[static PORT_KEY_MAX]);
/* Family and address of a hint; the key of a range, back. False: not one. */
bool port_parse_host(const char *address, struct net_port *ret);
bool port_parse_range(const char *key, struct net_port *ret);

/*
 * A process of the host may use a port: then its clients would be led to the instance instead.
 * Tried with bind(2), for each port of a range and for both families. A protocol or family that
 * this kernel has not is nobody's. Return: 0, -EADDRINUSE, -EADDRNOTAVAIL, -errno.
 */
int port_check_host(const struct net_port *port, struct err *e);

#endif
