/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sysctls of the network namespace that the caller is in, and visits to another one.
 */
#ifndef JAIL_NETSETUP_SYSCTL_PRIV_H
#define JAIL_NETSETUP_SYSCTL_PRIV_H

#include "netsetup/link_priv.h"

/* The settings of a network's interface; each is written when its file exists (no IPv6 in this
 * kernel: nothing to set). inet6: with IPv6, unless the host has it turned off for all or for new
 * interfaces. Return: 0 or -errno with *e set. */
int sysctl_setup_network(const char *interface, bool inet6, struct err *e);
/* Return: 1 when the kernel has IPv6, and it is not turned off like that. */
int sysctl_inet6_usable(struct err *e);
/* accept_ra = 0 */
int sysctl_ignore_advertisements(const char *interface, struct err *e);

/* A port of a bridge needs no IPv6 of its own: without, it adds nothing to this host's routing
 * table, through which the kernel walks at each start. Where it can't be, nothing else changes. */
void sysctl_no_inet6(const char *interface);
/* Does the host lead bridged frames through the tables of IPv4 (br_netfilter)? */
bool sysctl_bridge_filter(void);
/* net.ipv4.ip_forward = 1 */
int sysctl_forward4(struct err *e);
/*
 * net.ipv6.conf.all.forwarding = 1. A host that forwards takes no router advertisements any more
 * where accept_ra is 1, and would lose the route by which it is reached, so that becomes 2 on
 * exactly those of `links` (all there are) that have been listening and aren't ours (kernel,
 * Documentation/networking/ip-sysctl.rst: accept_ra, "2: Overrule forwarding behaviour").
 */
int sysctl_forward6(const struct link_state *links, size_t n, struct err *e);

/* Moves the calling thread into the network namespace `netns_fd`; `anchor`, a socket of the present
 * one, is the way back. Return: 0 and *ret_home for netns_leave. */
int netns_enter(int netns_fd, const struct nl *anchor, int *ret_home, struct err *e);
/* Back home; closes *home. A thread that can't return would go on in an instance's namespace:
 * aborts. As a cleanup attribute: does nothing when *home is unset. */
void netns_leave(int *home);

#endif
