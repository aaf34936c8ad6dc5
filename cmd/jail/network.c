/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/jail/network.h"

#include <inttypes.h>

#include "netsetup/subnet.h"

const char *network_mode_text(enum net_mode mode)
{
	switch (mode) {
	case NET_BRIDGE:
		return "bridge";
	case NET_ROUTED:
		return "routed";
	case NET_MACVLAN:
		return "macvlan";
	}
	return "?";
}

static void add_word(struct strbuf *b, const char *word)
{
	strbuf_addf(b, "%s%s", b->len ? ", " : "", word);
}

void network_subnets_text(const struct net_network *n, struct strbuf *ret)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		char text[NET_SUBNET_TEXT_MAX];
		struct net_subnet s;

		if (!net_subnet_of(n, families[i], &s))
			continue;
		net_subnet_format(&s, text);
		add_word(ret, text);
	}
}

void network_flags_text(const struct net_network *n, struct strbuf *ret)
{
	if (n->internal)
		add_word(ret, "internal");
	if (n->isolated)
		add_word(ret, "isolated");
	if (!n->nat && !n->internal && n->mode != NET_MACVLAN)
		add_word(ret, "no NAT");
}

void network_use_text(struct jail *j, const struct net_network *n, struct strbuf *ret)
{
	struct err ignored = ERR_INIT;
	struct net_pool_use use;
	CLEANUP_FD int pool = network_pool(j, &n->name, &ignored);
	bool four;

	if (pool < 0 || net_addresses_count(pool, n, &use, &ignored) < 0) {
		strbuf_adds(ret, "?");
		return;
	}
	/* 2 of 253 is fuller than 2 of 4 billion. */
	four = n->prefix4 && (!n->prefix6 || use.used4 * use.total6 >= use.used6 * use.total4);
	strbuf_addf(ret, "%" PRIu64 "/%" PRIu64, four ? use.used4 : use.used6,
		    four ? use.total4 : use.total6);
}
