/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nftables: the table `inet jail`, with a small one for ARP, `arp jail`, beside it, and nothing
 * else of nftables. One netlink transaction covers both families. Their chains and rules are fixed
 * (nft_rules.c); what changes are the elements of sets and maps, and one chain for each direction
 * that an instance has a firewall for. Each element has the name of its instance (or of its
 * network) as its comment, each such chain has it in its name.
 *
 * Host interfaces of ours (bridges and veths, from their birth) are in the interface group
 * NET_GROUP, so the rules know them without an element: a table that was just made lets nothing
 * through that an element does not allow.
 */
#ifndef JAIL_NETSETUP_NFT_PRIV_H
#define JAIL_NETSETUP_NFT_PRIV_H

#include "netsetup/link_priv.h"

#define NFT_TABLE "jail"

enum nft_table_state {
	NFT_TABLE_WRONG, /* not there, of another version, or without some of its rules or sets */
	NFT_TABLE_NO_NETWORK, /* as it should be, but one of the networks has no elements */
	NFT_TABLE_WHOLE,
};
/* Looked up by name, no dump. Return: the state, with *ret_handle = the handle of the inet table
 * (0 = no table); or -errno. */
int nft_table_query(struct nl *nl, const struct net_network *networks, size_t n,
		    uint64_t *ret_handle, struct err *e);
/* Makes both tables whole and new, without elements, in one transaction, in place of those with
 * `old_handle` (0 = none). Return: 0; -EAGAIN without *e set when somebody else changed it
 * meanwhile: query again. */
int nft_table_make(struct nl *nl, uint64_t old_handle, struct err *e);
/* Missing is fine. */
int nft_table_delete(struct nl *nl, struct err *e);

/* The elements of a network, put in place of what there was. Not for NET_MACVLAN. */
int nft_network_add(struct nl *nl, const struct net_network *network, struct err *e);
/* Missing is fine. */
int nft_network_delete(struct nl *nl, const struct net_network *network, struct err *e);

/* All elements and chains of an instance, one transaction. What a dead one left under the same keys
 * is replaced (row 79). A: where its interfaces are on the host. */
int nft_instance_add(struct nl *nl, const struct net_plan *plan, const struct net_attachment *a,
		     struct err *e);
/* One transaction; when something is missing, all that a dump shows to be the instance's. */
int nft_instance_delete(struct nl *nl, const struct net_plan *plan, const struct net_attachment *a,
			struct err *e);
/* From one to the other in one transaction; what both have is not touched, its counters included.
 */
int nft_instance_change(struct nl *nl, const struct net_plan *from, const struct net_attachment *fa,
			const struct net_plan *to, const struct net_attachment *ta, struct err *e);
int nft_instance_classes(struct nl *nl, const struct net_plan *plan, struct net_classes *ret,
			 struct err *e);

/* An address that a dead instance still had elements for. */
typedef int nft_dead_fn(uint8_t family, const void *address, void *arg, struct err *e);
/* Removes elements and chains of instances that are not alive; calls fn for each of their
 * addresses (to forget flows and neighbours). */
int nft_gc(struct nl *nl, net_alive_fn *alive, void *alive_arg, nft_dead_fn *fn, void *arg,
	   struct err *e);

/* The socket of this process (nft_socket.c), opened on first use; stays its own. */
int nft_socket(struct nl **ret, struct err *e);
/* The same, or a new one, for the caller to close. */
int nft_socket_take(struct nl *ret, struct err *e);

#endif
