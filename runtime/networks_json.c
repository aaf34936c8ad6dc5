/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is on which network, and how networks are shown. For people: reads every instance. */
#include <arpa/inet.h>

#include "runtime/networks_priv.h"

struct uses {
	struct network_use *v;
	size_t n;
};

static void uses_free(struct uses *u)
{
	free(u->v);
}

static int uses_add(struct uses *u, const struct jail_name *instance, const struct meta *m)
{
	for (size_t i = 0; i < m->n_networks; i++) {
		struct network_use *grown;

		if (!m->networks[i].network.s[0])
			continue; /* a gap */
		grown = reallocarray(u->v, u->n + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		u->v = grown;
		grown[u->n++] = (struct network_use){ .network = m->networks[i].network,
						      .instance = *instance,
						      .addresses = m->networks[i].addresses };
	}
	return 0;
}

/* -ENOENT: it has gone, or was never made to the end. */
static int read_meta(struct jail *j, const char *text, struct jail_name *ret_name, struct meta *ret,
		     struct err *e)
{
	CLEANUP_FD int dir = -EBADF;
	int r = name_parse("instance", text, ret_name, e);

	if (r < 0)
		return r;
	dir = instance_open_dir(j, ret_name, e);
	if (dir < 0)
		return dir;
	r = meta_read(dir, ret, e);
	if (r == -ENOENT && instance_is_there(j, ret_name, dir) != 0)
		r = err_set(e, EBADMSG, "meta.json is missing");
	return r < 0 && r != -ENOENT ? err_wrap(e, "instance %s", text) : r;
}

int network_uses(struct jail *j, bool strict, struct network_use **ret, size_t *ret_n,
		 struct err *e)
{
	CLEANUP(uses_free) struct uses u = { .v = NULL };
	CLEANUP_STRV struct strv names = { .v = NULL };
	int r = instance_names(j, &names, e);

	for (size_t i = 0; i < names.n && r >= 0; i++) {
		struct err why = ERR_INIT;
		struct jail_name name;
		struct meta m;

		r = read_meta(j, names.v[i], &name, &m, &why);
		if (r >= 0 && uses_add(&u, &name, &m) < 0)
			return err_nomem(e);
		if (r < 0 && r != -ENOENT && strict) {
			*e = why;
			return r;
		}
		if (r < 0 && r != -ENOENT)
			warn("%s", why.text);
		r = 0;
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(u.v);
	*ret_n = u.n;
	return 0;
}

int network_users(struct jail *j, const struct jail_name *name, struct strv *ret, struct err *e)
{
	CLEANUP(uses_free) struct uses u = { .v = NULL };
	int r = network_uses(j, true, &u.v, &u.n, e);

	for (size_t i = 0; i < u.n && r >= 0; i++) {
		if (!str_eq(u.v[i].network.s, name->s))
			continue;
		/* Sorted: one that is twice on it comes twice in a row. */
		if (ret->n && str_eq(ret->v[ret->n - 1], u.v[i].instance.s))
			continue;
		if (strv_add(ret, u.v[i].instance.s) < 0)
			r = err_nomem(e);
	}
	return r < 0 ? r : 0;
}

static void out_text(struct json_out *o, const char *key, const char *value)
{
	if (value && value[0])
		json_out_str(o, key, value);
	else
		json_out_null(o, key);
}

static void out_address(struct json_out *o, const char *key, int family, const void *address)
{
	static const struct in6_addr none = { 0 };
	char text[INET6_ADDRSTRLEN];

	if (memcmp(address, &none, family == AF_INET ? 4 : 16) == 0)
		json_out_null(o, key);
	else
		json_out_str(o, key, inet_ntop(family, address, text, sizeof(text)));
}

static void out_subnet(struct json_out *o, const struct net_network *n, int family)
{
	const char *subnet = family == AF_INET ? "subnet4" : "subnet6";
	const char *gateway = family == AF_INET ? "gateway4" : "gateway6";
	char text[NET_SUBNET_TEXT_MAX];
	struct net_subnet s;

	if (!net_subnet_of(n, family, &s)) {
		json_out_null(o, subnet);
		json_out_null(o, gateway);
		return;
	}
	net_subnet_format(&s, text);
	json_out_str(o, subnet, text);
	out_address(o, gateway, family,
		    family == AF_INET ? (const void *)&n->gateway4 : &n->gateway6);
}

static void out_use(struct json_out *o, const char *key, bool has, uint64_t used, uint64_t total)
{
	if (!has) {
		json_out_null(o, key);
		return;
	}
	json_out_object(o, key);
	json_out_u64(o, "used", used);
	json_out_u64(o, "total", total);
	json_out_object_end(o);
}

static void out_instances(struct json_out *o, const struct net_network *n, const struct uses *u)
{
	json_out_array(o, "instances");
	for (size_t i = 0; i < u->n; i++) {
		if (!str_eq(u->v[i].network.s, n->name.s))
			continue;
		json_out_object(o, NULL);
		json_out_str(o, "name", u->v[i].instance.s);
		out_address(o, "address4", AF_INET, &u->v[i].addresses.v4);
		out_address(o, "address6", AF_INET6, &u->v[i].addresses.v6);
		json_out_object_end(o);
	}
	json_out_array_end(o);
}

static void out_network(struct json_out *o, const struct net_network *n,
			const struct net_pool_use *use, const struct uses *u)
{
	json_out_object(o, NULL);
	json_out_str(o, "name", n->name.s);
	out_text(o, "tenant", n->tenant);
	json_out_str(o, "mode", network_mode_words.words[n->mode]);
	out_text(o, "interface", n->interface);
	out_text(o, "uplink", n->uplink);
	out_subnet(o, n, AF_INET);
	out_subnet(o, n, AF_INET6);
	if (n->mtu)
		json_out_u64(o, "mtu", n->mtu);
	else
		json_out_null(o, "mtu");
	json_out_bool(o, "internal", n->internal);
	json_out_bool(o, "isolated", n->isolated);
	json_out_bool(o, "nat", n->nat);
	json_out_object(o, "addresses");
	out_use(o, "ipv4", n->prefix4, use->used4, use->total4);
	out_use(o, "ipv6", n->prefix6, use->used6, use->total6);
	json_out_object_end(o);
	out_instances(o, n, u);
	json_out_object_end(o);
}

int networks_to_json(struct jail *j, const struct net_network *networks, size_t n,
		     struct json_out *o, const char *key, struct err *e)
{
	CLEANUP(uses_free) struct uses u = { .v = NULL };
	int r = network_uses(j, false, &u.v, &u.n, e);

	if (r < 0)
		return r;
	json_out_array(o, key);
	for (size_t i = 0; i < n && r >= 0; i++) {
		struct net_pool_use use = { .used4 = 0 };
		CLEANUP_FD int pool = network_pool(j, &networks[i].name, e);

		r = pool < 0 ? pool : net_addresses_count(pool, &networks[i], &use, e);
		if (r >= 0)
			out_network(o, &networks[i], &use, &u);
	}
	json_out_array_end(o);
	return r;
}
