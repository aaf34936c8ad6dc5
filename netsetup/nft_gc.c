/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What instances that died left in the tables: found by dumps, so not on the way of a start. */
#include "netsetup/nft_set_priv.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/str.h"

#define CHAIN_ATTEMPTS 16

/* The instance's address that the element is about. */
static const uint8_t *nft_element_address(const struct nft_element *el)
{
	if (el->set <= NFT_ADDRESSES6)
		return el->key + 24; /* interface . MAC . address */
	if (el->set == NFT_MEMBERS4 || el->set == NFT_MEMBERS6)
		return el->key + 8;
	if (el->set >= NFT_PORTS4 && el->set <= NFT_RANGES_AT6)
		return el->data;
	return el->key;
}

/* By the family of its set. */
static size_t nft_element_address_len(const struct nft_element *el)
{
	return el->set != NFT_SENDERS && (el->set - NFT_ADDRESSES4) % 2 ? 16 : 4;
}

/* ---- clearing the way of a start ---- */

static bool nft_plan_has(const struct net_plan *plan, const struct nft_element *el)
{
	const uint8_t *address = nft_element_address(el);
	size_t n = nft_element_address_len(el), i;

	for (i = 0; i < plan->n_interfaces; i++) {
		const struct net_interface *in = &plan->interfaces[i];

		if (in->network &&
		    memcmp(address, n == 4 ? (const void *)&in->address4 : &in->address6, n) == 0)
			return true;
	}
	return false;
}

/* Of a range only the last field differs between its ends. */
static bool nft_key_is_wanted(const struct nft_elements *els, const struct nft_element *el)
{
	size_t i;

	for (i = 0; i < els->n; i++)
		if (els->v[i].set == el->set &&
		    memcmp(els->v[i].key, el->key_end, NFT_KEY_MAX) <= 0 &&
		    memcmp(el->key, els->v[i].key_end, NFT_KEY_MAX) <= 0)
			return true;
	return false;
}

int nft_clear(struct nl *nl, const struct net_plan *plan, const struct nft_elements *els,
	      struct err *e)
{
	CLEANUP(nft_listing_free) struct nft_listing found = { .v = NULL };
	CLEANUP(nft_elements_free) struct nft_elements stale = NFT_ELEMENTS_INIT;
	size_t i;
	int r;

	r = nft_elements_list(nl, NFT_SENDERS, NFT_INSTANCE_SETS, &found, e);
	if (r < 0)
		return r;
	for (i = 0; i < found.n; i++) {
		const struct nft_element *el = &found.v[i].element;

		if (str_eq(found.v[i].owner, plan->instance->s) || nft_plan_has(plan, el) ||
		    nft_key_is_wanted(els, el))
			*nft_element_new(&stale, el->set) = *el;
	}
	r = nft_elements_ok(&stale, e);
	if (r >= 0)
		r = nft_elements_delete(nl, stale.v, stale.n, e);
	return r < 0 ? r : nft_chains_delete(nl, plan->instance->s, e);
}

/* ---- chains ---- */

void nft_chain_list_free(struct nft_chain_list *l)
{
	free(TAKE_PTR(l->v));
	l->n = l->room = 0;
}

static int nft_take_chain_attribute(const struct nlattr *attr, void *arg)
{
	struct nft_chain_list *l = arg;
	char table[sizeof(NFT_TABLE) + 1];

	switch (mnl_attr_get_type(attr)) {
	case NFTA_CHAIN_TABLE:
		l->ours = nl_text(attr, table, sizeof(table)) && str_eq(table, NFT_TABLE);
		break;
	case NFTA_CHAIN_NAME:
		if (!nl_text(attr, l->current.name, sizeof(l->current.name)))
			l->current.name[0] = '\0';
		break;
	case NFTA_CHAIN_USE:
		l->current.use = ntohl(nl_u32(attr));
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int nft_take_chain(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	struct nft_chain_list *l = arg;

	(void)index;
	l->current = (struct nft_chain_found){ .use = 0 };
	l->ours = false;
	(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), nft_take_chain_attribute, l);
	if (!l->ours || !l->current.name[0])
		return 0;
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		struct nft_chain_found *bigger = reallocarray(l->v, room, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		l->v = bigger;
		l->room = room;
	}
	l->v[l->n++] = l->current;
	return 0;
}

int nft_chain_list(struct nl *nl, struct nft_chain_list *ret, struct err *e)
{
	int attempt, r = 0;

	for (attempt = 0; attempt < CHAIN_ATTEMPTS; attempt++) {
		CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;

		ret->n = 0;
		nft_reserve(&b, 0, 1);
		nft_put_message(&b, NFPROTO_INET, NFT_MSG_GETCHAIN, NLM_F_DUMP,
				"list nftables chains");
		r = nl_exchange(nl, &b, nft_take_chain, ret, e);
		if (r >= 0)
			return nl_check(&b, 0, e);
		if (r != -EINTR)
			return r;
	}
	return err_ret(e, r, "list nftables chains");
}

/* ---- gc ---- */

static int nft_compare_owner(const void *a, const void *b)
{
	return strcmp(((const struct nft_found *)a)->owner, ((const struct nft_found *)b)->owner);
}

static bool nft_owner_alive(const char *owner, net_alive_fn *alive, void *arg)
{
	struct jail_name name = { .s = "" };
	struct err ignored = ERR_INIT;

	/* Without a name that an instance could have, it is nobody's. */
	return name_parse("instance", owner, &name, &ignored) >= 0 && alive(&name, arg);
}

static int nft_gc_elements(struct nl *nl, net_alive_fn *alive, void *alive_arg,
			   struct nft_elements *dead, struct err *e)
{
	CLEANUP(nft_listing_free) struct nft_listing found = { .v = NULL };
	bool is_alive = false;
	size_t i;
	int r;

	r = nft_elements_list(nl, NFT_SENDERS, NFT_INSTANCE_SETS, &found, e);
	if (r < 0)
		return r;
	if (found.n > 1)
		qsort(found.v, found.n, sizeof(*found.v), nft_compare_owner);
	for (i = 0; i < found.n; i++) {
		if (i == 0 || !str_eq(found.v[i].owner, found.v[i - 1].owner))
			is_alive = nft_owner_alive(found.v[i].owner, alive, alive_arg);
		if (!is_alive)
			*nft_element_new(dead, found.v[i].element.set) = found.v[i].element;
	}
	nft_elements_sort(dead);
	r = nft_elements_ok(dead, e);
	return r < 0 ? r : nft_elements_delete(nl, dead->v, dead->n, e);
}

static int nft_gc_chains(struct nl *nl, net_alive_fn *alive, void *alive_arg, struct err *e)
{
	CLEANUP(nft_chain_list_free) struct nft_chain_list chains = { .v = NULL };
	const char *owner;
	size_t i;
	int r;

	r = nft_chain_list(nl, &chains, e);
	for (i = 0; r >= 0 && i < chains.n; i++) {
		owner = nft_chain_owner(chains.v[i].name);
		if (owner && !nft_owner_alive(owner, alive, alive_arg))
			r = nft_chain_delete(nl, chains.v[i].name, e);
	}
	return r;
}

int nft_gc(struct nl *nl, net_alive_fn *alive, void *alive_arg, nft_dead_fn *fn, void *arg,
	   struct err *e)
{
	CLEANUP(nft_elements_free) struct nft_elements dead = NFT_ELEMENTS_INIT;
	size_t i;
	int r;

	r = nft_gc_elements(nl, alive, alive_arg, &dead, e);
	/* After the elements that lead to them. */
	if (r >= 0)
		r = nft_gc_chains(nl, alive, alive_arg, e);
	for (i = 0; r >= 0 && i < dead.n; i++) {
		const struct nft_element *el = &dead.v[i];

		if (el->set == NFT_ADDRESSES4 || el->set == NFT_ADDRESSES6)
			r = fn(el->set == NFT_ADDRESSES4 ? AF_INET : AF_INET6,
			       nft_element_address(el), arg, e);
	}
	return r;
}
