/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who publishes which port. As with bind(2), a port on every address and the same port on one
 * address exclude each other; the same port on two addresses, or in two families, does not. Leases:
 *
 *     tcp-8080                     published on every address of both families
 *     tcp-8080-0.0.0.0             on every IPv4 address; "tcp-8080-::": on every IPv6 address
 *     tcp-8080-192.0.2.7           on this one
 *     tcp-8080@/192.0.2.7          only a hint that a lease with this address may be there
 *     ranges/tcp-8000-8010         a range; "-ADDRESS" may follow
 *
 * Each takes its lease first (a single port on an address then makes the hint), and looks for
 * others afterwards, so of two at once at least one sees the other. A port on one address asks for
 * the two names that cover it; one on every address looks into tcp-8080@, which nearly always is
 * not there, and at the leases that it hints at. Each goes through ranges/, which nearly always is
 * not there either. So a single port costs the same however many others there are; a range asks
 * what a single port does for each of its numbers. A hint goes before its lease does; only the
 * lease's owner removes it. A hint without a lease, after a crash, means nothing.
 */
#include "netsetup/port_priv.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/lease.h"
#include "base/str.h"

#define PORT_RANGES "ranges"
#define PORT_ATTEMPTS 64

static int port_open_directory(int pool_dir, const char *name)
{
	int fd = openat(pool_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int net_ports_open_ranges(int pool_dir)
{
	return port_open_directory(pool_dir, PORT_RANGES);
}

/* Opens a directory of the pool, making it when it is missing. Return: fd, or -errno: -ENOENT when
 * another one removed it, empty, between the two steps. */
static int port_make_directory(int pool_dir, const char *name, struct err *e)
{
	int fd;

	if (mkdirat(pool_dir, name, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make %s in the pool of ports", name);
	fd = port_open_directory(pool_dir, name);
	return fd < 0 && fd != -ENOENT ? err_ret(e, fd, "open %s in the pool of ports", name) : fd;
}

static int port_make_hint(int pool_dir, const struct port_lease *l, struct err *e)
{
	for (int attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
		CLEANUP_FD int dir = port_make_directory(pool_dir, l->hints, e);

		if (dir == -ENOENT)
			continue;
		if (dir < 0)
			return dir;
		if (symlinkat("lease", dir, l->address) == 0 || errno == EEXIST)
			return 0;
		if (errno != ENOENT)
			return err_sys(e, "make a hint in %s of the pool of ports", l->hints);
	}
	return err_set(e, EAGAIN, "make a hint in %s: too many at once; try again", l->hints);
}

static void port_remove_hint(int pool_dir, const struct port_lease *l)
{
	CLEANUP_FD int dir = port_open_directory(pool_dir, l->hints);

	if (dir < 0)
		return;
	(void)unlinkat(dir, l->address, 0);
	(void)unlinkat(pool_dir, l->hints, AT_REMOVEDIR); /* refused while another is there */
}

static void port_drop(int pool_dir, const struct port_lease *l, const struct jail_name *owner)
{
	struct jail_name holder;
	CLEANUP_FD int ranges = -EBADF;

	if (l->port->count > 1) {
		ranges = net_ports_open_ranges(pool_dir);
		if (ranges < 0)
			return;
		(void)lease_drop(ranges, l->key, owner);
		(void)unlinkat(pool_dir, PORT_RANGES, AT_REMOVEDIR);
		return;
	}
	if (lease_holder(pool_dir, l->key, &holder) < 0 || !str_eq(holder.s, owner->s))
		return;
	if (l->hints[0])
		port_remove_hint(pool_dir, l);
	(void)lease_drop(pool_dir, l->key, owner);
}

/* Return: 1 when somebody else has that lease. */
static int port_has_other(int dir, const char *key, const struct jail_name *owner,
			  struct jail_name *ret_holder)
{
	return lease_holder(dir, key, ret_holder) == 0 && !str_eq(ret_holder->s, owner->s);
}

typedef int port_entry_fn(int dir, const char *name, const struct net_port *port,
			  const struct jail_name *owner, struct jail_name *ret_holder);

/* Calls fn for each entry of a directory of the pool, until it returns 1. A missing one is empty.
 */
static int port_each(int pool_dir, const char *name, port_entry_fn *fn, const struct net_port *port,
		     const struct jail_name *owner, struct jail_name *ret_holder, struct err *e)
{
	CLEANUP_FD int fd = port_open_directory(pool_dir, name);
	CLEANUP_DIR DIR *d = NULL;
	struct dirent *ent;
	bool ranges = str_eq(name, PORT_RANGES);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return err_ret(e, fd, "open %s in the pool of ports", name);
	d = dir_take(&fd);
	if (!d)
		return err_nomem(e);
	for (errno = 0; (ent = readdir(d)); errno = 0)
		if (ent->d_name[0] != '.' &&
		    fn(ranges ? dirfd(d) : pool_dir, ent->d_name, port, owner, ret_holder) > 0)
			return 1;
	return errno ? err_sys(e, "read %s in the pool of ports", name) : 0;
}

static int port_look_at_range(int dir, const char *name, const struct net_port *port,
			      const struct jail_name *owner, struct jail_name *ret_holder)
{
	struct net_port other;

	return port_parse_range(name, &other) && net_ports_collide(port, &other) &&
	       port_has_other(dir, name, owner, ret_holder);
}

/* `name`: an address that tcp-8080@ hints at; `port`: a single one. */
static int port_look_at_hint(int dir, const char *name, const struct net_port *port,
			     const struct jail_name *owner, struct jail_name *ret_holder)
{
	struct net_port other = *port;
	char key[PORT_KEY_MAX];

	if (!port_parse_host(name, &other) || !net_ports_collide(port, &other))
		return 0;
	port_key(port->protocol, port->host_port, name, key);
	return port_has_other(dir, key, owner, ret_holder);
}

/* Leases of single ports that are in the way of a single one. */
static int port_find_single(int pool_dir, const struct net_port *one, const char *address,
			    const struct jail_name *owner, struct jail_name *ret_holder,
			    struct err *e)
{
	const char *any = one->family == AF_INET ? "0.0.0.0" : "::";
	char key[PORT_KEY_MAX];

	port_key(one->protocol, one->host_port, "", key);
	if (port_has_other(pool_dir, key, owner, ret_holder))
		return 1;
	if (port_is_any(one)) {
		port_hints(one->protocol, one->host_port, key);
		return port_each(pool_dir, key, port_look_at_hint, one, owner, ret_holder, e);
	}
	port_key(one->protocol, one->host_port, any, key);
	if (port_has_other(pool_dir, key, owner, ret_holder))
		return 1;
	port_key(one->protocol, one->host_port, address, key);
	return port_has_other(pool_dir, key, owner, ret_holder);
}

static int port_in_use(const struct net_port *port, const struct jail_name *holder, struct err *e)
{
	char shown[NET_PORT_TEXT_MAX];

	port_show(port, shown);
	return err_set(e, EADDRINUSE, "port %s is already published by %s", shown, holder->s);
}

/* One owner may have both of two that collide: its port on one address then goes before the one on
 * all. */
static int port_check_conflict(int pool_dir, const struct port_lease *l,
			       const struct jail_name *owner, struct err *e)
{
	struct net_port one = *l->port;
	struct jail_name holder;
	int r = port_each(pool_dir, PORT_RANGES, port_look_at_range, l->port, owner, &holder, e);

	if (r != 0)
		return r > 0 ? port_in_use(l->port, &holder, e) : r;
	one.count = 1;
	for (unsigned i = 0; i < l->port->count; i++) {
		one.host_port = (uint16_t)(l->port->host_port + i);
		r = port_find_single(pool_dir, &one, l->address, owner, &holder, e);
		if (r != 0)
			return r > 0 ? port_in_use(&one, &holder, e) : r;
	}
	return 0;
}

static int port_take_range(int pool_dir, const struct port_lease *l, const struct jail_name *owner,
			   struct jail_name *ret_holder, struct err *e)
{
	for (int attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
		CLEANUP_FD int dir = port_make_directory(pool_dir, PORT_RANGES, e);
		struct err why = ERR_INIT;
		int r = dir;

		if (r >= 0)
			r = lease_take(dir, l->key, owner, ret_holder, &why);
		if (r == -ENOENT)
			continue;
		if (r < 0 && r != -EEXIST && why.code)
			*e = why;
		return r;
	}
	return err_set(e, EAGAIN, "lease %s: too many at once; try again", l->key);
}

static int port_take_single(int pool_dir, const struct port_lease *l, const struct jail_name *owner,
			    struct jail_name *ret_holder, struct err *e)
{
	struct err why = ERR_INIT;
	int r = lease_take(pool_dir, l->key, owner, ret_holder, &why);

	if (r < 0 && r != -EEXIST)
		*e = why;
	return r < 0 || !l->hints[0] ? r : port_make_hint(pool_dir, l, e);
}

/* The owner has the lease from before. */
static bool port_is_held(int pool_dir, const struct port_lease *l, const struct jail_name *owner)
{
	CLEANUP_FD int ranges = l->port->count > 1 ? net_ports_open_ranges(pool_dir) : -EBADF;
	struct jail_name holder;

	return lease_holder(l->port->count > 1 ? ranges : pool_dir, l->key, &holder) == 0 &&
	       str_eq(holder.s, owner->s);
}

static int port_take(int pool_dir, const struct net_port *port, const struct jail_name *owner,
		     bool *ret_new, struct err *e)
{
	struct jail_name holder = { .s = "" };
	struct port_lease l;
	bool held;
	int r;

	port_lease_init(&l, port);
	held = port_is_held(pool_dir, &l, owner);
	r = port->count > 1 ? port_take_range(pool_dir, &l, owner, &holder, e)
			    : port_take_single(pool_dir, &l, owner, &holder, e);
	if (r == -EEXIST)
		return port_in_use(port, &holder, e);
	if (r >= 0)
		r = port_check_conflict(pool_dir, &l, owner, e);
	/* A proxy of its own listens on a loopback address that it has published before. */
	if (r >= 0 && !(held && net_port_is_loopback(port)))
		r = port_check_host(port, e);
	if (r < 0 && !held)
		port_drop(pool_dir, &l, owner);
	*ret_new = r >= 0 && !held;
	return r;
}

static int port_check_twice(const struct net_port *ports, size_t i, struct err *e)
{
	char shown[NET_PORT_TEXT_MAX];

	for (size_t j = 0; j < i; j++)
		if (net_ports_collide(&ports[j], &ports[i])) {
			port_show(&ports[i], shown);
			return err_set(e, EINVAL, "port %s is listed twice", shown);
		}
	return 0;
}

static void port_release(int pool_dir, const struct net_port *port, const struct jail_name *owner)
{
	struct port_lease l;

	port_lease_init(&l, port);
	port_drop(pool_dir, &l, owner);
}

int net_ports_lease(int pool_dir, const struct net_port *ports, size_t n,
		    const struct jail_name *owner, struct err *e)
{
	CLEANUP_FREE bool *taken = calloc(n + 1, sizeof(*taken));
	size_t i;
	int r = 0;

	if (!taken)
		return err_nomem(e);
	for (i = 0; i < n && r >= 0; i++) {
		r = port_check_twice(ports, i, e);
		if (r >= 0)
			r = port_take(pool_dir, &ports[i], owner, &taken[i], e);
	}
	while (r < 0 && i-- > 0)
		if (taken[i])
			port_release(pool_dir, &ports[i], owner);
	return r < 0 ? r : 0;
}

void net_ports_release(int pool_dir, const struct net_port *ports, size_t n,
		       const struct jail_name *owner)
{
	for (size_t i = 0; i < n; i++)
		port_release(pool_dir, &ports[i], owner);
}

void net_ports_release_others(int pool_dir, const struct net_port *ports, size_t n,
			      const struct net_port *kept, size_t n_kept,
			      const struct jail_name *owner)
{
	struct port_lease a, b;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		port_lease_init(&a, &ports[i]);
		for (; k < n_kept; k++) {
			if (kept[k].host_port != ports[i].host_port)
				continue;
			port_lease_init(&b, &kept[k]);
			if (str_eq(a.key, b.key))
				break;
		}
		if (k == n_kept)
			port_drop(pool_dir, &a, owner);
	}
}

struct owned {
	int dir;
	const struct jail_name *owner;
};

static int drop_owned(const char *key, const struct jail_name *owner, void *arg)
{
	const struct owned *o = arg;

	if (str_eq(owner->s, o->owner->s))
		(void)lease_drop(o->dir, key, owner);
	return 0;
}

void net_ports_release_all(int pool_dir, const struct jail_name *owner)
{
	CLEANUP_FD int ranges = net_ports_open_ranges(pool_dir);
	struct err ignored = ERR_INIT;

	(void)lease_each(pool_dir, drop_owned, &(struct owned){ pool_dir, owner }, &ignored);
	if (ranges >= 0)
		(void)lease_each(ranges, drop_owned, &(struct owned){ ranges, owner }, &ignored);
}
