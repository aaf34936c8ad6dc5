/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Creating a network writes a file and nothing else: its parts on the host are made by the first
 * start. What was given is judged first, what was not is chosen then, under the lock, so that of
 * two at the same time the second sees the first.
 */
#include <fcntl.h>
#include <net/if.h>

#include "runtime/networks_priv.h"

/* Words that stand where a network's name could: `jail run --network host`. */
static const char *const not_names[] = { "bridge", "routed", "macvlan",	 "none",
					 "host",   "path",   "instance", NULL };

struct wish { /* what has to be chosen */
	bool want4, want6;
};

static int set_option(struct net_network *n, const struct network_options *o, struct wish *w,
		      struct err *e)
{
	int r;

	*w = (struct wish){ true, true };
	for (size_t i = 0; i < ARRAY_SIZE(o->subnets) && o->subnets[i]; i++) {
		bool six = strchr(o->subnets[i], ':') || str_eq(o->subnets[i], "none6");
		bool *want = six ? &w->want6 : &w->want4;

		if (!*want)
			return err_set(e, EINVAL, "two subnets of IPv%d", six ? 6 : 4);
		*want = false;
		if (str_starts(o->subnets[i], "none"))
			continue;
		r = network_set_subnet(n, o->subnets[i], e);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(o->gateways) && o->gateways[i]; i++) {
		bool six = strchr(o->gateways[i], ':');

		if (six ? !IN6_IS_ADDR_UNSPECIFIED(&n->gateway6) : n->gateway4.s_addr != 0)
			return err_set(e, EINVAL, "two gateways of IPv%d", six ? 6 : 4);
		if (six ? w->want6 : w->want4) {
			(void)err_set(e, EINVAL, "gateway %.64s: its subnet is not given",
				      o->gateways[i]);
			return err_hint(e, "give both, or neither");
		}
		r = network_set_gateway(n, o->gateways[i], e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_words(struct net_network *n, const struct network_options *o, struct err *e)
{
	int mode = o->mode ? decode_find(network_mode_words.words, o->mode) : NET_BRIDGE;
	struct jail_name tenant;
	int r;

	if (mode < 0) {
		(void)err_set(e, EINVAL, "mode \"%.40s\": unknown", o->mode);
		return err_hint(e, "one of: bridge, routed, macvlan");
	}
	n->mode = (enum net_mode)mode;
	if (o->tenant) {
		r = name_parse("tenant", o->tenant, &tenant, e);
		if (r < 0)
			return r;
		memcpy(n->tenant, tenant.s, sizeof(tenant.s));
	}
	if (o->uplink) {
		r = network_check_interface(o->uplink, e);
		if (r < 0)
			return err_wrap(e, "uplink");
		(void)str_format(n->uplink, sizeof(n->uplink), "%s", o->uplink);
	}
	if (n->mode == NET_MACVLAN && o->no_nat)
		return err_set(e, EINVAL, "mode macvlan has no NAT anyway");
	n->mtu = o->mtu;
	n->internal = o->internal;
	n->isolated = o->isolated;
	n->nat = !o->no_nat;
	return 0;
}

/* An uplink may come later; an interface can't be made on one that is not there. */
static int check_uplink(const struct net_network *n, const struct network_taken *taken,
			struct err *e)
{
	for (size_t i = 0; n->uplink[0] && i < taken->n_networks; i++)
		if (str_eq(n->uplink, taken->networks[i].interface))
			return err_set(e, EINVAL, "uplink %s: is the interface of network %s",
				       n->uplink, taken->networks[i].name.s);
	if (!n->uplink[0] || if_nametoindex(n->uplink))
		return 0;
	if (n->mode == NET_MACVLAN) {
		(void)err_set(e, ENODEV, "uplink %s: this host has no such interface", n->uplink);
		return err_hint(e, "`ip link` shows the interfaces");
	}
	warn("uplink %s: this host has no such interface; until it has, nothing gets out",
	     n->uplink);
	return 0;
}

static int create_judged(struct net_network *n, const struct wish *w, const struct in6_addr *ula,
			 const struct network_taken *taken, struct err *e)
{
	int r;

	if (n->mode == NET_MACVLAN && !n->prefix4 && !n->prefix6) {
		(void)err_set(e, EINVAL,
			      "mode macvlan needs a subnet: that of the uplink's network");
		return err_hint(e, "give it: --subnet ADDRESS/PREFIX");
	}
	/* Before what is chosen, so that what was given is judged by itself. */
	if (n->prefix4 || n->prefix6 || !(w->want4 || w->want6)) {
		r = network_judge(n, e);
		if (r >= 0)
			r = network_check_taken(n, taken, e);
		if (r < 0)
			return r;
	}
	if (n->mode != NET_MACVLAN) {
		r = network_choose(n, taken, w->want6 ? ula : NULL, w->want4, e);
		if (r < 0)
			return r;
		net_interface_name_of(&n->name, n->interface);
	}
	r = network_judge(n, e);
	return r < 0 ? r : check_uplink(n, taken, e);
}

static int create_locked(struct jail *j, int dir, struct net_network *n, const struct wish *w,
			 const struct in6_addr *ula, struct err *e)
{
	CLEANUP_FREE struct net_network *networks = NULL;
	CLEANUP_FREE struct net_host_route *routes = NULL;
	struct network_taken taken = { .n_networks = 0 };
	struct network_file file;
	int r;

	network_file_name(&n->name, &file);
	if (faccessat(dir, file.s, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		(void)err_set(e, EEXIST, "exists already");
		return err_hint(e, "`jail network inspect %s` shows it", n->name.s);
	}
	/* Who can't read all of them can't tell what is free. */
	r = networks_read_all(j, dir, true, &networks, &taken.n_networks, e);
	if (r >= 0)
		r = net_host_routes(&routes, &taken.n_routes, e);
	if (r < 0)
		return r;
	taken.networks = networks;
	taken.routes = routes;
	r = create_judged(n, w, ula, &taken, e);
	return r < 0 ? r : network_file_write(dir, n, e);
}

static int create_checked(struct jail *j, struct net_network *n, const struct network_options *o,
			  struct err *e)
{
	CLEANUP_FD int dir = -EBADF, lock = -EBADF;
	struct net_network ignored;
	struct in6_addr ula;
	struct wish w;
	int r;

	if (str_eq(n->name.s, NETWORK_DEFAULT)) {
		(void)err_set(e, EEXIST, "exists already: it follows from the configuration");
		return err_hint(e, "change it there (\"network\"), or take another name");
	}
	if (decode_find(not_names, n->name.s) >= 0)
		return err_set(e, EINVAL, "is no name for a network, but a mode of an instance");
	r = set_words(n, o, e);
	if (r >= 0)
		r = set_option(n, o, &w, e);
	/* Both may want the lock to choose the host's prefix. */
	if (r >= 0)
		r = network_ula(j, &ula, e);
	if (r >= 0)
		r = network_read(j, &(const struct jail_name){ NETWORK_DEFAULT }, &ignored, e);
	if (r < 0)
		return r;
	dir = networks_dir(j, e);
	if (dir < 0)
		return dir;
	lock = networks_lock(dir, e);
	return lock < 0 ? lock : create_locked(j, dir, n, &w, &ula, e);
}

int network_create(struct jail *j, const struct jail_name *name, const struct network_options *o,
		   struct net_network *ret, struct err *e)
{
	struct net_network n = { .name = *name };
	int r = create_checked(j, &n, o, e);

	if (r < 0)
		return err_wrap(e, "network %s", name->s);
	*ret = n;
	return 0;
}
