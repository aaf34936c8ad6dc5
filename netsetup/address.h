/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of instances, leased: one lease for each (base/lease.h), its key is the address as
 * text. What is never given: the network's own address, the broadcast address, the gateway; of IPv6
 * the subnet-router anycast address.
 */
#ifndef JAIL_NETSETUP_ADDRESS_H
#define JAIL_NETSETUP_ADDRESS_H

#include "netsetup/network.h"

struct net_addresses { /* on one network; zeros = none */
	struct in_addr v4;
	struct in6_addr v6;
};

struct net_address_texts { /* "" = none */
	char v4[INET_ADDRSTRLEN], v6[INET6_ADDRSTRLEN];
};
void net_addresses_format(const struct net_addresses *a, struct net_address_texts *ret);

/*
 * Takes one address of each family that the network has. wanted: zeros = any. All or none.
 * pool_dir: the network's own. -EADDRINUSE: "address 10.88.0.7 is in use by OWNER"; -EINVAL: not in
 * the subnet, or one that is never given; -ENOSPC: "addresses of NETWORK exhausted: N of N in use".
 * A pool that is nearly full is a warning, found without counting while it is not.
 */
int net_addresses_lease(int pool_dir, const struct net_network *n,
			const struct net_addresses *wanted, const struct jail_name *owner,
			struct net_addresses *ret, struct err *e);
void net_addresses_release(int pool_dir, const struct net_addresses *a,
			   const struct jail_name *owner);

struct net_pool_use {
	uint64_t used4, total4, used6, total6; /* total6 saturates at UINT32_MAX */
};
/* Counts leases: O(n), for people. */
int net_addresses_count(int pool_dir, const struct net_network *n, struct net_pool_use *ret,
			struct err *e);

#endif
