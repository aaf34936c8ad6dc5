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

/* What the files are about, besides the spec. */
struct generated_network {
	struct net_addresses addresses; /* the first ones that it has; zeros = none */
	bool internal; /* no network of it leads out of the host */
	int hosts; /* the file that it shares (netsetup/hosts.h), borrowed; -EBADF: one of its own
		    */
};

/*
 * /etc/hosts: the shared file, else the own host name with its addresses. resolv.conf: the spec's
 * servers; without them, unless the network is internal (row 76), those of the host that can be
 * reached from inside; else none. ret_files: GENERATED_FILES entries that borrow from *g.
 */
int generated_make(const struct jail_spec *spec, const struct generated_network *network,
		   struct generated *g, struct rootfs_file *ret_files, struct err *e);

/* The own host name with these addresses. */
void generated_hosts(const struct jail_spec *spec, const struct net_addresses *a, struct strbuf *b);

enum { /* which servers can be reached */
       GENERATED_IPV4 = 1,
       GENERATED_IPV6 = 2,
       GENERATED_LOOPBACK = 4, /* all that the host can reach: it is in the host's network */
};
/* The lines of a resolv.conf that an instance can use. Return: whether a server is among them. */
bool generated_copy_resolv(const char *text, unsigned reach, struct strbuf *b);

#endif
