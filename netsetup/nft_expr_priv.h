/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Building blocks of rules. A value is loaded into a register (R(0) ... R(15), 32 bits each; an
 * IPv6 address takes four) and then compared, or looked up together with its neighbours.
 */
#ifndef JAIL_NETSETUP_NFT_EXPR_PRIV_H
#define JAIL_NETSETUP_NFT_EXPR_PRIV_H

#include <libnftnl/rule.h>

#include "netsetup/nft_set_priv.h"

#define R(n) ((uint32_t)NFT_REG32_00 + (n))

/* A rule of the table, to be filled and then put. Running out of memory ends the process: a rule
 * without one of its conditions would let through what it should stop. */
struct nftnl_rule *nft_rule_new(const char *chain);
/* As a message; frees the rule. */
void nft_put_rule(struct nl_batch *b, uint8_t family, struct nftnl_rule *rule);
/* type, hook, priority: of a base chain; NULL, 0, 0: none. */
void nft_put_chain(struct nl_batch *b, uint8_t family, const char *name, const char *type,
		   uint32_t hook, int32_t priority);

/* Into a register. */
void nft_load_meta(struct nftnl_rule *rule, uint32_t key, uint32_t reg);
void nft_load_payload(struct nftnl_rule *rule, uint32_t base, uint32_t offset, uint32_t len,
		      uint32_t reg);
void nft_load_value(struct nftnl_rule *rule, const void *value, uint32_t n, uint32_t reg);
/* The address of the packet's source or destination. */
void nft_load_address(struct nftnl_rule *rule, int family, bool source, uint32_t reg);

/* About what is in R(0). op: NFT_CMP_EQ, ... */
void nft_compare_value(struct nftnl_rule *rule, uint32_t op, const void *value, uint32_t n);
void nft_compare_u8(struct nftnl_rule *rule, uint32_t op, uint8_t value);
void nft_compare_u16(struct nftnl_rule *rule, uint32_t op, uint16_t value); /* in host order */
void nft_mask(struct nftnl_rule *rule, const void *mask, uint32_t n);
/* What begins in R(0): is it in the set; for a map, its value to dreg. */
void nft_lookup(struct nftnl_rule *rule, enum nft_set set, uint32_t dreg);

/* Loads and compares. family: AF_INET, AF_INET6. */
void nft_match_family(struct nftnl_rule *rule, int family);
void nft_match_protocol(struct nftnl_rule *rule, uint8_t protocol);
void nft_match_prefix(struct nftnl_rule *rule, int family, bool source, const void *address,
		      unsigned prefix);
void nft_match_ports(struct nftnl_rule *rule, uint16_t first, uint16_t last); /* destination */
/* A bit of a ct key is set: NFT_CT_STATE, NFT_CT_STATUS. */
void nft_match_ct(struct nftnl_rule *rule, uint32_t key, uint32_t bits);
/* The destination is no address of the host. */
void nft_match_not_local(struct nftnl_rule *rule);

void nft_verdict(struct nftnl_rule *rule, int verdict, const char *chain);
/* To the address in R(0) and the following, and the port in port_reg if that is not 0. */
void nft_dnat(struct nftnl_rule *rule, int family, uint32_t port_reg);
void nft_masquerade(struct nftnl_rule *rule);

#endif
