/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases whose owner is gone, or does not know of them any more. */
#include <arpa/inet.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/lease.h"
#include "base/lock.h"
#include "base/num.h"
#include "base/path.h"
#include "netsetup/port.h"
#include "runtime/disk.h"
#include "runtime/gc_priv.h"
#include "runtime/volumes.h"

struct pool {
	struct gc *g;
	int dir;
	bool must_run;
};

static int lease_one(const char *key, const struct jail_name *owner, void *arg)
{
	struct pool *p = arg;
	const struct known *k = gc_find_known(p->g, owner->s);
	CLEANUP_FD int dir = -EBADF, lock = -EBADF;

	if (k && !p->must_run)
		return 0;
	if (k) {
		lock = gc_lock_if_down(p->g, &k->name, &dir);
		if (lock < 0)
			return 0;
	}
	if (lease_drop(p->dir, key, owner) == 0)
		p->g->report->leases++;
	return 0;
}

struct projects {
	struct gc *g;
	struct volumes volumes;
	int trash; /* or -ENOENT */
};

/* An instance's, a volume's, or of what is being made or removed just now. */
static bool has_owner(const struct projects *p, const char *id)
{
	CLEANUP_FD int dir = -EBADF;

	if (gc_find_known(p->g, id))
		return true;
	for (size_t i = 0; i < p->volumes.n; i++)
		if (str_eq(p->volumes.v[i].id.s, id))
			return true;
	dir = p->trash < 0 ? p->trash : path_open_beneath(p->trash, id, O_RDONLY | O_DIRECTORY, 0);
	/* What can't be looked at is left alone. */
	return dir < 0 ? dir != -ENOENT : lock_is_held_at(dir, "lock") != 0;
}

/* A project has limits too, which go with the lease. */
static int project_one(const char *key, const struct jail_name *owner, void *arg)
{
	struct projects *p = arg;
	struct err why = ERR_INIT;
	uint64_t id;

	if (has_owner(p, owner->s) || num_parse_u64(key, 1, UINT32_MAX, &id, &why) < 0)
		return 0;
	if (instance_disk_release(p->g->j, owner, (uint32_t)id, &why) < 0)
		gc_note_failure(p->g, &why);
	else
		p->g->report->leases++;
	return 0;
}

/* There is no such pool where no file system has project quotas. */
static int gc_projects(struct gc *g, struct err *e)
{
	struct projects p = { .g = g, .volumes = { .n = 0 }, .trash = -EBADF };
	int dir, r;

	if (faccessat(g->j->state, "leases/projects", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	dir = engine_projects(g->j, e);
	/* Of a volume whose record can't be read the project isn't known: then all stay. */
	r = dir < 0 ? dir : volumes_read(g->j, true, &p.volumes, e);
	if (r >= 0) {
		p.trash = path_open_beneath(g->j->state, "trash", O_RDONLY | O_DIRECTORY, 0);
		r = lease_each(dir, project_one, &p, e);
	}
	fd_reset(&p.trash);
	volumes_free(&p.volumes);
	return r;
}

/* Addresses of one network. */
struct address_pool {
	struct gc *g;
	int dir;
	const char *network;
};

static bool has_address(const struct known *k, const char *network, const char *address)
{
	struct net_addresses a = { .v4 = { 0 } };
	bool six = inet_pton(AF_INET6, address, &a.v6) == 1;

	if (!six && inet_pton(AF_INET, address, &a.v4) != 1)
		return true; /* none of ours */
	for (size_t i = 0; i < NET_INTERFACES_MAX; i++)
		if (str_eq(k->networks[i].network.s, network) &&
		    (six ? IN6_ARE_ADDR_EQUAL(&a.v6, &k->networks[i].addresses.v6)
			 : a.v4.s_addr == k->networks[i].addresses.v4.s_addr))
			return true;
	return false;
}

/* A change that was killed leaves a lease that its owner's record does not know. */
static int address_one(const char *key, const struct jail_name *owner, void *arg)
{
	struct address_pool *p = arg;
	const struct known *k = gc_find_known(p->g, owner->s);

	if (k && has_address(k, p->network, key))
		return 0;
	if (lease_drop(p->dir, key, owner) == 0)
		p->g->report->leases++;
	return 0;
}

static void address_pool(struct gc *g, int parent, const char *network)
{
	CLEANUP_FD int dir = path_open_beneath(parent, network, O_RDONLY | O_DIRECTORY, 0);
	struct address_pool p = { g, dir, network };
	struct err why = ERR_INIT;

	if (dir >= 0 && lease_each(dir, address_one, &p, &why) < 0)
		gc_note_failure(g, &why);
}

static int gc_addresses(struct gc *g, struct err *e)
{
	CLEANUP_FD int pools =
		path_open_beneath(g->j->state, "leases/networks", O_RDONLY | O_DIRECTORY, 0);

	if (pools < 0)
		return pools == -ENOENT ? 0 : err_ret(e, pools, "open leases/networks");
	return gc_each_entry(pools, address_pool, g, e);
}

static int gc_port_ranges(struct gc *g, struct err *e)
{
	CLEANUP_FD int dir = net_ports_open_ranges(g->j->ports);
	struct pool p = { g, dir, true };

	if (dir < 0)
		return dir == -ENOENT ? 0 : err_ret(e, dir, "open the leases of port ranges");
	return lease_each(dir, lease_one, &p, e);
}

int gc_leases(struct gc *g, struct err *e)
{
	int (*const open[])(struct jail *, struct err *) = { engine_ids, engine_ports };

	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(open) && !g->damaged; i++) {
		struct pool p = { g, open[i](g->j, e), open[i] == engine_ports };

		r = p.dir < 0 ? p.dir : lease_each(p.dir, lease_one, &p, e);

		if (r < 0)
			return r;
	}
	if (g->damaged)
		return 0;
	if ((r = gc_port_ranges(g, e)) < 0 || (r = gc_projects(g, e)) < 0)
		return r;
	return gc_addresses(g, e);
}
