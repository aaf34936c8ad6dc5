/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host uses already: two dumps of routes, and one of the interfaces that they lead to. For
 * commands that people give, never on the way of a start.
 */
#include "netsetup/subnet.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "base/str.h"
#include "netsetup/link_priv.h"

#define ROUTES_ATTEMPTS 16 /* of a dump that changes interrupt */
#define ROUTES_BATCH_SIZE 256

struct links {
	struct link_seen {
		uint32_t index;
		char name[16];
		bool ours;
	} * v;
	size_t n;
};

struct routes {
	struct net_host_route *v;
	uint32_t *by; /* index of the interface, as many */
	size_t n;
};

static void links_free(struct links *l)
{
	free(l->v);
}

static void routes_free(struct routes *r)
{
	free(r->v);
	free(r->by);
}

static int take_link_attribute(const struct nlattr *attr, void *arg)
{
	struct link_seen *l = arg;

	if (mnl_attr_get_type(attr) == IFLA_IFNAME)
		(void)nl_text(attr, l->name, sizeof(l->name));
	else if (mnl_attr_get_type(attr) == IFLA_GROUP)
		l->ours = nl_u32(attr) == NET_GROUP;
	return MNL_CB_OK;
}

static int take_link(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct links *l = arg;
	struct link_seen *grown;

	(void)index;
	if (nlh->nlmsg_type != RTM_NEWLINK)
		return 0;
	grown = reallocarray(l->v, l->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	l->v = grown;
	grown[l->n] = (struct link_seen){ .index = (uint32_t)ifi->ifi_index };
	(void)mnl_attr_parse(nlh, sizeof(*ifi), take_link_attribute, &grown[l->n]);
	l->n++;
	return 0;
}

struct route_attributes {
	const void *to;
	size_t len;
	uint32_t by;
};

static int take_route_attribute(const struct nlattr *attr, void *arg)
{
	struct route_attributes *a = arg;

	if (mnl_attr_get_type(attr) == RTA_DST) {
		a->to = mnl_attr_get_payload(attr);
		a->len = mnl_attr_get_payload_len(attr);
	} else if (mnl_attr_get_type(attr) == RTA_OIF) {
		a->by = nl_u32(attr);
	}
	return MNL_CB_OK;
}

/* Everybody has these, on every interface. */
static bool is_common(const struct net_subnet *to)
{
	if (to->family == AF_INET)
		return IN_MULTICAST(ntohl(to->address.v4.s_addr));
	return IN6_IS_ADDR_MULTICAST(&to->address.v6) || IN6_IS_ADDR_LINKLOCAL(&to->address.v6);
}

static int take_route(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(nlh);
	struct route_attributes a = { .to = NULL };
	struct net_host_route route = { .to.family = rt->rtm_family };
	struct routes *out = arg;
	struct net_host_route *grown;
	uint32_t *by;

	(void)index;
	if (nlh->nlmsg_type != RTM_NEWROUTE || rt->rtm_flags & RTM_F_CLONED)
		return 0;
	(void)mnl_attr_parse(nlh, sizeof(*rt), take_route_attribute, &a);
	/* A default route has no destination. */
	if (!a.to || a.len > sizeof(route.to.address))
		return 0;
	route.to.prefix = rt->rtm_dst_len;
	memcpy(&route.to.address, a.to, a.len);
	if (is_common(&route.to))
		return 0;
	grown = reallocarray(out->v, out->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	out->v = grown;
	by = reallocarray(out->by, out->n + 1, sizeof(*by));
	if (!by)
		return -ENOMEM;
	out->by = by;
	grown[out->n] = route;
	by[out->n++] = a.by;
	return 0;
}

static int dump_routes(struct nl *nl, uint8_t family, struct routes *r, struct err *e)
{
	size_t before = r->n;

	for (int i = 0; i < ROUTES_ATTEMPTS; i++) {
		CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
		struct rtmsg *rt;
		int rc;

		r->n = before;
		nl_batch_reserve(&b, ROUTES_BATCH_SIZE);
		rt = nl_begin(&b, RTM_GETROUTE, NLM_F_DUMP, sizeof(*rt), "list routes");
		rt->rtm_family = family;
		rc = nl_exchange(nl, &b, take_route, r, e);
		/* No IPv6 in this kernel: no routes. */
		if (rc >= 0 && b.messages[0].result != -EOPNOTSUPP)
			rc = nl_check(&b, 0, e);
		if (rc != -EINTR)
			return rc;
	}
	return err_set(e, EAGAIN, "the routes of the host change too fast to be listed");
}

static int dump_links(struct nl *nl, struct links *l, struct err *e)
{
	for (int i = 0; i < ROUTES_ATTEMPTS; i++) {
		CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
		int r;

		l->n = 0;
		nl_batch_reserve(&b, ROUTES_BATCH_SIZE);
		(void)nl_begin(&b, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg),
			       "list interfaces");
		r = nl_exchange(nl, &b, take_link, l, e);
		if (r >= 0)
			r = nl_check(&b, 0, e);
		if (r != -EINTR)
			return r;
	}
	return err_set(e, EAGAIN, "the interfaces of the host change too fast to be listed");
}

int net_host_routes(struct net_host_route **ret, size_t *ret_n, struct err *e)
{
	CLEANUP(routes_free) struct routes routes = { .v = NULL };
	CLEANUP(links_free) struct links links = { .v = NULL };
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	int r = nl_open(NETLINK_ROUTE, &nl, e);

	if (r >= 0)
		r = dump_routes(&nl, AF_INET, &routes, e);
	if (r >= 0)
		r = dump_routes(&nl, AF_INET6, &routes, e);
	if (r >= 0)
		r = dump_links(&nl, &links, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < routes.n; i++)
		for (size_t k = 0; k < links.n; k++) {
			if (links.v[k].index != routes.by[i])
				continue;
			memcpy(routes.v[i].interface, links.v[k].name, sizeof(links.v[k].name));
			routes.v[i].ours = links.v[k].ours;
			break;
		}
	*ret = TAKE_PTR(routes.v);
	*ret_n = routes.n;
	return 0;
}
