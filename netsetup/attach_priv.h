/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_NETSETUP_ATTACH_PRIV_H
#define JAIL_NETSETUP_ATTACH_PRIV_H

#include "netsetup/nft_priv.h"

/* The elements of an instance: its address and one for each port, grouped by set. Caller frees
 * *ret. Return: 0 or -ENOMEM. */
int attach_elements(const struct net_attachment *a, const struct net_port *ports, size_t n_ports,
		    struct nft_element **ret, size_t *ret_n);

#endif
