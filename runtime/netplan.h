/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What netsetup/ is to make for an instance: put together from its records (which networks, which
 * addresses), its spec (rates, ports, rules, labels) and the networks' own files.
 */
#ifndef JAIL_RUNTIME_NETPLAN_H
#define JAIL_RUNTIME_NETPLAN_H

#include "netsetup/rule.h"
#include "runtime/engine_priv.h"
#include "runtime/proxy.h"

struct instance_plan {
	struct net_network networks[NET_INTERFACES_MAX];
	struct net_interface interfaces[NET_INTERFACES_MAX];
	struct net_rules rules;
	net_group *groups;
	size_t n_groups;
	struct net_plan net; /* points into the above, and into what it was made from */
};
#define INSTANCE_PLAN_INIT                                                                         \
	{                                                                                          \
		.groups = NULL                                                                     \
	}

/* name, meta and spec must outlive *ret. Return: 0; -ENOENT: a network is gone;
 * instance_plan_free() in any case. */
int instance_plan_make(struct jail *j, const struct jail_name *name, const struct meta *meta,
		       const struct jail_spec *spec, struct instance_plan *ret, struct err *e);
void instance_plan_free(struct instance_plan *p);
#define CLEANUP_PLAN CLEANUP(instance_plan_free)
/* The first ones that it has; zeros = none. */
struct net_addresses instance_plan_addresses(const struct instance_plan *p);

/*
 * Leases addresses for the interfaces of a spec, each on its network: those that *m already has on
 * a network stay unless the spec wants others; what it has on networks that are not in the spec (or
 * other addresses) is not given back here: network_release() of the old record does that. New ones
 * take the first free place, ethN. Judges what needs the network: its tenant, its mode, the prefix.
 * All or none.
 */
int network_lease(struct jail *j, const struct jail_spec *spec, const struct jail_name *owner,
		  struct meta *m, struct err *e);
/* Gives back what `m` has and `keep` (may be NULL) has not. */
void network_release(struct jail *j, const struct meta *m, const struct meta *keep);

/* Turns the error of net_ports_lease, which knows ids, into one that names the instance. */
int ports_error(struct jail *j, struct err *e);
/* Links and rules of the host for an instance, with what everybody else who runs had there, should
 * somebody have flushed it. */
int network_ensure(struct jail *j, const struct instance_plan *p, struct err *e);
/* Puts back what was flushed, as long as anybody needs it; for gc. */
int network_ensure_all(struct jail *j, struct err *e);

/* Names: its own in the files of its networks. */
int network_names_put(struct jail *j, const struct instance_plan *p, const struct jail_spec *spec,
		      struct err *e);
void network_names_erase(struct jail *j, const struct instance_plan *p);
int network_names_gc(struct jail *j, net_alive_fn *alive, void *arg, struct err *e);
/* The file for its /etc/hosts: fd, or -ENOENT without touching *e when it shares none. */
int network_names_open(struct jail *j, const struct instance_plan *p, struct err *e);
/* The file of the second plan in place of that of the first in the /etc/hosts of an instance that
 * runs; what it has mounted there itself, and what the spec mounts, stays. -EAGAIN without *e set:
 * it has just ended. Single-threaded callers only. */
int network_names_show(struct jail *j, const struct running *running,
		       const struct instance_plan *from, const struct instance_plan *to,
		       const struct jail_spec *spec, struct err *e);

/* Its ports on loopback. */
struct proxy_plan instance_plan_proxy(const struct instance_plan *p, const struct meta *meta);

/* The namespace of mode path or instance. Return: fd or -errno. */
int network_open_joined(struct jail *j, const struct jail_spec *spec, struct err *e);

#endif
