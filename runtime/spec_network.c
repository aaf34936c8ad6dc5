/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The spec's "network". Addresses and ports have one parser each, in spec_set.c and netsetup/. */
#include "runtime/spec_priv.h"

#define SPEC(member) offsetof(struct jail_spec, member)

static const char *const modes[] = {
	[SPEC_NETWORK_BRIDGE] = "bridge",
	[SPEC_NETWORK_NONE] = "none",
	[SPEC_NETWORK_HOST] = "host",
	NULL,
};
static const char *const later_modes[] = { "macvlan", "path", NULL };
const struct decode_words spec_network_words = { modes, later_modes };

/* A setter of the spec for each string of an array. */
static int decode_set(const struct decoder *d, const struct json *node, void *base,
		      int (*set)(struct jail_spec *s, const char *text, struct err *e),
		      struct err *e)
{
	const char *text = NULL;
	int r = decode_string(d, node, 64, &text, e);

	if (r < 0)
		return r;
	r = set(base, text, e);
	return r < 0 ? decode_wrap(d, node, e) : 0;
}

static int decode_address_item(const struct decoder *d, const struct json *node, void *base,
			       struct err *e)
{
	return decode_set(d, node, base, spec_set_address, e);
}

static int decode_address(const struct decoder *d, const struct json *node, void *base,
			  const struct decode_field *f, struct err *e)
{
	if (node->type == JSON_ARRAY && node->count > 1)
		return json_err(d->doc, node, e, EOPNOTSUPP,
				"more than one address is not supported yet");
	return decode_array(d, node, base, f, e);
}

static int decode_dns(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	return decode_set(d, node, base, spec_add_dns, e);
}

static int decode_port(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	return decode_set(d, node, base, spec_add_port, e);
}

static int decode_bridge(const struct decoder *d, const struct json *node, void *base,
			 const struct decode_field *f, struct err *e)
{
	int r = decode_type(d, node, JSON_STRING, e);

	(void)base;
	(void)f;
	if (r < 0)
		return r;
	if (!str_eq(node->text, "default"))
		return json_err(d->doc, node, e, EOPNOTSUPP,
				"\"%.100s\": only \"default\", further bridges are not supported "
				"yet",
				node->text);
	return 0;
}

static const struct decode_field fields[] = {
	{ .key = "mode",
	  .decode = decode_word,
	  .offset = SPEC(network.mode),
	  .words = &spec_network_words },
	{ .key = "bridge", .decode = decode_bridge },
	{ .key = "address", .decode = decode_address, .item = decode_address_item },
	{ .key = "dns", .decode = decode_array, .item = decode_dns, .max = LIMIT_DNS },
	{ .key = "ports", .decode = decode_array, .item = decode_port, .max = LIMIT_PORTS },
	{ .key = "ingress", .decode = decode_later },
	{ .key = "egress", .decode = decode_later },
};

const struct decode_table spec_network_table = { .fields = fields, .n = ARRAY_SIZE(fields) };
