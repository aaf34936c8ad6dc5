/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firewall of an instance: up to three chains, which the verdict maps lead its packets to.
 *
 *   out-NAME   from `leaving`, not to come back there: drop what is denied; return what is allowed,
 *              so that the destination is asked next; the rest is dropped if anything is allowed,
 *              else returned. Link-local addresses are allowed by a rule about them alone, not by
 *              one about everything (row 75: metadata services).
 *   in-NAME    from `entering`, and back: drop what is denied, accept what is allowed, and drop the
 *              rest if anything is.
 *   host-NAME  from `host`: accept what is allowed to the host, unless it is denied; drop the rest.
 *
 * Members of a group are elements (group . address), so who comes and goes changes no rule.
 */
#include "netsetup/nft_expr_priv.h"

#include <linux/netfilter/nf_tables.h>

#include "base/str.h"

static const char *const nft_chain_prefixes[NFT_INSTANCE_CHAINS] = {
	[NFT_CHAIN_OUT] = "out-",
	[NFT_CHAIN_IN] = "in-",
	[NFT_CHAIN_HOST] = "host-",
};

void nft_chain_name(enum nft_chain chain, const char *owner, char ret[static NFT_CHAIN_NAME_MAX])
{
	(void)snprintf(ret, NFT_CHAIN_NAME_MAX, "%s%s", nft_chain_prefixes[chain], owner);
}

const char *nft_chain_owner(const char *name)
{
	int chain;

	for (chain = 0; chain < NFT_INSTANCE_CHAINS; chain++)
		if (str_starts(name, nft_chain_prefixes[chain]))
			return name + strlen(nft_chain_prefixes[chain]);
	return NULL;
}

/* What is denied to all is denied to the host too. */
static bool nft_rule_belongs(const struct net_rule *r, enum nft_chain chain)
{
	switch (chain) {
	case NFT_CHAIN_OUT:
		return r->out && r->peer != NET_PEER_HOST;
	case NFT_CHAIN_IN:
		return !r->out;
	case NFT_CHAIN_HOST:
		return r->out &&
		       (r->peer == NET_PEER_HOST || (!r->allow && r->peer != NET_PEER_GROUP));
	case NFT_INSTANCE_CHAINS:
		break;
	}
	return false;
}

static bool nft_chain_allows(const struct net_plan *plan, enum nft_chain chain)
{
	size_t i;

	for (i = 0; i < plan->n_rules; i++)
		if (plan->rules[i].allow && nft_rule_belongs(&plan->rules[i], chain))
			return true;
	return false;
}

bool nft_chain_needed(const struct net_plan *plan, enum nft_chain chain)
{
	size_t i;

	if (chain == NFT_CHAIN_HOST) /* without: nothing reaches the host anyway */
		return nft_chain_allows(plan, chain);
	for (i = 0; i < plan->n_rules; i++)
		if (nft_rule_belongs(&plan->rules[i], chain))
			return true;
	return false;
}

size_t nft_chain_messages(const struct net_plan *plan)
{
	/* Both families, and twice for what is denied to the host too; chain, flush, four rules. */
	return 4 * plan->n_rules + 6 * NFT_INSTANCE_CHAINS;
}

/* ---- rules ---- */

/* family: AF_UNSPEC where the rule is the same for both. */
static void nft_match_peer(struct nftnl_rule *rule, const struct net_rule *r, int family)
{
	bool source = !r->out;

	switch (r->peer) {
	case NET_PEER_ANY:
	case NET_PEER_HOST:
		break;
	case NET_PEER_ADDRESS:
		nft_match_prefix(rule, family, source, &r->address, r->prefix);
		break;
	case NET_PEER_GROUP:
		nft_match_family(rule, family);
		nft_load_value(rule, &r->group, 4, R(0));
		nft_load_value(rule, (const uint8_t *)&r->group + 4, 4, R(1));
		nft_load_address(rule, family, source, R(2));
		nft_lookup(rule, NFT_OF(family, NFT_MEMBERS4), 0);
		break;
	}
}

static void nft_put_condition_of(struct nl_batch *b, const char *chain, const struct net_rule *r,
				 int family, int verdict)
{
	struct nftnl_rule *rule = nft_rule_new(chain);
	uint8_t protocol = r->protocol;

	if (protocol == IPPROTO_ICMP && family == AF_INET6)
		protocol = IPPROTO_ICMPV6;
	nft_match_peer(rule, r, family);
	if (protocol)
		nft_match_protocol(rule, protocol);
	if (r->first || r->last)
		nft_match_ports(rule, r->first, r->last);
	nft_verdict(rule, verdict, NULL);
	nft_put_rule(b, NFPROTO_INET, rule);
}

static void nft_put_condition(struct nl_batch *b, const char *chain, const struct net_rule *r,
			      int verdict)
{
	if (r->peer == NET_PEER_ADDRESS) {
		nft_put_condition_of(b, chain, r, r->family, verdict);
	} else if (r->peer == NET_PEER_GROUP || r->protocol == IPPROTO_ICMP) {
		nft_put_condition_of(b, chain, r, AF_INET, verdict);
		nft_put_condition_of(b, chain, r, AF_INET6, verdict);
	} else {
		nft_put_condition_of(b, chain, r, AF_UNSPEC, verdict);
	}
}

static void nft_put_end_of_chain(struct nl_batch *b, const char *chain)
{
	struct nftnl_rule *rule = nft_rule_new(chain);

	nft_verdict(rule, NF_DROP, NULL);
	nft_put_rule(b, NFPROTO_INET, rule);
}

static const uint8_t link_local4[4] = { 169, 254 }, link_local6[16] = { 0xfe, 0x80 };

static bool nft_rule_is_link_local(const struct net_rule *r)
{
	if (r->peer != NET_PEER_ADDRESS)
		return false;
	if (r->family == AF_INET)
		return r->prefix >= 16 && memcmp(&r->address, link_local4, 2) == 0;
	return r->prefix >= 10 && IN6_IS_ADDR_LINKLOCAL(&r->address.v6);
}

static void nft_put_no_link_local(struct nl_batch *b, const char *chain, int family)
{
	struct nftnl_rule *rule = nft_rule_new(chain);

	nft_match_prefix(rule, family, false, family == AF_INET ? link_local4 : link_local6,
			 family == AF_INET ? 16 : 10);
	nft_verdict(rule, NF_DROP, NULL);
	nft_put_rule(b, NFPROTO_INET, rule);
}

static void nft_put_conditions(struct nl_batch *b, const struct net_plan *plan,
			       enum nft_chain chain, const char *name)
{
	int allowed = chain == NFT_CHAIN_OUT ? NFT_RETURN : NF_ACCEPT;
	size_t i, n = plan->n_rules;
	const struct net_rule *v = plan->rules;

	for (i = 0; i < n; i++)
		if (!v[i].allow && nft_rule_belongs(&v[i], chain))
			nft_put_condition(b, name, &v[i], NF_DROP);
	if (chain == NFT_CHAIN_OUT) {
		for (i = 0; i < n; i++)
			if (v[i].allow && v[i].out && nft_rule_is_link_local(&v[i]))
				nft_put_condition(b, name, &v[i], allowed);
		nft_put_no_link_local(b, name, AF_INET);
		nft_put_no_link_local(b, name, AF_INET6);
	}
	for (i = 0; i < n; i++)
		if (v[i].allow && nft_rule_belongs(&v[i], chain) &&
		    !(chain == NFT_CHAIN_OUT && nft_rule_is_link_local(&v[i])))
			nft_put_condition(b, name, &v[i], allowed);
	if (nft_chain_allows(plan, chain))
		nft_put_end_of_chain(b, name);
}

void nft_put_empty_chain(struct nl_batch *b, const char *name)
{
	nft_put_chain(b, NFPROTO_INET, name, NULL, 0, 0);
	nft_put_message(b, NFPROTO_INET, NFT_MSG_DELRULE, 0, "flush nftables chain");
	nl_put_str(b, NFTA_RULE_TABLE, NFT_TABLE);
	nl_put_str(b, NFTA_RULE_CHAIN, name);
}

void nft_put_instance_chain(struct nl_batch *b, const struct net_plan *plan, enum nft_chain chain)
{
	char name[NFT_CHAIN_NAME_MAX];

	nft_chain_name(chain, plan->instance->s, name);
	nft_put_empty_chain(b, name);
	nft_put_conditions(b, plan, chain, name);
}

static void nft_put_delete(struct nl_batch *b, const char *name)
{
	nft_put_message(b, NFPROTO_INET, NFT_MSG_DELCHAIN, 0, "delete nftables chain");
	nl_put_str(b, NFTA_CHAIN_TABLE, NFT_TABLE);
	nl_put_str(b, NFTA_CHAIN_NAME, name);
}

void nft_put_chain_delete(struct nl_batch *b, enum nft_chain chain, const char *owner)
{
	char name[NFT_CHAIN_NAME_MAX];

	nft_chain_name(chain, owner, name);
	nft_put_delete(b, name);
}

int nft_chain_delete(struct nl *nl, const char *name, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct err why = ERR_INIT;
	int r;

	nft_reserve(&b, 0, 1);
	nft_put_begin(&b);
	nft_put_delete(&b, name);
	nft_put_end(&b);
	r = nft_run(nl, &b, &why);
	if (r < 0 && r != -ENOENT) {
		*e = why;
		return r;
	}
	return 0;
}

int nft_chains_delete(struct nl *nl, const char *owner, struct err *e)
{
	char name[NFT_CHAIN_NAME_MAX];
	int chain, r = 0;

	for (chain = 0; r >= 0 && chain < NFT_INSTANCE_CHAINS; chain++) {
		nft_chain_name((enum nft_chain)chain, owner, name);
		r = nft_chain_delete(nl, name, e);
	}
	return r;
}

/* ---- comparing ---- */

static bool nft_rule_same(const struct net_rule *a, const struct net_rule *b)
{
	if (a->allow != b->allow || a->out != b->out || a->protocol != b->protocol ||
	    a->first != b->first || a->last != b->last || a->peer != b->peer)
		return false;
	switch (a->peer) {
	case NET_PEER_ADDRESS:
		return a->family == b->family && a->prefix == b->prefix &&
		       memcmp(&a->address, &b->address, a->family == AF_INET ? 4 : 16) == 0;
	case NET_PEER_GROUP:
		return a->group == b->group;
	case NET_PEER_ANY:
	case NET_PEER_HOST:
		break;
	}
	return true;
}

/* The next rule of the chain from *i on, or NULL. */
static const struct net_rule *nft_rule_next(const struct net_plan *plan, enum nft_chain chain,
					    size_t *i)
{
	while (*i < plan->n_rules) {
		const struct net_rule *r = &plan->rules[(*i)++];

		if (nft_rule_belongs(r, chain))
			return r;
	}
	return NULL;
}

bool nft_chain_same(const struct net_plan *a, const struct net_plan *b, enum nft_chain chain)
{
	size_t i = 0, j = 0;

	if (nft_chain_needed(a, chain) != nft_chain_needed(b, chain))
		return false;
	for (;;) {
		const struct net_rule *ra = nft_rule_next(a, chain, &i);
		const struct net_rule *rb = nft_rule_next(b, chain, &j);

		if (!ra || !rb)
			return !ra && !rb;
		if (!nft_rule_same(ra, rb))
			return false;
	}
}
