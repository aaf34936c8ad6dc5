/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of instances in the files of their networks (netsetup/hosts.h), and the file in an
 * instance. Which one it has mounted follows from its networks; when these change while it runs, so
 * does the file.
 */
#include <fcntl.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "netsetup/hosts.h"
#include "runtime/engine_priv.h"
#include "runtime/generated.h"
#include "runtime/netplan.h"

#define HOSTS_PATH "/etc/hosts"
#define OWN_NAMES "hosts" /* in RUN/instances/NAME */

static int hosts_dir(struct jail *j, struct err *e)
{
	return path_make_dir_at(j->run, "hosts", 0700, e);
}

static bool shares_names(const struct net_interface *i)
{
	return i->network && !i->network->isolated;
}

int network_names_open(struct jail *j, const struct instance_plan *p, struct err *e)
{
	const struct jail_name *names[NET_INTERFACES_MAX];
	CLEANUP_FD int dir = -EBADF;
	size_t n = 0;

	for (size_t i = 0; i < p->net.n_interfaces; i++)
		if (shares_names(&p->interfaces[i]))
			names[n++] = &p->interfaces[i].network->name;
	if (n == 0)
		return -ENOENT;
	dir = hosts_dir(j, e);
	return dir < 0 ? dir : hosts_open(dir, names, n, e);
}

int network_names_put(struct jail *j, const struct instance_plan *p, const struct jail_spec *spec,
		      struct err *e)
{
	CLEANUP_FD int dir = -EBADF;
	int r = 0;

	for (size_t i = 0; i < p->net.n_interfaces && r >= 0; i++) {
		const struct net_interface *in = &p->interfaces[i];
		struct hosts_entry entry = {
			.instance = p->net.instance,
			.tenant = p->net.tenant,
			.alias = spec->hostname,
			.addresses = { in->address4, in->address6 },
		};

		if (!shares_names(in))
			continue;
		entry.network = &in->network->name;
		if (dir < 0)
			r = dir = hosts_dir(j, e);
		if (r >= 0)
			r = hosts_put(dir, &entry, e);
	}
	return r < 0 ? err_wrap(e, "names of %s", p->net.instance->s) : 0;
}

void network_names_erase(struct jail *j, const struct instance_plan *p)
{
	CLEANUP_FD int dir = -EBADF;
	struct err why = ERR_INIT;
	int r = 0;

	for (size_t i = 0; i < p->net.n_interfaces && r >= 0; i++) {
		if (!shares_names(&p->interfaces[i]))
			continue;
		if (dir < 0)
			r = dir = hosts_dir(j, &why);
		if (r >= 0)
			r = hosts_erase(dir, &p->interfaces[i].network->name, p->net.instance,
					&why);
	}
	if (r < 0)
		warn("names of %s: %s", p->net.instance->s, why.text);
}

int network_names_gc(struct jail *j, net_alive_fn *alive, void *arg, struct err *e)
{
	CLEANUP_FD int dir = path_open_beneath(j->run, "hosts", O_RDONLY | O_DIRECTORY, 0);

	if (dir < 0)
		return dir == -ENOENT ? 0 : err_ret(e, dir, "open the directory of hosts files");
	return hosts_gc(dir, alive, arg, e);
}

/* ---- in an instance that runs ---- */

/* Its networks tell it no names any more: its own alone, which it can't write to before its next
 * start. */
static int own_names(const struct instance_plan *p, const struct jail_spec *spec, int run,
		     struct err *e)
{
	const struct net_addresses addresses = instance_plan_addresses(p);
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	int r;

	generated_hosts(spec, &addresses, &b);
	if ((r = strbuf_ok(&b, e)) < 0 ||
	    (r = file_write_at(run, OWN_NAMES, strbuf_str(&b), b.len, 0644, FILE_NOSYNC, e)) < 0)
		return r;
	r = path_open_beneath(run, OWN_NAMES, O_RDONLY, 0);
	return r < 0 ? err_ret(e, r, "open %s", OWN_NAMES) : r;
}

static bool has_own_mount(const struct jail_spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (str_eq(spec->mounts[i].destination, HOSTS_PATH))
			return true;
	return false;
}

/* Return: 1 with both fds (had: -EBADF where it shares none), 0 nothing is to be done. */
static int names_of_both(struct jail *j, const struct instance_plan *from,
			 const struct instance_plan *to, int *ret_had, int *ret_fd, struct err *e)
{
	*ret_had = network_names_open(j, from, e);
	if (*ret_had < 0 && *ret_had != -ENOENT)
		return *ret_had;
	if (e->code)
		return -e->code;
	*ret_fd = network_names_open(j, to, e);
	if (*ret_fd < 0 && (*ret_fd != -ENOENT || e->code))
		return *ret_fd;
	return *ret_had >= 0 || *ret_fd >= 0;
}

int network_names_show(struct jail *j, const struct running *running,
		       const struct instance_plan *from, const struct instance_plan *to,
		       const struct jail_spec *spec, struct err *e)
{
	CLEANUP_FD int had = -EBADF, own = -EBADF, fd = -EBADF;
	int r;

	if (has_own_mount(spec))
		return 0;
	r = names_of_both(j, from, to, &had, &fd, e);
	if (r <= 0)
		return r;
	if (fd < 0)
		fd = own_names(to, spec, running->run, e);
	else if (had < 0)
		own = path_open_beneath(running->run, OWN_NAMES, O_RDONLY, 0);
	if (fd < 0)
		return TAKE_FD(fd);
	r = rootfs_file_replace(HOSTS_PATH, had >= 0 ? had : own, fd, running->pidfd, e);
	if (r == 0 && own >= 0) /* that of an earlier start */
		r = rootfs_file_replace(HOSTS_PATH, -EBADF, fd, running->pidfd, e);
	if (r >= 0)
		return 0;
	if (!running_has_ended(running))
		return err_wrap(e, "names");
	*e = (struct err)ERR_INIT;
	return -EAGAIN;
}
