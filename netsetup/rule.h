/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The notation of network.allow and network.deny:
 *
 *     in|out [tcp|udp|sctp|icmp] [PORT[-LAST][,...]] [from|to PEER[,...]]
 *
 * PEER: an address or subnet of either family; instance:NAME; label:KEY[=VALUE]; with out, host.
 * "in" takes "from", "out" takes "to". Ports are those of the receiving side, and need tcp, udp or
 * sctp (without a protocol: tcp and udp). Examples: "in tcp 80,443", "out to 192.0.2.0/24,host",
 * "in tcp 5432 from label:role=app".
 */
#ifndef JAIL_NETSETUP_RULE_H
#define JAIL_NETSETUP_RULE_H

#include "netsetup/network.h"

#define NET_RULES_MAX 256 /* conditions of one instance, lists multiplied out */

struct net_rules {
	struct net_rule *v;
	size_t n;
};
void net_rules_free(struct net_rules *r);
/* Appends the conditions of one line. Groups are the tenant's. At most 1024 characters. -EINVAL
 * tells what was expected; -E2BIG. */
int net_rules_parse(const char *text, bool allow, const char *tenant, struct net_rules *r,
		    struct err *e);

#endif
