/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table as a whole: is it there and complete, make it, remove it.
 *
 * Its user data (for nft(8): its comment) holds the version of the rules. "Complete" is asked by
 * name, one object each, no dump: the table and its version, each chain and its number of rules,
 * and the bridge in its set. A firewall manager's `flush ruleset` takes the table away; `flush
 * table` leaves it without rules; both are found.
 *
 * No lock: the transaction that makes the table asks that there be none (NLM_F_EXCL), and the one
 * that replaces an old one removes it by its handle. Of two at the same time one is refused whole,
 * and looks again.
 */
#include "netsetup/nft_priv.h"

#include <libmnl/libmnl.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/str.h"

/* Count up with every change of chains, rules or sets. */
#define NFT_VERSION "jail rules 1"
#define NFT_BATCH_SIZE (128u << 10)
#define NFT_QUERY_SIZE 4096

static const uint8_t nft_version_data[2 + sizeof(NFT_VERSION)] =
	"\x00\x0d" NFT_VERSION; /* type of comment, length with its NUL */
_Static_assert(sizeof(NFT_VERSION) == 0x0d, "length byte of nft_version_data");

struct nft_answer {
	uint64_t handle;
	bool version_matches;
	uint32_t uses[NFT_CHAINS];
	uint32_t use; /* of the chain being parsed */
};

static int nft_take_table_attribute(const struct nlattr *attr, void *arg)
{
	struct nft_answer *a = arg;

	switch (mnl_attr_get_type(attr)) {
	case NFTA_TABLE_HANDLE:
		a->handle = be64toh(mnl_attr_get_u64(attr));
		break;
	case NFTA_TABLE_USERDATA:
		a->version_matches = mnl_attr_get_payload_len(attr) == sizeof(nft_version_data) &&
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
		a->use = ntohl(mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

/* Message 0 asks for the table, 1 for the bridge, the rest for chains. */
#define NFT_QUERY_TABLE 0
#define NFT_QUERY_BRIDGE 1
#define NFT_QUERY_CHAINS 2

static int nft_take_answer(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	struct nft_answer *a = arg;

	if (index == NFT_QUERY_TABLE) {
		(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), nft_take_table_attribute, a);
	} else if (index >= NFT_QUERY_CHAINS && index < NFT_QUERY_CHAINS + NFT_CHAINS) {
		a->use = 0;
		(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), nft_take_chain_attribute, a);
		a->uses[index - NFT_QUERY_CHAINS] = a->use;
	}
	return 0;
}

static void nft_put_query(struct nl_batch *b, const struct net_bridge *bridge,
			  const struct nft_chain_count *chains)
{
	struct nft_element el;
	size_t i;

	nft_put_message(b, NFT_MSG_GETTABLE, NLM_F_ACK, "look up nftables table");
	nl_put_str(b, NFTA_TABLE_NAME, NFT_TABLE);
	nft_element_bridge(bridge, &el);
	nft_put_elements(b, NFT_MSG_GETSETELEM, &el, 1, NULL);
	for (i = 0; i < NFT_CHAINS; i++) {
		nft_put_message(b, NFT_MSG_GETCHAIN, NLM_F_ACK, "look up nftables chain");
		nl_put_str(b, NFTA_CHAIN_TABLE, NFT_TABLE);
		nl_put_str(b, NFTA_CHAIN_NAME, chains[i].name);
	}
}

int nft_table_query(struct nl *nl, const struct net_bridge *b, uint64_t *ret_handle, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch batch = NL_BATCH_INIT;
	struct nft_chain_count chains[NFT_CHAINS];
	struct nft_answer answer = { .handle = 0 };
	bool whole;
	unsigned i;
	int r;

	nft_rules_count(chains);
	nl_batch_reserve(&batch, NFT_QUERY_SIZE);
	nft_put_query(&batch, b, chains);
	r = nl_exchange(nl, &batch, nft_take_answer, &answer, e);
	if (r < 0)
		return r;
	if (batch.messages[NFT_QUERY_TABLE].result != -ENOENT) {
		r = nl_check(&batch, NFT_QUERY_TABLE, e);
		if (r < 0)
			return err_hint(e, "jail needs a kernel with nf_tables");
	}
	whole = answer.version_matches;
	/* A chain's use counts its rules; a chain that is jumped to, the jumps as well. */
	for (i = 0; i < NFT_CHAINS; i++)
		whole = whole && batch.messages[NFT_QUERY_CHAINS + i].result == 0 &&
			answer.uses[i] >= chains[i].rules;
	*ret_handle = answer.handle;
	if (!whole)
		return NFT_TABLE_WRONG;
	return batch.messages[NFT_QUERY_BRIDGE].result == 0 ? NFT_TABLE_WHOLE : NFT_TABLE_NO_BRIDGE;
}

static void nft_put_set(struct nl_batch *b, const struct nft_set_type *type, uint32_t id)
{
	/* For nft(8)'s listing: names are in the host's byte order, all else in the network's. */
	const uint8_t order[] = { NFTNL_UDATA_SET_KEYBYTEORDER, 4, type->by_name ? 1 : 2, 0, 0, 0 };
	uint32_t flags = type->data_len ? NFT_SET_MAP : 0;

	nft_put_message(b, NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_ACK, "create nftables set");
	nl_put_str(b, NFTA_SET_TABLE, NFT_TABLE);
	nl_put_str(b, NFTA_SET_NAME, type->name);
	nl_put_u32(b, NFTA_SET_ID, htonl(id));
	nl_put_u32(b, NFTA_SET_FLAGS, htonl(flags));
	nl_put_u32(b, NFTA_SET_KEY_TYPE, htonl(type->key_type));
	nl_put_u32(b, NFTA_SET_KEY_LEN, htonl(type->key_len));
	if (type->data_len) {
		nl_put_u32(b, NFTA_SET_DATA_TYPE, htonl(type->data_type));
		nl_put_u32(b, NFTA_SET_DATA_LEN, htonl(type->data_len));
	}
	nl_put(b, NFTA_SET_USERDATA, order, sizeof(order));
}

static void nft_put_delete_table(struct nl_batch *b, uint64_t handle)
{
	uint64_t be = htobe64(handle);

	nft_put_message(b, NFT_MSG_DELTABLE, NLM_F_ACK, "replace nftables table");
	nl_put(b, NFTA_TABLE_HANDLE, &be, sizeof(be));
}

int nft_table_make(struct nl *nl, const struct net_bridge *b, uint64_t old_handle, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch batch = NL_BATCH_INIT;
	struct nft_element el;
	struct err why = ERR_INIT;
	uint32_t i;
	int r;

	nl_batch_reserve(&batch, NFT_BATCH_SIZE);
	nft_put_begin(&batch);
	if (old_handle)
		nft_put_delete_table(&batch, old_handle);
	nft_put_message(&batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
			"create nftables table");
	nl_put_str(&batch, NFTA_TABLE_NAME, NFT_TABLE);
	nl_put(&batch, NFTA_TABLE_USERDATA, nft_version_data, sizeof(nft_version_data));
	for (i = 0; i < NFT_SETS; i++)
		nft_put_set(&batch, &nft_sets[i], i + 1);
	nft_rules_put(&batch);
	nft_element_bridge(b, &el);
	nft_put_elements(&batch, NFT_MSG_NEWSETELEM, &el, 1, b->name);
	nft_put_end(&batch);
	r = nl_run(nl, &batch, NULL, NULL, &why);
	if (r == -EEXIST || (r == -ENOENT && old_handle))
		return -EAGAIN;
	if (r < 0)
		*e = why;
	return r;
}

int nft_table_delete(struct nl *nl, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch batch = NL_BATCH_INIT;
	struct err why = ERR_INIT;
	int r;

	nl_batch_reserve(&batch, NFT_QUERY_SIZE);
	nft_put_begin(&batch);
	nft_put_message(&batch, NFT_MSG_DELTABLE, NLM_F_ACK, "delete nftables table");
	nl_put_str(&batch, NFTA_TABLE_NAME, NFT_TABLE);
	nft_put_end(&batch);
	r = nl_run(nl, &batch, NULL, NULL, &why);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		*e = why;
	return r;
}
