/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files about networks share: notations, the judge, the store. A network comes from the
 * configuration, a file of the store or a command line; all three ways lead through
 * network_judge().
 */
#ifndef JAIL_RUNTIME_NETWORKS_PRIV_H
#define JAIL_RUNTIME_NETWORKS_PRIV_H

#include "netsetup/subnet.h"
#include "runtime/decode_priv.h"
#include "runtime/engine_priv.h"
#include "runtime/networks.h"

#define NETWORK_INTERFACE_LEN 15

/* In the order of enum net_mode. */
extern const struct decode_words network_mode_words;
/* An interface name as the kernel takes it (dev_valid_name()), less what needs quoting. */
decode_check_fn network_check_interface;
/* Subnet and gateway of the family that the text is of. */
int network_set_subnet(struct net_network *n, const char *text, struct err *e);
int network_set_gateway(struct net_network *n, const char *text, struct err *e);
/* Fills in the gateways (not of macvlan), then judges the whole, apart from the rest of the host.
 */
int network_judge(struct net_network *n, struct err *e);

/* Handlers for decode tables; offset is that of a struct net_network in *base. */
decode_fn network_decode_subnet4, network_decode_subnet6, network_decode_gateway4,
	network_decode_gateway6, network_decode_uplink, network_decode_mtu;

/* STATE/networks; the caller's. */
int networks_dir(struct jail *j, struct err *e);
/* Held by who creates or removes a network, or chooses the host's prefix. Return: lock fd. */
int networks_lock(int dir, struct err *e);
/* Of STATE/networks/NAME.json. -ENOENT without touching *e. */
int network_file_read(int dir, const struct jail_name *name, struct net_network *ret,
		      struct err *e);
int network_file_write(int dir, const struct net_network *n, struct err *e);
int network_file_remove(int dir, const struct jail_name *name, struct err *e);
/* "NAME.json" */
struct network_file {
	char s[LIMIT_NAME_LEN + 8];
};
void network_file_name(const struct jail_name *name, struct network_file *ret);

/* All of them; strict: a damaged file is an error, else a warning. */
int networks_read_all(struct jail *j, int dir, bool strict, struct net_network **ret, size_t *ret_n,
		      struct err *e);

/* The /48 of this host's unique local addresses (RFC 4193): STATE/ula, made on first use. */
int network_ula(struct jail *j, struct in6_addr *ret, struct err *e);
/* Subnet `id` of it, as the network's /64. */
void network_set_ula(struct net_network *n, const struct in6_addr *ula, uint16_t id);

/* What a new network must not overlap. */
struct network_taken {
	const struct net_network *networks;
	size_t n_networks;
	const struct net_host_route *routes;
	size_t n_routes;
};
/* Chooses subnets: of IPv4 if want4, of IPv6 if there is a prefix to choose from. -ENOSPC. */
int network_choose(struct net_network *n, const struct network_taken *taken,
		   const struct in6_addr *ula_or_null, bool want4, struct err *e);
/* -EADDRINUSE: "subnet S overlaps S of network NAME", "... the route to S by INTERFACE". */
int network_check_taken(const struct net_network *n, const struct network_taken *taken,
			struct err *e);

/* Who is on which network. */
struct network_use {
	struct jail_name network, instance;
	struct net_addresses addresses;
};
/* In order of instances' names. strict: an instance that can't be read is an error, else a warning.
 * Caller frees *ret. */
int network_uses(struct jail *j, bool strict, struct network_use **ret, size_t *ret_n,
		 struct err *e);

#endif
