/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_NETSETUP_SWEEP_PRIV_H
#define JAIL_NETSETUP_SWEEP_PRIV_H

#include "netsetup/nl_priv.h"

/* Closes both sockets and deletes the interface (NULL: none), without making the caller wait. */
void sweep_start(struct nl *route, struct nl *nft, const char *interface);

#endif
