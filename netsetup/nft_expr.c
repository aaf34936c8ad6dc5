/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules from parts: libnftnl lays out the expressions. */

#include "netsetup/nft_expr_priv.h"

#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

#define RULE_ROOM 2048 /* more than any rule takes */

struct nftnl_rule *nft_rule_new(const char *chain)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule)
		abort();
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, NFT_TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
	return rule;
}

void nft_put_rule(struct nl_batch *b, uint8_t family, struct nftnl_rule *rule)
{
	struct nlmsghdr *nlh;

	nft_put_message(b, family, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND,
			"add nftables rule");
	nlh = nl_message_room(b, RULE_ROOM);
	if (nlh)
		nftnl_rule_nlmsg_build_payload(nlh, rule);
	nftnl_rule_free(rule);
}

void nft_put_chain(struct nl_batch *b, uint8_t family, const char *name, const char *type,
		   uint32_t hook, int32_t priority)
{
	size_t nest;

	nft_put_message(b, family, NFT_MSG_NEWCHAIN, NLM_F_CREATE, "create nftables chain");
	nl_put_str(b, NFTA_CHAIN_TABLE, NFT_TABLE);
	nl_put_str(b, NFTA_CHAIN_NAME, name);
	if (!type)
		return;
	nl_put_str(b, NFTA_CHAIN_TYPE, type);
	nl_put_u32(b, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
	nest = nl_nest(b, NFTA_CHAIN_HOOK);
	nl_put_u32(b, NFTA_HOOK_HOOKNUM, htonl(hook));
	nl_put_u32(b, NFTA_HOOK_PRIORITY, htonl((uint32_t)priority));
	nl_nest_end(b, nest);
}

static struct nftnl_expr *nft_expr(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *x = nftnl_expr_alloc(name);

	if (!x)
		abort();
	nftnl_rule_add_expr(rule, x);
	return x;
}

/* ---- into a register ---- */

void nft_load_meta(struct nftnl_rule *rule, uint32_t key, uint32_t reg)
{
	struct nftnl_expr *x = nft_expr(rule, "meta");

	nftnl_expr_set_u32(x, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(x, NFTNL_EXPR_META_DREG, reg);
}

void nft_load_payload(struct nftnl_rule *rule, uint32_t base, uint32_t offset, uint32_t len,
		      uint32_t reg)
{
	struct nftnl_expr *x = nft_expr(rule, "payload");

	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_DREG, reg);
}

void nft_load_value(struct nftnl_rule *rule, const void *value, uint32_t n, uint32_t reg)
{
	struct nftnl_expr *x = nft_expr(rule, "immediate");

	nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_DREG, reg);
	nftnl_expr_set(x, NFTNL_EXPR_IMM_DATA, value, n);
}

static void nft_load_address_start(struct nftnl_rule *rule, int family, bool source, uint32_t n,
				   uint32_t reg)
{
	uint32_t at = family == AF_INET ? (source ? 12 : 16) : (source ? 8 : 24);

	nft_load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, at, n, reg);
}

void nft_load_address(struct nftnl_rule *rule, int family, bool source, uint32_t reg)
{
	nft_load_address_start(rule, family, source, family == AF_INET ? 4 : 16, reg);
}

/* ---- about the first register ---- */

void nft_compare_value(struct nftnl_rule *rule, uint32_t op, const void *value, uint32_t n)
{
	struct nftnl_expr *x = nft_expr(rule, "cmp");

	nftnl_expr_set_u32(x, NFTNL_EXPR_CMP_SREG, R(0));
	nftnl_expr_set_u32(x, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(x, NFTNL_EXPR_CMP_DATA, value, n);
}

void nft_compare_u8(struct nftnl_rule *rule, uint32_t op, uint8_t value)
{
	nft_compare_value(rule, op, &value, sizeof(value));
}

void nft_compare_u16(struct nftnl_rule *rule, uint32_t op, uint16_t value)
{
	uint16_t be = htons(value);

	nft_compare_value(rule, op, &be, sizeof(be));
}

void nft_mask(struct nftnl_rule *rule, const void *mask, uint32_t n)
{
	static const uint8_t zeros[16];
	struct nftnl_expr *x = nft_expr(rule, "bitwise");

	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_SREG, R(0));
	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_DREG, R(0));
	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_LEN, n);
	nftnl_expr_set(x, NFTNL_EXPR_BITWISE_MASK, mask, n);
	nftnl_expr_set(x, NFTNL_EXPR_BITWISE_XOR, zeros, n);
}

void nft_lookup(struct nftnl_rule *rule, enum nft_set set, uint32_t dreg)
{
	struct nftnl_expr *x = nft_expr(rule, "lookup");

	nftnl_expr_set_str(x, NFTNL_EXPR_LOOKUP_SET, nft_sets[set].name);
	nftnl_expr_set_u32(x, NFTNL_EXPR_LOOKUP_SREG, R(0));
	if (nft_set_is_map(set))
		nftnl_expr_set_u32(x, NFTNL_EXPR_LOOKUP_DREG, dreg);
}

/* ---- loads and compares ---- */

void nft_match_family(struct nftnl_rule *rule, int family)
{
	nft_load_meta(rule, NFT_META_NFPROTO, R(0));
	nft_compare_u8(rule, NFT_CMP_EQ, family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
}

void nft_match_protocol(struct nftnl_rule *rule, uint8_t protocol)
{
	nft_load_meta(rule, NFT_META_L4PROTO, R(0));
	nft_compare_u8(rule, NFT_CMP_EQ, protocol);
}

void nft_match_prefix(struct nftnl_rule *rule, int family, bool source, const void *address,
		      unsigned prefix)
{
	uint32_t n = family == AF_INET ? 4 : 16, i;
	uint8_t mask[16] = { 0 }, value[16] = { 0 };

	nft_match_family(rule, family);
	if (prefix == 0)
		return;
	memcpy(value, address, n);
	for (i = 0; i < n; i++) {
		unsigned bits = prefix > 8 * i ? prefix - 8 * i : 0;

		mask[i] = (uint8_t)(bits >= 8 ? 0xff : 0xff00u >> bits);
		value[i] &= mask[i];
	}
	if (prefix % 8 == 0)
		n = prefix / 8; /* whole bytes need no mask */
	nft_load_address_start(rule, family, source, n, R(0));
	if (prefix % 8 != 0)
		nft_mask(rule, mask, n);
	nft_compare_value(rule, NFT_CMP_EQ, value, n);
}

void nft_match_ports(struct nftnl_rule *rule, uint16_t first, uint16_t last)
{
	nft_load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, R(0));
	if (first == last) {
		nft_compare_u16(rule, NFT_CMP_EQ, first);
		return;
	}
	nft_compare_u16(rule, NFT_CMP_GTE, first);
	nft_compare_u16(rule, NFT_CMP_LTE, last);
}

void nft_match_ct(struct nftnl_rule *rule, uint32_t key, uint32_t bits)
{
	static const uint32_t zero;
	struct nftnl_expr *x = nft_expr(rule, "ct");

	nftnl_expr_set_u32(x, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(x, NFTNL_EXPR_CT_DREG, R(0));
	nft_mask(rule, &bits, sizeof(bits));
	nft_compare_value(rule, NFT_CMP_NEQ, &zero, sizeof(zero));
}

void nft_match_not_local(struct nftnl_rule *rule)
{
	static const uint32_t local = RTN_LOCAL;
	struct nftnl_expr *x = nft_expr(rule, "fib");

	nftnl_expr_set_u32(x, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nftnl_expr_set_u32(x, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
	nftnl_expr_set_u32(x, NFTNL_EXPR_FIB_DREG, R(0));
	nft_compare_value(rule, NFT_CMP_NEQ, &local, sizeof(local));
}

/* ---- what to do ---- */

void nft_verdict(struct nftnl_rule *rule, int verdict, const char *chain)
{
	struct nftnl_expr *x = nft_expr(rule, "immediate");

	nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
	if (chain)
		nftnl_expr_set_str(x, NFTNL_EXPR_IMM_CHAIN, chain);
}

void nft_dnat(struct nftnl_rule *rule, int family, uint32_t port_reg)
{
	struct nftnl_expr *x = nft_expr(rule, "nat");

	nftnl_expr_set_u32(x, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	nftnl_expr_set_u32(x, NFTNL_EXPR_NAT_FAMILY,
			   family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
	nftnl_expr_set_u32(x, NFTNL_EXPR_NAT_REG_ADDR_MIN, R(0));
	if (port_reg)
		nftnl_expr_set_u32(x, NFTNL_EXPR_NAT_REG_PROTO_MIN, port_reg);
}

void nft_masquerade(struct nftnl_rule *rule)
{
	(void)nft_expr(rule, "masq");
}
