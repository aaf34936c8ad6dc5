/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /etc/hostname, /etc/hosts and /etc/resolv.conf of an instance, as text. */
#ifndef JAIL_RUNTIME_GENERATED_H
#define JAIL_RUNTIME_GENERATED_H

#include "namespaces/rootfs.h"
#include "runtime/spec.h"

#define GENERATED_FILES 3

struct generated {
	struct strbuf hostname, hosts, resolv;
};
void generated_free(struct generated *g);

/*
 * address: of eth0, 0 = none. resolv.conf: the spec's servers, else the host's without loopback
 * ones (which are not reachable from inside), else none. ret_files: GENERATED_FILES entries that
 * borrow from *g.
 */
int generated_make(const struct jail_spec *spec, struct in_addr address, struct generated *g,
		   struct rootfs_file *ret_files, struct err *e);

/* The lines of a resolv.conf that an instance can use; `all`: it is in the host's network. Return:
 * whether a server is among them. */
bool generated_copy_resolv(const char *text, bool all, struct strbuf *b);

#endif
