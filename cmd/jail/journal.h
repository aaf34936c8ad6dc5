/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log of an instance whose unit writes to the journal: by journalctl. */
#ifndef JAIL_CMD_JOURNAL_H
#define JAIL_CMD_JOURNAL_H

#include "base/ident.h"

struct journal_request {
	bool follow, timestamps, json, all;
	uint64_t tail; /* UINT64_MAX: all lines */
	uint64_t since_ms; /* wall clock */
};
typedef bool journal_alive_fn(void *arg);
/* Without `follow` it becomes journalctl and returns only on failure; with it, it ends when the
 * instance has, as `alive` says, and all of its lines are printed. */
int journal_print(const struct journal_request *q, const struct jail_name *name,
		  journal_alive_fn *alive, void *arg, struct err *e);

#endif
