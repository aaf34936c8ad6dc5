/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules, as a table of fragments. In nft(8)'s language:
 *
 *   chain prerouting  { type filter hook prerouting priority raw;  iifname @bridges jump source }
 *   chain source      { meta nfproto != ipv4 drop
 *                       ip daddr 127.0.0.0/8 drop
 *                       ip daddr 169.254.0.0/16 drop
 *                       icmp type redirect drop
 *                       ether saddr . ip saddr @addresses return
 *                       drop }
 *   chain input       { type filter hook input priority filter;
 *                       iifname @bridges jump host }
 *   chain host        { ct state established,related accept
 *                       icmp type echo-request fib daddr . iif type local accept
 *                       drop }
 *   chain forward     { type filter hook forward priority filter;
 *                       oifname @bridges jump instance
 *                       iifname @bridges ct state invalid drop }
 *   chain instance    { ct state established,related accept
 *                       ct status dnat accept
 *                       drop }
 *   chain output      { type filter hook output priority filter;
 *                       oifname @bridges icmp type redirect drop }
 *   chain publish     { ip daddr 127.0.0.0/8 return
 *                       dnat ip to ip daddr . meta l4proto . th dport map @ports_at
 *                       fib daddr type local dnat ip to meta l4proto . th dport map @ports }
 *   chain nat_*       { type nat hook prerouting|output priority dstnat;  jump publish }
 *   chain postrouting { type nat hook postrouting priority srcnat;
 *                       iifname @bridges oifname != @bridges masquerade
 *                       iifname @bridges oifname @bridges ct status dnat masquerade }
 *
 * What they are for. `source` is what a locked bridge port can't see: the IPv4 address (row 71),
 * and there is no IPv6 yet (rows 70, 75); it stands before conntrack, so a spoofed packet leaves no
 * trace. `host` keeps the instances from what listens on the host, except that they may ping their
 * gateway, because that is the first thing one tries when the network is down (row 75). `instance`
 * opens the way in for published ports alone: a route to the subnet is no way in (row 73). `output`
 * keeps the kernel from telling an instance that the shorter way to a published port is the
 * neighbour, where the isolated port would then drop it. `publish` changes the destination and not
 * the source, so an instance sees who really talks to it (row 74); only where client and server are
 * both on a bridge, the answer has to be led back through the host. A packet from a bridge is
 * masqueraded on its way out whatever its source, because `source` has seen it.
 *
 * Every base chain has the policy accept and its first question is about our own bridges: what is
 * none of our business passes unchanged to the tables of others.
 */
#include "netsetup/nft_priv.h"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <netinet/ip_icmp.h>

#include "base/str.h"

#define R(n) ((uint32_t)NFT_REG32_00 + (n))
#define RULE_ROOM 2048 /* more than any rule takes */
#define FRAGMENTS_MAX 4

typedef void nft_fragment(struct nftnl_rule *rule);

static struct nftnl_expr *put_expr(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *x = nftnl_expr_alloc(name);

	/* A rule without one of its conditions would let through what it should stop. */
	if (!x)
		abort();
	nftnl_rule_add_expr(rule, x);
	return x;
}

static void put_meta(struct nftnl_rule *rule, uint32_t key, uint32_t reg)
{
	struct nftnl_expr *x = put_expr(rule, "meta");

	nftnl_expr_set_u32(x, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(x, NFTNL_EXPR_META_DREG, reg);
}

static void put_payload(struct nftnl_rule *rule, uint32_t base, uint32_t offset, uint32_t len,
			uint32_t reg)
{
	struct nftnl_expr *x = put_expr(rule, "payload");

	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_DREG, reg);
}

/* Compares what is in the first register. */
static void put_cmp(struct nftnl_rule *rule, uint32_t op, const void *data, uint32_t n)
{
	struct nftnl_expr *x = put_expr(rule, "cmp");

	nftnl_expr_set_u32(x, NFTNL_EXPR_CMP_SREG, R(0));
	nftnl_expr_set_u32(x, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(x, NFTNL_EXPR_CMP_DATA, data, n);
}

static void put_cmp_u8(struct nftnl_rule *rule, uint32_t op, uint8_t value)
{
	put_cmp(rule, op, &value, sizeof(value));
}

/* What is in the first registers, in a set; or, for a map, its value into them. */
static struct nftnl_expr *put_lookup(struct nftnl_rule *rule, enum nft_set set)
{
	struct nftnl_expr *x = put_expr(rule, "lookup");

	nftnl_expr_set_str(x, NFTNL_EXPR_LOOKUP_SET, nft_sets[set].name);
	nftnl_expr_set_u32(x, NFTNL_EXPR_LOOKUP_SREG, R(0));
	if (nft_sets[set].data_len)
		nftnl_expr_set_u32(x, NFTNL_EXPR_LOOKUP_DREG, R(0));
	return x;
}

static void put_verdict(struct nftnl_rule *rule, int verdict, const char *chain)
{
	struct nftnl_expr *x = put_expr(rule, "immediate");

	nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
	if (chain)
		nftnl_expr_set_str(x, NFTNL_EXPR_IMM_CHAIN, chain);
}

/* A bit of a ct key. */
static void put_ct_bits(struct nftnl_rule *rule, uint32_t key, uint32_t bits)
{
	static const uint32_t zero;
	struct nftnl_expr *x = put_expr(rule, "ct");

	nftnl_expr_set_u32(x, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(x, NFTNL_EXPR_CT_DREG, R(0));
	x = put_expr(rule, "bitwise");
	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_SREG, R(0));
	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_DREG, R(0));
	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_LEN, sizeof(bits));
	nftnl_expr_set(x, NFTNL_EXPR_BITWISE_MASK, &bits, sizeof(bits));
	nftnl_expr_set(x, NFTNL_EXPR_BITWISE_XOR, &zero, sizeof(zero));
	put_cmp(rule, NFT_CMP_NEQ, &zero, sizeof(zero));
}

static void put_fib_local(struct nftnl_rule *rule, uint32_t flags)
{
	static const uint32_t local = RTN_LOCAL;
	struct nftnl_expr *x = put_expr(rule, "fib");

	nftnl_expr_set_u32(x, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nftnl_expr_set_u32(x, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR | flags);
	nftnl_expr_set_u32(x, NFTNL_EXPR_FIB_DREG, R(0));
	put_cmp(rule, NFT_CMP_EQ, &local, sizeof(local));
}

/* ---- fragments ---- */

static void from_bridge(struct nftnl_rule *rule)
{
	put_meta(rule, NFT_META_IIFNAME, R(0));
	put_lookup(rule, NFT_SET_BRIDGES);
}

static void to_bridge(struct nftnl_rule *rule)
{
	put_meta(rule, NFT_META_OIFNAME, R(0));
	put_lookup(rule, NFT_SET_BRIDGES);
}

static void not_to_bridge(struct nftnl_rule *rule)
{
	put_meta(rule, NFT_META_OIFNAME, R(0));
	nftnl_expr_set_u32(put_lookup(rule, NFT_SET_BRIDGES), NFTNL_EXPR_LOOKUP_FLAGS,
			   NFT_LOOKUP_F_INV);
}

static void ipv4(struct nftnl_rule *rule)
{
	put_meta(rule, NFT_META_NFPROTO, R(0));
	put_cmp_u8(rule, NFT_CMP_EQ, NFPROTO_IPV4);
}

static void not_ipv4(struct nftnl_rule *rule)
{
	put_meta(rule, NFT_META_NFPROTO, R(0));
	put_cmp_u8(rule, NFT_CMP_NEQ, NFPROTO_IPV4);
}

static void to_loopback_net(struct nftnl_rule *rule)
{
	ipv4(rule);
	put_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, 16, 1, R(0));
	put_cmp_u8(rule, NFT_CMP_EQ, 127);
}

static void to_link_local(struct nftnl_rule *rule)
{
	static const uint8_t net[] = { 169, 254 };

	ipv4(rule);
	put_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, 16, 2, R(0));
	put_cmp(rule, NFT_CMP_EQ, net, sizeof(net));
}

static void put_icmp_type(struct nftnl_rule *rule, uint8_t type)
{
	ipv4(rule);
	put_meta(rule, NFT_META_L4PROTO, R(0));
	put_cmp_u8(rule, NFT_CMP_EQ, IPPROTO_ICMP);
	put_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, R(0));
	put_cmp_u8(rule, NFT_CMP_EQ, type);
}

static void icmp_redirect(struct nftnl_rule *rule)
{
	put_icmp_type(rule, ICMP_REDIRECT);
}

static void icmp_echo(struct nftnl_rule *rule)
{
	put_icmp_type(rule, ICMP_ECHO);
}

static void own_address(struct nftnl_rule *rule)
{
	put_payload(rule, NFT_PAYLOAD_LL_HEADER, 6, LINK_MAC_LEN, R(0));
	put_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, 12, 4, R(2));
	put_lookup(rule, NFT_SET_ADDRESSES);
}

static void known_flow(struct nftnl_rule *rule)
{
	put_ct_bits(rule, NFT_CT_STATE,
		    NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED));
}

static void invalid_flow(struct nftnl_rule *rule)
{
	put_ct_bits(rule, NFT_CT_STATE, NF_CT_STATE_INVALID_BIT);
}

static void published_flow(struct nftnl_rule *rule)
{
	put_ct_bits(rule, NFT_CT_STATUS, IPS_DST_NAT);
}

static void to_host(struct nftnl_rule *rule)
{
	put_fib_local(rule, 0);
}

/* An address of the very interface that the packet came in by. */
static void to_gateway(struct nftnl_rule *rule)
{
	put_fib_local(rule, NFTA_FIB_F_IIF);
}

static void put_dnat(struct nftnl_rule *rule, enum nft_set map)
{
	struct nftnl_expr *x;

	put_lookup(rule, map);
	x = put_expr(rule, "nat");
	nftnl_expr_set_u32(x, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	nftnl_expr_set_u32(x, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
	nftnl_expr_set_u32(x, NFTNL_EXPR_NAT_REG_ADDR_MIN, R(0));
	nftnl_expr_set_u32(x, NFTNL_EXPR_NAT_REG_PROTO_MIN, R(1));
}

static void dnat_by_port(struct nftnl_rule *rule)
{
	put_meta(rule, NFT_META_L4PROTO, R(0));
	put_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, R(1));
	put_dnat(rule, NFT_SET_PORTS);
}

static void dnat_by_address(struct nftnl_rule *rule)
{
	put_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, 16, 4, R(0));
	put_meta(rule, NFT_META_L4PROTO, R(1));
	put_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, R(2));
	put_dnat(rule, NFT_SET_PORTS_AT);
}

static void masquerade(struct nftnl_rule *rule)
{
	(void)put_expr(rule, "masq");
}

static void accept_packet(struct nftnl_rule *rule)
{
	put_verdict(rule, NF_ACCEPT, NULL);
}

static void drop(struct nftnl_rule *rule)
{
	put_verdict(rule, NF_DROP, NULL);
}

static void leave_chain(struct nftnl_rule *rule)
{
	put_verdict(rule, NFT_RETURN, NULL);
}

static void jump_source(struct nftnl_rule *rule)
{
	put_verdict(rule, NFT_JUMP, "source");
}

static void jump_host(struct nftnl_rule *rule)
{
	put_verdict(rule, NFT_JUMP, "host");
}

static void jump_instance(struct nftnl_rule *rule)
{
	put_verdict(rule, NFT_JUMP, "instance");
}

static void jump_publish(struct nftnl_rule *rule)
{
	put_verdict(rule, NFT_JUMP, "publish");
}

/* ---- the tables ---- */

static const struct {
	const char *name;
	const char *type; /* NULL: not a base chain */
	uint32_t hook;
	int32_t priority;
} nft_chains[NFT_CHAINS] = {
	{ "prerouting", "filter", NF_INET_PRE_ROUTING, -300 }, /* raw: before conntrack */
	{ "source", NULL, 0, 0 },
	{ "input", "filter", NF_INET_LOCAL_IN, 0 },
	{ "host", NULL, 0, 0 },
	{ "forward", "filter", NF_INET_FORWARD, 0 },
	{ "instance", NULL, 0, 0 },
	{ "output", "filter", NF_INET_LOCAL_OUT, 0 },
	{ "publish", NULL, 0, 0 },
	{ "nat_prerouting", "nat", NF_INET_PRE_ROUTING, -100 }, /* dstnat */
	{ "nat_output", "nat", NF_INET_LOCAL_OUT, -100 },
	{ "postrouting", "nat", NF_INET_POST_ROUTING, 100 }, /* srcnat */
};

static const struct {
	const char *chain;
	nft_fragment *fragments[FRAGMENTS_MAX];
} nft_rules[] = {
	{ "prerouting", { from_bridge, jump_source } },
	{ "source", { not_ipv4, drop } },
	{ "source", { to_loopback_net, drop } }, /* row 72 */
	{ "source", { to_link_local, drop } }, /* row 75: metadata services */
	{ "source", { icmp_redirect, drop } },
	{ "source", { own_address, leave_chain } },
	{ "source", { drop } },
	{ "input", { from_bridge, jump_host } },
	{ "host", { known_flow, accept_packet } },
	{ "host", { icmp_echo, to_gateway, accept_packet } },
	{ "host", { drop } },
	{ "forward", { to_bridge, jump_instance } },
	{ "forward", { from_bridge, invalid_flow, drop } },
	{ "instance", { known_flow, accept_packet } },
	{ "instance", { published_flow, accept_packet } },
	{ "instance", { drop } },
	{ "output", { to_bridge, icmp_redirect, drop } },
	{ "publish", { to_loopback_net, leave_chain } },
	{ "publish", { ipv4, dnat_by_address } },
	{ "publish", { ipv4, to_host, dnat_by_port } },
	{ "nat_prerouting", { jump_publish } },
	{ "nat_output", { jump_publish } },
	{ "postrouting", { from_bridge, not_to_bridge, masquerade } },
	{ "postrouting", { from_bridge, to_bridge, published_flow, masquerade } },
};

static void nft_put_chain(struct nl_batch *b, size_t i)
{
	size_t hook;

	nft_put_message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK, "create nftables chain");
	nl_put_str(b, NFTA_CHAIN_TABLE, NFT_TABLE);
	nl_put_str(b, NFTA_CHAIN_NAME, nft_chains[i].name);
	if (!nft_chains[i].type)
		return;
	nl_put_str(b, NFTA_CHAIN_TYPE, nft_chains[i].type);
	nl_put_u32(b, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
	hook = nl_nest(b, NFTA_CHAIN_HOOK);
	nl_put_u32(b, NFTA_HOOK_HOOKNUM, htonl(nft_chains[i].hook));
	nl_put_u32(b, NFTA_HOOK_PRIORITY, htonl((uint32_t)nft_chains[i].priority));
	nl_nest_end(b, hook);
}

static void nft_put_rule(struct nl_batch *b, size_t i)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nlmsghdr *nlh;
	size_t f;

	if (!rule)
		abort();
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, NFT_TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, nft_rules[i].chain);
	for (f = 0; f < FRAGMENTS_MAX && nft_rules[i].fragments[f]; f++)
		nft_rules[i].fragments[f](rule);
	nft_put_message(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK,
			"add nftables rule");
	nlh = nl_message_room(b, RULE_ROOM);
	if (nlh)
		nftnl_rule_nlmsg_build_payload(nlh, rule);
	nftnl_rule_free(rule);
}

void nft_rules_put(struct nl_batch *b)
{
	size_t i;

	for (i = 0; i < NFT_CHAINS; i++)
		nft_put_chain(b, i);
	for (i = 0; i < ARRAY_SIZE(nft_rules); i++)
		nft_put_rule(b, i);
}

void nft_rules_count(struct nft_chain_count ret[static NFT_CHAINS])
{
	size_t i, j;

	for (i = 0; i < NFT_CHAINS; i++) {
		ret[i] = (struct nft_chain_count){ .name = nft_chains[i].name };
		for (j = 0; j < ARRAY_SIZE(nft_rules); j++)
			ret[i].rules += str_eq(nft_rules[j].chain, nft_chains[i].name);
	}
}
