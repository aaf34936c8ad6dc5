/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network parts of meta.json and state.json: one element for each interface, null for a gap. */
#include "runtime/records_priv.h"

#include <arpa/inet.h>

static void address_to_json(struct json_out *o, const char *key, int family, const void *address)
{
	char text[INET6_ADDRSTRLEN];

	json_out_str(o, key, inet_ntop(family, address, text, sizeof(text)));
}

void meta_networks_write(struct json_out *o, const struct meta *m)
{
	json_out_array(o, "networks");
	for (size_t i = 0; i < m->n_networks; i++) {
		const struct meta_network *n = &m->networks[i];

		if (!n->network.s[0]) {
			json_out_null(o, NULL);
			continue;
		}
		json_out_object(o, NULL);
		json_out_str(o, "network", n->network.s);
		if (n->addresses.v4.s_addr)
			address_to_json(o, "address4", AF_INET, &n->addresses.v4);
		if (!IN6_IS_ADDR_UNSPECIFIED(&n->addresses.v6))
			address_to_json(o, "address6", AF_INET6, &n->addresses.v6);
		json_out_object_end(o);
	}
	json_out_array_end(o);
}

/* An address that may be missing. */
static int get_address(const struct json_doc *doc, const struct json *node, const char *key,
		       int family, void *ret, struct err *e)
{
	const struct json *v = json_get(node, key);

	if (v && (v->type != JSON_STRING || inet_pton(family, v->text, ret) != 1))
		return json_err(doc, v, e, EBADMSG, "is not an address");
	return 0;
}

static int meta_network_read(const struct json_doc *doc, const struct json *node,
			     struct meta_network *ret, struct err *e)
{
	const struct json *name;
	struct err why = ERR_INIT;
	int r;

	if (node->type == JSON_NULL)
		return 0;
	name = node->type == JSON_OBJECT ? json_get(node, "network") : NULL;
	if (!name || name->type != JSON_STRING ||
	    name_parse("network", name->text, &ret->network, &why) < 0)
		return json_err(doc, node, e, EBADMSG, "is not the record of an interface");
	r = get_address(doc, node, "address4", AF_INET, &ret->addresses.v4, e);
	return r < 0 ? r : get_address(doc, node, "address6", AF_INET6, &ret->addresses.v6, e);
}

/* "networks", an array of bounded length; NULL when there is none. */
static int get_networks(const struct json_doc *doc, const struct json *root,
			const struct json **ret, struct err *e)
{
	const struct json *v = json_get(root, "networks");

	if (v && (v->type != JSON_ARRAY || v->count > NET_INTERFACES_MAX))
		return json_err(doc, v, e, EBADMSG, "\"networks\" must be an array of at most %d",
				NET_INTERFACES_MAX);
	*ret = v ? v->first : NULL;
	return 0;
}

int meta_networks_read(const struct json_doc *doc, const struct json *root, struct meta *m,
		       struct err *e)
{
	const struct json *node = NULL;
	int r = get_networks(doc, root, &node, e);

	for (; node && r >= 0; node = node->next)
		r = meta_network_read(doc, node, &m->networks[m->n_networks++], e);
	return r;
}

void state_networks_write(struct json_out *o, const struct net_attachment *a)
{
	json_out_array(o, "networks");
	for (size_t i = 0; i < NET_INTERFACES_MAX; i++) {
		if (!a->v[i].host_interface[0]) {
			json_out_null(o, NULL);
			continue;
		}
		json_out_object(o, NULL);
		json_out_str(o, "interface", a->v[i].host_interface);
		json_out_bool(o, "routed", a->v[i].routed);
		if (a->v[i].segment)
			json_out_u64(o, "segment", a->v[i].segment);
		json_out_object_end(o);
	}
	json_out_array_end(o);
}

int state_networks_read(const struct json_doc *doc, const struct json *root,
			struct net_attachment *a, struct err *e)
{
	const struct json *node = NULL;
	size_t i = 0;
	int r = get_networks(doc, root, &node, e);

	for (; node && r >= 0; node = node->next, i++) {
		const struct json *name, *routed, *segment;

		if (node->type == JSON_NULL)
			continue;
		name = node->type == JSON_OBJECT ? json_get(node, "interface") : NULL;
		routed = node->type == JSON_OBJECT ? json_get(node, "routed") : NULL;
		segment = node->type == JSON_OBJECT ? json_get(node, "segment") : NULL;
		if (!name || name->type != JSON_STRING || !routed || routed->type != JSON_BOOL ||
		    (segment &&
		     (!segment->is_int || segment->integer < 0 || segment->integer > UINT32_MAX)) ||
		    str_format(a->v[i].host_interface, sizeof(a->v[i].host_interface), "%s",
			       name->text) < 0)
			return json_err(doc, node, e, EBADMSG, "the network part is damaged");
		a->v[i].routed = routed->boolean;
		a->v[i].segment = segment ? (unsigned)segment->integer : 0;
	}
	return r;
}
