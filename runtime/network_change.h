/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change of the network of an instance that exists: its leases, and, while it runs, what it has
 * in the kernel. RUN/instances/NAME/network.lock is held meanwhile; the teardown of a life waits
 * for it. network.changing is there from before the first step until the records agree with the
 * kernel again: if the command is killed, the teardown finds by name what the records don't tell.
 */
#ifndef JAIL_RUNTIME_NETWORK_CHANGE_H
#define JAIL_RUNTIME_NETWORK_CHANGE_H

#include "runtime/netplan.h"

struct network_change {
	struct jail *j;
	int dir; /* borrowed */
	const struct running
		*running; /* borrowed; NULL: it is down, and its lock is the caller's */
	const struct jail_spec *from, *to; /* borrowed */
	struct meta before, after;
	struct instance_plan from_plan, to_plan;
	struct net_attachment attachment;
	int gate, lock; /* held */
	bool begun;
	bool marked; /* by this change: what one that was killed left behind keeps its mark */
};
#define NETWORK_CHANGE_INIT                                                                        \
	{                                                                                          \
		.gate = -EBADF, .lock = -EBADF                                                     \
	}

bool network_differs(const struct jail_spec *a, const struct jail_spec *b);
/*
 * Makes the change from one spec to another: leases, ports, kernel, names, records. -EAGAIN: it has
 * ended meanwhile. On failure nothing is changed. Afterwards either _commit (the spec is stored) or
 * _undo.
 */
int network_change_begin(struct network_change *c, struct jail *j, const struct jail_name *name,
			 int dir, const struct running *running, const struct jail_spec *from,
			 const struct jail_spec *to, struct err *e);
void network_change_commit(struct network_change *c);
void network_change_undo(struct network_change *c);
void network_change_free(struct network_change *c);
#define CLEANUP_NETWORK_CHANGE CLEANUP(network_change_free)

/* For a teardown: waits for a change that is under way. *ret_known: the records tell everything.
 * Return: lock fd to be closed, or -EBADF when there is nothing to wait for. */
int network_change_wait(int run, bool *ret_known);
/* The records of a stopped instance follow its spec: takes and gives back leases. For a start whose
 * spec was written by a command that was killed before it could. */
int network_follow_spec(struct jail *j, int dir, const struct jail_spec *spec, struct meta *m,
			struct err *e);

#endif
