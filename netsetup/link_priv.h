/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links, addresses, routes and neighbours by rtnetlink. All functions borrow the socket. */
#ifndef JAIL_NETSETUP_LINK_PRIV_H
#define JAIL_NETSETUP_LINK_PRIV_H

#include <netinet/in.h>

#include "netsetup/network.h"
#include "netsetup/nl_priv.h"

#define LINK_INSIDE "eth0"
#define LINK_MAC_LEN 6
#define NET_GROUP 0x6a61696cu /* IFLA_GROUP of every host interface of ours: "jail" */
#define LINK_ALIAS_PREFIX "jail:" /* then the instance's name */

/* The MAC address of an instance or bridge: from the sha256 of "kind:name", locally administered,
 * unicast. The same name always has the same one. */
void link_mac_of(const char *kind, const char *name, uint8_t ret[static LINK_MAC_LEN]);
/* The name of the host's end: "ve" and 12 hex digits of a hash of name and time, because the end
 * of an earlier life may still be on its way out. */
void link_host_name(const struct jail_name *instance, char ret[static 16]);

/* Index of an interface, by the namespace of the socket. Return: > 0, 0 = no such interface. */
unsigned link_index(const struct nl *nl, const char *name);

struct link_veth {
	const char *host_name; /* in the namespace of the socket */
	const uint8_t *mac; /* of the far end */
	int netns_fd; /* where the far end is born */
	unsigned bridge_index, mtu;
	const char *instance; /* "jail:INSTANCE" becomes the alias of the host's end */
	struct in_addr address; /* of the far end */
};
/* Makes the pair, the host's end as a port of the bridge; both down. */
int link_veth_create(struct nl *nl, const struct link_veth *v, struct err *e);
/* Guards the port, sets its entries of fdb and neighbour table, and brings the host's end up. */
int link_port_setup(struct nl *nl, const struct link_veth *v, unsigned index, struct err *e);
/* Lets a port that has just got its carrier forward now, not when the kernel's worker comes to it:
 * the first packet would be lost, and if it is an ARP request, a second. */
int link_settle(struct nl *nl, const struct link_veth *v, unsigned index, struct err *e);
/* All host ends, known by their alias. Caller frees *ret. (A dump: for gc.) */
struct link_found {
	char name[16];
	char instance[LIMIT_NAME_LEN + 1];
};
int link_list_veths(struct nl *nl, struct link_found **ret, size_t *ret_n, struct err *e);
/* A missing link is fine. Takes 10 ms and more: the kernel waits for grace periods. */
int link_delete(struct nl *nl, const char *name, struct err *e);

/* The bridge, down; one that exists already is left as it is (-EEXIST if it is no bridge). */
int link_bridge_create(struct nl *nl, const struct net_bridge *b, struct err *e);
/* Its address, and up. Existing parts are fine. */
int link_bridge_up(struct nl *nl, const struct net_bridge *b, unsigned index, struct err *e);

struct link_bridge_state {
	unsigned index; /* 0 = no such link */
	bool is_bridge, up;
	bool forwarding; /* of IPv4 on this host */
	bool has_gateway; /* the gateway address is the bridge's own */
	unsigned gateway_index, gateway_prefix; /* what the gateway address would be routed by */
};
/* One exchange, no dump. */
int link_bridge_query(struct nl *nl, const struct net_bridge *b, struct link_bridge_state *ret,
		      struct err *e);
/* The interface that the route to a host goes out by; 0 = no route. */
int link_route_index(struct nl *nl, struct in_addr to, unsigned *ret, struct err *e);
/* Number of ports of the bridge (a dump: not for the way of a start). */
int link_bridge_ports(struct nl *nl, unsigned index, unsigned *ret, struct err *e);

/* Inside the instance's namespace: lo and eth0 up, address, default route. */
int link_inside_setup(struct nl *nl, const struct net_plan *plan, struct err *e);
int link_loopback_up(struct nl *nl, struct err *e);

/* Message that gives the interface an address with its subnet and broadcast address. */
void link_put_address(struct nl_batch *b, unsigned index, struct in_addr address, unsigned prefix);
/* Message: no IPv6 link-local address, so no join and probe messages (rows 70, 75). It goes before
 * the one that brings the interface up: within one message the kernel looks at flags first. */
void link_put_no_ipv6_address(struct nl_batch *b, unsigned index);
/* Permanent neighbour entry; index: of the bridge. */
void link_neighbour_put(struct nl_batch *b, unsigned index, struct in_addr address,
			const uint8_t *mac);
int link_neighbour_set(struct nl *nl, unsigned index, struct in_addr address, const uint8_t *mac,
		       struct err *e);
/* Missing is fine. */
int link_neighbour_delete(struct nl *nl, unsigned index, struct in_addr address, struct err *e);

#endif
