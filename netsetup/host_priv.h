/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_NETSETUP_HOST_PRIV_H
#define JAIL_NETSETUP_HOST_PRIV_H

#include "netsetup/network.h"

/* What must be true of a network before the host is touched for it. -EINVAL. */
int host_check_network(const struct net_network *n, struct err *e);

#endif
