/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail volume rm: one that an instance has in its spec stays. */
#include "cmd/jail/names.h"
#include "cmd/jail/verbs.h"
#include "runtime/volumes.h"

static int remove_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	(void)arg;
	return volume_remove(c->jail, name, e);
}

static int run(struct cli *c, struct err *e)
{
	(void)e;
	return names_operands(c, "volume", 0, remove_one, NULL);
}

const struct verb verb_volume_rm = {
	.name = "volume rm",
	.operands = "VOLUME...",
	.help = "Remove volumes, and all in them, that no instance has",
	.min_operands = 1,
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
