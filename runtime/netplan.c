/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/netplan.h"

#include "runtime/networks.h"

#define GROUP_TEXT_MAX 4096
#define NOBODY 65534u

void instance_plan_free(struct instance_plan *p)
{
	net_rules_free(&p->rules);
	free(p->groups);
	*p = (struct instance_plan)INSTANCE_PLAN_INIT;
}

static const struct spec_interface *find_interface(const struct jail_spec *spec,
						   const struct jail_name *network)
{
	for (size_t i = 0; i < spec->network.n_interfaces; i++)
		if (str_eq(spec->network.interfaces[i].network.s, network->s))
			return &spec->network.interfaces[i];
	return NULL;
}

static int plan_interface(struct jail *j, const struct jail_spec *spec,
			  const struct meta_network *m, struct net_network *network,
			  struct net_interface *ret, struct err *e)
{
	const struct spec_interface *s = find_interface(spec, &m->network);
	int r = network_read(j, &m->network, network, e);

	if (r < 0)
		return r;
	*ret = (struct net_interface){
		.network = network,
		.routed = spec->network.mode == SPEC_NETWORK_ROUTED,
		.address4 = m->addresses.v4,
		.address6 = m->addresses.v6,
	};
	if (s) {
		ret->ingress = s->ingress;
		ret->egress = s->egress;
	}
	return 0;
}

static int plan_rules(const struct jail_spec *spec, struct net_rules *ret, struct err *e)
{
	const struct strv *lists[] = { &spec->network.deny, &spec->network.allow };
	int r = 0;

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
		for (size_t i = 0; i < lists[l]->n && r >= 0; i++)
			r = net_rules_parse(lists[l]->v[i], lists[l] == &spec->network.allow,
					    spec->tenant.s, ret, e);
	return r;
}

static void add_group(struct instance_plan *p, const char *tenant, const char *kind,
		      const char *key, const char *value)
{
	char text[GROUP_TEXT_MAX];

	/* A label whose text is longer can't be named by a rule. */
	if (str_format(text, sizeof(text), "%s:%s%s%s", kind, key, value ? "=" : "",
		       value ? value : "") >= 0)
		p->groups[p->n_groups++] = net_group_of(tenant, text);
}

static int plan_groups(const struct jail_name *name, const struct jail_spec *spec,
		       struct instance_plan *p, struct err *e)
{
	p->groups = calloc(1 + 2 * spec->n_labels, sizeof(*p->groups));
	if (!p->groups)
		return err_nomem(e);
	add_group(p, spec->tenant.s, "instance", name->s, NULL);
	for (size_t i = 0; i < spec->n_labels; i++) {
		add_group(p, spec->tenant.s, "label", spec->labels[i].key, NULL);
		add_group(p, spec->tenant.s, "label", spec->labels[i].key, spec->labels[i].value);
	}
	return 0;
}

int instance_plan_make(struct jail *j, const struct jail_name *name, const struct meta *meta,
		       const struct jail_spec *spec, struct instance_plan *ret, struct err *e)
{
	int r = 0;

	*ret = (struct instance_plan)INSTANCE_PLAN_INIT;
	for (size_t i = 0; i < meta->n_networks && r >= 0; i++)
		if (meta->networks[i].network.s[0])
			r = plan_interface(j, spec, &meta->networks[i], &ret->networks[i],
					   &ret->interfaces[i], e);
	if (r >= 0)
		r = plan_rules(spec, &ret->rules, e);
	if (r >= 0)
		r = plan_groups(name, spec, ret, e);
	if (r < 0)
		return r;
	ret->net = (struct net_plan){
		.instance = name,
		.id = meta->owner.s,
		.tenant = spec->tenant.s,
		.interfaces = ret->interfaces,
		.n_interfaces = meta->n_networks,
		.ports = spec->network.ports,
		.n_ports = spec->network.n_ports,
		.rules = ret->rules.v,
		.n_rules = ret->rules.n,
		.groups = ret->groups,
		.n_groups = ret->n_groups,
	};
	return 0;
}

struct proxy_plan instance_plan_proxy(const struct instance_plan *p, const struct meta *meta)
{
	struct proxy_plan proxy = {
		.instance = p->net.instance,
		.ports = p->net.ports,
		.n_ports = p->net.n_ports,
		.uid = (meta->ids.count ? meta->ids.first : 0) + NOBODY,
	};

	for (size_t i = 0; i < p->net.n_interfaces; i++) {
		const struct net_interface *in = &p->interfaces[i];

		if (in->network && !proxy.addresses.v4.s_addr && in->address4.s_addr) {
			proxy.addresses.v4 = in->address4;
			proxy.gateways.v4 = in->network->gateway4;
		}
		if (in->network && IN6_IS_ADDR_UNSPECIFIED(&proxy.addresses.v6) &&
		    !IN6_IS_ADDR_UNSPECIFIED(&in->address6)) {
			proxy.addresses.v6 = in->address6;
			proxy.gateways.v6 = in->network->gateway6;
		}
	}
	return proxy;
}

struct net_addresses instance_plan_addresses(const struct instance_plan *p)
{
	struct net_addresses a = { .v4.s_addr = 0 };

	for (size_t i = 0; i < p->net.n_interfaces; i++) {
		const struct net_interface *in = &p->interfaces[i];

		if (!in->network)
			continue;
		if (!a.v4.s_addr)
			a.v4 = in->address4;
		if (IN6_IS_ADDR_UNSPECIFIED(&a.v6))
			a.v6 = in->address6;
	}
	return a;
}
