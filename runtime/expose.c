/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of the host for those that an image exposes. The search begins anywhere in the range, so
 * that two at the same time hardly ever choose the same.
 */
#include <sys/random.h>

#include "netsetup/port.h"
#include "runtime/engine_priv.h"
#include "runtime/image_defaults.h"
#include "runtime/spec_priv.h"

#define EXPOSE_FIRST 49152u /* RFC 6335: dynamic ports */
#define EXPOSE_COUNT (65536u - EXPOSE_FIRST)

struct expose {
	struct jail *j;
	struct jail_spec *s;
	struct jail_name owner; /* of a lease that is taken to see whether it can be */
	struct net_port *others; /* of all instances; owned */
	size_t n_others;
	unsigned next; /* from EXPOSE_FIRST on */
};

static void expose_free(struct expose *x)
{
	free(x->others);
}

static int expose_note(struct expose *x, const struct instance_info *i)
{
	size_t n = i->spec.network.n_ports;
	struct net_port *grown;

	if (n == 0)
		return 0;
	grown = reallocarray(x->others, x->n_others + n, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	x->others = grown;
	memcpy(x->others + x->n_others, i->spec.network.ports, n * sizeof(*grown));
	x->n_others += n;
	return 0;
}

static int expose_note_all(struct expose *x, struct err *e)
{
	CLEANUP_STRV struct strv names = { 0 };
	int r = instance_names(x->j, &names, e);

	for (size_t i = 0; i < names.n && r >= 0; i++) {
		struct instance_info info CLEANUP_INFO = { .id = "" };
		struct err ignored = ERR_INIT;
		struct jail_name name;

		/* One that vanishes, or is damaged, publishes nothing. */
		if (name_parse("instance", names.v[i], &name, &ignored) >= 0 &&
		    instance_info(x->j, &name, true, &info, &ignored) >= 0 &&
		    expose_note(x, &info) < 0)
			r = err_nomem(e);
	}
	return r;
}

/* In whatever protocol: one number is one instance's. */
static bool collides(const struct net_port *port, const struct net_port *v, size_t n)
{
	struct net_port p = *port;

	for (size_t i = 0; i < n; i++) {
		p.protocol = v[i].protocol;
		if (net_ports_collide(&p, &v[i]))
			return true;
	}
	return false;
}

/* Return: 1 it is free, 0 not, negative. */
static int expose_try(struct expose *x, const struct net_port *port, struct err *e)
{
	const struct jail_spec *s = x->s;
	struct err why = ERR_INIT;
	int r;

	if (collides(port, s->network.ports, s->network.n_ports) ||
	    collides(port, x->others, x->n_others))
		return 0;
	r = net_ports_lease(x->j->ports, port, 1, &x->owner, &why);
	if (r >= 0)
		net_ports_release(x->j->ports, port, 1, &x->owner);
	if (r < 0 && r != -EADDRINUSE)
		*e = why;
	return r == -EADDRINUSE ? 0 : r < 0 ? r : 1;
}

static int expose_one(struct expose *x, const struct image_port *exposed, struct err *e)
{
	struct net_port port = { .family = AF_UNSPEC,
				 .port = exposed->port,
				 .count = 1,
				 .protocol = exposed->protocol };
	char text[NET_PORT_TEXT_MAX];

	for (unsigned i = 0; i < EXPOSE_COUNT; i++) {
		int r;

		port.host_port = (uint16_t)(EXPOSE_FIRST + x->next);
		x->next = (x->next + 1) % EXPOSE_COUNT;
		r = expose_try(x, &port, e);
		if (r < 0)
			return r;
		if (r > 0) {
			net_port_format(&port, text);
			return spec_add_port(x->s, text, e);
		}
	}
	return err_set(e, EADDRINUSE, "no port of the host from %u on is free", EXPOSE_FIRST);
}

static bool is_published(const struct jail_spec *s, const struct image_port *exposed)
{
	for (size_t i = 0; i < s->network.n_ports; i++) {
		const struct net_port *p = &s->network.ports[i];

		if (p->protocol == exposed->protocol && exposed->port >= p->port &&
		    exposed->port - p->port < p->count)
			return true;
	}
	return false;
}

static int expose_all(struct expose *x, const struct image_config *c, struct err *e)
{
	int r = engine_ports(x->j, e);

	if (r >= 0)
		r = engine_new_id(&x->owner, e);
	if (r >= 0)
		r = expose_note_all(x, e);
	if (r >= 0 && getrandom(&x->next, sizeof(x->next), 0) != (ssize_t)sizeof(x->next))
		r = err_sys(e, "random number");
	x->next %= EXPOSE_COUNT;
	for (size_t i = 0; r >= 0 && i < c->n_ports; i++)
		if (!is_published(x->s, &c->ports[i]))
			r = expose_one(x, &c->ports[i], e);
	return r < 0 ? r : 0;
}

int jail_publish_exposed(struct jail *j, struct jail_spec *s, struct err *e)
{
	CLEANUP(expose_free) struct expose x = { .j = j, .s = s };
	CLEANUP_IMAGE_CONFIG struct image_config c = { .author = NULL };
	struct image image;
	int r = image_of_spec(j, s, &image, e);

	if (r > 0)
		r = image_read_config(j, &image, &c, e);
	if (r > 0)
		r = expose_all(&x, &c, e);
	return r < 0 ? err_wrap(e, "publish the image's ports") : 0;
}
