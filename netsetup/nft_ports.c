/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Published ports as elements. A single port is one of a hash map, and a range with the same
 * numbers on both sides one of an interval map: its ports stay as they are. A range with other
 * numbers inside is an element for each port, because no rule can add.
 */
#include "base/str.h"
#include "netsetup/nft_set_priv.h"

static const uint8_t any_address[16];

/* Where ports of the family lead to: the first interface that has an address. NULL: nowhere. */
static const void *nft_ports_target(const struct net_plan *plan, int family)
{
	size_t i;

	for (i = 0; i < plan->n_interfaces; i++) {
		const struct net_interface *n = &plan->interfaces[i];

		if (!n->network || n->network->mode == NET_MACVLAN)
			continue;
		if (family == AF_INET && n->address4.s_addr)
			return &n->address4;
		if (family == AF_INET6 && memcmp(&n->address6, any_address, 16) != 0)
			return &n->address6;
	}
	return NULL;
}

/* An element whose key has all but the port. */
static struct nft_element *nft_port_element(const struct net_port *p, int family, bool range,
					    struct nft_elements *ret)
{
	size_t n = family == AF_INET ? 4 : 16;
	bool at = p->family != AF_UNSPEC && memcmp(&p->host_address, any_address, n) != 0;
	enum nft_set set =
		range ? (at ? NFT_RANGES_AT4 : NFT_RANGES4) : (at ? NFT_PORTS_AT4 : NFT_PORTS4);
	struct nft_element *el = nft_element_new(ret, NFT_OF(family, set));

	if (at)
		nft_key(el, &p->host_address, n);
	nft_key(el, &p->protocol, sizeof(p->protocol));
	return el;
}

static void nft_port_elements_of(const struct net_port *p, int family, const void *target,
				 struct nft_elements *ret)
{
	size_t n = family == AF_INET ? 4 : 16;
	uint16_t first, last;
	struct nft_element *el;
	uint32_t i;

	if (p->count > 1 && p->host_port == p->port) {
		el = nft_port_element(p, family, true, ret);
		first = htons(p->host_port);
		last = htons((uint16_t)(p->host_port + p->count - 1));
		nft_key_range(el, &first, &last, sizeof(first));
		nft_data(el, target, n);
		return;
	}
	for (i = 0; i < p->count; i++) {
		el = nft_port_element(p, family, false, ret);
		first = htons((uint16_t)(p->host_port + i));
		nft_key(el, &first, sizeof(first));
		nft_data(el, target, n);
		first = htons((uint16_t)(p->port + i));
		nft_data(el, &first, sizeof(first));
	}
}

void nft_port_elements(const struct net_plan *plan, struct nft_elements *ret)
{
	static const int families[] = { AF_INET, AF_INET6 };
	size_t f, i;

	for (f = 0; f < ARRAY_SIZE(families); f++) {
		const void *target = nft_ports_target(plan, families[f]);

		for (i = 0; target && i < plan->n_ports; i++) {
			const struct net_port *p = &plan->ports[i];

			if (!net_port_is_loopback(p) &&
			    (p->family == AF_UNSPEC || p->family == families[f]))
				nft_port_elements_of(p, families[f], target, ret);
		}
	}
}
