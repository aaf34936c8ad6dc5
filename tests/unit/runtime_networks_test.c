/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks as files: what is chosen, what is refused and why, what a damaged one does, who uses
 * one. Nothing here makes an interface; routes are those of the machine that runs the test, so
 * subnets that must be free are from 198.18.0.0/15, which nobody routes (RFC 2544).
 */
#include "base_tmpdir.h"

#include <arpa/inet.h>
#include <sys/wait.h>

#include "base/lock.h"
#include "runtime/networks_priv.h"

static char warned[512]; /* the last warning */

static void take_warning(const char *text)
{
	(void)snprintf(warned, sizeof(warned), "%s", text);
}

struct world {
	struct tmpdir *tmp;
	struct jail *j;
	int networks; /* STATE/networks */
};

static struct jail *open_jail(const struct tmpdir *t)
{
	struct jail_config c;
	struct jail *j = NULL;
	struct err e = ERR_INIT;

	tmpdir_put(t->fd, "jail.json", "{}");
	{
		char file[96];

		(void)snprintf(file, sizeof(file), "%s/jail.json", t->path);
		assert_int_equal(config_load(file, &c, &e), 0);
	}
	(void)snprintf(c.state_dir, sizeof(c.state_dir), "%s/state", t->path);
	(void)snprintf(c.run_dir, sizeof(c.run_dir), "%s/run", t->path);
	if (jail_open(&c, &j, &e) < 0)
		fail_msg("%s", e.text);
	return j;
}

static int make(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err e = ERR_INIT;

	assert_non_null(w);
	assert_int_equal(tmpdir_make((void **)&w->tmp), 0);
	w->j = open_jail(w->tmp);
	w->networks = networks_dir(w->j, &e);
	assert_true(w->networks >= 0);
	warned[0] = '\0';
	(void)warn_set_sink(take_warning);
	*state = w;
	return 0;
}

static int drop(void **state)
{
	struct world *w = *state;

	(void)warn_set_sink(NULL);
	(void)close(w->networks);
	jail_close(&w->j);
	assert_int_equal(tmpdir_drop((void **)&w->tmp), 0);
	free(w);
	return 0;
}

static struct jail_name name(const char *text)
{
	struct jail_name n;

	(void)snprintf(n.s, sizeof(n.s), "%s", text);
	return n;
}

static int create(struct world *w, const char *text, const struct network_options *o,
		  struct net_network *ret, struct err *e)
{
	struct jail_name n = name(text);

	*e = ERR_INIT;
	return network_create(w->j, &n, o, ret, e);
}

static struct net_network created(struct world *w, const char *text,
				  const struct network_options *o)
{
	struct net_network n;
	struct err e;

	if (create(w, text, o, &n, &e) < 0)
		fail_msg("%s", e.text);
	return n;
}

static void assert_subnet(const struct net_network *n, int family, const char *expected)
{
	char text[NET_SUBNET_TEXT_MAX] = "none";
	struct net_subnet s;

	if (net_subnet_of(n, family, &s))
		net_subnet_format(&s, text);
	assert_string_equal(text, expected);
}

static void assert_gateway(const struct net_network *n, int family, const char *expected)
{
	const void *gateway = family == AF_INET ? (const void *)&n->gateway4 : &n->gateway6;
	char text[INET6_ADDRSTRLEN];

	assert_string_equal(inet_ntop(family, gateway, text, sizeof(text)), expected);
}

static void read_back(struct world *w, const char *text, struct net_network *ret)
{
	struct jail_name n = name(text);
	struct err e = ERR_INIT;

	if (network_read(w->j, &n, ret, &e) < 0)
		fail_msg("%s", e.text);
}

static void assert_same(const struct net_network *a, const struct net_network *b)
{
	assert_string_equal(a->name.s, b->name.s);
	assert_string_equal(a->tenant, b->tenant);
	assert_int_equal(a->mode, b->mode);
	assert_string_equal(a->interface, b->interface);
	assert_string_equal(a->uplink, b->uplink);
	assert_int_equal(a->subnet4.s_addr, b->subnet4.s_addr);
	assert_int_equal(a->gateway4.s_addr, b->gateway4.s_addr);
	assert_int_equal(a->prefix4, b->prefix4);
	assert_memory_equal(&a->subnet6, &b->subnet6, sizeof(a->subnet6));
	assert_memory_equal(&a->gateway6, &b->gateway6, sizeof(a->gateway6));
	assert_int_equal(a->prefix6, b->prefix6);
	assert_int_equal(a->mtu, b->mtu);
	assert_int_equal(a->internal, b->internal);
	assert_int_equal(a->isolated, b->isolated);
	assert_int_equal(a->nat, b->nat);
}

/* ---- the default network ---- */

static void test_default(void **state)
{
	struct world *w = *state;
	struct net_network a, b;
	char text[64];
	struct stat st;
	struct jail *again;

	read_back(w, NETWORK_DEFAULT, &a);
	assert_string_equal(a.interface, "jail0");
	assert_subnet(&a, AF_INET, "10.88.0.0/16");
	assert_int_equal(a.prefix6, 64);
	assert_int_equal(a.subnet6.s6_addr[0], 0xfd);
	assert_memory_equal(&a.subnet6.s6_addr[6], "\0\0\0\0\0\0\0\0\0\0", 10);
	assert_int_equal(a.gateway6.s6_addr[15], 1);
	assert_memory_equal(&a.gateway6, &a.subnet6, 15);
	assert_true(a.isolated && a.nat);

	/* The prefix is this host's: kept, and nobody else's business. */
	assert_int_equal(fstatat(w->j->state, "ula", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	again = open_jail(w->tmp);
	{
		struct jail_name n = name(NETWORK_DEFAULT);
		struct err e = ERR_INIT;

		assert_int_equal(network_read(again, &n, &b, &e), 0);
	}
	jail_close(&again);
	assert_memory_equal(&a.subnet6, &b.subnet6, sizeof(a.subnet6));
	assert_non_null(inet_ntop(AF_INET6, &a.subnet6, text, sizeof(text)));
	assert_true(str_starts(text, "fd"));
}

static void test_damaged_prefix(void **state)
{
	static const char *const damaged[] = { "", "fd12:3456:789a::/64\n", "fc12::/48\n",
					       "10.0.0.0/8\n", "fd12:3456:789a:1::/48\n" };
	struct world *w = *state;
	struct jail_name n = name(NETWORK_DEFAULT);

	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		struct net_network ret = { .mtu = 77 };
		struct err e = ERR_INIT;

		tmpdir_put(w->j->state, "ula", damaged[i]);
		assert_true(network_read(w->j, &n, &ret, &e) < 0);
		assert_non_null(strstr(e.text, "/state/ula: "));
		assert_string_not_equal(e.hint, "");
		assert_int_equal(ret.mtu, 77);
	}
	tmpdir_put(w->j->state, "ula", "fd12:3456:789a::/48\n");
	{
		struct net_network ret;

		read_back(w, NETWORK_DEFAULT, &ret);
		assert_subnet(&ret, AF_INET6, "fd12:3456:789a::/64");
	}
}

/* ---- create ---- */

static void test_chosen(void **state)
{
	struct world *w = *state;
	struct network_options none = { .mode = NULL };
	struct net_network def, front, back, again;
	uint32_t first, second;
	char interface[16];
	struct stat st;
	struct jail_name n = name("front");

	read_back(w, NETWORK_DEFAULT, &def);
	front = created(w, "front", &none);
	back = created(w, "back", &none);
	first = ntohl(front.subnet4.s_addr);
	second = ntohl(back.subnet4.s_addr);
	assert_in_range(first, 0x0a590000, 0x0a7fff00);
	assert_true(second > first && second <= 0x0a7fff00);
	assert_int_equal(front.prefix4, 24);
	assert_int_equal(ntohl(front.gateway4.s_addr), first + 1);
	/* Subnets of the host's /48, none of them the default network's. */
	assert_int_equal(front.prefix6, 64);
	assert_memory_equal(&front.subnet6, &def.subnet6, 6);
	assert_memory_equal(&back.subnet6, &def.subnet6, 6);
	assert_memory_not_equal(&front.subnet6, &def.subnet6, 8);
	assert_memory_not_equal(&front.subnet6, &back.subnet6, 8);
	net_interface_name_of(&n, interface);
	assert_string_equal(front.interface, interface);
	assert_true(front.nat && !front.isolated && !front.internal);
	assert_int_equal(front.mode, NET_BRIDGE);

	/* What was stored is what was returned, and only root's to read. */
	read_back(w, "front", &again);
	assert_same(&again, &front);
	assert_int_equal(fstatat(w->networks, "front.json", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fstat(w->networks, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_given(void **state)
{
	struct world *w = *state;
	struct network_options o = {
		.mode = "routed",
		.subnets = { "198.18.1.0/24", "fd99:1::/56" },
		.gateways = { "fd99:1::ff", "198.18.1.254" },
		.tenant = "acme",
		.mtu = 1400,
		.isolated = true,
		.no_nat = true,
	};
	struct net_network n = created(w, "front", &o), again;

	assert_int_equal(n.mode, NET_ROUTED);
	assert_string_equal(n.tenant, "acme");
	assert_subnet(&n, AF_INET, "198.18.1.0/24");
	assert_subnet(&n, AF_INET6, "fd99:1::/56");
	assert_gateway(&n, AF_INET, "198.18.1.254");
	assert_gateway(&n, AF_INET6, "fd99:1::ff");
	assert_int_equal(n.mtu, 1400);
	assert_true(n.isolated && !n.nat && !n.internal);
	read_back(w, "front", &again);
	assert_same(&again, &n);
}

static void test_one_family(void **state)
{
	struct world *w = *state;
	struct network_options six = { .subnets = { "none4" } };
	struct network_options four = { .subnets = { "198.18.1.0/24", "none6" }, .internal = true };
	struct net_network n = created(w, "six", &six);

	assert_subnet(&n, AF_INET, "none");
	assert_int_equal(n.gateway4.s_addr, 0);
	assert_int_equal(n.prefix6, 64);
	n = created(w, "four", &four);
	assert_subnet(&n, AF_INET, "198.18.1.0/24");
	assert_gateway(&n, AF_INET, "198.18.1.1");
	assert_subnet(&n, AF_INET6, "none");
	assert_true(n.internal && !n.nat); /* nothing goes out, so nothing is translated */
}

/* macvlan: the subnet is another's, so the host's routes to it are fine. */
static void test_macvlan(void **state)
{
	struct world *w = *state;
	struct network_options o = { .mode = "macvlan",
				     .subnets = { "198.18.1.0/24" },
				     .uplink = "nosuch0" };
	struct net_network n;
	struct err e;

	assert_int_equal(create(w, "lan", &o, &n, &e), -ENODEV);
	assert_string_equal(e.text, "network lan: uplink nosuch0: this host has no such interface");
	o.mode = "bridge";
	n = created(w, "lan", &o);
	assert_string_equal(n.uplink, "nosuch0");
	assert_non_null(strstr(warned, "uplink nosuch0"));
}

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		struct network_options o;
		int r;
		const char *text;
	} cases[] = {
		{ "default", { .mode = NULL }, -EEXIST, "network default: exists already" },
		{ "taken", { .mode = NULL }, -EEXIST, "network taken: exists already" },
		{ "host", { .mode = NULL }, -EINVAL, "is no name for a network, but a mode" },
		{ "n", { .mode = "brigde" }, -EINVAL, "mode \"brigde\": unknown" },
		{ "n", { .tenant = "a/b" }, -EINVAL, "tenant name \"a/b\"" },
		{ "n", { .uplink = "a b" }, -EINVAL, "uplink: \"a b\": an interface name is" },
		{ "n", { .uplink = "lo" }, -EINVAL, "uplink lo: leads nowhere" },
		{ "n",
		  { .uplink = "jail0" },
		  -EINVAL,
		  "uplink jail0: is the interface of network default" },
		{ "n", { .uplink = "x0", .internal = true }, -EINVAL, "so it has no uplink" },
		{ "n", { .subnets = { "198.18.2.0" } }, -EINVAL, "expected ADDRESS/PREFIX" },
		{ "n", { .subnets = { "198.18.2.0/33" } }, -EINVAL, "expected ADDRESS/PREFIX" },
		{ "n", { .subnets = { "198.18.2.0/031" } }, -EINVAL, "expected ADDRESS/PREFIX" },
		{ "n", { .subnets = { "198.18.2.0/31" } }, -EINVAL, "a prefix from 8 to 30" },
		{ "n", { .subnets = { "198.18.2.1/24" } }, -EINVAL, "bits outside the prefix" },
		{ "n", { .subnets = { "127.8.0.0/16" } }, -EINVAL, "loopback addresses" },
		{ "n", { .subnets = { "169.254.7.0/24" } }, -EINVAL, "link-local addresses" },
		{ "n", { .subnets = { "230.0.0.0/8" } }, -EINVAL, "multicast addresses" },
		{ "n", { .subnets = { "0.0.0.0/8" } }, -EINVAL, "no addresses of hosts" },
		{ "n", { .subnets = { "fe80::/64" } }, -EINVAL, "link-local addresses" },
		{ "n", { .subnets = { "ff02::/64" } }, -EINVAL, "multicast addresses" },
		{ "n", { .subnets = { "::ffff:0:0/96" } }, -EINVAL, "reserved addresses" },
		{ "n", { .subnets = { "fd99::/40" } }, -EINVAL, "a prefix from 48 to 120" },
		{ "n",
		  { .subnets = { "198.18.2.0/24", "198.18.3.0/24" } },
		  -EINVAL,
		  "two subnets of IPv4" },
		{ "n", { .subnets = { "none6", "fd99::/64" } }, -EINVAL, "two subnets of IPv6" },
		{ "n", { .subnets = { "none4", "none6" } }, -EINVAL, "no subnet of either family" },
		{ "n", { .gateways = { "10.89.0.1" } }, -EINVAL, "its subnet is not given" },
		{ "n",
		  { .subnets = { "none4" }, .gateways = { "10.89.0.1" } },
		  -EINVAL,
		  "gateway 10.89.0.1: there is no IPv4 subnet" },
		{ "n",
		  { .subnets = { "198.18.2.0/24" }, .gateways = { "198.18.3.1" } },
		  -EINVAL,
		  "gateway 198.18.3.1: not a host's address in 198.18.2.0/24" },
		{ "n",
		  { .subnets = { "198.18.2.0/24" }, .gateways = { "198.18.2.255" } },
		  -EINVAL,
		  "not a host's address" },
		{ "n",
		  { .subnets = { "198.18.2.0/24" }, .gateways = { "198.18.2" } },
		  -EINVAL,
		  "\"198.18.2\": not an address" },
		{ "n",
		  { .subnets = { "198.18.2.0/24" }, .gateways = { "198.18.2.1", "198.18.2.2" } },
		  -EINVAL,
		  "two gateways of IPv4" },
		{ "n", { .mtu = 1000 }, -ERANGE, "mtu 1000: expected 1280 to 65535, because" },
		{ "n", { .mtu = 575, .subnets = { "none6" } }, -ERANGE, "expected 576 to 65535" },
		{ "n", { .mtu = 65536 }, -ERANGE, "mtu 65536" },
		{ "n",
		  { .mode = "macvlan", .uplink = "x0" },
		  -EINVAL,
		  "mode macvlan needs a subnet" },
		{ "n",
		  { .mode = "macvlan", .subnets = { "198.18.2.0/24" } },
		  -EINVAL,
		  "mode macvlan needs an uplink" },
		{ "n",
		  { .mode = "macvlan",
		    .uplink = "x0",
		    .subnets = { "198.18.2.0/24" },
		    .internal = true },
		  -EINVAL,
		  "mode macvlan can't be internal" },
		{ "n",
		  { .mode = "macvlan",
		    .uplink = "x0",
		    .subnets = { "198.18.2.0/24" },
		    .isolated = true },
		  -EINVAL,
		  "mode macvlan can't be isolated" },
		{ "n",
		  { .mode = "macvlan",
		    .uplink = "x0",
		    .subnets = { "198.18.2.0/24" },
		    .no_nat = true },
		  -EINVAL,
		  "mode macvlan has no NAT" },
		/* Of another network, larger and smaller; of the default one. */
		{ "n",
		  { .subnets = { "198.18.9.0/25" } },
		  -EADDRINUSE,
		  "subnet 198.18.9.0/25 overlaps 198.18.9.0/24 of network taken" },
		{ "n", { .subnets = { "198.18.0.0/15" } }, -EADDRINUSE, "of network taken" },
		{ "n",
		  { .subnets = { "10.88.7.0/24" } },
		  -EADDRINUSE,
		  "subnet 10.88.7.0/24 overlaps 10.88.0.0/16 of network default" },
		{ "n",
		  { .subnets = { "fd99:9::/64" } },
		  -EADDRINUSE,
		  "subnet fd99:9::/64 overlaps fd99:9::/60 of network taken" },
	};
	struct world *w = *state;
	struct network_options taken = { .subnets = { "198.18.9.0/24", "fd99:9::/60" } };

	(void)created(w, "taken", &taken);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct net_network n = { .mtu = 77 };
		struct err e;
		int r = create(w, cases[i].name, &cases[i].o, &n, &e);

		if (r != cases[i].r || !strstr(e.text, cases[i].text))
			fail_msg("%zu: expected %d \"%s\": %d \"%s\"", i, cases[i].r, cases[i].text,
				 r, e.text);
		assert_int_equal(n.mtu, 77);
		assert_false(tmpdir_exists(w->networks, "n.json"));
	}
}

/* A network made of what is on no disk: choosing alone. */
static void test_choose(void **state)
{
	struct net_network others[2] = { { .name = { "a" } }, { .name = { "b" } } };
	struct net_network n = { .name = { "front" } };
	struct net_host_route routes[3] = { 0 }, all[16] = { 0 };
	struct network_taken taken = { others, 2, routes, 1 };
	struct in6_addr ula = { .s6_addr = { 0xfd, 1, 2, 3, 4, 5 } }, first;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(network_set_subnet(&others[0], "10.89.0.0/24", &e), 0);
	assert_int_equal(network_set_subnet(&others[1], "10.89.1.128/30", &e), 0);
	assert_int_equal(net_subnet_parse("10.89.2.0/23", &routes[0].to, &e), 0);
	assert_int_equal(network_choose(&n, &taken, &ula, true, &e), 0);
	assert_subnet(&n, AF_INET, "10.89.4.0/24");
	assert_int_equal(n.prefix6, 64);
	first = n.subnet6;

	/* What the name leads to is taken: the next. And the same name leads to the same. */
	others[0].subnet6 = first;
	others[0].prefix6 = 64;
	assert_int_equal(network_choose(&n, &taken, &ula, true, &e), 0);
	assert_memory_not_equal(&n.subnet6, &first, 16);
	others[0].prefix6 = 0;
	assert_int_equal(network_choose(&n, &taken, &ula, true, &e), 0);
	assert_memory_equal(&n.subnet6, &first, 16);

	/* The last one, and none. */
	taken.n_routes = 3;
	assert_int_equal(net_subnet_parse("10.64.0.0/11", &routes[0].to, &e), 0);
	assert_int_equal(net_subnet_parse("10.96.0.0/12", &routes[1].to, &e), 0);
	assert_int_equal(net_subnet_parse("10.112.0.0/13", &routes[2].to, &e), 0);
	assert_int_equal(network_choose(&n, &taken, NULL, true, &e), 0);
	assert_subnet(&n, AF_INET, "10.120.0.0/24");
	assert_int_equal(net_subnet_parse("10.0.0.0/8", &routes[0].to, &e), 0);
	assert_int_equal(network_choose(&n, &taken, NULL, true, &e), -ENOSPC);
	assert_string_equal(e.text, "no /24 of 10.89.0.0 to 10.127.255.255 is free");
	assert_non_null(strstr(e.hint, "--subnet"));
	e = ERR_INIT;
	assert_int_equal(net_subnet_parse("fd01:203:405::/48", &routes[1].to, &e), 0);
	assert_int_equal(network_choose(&n, &taken, &ula, false, &e), -ENOSPC);
	assert_string_equal(e.text, "no /64 of this host's unique local addresses is free");

	/* Number 0 is the default network's, whoever is free. */
	for (unsigned i = 0; i < 16; i++) {
		all[i].to = (struct net_subnet){ .family = AF_INET6,
						 .prefix = (uint8_t)(49 + i),
						 .address.v6 = ula };
		all[i].to.address.v6.s6_addr[6 + i / 8] = (uint8_t)(0x80 >> i % 8);
	}
	taken.routes = all;
	taken.n_routes = 16;
	e = ERR_INIT;
	assert_int_equal(network_choose(&n, &taken, &ula, false, &e), -ENOSPC);
	taken.n_routes = 15;
	assert_int_equal(network_choose(&n, &taken, &ula, false, &e), 0);
	assert_subnet(&n, AF_INET6, "fd01:203:405:1::/64");
	taken.routes = routes;
	taken.n_routes = 3;

	/* What a route of the host is in the way of, by name. */
	(void)snprintf(routes[0].interface, sizeof(routes[0].interface), "vpn0");
	e = ERR_INIT;
	n = (struct net_network){ .name = { "front" } };
	assert_int_equal(network_set_subnet(&n, "10.200.0.0/24", &e), 0);
	assert_int_equal(network_check_taken(&n, &taken, &e), -EADDRINUSE);
	assert_string_equal(e.text, "subnet 10.200.0.0/24 overlaps 10.0.0.0/8, to which this host "
				    "has a route by vpn0");
	n.mode = NET_MACVLAN;
	e = ERR_INIT;
	assert_int_equal(network_check_taken(&n, &taken, &e), 0);
}

/* Of many at once each gets subnets of its own. */
static void test_race(void **state)
{
	struct world *w = *state;
	struct net_network *all = NULL;
	struct err e = ERR_INIT;
	pid_t pids[8];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			struct network_options o = { .mode = NULL };
			struct net_network made;
			char text[16];

			(void)snprintf(text, sizeof(text), "n%zu", i);
			_exit(create(w, text, &o, &made, &e) < 0);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(networks_read(w->j, &all, &n, &e), 0);
	assert_int_equal(n, ARRAY_SIZE(pids) + 1);
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++) {
			struct net_subnet a, b;

			assert_true(strcmp(all[i].name.s, all[k].name.s) < 0);
			assert_true(net_subnet_of(&all[i], AF_INET, &a) &&
				    net_subnet_of(&all[k], AF_INET, &b));
			assert_false(net_subnets_overlap(&a, &b));
			assert_true(net_subnet_of(&all[i], AF_INET6, &a) &&
				    net_subnet_of(&all[k], AF_INET6, &b));
			assert_false(net_subnets_overlap(&a, &b));
		}
	free(all);
}

/* ---- damaged files, missing ones ---- */

#define MEMBERS "\"isolated\": false, \"nat\": true"

static void test_damaged(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "", "network front: front.json:1:1: " },
		{ "{", "network front: front.json:1:2: " },
		{ "[]", "front.json:1:1: expected an object" },
		{ "{}", "front.json:1:1: \"mode\" is missing" },
		{ "{ \"mode\": \"bridge\" }", "\"isolated\" is missing" },
		{ "{ \"mode\": \"bridge\", \"isolated\": false }", "\"nat\" is missing" },
		{ "{ \"mode\": \"bridge\",\n \"isolatd\": true, " MEMBERS " }",
		  "front.json:2:2: isolatd: unknown key" },
		{ "{ \"mode\": \"vlan\", " MEMBERS " }", "front.json:1:11: mode: \"vlan\" is not" },
		{ "{ \"mode\": \"bridge\", " MEMBERS " }",
		  "front.json:1:1: no subnet of either family" },
		{ "{ \"mode\": \"bridge\", \"subnet4\": \"10.1.0.1/24\", " MEMBERS " }",
		  "front.json:1:32: subnet4: \"10.1.0.1/24\": the address has bits outside" },
		{ "{ \"mode\": \"bridge\", \"subnet4\": \"fd12::/64\", " MEMBERS " }",
		  "not of IPv4" },
		{ "{ \"mode\": \"bridge\", \"subnet6\": \"127.0.0.0/8\", " MEMBERS " }",
		  "not of IPv6" },
		{ "{ \"mode\": \"bridge\", \"subnet4\": \"127.0.0.0/8\", " MEMBERS " }",
		  "loopback addresses" },
		{ "{ \"mode\": \"bridge\", \"subnet4\": \"10.1.0.0/24\", \"gateway4\": "
		  "\"10.2.0.1\", " MEMBERS " }",
		  "front.json:1:1: gateway 10.2.0.1: not a host's address in 10.1.0.0/24" },
		{ "{ \"mode\": \"bridge\", \"subnet4\": \"10.1.0.0/24\", \"tenant\": "
		  "\"../x\", " MEMBERS " }",
		  "tenant: tenant name \"../x\"" },
		{ "{ \"mode\": \"bridge\", \"subnet4\": \"10.1.0.0/24\", \"uplink\": "
		  "\"a/b\", " MEMBERS " }",
		  "uplink: \"a/b\": an interface name" },
		{ "{ \"mode\": \"bridge\", \"subnet4\": \"10.1.0.0/24\", \"mtu\": 99999, " MEMBERS
		  " }",
		  "mtu: 99999: expected an integer" },
		{ "{ \"mode\": \"bridge\", \"subnet4\": \"10.1.0.0/24\", \"interface\": "
		  "\"eth0\", " MEMBERS " }",
		  "interface: unknown key" },
	};
	struct world *w = *state;
	struct jail_name n = name("front");
	struct network_options o = { .mode = NULL };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct net_network ret = { .mtu = 77 }, *all = NULL;
		struct err e = ERR_INIT;
		size_t found = 0;

		tmpdir_put(w->networks, "front.json", cases[i].text);
		assert_true(network_read(w->j, &n, &ret, &e) < 0);
		if (!strstr(e.text, cases[i].expected))
			fail_msg("%zu: expected \"%s\": \"%s\"", i, cases[i].expected, e.text);
		assert_string_not_equal(e.hint, "");
		assert_int_equal(ret.mtu, 77);
		/* A list shows the others; what is free can't be told. */
		warned[0] = '\0';
		e = ERR_INIT;
		assert_int_equal(networks_read(w->j, &all, &found, &e), 0);
		assert_int_equal(found, 1);
		assert_string_equal(all[0].name.s, NETWORK_DEFAULT);
		assert_non_null(strstr(warned, "network front: front.json"));
		free(all);
		assert_true(create(w, "other", &o, &ret, &e) < 0);
		assert_non_null(strstr(e.text, "network front: front.json"));
	}
}

static void test_missing(void **state)
{
	struct world *w = *state;
	struct network_options o = { .mode = NULL };
	struct net_network ret;
	struct jail_name n = name("fromt");
	struct err e = ERR_INIT;

	(void)created(w, "front", &o);
	assert_int_equal(network_read(w->j, &n, &ret, &e), -ENOENT);
	assert_string_equal(e.text, "no network fromt");
	assert_string_equal(e.hint, "did you mean \"front\"?");
	e = ERR_INIT;
	assert_int_equal(network_remove(w->j, &n, &e), -ENOENT);
	assert_string_equal(e.text, "no network fromt");
}

/* ---- users ---- */

static void put_instance(struct world *w, const char *instance, const struct meta_network *on,
			 size_t n)
{
	struct meta m = { .created_ms = 1, .n_networks = n };
	struct err e = ERR_INIT;
	CLEANUP_FD int dir = path_make_dir_at(w->j->instances, instance, 0700, &e);

	assert_true(dir >= 0);
	(void)snprintf(m.owner.s, sizeof(m.owner.s), "%032x", (unsigned)instance[0]);
	memcpy(m.networks, on, n * sizeof(*on));
	if (meta_write(dir, &m, FILE_NOSYNC, &e) < 0)
		fail_msg("%s", e.text);
}

static struct meta_network on(const char *network, const char *address)
{
	struct meta_network m = { .network = name(network) };

	if (address)
		assert_int_equal(inet_pton(AF_INET, address, &m.addresses.v4), 1);
	return m;
}

static void test_users(void **state)
{
	struct world *w = *state;
	struct network_options o = { .subnets = { "198.18.1.0/24", "none6" } };
	struct net_network front = created(w, "front", &o);
	struct meta_network web[] = { on("default", "10.88.0.5"), on("front", "198.18.1.5") };
	struct meta_network db[] = { on("", NULL), on("front", "198.18.1.6") };
	struct jail_name n = name("front"), owner = name("00000000000000000000000000000077");
	struct net_addresses taken, any = { .v4.s_addr = 0 };
	CLEANUP_STRV struct strv users = { .v = NULL };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	CLEANUP_FD int pool = -EBADF;
	struct err e = ERR_INIT;
	struct json_out out;

	put_instance(w, "web", web, 2);
	put_instance(w, "db", db, 2);
	put_instance(w, "other", web, 1);
	assert_int_equal(network_users(w->j, &n, &users, &e), 0);
	assert_int_equal(users.n, 2);
	assert_string_equal(users.v[0], "db");
	assert_string_equal(users.v[1], "web");

	pool = network_pool(w->j, &n, &e);
	assert_true(pool >= 0);
	assert_int_equal(net_addresses_lease(pool, &front, &any, &owner, &taken, &e), 0);
	json_out_init(&out, &b, false);
	assert_int_equal(networks_to_json(w->j, &front, 1, &out, NULL, &e), 0);
	{
		char expected[1024];

		(void)snprintf(expected, sizeof(expected),
			       "[{\"name\":\"front\",\"tenant\":null,\"mode\":\"bridge\","
			       "\"interface\":\"%s\",\"uplink\":null,\"subnet4\":\"198.18.1.0/24\","
			       "\"gateway4\":\"198.18.1.1\",\"subnet6\":null,\"gateway6\":null,"
			       "\"mtu\":null,\"internal\":false,\"isolated\":false,\"nat\":true,"
			       "\"addresses\":{\"ipv4\":{\"used\":1,\"total\":253},\"ipv6\":null},"
			       "\"instances\":[{\"name\":\"db\",\"address4\":\"198.18.1.6\","
			       "\"address6\":null},{\"name\":\"web\",\"address4\":\"198.18.1.5\","
			       "\"address6\":null}]}]",
			       front.interface);
		assert_string_equal(strbuf_str(&b), expected);
	}

	assert_int_equal(network_remove(w->j, &n, &e), -EBUSY);
	assert_string_equal(e.text, "network front: is used by db, web");
	assert_string_not_equal(e.hint, "");
	assert_true(tmpdir_exists(w->networks, "front.json"));

	/* Who can't read an instance can't say that it is no user. */
	e = ERR_INIT;
	assert_int_equal(path_remove_tree(w->j->instances, "web", &e), 0);
	{
		CLEANUP_FD int dir = path_make_dir_at(w->j->instances, "db", 0700, &e);

		tmpdir_put(dir, "meta.json", "{");
	}
	assert_true(network_remove(w->j, &n, &e) < 0);
	assert_non_null(strstr(e.text, "instance db: meta.json"));
	assert_true(tmpdir_exists(w->networks, "front.json"));
}

static void test_remove_default(void **state)
{
	struct world *w = *state;
	struct jail_name n = name(NETWORK_DEFAULT);
	struct err e = ERR_INIT;

	assert_int_equal(network_remove(w->j, &n, &e), -EPERM);
	assert_string_equal(e.text, "network default can't be removed: it follows from the "
				    "configuration");
}

#define WORLD_TEST(fn) cmocka_unit_test_setup_teardown(fn, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_default),	 WORLD_TEST(test_damaged_prefix),
		WORLD_TEST(test_chosen),	 WORLD_TEST(test_given),
		WORLD_TEST(test_one_family),	 WORLD_TEST(test_macvlan),
		WORLD_TEST(test_refused),	 cmocka_unit_test(test_choose),
		WORLD_TEST(test_race),		 WORLD_TEST(test_damaged),
		WORLD_TEST(test_missing),	 WORLD_TEST(test_users),
		WORLD_TEST(test_remove_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
