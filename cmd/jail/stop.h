/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stop and restart have in common: their options, and one stop. */
#ifndef JAIL_CMD_STOP_H
#define JAIL_CMD_STOP_H

#include "cmd/jail/names.h"

struct stop_values {
	bool all;
	uint64_t timeout_ms; /* UINT64_MAX = the spec's */
};
extern const struct option stop_options[];
extern const struct stop_values stop_defaults;

/* arg: struct stop_values. Says so when the instance had to be killed. */
names_fn stop_one;

#endif
