/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sysctls of the network namespace that the caller is in, and visits to another one.
 */
#ifndef JAIL_NETSETUP_SYSCTL_PRIV_H
#define JAIL_NETSETUP_SYSCTL_PRIV_H

#include "netsetup/nl_priv.h"

/* The bridge's settings; each is written when its file exists (no IPv6 in this kernel: nothing to
 * set). Return: 0 or -errno with *e set. */
int sysctl_setup_bridge(const char *interface, struct err *e);
/* Does the host lead bridged frames through the tables of IPv4 (br_netfilter)? */
bool sysctl_bridge_filter(void);
/* net.ipv4.ip_forward = 1 */
int sysctl_forward(struct err *e);

/* Moves the calling thread into the network namespace `netns_fd`; `anchor`, a socket of the present
 * one, is the way back. Return: 0 and *ret_home for netns_leave. */
int netns_enter(int netns_fd, const struct nl *anchor, int *ret_home, struct err *e);
/* Back home; closes *home. A thread that can't return would go on in an instance's namespace:
 * aborts. As a cleanup attribute: does nothing when *home is unset. */
void netns_leave(int *home);

#endif
