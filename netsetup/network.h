/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network of an instance: one bridge, a veth pair whose far end is born in the instance's
 * namespace, an address from a lease pool, NAT and published ports by one nftables table whose
 * rules never change: only elements of its sets and maps come and go (promise 5). All by netlink.
 *
 * What dies by itself: the veth (with the namespace). What is named after the instance and removed
 * by net_detach or gc: nftables elements (user data = instance name), address lease.
 */
#ifndef JAIL_NETSETUP_NETWORK_H
#define JAIL_NETSETUP_NETWORK_H

#include <netinet/in.h>
#include <sys/types.h>

#include "base/ident.h"

struct net_bridge { /* the default network's configuration */
	char name[16]; /* "jail0" */
	struct in_addr subnet, gateway; /* network byte order */
	unsigned prefix; /* 8..29 */
	unsigned mtu; /* 0 = kernel's default */
};

struct net_port {
	struct in_addr host_address; /* 0.0.0.0 = any */
	uint16_t host_port, port; /* host byte order */
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
};

struct net_plan {
	const struct jail_name *instance;
	const struct net_bridge *bridge;
	struct in_addr address; /* leased beforehand */
	const struct net_port *ports;
	size_t n_ports;
};

struct net_attachment { /* what was made; part of the instance's state */
	char host_interface[16]; /* "ve" + 12 hex of a hash of the name and a start counter */
	uint8_t mac[6];
	struct in_addr address;
};

/* Parses "8080:80/tcp", "192.0.2.7:8080:80", "8080:80". -EOPNOTSUPP, "not supported yet": ranges,
 * SCTP, IPv6, host addresses in 127.0.0.0/8 (a published port is reached from the host itself by
 * any other of its addresses). */
int net_port_parse(const char *text, struct net_port *ret, struct err *e);

/* Address leases: pool_dir holds one lease per address ("10.88.0.7"). wanted 0.0.0.0 = any;
 * -EADDRINUSE names the holder. */
int net_address_lease(int pool_dir, const struct net_bridge *b, struct in_addr wanted,
		      const struct jail_name *owner, struct in_addr *ret, struct err *e);
void net_address_release(int pool_dir, struct in_addr address, const struct jail_name *owner);
/* Port leases of running instances: keys "tcp-8080" (on every address) and "tcp-8080-192.0.2.7",
 * which exclude each other unless they have the same owner. All or none; -EADDRINUSE names port and
 * holder ("port 8080/tcp is already published by web"); a port on which a process of the host
 * listens is refused too (-EADDRINUSE), and an address that the host has not (-EADDRNOTAVAIL). */
int net_ports_lease(int pool_dir, const struct net_port *ports, size_t n,
		    const struct jail_name *owner, struct err *e);
void net_ports_release(int pool_dir, const struct net_port *ports, size_t n,
		       const struct jail_name *owner);

/*
 * Makes bridge, its address, forwarding sysctls, and the nftables table when they are missing or
 * not as they should be (idempotent, cheap when they are there: two dump-free exchanges).
 * Return: 0 all was there; 1 something was made: when it was the table (somebody flushed it, or
 * another version made it), the elements of running instances are gone and net_restore() of each
 * puts them back.
 */
int net_host_ensure(const struct net_bridge *b, struct err *e);

/*
 * Attaches: veth with eth0 inside netns_fd (address, default route, lo up, all set through a socket
 * in that namespace), port flags isolated + locked + learning off + static fdb entry, permanent
 * neighbour entry, elements for anti-spoofing and ports in one nftables transaction. On failure
 * nothing is left.
 */
int net_attach(const struct net_plan *plan, int netns_fd, struct net_attachment *ret,
	       struct err *e);
/* Puts the elements and the neighbour entry of a running instance back. */
int net_restore(const struct net_plan *plan, const struct net_attachment *a, struct err *e);
/* Only lo up: mode "none". */
int net_loopback_up(int netns_fd, struct err *e);
/* Removes the elements of the instance, its flows in conntrack and, if it still exists, its veth.
 * Missing parts are fine. Call it before the leases are released (row 79). */
int net_detach(const struct jail_name *instance, const struct net_attachment *a,
	       const struct net_port *ports, size_t n_ports, struct err *e);
/* For gc: does the same for all elements whose instance is not alive by the callback; also before
 * the leases are released. */
typedef bool net_alive_fn(const struct jail_name *name, void *arg);
int net_gc(net_alive_fn *alive, void *arg, struct err *e);
/* Removes table and bridge when no instance uses them (gc --all, tests). */
int net_host_remove(const struct net_bridge *b, struct err *e);

/*
 * The netfilter socket that this process has used so far, for somebody who keeps it open until the
 * instance ends (closing it is slow, see nft_socket.c): -EBADF if there is none. The other way
 * round for that one's successor; takes the fd. A process that uses these stays in one network
 * namespace.
 */
int net_socket_take(void);
void net_socket_give(int fd);

#endif
