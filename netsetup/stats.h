/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic of an instance, by the counters of its host's end: nothing inside is entered or believed,
 * and an instance can't reset them. Seen from the instance: what the host's end sends, it receives.
 */
#ifndef JAIL_NETSETUP_STATS_H
#define JAIL_NETSETUP_STATS_H

#include "base/err.h"

struct net_traffic {
	char interface[16]; /* inside: "eth0" */
	uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped;
	uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
};

/* A netlink socket for any number of reads. */
struct net_traffic_source {
	int fd;
	uint32_t seq;
};
int net_traffic_open(struct net_traffic_source *ret, struct err *e);
void net_traffic_close(struct net_traffic_source *s);
/* One exchange. -ENODEV: the interface is gone. */
int net_traffic_read(struct net_traffic_source *s, const char *host_interface,
		     struct net_traffic *ret, struct err *e);

#endif
