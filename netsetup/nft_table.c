/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables as a whole: are they there and complete, make them, remove them.
 *
 * A table's user data (for nft(8): its comment) holds the version of the rules. "Complete" is asked
 * by name, one object each, no dump: tables and versions, each chain and its number of rules and of
 * jumps to it, the sets that no fixed rule refers to (the others can't go before their rules), and
 * the elements of the networks. A firewall manager's `flush ruleset` takes the tables away; `flush
 * table` leaves them without rules; both are found.
 *
 * No lock: the transaction that makes the tables asks that there be no `inet jail` (NLM_F_EXCL),
 * and the one that replaces an old one removes it by its handle. Of two at the same time one is
 * refused whole, and looks again.
 */
#include "netsetup/nft_set_priv.h"

#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/str.h"

/* Count up with every change of chains, rules or sets. */
#define NFT_VERSION "jail rules 5"

static const uint8_t nft_version_data[2 + sizeof(NFT_VERSION)] =
	"\x00\x0d" NFT_VERSION; /* type of comment, length with its NUL */
_Static_assert(sizeof(NFT_VERSION) == 0x0d, "length byte of nft_version_data");

static const uint8_t nft_families[] = { NFPROTO_INET, NFPROTO_ARP };
#define FAMILIES ARRAY_SIZE(nft_families)
/* Sets that only chains of instances refer to, or nobody. */
static const enum nft_set nft_loose_sets[] = { NFT_MEMBERS4, NFT_MEMBERS6, NFT_NETWORKS };

/* In this order the query asks: tables, chains, sets. */
#define QUERY_CHAINS FAMILIES
#define QUERY_SETS (QUERY_CHAINS + NFT_CHAINS)
#define QUERY_END (QUERY_SETS + ARRAY_SIZE(nft_loose_sets))

struct nft_answer {
	uint64_t handles[FAMILIES];
	bool version_matches[FAMILIES];
	uint32_t uses[NFT_CHAINS];
	unsigned index; /* of the answer being parsed */
};

static int nft_take_table_attribute(const struct nlattr *attr, void *arg)
{
	struct nft_answer *a = arg;

	switch (mnl_attr_get_type(attr)) {
	case NFTA_TABLE_HANDLE:
		a->handles[a->index] = be64toh(nl_u64(attr));
		break;
	case NFTA_TABLE_USERDATA:
		a->version_matches[a->index] =
			mnl_attr_get_payload_len(attr) == sizeof(nft_version_data) &&
			memcmp(mnl_attr_get_payload(attr), nft_version_data,
			       sizeof(nft_version_data)) == 0;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int nft_take_chain_attribute(const struct nlattr *attr, void *arg)
{
	struct nft_answer *a = arg;

	if (mnl_attr_get_type(attr) == NFTA_CHAIN_USE)
		a->uses[a->index - QUERY_CHAINS] = ntohl(nl_u32(attr));
	return MNL_CB_OK;
}

static int nft_take_answer(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	struct nft_answer *a = arg;

	a->index = index;
	if (index < QUERY_CHAINS)
		(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), nft_take_table_attribute, a);
	else if (index < QUERY_SETS)
		(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), nft_take_chain_attribute, a);
	return 0;
}

/* What is missing is answered in any case; the acknowledgements of the sets come last. */
static void nft_put_query(struct nl_batch *b, const struct nft_chain_use *chains)
{
	size_t i;

	for (i = 0; i < FAMILIES; i++) {
		nft_put_message(b, nft_families[i], NFT_MSG_GETTABLE, 0, "look up nftables table");
		nl_put_str(b, NFTA_TABLE_NAME, NFT_TABLE);
	}
	for (i = 0; i < NFT_CHAINS; i++) {
		nft_put_message(b, chains[i].family, NFT_MSG_GETCHAIN, 0, "look up nftables chain");
		nl_put_str(b, NFTA_CHAIN_TABLE, NFT_TABLE);
		nl_put_str(b, NFTA_CHAIN_NAME, chains[i].name);
	}
	for (i = 0; i < ARRAY_SIZE(nft_loose_sets); i++) {
		nft_put_message(b, NFPROTO_INET, NFT_MSG_GETSET, NLM_F_ACK, "look up nftables set");
		nl_put_str(b, NFTA_SET_TABLE, NFT_TABLE);
		nl_put_str(b, NFTA_SET_NAME, nft_sets[nft_loose_sets[i]].name);
	}
}

/* Return: 1 whole, 0 not, or -errno. */
static int nft_query_tables(struct nl *nl, uint64_t *ret_handle, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct nft_chain_use chains[NFT_CHAINS];
	struct nft_answer answer = { .index = 0 };
	bool whole;
	unsigned i;
	int r;

	nft_rules_use(chains);
	nft_reserve(&b, 0, QUERY_END);
	nft_put_query(&b, chains);
	r = nl_exchange(nl, &b, nft_take_answer, &answer, e);
	if (r < 0)
		return r;
	if (b.messages[0].result != -ENOENT) {
		r = nl_check(&b, 0, e);
		if (r < 0)
			return err_hint(e, "jail needs a kernel with nf_tables");
	}
	whole = answer.version_matches[0] && answer.version_matches[1];
	for (i = 0; i < QUERY_END; i++)
		whole = whole && b.messages[i].result == 0;
	for (i = 0; i < NFT_CHAINS; i++)
		whole = whole && answer.uses[i] == chains[i].use;
	*ret_handle = answer.handles[0];
	return whole;
}

/* Return: 1 all elements are there, 0 not, or -errno. */
static int nft_query_network(struct nl *nl, const struct net_network *network, struct err *e)
{
	CLEANUP(nft_elements_free) struct nft_elements els = NFT_ELEMENTS_INIT;
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	size_t i;
	int r;

	nft_network_elements(network, &els);
	r = nft_elements_ok(&els, e);
	if (r < 0)
		return r;
	nft_reserve(&b, els.n, 0);
	for (i = 0; i < els.n; i++)
		nft_put_element_query(&b, &els.v[i]);
	r = nl_exchange(nl, &b, NULL, NULL, e);
	if (r < 0)
		return r;
	for (i = 0; i < els.n; i++)
		if (b.messages[i].result != 0)
			return 0;
	return 1;
}

int nft_table_query(struct nl *nl, const struct net_network *networks, size_t n,
		    uint64_t *ret_handle, struct err *e)
{
	size_t i;
	int r;

	r = nft_query_tables(nl, ret_handle, e);
	if (r <= 0)
		return r < 0 ? r : NFT_TABLE_WRONG;
	for (i = 0; i < n; i++) {
		if (networks[i].mode == NET_MACVLAN)
			continue;
		r = nft_query_network(nl, &networks[i], e);
		if (r <= 0)
			return r < 0 ? r : NFT_TABLE_NO_NETWORK;
	}
	return NFT_TABLE_WHOLE;
}

/* ---- make and remove ---- */

static void nft_put_table(struct nl_batch *b, uint8_t family, int flags)
{
	nft_put_message(b, family, NFT_MSG_NEWTABLE, NLM_F_CREATE | flags, "create nftables table");
	nl_put_str(b, NFTA_TABLE_NAME, NFT_TABLE);
	nl_put(b, NFTA_TABLE_USERDATA, nft_version_data, sizeof(nft_version_data));
}

static void nft_put_table_delete(struct nl_batch *b, uint8_t family)
{
	nft_put_message(b, family, NFT_MSG_DELTABLE, 0, "delete nftables table");
	nl_put_str(b, NFTA_TABLE_NAME, NFT_TABLE);
}

static void nft_put_tables(struct nl_batch *b, uint64_t old_handle)
{
	uint64_t be = htobe64(old_handle);

	if (old_handle) {
		nft_put_message(b, NFPROTO_INET, NFT_MSG_DELTABLE, 0, "replace nftables table");
		nl_put(b, NFTA_TABLE_HANDLE, &be, sizeof(be));
	}
	nft_put_table(b, NFPROTO_INET, NLM_F_EXCL);
	/* Whether there is one of arp or not: made so that it can be deleted. */
	nft_put_table(b, NFPROTO_ARP, 0);
	nft_put_table_delete(b, NFPROTO_ARP);
	nft_put_table(b, NFPROTO_ARP, NLM_F_EXCL);
}

int nft_table_make(struct nl *nl, uint64_t old_handle, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct err why = ERR_INIT;
	uint32_t i;
	int r;

	nft_reserve(&b, 0, nft_rules_messages() + NFT_SETS + 8);
	nft_put_begin(&b);
	nft_put_tables(&b, old_handle);
	for (i = 0; i < NFT_SETS; i++)
		nft_put_set(&b, (enum nft_set)i, i + 1);
	nft_rules_put(&b);
	nft_put_end(&b);
	r = nft_run(nl, &b, &why);
	if (r == -EEXIST || (r == -ENOENT && old_handle))
		return -EAGAIN;
	if (r < 0)
		*e = why;
	return r;
}

int nft_table_delete(struct nl *nl, struct err *e)
{
	size_t i;

	for (i = 0; i < FAMILIES; i++) {
		CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
		struct err why = ERR_INIT;
		int r;

		nft_reserve(&b, 0, 1);
		nft_put_begin(&b);
		nft_put_table_delete(&b, nft_families[i]);
		nft_put_end(&b);
		r = nft_run(nl, &b, &why);
		if (r < 0 && r != -ENOENT) {
			*e = why;
			return r;
		}
	}
	return 0;
}
