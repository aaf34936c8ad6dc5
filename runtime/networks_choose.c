/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Subnets for a new network: what nobody uses. IPv4: the first free /24 of a fixed part of 10/8, so
 * that the networks of a host are close to each other and easy to tell from other addresses. IPv6:
 * a /64 of the host's own unique local /48, its number from a hash of the network's name, so that a
 * network that is made again has the addresses that it had.
 */
#include <nettle/sha2.h>
#include <sys/random.h>

#include "base/file.h"
#include "runtime/networks_priv.h"

#define CHOICE_FIRST UINT32_C(0x0a590000) /* 10.89.0.0 */
#define CHOICE_END UINT32_C(0x0a800000) /* 10.127.255.255 is the last */
#define CHOICE_PREFIX 24
#define ULA_FILE "ula"
#define ULA_PREFIX 48
#define ULA_IDS 65536

static int ula_read(struct jail *j, struct in6_addr *ret, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	struct err why = ERR_INIT;
	struct net_subnet s;
	size_t len;
	int r = file_read_at(j->state, ULA_FILE, 256, &text, &len, &why);

	if (r == -ENOENT)
		return r;
	if (r >= 0) {
		text[strcspn(text, "\n")] = '\0';
		r = net_subnet_parse(text, &s, &why);
		if (r >= 0 && (s.family != AF_INET6 || s.prefix != ULA_PREFIX ||
			       s.address.v6.s6_addr[0] != 0xfd))
			r = err_set(&why, EBADMSG, "\"%s\": expected a /48 of fd00::/8", text);
	}
	if (r < 0) {
		*e = why;
		(void)err_wrap(e, "%s/" ULA_FILE, j->config.state_dir);
		return err_hint(e, "write back what it was; without the file a new one is chosen");
	}
	*ret = s.address.v6;
	return 0;
}

static int ula_make(struct jail *j, struct in6_addr *ret, struct err *e)
{
	struct net_subnet s = { .family = AF_INET6, .prefix = ULA_PREFIX };
	char text[NET_SUBNET_TEXT_MAX], line[NET_SUBNET_TEXT_MAX + 1];
	int r;

	s.address.v6.s6_addr[0] = 0xfd;
	if (getrandom(&s.address.v6.s6_addr[1], 5, 0) != 5)
		return err_sys(e, "getrandom");
	net_subnet_format(&s, text);
	r = str_format(line, sizeof(line), "%s\n", text);
	if (r >= 0)
		r = file_write_at(j->state, ULA_FILE, line, (size_t)r, 0600, FILE_SYNC, e);
	if (r < 0)
		return err_wrap(e, "%s", j->config.state_dir);
	*ret = s.address.v6;
	return 0;
}

int network_ula(struct jail *j, struct in6_addr *ret, struct err *e)
{
	CLEANUP_FD int dir = -EBADF, lock = -EBADF;
	int r = ula_read(j, ret, e);

	if (r != -ENOENT)
		return r;
	dir = networks_dir(j, e);
	if (dir < 0)
		return dir;
	lock = networks_lock(dir, e);
	if (lock < 0)
		return lock;
	r = ula_read(j, ret, e);
	return r == -ENOENT ? ula_make(j, ret, e) : r;
}

void network_set_ula(struct net_network *n, const struct in6_addr *ula, uint16_t id)
{
	n->subnet6 = *ula;
	n->subnet6.s6_addr[6] = (uint8_t)(id >> 8);
	n->subnet6.s6_addr[7] = (uint8_t)id;
	n->prefix6 = 64;
}

static const struct net_network *find_network(const struct net_subnet *s,
					      const struct network_taken *taken,
					      struct net_subnet *ret)
{
	for (size_t i = 0; i < taken->n_networks; i++)
		if (net_subnet_of(&taken->networks[i], s->family, ret) &&
		    net_subnets_overlap(s, ret))
			return &taken->networks[i];
	return NULL;
}

static const struct net_host_route *find_route(const struct net_subnet *s,
					       const struct network_taken *taken)
{
	for (size_t i = 0; i < taken->n_routes; i++)
		if (net_subnets_overlap(s, &taken->routes[i].to))
			return &taken->routes[i];
	return NULL;
}

/* Whether something is in the way of a subnet, and what. */
static bool is_taken(const struct net_subnet *s, const struct network_taken *taken,
		     struct net_subnet *ret)
{
	const struct net_host_route *route = find_route(s, taken);

	if (route)
		*ret = route->to;
	return route || find_network(s, taken, ret);
}

static int choose4(struct net_network *n, const struct network_taken *taken, struct err *e)
{
	struct net_subnet s = { .family = AF_INET, .prefix = CHOICE_PREFIX }, other;
	uint64_t at = CHOICE_FIRST;

	while (at < CHOICE_END) {
		uint64_t size = UINT64_C(1) << (32 - CHOICE_PREFIX);

		s.address.v4.s_addr = htonl((uint32_t)at);
		if (!is_taken(&s, taken, &other)) {
			n->subnet4 = s.address.v4;
			n->prefix4 = CHOICE_PREFIX;
			return 0;
		}
		/* On behind it, if it is larger. */
		if (other.prefix < CHOICE_PREFIX)
			size = UINT64_C(1) << (32 - other.prefix);
		at = (at & ~(size - 1)) + size;
	}
	(void)err_set(e, ENOSPC, "no /%d of 10.89.0.0 to 10.127.255.255 is free", CHOICE_PREFIX);
	return err_hint(e, "give a subnet: --subnet ADDRESS/PREFIX, or --no-ipv4");
}

static uint16_t id_of(const struct jail_name *name)
{
	uint8_t hash[SHA256_DIGEST_SIZE];
	struct sha256_ctx sha;

	sha256_init(&sha);
	sha256_update(&sha, strlen(name->s), (const uint8_t *)name->s);
	sha256_digest(&sha, sizeof(hash), hash);
	return (uint16_t)(hash[0] << 8 | hash[1]);
}

/* Number 0 is the default network's. */
static int choose6(struct net_network *n, const struct network_taken *taken,
		   const struct in6_addr *ula, struct err *e)
{
	unsigned first = id_of(&n->name);
	struct net_subnet s, other;

	for (unsigned i = 0; i < ULA_IDS; i++) {
		uint16_t id = (uint16_t)(first + i);

		network_set_ula(n, ula, id);
		if (id != 0 && net_subnet_of(n, AF_INET6, &s) && !is_taken(&s, taken, &other))
			return 0;
	}
	n->prefix6 = 0;
	n->subnet6 = (struct in6_addr){ 0 };
	(void)err_set(e, ENOSPC, "no /64 of this host's unique local addresses is free");
	return err_hint(e, "give a subnet: --subnet ADDRESS/PREFIX, or --no-ipv6");
}

int network_choose(struct net_network *n, const struct network_taken *taken,
		   const struct in6_addr *ula_or_null, bool want4, struct err *e)
{
	int r = want4 ? choose4(n, taken, e) : 0;

	return r >= 0 && ula_or_null ? choose6(n, taken, ula_or_null, e) : r;
}

static int check_family(const struct net_network *n, int family, const struct network_taken *taken,
			struct err *e)
{
	char text[NET_SUBNET_TEXT_MAX], other[NET_SUBNET_TEXT_MAX];
	const struct net_host_route *route;
	const struct net_network *network;
	struct net_subnet s, of;

	if (!net_subnet_of(n, family, &s))
		return 0;
	net_subnet_format(&s, text);
	network = find_network(&s, taken, &of);
	if (network) {
		net_subnet_format(&of, other);
		(void)err_set(e, EADDRINUSE, "subnet %s overlaps %s of network %s", text, other,
			      network->name.s);
		return err_hint(e, "`jail network list` shows what is taken");
	}
	/* macvlan's subnet is that of the uplink's network, to which the host has a route. */
	route = n->mode == NET_MACVLAN ? NULL : find_route(&s, taken);
	if (!route)
		return 0;
	net_subnet_format(&route->to, other);
	(void)err_set(e, EADDRINUSE, "subnet %s overlaps %s, to which this host has a route%s%s",
		      text, other, route->interface[0] ? " by " : "", route->interface);
	return err_hint(e, "`ip route show table all` shows the host's routes");
}

int network_check_taken(const struct net_network *n, const struct network_taken *taken,
			struct err *e)
{
	int r = check_family(n, AF_INET, taken, e);

	return r < 0 ? r : check_family(n, AF_INET6, taken, e);
}
