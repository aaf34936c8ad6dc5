/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail network rm: one that an instance is on stays. */
#include "cmd/jail/names.h"
#include "cmd/jail/network.h"
#include "cmd/jail/verbs.h"

static int remove_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	(void)arg;
	return network_remove(c->jail, name, e);
}

static int run(struct cli *c, struct err *e)
{
	(void)e;
	return names_operands(c, "network", 0, remove_one, NULL);
}

const struct verb verb_network_rm = {
	.name = "network rm",
	.operands = "NETWORK...",
	.help = "Remove networks that no instance is on",
	.min_operands = 1,
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
