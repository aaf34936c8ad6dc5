/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one instance has in the tables: elements of its addresses, counters, groups and ports, and
 * the chains of its firewall if it has rules. One transaction for a start, one for a stop; neither
 * asks first what is there.
 */
#include "netsetup/nft_set_priv.h"

#include <linux/netfilter/nf_tables.h>

#include "base/str.h"
#include "netsetup/segment_priv.h"

#define CLASSES 4

static const enum nft_set nft_class_sets[CLASSES] = { NFT_RECEIVED_INSIDE4, NFT_RECEIVED_OUTSIDE4,
						      NFT_SENT_INSIDE4, NFT_SENT_OUTSIDE4 };

/* By an address alone. */
static void nft_address_element(enum nft_set set4, int family, const void *address,
				struct nft_elements *ret)
{
	struct nft_element *el = nft_element_new(ret, NFT_OF(family, set4));

	nft_key(el, address, family == AF_INET ? 4 : 16);
}

/* Who may send from this address. */
static void nft_sender_element(enum nft_set set, const char *interface, const uint8_t *mac,
			       const void *address, size_t n, struct nft_elements *ret)
{
	struct nft_element *el = nft_element_new(ret, set);

	nft_key_interface(el, interface);
	nft_key(el, mac, NET_MAC_LEN);
	nft_key(el, address, n);
}

/* The same, leading to a chain of the instance. */
static void nft_verdict_element(enum nft_set set4, int family, const void *address,
				const struct net_plan *plan, struct nft_elements *ret)
{
	struct nft_element *el = nft_element_new(ret, NFT_OF(family, set4));

	nft_key(el, address, family == AF_INET ? 4 : 16);
	el->target = plan->instance->s;
}

static void nft_self_element(int family, const void *address, struct nft_elements *ret)
{
	struct nft_element *el = nft_element_new(ret, NFT_OF(family, NFT_SELVES4));

	nft_key(el, address, family == AF_INET ? 4 : 16);
	nft_key(el, address, family == AF_INET ? 4 : 16);
}

static void nft_address_elements(const struct net_plan *plan, int family, const void *address,
				 struct nft_elements *ret)
{
	size_t i;

	for (i = 0; i < CLASSES; i++)
		nft_address_element(nft_class_sets[i], family, address, ret);
	nft_self_element(family, address, ret);
	if (nft_chain_needed(plan, NFT_CHAIN_OUT))
		nft_verdict_element(NFT_OUT4, family, address, plan, ret);
	if (nft_chain_needed(plan, NFT_CHAIN_IN))
		nft_verdict_element(NFT_IN4, family, address, plan, ret);
	if (nft_chain_needed(plan, NFT_CHAIN_HOST))
		nft_verdict_element(NFT_HOST4, family, address, plan, ret);
	for (i = 0; i < plan->n_groups; i++) {
		struct nft_element *el = nft_element_new(ret, NFT_OF(family, NFT_MEMBERS4));

		nft_key(el, &plan->groups[i], sizeof(plan->groups[i]));
		nft_key(el, address, family == AF_INET ? 4 : 16);
	}
}

static void nft_interface_elements(const struct net_plan *plan, unsigned index,
				   const struct net_attached *at, struct nft_elements *ret)
{
	static const struct in6_addr none;
	const struct net_interface *n = &plan->interfaces[index];
	char bridge[16];
	const char *interface = at->routed ? at->host_interface : bridge;
	uint8_t mac[NET_MAC_LEN];
	struct in6_addr local;

	segment_name(n->network, at->segment, bridge);
	net_mac_of(plan->id, index, mac);
	if (n->address4.s_addr) {
		nft_sender_element(NFT_SENDERS, interface, mac, &n->address4, 4, ret);
		nft_sender_element(NFT_ADDRESSES4, interface, mac, &n->address4, 4, ret);
		nft_address_elements(plan, AF_INET, &n->address4, ret);
	}
	if (memcmp(&n->address6, &none, sizeof(none)) != 0) {
		net_link_local_of(mac, &local);
		nft_sender_element(NFT_ADDRESSES6, interface, mac, &n->address6, 16, ret);
		nft_sender_element(NFT_ADDRESSES6, interface, mac, &local, 16, ret);
		nft_address_elements(plan, AF_INET6, &n->address6, ret);
		if (nft_chain_needed(plan, NFT_CHAIN_HOST))
			nft_verdict_element(NFT_HOST4, AF_INET6, &local, plan, ret);
	}
}

void nft_plan_elements(const struct net_plan *plan, const struct net_attachment *a,
		       struct nft_elements *ret)
{
	unsigned i;

	for (i = 0; i < plan->n_interfaces; i++)
		if (plan->interfaces[i].network && plan->interfaces[i].network->mode != NET_MACVLAN)
			nft_interface_elements(plan, i, &a->v[i], ret);
	nft_port_elements(plan, ret);
	nft_elements_sort(ret);
}

/* ---- add ---- */

static int nft_instance_put(struct nl *nl, const struct net_plan *plan,
			    const struct nft_elements *els, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	int chain;

	nft_reserve(&b, els->n, nft_chain_messages(plan));
	nft_put_begin(&b);
	for (chain = 0; chain < NFT_INSTANCE_CHAINS; chain++)
		if (nft_chain_needed(plan, (enum nft_chain)chain))
			nft_put_instance_chain(&b, plan, (enum nft_chain)chain);
	nft_put_elements(&b, NFT_MSG_NEWSETELEM, els->v, els->n, plan->instance->s);
	nft_put_end(&b);
	return nft_run(nl, &b, e);
}

int nft_instance_add(struct nl *nl, const struct net_plan *plan, const struct net_attachment *a,
		     struct err *e)
{
	CLEANUP(nft_elements_free) struct nft_elements els = NFT_ELEMENTS_INIT;
	struct err why = ERR_INIT;
	int r;

	nft_plan_elements(plan, a, &els);
	r = nft_elements_ok(&els, e);
	if (r < 0)
		return r;
	r = nft_instance_put(nl, plan, &els, &why);
	if (r == -EEXIST || r == -EBUSY) { /* the latter: with other data */
		r = nft_clear(nl, plan, &els, e);
		return r < 0 ? r : nft_instance_put(nl, plan, &els, e);
	}
	if (r < 0)
		*e = why;
	return r;
}

/* ---- delete ---- */

static int nft_instance_delete_all(struct nl *nl, const struct net_plan *plan,
				   const struct nft_elements *els, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	int chain;

	nft_reserve(&b, els->n, NFT_INSTANCE_CHAINS);
	nft_put_begin(&b);
	nft_put_elements(&b, NFT_MSG_DELSETELEM, els->v, els->n, NULL);
	for (chain = 0; chain < NFT_INSTANCE_CHAINS; chain++)
		if (nft_chain_needed(plan, (enum nft_chain)chain))
			nft_put_chain_delete(&b, (enum nft_chain)chain, plan->instance->s);
	nft_put_end(&b);
	return nft_run(nl, &b, e);
}

int nft_instance_delete(struct nl *nl, const struct net_plan *plan, const struct net_attachment *a,
			struct err *e)
{
	CLEANUP(nft_elements_free) struct nft_elements els = NFT_ELEMENTS_INIT;
	struct err why = ERR_INIT;
	int r;

	nft_plan_elements(plan, a, &els);
	r = nft_elements_ok(&els, e);
	if (r < 0)
		return r;
	r = nft_instance_delete_all(nl, plan, &els, &why);
	/* Refused as a whole for what is missing, or because something else leads to a chain. */
	if (r == -ENOENT || r == -EBUSY)
		return nft_clear(nl, plan, &els, e);
	if (r < 0)
		*e = why;
	return r;
}

/* ---- change ---- */

/* Of two sorted lists, what only the first has. */
static void nft_elements_only(const struct nft_elements *a, const struct nft_elements *b,
			      struct nft_elements *ret)
{
	size_t i, j = 0;

	for (i = 0; i < a->n; i++) {
		while (j < b->n && nft_element_compare(&b->v[j], &a->v[i]) < 0)
			j++;
		if (j == b->n || nft_element_compare(&b->v[j], &a->v[i]) != 0)
			*nft_element_new(ret, a->v[i].set) = a->v[i];
	}
}

static int nft_instance_change_put(struct nl *nl, const struct net_plan *from,
				   const struct net_plan *to, const struct nft_elements *gone,
				   const struct nft_elements *added, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	int i;

	nft_reserve(&b, gone->n + added->n, nft_chain_messages(to));
	nft_put_begin(&b);
	nft_put_elements(&b, NFT_MSG_DELSETELEM, gone->v, gone->n, NULL);
	for (i = 0; i < NFT_INSTANCE_CHAINS; i++) {
		enum nft_chain chain = (enum nft_chain)i;

		if (nft_chain_same(from, to, chain))
			continue;
		if (nft_chain_needed(to, chain))
			nft_put_instance_chain(&b, to, chain);
		else if (nft_chain_needed(from, chain))
			nft_put_chain_delete(&b, chain, from->instance->s);
	}
	nft_put_elements(&b, NFT_MSG_NEWSETELEM, added->v, added->n, to->instance->s);
	nft_put_end(&b);
	return b.n == 2 ? 0 : nft_run(nl, &b, e);
}

int nft_instance_change(struct nl *nl, const struct net_plan *from, const struct net_attachment *fa,
			const struct net_plan *to, const struct net_attachment *ta, struct err *e)
{
	CLEANUP(nft_elements_free) struct nft_elements before = NFT_ELEMENTS_INIT;
	CLEANUP(nft_elements_free) struct nft_elements after = NFT_ELEMENTS_INIT;
	CLEANUP(nft_elements_free) struct nft_elements gone = NFT_ELEMENTS_INIT;
	CLEANUP(nft_elements_free) struct nft_elements added = NFT_ELEMENTS_INIT;
	struct err why = ERR_INIT;
	int r;

	nft_plan_elements(from, fa, &before);
	nft_plan_elements(to, ta, &after);
	nft_elements_only(&before, &after, &gone);
	nft_elements_only(&after, &before, &added);
	if (before.failed || after.failed || gone.failed || added.failed)
		return err_nomem(e);
	r = nft_instance_change_put(nl, from, to, &gone, &added, &why);
	if (r == -ENOENT || r == -EEXIST ||
	    r == -EBUSY) { /* the table isn't as it was left: whole, then */
		r = nft_instance_delete(nl, from, fa, e);
		return r < 0 ? r : nft_instance_add(nl, to, ta, e);
	}
	if (r < 0)
		*e = why;
	return r;
}

/* ---- classes ---- */

static int nft_take_class(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	struct net_count *counts = arg;

	nft_take_counter(nlh, &counts[index % CLASSES]);
	return 0;
}

static void nft_put_class_queries(struct nl_batch *b, int family, const void *address)
{
	struct nft_elements els = NFT_ELEMENTS_INIT;
	int class;

	for (class = 0; class < CLASSES; class ++) {
		struct nft_element *el =
			nft_element_new(&els, NFT_OF(family, nft_class_sets[class]));

		nft_key(el, address, family == AF_INET ? 4 : 16);
		nft_put_element_query(b, el);
	}
	nft_elements_free(&els);
}

int nft_instance_classes(struct nl *nl, const struct net_plan *plan, struct net_classes *ret,
			 struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	static const struct in6_addr none;
	struct net_count counts[CLASSES] = { { 0, 0 } };
	unsigned i;
	int r;

	nft_reserve(&b, 2 * CLASSES * NET_INTERFACES_MAX, 0);
	for (i = 0; i < plan->n_interfaces; i++) {
		const struct net_interface *n = &plan->interfaces[i];

		if (!n->network || n->network->mode == NET_MACVLAN)
			continue;
		if (n->address4.s_addr)
			nft_put_class_queries(&b, AF_INET, &n->address4);
		if (memcmp(&n->address6, &none, sizeof(none)) != 0)
			nft_put_class_queries(&b, AF_INET6, &n->address6);
	}
	r = nl_exchange(nl, &b, nft_take_class, counts, e);
	for (i = 0; r >= 0 && i < b.n; i++)
		if (b.messages[i].result != -ENOENT) /* the table was flushed */
			r = nl_check(&b, i, e);
	if (r < 0)
		return r;
	*ret = (struct net_classes){ counts[0], counts[1], counts[2], counts[3] };
	return 0;
}
