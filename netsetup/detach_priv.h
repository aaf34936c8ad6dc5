/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_NETSETUP_DETACH_PRIV_H
#define JAIL_NETSETUP_DETACH_PRIV_H

#include "netsetup/end_priv.h"

struct detach {
	struct nl route, nft;
	unsigned links[2 * NET_INTERFACES_MAX]; /* that are left for the sweep */
	size_t n_links;
};
#define DETACH_INIT                                                                                \
	{                                                                                          \
		.route = NL_INIT, .nft = NL_INIT                                                   \
	}
void detach_close(struct detach *d);
/* Everything of one interface: neighbour entries, routes, flows; its links go to d->links. What is
 * missing is fine. */
int detach_end(struct detach *d, struct link_end *end, struct err *e);
/* Flows from and to its addresses. */
int detach_flows(struct nl *nft, const struct link_end *end, struct err *e);

#endif
