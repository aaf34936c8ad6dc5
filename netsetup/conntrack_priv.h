/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_NETSETUP_CONNTRACK_PRIV_H
#define JAIL_NETSETUP_CONNTRACK_PRIV_H

#include "netsetup/nl_priv.h"

/* Forgets every flow from or to the address (of 4 or 16 bytes, by the family) of an instance
 * that is gone (row 79). */
int conntrack_forget(struct nl *nl, int family, const void *address, struct err *e);
/* The same without the kernel's help to delete by filter (before Linux 6.8). */
int conntrack_forget_listed(struct nl *nl, int family, const void *address, struct err *e);

#endif
