/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sets and maps of the tables, their elements, and transactions. Only for nft_*.c.
 *
 * An element is computed from what an instance or network has, so it can be deleted without asking
 * what is there, at a cost that does not grow with the number of others.
 */
#ifndef JAIL_NETSETUP_NFT_SET_PRIV_H
#define JAIL_NETSETUP_NFT_SET_PRIV_H

#include "netsetup/nft_priv.h"

#include <linux/netfilter.h>

/* Those of both families follow each other: NFT_6(NFT_OUT4) is that of IPv6. */
enum nft_set {
	NFT_SENDERS, /* of the table arp jail; all others: inet jail */
	NFT_ADDRESSES4,
	NFT_ADDRESSES6,
	NFT_OUT4, /* verdict maps: to the chains of an instance's firewall */
	NFT_OUT6,
	NFT_IN4,
	NFT_IN6,
	NFT_HOST4,
	NFT_HOST6,
	NFT_MEMBERS4,
	NFT_MEMBERS6,
	NFT_PORTS4,
	NFT_PORTS6,
	NFT_PORTS_AT4,
	NFT_PORTS_AT6,
	NFT_RANGES4,
	NFT_RANGES6,
	NFT_RANGES_AT4,
	NFT_RANGES_AT6,
	NFT_SELVES4, /* each address twice: who talks to itself */
	NFT_SELVES6,
	NFT_RECEIVED_INSIDE4, /* counters */
	NFT_RECEIVED_INSIDE6,
	NFT_RECEIVED_OUTSIDE4,
	NFT_RECEIVED_OUTSIDE6,
	NFT_SENT_INSIDE4,
	NFT_SENT_INSIDE6,
	NFT_SENT_OUTSIDE4,
	NFT_SENT_OUTSIDE6,
	NFT_INSTANCE_SETS, /* up to here elements of instances, from here of networks */
	NFT_NETWORKS = NFT_INSTANCE_SETS, /* one element each, the hash of all that it is */
	NFT_GATEWAYS4,
	NFT_GATEWAYS6,
	NFT_OUTSIDE4,
	NFT_OUTSIDE6,
	NFT_OUTSIDE_BY4,
	NFT_OUTSIDE_BY6,
	NFT_TENANT4,
	NFT_TENANT6,
	NFT_TENANT_NETWORKS4,
	NFT_TENANT_NETWORKS6,
	NFT_NEIGHBOURS4,
	NFT_NEIGHBOURS6,
	NFT_NAT4,
	NFT_NAT6,
	NFT_SETS,
};
#define NFT_6(set4) ((enum nft_set)((set4) + 1))
/* By AF_INET or AF_INET6. */
#define NFT_OF(family, set4) ((family) == AF_INET6 ? NFT_6(set4) : (set4))

enum nft_set_kind {
	NFT_KIND_HASH,
	NFT_KIND_INTERVAL, /* of one field: an element where each interval starts, one after its end
			    */
	NFT_KIND_RANGES, /* of several fields, each a range: one element */
};

#define NFT_FIELDS_MAX 4
#define NFT_KEY_MAX 40
#define NFT_DATA_MAX 20
struct nft_set_type {
	const char *name;
	uint8_t fields[NFT_FIELDS_MAX]; /* nft(8)'s numbers of types; 0 = no more */
	uint8_t data[2];
	enum nft_set_kind kind;
	bool counter; /* one for each element */
	const char *chains; /* a verdict map: to chains of this prefix (nft_element.target) ... */
	int verdict; /* ... by NFT_JUMP or NFT_GOTO */
};
extern const struct nft_set_type nft_sets[NFT_SETS];
bool nft_set_is_map(enum nft_set set);
uint8_t nft_set_family(enum nft_set set); /* of its table: NFPROTO_* */

struct nft_element {
	enum nft_set set;
	bool end; /* after the end of an interval */
	uint8_t key_len, data_len; /* as far as it is built */
	uint8_t key[NFT_KEY_MAX], key_end[NFT_KEY_MAX];
	uint8_t data[NFT_DATA_MAX];
	const char *target; /* in a verdict map: whose chain; not owned */
};

/* Growing, sticky: after a failure elements go nowhere, and nft_elements_ok tells. */
struct nft_elements {
	struct nft_element *v;
	size_t n, room;
	bool failed;
	struct nft_element spill;
};
#define NFT_ELEMENTS_INIT                                                                          \
	{                                                                                          \
		.v = NULL                                                                          \
	}
void nft_elements_free(struct nft_elements *els);
int nft_elements_ok(const struct nft_elements *els, struct err *e);
/* A new element without key. Good until the next one; never NULL. */
struct nft_element *nft_element_new(struct nft_elements *els, enum nft_set set);
/* Appends a field to the key; a range of values; one to the data. Fields are padded to 4 bytes. */
void nft_key(struct nft_element *el, const void *value, size_t n);
void nft_key_range(struct nft_element *el, const void *first, const void *last, size_t n);
void nft_data(struct nft_element *el, const void *value, size_t n);
/* A name of an interface, as the kernel has it in registers. */
void nft_key_interface(struct nft_element *el, const char *name);
/* By set, then key, then data: what is equal is the same element. */
int nft_element_compare(const struct nft_element *a, const struct nft_element *b);
void nft_elements_sort(struct nft_elements *els);

/* ---- messages ---- */

/* Room for that many elements and that many other messages, the longest rules included. */
void nft_reserve(struct nl_batch *b, size_t elements, size_t others);
void nft_put_begin(struct nl_batch *b);
/* The kernel answers for what failed, and for the last message: that means for all. */
void nft_put_end(struct nl_batch *b);
/* Header of a message; family: NFPROTO_INET or NFPROTO_ARP. */
void nft_put_message(struct nl_batch *b, uint8_t family, int type, int flags, const char *what);
void nft_put_set(struct nl_batch *b, enum nft_set set, uint32_t id);
/* type: NFT_MSG_NEWSETELEM, with owner as the comment, refused with -EEXIST where there is one
 * already; or NFT_MSG_DELSETELEM. Elements of one set should stand together. */
void nft_put_elements(struct nl_batch *b, int type, const struct nft_element *els, size_t n,
		      const char *owner);
/* Asks for one element (NFT_MSG_GETSETELEM). */
void nft_put_element_query(struct nl_batch *b, const struct nft_element *el);
/* Sends a transaction, with a socket buffer that it fits into. */
int nft_run(struct nl *nl, struct nl_batch *b, struct err *e);
/* Deletes those that are there. */
int nft_elements_delete(struct nl *nl, const struct nft_element *els, size_t n, struct err *e);

/* ---- listing ---- */

#define NFT_OWNER_MAX (LIMIT_NAME_LEN + 1)
struct nft_found {
	struct nft_element element;
	char owner[NFT_OWNER_MAX]; /* its comment, or "" */
};
struct nft_listing {
	struct nft_found *v;
	size_t n, room;
};
void nft_listing_free(struct nft_listing *l);
/* All elements of the sets from `first` to before `end`. A dump. No table: nothing. */
int nft_elements_list(struct nl *nl, enum nft_set first, enum nft_set end, struct nft_listing *ret,
		      struct err *e);
/* Counter of an element, from the answer to nft_put_element_query. */
void nft_take_counter(const struct nlmsghdr *nlh, struct net_count *ret);

/* ---- chains of instances (nft_chains.c) ---- */

#define NFT_CHAIN_TENANT "tenant-"
enum nft_chain { NFT_CHAIN_OUT, NFT_CHAIN_IN, NFT_CHAIN_HOST, NFT_INSTANCE_CHAINS };
#define NFT_CHAIN_NAME_MAX (sizeof(NFT_CHAIN_TENANT) - 1 + NFT_OWNER_MAX)
void nft_chain_name(enum nft_chain chain, const char *owner, char ret[static NFT_CHAIN_NAME_MAX]);
/* The reverse: NULL if it is not of an instance. */
const char *nft_chain_owner(const char *name);
/* The instance's firewall has something to say there. */
bool nft_chain_needed(const struct net_plan *plan, enum nft_chain chain);
/* Most messages that one takes. */
size_t nft_chain_messages(const struct net_plan *plan);
/* A chain without rules, whatever it had. */
void nft_put_empty_chain(struct nl_batch *b, const char *name);
/* The chain with its rules, in place of what it had. */
void nft_put_instance_chain(struct nl_batch *b, const struct net_plan *plan, enum nft_chain chain);
void nft_put_chain_delete(struct nl_batch *b, enum nft_chain chain, const char *owner);
/* Both plans have the same rules there. */
bool nft_chain_same(const struct net_plan *a, const struct net_plan *b, enum nft_chain chain);
/* Deletes a chain, if it is there. -EBUSY: something leads to it. */
int nft_chain_delete(struct nl *nl, const char *name, struct err *e);
/* All that an instance may have. */
int nft_chains_delete(struct nl *nl, const char *owner, struct err *e);

/* ---- of one instance (nft_instance.c) ---- */

void nft_plan_elements(const struct net_plan *plan, const struct net_attachment *a,
		       struct nft_elements *ret);
/* Its ports, for nft_plan_elements (nft_ports.c). */
void nft_port_elements(const struct net_plan *plan, struct nft_elements *ret);
/* Removes what others have left under the keys, addresses or the name of an instance (nft_gc.c).
 * Dumps. */
int nft_clear(struct nl *nl, const struct net_plan *plan, const struct nft_elements *els,
	      struct err *e);

/* ---- of one network (nft_network.c) ---- */

void nft_network_elements(const struct net_network *network, struct nft_elements *ret);

/* ---- listing chains (nft_gc.c) ---- */

struct nft_chain_found {
	char name[NFT_CHAIN_NAME_MAX];
	uint32_t use;
};
struct nft_chain_list {
	struct nft_chain_found *v;
	size_t n, room;
	struct nft_chain_found current;
	bool ours;
};
void nft_chain_list_free(struct nft_chain_list *l);
/* All of inet jail; those with longer names than ours are left out. A dump. */
int nft_chain_list(struct nl *nl, struct nft_chain_list *ret, struct err *e);

/* ---- the fixed rules (nft_rules.c) ---- */

#define NFT_CHAINS 25 /* all of inet, then that of arp */
struct nft_chain_use {
	uint8_t family;
	const char *name;
	uint32_t use; /* as the kernel counts: its rules, and what jumps to it */
};
/* Messages: all chains and their rules, of both tables. */
void nft_rules_put(struct nl_batch *b);
size_t nft_rules_messages(void);
void nft_rules_use(struct nft_chain_use ret[static NFT_CHAINS]);

#endif
