/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the steps of the fixed rules are made of. */
#include "netsetup/nft_step_priv.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if_arp.h>

void nft_step_group(struct nftnl_rule *rule, const struct nft_step *s)
{
	static const uint32_t group = NET_GROUP;

	nft_load_meta(rule, s->a, R(0));
	nft_compare_value(rule, s->b, &group, sizeof(group));
}

/* a: family; b: register. */
void nft_step_saddr(struct nftnl_rule *rule, const struct nft_step *s)
{
	if (s->b == 0)
		nft_match_family(rule, (int)s->a);
	nft_load_address(rule, (int)s->a, true, R(s->b));
}

void nft_step_daddr(struct nftnl_rule *rule, const struct nft_step *s)
{
	if (s->b == 0)
		nft_match_family(rule, (int)s->a);
	nft_load_address(rule, (int)s->a, false, R(s->b));
}

void nft_step_oifname(struct nftnl_rule *rule, const struct nft_step *s)
{
	nft_load_meta(rule, NFT_META_OIFNAME, R(s->a));
}

void nft_step_lookup(struct nftnl_rule *rule, const struct nft_step *s)
{
	nft_lookup(rule, (enum nft_set)s->a, s->b);
}

void nft_step_verdict(struct nftnl_rule *rule, const struct nft_step *s)
{
	nft_verdict(rule, (int)s->a, s->chain);
}

void nft_step_to_loopback(struct nftnl_rule *rule, const struct nft_step *s)
{
	static const uint8_t net4[4] = { 127 };

	nft_match_prefix(rule, (int)s->a, false,
			 s->a == AF_INET ? net4 : (const void *)&in6addr_loopback,
			 s->a == AF_INET ? 8 : 128);
}

void nft_step_to_link_local(struct nftnl_rule *rule, const struct nft_step *s)
{
	static const uint8_t net4[4] = { 169, 254 }, net6[16] = { 0xfe, 0x80 };

	nft_match_prefix(rule, (int)s->a, false, s->a == AF_INET ? net4 : net6,
			 s->a == AF_INET ? 16 : 10);
}

void nft_step_hop_limit(struct nftnl_rule *rule, const struct nft_step *s)
{
	nft_load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, 7, 1, R(0));
	nft_compare_u8(rule, NFT_CMP_EQ, (uint8_t)s->a);
}

/* a: family, b: type. */
void nft_step_icmp(struct nftnl_rule *rule, const struct nft_step *s)
{
	nft_match_family(rule, (int)s->a);
	nft_match_protocol(rule, s->a == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	nft_load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, R(0));
	nft_compare_u8(rule, NFT_CMP_EQ, (uint8_t)s->b);
}

/* a: source port, b: destination port. */
void nft_step_udp(struct nftnl_rule *rule, const struct nft_step *s)
{
	nft_match_protocol(rule, IPPROTO_UDP);
	nft_load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, R(0));
	nft_compare_u16(rule, NFT_CMP_EQ, (uint16_t)s->a);
	nft_match_ports(rule, (uint16_t)s->b, (uint16_t)s->b);
}

void nft_step_no_tcp(struct nftnl_rule *rule, const struct nft_step *s)
{
	(void)s;
	nft_load_meta(rule, NFT_META_L4PROTO, R(0));
	nft_compare_u8(rule, NFT_CMP_NEQ, IPPROTO_TCP);
}

void nft_step_ct(struct nftnl_rule *rule, const struct nft_step *s)
{
	nft_match_ct(rule, s->a, s->b);
}

void nft_step_not_local(struct nftnl_rule *rule, const struct nft_step *s)
{
	(void)s;
	nft_match_not_local(rule);
}

void nft_step_own_address(struct nftnl_rule *rule, const struct nft_step *s)
{
	static const uint16_t ether = ARPHRD_ETHER;

	nft_load_meta(rule, NFT_META_IIFTYPE, R(0));
	nft_compare_value(rule, NFT_CMP_EQ, &ether, sizeof(ether));
	nft_match_family(rule, (int)s->a);
	nft_load_meta(rule, NFT_META_IIFNAME, R(0));
	nft_load_payload(rule, NFT_PAYLOAD_LL_HEADER, 6, NET_MAC_LEN, R(4));
	nft_load_address(rule, (int)s->a, true, R(6));
	nft_lookup(rule, NFT_OF(s->a, NFT_ADDRESSES4), 0);
}

/* Sender's addresses of an ARP message for Ethernet and IPv4; the kernel looked at the lengths. */
void nft_step_own_arp(struct nftnl_rule *rule, const struct nft_step *s)
{
	(void)s;
	nft_load_meta(rule, NFT_META_IIFNAME, R(0));
	nft_load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, 8, NET_MAC_LEN, R(4));
	nft_load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, 14, 4, R(6));
	nft_lookup(rule, NFT_SENDERS, 0);
}

/* a: family, b: the map, of ports or ranges. Its keys: [address .] protocol . port. */
void nft_step_publish(struct nftnl_rule *rule, const struct nft_step *s)
{
	enum nft_set map = (enum nft_set)s->b;
	uint32_t words = s->a == AF_INET ? 1 : 4, at = 0;
	bool ports = map == NFT_OF(s->a, NFT_PORTS4) || map == NFT_OF(s->a, NFT_PORTS_AT4);

	nft_match_family(rule, (int)s->a);
	if (map == NFT_OF(s->a, NFT_PORTS_AT4) || map == NFT_OF(s->a, NFT_RANGES_AT4)) {
		nft_load_address(rule, (int)s->a, false, R(0));
		at = words;
	}
	nft_load_meta(rule, NFT_META_L4PROTO, R(at));
	nft_load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, R(at + 1));
	nft_lookup(rule, map, R(0));
	nft_dnat(rule, (int)s->a, ports ? R(words) : 0);
}

void nft_step_masquerade(struct nftnl_rule *rule, const struct nft_step *s)
{
	(void)s;
	nft_masquerade(rule);
}
