/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network's part of a start: ports, the host's side, the interfaces, names; and for modes that
 * have no network of their own, whose namespace the first process is born in.
 */
#include <fcntl.h>
#include <sched.h>

#include "base/fd.h"
#include "netsetup/port.h"
#include "runtime/launch_priv.h"
#include "runtime/network_change.h"
#include "runtime/process.h"

static void undo_ports(void *arg)
{
	struct start *s = arg;
	const struct jail_spec *spec = &s->l->spec;

	net_ports_release(s->l->j->ports, spec->network.ports, spec->network.n_ports,
			  &s->l->meta.owner);
}

static void undo_network(void *arg)
{
	struct start *s = arg;
	struct err ignored = ERR_INIT;

	(void)net_detach(&s->plan.net, &s->net, &ignored);
}

static void undo_names(void *arg)
{
	struct start *s = arg;

	network_names_erase(s->l->j, &s->plan);
}

static void undo_proxy(void *arg)
{
	struct start *s = arg;
	struct err ignored = ERR_INIT;

	(void)proxy_stop(s->l->run, &ignored);
}

/* Known before its first instruction; and the file is not removed as one that nobody has. */
static int share_names(struct start *s, struct err *e)
{
	int r = network_names_put(s->l->j, &s->plan, &s->l->spec, e);

	rollback_push(&s->undo, undo_names, s);
	if (r >= 0)
		r = network_names_open(s->l->j, &s->plan, e);
	if (r == -ENOENT && e->code == 0)
		return 0;
	s->names = r;
	return r < 0 ? err_wrap(e, "network") : 0;
}

int launch_network_plan(struct start *s, struct err *e)
{
	struct launch *l = s->l;
	int r;

	if (l->spec.network.mode == SPEC_NETWORK_PATH ||
	    l->spec.network.mode == SPEC_NETWORK_INSTANCE) {
		s->joined = network_open_joined(l->j, &l->spec, e);
		return s->joined < 0 ? s->joined : 0;
	}
	if (!spec_has_networks(&l->spec))
		return 0;
	r = network_follow_spec(l->j, l->dir, &l->spec, &l->meta, e);
	if (r >= 0)
		r = instance_plan_make(l->j, &l->name, &l->meta, &l->spec, &s->plan, e);
	if (r < 0)
		return err_wrap(e, "network");
	return share_names(s, e);
}

struct generated_network launch_network_generated(const struct start *s)
{
	struct generated_network g = {
		.hosts = s->names,
		.addresses = instance_plan_addresses(&s->plan),
	};
	const struct net_plan *p = &s->plan.net;

	g.internal = p->n_interfaces > 0;
	for (size_t i = 0; i < p->n_interfaces; i++) {
		const struct net_interface *in = &p->interfaces[i];

		if (in->network)
			g.internal = g.internal && in->network->internal;
	}
	return g;
}

int launch_network_lease(struct start *s, struct err *e)
{
	struct launch *l = s->l;
	int pool, r;

	if (!l->spec.network.n_ports)
		return 0;
	pool = engine_ports(l->j, e);
	if (pool < 0)
		return pool;
	r = net_ports_lease(pool, l->spec.network.ports, l->spec.network.n_ports, &l->meta.owner,
			    e);
	if (r < 0)
		return ports_error(l->j, e);
	rollback_push(&s->undo, undo_ports, s);
	return 0;
}

int launch_network_ensure(struct start *s, struct err *e)
{
	return s->plan.net.n_interfaces ? network_ensure(s->l->j, &s->plan, e) : 0;
}

/* Low ports belong to who owns the namespace's user namespace, which is not the newcomer's. */
static int allow_low_ports(struct err *e)
{
	static const char file[] = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
	CLEANUP_FD int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0\n", 2) != 2)
		return err_sys(e, "set %s", file);
	return 0;
}

pid_t launch_network_clone(struct start *s, const struct ns_clone *c, struct err *e)
{
	CLEANUP_FD int home = -EBADF;
	pid_t pid;
	int r = 0;

	if (s->joined < 0)
		return ns_clone(c, &s->pidfd, e);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return err_sys(e, "open the own network namespace");
	if (setns(s->joined, CLONE_NEWNET) < 0)
		return err_sys(e, "join the network namespace");
	if (s->l->spec.network.mode == SPEC_NETWORK_INSTANCE)
		r = allow_low_ports(e);
	pid = r < 0 ? r : ns_clone(c, &s->pidfd, e);
	/* We would go on in an instance's namespace. */
	if (pid != 0 && setns(home, CLONE_NEWNET) < 0)
		abort();
	return pid;
}

static int start_proxy(struct start *s, struct err *e)
{
	const struct proxy_plan plan = instance_plan_proxy(&s->plan, &s->l->meta);
	const struct proxy_place place = {
		.libexec_dir = s->l->j->config.libexec_dir,
		.run = s->l->run,
		.pidfd = s->pidfd,
	};
	int r = proxy_start(&place, &plan, e);

	if (r < 0)
		return err_wrap(e, "network.ports");
	rollback_push(&s->undo, undo_proxy, s);
	return 0;
}

int launch_network_attach(struct start *s, struct err *e)
{
	struct launch *l = s->l;
	CLEANUP_FD int netns = -EBADF;
	char path[64];
	int r;

	if (!spec_owns_network(&l->spec))
		return 0;
	(void)str_format(path, sizeof(path), "/proc/%d/ns/net", s->pid);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		return err_sys(e, "open the network namespace");
	if (!spec_has_networks(&l->spec))
		return net_loopback_up(netns, e);
	r = net_attach(&s->plan.net, netns, &s->net, e);
	if (r < 0)
		return err_wrap(e, "network");
	s->has_net = true;
	rollback_push(&s->undo, undo_network, s);
	return start_proxy(s, e);
}
