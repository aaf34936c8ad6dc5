/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A spec's "network" against a policy. */
#include "netsetup/port.h"
#include "netsetup/rule.h"
#include "runtime/policy_priv.h"

static bool covers(const struct net_port *whole, const struct net_port *port)
{
	if (whole->protocol && whole->protocol != port->protocol)
		return false;
	if (whole->family != AF_UNSPEC &&
	    (whole->family != port->family ||
	     memcmp(&whole->host_address, &port->host_address,
		    whole->family == AF_INET ? sizeof(whole->host_address.v4)
					     : sizeof(whole->host_address.v6)) != 0))
		return false;
	return port->host_port >= whole->host_port &&
	       (uint32_t)port->host_port + port->count <= (uint32_t)whole->host_port + whole->count;
}

static int check_ports(const struct policy *p, const struct jail_spec *s, struct err *e)
{
	for (size_t i = 0; i < s->network.n_ports; i++) {
		const struct net_port *port = &s->network.ports[i];
		char text[NET_PORT_TEXT_MAX];
		size_t k = 0;

		while (k < p->n_ports && !covers(&p->ports[k], port))
			k++;
		net_port_format(port, text);
		if (k == p->n_ports)
			return policy_refuse(e, "network.ports", text, "ports");
	}
	return 0;
}

static int check_rules(const struct policy *p, const struct jail_spec *s, struct err *e)
{
	for (size_t i = 0; i < s->network.allow.n && p->allow != POLICY_RULES_ANY; i++) {
		CLEANUP(net_rules_free) struct net_rules rules = { .v = NULL };
		bool allowed = p->allow == POLICY_RULES_IN;
		int r = net_rules_parse(s->network.allow.v[i], true, s->tenant.s, &rules, e);

		if (r < 0)
			return err_wrap(e, "network.allow[%zu]", i);
		for (size_t k = 0; k < rules.n; k++)
			allowed = allowed && !rules.v[k].out;
		if (!allowed)
			return policy_refuse(e, "network.allow", s->network.allow.v[i], "allow");
	}
	return 0;
}

static int check_interfaces(const struct policy *p, const struct jail_spec *s, struct err *e)
{
	for (size_t i = 0; i < s->network.n_interfaces; i++) {
		const struct spec_interface *n = &s->network.interfaces[i];
		const char *name = n->network.s[0] ? n->network.s : SPEC_NETWORK_DEFAULT;
		int r;

		if (p->networks.given ? !policy_has_pattern(&p->networks, name)
				      : !str_eq(name, SPEC_NETWORK_DEFAULT))
			return policy_refuse(e, "network.interfaces.network", name, "networks");
		if (!p->addresses &&
		    (n->addresses.v4.s_addr != 0 || !IN6_IS_ADDR_UNSPECIFIED(&n->addresses.v6)))
			return policy_refuse_flag(e, "network.interfaces.address", "addresses");
		if ((r = policy_check_most("network.interfaces.ingress", &p->ingress,
					   n->ingress.bits_per_second != 0,
					   n->ingress.bits_per_second, POLICY_RATE, e)) < 0 ||
		    (r = policy_check_most("network.interfaces.egress", &p->egress,
					   n->egress.bits_per_second != 0,
					   n->egress.bits_per_second, POLICY_RATE, e)) < 0)
			return r;
	}
	return 0;
}

int policy_check_network(const struct policy *p, const struct jail_spec *s, struct err *e)
{
	enum spec_network_mode mode = s->network.mode;
	const char *word = spec_network_mode_name(mode);
	int r;

	if (!policy_has_word_or(&p->network_modes, word,
				mode == SPEC_NETWORK_BRIDGE || mode == SPEC_NETWORK_ROUTED ||
					mode == SPEC_NETWORK_NONE))
		return policy_refuse(e, "network.mode", word, "networkModes");
	if (mode == SPEC_NETWORK_INSTANCE &&
	    !policy_has_pattern(&p->instances, s->network.instance.s))
		return policy_refuse(e, "network.instance", s->network.instance.s, "instances");
	if ((r = check_interfaces(p, s, e)) < 0 || (r = check_ports(p, s, e)) < 0)
		return r;
	return check_rules(p, s, e);
}
