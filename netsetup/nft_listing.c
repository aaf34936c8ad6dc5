/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading elements: all of some sets, for gc; counters. */
#include "netsetup/nft_set_priv.h"

#include <endian.h>
#include <libmnl/libmnl.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/str.h"

#define LISTING_ATTEMPTS 16

struct nft_reading {
	struct nft_listing *to;
	struct nft_found current;
	enum nft_set set;
	int error;
};

void nft_listing_free(struct nft_listing *l)
{
	free(TAKE_PTR(l->v));
	l->n = l->room = 0;
}

/* Return: its length, 0 = not a value, or one that does not fit. */
static uint8_t nft_take_value(const struct nlattr *attr, uint8_t *ret, size_t max)
{
	const struct nlattr *value = mnl_attr_get_payload(attr);
	size_t n;

	if (mnl_attr_get_payload_len(attr) < MNL_ATTR_HDRLEN ||
	    mnl_attr_get_type(value) != NFTA_DATA_VALUE)
		return 0;
	n = mnl_attr_get_payload_len(value);
	if (n > max || n + MNL_ATTR_HDRLEN > mnl_attr_get_payload_len(attr))
		return 0;
	memcpy(ret, mnl_attr_get_payload(value), n);
	return (uint8_t)n;
}

static void nft_take_owner(const struct nlattr *attr, char ret[static NFT_OWNER_MAX])
{
	const uint8_t *text = mnl_attr_get_payload(attr);
	size_t n = mnl_attr_get_payload_len(attr);

	if (n < 3 || text[0] != NFTNL_UDATA_SET_ELEM_COMMENT || text[1] + 2u > n ||
	    text[1] > NFT_OWNER_MAX)
		return;
	memcpy(ret, text + 2, text[1]);
	ret[text[1] ? text[1] - 1 : 0] = '\0';
}

static int nft_take_element_attribute(const struct nlattr *attr, void *arg)
{
	struct nft_reading *r = arg;
	struct nft_element *el = &r->current.element;

	switch (mnl_attr_get_type(attr)) {
	case NFTA_SET_ELEM_KEY:
		el->key_len = nft_take_value(attr, el->key, sizeof(el->key));
		break;
	case NFTA_SET_ELEM_KEY_END:
		(void)nft_take_value(attr, el->key_end, sizeof(el->key_end));
		break;
	case NFTA_SET_ELEM_DATA:
		el->data_len = nft_take_value(attr, el->data, sizeof(el->data));
		break;
	case NFTA_SET_ELEM_FLAGS:
		el->end = ntohl(nl_u32(attr)) & NFT_SET_ELEM_INTERVAL_END;
		break;
	case NFTA_SET_ELEM_USERDATA:
		nft_take_owner(attr, r->current.owner);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int nft_take_element(const struct nlattr *attr, void *arg)
{
	struct nft_reading *r = arg;
	struct nft_listing *l = r->to;

	r->current = (struct nft_found){ .element = { .set = r->set } };
	(void)mnl_attr_parse_nested(attr, nft_take_element_attribute, r);
	if (r->current.element.key_len == 0)
		return MNL_CB_OK;
	if (nft_sets[r->set].kind != NFT_KIND_RANGES)
		memcpy(r->current.element.key_end, r->current.element.key, NFT_KEY_MAX);
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		struct nft_found *bigger = reallocarray(l->v, room, sizeof(*bigger));

		if (!bigger) {
			r->error = -ENOMEM;
			return MNL_CB_STOP;
		}
		l->v = bigger;
		l->room = room;
	}
	l->v[l->n++] = r->current;
	return MNL_CB_OK;
}

static int nft_take_list_attribute(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_LIST_ELEMENTS)
		return mnl_attr_parse_nested(attr, nft_take_element, arg);
	return MNL_CB_OK;
}

static int nft_take_list(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	struct nft_reading *r = arg;

	(void)index;
	(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), nft_take_list_attribute, r);
	return r->error;
}

static int nft_list_set(struct nl *nl, enum nft_set set, struct nft_listing *l, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct nft_reading reading = { .to = l, .set = set };
	int r;

	nft_reserve(&b, 0, 1);
	nft_put_message(&b, nft_set_family(set), NFT_MSG_GETSETELEM, NLM_F_DUMP,
			"list nftables elements");
	nl_put_str(&b, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	nl_put_str(&b, NFTA_SET_ELEM_LIST_SET, nft_sets[set].name);
	r = nl_exchange(nl, &b, nft_take_list, &reading, e);
	if (r < 0 || b.messages[0].result == -ENOENT)
		return r;
	return nl_check(&b, 0, e);
}

int nft_elements_list(struct nl *nl, enum nft_set first, enum nft_set end, struct nft_listing *ret,
		      struct err *e)
{
	int attempt, set, r = 0;

	/* A change in the middle of a dump makes it start again; under constant change it ends. */
	for (set = (int)first; set < (int)end; set++) {
		size_t before = ret->n;

		for (attempt = 0; attempt < LISTING_ATTEMPTS; attempt++) {
			ret->n = before;
			r = nft_list_set(nl, (enum nft_set)set, ret, e);
			if (r != -EINTR)
				break;
		}
		if (r == -EINTR)
			return err_ret(e, r, "list nftables elements of %s", nft_sets[set].name);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- counters ---- */

static int nft_take_counter_value(const struct nlattr *attr, void *arg)
{
	struct net_count *count = arg;

	if (mnl_attr_get_type(attr) == NFTA_COUNTER_BYTES)
		count->bytes += be64toh(nl_u64(attr));
	else if (mnl_attr_get_type(attr) == NFTA_COUNTER_PACKETS)
		count->packets += be64toh(nl_u64(attr));
	return MNL_CB_OK;
}

/* Down to the counter: list, element, expression, its data. */
static int nft_take_counter_nest(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == NFTA_EXPR_DATA)
		return mnl_attr_parse_nested(attr, nft_take_counter_value, arg);
	return MNL_CB_OK;
}

static int nft_take_counter_expr(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_EXPR)
		return mnl_attr_parse_nested(attr, nft_take_counter_nest, arg);
	return MNL_CB_OK;
}

static int nft_take_counter_element(const struct nlattr *attr, void *arg)
{
	return mnl_attr_parse_nested(attr, nft_take_counter_expr, arg);
}

static int nft_take_counter_list(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_LIST_ELEMENTS)
		return mnl_attr_parse_nested(attr, nft_take_counter_element, arg);
	return MNL_CB_OK;
}

void nft_take_counter(const struct nlmsghdr *nlh, struct net_count *ret)
{
	(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), nft_take_counter_list, ret);
}
