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
/* Becomes journalctl, so it returns only on failure. */
int journal_print(const struct journal_request *q, const struct jail_name *name, struct err *e);

#endif
