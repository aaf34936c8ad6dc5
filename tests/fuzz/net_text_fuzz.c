/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Published ports and firewall rules under libFuzzer. Beyond not crashing: a port that is taken is
 * written as a text that reads back as the same, and collides with itself; a rule's conditions are
 * within their bounds, as many as there may be, and a refusal leaves the list as it was.
 */
#include <arpa/inet.h>

#include "base/str.h"
#include "netsetup/port.h"
#include "netsetup/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		__builtin_trap();
}

static void check_port(const char *text)
{
	struct net_port port = { .port = 0 }, again = { .port = 0 };
	char written[NET_PORT_TEXT_MAX];
	struct err e = ERR_INIT;
	int r = net_port_parse(text, &port, &e);

	require(r == -e.code && (r == 0) == !e.text[0]);
	if (r < 0)
		return;
	require(port.host_port >= 1 && port.port >= 1 && port.count >= 1);
	require(port.host_port + port.count - 1 <= UINT16_MAX);
	require(port.port + port.count - 1 <= UINT16_MAX);
	require(port.family == AF_UNSPEC || port.family == AF_INET || port.family == AF_INET6);
	net_port_format(&port, written);
	require(net_port_parse(written, &again, &e) == 0);
	require(memcmp(&port, &again, sizeof(port)) == 0 && net_ports_collide(&port, &again));
}

static void check_condition(const struct net_rule *r)
{
	unsigned bits = r->family == AF_INET ? 32 : 128;
	bool ports = r->first > 0;

	require(r->allow && r->first <= r->last);
	require(!ports || r->protocol == IPPROTO_TCP || r->protocol == IPPROTO_UDP ||
		r->protocol == IPPROTO_SCTP);
	require(r->peer != NET_PEER_HOST || r->out);
	require(r->peer != NET_PEER_ADDRESS ||
		((r->family == AF_INET || r->family == AF_INET6) && r->prefix <= bits));
}

static void check_rule(const char *text)
{
	CLEANUP(net_rules_free) struct net_rules rules = { .v = NULL };
	struct err e = ERR_INIT;

	for (int i = 0; i < 2; i++) {
		size_t before = rules.n;
		int r = net_rules_parse(text, true, "acme", &rules, &e);

		require(r == -e.code && (r == 0) == !e.text[0]);
		require(rules.n <= NET_RULES_MAX && (rules.n == before) == (r < 0));
		if (r < 0)
			return;
	}
	for (size_t i = 0; i < rules.n; i++)
		check_condition(&rules.v[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = strndup((const char *)data, size);

	require(text != NULL);
	check_port(text);
	check_rule(text);
	return 0;
}
