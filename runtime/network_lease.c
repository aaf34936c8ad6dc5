/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The addresses of an instance, leased when it is made and when a change gives it another network;
 * given back when it is removed. meta.json says what it has; a lease that is in no meta.json, after
 * a crash, is gc's.
 */
#include "runtime/netplan.h"

#include <arpa/inet.h>

#include "base/fd.h"
#include "base/rollback.h"
#include "runtime/networks.h"

/* Finds out who holds an address, for the message: leases know ids, people know names. */
struct find_holder {
	const char *text; /* that has the id in it */
	struct jail_name *name;
};

static int match_holder(const struct instance_info *i, void *arg)
{
	struct find_holder *f = arg;

	if (!strstr(f->text, i->id))
		return 0;
	*f->name = i->name;
	return -ECANCELED;
}

/* Turns "WHAT by ID" into "PREFIX: WHAT by instance NAME". Return: false, with *e as it was, when
 * the holder is no instance's. */
static bool name_holder(struct jail *j, const char *prefix, struct jail_name *ret, struct err *e)
{
	struct err before = *e, ignored = ERR_INIT;
	struct find_holder f = { before.text, ret };
	const char *by = strstr(before.text, " by ");

	*ret = (struct jail_name){ "" };
	if (before.code == EADDRINUSE && by)
		(void)instance_each(j, match_holder, &f, &ignored);
	if (!ret->s[0])
		return false;
	*e = ERR_INIT;
	err_set(e, EADDRINUSE, "%s: %.*s by instance %s", prefix, (int)(by - before.text),
		before.text, ret->s);
	return true;
}

static int address_error(struct jail *j, const struct jail_name *network, struct err *e)
{
	char prefix[sizeof("network ") + LIMIT_NAME_LEN];
	struct jail_name holder;

	(void)str_format(prefix, sizeof(prefix), "network %s", network->s);
	if (!name_holder(j, prefix, &holder, e))
		return err_wrap(e, "%s", prefix);
	return err_hint(e, "choose another address, or leave it out to get a free one");
}

int ports_error(struct jail *j, struct err *e)
{
	struct jail_name holder;

	if (!name_holder(j, "network.ports", &holder, e))
		return err_wrap(e, "network.ports");
	return err_hint(e, "stop %s, or publish another port", holder.s);
}

static int judge_prefix(const char *family, unsigned wanted, unsigned has, const char *network,
			struct err *e)
{
	if (wanted == 0 || wanted == has)
		return 0;
	return err_set(e, EINVAL,
		       "network.address: the %s prefix length must be that of network %s: /%u",
		       family, network, has);
}

/* What can be said only with the network at hand. */
static int judge(const struct jail_spec *spec, const struct spec_interface *s,
		 const struct net_network *n, struct err *e)
{
	bool macvlan = spec->network.mode == SPEC_NETWORK_MACVLAN;

	if (n->tenant[0] && !str_eq(n->tenant, spec->tenant.s)) {
		(void)err_set(e, EACCES, "network %s is for instances of tenant %s", n->name.s,
			      n->tenant);
		return err_hint(e, "say \"tenant\": \"%s\", or use another network", n->tenant);
	}
	if (macvlan != (n->mode == NET_MACVLAN)) {
		(void)err_set(e, EINVAL, "network %s is %sof mode macvlan", n->name.s,
			      macvlan ? "not " : "");
		return err_hint(e,
				macvlan ? "`jail network create NAME --mode macvlan --uplink LINK` "
					  "makes one"
					: "say network.mode \"macvlan\"");
	}
	if (judge_prefix("IPv4", s->prefix4, n->prefix4, n->name.s, e) < 0 ||
	    judge_prefix("IPv6", s->prefix6, n->prefix6, n->name.s, e) < 0)
		return -e->code;
	if (s->addresses.v4.s_addr && !net_has4(n))
		return err_set(e, EINVAL, "network.address: network %s has no IPv4", n->name.s);
	if (!IN6_IS_ADDR_UNSPECIFIED(&s->addresses.v6) && !net_has6(n))
		return err_set(e, EINVAL, "network.address: network %s has no IPv6", n->name.s);
	return 0;
}

static struct meta_network *find_place(struct meta *m, const struct jail_name *network)
{
	for (size_t i = 0; i < m->n_networks; i++)
		if (str_eq(m->networks[i].network.s, network->s))
			return &m->networks[i];
	for (size_t i = 0; i < m->n_networks; i++)
		if (!m->networks[i].network.s[0])
			return &m->networks[i];
	return m->n_networks < NET_INTERFACES_MAX ? &m->networks[m->n_networks++] : NULL;
}

/* A wanted address goes before one that it has. */
static struct net_addresses wanted_of(const struct spec_interface *s, const struct meta_network *m)
{
	struct net_addresses w = s->addresses;

	if (!w.v4.s_addr)
		w.v4 = m->addresses.v4;
	if (IN6_IS_ADDR_UNSPECIFIED(&w.v6))
		w.v6 = m->addresses.v6;
	return w;
}

static int lease_one(struct jail *j, const struct jail_spec *spec, const struct spec_interface *s,
		     const struct jail_name *owner, struct meta *m, struct err *e)
{
	struct meta_network *place = find_place(m, &s->network);
	struct net_network network;
	struct net_addresses wanted;
	CLEANUP_FD int pool = -EBADF;
	int r;

	if (!place)
		return err_set(e, E2BIG, "more than %d interfaces", NET_INTERFACES_MAX);
	if ((r = network_read(j, &s->network, &network, e)) < 0 ||
	    (r = judge(spec, s, &network, e)) < 0 ||
	    (r = pool = network_pool(j, &s->network, e)) < 0)
		return r;
	wanted = wanted_of(s, place);
	r = net_addresses_lease(pool, &network, &wanted, owner, &place->addresses, e);
	if (r < 0)
		return address_error(j, &s->network, e);
	place->network = s->network;
	return 0;
}

static bool is_wanted(const struct jail_spec *spec, const struct jail_name *network)
{
	for (size_t i = 0; spec_has_networks(spec) && i < spec->network.n_interfaces; i++)
		if (str_eq(spec->network.interfaces[i].network.s, network->s))
			return true;
	return false;
}

int network_lease(struct jail *j, const struct jail_spec *spec, const struct jail_name *owner,
		  struct meta *m, struct err *e)
{
	struct meta now = *m;
	int r = 0;

	for (size_t i = 0; i < now.n_networks; i++)
		if (!is_wanted(spec, &now.networks[i].network))
			now.networks[i] = (struct meta_network){ .network = { "" } };
	now.owner = *owner;
	for (size_t i = 0; spec_has_networks(spec) && i < spec->network.n_interfaces && r >= 0; i++)
		r = lease_one(j, spec, &spec->network.interfaces[i], owner, &now, e);
	while (now.n_networks > 0 && !now.networks[now.n_networks - 1].network.s[0])
		now.n_networks--;
	if (r < 0) {
		network_release(j, &now, m);
		return r;
	}
	memcpy(m->networks, now.networks, sizeof(m->networks));
	m->n_networks = now.n_networks;
	return 0;
}

/* Less what `keep` has of the same network. */
static struct net_addresses without(const struct meta_network *m, const struct meta *keep)
{
	struct net_addresses a = m->addresses;

	for (size_t i = 0; keep && i < keep->n_networks; i++) {
		const struct meta_network *k = &keep->networks[i];

		if (!str_eq(k->network.s, m->network.s))
			continue;
		if (k->addresses.v4.s_addr == a.v4.s_addr)
			a.v4.s_addr = 0;
		if (IN6_ARE_ADDR_EQUAL(&k->addresses.v6, &a.v6))
			a.v6 = (struct in6_addr){ 0 };
	}
	return a;
}

void network_release(struct jail *j, const struct meta *m, const struct meta *keep)
{
	for (size_t i = 0; i < m->n_networks; i++) {
		struct net_addresses gone = without(&m->networks[i], keep);
		struct err ignored = ERR_INIT;
		CLEANUP_FD int pool = -EBADF;

		if (!m->networks[i].network.s[0])
			continue;
		pool = network_pool(j, &m->networks[i].network, &ignored);
		if (pool >= 0)
			net_addresses_release(pool, &gone, &m->owner);
	}
}
