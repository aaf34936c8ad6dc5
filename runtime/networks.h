/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The networks of this host: STATE/networks/NAME.json, written whole, one file each; and "default",
 * which is not stored but follows from the configuration (jail.h). Addresses are leased from
 * STATE/leases/networks/NAME/. STATE/ula is the /48 of unique local addresses (RFC 4193) that IPv6
 * subnets are chosen from, made on first use: number 0 is the default network's.
 *
 * Who makes an instance a user of a network (create, set) holds engine_gate() while he reads the
 * network, leases and writes meta.json; network_remove() takes it exclusively.
 */
#ifndef JAIL_RUNTIME_NETWORKS_H
#define JAIL_RUNTIME_NETWORKS_H

#include "netsetup/address.h"
#include "runtime/jail.h"

#define NETWORK_DEFAULT "default"

/* -ENOENT: "no network NAME", with the nearest name as a hint; -EINVAL, ...: its file is damaged.
 */
int network_read(struct jail *j, const struct jail_name *name, struct net_network *ret,
		 struct err *e);
/* In order of name, "default" among them. Caller frees *ret. A damaged file is a warning. */
int networks_read(struct jail *j, struct net_network **ret, size_t *ret_n, struct err *e);

struct network_options { /* what `jail network create` was told; NULL, false: not */
	const char *mode; /* "bridge", "routed", "macvlan" */
	const char *subnets[2]; /* "10.1.0.0/24", "fd12::/64"; "none4", "none6": none of the family;
				   NULL-terminated unless full, as are gateways */
	const char *gateways[2];
	const char *uplink, *tenant;
	unsigned mtu;
	bool internal, isolated, no_nat;
};
/* Chooses what was not given (the next free /24 of 10.89.0.0/16, a ULA /64), judges the whole (no
 * overlap with another network, nor with a route of this host), stores it durably. -EEXIST. */
int network_create(struct jail *j, const struct jail_name *name, const struct network_options *o,
		   struct net_network *ret, struct err *e);
/* -EBUSY: "is used by web, db"; "default" can't be removed. Removes its parts on the host. */
int network_remove(struct jail *j, const struct jail_name *name, struct err *e);

/* Directory fd of the leases of a network that exists; the caller's. */
int network_pool(struct jail *j, const struct jail_name *name, struct err *e);
/* Instances that use a network. */
int network_users(struct jail *j, const struct jail_name *name, struct strv *ret, struct err *e);
/* Stable JSON shape of `network list` and `network inspect`: an array. */
int networks_to_json(struct jail *j, const struct net_network *networks, size_t n,
		     struct json_out *o, const char *key, struct err *e);

#endif
