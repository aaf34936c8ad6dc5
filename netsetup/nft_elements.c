/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages about elements, and transactions of them.
 *
 * The owner's name is stored as a comment the way nft(8) does it (a type, a length, a string with
 * its NUL), so that `nft list table inet jail` shows whose an element is.
 */
#include "netsetup/nft_set_priv.h"

#include <libmnl/libmnl.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "base/str.h"

#define ELEMENT_SIZE 272 /* attributes of one, with the longest comment */
#define ELEMENTS_PER_MESSAGE 240 /* a list is an attribute, of 64 KiB at most */
#define ELEMENTS_PER_DELETE 4096
#define MESSAGE_SIZE 2304 /* more than any rule takes */
#define BUFFER_DEFAULT (128u << 10) /* the kernel's: 208 KiB */

static const char what_transaction[] = "commit nftables transaction";

void nft_reserve(struct nl_batch *b, size_t elements, size_t others)
{
	nl_batch_reserve(b, 1024 + elements * (ELEMENT_SIZE + 64) + others * MESSAGE_SIZE);
}

static void nft_put_bracket(struct nl_batch *b, int type)
{
	struct nfgenmsg *nfg = nl_begin(b, type, 0, sizeof(*nfg), what_transaction);

	nfg->res_id = htons(NFNL_SUBSYS_NFTABLES);
}

void nft_put_begin(struct nl_batch *b)
{
	nft_put_bracket(b, NFNL_MSG_BATCH_BEGIN);
}

void nft_put_end(struct nl_batch *b)
{
	struct nlmsghdr *last = nl_message_room(b, 0);

	/* One answer, because those of many rules would not fit into the socket's buffer. */
	if (last && b->n > 1) {
		last->nlmsg_flags |= NLM_F_ACK;
		b->messages[b->n - 1].acked = true;
	}
	nft_put_bracket(b, NFNL_MSG_BATCH_END);
}

void nft_put_message(struct nl_batch *b, uint8_t family, int type, int flags, const char *what)
{
	struct nfgenmsg *nfg;

	nfg = nl_begin(b, NFNL_SUBSYS_NFTABLES << 8 | type, flags, sizeof(*nfg), what);
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
}

static void nft_put_value(struct nl_batch *b, int type, const void *data, size_t n)
{
	size_t nest = nl_nest(b, type);

	nl_put(b, NFTA_DATA_VALUE, data, n);
	nl_nest_end(b, nest);
}

static void nft_put_jump(struct nl_batch *b, enum nft_set set, const char *target)
{
	size_t data = nl_nest(b, NFTA_SET_ELEM_DATA), verdict = nl_nest(b, NFTA_DATA_VERDICT);
	char chain[NFT_CHAIN_NAME_MAX];

	(void)snprintf(chain, sizeof(chain), "%s%s", nft_sets[set].chains, target);
	nl_put_u32(b, NFTA_VERDICT_CODE, htonl((uint32_t)nft_sets[set].verdict));
	nl_put_str(b, NFTA_VERDICT_CHAIN, chain);
	nl_nest_end(b, verdict);
	nl_nest_end(b, data);
}

static void nft_put_comment(struct nl_batch *b, const char *owner)
{
	uint8_t text[2 + NFT_OWNER_MAX] = { NFTNL_UDATA_SET_ELEM_COMMENT };
	size_t n = strnlen(owner, NFT_OWNER_MAX - 1);

	text[1] = (uint8_t)(n + 1);
	memcpy(text + 2, owner, n);
	nl_put(b, NFTA_SET_ELEM_USERDATA, text, n + 3);
}

static void nft_put_element(struct nl_batch *b, const struct nft_element *el, const char *owner)
{
	const struct nft_set_type *type = &nft_sets[el->set];
	size_t nest = nl_nest(b, NFTA_LIST_ELEM);

	if (el->end)
		nl_put_u32(b, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	nft_put_value(b, NFTA_SET_ELEM_KEY, el->key, el->key_len);
	if (type->kind == NFT_KIND_RANGES)
		nft_put_value(b, NFTA_SET_ELEM_KEY_END, el->key_end, el->key_len);
	if (owner && el->target)
		nft_put_jump(b, el->set, el->target);
	else if (owner && el->data_len)
		nft_put_value(b, NFTA_SET_ELEM_DATA, el->data, el->data_len);
	if (owner && !el->end) /* the kernel takes none there */
		nft_put_comment(b, owner);
	nl_nest_end(b, nest);
}

static void nft_put_list(struct nl_batch *b, int type, int flags, const struct nft_element *els,
			 size_t n, const char *owner, const char *what)
{
	size_t nest, i;

	nft_put_message(b, nft_set_family(els[0].set), type, flags, what);
	nl_put_str(b, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	nl_put_str(b, NFTA_SET_ELEM_LIST_SET, nft_sets[els[0].set].name);
	nest = nl_nest(b, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (i = 0; i < n; i++)
		nft_put_element(b, &els[i], owner);
	nl_nest_end(b, nest);
}

void nft_put_elements(struct nl_batch *b, int type, const struct nft_element *els, size_t n,
		      const char *owner)
{
	bool add = type == NFT_MSG_NEWSETELEM;
	size_t i, some;

	for (i = 0; i < n; i += some) {
		for (some = 1; i + some < n && some < ELEMENTS_PER_MESSAGE; some++)
			if (els[i + some].set != els[i].set)
				break;
		nft_put_list(b, type, add ? NLM_F_CREATE | NLM_F_EXCL : 0, &els[i], some,
			     add ? owner : NULL,
			     add ? "add nftables elements" : "delete nftables elements");
	}
}

void nft_put_element_query(struct nl_batch *b, const struct nft_element *el)
{
	nft_put_list(b, NFT_MSG_GETSETELEM, NLM_F_ACK, el, 1, NULL, "look up nftables element");
}

/* Above net.core.wmem_max only the host's root may go; up to it (and the kernel takes it twice),
 * root of a user namespace too (jail in jail). */
static int nft_set_buffer(const struct nl *nl, int force, int plain, int size)
{
	if (setsockopt(nl->fd, SOL_SOCKET, force, &size, sizeof(size)) == 0)
		return 0;
	return errno == EPERM ? setsockopt(nl->fd, SOL_SOCKET, plain, &size, sizeof(size)) : -1;
}

int nft_run(struct nl *nl, struct nl_batch *b, struct err *e)
{
	int size = (int)b->cap;

	/* A transaction is one sendmsg(2), and each of its messages may be answered by an error. */
	if (b->cap > BUFFER_DEFAULT && (nft_set_buffer(nl, SO_SNDBUFFORCE, SO_SNDBUF, size) < 0 ||
					nft_set_buffer(nl, SO_RCVBUFFORCE, SO_RCVBUF, size) < 0))
		return err_sys(e, "enlarge the buffers of the nftables socket to %d bytes", size);
	return nl_run(nl, b, NULL, NULL, e);
}

static int nft_elements_delete_all(struct nl *nl, const struct nft_element *els, size_t n,
				   struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;

	nft_reserve(&b, n, 0);
	nft_put_begin(&b);
	nft_put_elements(&b, NFT_MSG_DELSETELEM, els, n, NULL);
	nft_put_end(&b);
	return nft_run(nl, &b, e);
}

/* A transaction is refused as a whole for what is missing: then by halves. */
static int nft_elements_delete_some(struct nl *nl, const struct nft_element *els, size_t n,
				    struct err *e)
{
	struct err why = ERR_INIT;
	int r = nft_elements_delete_all(nl, els, n, &why);

	if (r == -ENOENT && n > 1) {
		r = nft_elements_delete_some(nl, els, n / 2, e);
		return r < 0 ? r : nft_elements_delete_some(nl, els + n / 2, n - n / 2, e);
	}
	if (r < 0 && r != -ENOENT) {
		*e = why;
		return r;
	}
	return 0;
}

int nft_elements_delete(struct nl *nl, const struct nft_element *els, size_t n, struct err *e)
{
	size_t i, some;
	int r = 0;

	for (i = 0; i < n && r >= 0; i += some) {
		some = n - i < ELEMENTS_PER_DELETE ? n - i : ELEMENTS_PER_DELETE;
		r = nft_elements_delete_some(nl, els + i, some, e);
	}
	return r;
}
