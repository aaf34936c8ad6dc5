/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ExposedPorts: the keys of an object, "80/tcp", "80", and ranges, "8000-8010/udp". */
#include <netinet/in.h>
#include <strings.h>

#include "base/num.h"
#include "images/config_priv.h"

static const struct {
	const char *name;
	uint8_t protocol;
} port_protocols[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "sctp", IPPROTO_SCTP },
};

struct port_range {
	uint64_t first, last;
	uint8_t protocol;
};

/* The n bytes at text as a port. */
static bool port_number(const char *text, size_t n, uint64_t *ret)
{
	char digits[8] = "";
	struct err ignored;

	if (n >= sizeof(digits))
		return false;
	memcpy(digits, text, n);
	return num_parse_u64(digits, 1, 65535, ret, &ignored) == 0;
}

static bool port_protocol(const char *name, uint8_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(port_protocols); i++) {
		if (strcasecmp(name, port_protocols[i].name) == 0) {
			*ret = port_protocols[i].protocol;
			return true;
		}
	}
	return false;
}

static bool port_range_parse(const char *text, struct port_range *ret)
{
	size_t n = strcspn(text, "/"), first = strcspn(text, "-/");

	ret->protocol = IPPROTO_TCP;
	if (text[n] == '/' && !port_protocol(text + n + 1, &ret->protocol))
		return false;
	if (!port_number(text, first, &ret->first))
		return false;
	ret->last = ret->first;
	if (first < n && !port_number(text + first + 1, n - first - 1, &ret->last))
		return false;
	return ret->first <= ret->last;
}

/* By number, then by protocol. */
static int port_compare(const void *a, const void *b)
{
	const struct image_port *x = a, *y = b;

	return x->port != y->port ? x->port - y->port : x->protocol - y->protocol;
}

/* "80" and "80/tcp" are one. */
static void port_unify(struct image_config *c)
{
	size_t kept = 0;

	qsort(c->ports, c->n_ports, sizeof(*c->ports), port_compare);
	for (size_t i = 0; i < c->n_ports; i++)
		if (kept == 0 || port_compare(&c->ports[kept - 1], &c->ports[i]) != 0)
			c->ports[kept++] = c->ports[i];
	c->n_ports = kept;
}

int config_ports(const struct json_doc *doc, const struct json *v, void *target, struct err *e)
{
	struct image_config *c = target;
	int r = doc_expect(doc, v, JSON_OBJECT, e);

	if (r < 0 || v->count == 0)
		return r;
	c->ports = calloc(LIMIT_PORTS, sizeof(*c->ports));
	if (!c->ports)
		return err_nomem(e);
	for (const struct json *m = v->first; m; m = m->next) {
		struct port_range range = { .first = 0 };

		if (!port_range_parse(m->key, &range))
			return json_err_key(doc, m, e, EINVAL,
					    "expected PORT[-LAST][/tcp|/udp|/sctp], ports of 1 to "
					    "65535");
		if (range.last - range.first >= LIMIT_PORTS - c->n_ports)
			return json_err_key(doc, m, e, E2BIG, "more than %d ports", LIMIT_PORTS);
		for (uint64_t port = range.first; port <= range.last; port++)
			c->ports[c->n_ports++] = (struct image_port){ .port = (uint16_t)port,
								      .protocol = range.protocol };
	}
	port_unify(c);
	return 0;
}
