/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links by rtnetlink: those of the host that all instances share (bridge.c), and what is the same
 * for all (link.c). All functions borrow the socket. One instance's: end_priv.h. */
#ifndef JAIL_NETSETUP_LINK_PRIV_H
#define JAIL_NETSETUP_LINK_PRIV_H

#include <netinet/in.h>

#include "netsetup/network.h"
#include "netsetup/nl_priv.h"

#define LINK_INSIDE "eth0"
#define LINK_MAC_LEN NET_MAC_LEN
#define NET_GROUP 0x6a61696cu /* IFLA_GROUP of every host interface of ours: "jail" */
#define LINK_ALIAS_PREFIX "jail:" /* then the instance's name */
/* Of a network's own interface, then its name: nothing that an instance's alias begins with. */
#define LINK_NETWORK_PREFIX "jail-network:"
#define LINK_ALIAS_MAX 128
/* One queue: the default allocates one for each possible CPU, at each start. */
#define LINK_QUEUES 1

/* ---- identity.c ---- */

/* The MAC address of one of our host interfaces, as net_mac_of(). */
void link_mac_of(const char *kind, const char *name, uint8_t ret[static LINK_MAC_LEN]);
/* The name of a further bridge of a network (segment_priv.h). */
void link_segment_name_of(const char *interface, unsigned segment, char ret[static 16]);
/* A name that net_host_name_of() or net_shaper_name_of() could have made. */
bool link_is_ours(const char *name);

/* ---- link.c ---- */

/* Index of an interface, also by an altname, by the namespace of the socket. Return: > 0, 0 = no
 * such interface. */
unsigned link_index(const struct nl *nl, const char *name);

struct link_state {
	unsigned index; /* 0 = no such link */
	unsigned flags, mtu, group, master; /* IFF_UP, ... */
	uint8_t mac[LINK_MAC_LEN];
	char name[16], kind[16], alias[LINK_ALIAS_MAX];
	bool inet6; /* IPv6 is there, and not disabled on this interface */
	int accept_ra, autoconf, forwarding6; /* of IPv6; 0 without */
};
/* Message that asks for a link by its name or, with NULL, index; and what takes the answer. */
void link_put_query(struct nl_batch *b, const char *name, unsigned index);
void link_take_state(const struct nlmsghdr *nlh, struct link_state *ret);
/* One exchange. A link that is not there is no error. */
int link_get(struct nl *nl, const char *name, unsigned index, struct link_state *ret,
	     struct err *e);
/* Makes the kernel act now on a carrier that has come or gone, which its worker would do later
 * (linkwatch_sync_dev(), Linux 6.8). By the namespace of the socket. */
void link_sync_carrier(const struct nl *nl, const char *name);
/* The interface takes part of what a router advertises. */
bool link_heeds_advertisements(const struct link_state *s);

/* A missing link is fine. Takes 10 ms and more: the kernel waits for grace periods. */
int link_delete(struct nl *nl, unsigned index, struct err *e);

/* Links of a kind (NULL: all), by a dump: for gc and for what happens once. Caller frees *ret. */
int link_list(struct nl *nl, const char *kind, struct link_state **ret, size_t *ret_n,
	      struct err *e);

/* Name, MAC address and MTU (0 = default), as attributes of the message. */
void link_put_common(struct nl_batch *b, const char *name, const uint8_t *mac, unsigned mtu);
void link_put_queues(struct nl_batch *b);
/* Message: the kernel makes no IPv6 address by itself, so there are no join and probe messages
 * (rows 70, 75). It goes before the one that brings the interface up: within one message the
 * kernel looks at flags first. */
void link_put_no_address(struct nl_batch *b, unsigned index);
/* Message: up. what: for the error. */
void link_put_up(struct nl_batch *b, unsigned index, const char *what);
/* The kernel has no IPv6 (or not for this), or it has nothing of what was to be deleted. */
bool link_no_family(int result);
bool link_is_missing(int result);

/* ---- bridge.c: a network's interface ---- */

/* Makes it, down; one that exists already is left as it is. */
int bridge_create(struct nl *nl, const struct net_network *n, struct err *e);
/* Group, alias, MTU, addresses, and up. Existing parts are fine. inet6: with those of IPv6. */
int bridge_up(struct nl *nl, const struct net_network *n, unsigned index, bool inet6,
	      struct err *e);

/* Message: group, alias and MTU (0 = as it is). */
void bridge_put_identity(struct nl_batch *b, unsigned index, const char *alias, unsigned mtu);

struct bridge_state {
	struct link_state link;
	bool forwarding4, forwarding6; /* of this host */
	bool gateway4, gateway6; /* it has the gateway's address; of IPv6, its link-local one too */
	/* What the gateway's address would be routed by, of IPv4 and IPv6; index 0 = nothing. */
	struct bridge_route {
		unsigned index, prefix;
	} route4, route6;
};
/* One exchange, no dump. */
int bridge_query(struct nl *nl, const struct net_network *n, struct bridge_state *ret,
		 struct err *e);
/* Number of ports, and of routes to single addresses of the network by other interfaces (dumps: not
 * for the way of a start). */
int bridge_users(struct nl *nl, const struct net_network *n, unsigned index, unsigned *ret,
		 struct err *e);
/* Adds the number of ports to *sum. A dump. */
int bridge_ports(struct nl *nl, unsigned index, unsigned *sum, struct err *e);

#endif
