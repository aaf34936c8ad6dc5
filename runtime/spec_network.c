/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spec's "network" out of JSON. One interface has a short form, members of "network" itself;
 * several are in "interfaces". Both lead to the same list. The network "default" is "" there until
 * spec_finish(), so that what says the same decodes to the same value.
 */
#include "runtime/spec_priv.h"

#define SPEC(member) offsetof(struct jail_spec, member)
#define INTERFACE(member) offsetof(struct spec_interface, member)
#define NOTATION_MAX 80 /* code points of an address or port */

static const char *const modes[] = {
	[SPEC_NETWORK_BRIDGE] = "bridge",     [SPEC_NETWORK_ROUTED] = "routed",
	[SPEC_NETWORK_MACVLAN] = "macvlan",   [SPEC_NETWORK_NONE] = "none",
	[SPEC_NETWORK_HOST] = "host",	      [SPEC_NETWORK_PATH] = "path",
	[SPEC_NETWORK_INSTANCE] = "instance", NULL,
};
const struct decode_words spec_network_words = { modes, NULL };

const char *spec_network_mode_name(enum spec_network_mode mode)
{
	return modes[mode];
}

/* ---- an interface; base is a struct spec_interface */

static int decode_network_name(const struct decoder *d, const struct json *node, void *base,
			       const struct decode_field *f, struct err *e)
{
	struct spec_interface *i = base;
	struct jail_name name = { .s = "" };
	int r = decode_type(d, node, JSON_STRING, e);

	(void)f;
	if (r < 0)
		return r;
	if (name_parse("network", node->text, &name, e) < 0)
		return decode_wrap(d, node, e);
	if (str_eq(name.s, SPEC_NETWORK_DEFAULT))
		name.s[0] = '\0';
	i->network = name;
	return 0;
}

static int decode_address(const struct decoder *d, const struct json *node, void *base,
			  struct err *e)
{
	struct spec_interface *i = base, one = { .prefix4 = 0 };
	const char *text = NULL;
	int r = decode_string(d, node, NOTATION_MAX, &text, e);

	if (r < 0)
		return r;
	if (spec_interface_set_address(&one, text, e) < 0)
		return decode_wrap(d, node, e);
	if (one.addresses.v4.s_addr ? i->addresses.v4.s_addr != 0
				    : !IN6_IS_ADDR_UNSPECIFIED(&i->addresses.v6))
		return json_err(d->doc, node, e, EINVAL, "a second %s address; one is the most",
				one.addresses.v4.s_addr ? "IPv4" : "IPv6");
	(void)spec_interface_set_address(i, text, e);
	return 0;
}

#define RATE(member) offsetof(struct net_rate, member)
static const struct decode_field rate_fields[] = {
	{ .key = "rate",
	  .decode = decode_quantity_text,
	  .offset = RATE(bits_per_second),
	  .parse = spec_parse_rate,
	  .required = true },
	{ .key = "burst",
	  .decode = decode_quantity,
	  .offset = RATE(burst_bytes),
	  .min = 1,
	  .max = SPEC_INTEGER_SIZE_MAX,
	  .parse = spec_parse_positive_size },
};
static const struct decode_table rate_table = { .fields = rate_fields,
						.n = ARRAY_SIZE(rate_fields) };

static int decode_rate(const struct decoder *d, const struct json *node, void *base,
		       const struct decode_field *f, struct err *e)
{
	struct net_rate rate = { .burst_bytes = 0 };
	int r;

	if (node->type != JSON_STRING && node->type != JSON_OBJECT)
		return json_err(d->doc, node, e, EINVAL, "expected a string or an object, not %s",
				json_type_name(node->type));
	if (node->type == JSON_OBJECT)
		r = decode_object(d, node, &rate, &rate_table, e);
	else
		r = decode_quantity_text(d, node, &rate, &rate_fields[0], e);
	if (r < 0)
		return r;
	*(struct net_rate *)((char *)base + f->offset) = rate;
	return 0;
}

static const struct decode_field interface_fields[] = {
	{ .key = "network", .decode = decode_network_name },
	{ .key = "address", .decode = decode_array, .item = decode_address, .max = 2 },
	{ .key = "ingress", .decode = decode_rate, .offset = INTERFACE(ingress) },
	{ .key = "egress", .decode = decode_rate, .offset = INTERFACE(egress) },
};
static const struct decode_table interface_table = { .fields = interface_fields,
						     .n = ARRAY_SIZE(interface_fields) };

/* ---- the two forms; base is a struct jail_spec */

/* A member of "network" that belongs to its one interface: the field of the interface's table in
 * the row's place. */
static int decode_short(const struct decoder *d, const struct json *node, void *base,
			const struct decode_field *f, struct err *e)
{
	struct spec_interface one = { .prefix4 = 0 }, *i = &one;
	const struct decode_field *field = &interface_fields[f->min];
	struct jail_spec *s = base;
	int r;

	if (s->network.n_interfaces > 0)
		one = s->network.interfaces[0];
	r = field->decode(d, node, &one, field, e);
	if (r < 0 || spec_interface_is_empty(&one))
		return r;
	i = spec_interface_last(s, e);
	if (!i)
		return -e->code;
	*i = one;
	return 0;
}

static int decode_interface(const struct decoder *d, const struct json *node, void *base,
			    struct err *e)
{
	struct spec_interface *i = spec_interface_add(base, e);

	return i ? decode_object(d, node, i, &interface_table, e) : -e->code;
}

static int decode_interfaces(const struct decoder *d, const struct json *node, void *base,
			     const struct decode_field *f, struct err *e)
{
	static const char *const shorts[] = { "bridge", "address", "ingress", "egress" };
	struct jail_spec *s = base;
	int r;

	for (size_t k = 0; k < ARRAY_SIZE(shorts); k++)
		if (json_get(node->parent, shorts[k])) {
			(void)json_err_key(d->doc, node, e, EINVAL,
					   "either \"interfaces\" or \"%s\", not both", shorts[k]);
			return err_hint(e, "what one interface has goes into \"interfaces\"");
		}
	r = decode_array(d, node, base, f, e);
	if (r < 0)
		return r;
	if (node->count == 0)
		return json_err(d->doc, node, e, EINVAL, "expected 1 to %d interfaces",
				NET_INTERFACES_MAX);
	if (s->network.n_interfaces == 1 && spec_interface_is_empty(s->network.interfaces))
		s->network.n_interfaces = 0;
	return 0;
}

static int decode_instance(const struct decoder *d, const struct json *node, void *base,
			   const struct decode_field *f, struct err *e)
{
	struct jail_spec *s = base;
	int r = decode_type(d, node, JSON_STRING, e);

	(void)f;
	if (r < 0)
		return r;
	r = name_parse("instance", node->text, &s->network.instance, e);
	return r < 0 ? decode_wrap(d, node, e) : 0;
}

/* A setter of the spec for each string of an array. */
static int decode_set(const struct decoder *d, const struct json *node, void *base,
		      int (*set)(struct jail_spec *s, const char *text, struct err *e),
		      struct err *e)
{
	const char *text = NULL;
	int r = decode_string(d, node, NOTATION_MAX, &text, e);

	if (r < 0)
		return r;
	r = set(base, text, e);
	return r < 0 ? decode_wrap(d, node, e) : 0;
}

static int decode_dns(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	return decode_set(d, node, base, spec_add_dns, e);
}

static int decode_port(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	return decode_set(d, node, base, spec_add_port, e);
}

/* Their notation is judged by spec_check_network(), which knows the tenant. */
static int decode_rule(const struct decoder *d, const struct json *node, struct strv *lines,
		       struct err *e)
{
	const char *text = NULL;
	int r = decode_string(d, node, SPEC_RULE_MAX, &text, e);

	if (r < 0)
		return r;
	if (!*text)
		return json_err(d->doc, node, e, EINVAL, "is empty");
	for (const char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			return json_err(d->doc, node, e, EINVAL,
					"a rule is one line of ASCII characters");
	return strv_add(lines, text) < 0 ? err_nomem(e) : 0;
}

static int decode_allow(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	return decode_rule(d, node, &((struct jail_spec *)base)->network.allow, e);
}

static int decode_deny(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	return decode_rule(d, node, &((struct jail_spec *)base)->network.deny, e);
}

static const struct decode_field fields[] = {
	{ .key = "mode",
	  .decode = decode_word,
	  .offset = SPEC(network.mode),
	  .words = &spec_network_words },
	/* min: the row of interface_fields. */
	{ .key = "bridge", .decode = decode_short, .min = 0 },
	{ .key = "address", .decode = decode_short, .min = 1 },
	{ .key = "interfaces",
	  .decode = decode_interfaces,
	  .item = decode_interface,
	  .max = NET_INTERFACES_MAX },
	{ .key = "path",
	  .decode = decode_text,
	  .offset = SPEC(network.path),
	  .check = spec_check_path },
	{ .key = "instance", .decode = decode_instance },
	{ .key = "dns", .decode = decode_array, .item = decode_dns, .max = LIMIT_DNS },
	{ .key = "ports", .decode = decode_array, .item = decode_port, .max = LIMIT_PORTS },
	{ .key = "ingress", .decode = decode_short, .min = 2 },
	{ .key = "egress", .decode = decode_short, .min = 3 },
	{ .key = "allow", .decode = decode_array, .item = decode_allow, .max = LIMIT_RULES },
	{ .key = "deny", .decode = decode_array, .item = decode_deny, .max = LIMIT_RULES },
};

const struct decode_table spec_network_table = { .fields = fields, .n = ARRAY_SIZE(fields) };
