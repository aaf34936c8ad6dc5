/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of `jail network check`. Each tells what it found by netcheck_say(). */
#ifndef JAIL_NETSETUP_NETCHECK_PRIV_H
#define JAIL_NETSETUP_NETCHECK_PRIV_H

#include "netsetup/netcheck.h"
#include "netsetup/subnet.h"

struct netcheck {
	const struct net_network *networks;
	size_t n;
	netcheck_fn *fn;
	void *arg;
	int missing;
};
void netcheck_say(struct netcheck *c, const char *name, enum netcheck_verdict verdict,
		  const char *fmt, ...) PRINTF(4, 5);

/* Of what the kernel can: tried in a child with a network namespace of its own. */
int netcheck_kernel(struct netcheck *c, struct err *e);
/* Of what the tables of others do with our packets. */
int netcheck_firewalls(struct netcheck *c, struct err *e);

#endif
