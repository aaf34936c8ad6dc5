/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the networks need of this host. Sysctls, tables with a maximum, subnets and uplinks here;
 * what the kernel can in netcheck_kernel.c; other people's rules in netcheck_firewalls.c.
 */
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/num.h"
#include "base/str.h"
#include "netsetup/netcheck_priv.h"
#include "netsetup/nl_priv.h"
#include "netsetup/sysctl_priv.h"

#define NEARLY_FULL_PERCENT 90

void netcheck_say(struct netcheck *c, const char *name, enum netcheck_verdict verdict,
		  const char *fmt, ...)
{
	struct netcheck_result r = { .name = name, .verdict = verdict };
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(r.detail, sizeof(r.detail), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(r.detail))
		memcpy(r.detail + sizeof(r.detail) - 4, "...", 4);
	c->missing += verdict == NETCHECK_MISSING;
	c->fn(&r, c->arg);
}

/* Value of a sysctl that is a number. Return: 0 or -errno. */
static int sysctl_read(const char *path, uint64_t *ret)
{
	struct err ignored = ERR_INIT;
	char file[128], text[32];
	ssize_t n;

	if (str_format(file, sizeof(file), "/proc/sys/net/%s", path) < 0)
		return -ENAMETOOLONG;
	n = file_peek_at(AT_FDCWD, file, text, sizeof(text));
	return n < 0 ? (int)n : num_parse_u64(text, 0, UINT64_MAX, ret, &ignored);
}

static bool sysctl_writable(const char *path)
{
	char file[128];
	int fd;

	if (str_format(file, sizeof(file), "/proc/sys/net/%s", path) < 0)
		return false;
	fd = open(file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

static bool any_has(const struct netcheck *c, int family)
{
	struct net_subnet s;

	for (size_t i = 0; i < c->n; i++)
		if (c->networks[i].mode != NET_MACVLAN &&
		    net_subnet_of(&c->networks[i], family, &s))
			return true;
	return false;
}

static void check_forward(struct netcheck *c, int family)
{
	const char *path = family == AF_INET ? "ipv4/ip_forward" : "ipv6/conf/all/forwarding";
	const char *name =
		family == AF_INET ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
	uint64_t on = 0;

	if (!any_has(c, family) || sysctl_read(path, &on) < 0)
		return;
	if (on)
		netcheck_say(c, "ip-forward", NETCHECK_OK, "%s is on", name);
	else if (sysctl_writable(path))
		netcheck_say(c, "ip-forward", NETCHECK_OK, "%s is off; the first start turns it on",
			     name);
	else
		netcheck_say(c, "ip-forward", NETCHECK_MISSING,
			     "%s is off and can't be turned on from here (is /proc/sys read-only?)",
			     name);
}

static void check_ipv6(struct netcheck *c)
{
	int sock = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool only = false, any = any_has(c, AF_INET6);
	uint64_t off = 0;

	for (size_t i = 0; i < c->n; i++)
		only = only || !c->networks[i].prefix4;
	if (sock >= 0)
		(void)close(sock);
	if (sock < 0)
		netcheck_say(c, "ipv6",
			     only  ? NETCHECK_MISSING
			     : any ? NETCHECK_WARNING
				   : NETCHECK_OK,
			     "this kernel has no IPv6, or was booted with ipv6.disable=1%s",
			     any ? ": networks have IPv4 alone; to have no IPv6 on purpose, "
				   "set network.subnet6 to \"none\""
				 : "");
	else if (any && sysctl_read("ipv6/conf/default/disable_ipv6", &off) == 0 && off)
		netcheck_say(c, "ipv6", only ? NETCHECK_MISSING : NETCHECK_WARNING,
			     "it is off for new interfaces, so instances have IPv4 alone: sysctl "
			     "net.ipv6.conf.default.disable_ipv6=0");
	else
		netcheck_say(c, "ipv6", NETCHECK_OK, "%s",
			     any ? "is there" : "is there; no network uses it");
}

/* ---- tables with a maximum ---- */

static int count_neighbour(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(nlh);
	uint64_t *counts = arg; /* IPv4, IPv6 */

	(void)index;
	if (nlh->nlmsg_type == RTM_NEWNEIGH && !(nd->ndm_state & (NUD_PERMANENT | NUD_NOARP)) &&
	    (nd->ndm_family == AF_INET || nd->ndm_family == AF_INET6))
		counts[nd->ndm_family == AF_INET6]++;
	return 0;
}

static int count_neighbours(uint64_t counts[static 2], struct err *e)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	int r = nl_open(NETLINK_ROUTE, &nl, e);

	if (r < 0)
		return r;
	nl_batch_reserve(&b, 256);
	(void)nl_begin(&b, RTM_GETNEIGH, NLM_F_DUMP, sizeof(struct ndmsg), "list neighbours");
	r = nl_exchange(&nl, &b, count_neighbour, counts, e);
	/* Changed while it was counted: near enough. */
	return r == -EINTR ? 0 : r;
}

/* Since Linux 5.0 permanent entries are not counted against gc_thresh3, so instances, whose are,
 * never fill this table: the host's own neighbours can. */
static int check_neighbours(struct netcheck *c, struct err *e)
{
	static const char *const families[] = { "ipv4", "ipv6" };
	uint64_t counts[2] = { 0 };
	int r = count_neighbours(counts, e);

	for (size_t i = 0; i < ARRAY_SIZE(families) && r >= 0; i++) {
		uint64_t max = 0;
		char path[64];

		(void)str_format(path, sizeof(path), "%s/neigh/default/gc_thresh3", families[i]);
		if (sysctl_read(path, &max) < 0)
			continue; /* no IPv6, or not in the first network namespace */
		if (counts[i] * 100 >= max * NEARLY_FULL_PERCENT)
			netcheck_say(
				c, "neighbour-table", NETCHECK_WARNING,
				"%s: %llu of %llu entries: raise net.%s.neigh.default.gc_thresh3",
				families[i], (unsigned long long)counts[i], (unsigned long long)max,
				families[i]);
		else
			netcheck_say(c, "neighbour-table", NETCHECK_OK,
				     "%s: %llu of %llu entries; those of instances are permanent "
				     "and do not count",
				     families[i], (unsigned long long)counts[i],
				     (unsigned long long)max);
	}
	return r;
}

static void check_conntrack(struct netcheck *c)
{
	uint64_t max = 0, count = 0;

	if (sysctl_read("netfilter/nf_conntrack_max", &max) < 0 ||
	    sysctl_read("netfilter/nf_conntrack_count", &count) < 0) {
		netcheck_say(c, "conntrack-table", NETCHECK_OK,
			     "connection tracking is not loaded yet");
		return;
	}
	if (count * 100 >= max * NEARLY_FULL_PERCENT)
		netcheck_say(c, "conntrack-table", NETCHECK_WARNING,
			     "%llu of %llu flows: new ones will be dropped; raise "
			     "net.netfilter.nf_conntrack_max",
			     (unsigned long long)count, (unsigned long long)max);
	else
		netcheck_say(c, "conntrack-table", NETCHECK_OK, "%llu of %llu flows",
			     (unsigned long long)count, (unsigned long long)max);
}

static void check_bridge_filter(struct netcheck *c)
{
	if (sysctl_bridge_filter())
		netcheck_say(c, "br_netfilter", NETCHECK_WARNING,
			     "it leads bridged frames through the rules, so instances on one "
			     "bridge do not reach each other's published ports: sysctl "
			     "net.bridge.bridge-nf-call-iptables=0 (Docker and Kubernetes turn it "
			     "on), or mode routed");
	else
		netcheck_say(c, "br_netfilter", NETCHECK_OK, "is off");
}

/* ---- what the networks say ---- */

static void check_route(struct netcheck *c, const struct net_network *n, const struct net_subnet *s,
			const struct net_host_route *route, size_t *found)
{
	struct net_subnet gateway = { .family = s->family,
				      .prefix = s->family == AF_INET ? 32 : 128 };
	char text[NET_SUBNET_TEXT_MAX], other[NET_SUBNET_TEXT_MAX];
	bool stops;

	if (route->ours || str_eq(route->interface, n->interface) ||
	    !net_subnets_overlap(s, &route->to))
		return;
	if (s->family == AF_INET)
		gateway.address.v4 = n->gateway4;
	else
		gateway.address.v6 = n->gateway6;
	/* The gateway's address is somebody else's: then no instance of it starts. */
	stops = route->to.prefix >= s->prefix && net_subnets_overlap(&gateway, &route->to);
	net_subnet_format(s, text);
	net_subnet_format(&route->to, other);
	netcheck_say(c, "subnets", stops ? NETCHECK_MISSING : NETCHECK_WARNING,
		     "%s of network %s overlaps %s, to which this host has a route%s%s: give the "
		     "network another subnet",
		     text, n->name.s, other, route->interface[0] ? " by " : "", route->interface);
	(*found)++;
}

static void check_pair(struct netcheck *c, const struct net_network *a, const struct net_network *b,
		       int family, size_t *found)
{
	char text[NET_SUBNET_TEXT_MAX], other[NET_SUBNET_TEXT_MAX];
	struct net_subnet s, t;

	if (!net_subnet_of(a, family, &s) || !net_subnet_of(b, family, &t) ||
	    !net_subnets_overlap(&s, &t))
		return;
	net_subnet_format(&s, text);
	net_subnet_format(&t, other);
	netcheck_say(c, "subnets", NETCHECK_MISSING, "%s of network %s overlaps %s of network %s",
		     text, a->name.s, other, b->name.s);
	(*found)++;
}

static int check_subnets(struct netcheck *c, struct err *e)
{
	static const int families[] = { AF_INET, AF_INET6 };
	CLEANUP_FREE struct net_host_route *routes = NULL;
	size_t n_routes = 0, found = 0;
	int r = net_host_routes(&routes, &n_routes, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < c->n; i++)
		for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
			struct net_subnet s;

			for (size_t k = i + 1; k < c->n; k++)
				check_pair(c, &c->networks[i], &c->networks[k], families[f],
					   &found);
			/* macvlan's subnet is that of the uplink's network. */
			if (c->networks[i].mode == NET_MACVLAN ||
			    !net_subnet_of(&c->networks[i], families[f], &s))
				continue;
			for (size_t k = 0; k < n_routes; k++)
				check_route(c, &c->networks[i], &s, &routes[k], &found);
		}
	if (!found)
		netcheck_say(c, "subnets", NETCHECK_OK,
			     "no network overlaps another, or a route of this host");
	return 0;
}

static void check_uplinks(struct netcheck *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct net_network *n = &c->networks[i];

		if (!n->uplink[0])
			continue;
		if (if_nametoindex(n->uplink))
			netcheck_say(c, "uplink", NETCHECK_OK, "%s of network %s", n->uplink,
				     n->name.s);
		else
			netcheck_say(c, "uplink",
				     n->mode == NET_MACVLAN ? NETCHECK_MISSING : NETCHECK_WARNING,
				     "%s of network %s: this host has no such interface", n->uplink,
				     n->name.s);
	}
}

int netcheck(const struct net_network *networks, size_t n, netcheck_fn *fn, void *arg,
	     struct err *e)
{
	struct netcheck c = { .networks = networks, .n = n, .fn = fn, .arg = arg };
	int r = netcheck_kernel(&c, e);

	if (r < 0)
		return r;
	check_ipv6(&c);
	check_forward(&c, AF_INET);
	check_forward(&c, AF_INET6);
	r = check_neighbours(&c, e);
	if (r < 0)
		return r;
	check_conntrack(&c);
	check_bridge_filter(&c);
	r = netcheck_firewalls(&c, e);
	if (r >= 0)
		r = check_subnets(&c, e);
	if (r < 0)
		return r;
	check_uplinks(&c);
	return c.missing;
}
