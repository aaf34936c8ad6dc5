/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports published on loopback: a jail-proxy (proxy_proto.h) for each instance that has any, on the
 * host's side. The sockets are bound here, so that a conflict is an error of the start.
 *
 * The program is nobody's child: it is orphaned at once, so neither the supervisor nor what that
 * becomes has to reap it, and it ends with the init, whose pidfd it holds. It stays in the cgroup
 * of its starter: under systemd that is a leaf of the unit's, beside the instance's own, so it does
 * not count as the instance's; it is no main process and has no $NOTIFY_SOCKET. KillMode=mixed does
 * not wait for it, and ends it if it is still there; other signals to the unit it ignores.
 *
 * Who it is is not remembered by a number: whoever wants something of it connects to proxy.sock in
 * the instance's run directory.
 */
#ifndef JAIL_RUNTIME_PROXY_H
#define JAIL_RUNTIME_PROXY_H

#include <sys/types.h>

#include "netsetup/address.h"

#define PROXY_SOCKET "proxy.sock"

struct proxy_plan {
	const struct jail_name *instance;
	struct net_addresses addresses; /* of the instance: the same family first, else the other */
	struct net_addresses gateways; /* what it sees as the client; zeros: the route decides */
	const struct net_port *ports; /* those that are not on loopback are passed over */
	size_t n_ports;
	uid_t uid; /* an unprivileged id that is this instance's, or nobody's; not 0 */
	unsigned connections; /* 0 = PROXY_CONNECTIONS_MAX */
};
struct proxy_place {
	const char *libexec_dir;
	int run; /* RUN/instances/NAME */
	int pidfd; /* of the init */
	int cgroup; /* to be born in; 0: ours */
};

/*
 * Starts the program, in the caller's network namespace; with no such port, does nothing.
 * -EADDRINUSE, -EADDRNOTAVAIL name the port. On failure nothing is left. Single-threaded callers
 * only (it forks).
 */
int proxy_start(const struct proxy_place *place, const struct proxy_plan *plan, struct err *e);
/* From one set of ports to another: connections to ports that are in both go on. All or none. */
int proxy_change(const struct proxy_place *place, const struct proxy_plan *from,
		 const struct proxy_plan *to, struct err *e);
/* Ends it: when this returns, its ports are free. None there is fine. To be called before the next
 * start of the same instance, too: with the init it ends by itself, but a moment later. */
int proxy_stop(int run, struct err *e);

#endif
