/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules, as a table of steps. In nft(8)'s language, where "ip" stands for both families (each
 * such rule and set is there twice: addresses4, addresses6), and OURS for the interface group of
 * all host interfaces of ours:
 *
 * table arp jail:
 *   chain input       { type filter hook input priority filter
 *                       iifgroup != OURS accept
 *                       iifname . arp saddr ether . arp saddr ip @senders accept
 *                       drop }
 * table inet jail:
 *   chain prerouting  { type filter hook prerouting priority raw;  iifgroup OURS jump source }
 *   chain source      { ip daddr 127.0.0.0/8 drop;  ip6 daddr ::1 drop
 *                       meta l4proto != tcp jump unwanted
 *                       iifname . ether saddr . ip saddr @addresses return
 *                       drop }
 *   chain unwanted    { icmp type redirect drop
 *                       icmpv6 type { nd-redirect, nd-router-advert } drop
 *                       udp sport 67 dport 68 drop;  udp sport 547 dport 546 drop }
 *   chain input       { type filter hook input priority filter;  iifgroup OURS jump host }
 *   chain host        { ct state established,related accept
 *                       icmp type echo-request ip saddr . ip daddr @gateways accept
 *                       icmpv6 type echo-request ip6 daddr fe80::/10 accept
 *                       icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }
 *                              ip6 hoplimit 255 accept
 *                       ip saddr vmap @host
 *                       drop }
 *   chain forward     { type filter hook forward priority filter
 *                       ct state established,related accept
 *                       iifgroup OURS jump leaving
 *                       oifgroup OURS jump entering }
 *   chain leaving     { ct state invalid drop
 *                       oifgroup != OURS jump outside
 *                       ip saddr vmap @out
 *                       ip daddr 169.254.0.0/16 drop;  ip6 daddr fe80::/10 drop }
 *   chain outside     { ip saddr @outside return
 *                       ip saddr . oifname @outside_by return
 *                       drop }
 *   chain entering    { iifgroup OURS jump tenants
 *                       ip daddr vmap @in
 *                       ct status dnat accept
 *                       iifgroup OURS ip saddr . ip daddr @neighbours accept
 *                       drop }
 *   chain tenants     { ct status dnat return
 *                       ip saddr vmap @tenant
 *                       drop }
 *   chain output      { type filter hook output priority filter
 *                       oifgroup OURS icmp type redirect drop
 *                       oifgroup OURS icmpv6 type nd-redirect drop }
 *   chain publish     { ip daddr 127.0.0.0/8 return;  ip6 daddr ::1 return
 *                       dnat to ip daddr . meta l4proto . th dport map @ports_at
 *                       dnat to ip daddr . meta l4proto . th dport map @ranges_at
 *                       fib daddr type != local return
 *                       dnat to meta l4proto . th dport map @ports
 *                       dnat to meta l4proto . th dport map @ranges }
 *   chain nat_*       { type nat hook prerouting|output priority dstnat;  jump publish }
 *   chain postrouting { type nat hook postrouting priority srcnat
 *                       iifgroup OURS oifgroup != OURS ip saddr @nat masquerade
 *                       iifgroup OURS ct status dnat ip saddr . ip daddr @selves masquerade }
 *   chain count_*     { type filter hook forward|input|output priority 300
 *                       ip saddr or ip daddr, in the set that counts this class }
 *
 * of each tenant (nft_network.c), to keep its networks apart from those of others:
 *   chain tenant-NAME { <hash of NAME> . ip daddr @tenant_networks return
 *                       drop }
 * and of each instance with a firewall (nft_chains.c) out-NAME, in-NAME, host-NAME.
 *
 * What they are for. `senders` lets an instance speak ARP as itself alone: nobody else's address
 * gets into the host's neighbour table (row 71). `source` is the same for IP; it stands before
 * conntrack, so a spoofed packet leaves no trace; and nothing that would make an instance a router
 * or a DHCP server gets past it (row 70). `host` keeps the instances from what listens on the host,
 * except that they may ping their gateway, because that is the first thing one tries when the
 * network is down (row 75). `leaving` asks whether the source may send this, `entering` whether the
 * destination wants it; a packet from one instance to another is asked both. `entering` opens the
 * way in for published ports and neighbours alone: a route to the subnet is no way in (row 73).
 * `output` keeps the kernel from telling an instance that the shorter way to a published port is
 * the neighbour, whom it can't reach directly. `publish` changes the destination and not the
 * source, so an instance sees who really talks to it (row 74); only what an instance sends to
 * itself has to come back by way of the host, and seems to come from there.
 *
 * Every base chain has the policy accept and its first question is about our own interfaces: what
 * is none of our business passes unchanged to the tables of others. That of `forward` is whether
 * this is a packet of a known connection, as nearly all are, ours or not: to accept it is what the
 * policy does.
 */
#include "netsetup/nft_step_priv.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_arp.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include "base/str.h"

/* ---- the tables ---- */

static const struct {
	uint8_t family;
	const char *name;
	const char *type; /* NULL: not a base chain */
	uint32_t hook;
	int32_t priority;
} nft_chains[] = {
	{ NFPROTO_INET, "prerouting", "filter", NF_INET_PRE_ROUTING, -300 }, /* before conntrack */
	{ NFPROTO_INET, "source", NULL, 0, 0 },
	{ NFPROTO_INET, "unwanted", NULL, 0, 0 },
	{ NFPROTO_INET, "input", "filter", NF_INET_LOCAL_IN, 0 },
	{ NFPROTO_INET, "host", NULL, 0, 0 },
	{ NFPROTO_INET, "forward", "filter", NF_INET_FORWARD, 0 },
	{ NFPROTO_INET, "leaving", NULL, 0, 0 },
	{ NFPROTO_INET, "outside", NULL, 0, 0 },
	{ NFPROTO_INET, "entering", NULL, 0, 0 },
	{ NFPROTO_INET, "tenants", NULL, 0, 0 },
	{ NFPROTO_INET, "output", "filter", NF_INET_LOCAL_OUT, 0 },
	{ NFPROTO_INET, "publish", NULL, 0, 0 },
	{ NFPROTO_INET, "nat_prerouting", "nat", NF_INET_PRE_ROUTING, -100 }, /* dstnat */
	{ NFPROTO_INET, "nat_output", "nat", NF_INET_LOCAL_OUT, -100 },
	{ NFPROTO_INET, "postrouting", "nat", NF_INET_POST_ROUTING, 100 }, /* srcnat */
	/* After everybody's filters: what they drop isn't counted. */
	{ NFPROTO_INET, "count_forward", "filter", NF_INET_FORWARD, 300 },
	{ NFPROTO_INET, "count_input", "filter", NF_INET_LOCAL_IN, 300 },
	{ NFPROTO_INET, "count_output", "filter", NF_INET_LOCAL_OUT, 300 },
	{ NFPROTO_INET, "sent", NULL, 0, 0 },
	{ NFPROTO_INET, "sent_inside", NULL, 0, 0 },
	{ NFPROTO_INET, "sent_outside", NULL, 0, 0 },
	{ NFPROTO_INET, "received", NULL, 0, 0 },
	{ NFPROTO_INET, "received_inside", NULL, 0, 0 },
	{ NFPROTO_INET, "received_outside", NULL, 0, 0 },
	{ NFPROTO_ARP, "input", "filter", NF_ARP_IN, 0 },
};
_Static_assert(ARRAY_SIZE(nft_chains) == NFT_CHAINS, "NFT_CHAINS");

static const struct nft_rule {
	const char *chain;
	struct nft_step steps[NFT_STEPS_MAX];
} nft_rules[] = {
	{ "prerouting", { FROM_OURS, JUMP("source") } },

	{ "source", { TO_LOOPBACK(AF_INET), DROP } }, /* row 72 */
	{ "source", { TO_LOOPBACK(AF_INET6), DROP } },
	{ "source", { NO_TCP, JUMP("unwanted") } },
	{ "source", { OWN_ADDRESS(AF_INET), RETURN } }, /* row 71 */
	{ "source", { OWN_ADDRESS(AF_INET6), RETURN } },
	{ "source", { DROP } },

	{ "unwanted", { ICMP(ICMP_REDIRECT), DROP } },
	{ "unwanted", { ICMP6(ND_REDIRECT), DROP } },
	{ "unwanted", { ICMP6(ND_ROUTER_ADVERT), DROP } }, /* row 70 */
	{ "unwanted", { UDP(67, 68), DROP } },
	{ "unwanted", { UDP(547, 546), DROP } },

	{ "input", { FROM_OURS, JUMP("host") } },
	{ "host", { KNOWN, ACCEPT } },
	{ "host",
	  { ICMP(ICMP_ECHO), SADDR(AF_INET), AND_DADDR(AF_INET), IN_SET(NFT_GATEWAYS4), ACCEPT } },
	{ "host",
	  { ICMP6(ICMP6_ECHO_REQUEST), SADDR(AF_INET6), AND_DADDR(AF_INET6), IN_SET(NFT_GATEWAYS6),
	    ACCEPT } },
	{ "host", { ICMP6(ICMP6_ECHO_REQUEST), TO_LINK_LOCAL(AF_INET6), ACCEPT } },
	{ "host", { ICMP6(ND_NEIGHBOR_SOLICIT), HOP_LIMIT(255), ACCEPT } },
	{ "host", { ICMP6(ND_NEIGHBOR_ADVERT), HOP_LIMIT(255), ACCEPT } },
	{ "host", { SADDR(AF_INET), BY_MAP(NFT_HOST4) } },
	{ "host", { SADDR(AF_INET6), BY_MAP(NFT_HOST6) } },
	{ "host", { DROP } }, /* row 75 */

	{ "forward", { KNOWN, ACCEPT } },
	{ "forward", { FROM_OURS, JUMP("leaving") } },
	{ "forward", { TO_OURS, JUMP("entering") } },

	{ "leaving", { INVALID, DROP } },
	{ "leaving", { TO_OTHERS, JUMP("outside") } },
	{ "leaving", { SADDR(AF_INET), BY_MAP(NFT_OUT4) } },
	{ "leaving", { SADDR(AF_INET6), BY_MAP(NFT_OUT6) } },
	{ "leaving", { TO_LINK_LOCAL(AF_INET), DROP } }, /* row 75: metadata services */
	{ "leaving", { TO_LINK_LOCAL(AF_INET6), DROP } },

	{ "outside", { SADDR(AF_INET), IN_SET(NFT_OUTSIDE4), RETURN } },
	{ "outside", { SADDR(AF_INET6), IN_SET(NFT_OUTSIDE6), RETURN } },
	{ "outside", { SADDR(AF_INET), AND_OIFNAME(AF_INET), IN_SET(NFT_OUTSIDE_BY4), RETURN } },
	{ "outside", { SADDR(AF_INET6), AND_OIFNAME(AF_INET6), IN_SET(NFT_OUTSIDE_BY6), RETURN } },
	{ "outside", { DROP } }, /* row 76 */

	{ "entering", { FROM_OURS, JUMP("tenants") } },
	{ "entering", { DADDR(AF_INET), BY_MAP(NFT_IN4) } },
	{ "entering", { DADDR(AF_INET6), BY_MAP(NFT_IN6) } },
	{ "entering", { PUBLISHED, ACCEPT } },
	{ "entering",
	  { FROM_OURS, SADDR(AF_INET), AND_DADDR(AF_INET), IN_SET(NFT_NEIGHBOURS4), ACCEPT } },
	{ "entering",
	  { FROM_OURS, SADDR(AF_INET6), AND_DADDR(AF_INET6), IN_SET(NFT_NEIGHBOURS6), ACCEPT } },
	{ "entering", { DROP } }, /* row 73 */

	{ "tenants", { PUBLISHED, RETURN } },
	{ "tenants", { SADDR(AF_INET), BY_MAP(NFT_TENANT4) } },
	{ "tenants", { SADDR(AF_INET6), BY_MAP(NFT_TENANT6) } },
	{ "tenants", { DROP } },

	{ "output", { TO_OURS, ICMP(ICMP_REDIRECT), DROP } },
	{ "output", { TO_OURS, ICMP6(ND_REDIRECT), DROP } },

	{ "publish", { TO_LOOPBACK(AF_INET), RETURN } },
	{ "publish", { TO_LOOPBACK(AF_INET6), RETURN } },
	{ "publish", { PUBLISH(AF_INET, NFT_PORTS_AT4) } },
	{ "publish", { PUBLISH(AF_INET6, NFT_PORTS_AT6) } },
	{ "publish", { PUBLISH(AF_INET, NFT_RANGES_AT4) } },
	{ "publish", { PUBLISH(AF_INET6, NFT_RANGES_AT6) } },
	{ "publish", { NOT_TO_HOST, RETURN } },
	{ "publish", { PUBLISH(AF_INET, NFT_PORTS4) } },
	{ "publish", { PUBLISH(AF_INET6, NFT_PORTS6) } },
	{ "publish", { PUBLISH(AF_INET, NFT_RANGES4) } },
	{ "publish", { PUBLISH(AF_INET6, NFT_RANGES6) } },
	{ "nat_prerouting", { JUMP("publish") } },
	{ "nat_output", { JUMP("publish") } },

	{ "postrouting", { FROM_OURS, TO_OTHERS, SADDR(AF_INET), IN_SET(NFT_NAT4), MASQUERADE } },
	{ "postrouting", { FROM_OURS, TO_OTHERS, SADDR(AF_INET6), IN_SET(NFT_NAT6), MASQUERADE } },
	{ "postrouting",
	  { FROM_OURS, PUBLISHED, SADDR(AF_INET), AND_DADDR(AF_INET), IN_SET(NFT_SELVES4),
	    MASQUERADE } },
	{ "postrouting",
	  { FROM_OURS, PUBLISHED, SADDR(AF_INET6), AND_DADDR(AF_INET6), IN_SET(NFT_SELVES6),
	    MASQUERADE } },

	{ "count_forward", { FROM_OURS, JUMP("sent") } },
	{ "count_forward", { TO_OURS, JUMP("received") } },
	{ "count_input", { FROM_OURS, JUMP("sent_inside") } },
	{ "count_output", { TO_OURS, JUMP("received_inside") } },
	{ "sent", { TO_OURS, GOTO("sent_inside") } },
	{ "sent", { GOTO("sent_outside") } },
	{ "sent_inside", { SADDR(AF_INET), IN_SET(NFT_SENT_INSIDE4) } },
	{ "sent_inside", { SADDR(AF_INET6), IN_SET(NFT_SENT_INSIDE6) } },
	{ "sent_outside", { SADDR(AF_INET), IN_SET(NFT_SENT_OUTSIDE4) } },
	{ "sent_outside", { SADDR(AF_INET6), IN_SET(NFT_SENT_OUTSIDE6) } },
	{ "received", { FROM_OURS, GOTO("received_inside") } },
	{ "received", { GOTO("received_outside") } },
	{ "received_inside", { DADDR(AF_INET), IN_SET(NFT_RECEIVED_INSIDE4) } },
	{ "received_inside", { DADDR(AF_INET6), IN_SET(NFT_RECEIVED_INSIDE6) } },
	{ "received_outside", { DADDR(AF_INET), IN_SET(NFT_RECEIVED_OUTSIDE4) } },
	{ "received_outside", { DADDR(AF_INET6), IN_SET(NFT_RECEIVED_OUTSIDE6) } },
};

/* Of the table arp jail. */
static const struct nft_rule nft_arp_rules[] = {
	{ "input", { FROM_OTHERS, ACCEPT } },
	{ "input", { OWN_ARP, ACCEPT } },
	{ "input", { DROP } }, /* row 71 */
};

static void nft_put_fixed_rule(struct nl_batch *b, uint8_t family, const struct nft_rule *r)
{
	struct nftnl_rule *rule = nft_rule_new(r->chain);
	size_t i;

	for (i = 0; i < NFT_STEPS_MAX && r->steps[i].put; i++)
		r->steps[i].put(rule, &r->steps[i]);
	nft_put_rule(b, family, rule);
}

void nft_rules_put(struct nl_batch *b)
{
	size_t i;

	for (i = 0; i < NFT_CHAINS; i++)
		nft_put_chain(b, nft_chains[i].family, nft_chains[i].name, nft_chains[i].type,
			      nft_chains[i].hook, nft_chains[i].priority);
	for (i = 0; i < ARRAY_SIZE(nft_rules); i++)
		nft_put_fixed_rule(b, NFPROTO_INET, &nft_rules[i]);
	for (i = 0; i < ARRAY_SIZE(nft_arp_rules); i++)
		nft_put_fixed_rule(b, NFPROTO_ARP, &nft_arp_rules[i]);
}

size_t nft_rules_messages(void)
{
	return NFT_CHAINS + ARRAY_SIZE(nft_rules) + ARRAY_SIZE(nft_arp_rules);
}

static uint32_t nft_count_uses(const struct nft_rule *rules, size_t n, const char *chain)
{
	uint32_t use = 0;
	size_t i, j;

	for (i = 0; i < n; i++) {
		use += str_eq(rules[i].chain, chain);
		for (j = 0; j < NFT_STEPS_MAX && rules[i].steps[j].put; j++)
			use += rules[i].steps[j].chain && str_eq(rules[i].steps[j].chain, chain);
	}
	return use;
}

void nft_rules_use(struct nft_chain_use ret[static NFT_CHAINS])
{
	size_t i;

	for (i = 0; i < NFT_CHAINS; i++) {
		const char *name = nft_chains[i].name;
		bool arp = nft_chains[i].family == NFPROTO_ARP;

		ret[i] = (struct nft_chain_use){
			.family = nft_chains[i].family,
			.name = name,
			.use = arp ? nft_count_uses(nft_arp_rules, ARRAY_SIZE(nft_arp_rules), name)
				   : nft_count_uses(nft_rules, ARRAY_SIZE(nft_rules), name),
		};
	}
}
