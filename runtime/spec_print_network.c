/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "network" as JSON: one interface in the short form, several in the long one. */
#include "runtime/spec_priv.h"

#include <arpa/inet.h>

#include "netsetup/port.h"

#define ADDRESS_TEXT (INET6_ADDRSTRLEN + 4)

static void format_address(int family, const void *address, unsigned prefix,
			   char ret[static ADDRESS_TEXT])
{
	char text[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(family, address, text, sizeof(text));
	if (prefix > 0)
		(void)str_format(ret, ADDRESS_TEXT, "%s/%u", text, prefix);
	else
		(void)str_format(ret, ADDRESS_TEXT, "%s", text);
}

static void print_addresses(const struct spec_interface *i, struct spec_section *s)
{
	char text[ADDRESS_TEXT];
	bool four = i->addresses.v4.s_addr != 0;
	bool six = !IN6_IS_ADDR_UNSPECIFIED(&i->addresses.v6);

	if (!four && !six)
		return;
	json_out_array(spec_in(s), "address");
	if (four) {
		format_address(AF_INET, &i->addresses.v4, i->prefix4, text);
		json_out_str(s->o, NULL, text);
	}
	if (six) {
		format_address(AF_INET6, &i->addresses.v6, i->prefix6, text);
		json_out_str(s->o, NULL, text);
	}
	json_out_array_end(s->o);
}

static void print_rate(const struct net_rate *rate, const char *key, struct spec_section *s)
{
	char text[SPEC_RATE_TEXT];

	if (!rate->bits_per_second)
		return;
	spec_format_rate(rate->bits_per_second, text, sizeof(text));
	if (!rate->burst_bytes) {
		json_out_str(spec_in(s), key, text);
		return;
	}
	json_out_object(spec_in(s), key);
	json_out_str(s->o, "rate", text);
	spec_out_size(s->o, "burst", rate->burst_bytes);
	json_out_object_end(s->o);
}

static void print_interfaces(const struct jail_spec *s, struct spec_section *n)
{
	json_out_array(spec_in(n), "interfaces");
	for (size_t k = 0; k < s->network.n_interfaces; k++) {
		const struct spec_interface *i = &s->network.interfaces[k];
		struct spec_section one = { n->o, NULL, true, NULL };

		json_out_object(n->o, NULL);
		json_out_str(n->o, "network",
			     i->network.s[0] ? i->network.s : SPEC_NETWORK_DEFAULT);
		print_addresses(i, &one);
		print_rate(&i->ingress, "ingress", &one);
		print_rate(&i->egress, "egress", &one);
		json_out_object_end(n->o);
	}
	json_out_array_end(n->o);
}

static void print_strings(const char *key, char *const *strings, size_t count,
			  struct spec_section *n)
{
	if (count == 0)
		return;
	json_out_array(spec_in(n), key);
	for (size_t i = 0; i < count; i++)
		json_out_str(n->o, NULL, strings[i]);
	json_out_array_end(n->o);
}

static void print_ports(const struct jail_spec *s, struct spec_section *n)
{
	char text[NET_PORT_TEXT_MAX];

	if (s->network.n_ports == 0)
		return;
	json_out_array(spec_in(n), "ports");
	for (size_t i = 0; i < s->network.n_ports; i++) {
		net_port_format(&s->network.ports[i], text);
		json_out_str(n->o, NULL, text);
	}
	json_out_array_end(n->o);
}

void spec_print_network(const struct jail_spec *s, bool interfaces, struct json_out *o)
{
	struct spec_section n = { o, "network", false, NULL };
	const struct spec_interface *one = s->network.interfaces;
	bool in_short = s->network.n_interfaces == 1 && !interfaces;

	if (s->network.mode != SPEC_NETWORK_BRIDGE)
		json_out_str(spec_in(&n), "mode", spec_network_mode_name(s->network.mode));
	if (in_short && one->network.s[0] && !str_eq(one->network.s, SPEC_NETWORK_DEFAULT))
		json_out_str(spec_in(&n), "bridge", one->network.s);
	if (in_short)
		print_addresses(one, &n);
	else if (s->network.n_interfaces > 0)
		print_interfaces(s, &n);
	if (s->network.path)
		json_out_str(spec_in(&n), "path", s->network.path);
	if (s->network.instance.s[0])
		json_out_str(spec_in(&n), "instance", s->network.instance.s);
	print_strings("dns", s->network.dns, s->network.n_dns, &n);
	print_ports(s, &n);
	if (in_short) {
		print_rate(&one->ingress, "ingress", &n);
		print_rate(&one->egress, "egress", &n);
	}
	print_strings("allow", s->network.allow.v, s->network.allow.n, &n);
	print_strings("deny", s->network.deny.v, s->network.deny.n, &n);
	spec_section_end(&n);
}
