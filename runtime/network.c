/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's side of the networks, as starts and gc want it: there, and with the elements of
 * everybody who runs. If somebody flushed the rules (`nft flush ruleset`, a firewall manager's
 * reload), net_host_ensure() makes them anew and says so; the elements come back from the records
 * of the running instances.
 */
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "base/sys.h"
#include "runtime/netplan.h"
#include "runtime/networks.h"

/* The networks of a plan without its gaps. Return: their number. */
static size_t plan_networks(const struct instance_plan *p, struct net_network *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < p->net.n_interfaces; i++)
		if (p->interfaces[i].network)
			ret[n++] = p->networks[i];
	return n;
}

static int restore(struct jail *j, const struct jail_name *name, struct err *e)
{
	struct running r CLEANUP_RUNNING = RUNNING_INIT;
	struct net_network networks[NET_INTERFACES_MAX];
	CLEANUP_PLAN struct instance_plan p = INSTANCE_PLAN_INIT;
	CLEANUP_SPEC struct jail_spec spec;
	struct meta meta;
	int rc;

	spec_init(&spec);
	if ((rc = running_open(j, name, &r, e)) < 0 || (rc = meta_read(r.dir, &meta, e)) < 0 ||
	    (rc = spec_read(r.dir, &spec, e)) < 0 ||
	    (rc = instance_plan_make(j, name, &meta, &spec, &p, e)) < 0)
		return rc;
	rc = net_host_ensure(networks, plan_networks(&p, networks), e);
	return rc < 0 ? rc : net_restore(&p.net, &r.state.net, e);
}

static int restore_one(const struct instance_info *i, void *arg)
{
	struct err why = ERR_INIT;
	int r;

	if (i->pid == 0 || i->n_networks == 0)
		return 0;
	r = restore(arg, &i->name, &why);
	if (r < 0 && r != -ESRCH && r != -ENOENT && r != -EAGAIN)
		warn("network of %s: %s", i->name.s, why.text);
	return 0;
}

int network_ensure(struct jail *j, const struct instance_plan *p, struct err *e)
{
	struct net_network networks[NET_INTERFACES_MAX];
	int r = net_host_ensure(networks, plan_networks(p, networks), e);

	if (r < 0)
		return err_wrap(e, "network");
	return r == 0 ? 0 : instance_each(j, restore_one, j, e);
}

struct ensure_all {
	struct jail *j;
	struct net_network *networks;
	bool *used;
	size_t n;
};

static int mark_used(const struct instance_info *i, void *arg)
{
	struct ensure_all *a = arg;

	for (size_t k = 0; i->pid != 0 && k < i->n_networks; k++)
		for (size_t n = 0; n < a->n; n++)
			a->used[n] |= str_eq(i->networks[k].network.s, a->networks[n].name.s);
	return 0;
}

/* Networks that nobody uses are left alone, and made by their next start. */
int network_ensure_all(struct jail *j, struct err *e)
{
	struct ensure_all a = { .j = j };
	CLEANUP_FREE struct net_network *networks = NULL;
	CLEANUP_FREE bool *used = NULL;
	size_t kept = 0;
	int r = networks_read(j, &networks, &a.n, e);

	if (r < 0)
		return r;
	used = calloc(a.n + 1, sizeof(*used));
	if (!used)
		return err_nomem(e);
	a.networks = networks;
	a.used = used;
	r = instance_each(j, mark_used, &a, e);
	for (size_t i = 0; i < a.n; i++)
		if (used[i])
			networks[kept++] = networks[i];
	if (r < 0 || kept == 0)
		return r;
	r = net_host_ensure(networks, kept, e);
	return r <= 0 ? r : instance_each(j, restore_one, j, e);
}

/* ---- somebody else's namespace ---- */

static int open_instance_namespace(struct jail *j, const struct jail_name *name, struct err *e)
{
	struct running r CLEANUP_RUNNING = RUNNING_INIT;
	char path[64];
	int fd, rc = running_open(j, name, &r, e);

	if (rc < 0) {
		(void)err_wrap(e, "network.instance: %s", name->s);
		return err_hint(e, "start it first: jail start %s", name->s);
	}
	(void)str_format(path, sizeof(path), "/proc/%d/ns/net", r.state.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "network.instance: open the network namespace of %s", name->s);
	/* Opened by its number: still the same process? */
	if (sys_pidfd_send_signal(r.pidfd, 0) < 0) {
		fd_reset(&fd);
		return err_sys(e, "network.instance: %s has just ended", name->s);
	}
	return fd;
}

int network_open_joined(struct jail *j, const struct jail_spec *spec, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;

	if (spec->network.mode == SPEC_NETWORK_INSTANCE)
		return open_instance_namespace(j, &spec->network.instance, e);
	fd = open(spec->network.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_sys(e, "network.path: %s", spec->network.path);
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
		(void)err_set(e, EINVAL, "network.path: %s is no network namespace",
			      spec->network.path);
		return err_hint(e, "`ip netns add NAME` makes one at /run/netns/NAME");
	}
	return TAKE_FD(fd);
}
