/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verbs on several instances: the operands, or --all. Each failure is printed, the rest is still
 * done, and the exit status says whether all went well.
 */
#ifndef JAIL_CMD_NAMES_H
#define JAIL_CMD_NAMES_H

#include "cmd/jail/cli.h"

struct names {
	struct jail_name *v;
	size_t n;
};
void names_free(struct names *n);
#define CLEANUP_NAMES CLEANUP(names_free)

/* Which instances --all means. */
typedef bool names_wanted_fn(const struct instance_info *i);
names_wanted_fn names_any, names_alive, names_not_alive, names_running, names_paused;

/* The names that the verb is about; `wanted` is what --all means. Operands and --all at once, or
 * neither, are a usage error. All operands are parsed before anything is done. */
int names_collect(struct cli *c, bool all, names_wanted_fn *wanted, struct names *ret,
		  struct err *e);

typedef int names_fn(struct cli *c, const struct jail_name *name, void *arg, struct err *e);
/* Return: exit status 0, or 1 when one of them failed. */
int names_each(struct cli *c, const struct names *names, names_fn *fn, void *arg);
/* Both in one step: what most verbs are. Return: exit status or -EINVAL. */
int names_run(struct cli *c, bool all, names_wanted_fn *wanted, names_fn *fn, void *arg,
	      struct err *e);
/* On things of another kind ("volume"), which the operands from `first` on name. Return: as
 * names_each(). */
int names_operands(struct cli *c, const char *kind, size_t first, names_fn *fn, void *arg);

#endif
