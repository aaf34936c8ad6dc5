/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of a network in JSON: of the configuration, and of the store's files. */
#include "runtime/networks_priv.h"

static struct net_network *network_in(void *base, const struct decode_field *f)
{
	return (struct net_network *)(void *)((char *)base + f->offset);
}

static int of_family(const struct decoder *d, const struct json *node, int family, struct err *e)
{
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0 || (strchr(node->text, ':') != NULL) == (family == AF_INET6))
		return r;
	return json_err(d->doc, node, e, EINVAL, "\"%.64s\": not of IPv%d", node->text,
			family == AF_INET6 ? 6 : 4);
}

static int decode_subnet(const struct decoder *d, const struct json *node, struct net_network *n,
			 int family, struct err *e)
{
	int r = of_family(d, node, family, e);

	if (r < 0)
		return r;
	return network_set_subnet(n, node->text, e) < 0 ? decode_wrap(d, node, e) : 0;
}

static int decode_gateway(const struct decoder *d, const struct json *node, struct net_network *n,
			  int family, struct err *e)
{
	int r = of_family(d, node, family, e);

	if (r < 0)
		return r;
	return network_set_gateway(n, node->text, e) < 0 ? decode_wrap(d, node, e) : 0;
}

int network_decode_subnet4(const struct decoder *d, const struct json *node, void *base,
			   const struct decode_field *f, struct err *e)
{
	return decode_subnet(d, node, network_in(base, f), AF_INET, e);
}

int network_decode_subnet6(const struct decoder *d, const struct json *node, void *base,
			   const struct decode_field *f, struct err *e)
{
	return decode_subnet(d, node, network_in(base, f), AF_INET6, e);
}

int network_decode_gateway4(const struct decoder *d, const struct json *node, void *base,
			    const struct decode_field *f, struct err *e)
{
	return decode_gateway(d, node, network_in(base, f), AF_INET, e);
}

int network_decode_gateway6(const struct decoder *d, const struct json *node, void *base,
			    const struct decode_field *f, struct err *e)
{
	return decode_gateway(d, node, network_in(base, f), AF_INET6, e);
}

int network_decode_uplink(const struct decoder *d, const struct json *node, void *base,
			  const struct decode_field *f, struct err *e)
{
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	if (network_check_interface(node->text, e) < 0)
		return decode_wrap(d, node, e);
	memcpy(network_in(base, f)->uplink, node->text, node->len + 1);
	return 0;
}

int network_decode_mtu(const struct decoder *d, const struct json *node, void *base,
		       const struct decode_field *f, struct err *e)
{
	int64_t v = 0;
	int r = decode_integer(d, node, 0, 65535, &v, e);

	if (r < 0)
		return r;
	network_in(base, f)->mtu = (unsigned)v;
	return 0;
}
