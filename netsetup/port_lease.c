/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who publishes which port. As with bind(2), a port on 0.0.0.0 and the same port on one address
 * exclude each other; the same port on two addresses does not. Leases:
 *
 *     tcp-8080              published on every address
 *     tcp-8080-192.0.2.7    published on this one
 *     tcp-8080@/192.0.2.7   only a hint that the lease above may be there
 *
 * A port on one address takes its lease, makes the hint, then looks for tcp-8080. A port on every
 * address takes tcp-8080, then looks into tcp-8080@, which nearly always is not there, and at the
 * leases that it hints at. Both take first and look afterwards, so of two at once at least one sees
 * the other; neither costs more when more instances run. The hint goes before its lease does; only
 * the lease's owner removes it. A hint without a lease, after a crash, means nothing.
 */
#include "netsetup/network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/lease.h"
#include "base/str.h"

#define PORT_KEY_MAX 64
#define PORT_ATTEMPTS 64

struct port_keys {
	bool any; /* published on every address */
	char wildcard[PORT_KEY_MAX]; /* tcp-8080 */
	char lease[PORT_KEY_MAX]; /* what this port takes: one of the two forms */
	char hints[PORT_KEY_MAX]; /* tcp-8080@ */
	char address[INET_ADDRSTRLEN];
	char shown[PORT_KEY_MAX]; /* for people: 192.0.2.7:8080/tcp */
};

static const char *port_protocol(const struct net_port *port)
{
	return port->protocol == IPPROTO_UDP ? "udp" : "tcp";
}

static void port_make_keys(const struct net_port *port, struct port_keys *k)
{
	const char *protocol = port_protocol(port);

	*k = (struct port_keys){ .any = port->host_address.s_addr == htonl(INADDR_ANY) };
	(void)inet_ntop(AF_INET, &port->host_address, k->address, sizeof(k->address));
	(void)snprintf(k->wildcard, sizeof(k->wildcard), "%s-%u", protocol, port->host_port);
	(void)snprintf(k->hints, sizeof(k->hints), "%s-%u@", protocol, port->host_port);
	if (k->any) {
		(void)snprintf(k->lease, sizeof(k->lease), "%s-%u", protocol, port->host_port);
		(void)snprintf(k->shown, sizeof(k->shown), "%u/%s", port->host_port, protocol);
		return;
	}
	(void)snprintf(k->lease, sizeof(k->lease), "%s-%u-%s", protocol, port->host_port,
		       k->address);
	(void)snprintf(k->shown, sizeof(k->shown), "%s:%u/%s", k->address, port->host_port,
		       protocol);
}

static int port_in_use(const struct port_keys *k, const struct jail_name *holder, struct err *e)
{
	return err_set(e, EADDRINUSE, "port %s is already published by %s", k->shown, holder->s);
}

static int port_open_hints(int pool_dir, const struct port_keys *k)
{
	int fd = openat(pool_dir, k->hints, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int port_make_hint(int pool_dir, const struct port_keys *k, struct err *e)
{
	int attempt;

	/* Another one may remove the empty directory between the two steps. */
	for (attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
		CLEANUP_FD int dir = -EBADF;

		if (mkdirat(pool_dir, k->hints, 0700) < 0 && errno != EEXIST)
			return err_sys(e, "make %s in the pool of ports", k->hints);
		dir = port_open_hints(pool_dir, k);
		if (dir == -ENOENT)
			continue;
		if (dir < 0)
			return err_ret(e, dir, "open %s in the pool of ports", k->hints);
		if (symlinkat("lease", dir, k->address) == 0 || errno == EEXIST)
			return 0;
		if (errno != ENOENT)
			return err_sys(e, "make hint for port %s", k->shown);
	}
	return err_set(e, EAGAIN, "make hint for port %s: too many at once", k->shown);
}

static void port_remove_hint(int pool_dir, const struct port_keys *k)
{
	CLEANUP_FD int dir = port_open_hints(pool_dir, k);

	if (dir < 0)
		return;
	(void)unlinkat(dir, k->address, 0);
	(void)unlinkat(pool_dir, k->hints, AT_REMOVEDIR); /* refused while another hint is there */
}

static void port_drop(int pool_dir, const struct port_keys *k, const struct jail_name *owner)
{
	struct jail_name holder;

	if (lease_holder(pool_dir, k->lease, &holder) < 0 || !str_eq(holder.s, owner->s))
		return;
	if (!k->any)
		port_remove_hint(pool_dir, k);
	(void)lease_drop(pool_dir, k->lease, owner);
}

/* Looks at the leases that the hints tell of. Return: 0, or 1 with another owner in *ret_holder. */
static int port_find_at_address(int pool_dir, const struct port_keys *k,
				const struct jail_name *owner, struct jail_name *ret_holder,
				struct err *e)
{
	CLEANUP_DIR DIR *d = NULL;
	char key[PORT_KEY_MAX];
	struct dirent *ent;
	CLEANUP_FD int fd = port_open_hints(pool_dir, k);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return err_ret(e, fd, "open %s in the pool of ports", k->hints);
	d = dir_take(&fd);
	if (!d)
		return err_nomem(e);
	for (errno = 0; (ent = readdir(d)); errno = 0) {
		if (ent->d_name[0] == '.')
			continue;
		if (str_format(key, sizeof(key), "%s-%s", k->wildcard, ent->d_name) < 0)
			continue;
		if (lease_holder(pool_dir, key, ret_holder) == 0 &&
		    !str_eq(ret_holder->s, owner->s))
			return 1;
	}
	return errno ? err_sys(e, "read %s in the pool of ports", k->hints) : 0;
}

/* One owner may have both: its port on one address then goes before the one on all. */
static int port_check_conflict(int pool_dir, const struct port_keys *k,
			       const struct jail_name *owner, struct err *e)
{
	struct jail_name holder;
	int r;

	if (k->any)
		r = port_find_at_address(pool_dir, k, owner, &holder, e);
	else
		r = lease_holder(pool_dir, k->wildcard, &holder) == 0 &&
		    !str_eq(holder.s, owner->s);
	return r > 0 ? port_in_use(k, &holder, e) : r;
}

static int port_take(int pool_dir, const struct port_keys *k, const struct jail_name *owner,
		     struct err *e)
{
	struct jail_name holder;
	struct err why = ERR_INIT;
	int r;

	r = lease_take(pool_dir, k->lease, owner, &holder, &why);
	if (r == -EEXIST)
		return port_in_use(k, &holder, e);
	if (r < 0) {
		*e = why;
		return r;
	}
	if (!k->any)
		r = port_make_hint(pool_dir, k, e);
	if (r >= 0)
		r = port_check_conflict(pool_dir, k, owner, e);
	if (r < 0)
		port_drop(pool_dir, k, owner);
	return r;
}

/*
 * A process of the host may use the port: then its clients would be led to the instance instead.
 * TCP with SO_REUSEADDR, so that only a listening socket is in the way and not the remains of a
 * closed connection; UDP knows no such difference.
 */
static int port_check_host(const struct net_port *port, const struct port_keys *k, struct err *e)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port->host_port),
		.sin_addr = port->host_address,
	};
	bool udp = port->protocol == IPPROTO_UDP;
	CLEANUP_FD int fd = -EBADF;
	int one = 1;

	fd = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "open socket");
	if (!udp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return err_sys(e, "set SO_REUSEADDR");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	if (errno == EADDRNOTAVAIL)
		return err_set(e, EADDRNOTAVAIL, "port %s: this host has no address %s", k->shown,
			       k->address);
	if (errno != EADDRINUSE)
		return err_sys(e, "port %s", k->shown);
	err_set(e, EADDRINUSE, "port %s is in use: a process of this host listens there", k->shown);
	return err_hint(e, "stop that process (`ss -lntup` shows it), or publish another port");
}

static int port_check_twice(const struct net_port *ports, size_t i, const struct port_keys *k,
			    struct err *e)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (ports[j].host_port == ports[i].host_port &&
		    ports[j].protocol == ports[i].protocol &&
		    ports[j].host_address.s_addr == ports[i].host_address.s_addr)
			return err_set(e, EINVAL, "port %s is listed twice", k->shown);
	return 0;
}

int net_ports_lease(int pool_dir, const struct net_port *ports, size_t n,
		    const struct jail_name *owner, struct err *e)
{
	struct port_keys k;
	size_t i;
	int r = 0;

	for (i = 0; i < n && r >= 0; i++) {
		port_make_keys(&ports[i], &k);
		r = port_check_twice(ports, i, &k, e);
		if (r >= 0)
			r = port_take(pool_dir, &k, owner, e);
		if (r >= 0)
			r = port_check_host(&ports[i], &k, e);
	}
	if (r < 0)
		net_ports_release(pool_dir, ports, i, owner);
	return r < 0 ? r : 0;
}

void net_ports_release(int pool_dir, const struct net_port *ports, size_t n,
		       const struct jail_name *owner)
{
	struct port_keys k;
	size_t i;

	for (i = 0; i < n; i++) {
		port_make_keys(&ports[i], &k);
		port_drop(pool_dir, &k, owner);
	}
}
