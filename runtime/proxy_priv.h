/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What proxy.c (ports, and talking to the program) and proxy_spawn.c share. */
#ifndef JAIL_RUNTIME_PROXY_PRIV_H
#define JAIL_RUNTIME_PROXY_PRIV_H

#include <sys/un.h>

#include "runtime/proxy.h"
#include "runtime/proxy_proto.h"

struct proxy_port_plan {
	struct proxy_request request; /* PROXY_ADD */
	int fd; /* bound; owned; -EBADF */
};
struct proxy_ports {
	struct proxy_port_plan *v;
	size_t n;
};
void proxy_ports_free(struct proxy_ports *p);
int proxy_ports_of(const struct proxy_plan *plan, struct proxy_ports *ret, struct err *e);
int proxy_port_bind(struct proxy_port_plan *p, struct err *e);

void proxy_socket_address(int run, struct sockaddr_un *ret);
/* Makes proxy.sock and executes the program, which has it from its first moment on. */
int proxy_spawn(const struct proxy_place *place, const struct proxy_plan *plan, struct err *e);

#endif
