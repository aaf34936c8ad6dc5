/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of instances: one lease for each, its key is the address as text. Low numbers first,
 * and the same one in both families where it is free, so that the instances of a network are on
 * few of its bridges, each with one route (segment_priv.h).
 *
 * IPv4: where the gateway stands in the middle of the subnet, the part above it is tried first,
 * then the part below. IPv6: of the host part only the low 32 bits are used, so an address stays
 * short and the number of a lease fits everywhere; from the gateway's place on it is the same.
 *
 * Whether a pool is nearly full shows by itself: the search for a free number meets many that are
 * taken. Only then are the leases counted.
 */
#include "netsetup/address.h"

#include <arpa/inet.h>
#include <inttypes.h>

#include "base/lease.h"
#include "base/str.h"

#define NEARLY_FULL_PERCENT 90
#define MET_MANY 16 /* at half a pool one in a few hundred searches meets so many */
#define POOL_SMALL 256 /* counting costs nothing */
#define NUMBERS6_MAX UINT32_MAX

/* One family of a network, for one owner: numbers first..last without `gateway` (0 = none) are
 * given. */
struct address_pool {
	int dir;
	const struct jail_name *owner;
	const struct net_network *network;
	uint8_t family;
	uint64_t first, last, gateway;
	uint64_t preferred; /* is tried before any other; 0 = none */
};

static uint32_t mask4(unsigned prefix)
{
	return ~(uint32_t)((UINT64_C(1) << (32 - prefix)) - 1);
}

static struct address_pool address_pool4(const struct net_network *n)
{
	uint32_t subnet = ntohl(n->subnet4.s_addr), mask = mask4(n->prefix4);

	return (struct address_pool){ .network = n,
				      .family = AF_INET,
				      .first = (uint64_t)subnet + 1,
				      .last = (subnet | ~mask) - 1,
				      .gateway = ntohl(n->gateway4.s_addr) };
}

static struct address_pool address_pool6(const struct net_network *n)
{
	unsigned bits = 128 - n->prefix6;
	uint64_t last = bits >= 32 ? NUMBERS6_MAX : (UINT64_C(1) << bits) - 1;
	uint64_t gateway = net_host_part6(n, &n->gateway6);

	return (struct address_pool){ .network = n,
				      .family = AF_INET6,
				      .first = 1,
				      .last = last,
				      .gateway = gateway <= last ? gateway : 0 };
}

static uint64_t address_pool_total(const struct address_pool *p)
{
	return p->last - p->first + 1 - (p->gateway ? 1 : 0);
}

/* The lease's key, and the address itself. */
static void address_of(const struct address_pool *p, uint64_t number, struct net_addresses *ret)
{
	uint32_t low = htonl((uint32_t)number);

	if (p->family == AF_INET) {
		ret->v4.s_addr = low;
		return;
	}
	ret->v6 = p->network->subnet6;
	for (size_t i = 0; i < sizeof(low); i++)
		ret->v6.s6_addr[12 + i] |= ((const uint8_t *)&low)[i];
}

static void address_text(uint8_t family, const struct net_addresses *a, char *ret, size_t n)
{
	const void *address = family == AF_INET ? (const void *)&a->v4 : &a->v6;

	if (!inet_ntop(family, address, ret, (socklen_t)n))
		ret[0] = '\0';
}

static void address_key(uint64_t number, const void *arg, char *ret, size_t n)
{
	const struct address_pool *p = arg;
	struct net_addresses a = { .v4.s_addr = 0 };

	address_of(p, number, &a);
	address_text(p->family, &a, ret, n);
}

/* Why an address is never given, or NULL. */
static const char *address_unusable4(const struct net_network *n, struct in_addr wanted)
{
	uint32_t mask = mask4(n->prefix4), number = ntohl(wanted.s_addr);

	if ((number & mask) != ntohl(n->subnet4.s_addr))
		return "is not in the subnet";
	if ((number & ~mask) == 0)
		return "is the network address";
	if ((number & ~mask) == ~mask)
		return "is the broadcast address";
	return wanted.s_addr == n->gateway4.s_addr ? "is the gateway" : NULL;
}

static const char *address_unusable6(const struct net_network *n, const struct in6_addr *wanted)
{
	for (unsigned bit = 0; bit < n->prefix6; bit++)
		if ((wanted->s6_addr[bit / 8] ^ n->subnet6.s6_addr[bit / 8]) & 0x80u >> bit % 8)
			return "is not in the subnet";
	if (IN6_ARE_ADDR_EQUAL(wanted, &n->subnet6))
		return "is the anycast address";
	return IN6_ARE_ADDR_EQUAL(wanted, &n->gateway6) ? "is the gateway" : NULL;
}

static int address_take_wanted(const struct address_pool *p, const struct net_addresses *wanted,
			       bool *ret_had, struct err *e)
{
	const char *unusable = p->family == AF_INET ? address_unusable4(p->network, wanted->v4)
						    : address_unusable6(p->network, &wanted->v6);
	struct jail_name holder = { .s = "" };
	char key[INET6_ADDRSTRLEN] = "";
	struct err why = ERR_INIT;
	int r;

	address_text(p->family, wanted, key, sizeof(key));
	if (unusable)
		return err_set(e, EINVAL, "address %s %s of %s", key, unusable, p->network->name.s);
	/* Nobody but the owner's own command, which we are, takes or drops his leases. */
	*ret_had = lease_holder(p->dir, key, &holder) == 0 && str_eq(holder.s, p->owner->s);
	r = lease_take(p->dir, key, p->owner, &holder, &why);
	if (r == -EEXIST)
		return err_set(e, EADDRINUSE, "address %s is in use by %s", key, holder.s);
	if (r < 0)
		*e = why;
	return r;
}

struct use {
	uint64_t used4, used6;
};

static int count_lease(const char *key, const struct jail_name *owner, void *arg)
{
	struct use *use = arg;

	(void)owner;
	if (strchr(key, ':'))
		use->used6++;
	else
		use->used4++;
	return 0;
}

static void address_warn_full(const struct address_pool *p, uint64_t met)
{
	uint64_t total = address_pool_total(p), used;
	struct err ignored = ERR_INIT;
	struct use use = { 0 };

	if ((total > POOL_SMALL && met < MET_MANY) ||
	    lease_each(p->dir, count_lease, &use, &ignored) < 0)
		return;
	used = p->family == AF_INET ? use.used4 : use.used6;
	if (used >= total - total * (100 - NEARLY_FULL_PERCENT) / 100)
		warn("IPv%d addresses of %s: %" PRIu64 " of %" PRIu64 " in use",
		     p->family == AF_INET ? 4 : 6, p->network->name.s, used, total);
}

static int address_exhausted(const struct address_pool *p, struct err *e)
{
	uint64_t total = address_pool_total(p);

	(void)err_set(e, ENOSPC, "addresses of %s exhausted: %" PRIu64 " of %" PRIu64 " in use",
		      p->network->name.s, total, total);
	return err_hint(e, "remove instances, or make a network with a larger IPv%d subnet",
			p->family == AF_INET ? 4 : 6);
}

static int address_take_any(const struct address_pool *p, struct lease_taken *ret, struct err *e)
{
	uint64_t middle = p->gateway ? p->gateway : p->first - 1;
	struct lease_range above = { .first = middle + 1,
				     .count = p->last - middle,
				     .format = address_key,
				     .arg = p,
				     .compact = true };
	struct lease_range below = {
		.first = p->first, .format = address_key, .arg = p, .compact = true
	};
	struct lease_range one = {
		.first = p->preferred, .count = 1, .format = address_key, .arg = p
	};
	struct lease_taken taken = { .met = 0 };
	struct err why = ERR_INIT;
	int r = -ENOSPC;

	if (p->preferred >= p->first && p->preferred <= p->last && p->preferred != p->gateway)
		r = lease_take_any(p->dir, &one, p->owner, &taken, &why);
	if (r == -ENOSPC) {
		why = ERR_INIT;
		r = lease_take_any(p->dir, &above, p->owner, &taken, &why);
	}
	if (r == -ENOSPC && middle > p->first) {
		why = ERR_INIT;
		below.count = middle - p->first;
		r = lease_take_any(p->dir, &below, p->owner, &taken, &why);
		taken.met += above.count;
	}
	if (r == -ENOSPC)
		return address_exhausted(p, e);
	if (r < 0) {
		*e = why;
		return r;
	}
	*ret = taken;
	return 0;
}

static int address_take(const struct address_pool *p, const struct net_addresses *wanted,
			struct net_addresses *ret, bool *ret_had, struct err *e)
{
	bool given = p->family == AF_INET ? wanted->v4.s_addr != 0
					  : !IN6_IS_ADDR_UNSPECIFIED(&wanted->v6);
	struct lease_taken taken = { .met = 0 };
	int r;

	if (given) {
		r = address_take_wanted(p, wanted, ret_had, e);
		if (r >= 0 && p->family == AF_INET)
			ret->v4 = wanted->v4;
		else if (r >= 0)
			ret->v6 = wanted->v6;
		return r;
	}
	r = address_take_any(p, &taken, e);
	if (r < 0)
		return r;
	*ret_had = taken.had;
	address_of(p, taken.number, ret);
	address_warn_full(p, taken.met);
	return 0;
}

static int address_refuse_family(const struct net_network *n, const struct net_addresses *wanted,
				 struct err *e)
{
	char text[INET6_ADDRSTRLEN] = "";
	bool extra4 = n->prefix4 == 0 && wanted->v4.s_addr != 0;

	if (!extra4 && (n->prefix6 > 0 || IN6_IS_ADDR_UNSPECIFIED(&wanted->v6)))
		return 0;
	address_text(extra4 ? AF_INET : AF_INET6, wanted, text, sizeof(text));
	return err_set(e, EINVAL, "address %s: network %s has no IPv%d", text, n->name.s,
		       extra4 ? 4 : 6);
}

int net_addresses_lease(int pool_dir, const struct net_network *n,
			const struct net_addresses *wanted, const struct jail_name *owner,
			struct net_addresses *ret, struct err *e)
{
	struct net_addresses taken = { .v4.s_addr = 0 };
	struct address_pool p;
	bool had4 = false, had6 = false;
	int r = address_refuse_family(n, wanted, e);

	if (r < 0)
		return r;
	if (n->prefix4) {
		p = address_pool4(n);
		p.dir = pool_dir;
		p.owner = owner;
		r = address_take(&p, wanted, &taken, &had4, e);
	}
	if (r >= 0 && n->prefix6) {
		p = address_pool6(n);
		p.dir = pool_dir;
		p.owner = owner;
		p.preferred = n->prefix4 ? net_host_part4(n, &taken.v4) : 0;
		r = address_take(&p, wanted, &taken, &had6, e);
	}
	if (r < 0) {
		/* What the owner had before stays its own. */
		if (!had4)
			net_addresses_release(pool_dir, &taken, owner);
		return r;
	}
	*ret = taken;
	return 0;
}

void net_addresses_release(int pool_dir, const struct net_addresses *a,
			   const struct jail_name *owner)
{
	char key[INET6_ADDRSTRLEN] = "";

	if (a->v4.s_addr) {
		address_text(AF_INET, a, key, sizeof(key));
		(void)lease_drop(pool_dir, key, owner);
	}
	if (!IN6_IS_ADDR_UNSPECIFIED(&a->v6)) {
		address_text(AF_INET6, a, key, sizeof(key));
		(void)lease_drop(pool_dir, key, owner);
	}
}

int net_addresses_count(int pool_dir, const struct net_network *n, struct net_pool_use *ret,
			struct err *e)
{
	struct net_pool_use out = { .used4 = 0 };
	struct use use = { 0 };
	struct address_pool p;
	int r = lease_each(pool_dir, count_lease, &use, e);

	if (r < 0)
		return r;
	out.used4 = use.used4;
	out.used6 = use.used6;
	if (n->prefix4) {
		p = address_pool4(n);
		out.total4 = address_pool_total(&p);
	}
	if (n->prefix6) {
		p = address_pool6(n);
		out.total6 = address_pool_total(&p);
	}
	*ret = out;
	return 0;
}

void net_addresses_format(const struct net_addresses *a, struct net_address_texts *ret)
{
	*ret = (struct net_address_texts){ .v4 = "" };
	if (a->v4.s_addr)
		(void)inet_ntop(AF_INET, &a->v4, ret->v4, sizeof(ret->v4));
	if (!IN6_IS_ADDR_UNSPECIFIED(&a->v6))
		(void)inet_ntop(AF_INET6, &a->v6, ret->v6, sizeof(ret->v6));
}
