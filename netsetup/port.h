/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Published ports: their notation, and who has which.
 *
 *     [ADDRESS:]HOST-PORT[-LAST]:PORT[-LAST][/tcp|udp|sctp]
 *
 * An IPv6 address stands in brackets: "[2001:db8::1]:8080:80". Without an address a port is
 * published on every address of both families. A range is as long on both sides.
 */
#ifndef JAIL_NETSETUP_PORT_H
#define JAIL_NETSETUP_PORT_H

#include "netsetup/network.h"

int net_port_parse(const char *text, struct net_port *ret, struct err *e);
/* The canonical text: what net_port_parse reads. */
#define NET_PORT_TEXT_MAX 80
void net_port_format(const struct net_port *port, char ret[static NET_PORT_TEXT_MAX]);
/* May not be published both, by two owners or one. */
bool net_ports_collide(const struct net_port *a, const struct net_port *b);

/*
 * Port leases of running instances. All or none; -EADDRINUSE names port and holder ("port 8080/tcp
 * is already published by OWNER"); a port on which a process of the host listens is refused too
 * (-EADDRINUSE), and an address that the host has not (-EADDRNOTAVAIL). A single port costs the
 * same however many others there are; a range, in proportion to its length. What the owner has
 * already stays its own, also on failure: so a running one leases its new list, and afterwards
 * releases what only the old one has (net_ports_release_others()).
 */
int net_ports_lease(int pool_dir, const struct net_port *ports, size_t n,
		    const struct jail_name *owner, struct err *e);
void net_ports_release(int pool_dir, const struct net_port *ports, size_t n,
		       const struct jail_name *owner);
/* Releases those of `ports` that are not among `kept`. */
void net_ports_release_others(int pool_dir, const struct net_port *ports, size_t n,
			      const struct net_port *kept, size_t n_kept,
			      const struct jail_name *owner);
/* All that it has, when nobody knows any more what that is: looks at every lease there is. */
void net_ports_release_all(int pool_dir, const struct jail_name *owner);
/* Leases of ranges are in a pool of their own, inside: for gc, which goes through both. Return: an
 * fd that is the caller's, -ENOENT when there are none, -errno. */
int net_ports_open_ranges(int pool_dir);

#endif
