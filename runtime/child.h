/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instance's side of a start: what runs between clone3 and the execution of jail-init
 * or, with mode "system", of the image's init. It
 * shares the launcher's memory (a fork), so nothing is serialised on the way in (row 13); on the
 * way back it speaks over one SOCK_SEQPACKET socket whose messages start with a type.
 */
#ifndef JAIL_RUNTIME_CHILD_H
#define JAIL_RUNTIME_CHILD_H

#include "namespaces/rootfs.h"
#include "runtime/engine_priv.h"
#include "runtime/provision.h"
#include "runtime/seccomp.h"

/* launcher -> child: one byte each, in this order; the kit of mounts comes between them. */
#define CHILD_MAPPED 'm' /* the id maps are written */
#define CHILD_GO 'g' /* the outside (network, cgroup, hooks) is ready: execute */

enum child_type {
	CHILD_STDIO = 1, /* fds: console master, or stdout, stderr [, stdin] pipes */
	CHILD_ERROR = 2, /* struct err */
	CHILD_READY = 3, /* with lock_mounts: its mount namespace is the one to work in */
};

struct child_message {
	uint32_t type;
	struct err error;
};

struct child_setup {
	const struct jail_spec *spec;
	const struct rootfs_spec *root;
	const struct seccomp_program *filter;
	const struct provision *provision;
	const char *hostname;
	int sock; /* this side's end */
	int init_program; /* fd of jail-init on a detached read-only mount; not with mode "system"
			   */
	const char *init_env; /* one more variable for the init, "K=V", or NULL */
	bool lock_mounts; /* see namespaces/lock.h */
	uint16_t rows, columns; /* of the console; 0 = unknown */
	bool inherit_output; /* stdout and stderr are the launcher's: the journal of its unit */
	bool private_user; /* has a user namespace of its own */
};

/* Whether the program could undo its mounts, were they not locked. */
bool child_locks_mounts(const struct jail_spec *spec);
/* Never returns: executes jail-init (or with mode "system" the image's init) or exits with 125
 * after sending the reason. */
void child_main(const struct child_setup *s) NORETURN;

#endif
