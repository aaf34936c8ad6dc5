/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What start and exec have in common about a process of an instance: environment, rights, working
 * directory. One place, so that an exec'd process can never have more than the instance's own (row
 * 9).
 */
#ifndef JAIL_RUNTIME_PROCESS_H
#define JAIL_RUNTIME_PROCESS_H

#include "runtime/creds.h"
#include "runtime/engine_priv.h"
#include "runtime/seccomp.h"

struct process_rights {
	struct creds creds; /* points into rlimits below: do not copy */
	struct creds_rlimit rlimits[LIMIT_RLIMITS];
};

/* Rights of a process that runs as `user` in `cwd` (NULL: the spec's), both checked under its final
 * ids. All but `ret` is borrowed. */
void process_rights(const struct jail_spec *spec, const struct seccomp_program *filter,
		    const struct creds_user *user, const char *cwd, struct process_rights *ret);
/* The spec's limits as creds.h wants them. Return: how many. */
size_t process_rlimits(const struct jail_spec *spec, struct creds_rlimit ret[static LIMIT_RLIMITS]);
/*
 * Raises hard limits of this process to the spec's where they are lower, soft ones stay: a child in
 * a user namespace of its own inherits them and could not raise them itself.
 */
int process_raise_limits(const struct jail_spec *spec, struct err *e);
/* PATH, HOME, USER, container, TERM with a terminal; then the spec's, then `extra` (NULL-terminated
 * "K=V", may be NULL): of a name that comes twice the last one wins. */
int process_env(const struct jail_spec *spec, const struct creds_user *user, bool tty,
		const char *const *extra, struct strv *ret, struct err *e);
/* The namespaces that an instance has of its own, CLONE_NEW*. */
uint64_t process_namespaces(const struct jail_spec *spec);
/* The instance's filter, from the cache of this host if it can be. */
int process_filter(struct jail *j, const struct jail_spec *spec, struct seccomp_program *ret,
		   struct err *e);

#endif
