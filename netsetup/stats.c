/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTM_GETSTATS with one filter bit: an answer of 200 bytes, where RTM_GETLINK gives 2 KiB. */
#include "netsetup/stats.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "base/str.h"
#include "netsetup/link_priv.h"

#define TRAFFIC_BATCH_SIZE 256

struct traffic_answer {
	bool has;
	struct rtnl_link_stats64 stats;
};

static int traffic_attribute(const struct nlattr *attr, void *arg)
{
	struct traffic_answer *a = arg;
	size_t n = mnl_attr_get_payload_len(attr);

	/* The kernel's structure grows at its end. */
	if (mnl_attr_get_type(attr) != IFLA_STATS_LINK_64 ||
	    n < offsetof(struct rtnl_link_stats64, multicast))
		return MNL_CB_OK;
	memcpy(&a->stats, mnl_attr_get_payload(attr), n < sizeof(a->stats) ? n : sizeof(a->stats));
	a->has = true;
	return MNL_CB_OK;
}

static int traffic_take(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	(void)index;
	if (nlh->nlmsg_type == RTM_NEWSTATS)
		(void)mnl_attr_parse(nlh, sizeof(struct if_stats_msg), traffic_attribute, arg);
	return 0;
}

int net_traffic_open(struct net_traffic_source *ret, struct err *e)
{
	struct nl nl = NL_INIT;
	int r = nl_open(NETLINK_ROUTE, &nl, e);

	if (r < 0)
		return r;
	*ret = (struct net_traffic_source){ .fd = nl.fd, .seq = nl.seq };
	return 0;
}

void net_traffic_close(struct net_traffic_source *s)
{
	fd_reset(&s->fd);
}

int net_traffic_read(struct net_traffic_source *s, const char *host_interface,
		     struct net_traffic *ret, struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct nl nl = { .fd = s->fd, .seq = s->seq };
	struct traffic_answer a = { .has = false };
	unsigned index = link_index(&nl, host_interface);
	struct if_stats_msg *ask;
	int r;

	if (!index)
		return err_set(e, ENODEV, "interface %s is gone", host_interface);
	nl_batch_reserve(&b, TRAFFIC_BATCH_SIZE);
	ask = nl_begin(&b, RTM_GETSTATS, NLM_F_ACK, sizeof(*ask), "read counters");
	ask->ifindex = index;
	ask->filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
	r = nl_run(&nl, &b, traffic_take, &a, e);
	s->seq = nl.seq;
	if (r < 0)
		return err_wrap(e, "interface %s", host_interface);
	if (!a.has)
		return err_set(e, EPROTO, "interface %s: the kernel gave no counters",
			       host_interface);
	*ret = (struct net_traffic){
		.interface = LINK_INSIDE,
		.rx_bytes = a.stats.tx_bytes,
		.rx_packets = a.stats.tx_packets,
		.rx_errors = a.stats.tx_errors,
		.rx_dropped = a.stats.tx_dropped,
		.tx_bytes = a.stats.rx_bytes,
		.tx_packets = a.stats.rx_packets,
		.tx_errors = a.stats.rx_errors,
		.tx_dropped = a.stats.rx_dropped,
	};
	return 0;
}
