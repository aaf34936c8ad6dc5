/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks and what an instance has on them. All by netlink; nothing here reads or writes files
 * other than sysctls.
 *
 * A network is a pair of subnets and one interface of the host that carries its gateway addresses:
 * a bridge. In mode `bridge` instances are its ports; each further slice of 64 addresses has a
 * bridge of its own, made when it is needed and removed with the network (segment_priv.h), because
 * what a port costs grows with those beside it. In mode `routed`, and should a bridge be full, they
 * have a veth of their own and a host route to each of their addresses. Inside, both look the same:
 * the gateway is the only neighbour. Frames never pass from one instance to another: ports are
 * isolated, and the host routes between instances where the network allows it. So one place, the
 * forward path, decides about every packet (nft_rules.c), and there is no ARP, ND, RA, DHCP or STP
 * of one instance that another could hear (rows 70, 71).
 *
 * In mode `macvlan` an instance has an interface on the uplink's own network, and the host does not
 * see its packets at all.
 *
 * What dies by itself: veth and macvlan (with the namespace), routes and neighbours of a veth (with
 * it). What is named after the instance and removed by net_detach() or net_gc(): nftables elements
 * and chains (comment or name), the shaper of its sending direction (an ifb, by its alias).
 */
#ifndef JAIL_NETSETUP_NETWORK_H
#define JAIL_NETSETUP_NETWORK_H

#include <netinet/in.h>
#include <sys/types.h>

#include "base/ident.h"

#define NET_INTERFACES_MAX 8 /* of one instance: eth0 ... eth7 */
#define NET_MAC_LEN 6
#define NET_GATEWAY_LINK_LOCAL "fe80::1" /* of the gateway on every bridge */

enum net_mode { NET_BRIDGE, NET_ROUTED, NET_MACVLAN };

struct net_network {
	struct jail_name name; /* "default", "front" */
	char tenant[LIMIT_NAME_LEN + 1]; /* whose it is; "" = nobody's */
	enum net_mode mode;
	char interface[16]; /* the host's: "jail0", "jn" and 12 hex digits; "" with NET_MACVLAN */
	char uplink[16]; /* the only way out, or macvlan's parent; "" = any */
	struct in_addr subnet4, gateway4; /* network byte order; prefix4 0 = no IPv4 */
	unsigned prefix4; /* 8..30 */
	struct in6_addr subnet6, gateway6; /* prefix6 0 = no IPv6 */
	unsigned prefix6; /* 48..120 */
	unsigned mtu; /* 0 = kernel's default */
	bool internal; /* no way out of the host */
	bool isolated; /* instances do not reach each other */
	bool nat; /* going out, with the host's address */
};
bool net_has4(const struct net_network *n);
bool net_has6(const struct net_network *n);
/* The host part of an address of a subnet that the network has; of IPv6, UINT64_MAX when it does
 * not fit into 32 bits. */
uint32_t net_host_part4(const struct net_network *n, const struct in_addr *address);
uint64_t net_host_part6(const struct net_network *n, const struct in6_addr *address);

/* Bits per second, and what may pass at once. 0 = no limit. burst 0: 1/100 s of the rate, at least
 * 64 KiB. */
struct net_rate {
	uint64_t bits_per_second;
	uint64_t burst_bytes;
};

struct net_interface { /* what an instance has on one network */
	const struct net_network *network;
	bool routed; /* a veth of its own, on a bridge network too */
	struct in_addr address4; /* leased beforehand; 0 = none */
	struct in6_addr address6; /* all zeros = none */
	struct net_rate ingress, egress; /* as the instance sees it: ingress is what it receives */
};

struct net_port {
	uint8_t family; /* AF_UNSPEC: both; else that of host_address */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} host_address; /* zeros = every address of the family */
	uint16_t host_port, port; /* the first ones; host byte order */
	uint16_t count; /* >= 1 */
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
};
/* Published on 127.0.0.0/8 or ::1: not by the table but by a proxy of the host (row 72). */
bool net_port_is_loopback(const struct net_port *port);

/* The members of a group: an instance ("instance:web") or all with a label ("label:role=db") of one
 * tenant. A hash; two tenants have none in common. */
typedef uint64_t net_group;
net_group net_group_of(const char *tenant, const char *text);

enum net_peer {
	NET_PEER_ANY,
	NET_PEER_ADDRESS, /* a subnet */
	NET_PEER_GROUP,
	NET_PEER_HOST, /* the host's own services; only with out */
};

/* One condition of the instance's firewall. Those that deny are asked first. Once there is one that
 * allows a direction, what none of them matches in this direction is dropped. The host is
 * asked about by itself: closed but for what NET_PEER_HOST allows, which says nothing about the
 * rest; what is denied to all or to an address of the host is denied there too. Link-local
 * addresses (169.254.0.0/16, fe80::/10) are closed but for rules about such an address. */
struct net_rule {
	bool allow;
	bool out; /* from the instance; else to it */
	uint8_t protocol; /* 0 = any; IPPROTO_ICMP means ICMPv6 as well */
	uint16_t first, last; /* destination ports; 0, 0 = all */
	enum net_peer peer;
	uint8_t family, prefix; /* of address: AF_INET or AF_INET6 */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} address;
	net_group group;
};

struct net_plan { /* everything of one instance; nothing in it is owned */
	const struct jail_name
		*instance; /* the comment of its elements; running, it keeps its name */
	const char *id; /* 32 hex digits: MAC addresses and interface names follow from it */
	const char *tenant; /* "" = none */
	const struct net_interface *interfaces; /* eth0, eth1, ... ; .network NULL: a gap */
	size_t n_interfaces;
	const struct net_port
		*ports; /* lead to the addresses of the first interface that has any */
	size_t n_ports;
	const struct net_rule *rules;
	size_t n_rules;
	const net_group *groups; /* that it is a member of */
	size_t n_groups;
};

struct net_attached { /* what a start found out about one interface; part of the run state */
	char host_interface[16]; /* "ve" and 12 hex digits; "" = none (a gap, macvlan) */
	bool routed; /* no port of the bridge: wanted so, or because that was full */
	unsigned segment; /* which of the network's bridges; it stays when the address changes */
};
struct net_attachment {
	struct net_attached v[NET_INTERFACES_MAX];
};

/* The MAC address of ethINDEX, from a hash of the id: locally administered, unicast. */
void net_mac_of(const char *id, unsigned index, uint8_t ret[static NET_MAC_LEN]);
/* The link-local address that belongs to it (RFC 4291, modified EUI-64). */
void net_link_local_of(const uint8_t mac[static NET_MAC_LEN], struct in6_addr *ret);
/* Names of the host's ends: "ve" and "vs" (the shaper), each with 12 hex digits of a hash. */
void net_host_name_of(const char *id, unsigned index, char ret[static 16]);
void net_shaper_name_of(const char *id, unsigned index, char ret[static 16]);
/* The host's interface of a network other than the default one: "jn" and 12 hex digits. */
void net_interface_name_of(const struct jail_name *network, char ret[static 16]);

/* ---- the host's side ---- */

/*
 * Makes what `n` networks need (link, addresses, sysctls, table, the networks' elements) when it is
 * missing or not as it should be: idempotent, and cheap when all is there: two exchanges without a
 * dump for each network.
 * Return: 0 all was there; 1 the table was made anew (somebody flushed it, or another version made
 * it): the elements of everything else are gone, and net_restore() of each running instance, with
 * net_host_ensure() of its networks, puts them back.
 */
int net_host_ensure(const struct net_network *networks, size_t n, struct err *e);
/* Removes the network's elements and its link. -EBUSY: it still has ports or routes of instances.
 */
int net_host_remove(const struct net_network *network, struct err *e);
/* Removes the table (tests, an uninstall). */
int net_table_remove(struct err *e);

/* ---- an instance ---- */

/*
 * Attaches all interfaces: each with its addresses, default routes by the first one that has a
 * gateway of the family, lo up, all set through a socket in that namespace; then everything of the
 * table in one transaction. On failure nothing is left.
 */
int net_attach(const struct net_plan *plan, int netns_fd, struct net_attachment *ret,
	       struct err *e);
/* Only lo up: mode "none". */
int net_loopback_up(int netns_fd, struct err *e);
/* Removes elements, chains, shapers and flows of the instance and, if they still exist, its links.
 * Missing parts are fine. Call it before the leases are released (row 79). */
int net_detach(const struct net_plan *plan, const struct net_attachment *a, struct err *e);
/* Puts elements, chains, neighbours and routes of a running instance back. */
int net_restore(const struct net_plan *plan, const struct net_attachment *a, struct err *e);

/*
 * Changes a running instance from one plan to another: interfaces that are new or gone (by their
 * index), addresses, rates, ports, rules. *a is brought up to date. Links first, then one
 * transaction; on failure what was changed is changed back, and *a is as before. Flows that a rule
 * or port of before let through are forgotten, so that they are judged again.
 */
int net_change(const struct net_plan *from, const struct net_plan *to, int netns_fd,
	       struct net_attachment *a, struct err *e);

/* For gc: removes everything whose instance is not alive by the callback; also before the leases
 * are released. */
typedef bool net_alive_fn(const struct jail_name *name, void *arg);
int net_gc(net_alive_fn *alive, void *arg, struct err *e);

/* Removes neighbour entries of the host with a MAC address of the instance, which is down: what a
 * command that was killed left before anything told of it. A dump. */
int net_forget_neighbours(const char *id, struct err *e);

/* ---- traffic by class ---- */

struct net_count {
	uint64_t bytes, packets;
};
/* What was let through: `inside` with instances and the host, `outside` with everybody else. Not
 * of macvlan. */
struct net_classes {
	struct net_count received_inside, received_outside, sent_inside, sent_outside;
};
/* Since the start (or since the table was flushed), both families; zeros when there is no table. */
int net_classes_read(const struct net_plan *plan, struct net_classes *ret, struct err *e);

/*
 * The netfilter socket that this process has used so far, for somebody who keeps it open until the
 * instance ends (closing it is slow, see nft_socket.c): -EBADF if there is none. The other way
 * round for that one's successor; takes the fd. A process that uses these stays in one network
 * namespace.
 */
int net_socket_take(void);
void net_socket_give(int fd);

#endif
