/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words in which nft_rules.c writes the fixed rules: each macro below is one step of a rule, a
 * condition or what is done. "Ours" are the host's interfaces in NET_GROUP.
 */
#ifndef JAIL_NETSETUP_NFT_STEP_PRIV_H
#define JAIL_NETSETUP_NFT_STEP_PRIV_H

#include "netsetup/nft_expr_priv.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>

#define NFT_STEPS_MAX 6 /* of one rule */

/* One part of a rule; what a and b are depends on put. */
struct nft_step {
	void (*put)(struct nftnl_rule *rule, const struct nft_step *s);
	uint32_t a, b;
	const char *chain;
};

void nft_step_group(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_saddr(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_daddr(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_oifname(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_lookup(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_verdict(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_to_loopback(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_to_link_local(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_hop_limit(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_icmp(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_udp(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_no_tcp(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_ct(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_not_local(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_own_address(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_own_arp(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_publish(struct nftnl_rule *rule, const struct nft_step *s);
void nft_step_masquerade(struct nftnl_rule *rule, const struct nft_step *s);

/* clang-format off */
#define FROM_OURS { nft_step_group, NFT_META_IIFGROUP, NFT_CMP_EQ, NULL }
#define FROM_OTHERS { nft_step_group, NFT_META_IIFGROUP, NFT_CMP_NEQ, NULL }
#define TO_OURS { nft_step_group, NFT_META_OIFGROUP, NFT_CMP_EQ, NULL }
#define TO_OTHERS { nft_step_group, NFT_META_OIFGROUP, NFT_CMP_NEQ, NULL }
#define SADDR(family) { nft_step_saddr, family, 0, NULL }
#define DADDR(family) { nft_step_daddr, family, 0, NULL }
#define AND_DADDR(family) { nft_step_daddr, family, (family) == AF_INET ? 1 : 4, NULL }
#define AND_OIFNAME(family) { nft_step_oifname, (family) == AF_INET ? 1 : 4, 0, NULL }
#define IN_SET(set) { nft_step_lookup, set, 0, NULL }
#define BY_MAP(set) { nft_step_lookup, set, NFT_REG_VERDICT, NULL }
#define TO_LOOPBACK(family) { nft_step_to_loopback, family, 0, NULL }
#define TO_LINK_LOCAL(family) { nft_step_to_link_local, family, 0, NULL }
#define HOP_LIMIT(n) { nft_step_hop_limit, n, 0, NULL }
#define ICMP(type) { nft_step_icmp, AF_INET, type, NULL }
#define ICMP6(type) { nft_step_icmp, AF_INET6, type, NULL }
#define UDP(sport, dport) { nft_step_udp, sport, dport, NULL }
#define NO_TCP { nft_step_no_tcp, 0, 0, NULL }
#define KNOWN { nft_step_ct, NFT_CT_STATE, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED), NULL }
#define INVALID { nft_step_ct, NFT_CT_STATE, NF_CT_STATE_INVALID_BIT, NULL }
#define PUBLISHED { nft_step_ct, NFT_CT_STATUS, IPS_DST_NAT, NULL }
#define NOT_TO_HOST { nft_step_not_local, 0, 0, NULL }
#define OWN_ADDRESS(family) { nft_step_own_address, family, 0, NULL }
#define OWN_ARP { nft_step_own_arp, 0, 0, NULL }
#define PUBLISH(family, map) { nft_step_publish, family, map, NULL }
#define MASQUERADE { nft_step_masquerade, 0, 0, NULL }
#define ACCEPT { nft_step_verdict, NF_ACCEPT, 0, NULL }
#define DROP { nft_step_verdict, NF_DROP, 0, NULL }
#define RETURN { nft_step_verdict, (uint32_t)NFT_RETURN, 0, NULL }
#define JUMP(to) { nft_step_verdict, (uint32_t)NFT_JUMP, 0, to }
#define GOTO(to) { nft_step_verdict, (uint32_t)NFT_GOTO, 0, to }
/* clang-format on */

#endif
