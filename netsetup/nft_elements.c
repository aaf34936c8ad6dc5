/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of the table's sets. Keys are computed from what the instance has (address, ports), so
 * adding and deleting costs the same whatever the number of others, and nothing is remembered
 * elsewhere. The parts of a concatenated key stand in registers of 32 bits, padded with zeros.
 *
 * The comment is stored the way nft(8) does it (a type, a length, a string with its NUL), so that
 * `nft list table inet jail` shows whose an element is.
 */
#include "netsetup/nft_priv.h"

#include <libmnl/libmnl.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/str.h"

/* nft(8)'s numbers of types: 6 bits each in a concatenation. */
#define TYPE_ADDRESS 7u
#define TYPE_MAC 9u
#define TYPE_PROTOCOL 12u
#define TYPE_PORT 13u
#define TYPE_INTERFACE 41u
#define CONCAT(a, b) ((a) << 6 | (b))

const struct nft_set_type nft_sets[NFT_SETS] = {
	[NFT_SET_BRIDGES] = { "bridges", TYPE_INTERFACE, 16, 0, 0, true },
	[NFT_SET_ADDRESSES] = { "addresses", CONCAT(TYPE_MAC, TYPE_ADDRESS), 12, 0, 0, false },
	[NFT_SET_PORTS] = { "ports", CONCAT(TYPE_PROTOCOL, TYPE_PORT), 8,
			    CONCAT(TYPE_ADDRESS, TYPE_PORT), 8, false },
	[NFT_SET_PORTS_AT] = { "ports_at", CONCAT(CONCAT(TYPE_ADDRESS, TYPE_PROTOCOL), TYPE_PORT),
			       12, CONCAT(TYPE_ADDRESS, TYPE_PORT), 8, false },
};

#define ELEMENT_SIZE 192 /* attributes of one, with the longest comment */
#define ELEMENTS_PER_MESSAGE 256 /* a list is an attribute, of 64 KiB at most */
#define ELEMENTS_PER_TRANSACTION 1024
#define BATCH_SIZE(n) (1024 + (n)*ELEMENT_SIZE)

void nft_element_bridge(const struct net_bridge *b, struct nft_element *ret)
{
	*ret = (struct nft_element){ .set = NFT_SET_BRIDGES };
	memcpy(ret->key, b->name, strnlen(b->name, sizeof(b->name) - 1));
}

void nft_element_address(const uint8_t *mac, struct in_addr address, struct nft_element *ret)
{
	*ret = (struct nft_element){ .set = NFT_SET_ADDRESSES };
	memcpy(ret->key, mac, LINK_MAC_LEN);
	memcpy(ret->key + 8, &address, sizeof(address));
}

struct in_addr nft_element_get_address(const struct nft_element *el)
{
	struct in_addr address;

	memcpy(&address, el->key + 8, sizeof(address));
	return address;
}

void nft_element_port(const struct net_port *port, struct in_addr address, struct nft_element *ret)
{
	uint16_t outside = htons(port->host_port), inside = htons(port->port);
	uint8_t *key;

	*ret = (struct nft_element){ .set = NFT_SET_PORTS };
	key = ret->key;
	if (port->host_address.s_addr != htonl(INADDR_ANY)) {
		ret->set = NFT_SET_PORTS_AT;
		memcpy(key, &port->host_address, 4);
		key += 4;
	}
	key[0] = port->protocol;
	memcpy(key + 4, &outside, 2);
	memcpy(ret->data, &address, 4);
	memcpy(ret->data + 4, &inside, 2);
}

static void nft_put_bracket(struct nl_batch *b, int type)
{
	struct nfgenmsg *nfg = nl_begin(b, type, 0, sizeof(*nfg), "commit nftables transaction");

	nfg->res_id = htons(NFNL_SUBSYS_NFTABLES);
}

void nft_put_begin(struct nl_batch *b)
{
	nft_put_bracket(b, NFNL_MSG_BATCH_BEGIN);
}

void nft_put_end(struct nl_batch *b)
{
	nft_put_bracket(b, NFNL_MSG_BATCH_END);
}

void nft_put_message(struct nl_batch *b, int type, int flags, const char *what)
{
	struct nfgenmsg *nfg;

	nfg = nl_begin(b, NFNL_SUBSYS_NFTABLES << 8 | type, flags, sizeof(*nfg), what);
	nfg->nfgen_family = NFPROTO_INET;
	nfg->version = NFNETLINK_V0;
}

static void nft_put_value(struct nl_batch *b, int type, const void *data, size_t n)
{
	size_t nest = nl_nest(b, type);

	nl_put(b, NFTA_DATA_VALUE, data, n);
	nl_nest_end(b, nest);
}

static void nft_put_element(struct nl_batch *b, const struct nft_element *el, const char *comment)
{
	const struct nft_set_type *type = &nft_sets[el->set];
	size_t nest = nl_nest(b, NFTA_LIST_ELEM);

	nft_put_value(b, NFTA_SET_ELEM_KEY, el->key, type->key_len);
	if (comment) {
		uint8_t text[2 + NFT_COMMENT_MAX] = { NFTNL_UDATA_SET_ELEM_COMMENT };
		size_t n = strnlen(comment, NFT_COMMENT_MAX - 1);

		if (type->data_len)
			nft_put_value(b, NFTA_SET_ELEM_DATA, el->data, type->data_len);
		text[1] = (uint8_t)(n + 1);
		memcpy(text + 2, comment, n);
		nl_put(b, NFTA_SET_ELEM_USERDATA, text, n + 3);
	}
	nl_nest_end(b, nest);
}

void nft_put_elements(struct nl_batch *b, int type, const struct nft_element *els, size_t n,
		      const char *comment)
{
	const char *what =
		type == NFT_MSG_NEWSETELEM ? "add nftables elements" : "delete nftables elements";
	size_t i = 0;

	while (i < n) {
		enum nft_set set = els[i].set;
		size_t nest, end = i + ELEMENTS_PER_MESSAGE;

		nft_put_message(b, type, NLM_F_ACK | NLM_F_CREATE, what);
		nl_put_str(b, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
		nl_put_str(b, NFTA_SET_ELEM_LIST_SET, nft_sets[set].name);
		nest = nl_nest(b, NFTA_SET_ELEM_LIST_ELEMENTS);
		for (; i < n && i < end && els[i].set == set; i++)
			nft_put_element(b, &els[i], comment);
		nl_nest_end(b, nest);
	}
}

static int nft_elements_send(struct nl *nl, int type, const struct nft_element *els, size_t n,
			     const char *comment, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;

	nl_batch_reserve(&b, BATCH_SIZE(n));
	nft_put_begin(&b);
	nft_put_elements(&b, type, els, n, comment);
	nft_put_end(&b);
	return nl_run(nl, &b, NULL, NULL, e);
}

int nft_elements_add(struct nl *nl, const struct nft_element *els, size_t n, const char *comment,
		     struct err *e)
{
	return nft_elements_send(nl, NFT_MSG_NEWSETELEM, els, n, comment, e);
}

static int nft_elements_delete_some(struct nl *nl, const struct nft_element *els, size_t n,
				    struct err *e)
{
	struct err first = ERR_INIT;
	size_t i;
	int r;

	r = nft_elements_send(nl, NFT_MSG_DELSETELEM, els, n, NULL, &first);
	if (r >= 0)
		return 0;
	if (r != -ENOENT) {
		*e = first;
		return r;
	}
	/* The transaction was refused as a whole for what is missing. */
	for (i = 0; i < n; i++) {
		struct err one = ERR_INIT;

		r = nft_elements_send(nl, NFT_MSG_DELSETELEM, &els[i], 1, NULL, &one);
		if (r < 0 && r != -ENOENT) {
			*e = one;
			return r;
		}
	}
	return 0;
}

int nft_elements_delete(struct nl *nl, const struct nft_element *els, size_t n, struct err *e)
{
	size_t i;
	int r = 0;

	/* What one sendmsg(2) takes is bounded by the socket's buffer. */
	for (i = 0; i < n && r >= 0; i += ELEMENTS_PER_TRANSACTION) {
		size_t some = n - i;

		if (some > ELEMENTS_PER_TRANSACTION)
			some = ELEMENTS_PER_TRANSACTION;
		r = nft_elements_delete_some(nl, els + i, some, e);
	}
	return r;
}

/* ---- listing, for gc ---- */

struct nft_listing {
	struct nft_found *found;
	size_t n, room;
	struct nft_found current;
	bool valid; /* current has a key of the right length */
	int error;
};

static int nft_take_data(const struct nlattr *attr, uint8_t *ret, size_t n)
{
	const struct nlattr *value = mnl_attr_get_payload(attr);

	if (mnl_attr_get_payload_len(attr) < MNL_ATTR_HDRLEN + n ||
	    mnl_attr_get_type(value) != NFTA_DATA_VALUE || mnl_attr_get_payload_len(value) != n)
		return -EBADMSG;
	memcpy(ret, mnl_attr_get_payload(value), n);
	return 0;
}

static void nft_take_comment(const struct nlattr *attr, char ret[static NFT_COMMENT_MAX])
{
	const uint8_t *text = mnl_attr_get_payload(attr);
	size_t n = mnl_attr_get_payload_len(attr);

	if (n < 3 || text[0] != NFTNL_UDATA_SET_ELEM_COMMENT || text[1] + 2u > n ||
	    text[1] > NFT_COMMENT_MAX)
		return;
	memcpy(ret, text + 2, text[1]);
	ret[text[1] ? text[1] - 1 : 0] = '\0';
}

static int nft_take_element_attribute(const struct nlattr *attr, void *arg)
{
	struct nft_listing *l = arg;
	struct nft_element *el = &l->current.element;

	switch (mnl_attr_get_type(attr)) {
	case NFTA_SET_ELEM_KEY:
		l->valid = nft_take_data(attr, el->key, nft_sets[el->set].key_len) == 0;
		break;
	case NFTA_SET_ELEM_USERDATA:
		nft_take_comment(attr, l->current.comment);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int nft_take_element(const struct nlattr *attr, void *arg)
{
	struct nft_listing *l = arg;
	enum nft_set set = l->current.element.set;

	l->current = (struct nft_found){ .element = { .set = set } };
	l->valid = false;
	(void)mnl_attr_parse_nested(attr, nft_take_element_attribute, l);
	if (!l->valid)
		return MNL_CB_OK;
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		struct nft_found *bigger = reallocarray(l->found, room, sizeof(*bigger));

		if (!bigger) {
			l->error = -ENOMEM;
			return MNL_CB_STOP;
		}
		l->found = bigger;
		l->room = room;
	}
	l->found[l->n++] = l->current;
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
	struct nft_listing *l = arg;

	(void)index;
	(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), nft_take_list_attribute, l);
	return l->error;
}

static int nft_list_set(struct nl *nl, enum nft_set set, struct nft_listing *l, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	int r;

	l->current.element.set = set;
	nl_batch_reserve(&b, BATCH_SIZE(0));
	nft_put_message(&b, NFT_MSG_GETSETELEM, NLM_F_DUMP, "list nftables elements");
	nl_put_str(&b, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	nl_put_str(&b, NFTA_SET_ELEM_LIST_SET, nft_sets[set].name);
	r = nl_exchange(nl, &b, nft_take_list, l, e);
	if (r < 0 || b.messages[0].result == -ENOENT)
		return r;
	return nl_check(&b, 0, e);
}

int nft_elements_list(struct nl *nl, struct nft_found **ret, size_t *ret_n, struct err *e)
{
	int attempt, set, r = 0;

	/* A change in the middle of a dump makes it start again; under constant change it ends. */
	for (attempt = 0; attempt < 16; attempt++) {
		struct nft_listing l = { .found = NULL };

		for (set = 0, r = 0; set < NFT_SETS && r >= 0; set++)
			r = nft_list_set(nl, (enum nft_set)set, &l, e);
		if (r >= 0) {
			*ret = l.found;
			*ret_n = l.n;
			return 0;
		}
		free(l.found);
		if (r != -EINTR)
			return r;
	}
	return err_ret(e, r, "list nftables elements");
}
