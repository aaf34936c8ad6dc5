/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nftables table `inet jail`, and nothing else of nftables. Its chains and rules are fixed
 * (nft_rules.c); what changes are the elements of its sets and maps (nft_elements.c), one for the
 * address and one for each port of an instance, each with the instance's name as its comment.
 */
#ifndef JAIL_NETSETUP_NFT_PRIV_H
#define JAIL_NETSETUP_NFT_PRIV_H

#include "netsetup/link_priv.h"

#define NFT_TABLE "jail"

enum nft_set {
	NFT_SET_BRIDGES, /* interface name: every rule begins by asking whether it concerns us */
	NFT_SET_ADDRESSES, /* MAC address . IPv4 address that a packet may come from */
	NFT_SET_PORTS, /* protocol . port -> address . port: published on every address */
	NFT_SET_PORTS_AT, /* host address . protocol . port -> address . port */
};
#define NFT_SETS 4

struct nft_set_type {
	const char *name;
	uint32_t key_type, key_len; /* types as nft(8) numbers them, for its listing */
	uint32_t data_type, data_len; /* 0 = a set */
	bool by_name; /* the key is text */
};
extern const struct nft_set_type nft_sets[NFT_SETS];

#define NFT_KEY_MAX 16
#define NFT_DATA_MAX 8
struct nft_element {
	enum nft_set set;
	uint8_t key[NFT_KEY_MAX], data[NFT_DATA_MAX];
};
void nft_element_bridge(const struct net_bridge *b, struct nft_element *ret);
void nft_element_address(const uint8_t *mac, struct in_addr address, struct nft_element *ret);
void nft_element_port(const struct net_port *port, struct in_addr address, struct nft_element *ret);
/* Address of an element of NFT_SET_ADDRESSES. */
struct in_addr nft_element_get_address(const struct nft_element *el);

/* Sends one transaction. -EEXIST: an element is there with other data. */
int nft_elements_add(struct nl *nl, const struct nft_element *els, size_t n, const char *comment,
		     struct err *e);
/* One transaction (for each 1,024); when an element is missing, one each. Elements must be grouped
 * by set. */
int nft_elements_delete(struct nl *nl, const struct nft_element *els, size_t n, struct err *e);

#define NFT_COMMENT_MAX 128
struct nft_found {
	struct nft_element element;
	char comment[NFT_COMMENT_MAX];
};
/* All elements of all sets, grouped by set. No table: none. Caller frees *ret. */
int nft_elements_list(struct nl *nl, struct nft_found **ret, size_t *ret_n, struct err *e);

enum nft_table_state {
	NFT_TABLE_WRONG, /* not there, of another version, or without some of its rules */
	NFT_TABLE_NO_BRIDGE, /* as it should be, but the bridge is not in its set */
	NFT_TABLE_WHOLE,
};
/* Return: the state, with *ret_handle = the table's handle (0 = no table); or -errno. */
int nft_table_query(struct nl *nl, const struct net_bridge *b, uint64_t *ret_handle, struct err *e);
/* Makes the table whole and new in one transaction, in place of the one with `old_handle` (0 =
 * none). Return: 0; -EAGAIN without *e set when somebody else changed it meanwhile: query again. */
int nft_table_make(struct nl *nl, const struct net_bridge *b, uint64_t old_handle, struct err *e);
/* Missing is fine. */
int nft_table_delete(struct nl *nl, struct err *e);

/* For the builders: transaction brackets and messages of the table. */
void nft_put_begin(struct nl_batch *b);
void nft_put_end(struct nl_batch *b);
void nft_put_message(struct nl_batch *b, int type, int flags, const char *what);
void nft_put_elements(struct nl_batch *b, int type, const struct nft_element *els, size_t n,
		      const char *comment);

/* The rules; number of rules in each chain for the query. */
#define NFT_CHAINS 11
struct nft_chain_count {
	const char *name;
	uint32_t rules;
};
void nft_rules_put(struct nl_batch *b);
void nft_rules_count(struct nft_chain_count ret[static NFT_CHAINS]);

/* The socket of this process (nft_socket.c), opened on first use; stays its own. */
int nft_socket(struct nl **ret, struct err *e);
/* The same, or a new one, for the caller to close. */
int nft_socket_take(struct nl *ret, struct err *e);

#endif
