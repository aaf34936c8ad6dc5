/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one network has in the tables: its subnets, in sets of intervals, and one element in
 * `networks`, a hash of everything that the others follow from: when that is there, they are as
 * they should be.
 */
#include "netsetup/nft_expr_priv.h"

#include <linux/netfilter/nf_tables.h>
#include <nettle/sha2.h>

#include "base/str.h"

#define HASH_LEN 16
#define ATTEMPTS 8

struct nft_subnet {
	int family;
	size_t len; /* of an address */
	uint8_t first[16], last[16], gateway[16];
};

static void nft_hash(const void *data, size_t n, uint8_t ret[static HASH_LEN])
{
	struct sha256_ctx sha;

	sha256_init(&sha);
	sha256_update(&sha, n, data);
	sha256_digest(&sha, HASH_LEN, ret);
}

/* What stands for the tenant in `tenant_networks`. Zeros: networks of nobody. */
static void nft_tenant_hash(const struct net_network *n, uint8_t ret[static HASH_LEN])
{
	memset(ret, 0, HASH_LEN);
	if (n->tenant[0])
		nft_hash(n->tenant, strlen(n->tenant), ret);
}

static void nft_subnet_of(int family, const void *subnet, const void *gateway, unsigned prefix,
			  struct nft_subnet *ret)
{
	size_t i;

	*ret = (struct nft_subnet){ .family = family, .len = family == AF_INET ? 4 : 16 };
	memcpy(ret->gateway, gateway, ret->len);
	memcpy(ret->first, subnet, ret->len);
	for (i = 0; i < ret->len; i++) {
		unsigned bits = prefix > 8 * i ? prefix - 8 * (unsigned)i : 0;
		uint8_t mask = (uint8_t)(bits >= 8 ? 0xff : 0xff00u >> bits);

		ret->first[i] &= mask;
		ret->last[i] = (uint8_t)(ret->first[i] | (uint8_t)~mask);
	}
}

/* An element where the subnet begins and one after its end, for a set of one field. target: for a
 * verdict map, or NULL. */
static void nft_interval(enum nft_set set4, const struct nft_subnet *s, const char *target,
			 struct nft_elements *ret)
{
	struct nft_element *el = nft_element_new(ret, NFT_OF(s->family, set4));
	uint8_t after[16];
	size_t i = s->len;

	nft_key(el, s->first, s->len);
	el->target = target;
	memcpy(after, s->last, sizeof(after));
	while (i > 0 && ++after[i - 1] == 0)
		i--;
	if (i == 0) /* the last of all addresses: it has no end */
		return;
	el = nft_element_new(ret, NFT_OF(s->family, set4));
	el->end = true;
	nft_key(el, after, s->len);
}

static void nft_outside_elements(const struct net_network *n, const struct nft_subnet *s,
				 struct nft_elements *ret)
{
	struct nft_element *el;

	if (n->internal)
		return;
	if (n->uplink[0]) {
		el = nft_element_new(ret, NFT_OF(s->family, NFT_OUTSIDE_BY4));
		nft_key_range(el, s->first, s->last, s->len);
		nft_key_interface(el, n->uplink);
	} else {
		nft_interval(NFT_OUTSIDE4, s, NULL, ret);
	}
	if (n->nat)
		nft_interval(NFT_NAT4, s, NULL, ret);
}

static void nft_subnet_elements(const struct net_network *n, const struct nft_subnet *s,
				struct nft_elements *ret)
{
	uint8_t tenant[HASH_LEN];
	struct nft_element *el;

	nft_tenant_hash(n, tenant);
	el = nft_element_new(ret, NFT_OF(s->family, NFT_GATEWAYS4));
	nft_key_range(el, s->first, s->last, s->len);
	nft_key(el, s->gateway, s->len);
	nft_outside_elements(n, s, ret);
	nft_interval(NFT_TENANT4, s, n->tenant, ret);
	el = nft_element_new(ret, NFT_OF(s->family, NFT_TENANT_NETWORKS4));
	nft_key(el, tenant, HASH_LEN);
	nft_key_range(el, s->first, s->last, s->len);
	if (!n->isolated) {
		el = nft_element_new(ret, NFT_OF(s->family, NFT_NEIGHBOURS4));
		nft_key_range(el, s->first, s->last, s->len);
		nft_key_range(el, s->first, s->last, s->len);
	}
}

/* All that decides about elements, in a fixed order. */
static void nft_network_element(const struct net_network *n, struct nft_elements *ret)
{
	struct {
		char name[sizeof(n->name.s)], tenant[sizeof(n->tenant)], uplink[sizeof(n->uplink)];
		struct in6_addr subnet6, gateway6;
		struct in_addr subnet4, gateway4;
		uint8_t prefix4, prefix6, internal, isolated, nat;
	} all;
	uint8_t hash[HASH_LEN];

	memset(&all, 0, sizeof(all));
	memcpy(all.name, n->name.s, strlen(n->name.s));
	memcpy(all.tenant, n->tenant, strlen(n->tenant));
	memcpy(all.uplink, n->uplink, strlen(n->uplink));
	all.subnet4 = n->subnet4;
	all.gateway4 = n->gateway4;
	all.subnet6 = n->subnet6;
	all.gateway6 = n->gateway6;
	all.prefix4 = (uint8_t)n->prefix4;
	all.prefix6 = (uint8_t)n->prefix6;
	all.internal = n->internal;
	all.isolated = n->isolated;
	all.nat = n->nat;
	nft_hash(&all, sizeof(all), hash);
	nft_key(nft_element_new(ret, NFT_NETWORKS), hash, sizeof(hash));
}

void nft_network_elements(const struct net_network *n, struct nft_elements *ret)
{
	struct nft_subnet s;

	nft_network_element(n, ret);
	if (net_has4(n)) {
		nft_subnet_of(AF_INET, &n->subnet4, &n->gateway4, n->prefix4, &s);
		nft_subnet_elements(n, &s, ret);
	}
	if (net_has6(n)) {
		nft_subnet_of(AF_INET6, &n->subnet6, &n->gateway6, n->prefix6, &s);
		nft_subnet_elements(n, &s, ret);
	}
	nft_elements_sort(ret);
}

/* Where the interval ends that begins with `start`: such an element has no comment. */
static const struct nft_element *nft_interval_end(const struct nft_listing *found,
						  const struct nft_element *start)
{
	const struct nft_element *end = NULL;
	size_t i;

	for (i = 0; i < found->n; i++) {
		const struct nft_element *el = &found->v[i].element;

		if (el->set == start->set && el->end &&
		    memcmp(el->key, start->key, NFT_KEY_MAX) > 0 &&
		    (!end || memcmp(el->key, end->key, NFT_KEY_MAX) < 0))
			end = el;
	}
	return end;
}

/* What there is with the network's name: a network that was made anew may have had other subnets.
 */
static int nft_network_found(struct nl *nl, const struct net_network *n, struct nft_elements *ret,
			     struct err *e)
{
	CLEANUP(nft_listing_free) struct nft_listing found = { .v = NULL };
	const struct nft_element *end;
	size_t i;
	int r;

	r = nft_elements_list(nl, NFT_INSTANCE_SETS, NFT_SETS, &found, e);
	if (r < 0)
		return r;
	for (i = 0; i < found.n; i++) {
		const struct nft_element *el = &found.v[i].element;

		if (!str_eq(found.v[i].owner, n->name.s))
			continue;
		*nft_element_new(ret, el->set) = *el;
		end = nft_sets[el->set].kind == NFT_KIND_INTERVAL ? nft_interval_end(&found, el)
								  : NULL;
		if (end)
			*nft_element_new(ret, end->set) = *end;
	}
	return nft_elements_ok(ret, e);
}

/* The chain of the network's tenant; the same one for all of its networks. */
static void nft_put_tenant_chain(struct nl_batch *b, const struct net_network *n)
{
	static const int families[] = { AF_INET, AF_INET6 };
	char name[NFT_CHAIN_NAME_MAX];
	uint8_t tenant[HASH_LEN];
	struct nftnl_rule *rule;
	size_t i;

	(void)snprintf(name, sizeof(name), NFT_CHAIN_TENANT "%s", n->tenant);
	nft_tenant_hash(n, tenant);
	nft_put_empty_chain(b, name);
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		rule = nft_rule_new(name);
		nft_match_family(rule, families[i]);
		nft_load_value(rule, tenant, sizeof(tenant), R(0));
		nft_load_address(rule, families[i], false, R(4));
		nft_lookup(rule, NFT_OF(families[i], NFT_TENANT_NETWORKS4), 0);
		nft_verdict(rule, NFT_RETURN, NULL);
		nft_put_rule(b, NFPROTO_INET, rule);
	}
	rule = nft_rule_new(name);
	nft_verdict(rule, NF_DROP, NULL);
	nft_put_rule(b, NFPROTO_INET, rule);
}
#define TENANT_RULES 3

/* Those of tenants without a network. Somebody may add one meanwhile: then it stays. */
static int nft_tenant_chains_clean(struct nl *nl, struct err *e)
{
	CLEANUP(nft_chain_list_free) struct nft_chain_list chains = { .v = NULL };
	size_t i;
	int r;

	r = nft_chain_list(nl, &chains, e);
	for (i = 0; r >= 0 && i < chains.n; i++) {
		struct err why = ERR_INIT;

		if (!str_starts(chains.v[i].name, NFT_CHAIN_TENANT) ||
		    chains.v[i].use > TENANT_RULES)
			continue;
		r = nft_chain_delete(nl, chains.v[i].name, &why);
		if (r == -EBUSY)
			r = 0;
		if (r < 0)
			*e = why;
	}
	return r;
}

static int nft_network_replace(struct nl *nl, const struct net_network *n,
			       const struct nft_elements *els, struct err *e)
{
	CLEANUP(nft_elements_free) struct nft_elements old = NFT_ELEMENTS_INIT;
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	int r;

	r = nft_network_found(nl, n, &old, e);
	if (r < 0)
		return r;
	nft_reserve(&b, old.n + els->n, 2 + TENANT_RULES);
	nft_put_begin(&b);
	nft_put_elements(&b, NFT_MSG_DELSETELEM, old.v, old.n, NULL);
	if (els->n > 0)
		nft_put_tenant_chain(&b, n);
	nft_put_elements(&b, NFT_MSG_NEWSETELEM, els->v, els->n, n->name.s);
	nft_put_end(&b);
	return b.n == 2 ? 0 : nft_run(nl, &b, e);
}

/* Somebody else may do the same at the same time. */
static int nft_network_set(struct nl *nl, const struct net_network *n,
			   const struct nft_elements *els, struct err *e)
{
	struct err why = ERR_INIT;
	int attempt, r = 0;

	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		why = ERR_INIT;
		r = nft_network_replace(nl, n, els, &why);
		if (r != -EEXIST && r != -ENOENT)
			break;
	}
	if (r >= 0)
		return nft_tenant_chains_clean(nl, e);
	*e = why;
	(void)err_wrap(e, "network %s", n->name.s);
	return r == -EEXIST ? err_hint(e, "another network has these subnets: `jail network list`")
			    : r;
}

int nft_network_add(struct nl *nl, const struct net_network *network, struct err *e)
{
	CLEANUP(nft_elements_free) struct nft_elements els = NFT_ELEMENTS_INIT;
	int r;

	nft_network_elements(network, &els);
	r = nft_elements_ok(&els, e);
	return r < 0 ? r : nft_network_set(nl, network, &els, e);
}

int nft_network_delete(struct nl *nl, const struct net_network *network, struct err *e)
{
	static const struct nft_elements none = NFT_ELEMENTS_INIT;

	return nft_network_set(nl, network, &none, e);
}
