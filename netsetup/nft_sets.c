/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sets there are, and how an element is put together. The parts of a concatenated key stand in
 * registers of 32 bits, padded with zeros.
 *
 * Everything that an instance has by default is in hash tables, where an element costs the same
 * among a thousand others as alone. Intervals are in trees (one field) and in pipapo tables
 * (several), which the kernel copies for each change: so they hold networks, and of instances only
 * ranges of published ports.
 *
 * The kernel (6.18) finds a range by any key inside it, also to delete it: who deletes a range that
 * is not there takes another's that its start lies in. So ranges are deleted before their leases
 * are released, never after.
 */
#include "netsetup/nft_set_priv.h"

#include <libmnl/libmnl.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>

#include "base/str.h"

/* nft(8)'s numbers of types, for its listing; 6 bits each in a concatenation. */
#define T_ADDRESS4 7
#define T_ADDRESS6 8
#define T_MAC 9
#define T_PROTOCOL 12
#define T_PORT 13
#define T_MARK 19
#define T_INTERFACE 41

/* A set for each family: the fields with ADDR as the type of an address, then the rest. */
#define PAIR(set, nm, ...)                                                                         \
	[set] = { .name = nm "4", __VA_ARGS__ }, [NFT_6(set)] = { .name = nm "6", __VA_ARGS__ }
#define ADDR T_ADDRESS4 /* nft_field_type() makes it one of IPv6 in the second of a pair */

const struct nft_set_type nft_sets[NFT_SETS] = {
	[NFT_SENDERS] = { .name = "senders", .fields = { T_INTERFACE, T_MAC, ADDR } },
	PAIR(NFT_ADDRESSES4, "addresses", .fields = { T_INTERFACE, T_MAC, ADDR }),
	PAIR(NFT_OUT4, "out", .fields = { ADDR }, .chains = "out-", .verdict = NFT_GOTO),
	PAIR(NFT_IN4, "in", .fields = { ADDR }, .chains = "in-", .verdict = NFT_JUMP),
	PAIR(NFT_HOST4, "host", .fields = { ADDR }, .chains = "host-", .verdict = NFT_GOTO),
	PAIR(NFT_MEMBERS4, "members", .fields = { T_MARK, T_MARK, ADDR }),
	PAIR(NFT_PORTS4, "ports", .fields = { T_PROTOCOL, T_PORT }, .data = { ADDR, T_PORT }),
	PAIR(NFT_PORTS_AT4, "ports_at", .fields = { ADDR, T_PROTOCOL, T_PORT },
	     .data = { ADDR, T_PORT }),
	PAIR(NFT_RANGES4, "ranges", .fields = { T_PROTOCOL, T_PORT }, .data = { ADDR },
	     .kind = NFT_KIND_RANGES),
	PAIR(NFT_RANGES_AT4, "ranges_at", .fields = { ADDR, T_PROTOCOL, T_PORT }, .data = { ADDR },
	     .kind = NFT_KIND_RANGES),
	PAIR(NFT_SELVES4, "selves", .fields = { ADDR, ADDR }),
	PAIR(NFT_RECEIVED_INSIDE4, "received_inside", .fields = { ADDR }, .counter = true),
	PAIR(NFT_RECEIVED_OUTSIDE4, "received_outside", .fields = { ADDR }, .counter = true),
	PAIR(NFT_SENT_INSIDE4, "sent_inside", .fields = { ADDR }, .counter = true),
	PAIR(NFT_SENT_OUTSIDE4, "sent_outside", .fields = { ADDR }, .counter = true),
	[NFT_NETWORKS] = { .name = "networks", .fields = { T_ADDRESS6 } },
	PAIR(NFT_GATEWAYS4, "gateways", .fields = { ADDR, ADDR }, .kind = NFT_KIND_RANGES),
	PAIR(NFT_OUTSIDE4, "outside", .fields = { ADDR }, .kind = NFT_KIND_INTERVAL),
	PAIR(NFT_OUTSIDE_BY4, "outside_by", .fields = { ADDR, T_INTERFACE },
	     .kind = NFT_KIND_RANGES),
	PAIR(NFT_TENANT4, "tenant", .fields = { ADDR }, .kind = NFT_KIND_INTERVAL,
	     .chains = NFT_CHAIN_TENANT, .verdict = NFT_GOTO),
	PAIR(NFT_TENANT_NETWORKS4, "tenant_networks", .fields = { T_ADDRESS6, ADDR },
	     .kind = NFT_KIND_RANGES),
	PAIR(NFT_NEIGHBOURS4, "neighbours", .fields = { ADDR, ADDR }, .kind = NFT_KIND_RANGES),
	PAIR(NFT_NAT4, "nat", .fields = { ADDR }, .kind = NFT_KIND_INTERVAL),
};

static bool nft_set_is6(enum nft_set set)
{
	return str_eq(nft_sets[set].name + strlen(nft_sets[set].name) - 1, "6");
}

static uint32_t nft_field_type(enum nft_set set, uint8_t type)
{
	return type == ADDR && nft_set_is6(set) ? T_ADDRESS6 : type;
}

static uint32_t nft_type_len(uint32_t type)
{
	switch (type) {
	case T_ADDRESS6:
	case T_INTERFACE:
		return 16;
	case T_MAC:
		return NET_MAC_LEN;
	case T_PROTOCOL:
		return 1;
	case T_PORT:
		return 2;
	default:
		return 4;
	}
}

/* Type and length of a list of fields, as nft(8) and the kernel have them. */
static uint32_t nft_fields_type(enum nft_set set, const uint8_t *fields, size_t max,
				uint32_t *ret_len)
{
	uint32_t type = 0;
	size_t i;

	*ret_len = 0;
	for (i = 0; i < max && fields[i]; i++) {
		uint32_t one = nft_field_type(set, fields[i]);

		type = type << 6 | one;
		*ret_len += MNL_ALIGN(nft_type_len(one));
	}
	return type;
}

bool nft_set_is_map(enum nft_set set)
{
	return nft_sets[set].chains || nft_sets[set].data[0];
}

uint8_t nft_set_family(enum nft_set set)
{
	return set == NFT_SENDERS ? NFPROTO_ARP : NFPROTO_INET;
}

/* A pipapo table wants to know where the fields are. */
static void nft_put_set_fields(struct nl_batch *b, enum nft_set set)
{
	size_t desc = nl_nest(b, NFTA_SET_DESC), concat = nl_nest(b, NFTA_SET_DESC_CONCAT), i;

	for (i = 0; i < NFT_FIELDS_MAX && nft_sets[set].fields[i]; i++) {
		uint32_t type = nft_field_type(set, nft_sets[set].fields[i]);
		size_t field = nl_nest(b, NFTA_LIST_ELEM);

		nl_put_u32(b, NFTA_SET_FIELD_LEN, htonl(nft_type_len(type)));
		nl_nest_end(b, field);
	}
	nl_nest_end(b, concat);
	nl_nest_end(b, desc);
}

static void nft_put_set_data(struct nl_batch *b, enum nft_set set)
{
	uint32_t type, len;

	if (nft_sets[set].chains) {
		nl_put_u32(b, NFTA_SET_DATA_TYPE, htonl(NFT_DATA_VERDICT));
	} else if (nft_sets[set].data[0]) {
		type = nft_fields_type(set, nft_sets[set].data, 2, &len);
		nl_put_u32(b, NFTA_SET_DATA_TYPE, htonl(type));
		nl_put_u32(b, NFTA_SET_DATA_LEN, htonl(len));
	}
}

static void nft_put_set_counter(struct nl_batch *b)
{
	size_t nest = nl_nest(b, NFTA_SET_EXPR);

	nl_put_str(b, NFTA_EXPR_NAME, "counter");
	nl_nest_end(b, nest);
}

void nft_put_set(struct nl_batch *b, enum nft_set set, uint32_t id)
{
	/* For nft(8)'s listing: in the network's byte order. */
	static const uint8_t order[] = { NFTNL_UDATA_SET_KEYBYTEORDER, 4, 2, 0, 0, 0 };
	const struct nft_set_type *t = &nft_sets[set];
	uint32_t flags = nft_set_is_map(set) ? NFT_SET_MAP : 0, type, len;

	type = nft_fields_type(set, t->fields, NFT_FIELDS_MAX, &len);
	if (t->kind != NFT_KIND_HASH)
		flags |= NFT_SET_INTERVAL;
	if (t->kind == NFT_KIND_RANGES)
		flags |= NFT_SET_CONCAT;
	nft_put_message(b, nft_set_family(set), NFT_MSG_NEWSET, NLM_F_CREATE,
			"create nftables set");
	nl_put_str(b, NFTA_SET_TABLE, NFT_TABLE);
	nl_put_str(b, NFTA_SET_NAME, t->name);
	nl_put_u32(b, NFTA_SET_ID, htonl(id));
	nl_put_u32(b, NFTA_SET_FLAGS, htonl(flags));
	nl_put_u32(b, NFTA_SET_KEY_TYPE, htonl(type));
	nl_put_u32(b, NFTA_SET_KEY_LEN, htonl(len));
	nft_put_set_data(b, set);
	if (t->kind == NFT_KIND_RANGES)
		nft_put_set_fields(b, set);
	if (t->counter)
		nft_put_set_counter(b);
	nl_put(b, NFTA_SET_USERDATA, order, sizeof(order));
}

/* ---- elements ---- */

void nft_elements_free(struct nft_elements *els)
{
	free(TAKE_PTR(els->v));
}

int nft_elements_ok(const struct nft_elements *els, struct err *e)
{
	return els->failed ? err_nomem(e) : 0;
}

struct nft_element *nft_element_new(struct nft_elements *els, enum nft_set set)
{
	struct nft_element *el;

	if (els->n == els->room && !els->failed) {
		size_t room = els->room ? 2 * els->room : 32;
		struct nft_element *bigger = reallocarray(els->v, room, sizeof(*bigger));

		els->failed = !bigger;
		if (bigger) {
			els->v = bigger;
			els->room = room;
		}
	}
	el = els->failed ? &els->spill : &els->v[els->n++];
	*el = (struct nft_element){ .set = set };
	return el;
}

void nft_key_range(struct nft_element *el, const void *first, const void *last, size_t n)
{
	if (el->key_len + n > NFT_KEY_MAX)
		abort(); /* the table of sets is wrong */
	memcpy(el->key + el->key_len, first, n);
	memcpy(el->key_end + el->key_len, last, n);
	el->key_len = (uint8_t)(el->key_len + MNL_ALIGN(n));
}

void nft_key(struct nft_element *el, const void *value, size_t n)
{
	nft_key_range(el, value, value, n);
}

void nft_data(struct nft_element *el, const void *value, size_t n)
{
	if (el->data_len + n > NFT_DATA_MAX)
		abort();
	memcpy(el->data + el->data_len, value, n);
	el->data_len = (uint8_t)(el->data_len + MNL_ALIGN(n));
}

void nft_key_interface(struct nft_element *el, const char *name)
{
	char value[16] = "";

	memcpy(value, name, strnlen(name, sizeof(value) - 1));
	nft_key(el, value, sizeof(value));
}

int nft_element_compare(const struct nft_element *a, const struct nft_element *b)
{
	int r;

	if (a->set != b->set)
		return a->set < b->set ? -1 : 1;
	if (a->end != b->end)
		return a->end ? 1 : -1;
	r = memcmp(a->key, b->key, NFT_KEY_MAX);
	if (r == 0)
		r = memcmp(a->key_end, b->key_end, NFT_KEY_MAX);
	return r ? r : memcmp(a->data, b->data, NFT_DATA_MAX);
}

static int nft_compare(const void *a, const void *b)
{
	return nft_element_compare(a, b);
}

void nft_elements_sort(struct nft_elements *els)
{
	if (els->n > 1)
		qsort(els->v, els->n, sizeof(*els->v), nft_compare);
}
