/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the networks need of this host, and what stands in their way: `jail network check`. Looks
 * only; what needs trying is tried in a network namespace of its own.
 */
#ifndef JAIL_NETSETUP_NETCHECK_H
#define JAIL_NETSETUP_NETCHECK_H

#include "netsetup/network.h"

enum netcheck_verdict { NETCHECK_OK, NETCHECK_WARNING, NETCHECK_MISSING };
struct netcheck_result {
	const char *name; /* "ip-forward", "nf-tables", "neighbour-table", "other-firewalls", ... */
	enum netcheck_verdict verdict;
	char detail[512]; /* what was found; what to do */
};
typedef void netcheck_fn(const struct netcheck_result *r, void *arg);
/* Return: number of results that are NETCHECK_MISSING, or -errno. */
int netcheck(const struct net_network *networks, size_t n, netcheck_fn *fn, void *arg,
	     struct err *e);

#endif
