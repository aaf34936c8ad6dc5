/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Setters of what is in "network"; as in spec_set.c, one changes nothing when it fails. */
#include "runtime/spec_priv.h"

#include <arpa/inet.h>

#include "base/num.h"
#include "netsetup/port.h"
#include "netsetup/rule.h"

struct spec_interface *spec_interface_add(struct jail_spec *s, struct err *e)
{
	struct spec_interface *i;

	if (s->network.n_interfaces >= NET_INTERFACES_MAX) {
		(void)err_set(e, E2BIG, "more than %d interfaces", NET_INTERFACES_MAX);
		return NULL;
	}
	i = spec_grow(&s->network.interfaces, s->network.n_interfaces, sizeof(*i));
	if (!i) {
		(void)err_nomem(e);
		return NULL;
	}
	s->network.n_interfaces++;
	return i;
}

struct spec_interface *spec_interface_last(struct jail_spec *s, struct err *e)
{
	if (s->network.n_interfaces > 0)
		return &s->network.interfaces[s->network.n_interfaces - 1];
	return spec_interface_add(s, e);
}

bool spec_interface_is_empty(const struct spec_interface *i)
{
	return !i->network.s[0] && !i->addresses.v4.s_addr &&
	       IN6_IS_ADDR_UNSPECIFIED(&i->addresses.v6) && !i->ingress.bits_per_second &&
	       !i->egress.bits_per_second;
}

static int parse_prefix(const char *text, const char *slash, uint64_t min, uint64_t max,
			unsigned *ret, struct err *e)
{
	struct err why = ERR_INIT;
	uint64_t prefix = 0;

	if (*slash && num_parse_u64(slash + 1, min, max, &prefix, &why) < 0)
		return err_set(e, why.code, "\"%.64s\": the prefix length goes from %u to %u", text,
			       (unsigned)min, (unsigned)max);
	*ret = (unsigned)prefix;
	return 0;
}

/* inet_pton(3) takes no other notation than dotted IPv4 addresses, without leading zeros. Zeros
 * would mean "lease one" (struct net_addresses). */
int spec_interface_set_address(struct spec_interface *i, const char *text, struct err *e)
{
	const char *slash = strchrnul(text, '/');
	CLEANUP_FREE char *address = strndup(text, (size_t)(slash - text));
	struct in6_addr v6;
	struct in_addr v4;
	unsigned prefix = 0;

	if (!address)
		return err_nomem(e);
	if (inet_pton(AF_INET, address, &v4) == 1 && v4.s_addr) {
		if (parse_prefix(text, slash, 8, 30, &prefix, e) < 0)
			return -e->code;
		i->addresses.v4 = v4;
		i->prefix4 = prefix;
		return 0;
	}
	if (inet_pton(AF_INET6, address, &v6) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&v6)) {
		if (parse_prefix(text, slash, 48, 120, &prefix, e) < 0)
			return -e->code;
		i->addresses.v6 = v6;
		i->prefix6 = prefix;
		return 0;
	}
	return err_set(e, EINVAL, "\"%.64s\": expected an IPv4 or IPv6 address", text);
}

int spec_set_address(struct jail_spec *s, const char *text, struct err *e)
{
	struct spec_interface ignored = { .prefix4 = 0 }, *last;
	int r = spec_interface_set_address(&ignored, text, e);

	if (r < 0)
		return r;
	last = spec_interface_last(s, e);
	return last ? spec_interface_set_address(last, text, e) : -e->code;
}

static int set_rate(struct jail_spec *s, const char *text, bool ingress, struct err *e)
{
	struct spec_interface *last;
	uint64_t bits = 0;
	int r = spec_parse_rate(text, &bits, e);

	if (r < 0)
		return r;
	last = spec_interface_last(s, e);
	if (!last)
		return -e->code;
	*(ingress ? &last->ingress : &last->egress) = (struct net_rate){ .bits_per_second = bits };
	return 0;
}

int spec_set_ingress(struct jail_spec *s, const char *text, struct err *e)
{
	return set_rate(s, text, true, e);
}

int spec_set_egress(struct jail_spec *s, const char *text, struct err *e)
{
	return set_rate(s, text, false, e);
}

static int set_network_path(struct jail_spec *s, const char *path, struct err *e)
{
	char *copy;
	int r = spec_check_path(path, e);

	if (r < 0)
		return err_wrap(e, "path");
	copy = strdup(path);
	if (!copy)
		return err_nomem(e);
	free(s->network.path);
	s->network.path = copy;
	s->network.mode = SPEC_NETWORK_PATH;
	return 0;
}

static int add_named_network(struct jail_spec *s, const char *text, struct err *e)
{
	struct spec_interface *i = NULL;
	struct jail_name name;
	int r = name_parse("network", text, &name, e);

	if (r < 0)
		return r;
	/* What --address and --ingress made before their network was named. */
	if (s->network.n_interfaces == 1 && !s->network.interfaces[0].network.s[0])
		i = &s->network.interfaces[0];
	else
		i = spec_interface_add(s, e);
	if (!i)
		return -e->code;
	i->network = name;
	if (!spec_has_networks(s))
		s->network.mode = SPEC_NETWORK_BRIDGE;
	return 0;
}

int spec_set_network(struct jail_spec *s, const char *text, struct err *e)
{
	int mode = decode_find(spec_network_words.words, text);

	if (str_starts(text, "path:"))
		return set_network_path(s, text + strlen("path:"), e);
	if (str_starts(text, "instance:")) {
		int r = name_parse("instance", text + strlen("instance:"), &s->network.instance, e);

		if (r >= 0)
			s->network.mode = SPEC_NETWORK_INSTANCE;
		return r;
	}
	if (mode == SPEC_NETWORK_PATH || mode == SPEC_NETWORK_INSTANCE)
		return err_set(e, EINVAL, "\"%s\": expected %s:%s", text, text,
			       mode == SPEC_NETWORK_PATH ? "/PATH" : "NAME");
	if (mode < 0)
		return add_named_network(s, text, e);
	s->network.mode = (enum spec_network_mode)mode;
	return 0;
}

int spec_add_dns(struct jail_spec *s, const char *text, struct err *e)
{
	struct in6_addr v6;
	struct in_addr v4;
	char *copy;

	if (inet_pton(AF_INET, text, &v4) != 1 && inet_pton(AF_INET6, text, &v6) != 1)
		return err_set(e, EINVAL, "\"%.64s\": expected an IPv4 or IPv6 address", text);
	if (s->network.n_dns >= LIMIT_DNS)
		return err_set(e, E2BIG, "more than %d name servers", LIMIT_DNS);
	copy = strdup(text);
	if (!copy)
		return err_nomem(e);
	s->network.dns[s->network.n_dns++] = copy;
	return 0;
}

int spec_add_port(struct jail_spec *s, const char *text, struct err *e)
{
	struct net_port port = { .port = 0 };
	struct net_port *slot;
	int r = net_port_parse(text, &port, e);

	if (r < 0)
		return r;
	if (s->network.n_ports >= LIMIT_PORTS)
		return err_set(e, E2BIG, "more than %d ports", LIMIT_PORTS);
	slot = spec_grow(&s->network.ports, s->network.n_ports, sizeof(*slot));
	if (!slot)
		return err_nomem(e);
	*slot = port;
	s->network.n_ports++;
	return 0;
}

/* A line alone; whether all of them are too many is judged at the end (spec_check_network()). */
static int add_rule(struct strv *lines, const char *text, bool allow, struct err *e)
{
	CLEANUP(net_rules_free) struct net_rules ignored = { .v = NULL };
	int r = net_rules_parse(text, allow, "", &ignored, e);

	if (r < 0)
		return r;
	if (lines->n >= LIMIT_RULES)
		return err_set(e, E2BIG, "more than %d rules", LIMIT_RULES);
	return strv_add(lines, text) < 0 ? err_nomem(e) : 0;
}

int spec_add_allow(struct jail_spec *s, const char *text, struct err *e)
{
	return add_rule(&s->network.allow, text, true, e);
}

int spec_add_deny(struct jail_spec *s, const char *text, struct err *e)
{
	return add_rule(&s->network.deny, text, false, e);
}
