/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plan of a network: whoever made it, nothing is done by one that can't work. */
#include "netsetup/host_priv.h"

#include <arpa/inet.h>

#include "base/str.h"

#define HOST_MTU_MIN 68 /* RFC 791 */
#define HOST_MTU_MIN6 1280 /* RFC 8200; with less the kernel has no IPv6 on the interface */
#define HOST_MTU_MAX 65535

static bool host_name_ok(const char *name, size_t n)
{
	size_t len = strnlen(name, n);

	return len > 0 && len < n && name[0] != '.' && !strchr(name, '/');
}

static int host_check4(const struct net_network *n, struct err *e)
{
	uint32_t mask;

	if (n->prefix4 < 8 || n->prefix4 > 30)
		return err_set(e, EINVAL, "prefix length %u of its IPv4 subnet is not in 8..30",
			       n->prefix4);
	mask = htonl(UINT32_MAX << (32 - n->prefix4));
	if (n->mode == NET_MACVLAN && n->gateway4.s_addr == 0)
		return 0;
	if ((n->gateway4.s_addr & mask) != (n->subnet4.s_addr & mask))
		return err_set(e, EINVAL, "its gateway is not in its IPv4 subnet");
	return 0;
}

static bool host_same_prefix(const struct in6_addr *a, const struct in6_addr *b, unsigned prefix)
{
	for (unsigned i = 0; i < prefix; i++)
		if ((a->s6_addr[i / 8] ^ b->s6_addr[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

static int host_check6(const struct net_network *n, struct err *e)
{
	if (n->prefix6 < 48 || n->prefix6 > 120)
		return err_set(e, EINVAL, "prefix length %u of its IPv6 subnet is not in 48..120",
			       n->prefix6);
	if (n->mtu && n->mtu < HOST_MTU_MIN6)
		return err_set(e, EINVAL, "MTU %u is less than the %d that IPv6 needs", n->mtu,
			       HOST_MTU_MIN6);
	/* On the uplink's own network the router may have a link-local address, or none. */
	if (n->mode == NET_MACVLAN &&
	    (IN6_IS_ADDR_UNSPECIFIED(&n->gateway6) || IN6_IS_ADDR_LINKLOCAL(&n->gateway6)))
		return 0;
	if (!host_same_prefix(&n->gateway6, &n->subnet6, n->prefix6))
		return err_set(e, EINVAL, "its gateway is not in its IPv6 subnet");
	return 0;
}

int host_check_network(const struct net_network *n, struct err *e)
{
	int r = 0;

	if (!net_has4(n) && !net_has6(n))
		return err_set(e, EINVAL, "it has no subnet");
	if (n->mtu && (n->mtu < HOST_MTU_MIN || n->mtu > HOST_MTU_MAX))
		return err_set(e, EINVAL, "MTU %u is not in %d..%d", n->mtu, HOST_MTU_MIN,
			       HOST_MTU_MAX);
	if (n->mode == NET_MACVLAN && !host_name_ok(n->uplink, sizeof(n->uplink)))
		return err_set(e, EINVAL, "mode macvlan needs an uplink");
	if (n->mode != NET_MACVLAN && !host_name_ok(n->interface, sizeof(n->interface)))
		return err_set(e, EINVAL, "interface name \"%.15s\" is not usable", n->interface);
	if (net_has4(n))
		r = host_check4(n, e);
	if (r >= 0 && net_has6(n))
		r = host_check6(n, e);
	return r;
}
