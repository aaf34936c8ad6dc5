/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "network" as a whole. Each mode has what it can do and what it can't: where nothing on the host
 * sees an instance's packets, what the host would have to do to them is refused, and not ignored.
 */
#include "runtime/spec_priv.h"

#include <linux/capability.h>

#include "netsetup/port.h"
#include "netsetup/rule.h"
#include "runtime/creds.h"

#define BURST_MIN (UINT64_C(64) << 10) /* what the kernel hands to an interface at once */
#define BURST_MAX (UINT64_C(1) << 30)

int spec_fill_network(struct jail_spec *s, struct err *e)
{
	if (!spec_has_networks(s))
		return 0;
	if (!spec_interface_last(s, e))
		return -e->code;
	for (size_t i = 0; i < s->network.n_interfaces; i++)
		if (!s->network.interfaces[i].network.s[0])
			(void)str_format(s->network.interfaces[i].network.s,
					 sizeof(s->network.interfaces[i].network.s), "%s",
					 SPEC_NETWORK_DEFAULT);
	return 0;
}

/* "network.interfaces[1].address", or the short form's "network.address". */
static int at_interface(const struct jail_spec *s, size_t i, const char *key, struct err *e)
{
	if (s->network.n_interfaces > 1)
		return err_wrap(e, "network.interfaces[%zu].%s", i, key);
	return err_wrap(e, "network.%s", str_eq(key, "network") ? "bridge" : key);
}

/* The first member that only a mode with networks, or with packets that the host sees, has; NULL =
 * none. */
static const char *interface_member(const struct jail_spec *s)
{
	const struct spec_interface *i = s->network.interfaces;

	if (s->network.n_interfaces != 1)
		return s->network.n_interfaces ? "interfaces" : NULL;
	return i->network.s[0]		    ? "bridge"
	       : i->ingress.bits_per_second ? "ingress"
	       : i->egress.bits_per_second  ? "egress"
					    : "address";
}

static const char *packet_member(const struct jail_spec *s)
{
	return s->network.n_ports   ? "ports"
	       : s->network.allow.n ? "allow"
	       : s->network.deny.n  ? "deny"
				    : NULL;
}

static int check_members(const struct jail_spec *s, struct err *e)
{
	enum spec_network_mode mode = s->network.mode;
	const char *member = spec_has_networks(s) ? NULL : interface_member(s);

	if (member)
		return err_set(e, EINVAL,
			       "network.%s: only with network.mode \"bridge\", \"routed\" or "
			       "\"macvlan\"",
			       member);
	member = packet_member(s);
	if (member && mode == SPEC_NETWORK_MACVLAN)
		return err_set(e, EINVAL,
			       "network.%s: not with network.mode \"macvlan\": its packets do not "
			       "pass the host",
			       member);
	if (member && !spec_has_networks(s))
		return err_set(e, EINVAL,
			       "network.%s: only with network.mode \"bridge\" or \"routed\"",
			       member);
	if (s->network.path && mode != SPEC_NETWORK_PATH)
		return err_set(e, EINVAL, "network.path: only with network.mode \"path\"");
	if (!s->network.path && mode == SPEC_NETWORK_PATH)
		return err_set(e, EINVAL,
			       "network.path: with network.mode \"path\" the path of a network "
			       "namespace is needed");
	if (s->network.instance.s[0] && mode != SPEC_NETWORK_INSTANCE)
		return err_set(e, EINVAL, "network.instance: only with network.mode \"instance\"");
	if (!s->network.instance.s[0] && mode == SPEC_NETWORK_INSTANCE)
		return err_set(e, EINVAL,
			       "network.instance: with network.mode \"instance\" the name of "
			       "another instance is needed");
	if (s->network.instance.s[0] && str_eq(s->network.instance.s, s->name.s))
		return err_set(e, EINVAL, "network.instance: \"%s\" is the instance itself",
			       s->name.s);
	return 0;
}

/* What sends raw packets, or gives itself another address, is stopped on the host's side of a veth.
 * A macvlan has none (row 71). */
static int check_macvlan(const struct jail_spec *s, struct err *e)
{
	static const int capabilities[] = { CAP_NET_ADMIN, CAP_NET_RAW };

	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (spec_capabilities(s) & UINT64_C(1) << capabilities[i])
			return err_set(e, EINVAL,
				       "security.capabilities: %s is not for network.mode "
				       "\"macvlan\": nothing on the host can check what it sends",
				       creds_capability_name(capabilities[i]));
	for (size_t i = 0; i < s->network.n_interfaces; i++) {
		const struct spec_interface *one = &s->network.interfaces[i];

		if (one->ingress.bits_per_second || one->egress.bits_per_second) {
			(void)err_set(e, EINVAL,
				      "not with network.mode \"macvlan\": its packets do not pass "
				      "the host");
			return at_interface(s, i,
					    one->ingress.bits_per_second ? "ingress" : "egress", e);
		}
		if (str_eq(one->network.s, SPEC_NETWORK_DEFAULT)) {
			(void)err_set(e, EINVAL,
				      "with network.mode \"macvlan\" the name of a network is "
				      "needed that was made for it");
			(void)err_hint(e, "jail network create NAME --mode macvlan");
			return at_interface(s, i, "network", e);
		}
	}
	return 0;
}

static bool is_host4(struct in_addr address)
{
	uint32_t a = ntohl(address.s_addr);

	return a >> 24 != 0 && a >> 24 != IN_LOOPBACKNET && a >> 28 < 0xe;
}

static bool is_host6(const struct in6_addr *a)
{
	return !IN6_IS_ADDR_LOOPBACK(a) && !IN6_IS_ADDR_MULTICAST(a) && !IN6_IS_ADDR_LINKLOCAL(a) &&
	       !IN6_IS_ADDR_V4MAPPED(a) && !IN6_IS_ADDR_V4COMPAT(a);
}

static int check_rate(const struct net_rate *rate, struct err *e)
{
	if (rate->burst_bytes && (rate->burst_bytes < BURST_MIN || rate->burst_bytes > BURST_MAX))
		return err_set(e, ERANGE, "burst: from 64KiB to 1GiB");
	return 0;
}

static int check_interface(const struct jail_spec *s, size_t i, struct err *e)
{
	const struct spec_interface *one = &s->network.interfaces[i];
	const struct net_addresses *a = &one->addresses;

	if ((a->v4.s_addr && !is_host4(a->v4)) ||
	    (!IN6_IS_ADDR_UNSPECIFIED(&a->v6) && !is_host6(&a->v6))) {
		(void)err_set(e, EINVAL, "not an address for one host");
		return at_interface(s, i, "address", e);
	}
	if (check_rate(&one->ingress, e) < 0)
		return at_interface(s, i, "ingress", e);
	if (check_rate(&one->egress, e) < 0)
		return at_interface(s, i, "egress", e);
	for (size_t k = 0; k < i; k++)
		if (str_eq(one->network.s, s->network.interfaces[k].network.s)) {
			(void)err_set(e, EINVAL,
				      "\"%s\" is the network of network.interfaces[%zu] already",
				      one->network.s, k);
			return at_interface(s, i, "network", e);
		}
	return 0;
}

static int check_ports(const struct jail_spec *s, struct err *e)
{
	char text[NET_PORT_TEXT_MAX];

	for (size_t i = 0; i < s->network.n_ports; i++)
		for (size_t k = 0; k < i; k++)
			if (net_ports_collide(&s->network.ports[i], &s->network.ports[k])) {
				net_port_format(&s->network.ports[i], text);
				return err_set(e, EINVAL,
					       "network.ports[%zu]: \"%s\": this port of the host "
					       "is published twice, by network.ports[%zu] too",
					       i, text, k);
			}
	return 0;
}

static int check_rules(const struct jail_spec *s, struct err *e)
{
	CLEANUP(net_rules_free) struct net_rules rules = { .v = NULL };

	for (size_t i = 0; i < s->network.deny.n; i++)
		if (net_rules_parse(s->network.deny.v[i], false, s->tenant.s, &rules, e) < 0)
			return err_wrap(e, "network.deny[%zu]", i);
	for (size_t i = 0; i < s->network.allow.n; i++)
		if (net_rules_parse(s->network.allow.v[i], true, s->tenant.s, &rules, e) < 0)
			return err_wrap(e, "network.allow[%zu]", i);
	return 0;
}

int spec_check_network(const struct jail_spec *s, struct err *e)
{
	int r = check_members(s, e);

	if (r >= 0 && s->network.mode == SPEC_NETWORK_MACVLAN)
		r = check_macvlan(s, e);
	for (size_t i = 0; i < s->network.n_interfaces && r >= 0; i++)
		r = check_interface(s, i, e);
	if (r < 0 || (r = check_ports(s, e)) < 0)
		return r;
	return check_rules(s, e);
}
