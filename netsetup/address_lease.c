/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of instances: one lease for each, its key is the address. What is never given: the
 * network's own address, the broadcast address, the gateway. Where the gateway stands in the middle
 * of the subnet, the part above it is tried first, then the part below.
 */
#include "netsetup/network.h"

#include <arpa/inet.h>

#include "base/lease.h"

static void address_key(uint64_t number, char *ret, size_t n)
{
	struct in_addr address = { .s_addr = htonl((uint32_t)number) };

	if (!inet_ntop(AF_INET, &address, ret, (socklen_t)n))
		ret[0] = '\0';
}

static int address_lease_wanted(int pool_dir, const struct net_bridge *b, struct in_addr wanted,
				const struct jail_name *owner, struct err *e)
{
	uint32_t mask = UINT32_MAX << (32 - b->prefix), number = ntohl(wanted.s_addr);
	struct jail_name holder = { .s = "" };
	struct err why = ERR_INIT;
	char key[INET_ADDRSTRLEN] = "";
	int r;

	address_key(number, key, sizeof(key));
	if ((number & mask) != (ntohl(b->subnet.s_addr) & mask))
		return err_set(e, EINVAL, "address %s is not in the subnet of %s", key, b->name);
	if ((number & ~mask) == 0 || (number & ~mask) == ~mask)
		return err_set(e, EINVAL, "address %s is the %s address of %s's subnet", key,
			       (number & ~mask) ? "broadcast" : "network", b->name);
	if (wanted.s_addr == b->gateway.s_addr)
		return err_set(e, EINVAL, "address %s is the gateway of %s", key, b->name);
	r = lease_take(pool_dir, key, owner, &holder, &why);
	if (r == -EEXIST)
		return err_set(e, EADDRINUSE, "address %s is in use by %s", key, holder.s);
	if (r < 0)
		*e = why;
	return r;
}

static int address_lease_any(int pool_dir, const struct net_bridge *b,
			     const struct jail_name *owner, uint64_t *ret, struct err *e)
{
	uint32_t mask = UINT32_MAX << (32 - b->prefix), gateway = ntohl(b->gateway.s_addr);
	uint32_t first = (ntohl(b->subnet.s_addr) & mask) + 1, last = (first | ~mask) - 1;
	struct err why = ERR_INIT;
	int r;

	r = lease_take_any(pool_dir, (uint64_t)gateway + 1, last - gateway, address_key, owner, ret,
			   &why);
	if (r == -ENOSPC && gateway > first) {
		why = ERR_INIT;
		r = lease_take_any(pool_dir, first, gateway - first, address_key, owner, ret, &why);
	}
	if (r == -ENOSPC) {
		err_set(e, ENOSPC, "address pool of %s exhausted: %u of %u in use", b->name,
			last - first, last - first);
		return err_hint(e, "remove instances, or configure a larger subnet");
	}
	if (r < 0)
		*e = why;
	return r;
}

int net_address_lease(int pool_dir, const struct net_bridge *b, struct in_addr wanted,
		      const struct jail_name *owner, struct in_addr *ret, struct err *e)
{
	uint64_t number = 0;
	int r;

	if (wanted.s_addr != htonl(INADDR_ANY)) {
		r = address_lease_wanted(pool_dir, b, wanted, owner, e);
		if (r >= 0)
			*ret = wanted;
		return r;
	}
	r = address_lease_any(pool_dir, b, owner, &number, e);
	if (r >= 0)
		ret->s_addr = htonl((uint32_t)number);
	return r;
}

void net_address_release(int pool_dir, struct in_addr address, const struct jail_name *owner)
{
	char key[INET_ADDRSTRLEN] = "";

	address_key(ntohl(address.s_addr), key, sizeof(key));
	(void)lease_drop(pool_dir, key, owner);
}
