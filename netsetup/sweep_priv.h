/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_NETSETUP_SWEEP_PRIV_H
#define JAIL_NETSETUP_SWEEP_PRIV_H

#include "netsetup/nl_priv.h"

/* Closes both sockets and deletes the links, by their index, without making the caller wait. */
void sweep_start(struct nl *route, struct nl *nft, const unsigned *links, size_t n);

#endif
