/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What follows from an identity alone: MAC addresses and interface names are hashes, so nothing has
 * to be stored or looked up, and an instance has the same ones at each start. Two of 100,000
 * interfaces share a name (48 bits) with a probability of 1 in 50,000; the second one's start then
 * fails, and the error names the first.
 */
#include "netsetup/network.h"

#include <arpa/inet.h>
#include <nettle/sha2.h>

#include "base/str.h"
#include "netsetup/link_priv.h"

/* Of "kind NUL name NUL number". */
static void identity_hash(const char *kind, const char *name, unsigned number,
			  uint8_t ret[static SHA256_DIGEST_SIZE])
{
	uint32_t wire = htonl(number);
	struct sha256_ctx sha;

	sha256_init(&sha);
	sha256_update(&sha, strlen(kind) + 1, (const uint8_t *)kind);
	sha256_update(&sha, strlen(name) + 1, (const uint8_t *)name);
	if (number)
		sha256_update(&sha, sizeof(wire), (const uint8_t *)&wire);
	sha256_digest(&sha, SHA256_DIGEST_SIZE, ret);
}

static void identity_mac(const char *kind, const char *name, unsigned number,
			 uint8_t ret[static NET_MAC_LEN])
{
	uint8_t hash[SHA256_DIGEST_SIZE];

	identity_hash(kind, name, number, hash);
	memcpy(ret, hash, NET_MAC_LEN);
	ret[0] = (uint8_t)((ret[0] & 0xfc) | 0x02);
}

static void identity_name(const char *prefix, const char *kind, const char *name, unsigned number,
			  char ret[static 16])
{
	uint8_t h[SHA256_DIGEST_SIZE];

	identity_hash(kind, name, number, h);
	(void)snprintf(ret, 16, "%s%02x%02x%02x%02x%02x%02x", prefix, h[0], h[1], h[2], h[3], h[4],
		       h[5]);
}

bool net_has4(const struct net_network *n)
{
	return n->prefix4 != 0;
}

bool net_has6(const struct net_network *n)
{
	return n->prefix6 != 0;
}

uint32_t net_host_part4(const struct net_network *n, const struct in_addr *address)
{
	return ntohl(address->s_addr) & UINT32_MAX >> n->prefix4;
}

uint64_t net_host_part6(const struct net_network *n, const struct in6_addr *address)
{
	uint64_t number = 0;

	for (unsigned bit = n->prefix6; bit < 128; bit++) {
		bool set = address->s6_addr[bit / 8] & 0x80u >> bit % 8;

		if (set && bit < 96)
			return UINT64_MAX;
		number = number << 1 | set;
	}
	return number;
}

bool net_port_is_loopback(const struct net_port *port)
{
	switch (port->family) {
	case AF_INET:
		return ntohl(port->host_address.v4.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&port->host_address.v6);
	default:
		return false;
	}
}

net_group net_group_of(const char *tenant, const char *text)
{
	uint8_t hash[SHA256_DIGEST_SIZE];
	struct sha256_ctx sha;
	net_group group;

	sha256_init(&sha);
	sha256_update(&sha, sizeof("group"), (const uint8_t *)"group");
	sha256_update(&sha, strlen(tenant) + 1, (const uint8_t *)tenant);
	sha256_update(&sha, strlen(text) + 1, (const uint8_t *)text);
	sha256_digest(&sha, SHA256_DIGEST_SIZE, hash);
	memcpy(&group, hash, sizeof(group));
	return group;
}

void net_mac_of(const char *id, unsigned index, uint8_t ret[static NET_MAC_LEN])
{
	identity_mac("instance", id, index, ret);
}

void net_link_local_of(const uint8_t mac[static NET_MAC_LEN], struct in6_addr *ret)
{
	*ret = (struct in6_addr){ .s6_addr = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 0x02, mac[1],
					       mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5] } };
}

void net_host_name_of(const char *id, unsigned index, char ret[static 16])
{
	identity_name("ve", "host interface", id, index, ret);
}

void net_shaper_name_of(const char *id, unsigned index, char ret[static 16])
{
	identity_name("vs", "shaper", id, index, ret);
}

void net_interface_name_of(const struct jail_name *network, char ret[static 16])
{
	identity_name("jn", "network", network->s, 0, ret);
}

void link_segment_name_of(const char *interface, unsigned segment, char ret[static 16])
{
	identity_name("jn", "segment", interface, segment, ret);
}

void link_mac_of(const char *kind, const char *name, uint8_t ret[static LINK_MAC_LEN])
{
	identity_mac(kind, name, 0, ret);
}

bool link_is_ours(const char *name)
{
	return (str_starts(name, "ve") || str_starts(name, "vs")) && strlen(name) == 14 &&
	       strspn(name + 2, "0123456789abcdef") == 12;
}
