/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail volume rm: one that an instance has in its spec stays. */
#include "cmd/jail/verbs.h"
#include "runtime/volumes.h"

static int run(struct cli *c, struct err *e)
{
	int status = 0;

	(void)e;
	for (size_t i = 0; i < c->args.n_operands; i++) {
		struct err one = ERR_INIT;
		struct jail_name name;
		int r = name_parse("volume", c->args.operands[i], &name, &one);

		if (r >= 0)
			r = volume_remove(c->jail, &name, &one);
		if (r < 0) {
			cli_error(&one);
			status = EXIT_FAILED;
		}
	}
	return status;
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
