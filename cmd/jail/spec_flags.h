/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of create, run and spec that set fields of a spec: one table, and how a spec comes
 * together from a file, these options, and a command line.
 */
#ifndef JAIL_CMD_SPEC_FLAGS_H
#define JAIL_CMD_SPEC_FLAGS_H

#include "cmd/jail/cli.h"

extern const struct option spec_flags[];

/* file: NULL = none, "-" = stdin. Options override it (lists grow), operands from `command` on
 * replace its process.args. Defaults are not filled in: spec_finish() is the caller's. *ret: freed
 * by the caller, on failure too. */
int spec_flags_build(const struct cli *c, const char *file, size_t command, struct jail_spec *ret,
		     struct err *e);

#endif
