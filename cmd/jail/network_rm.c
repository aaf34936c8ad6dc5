/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail network rm: one that an instance is on stays. */
#include "cmd/jail/network.h"
#include "cmd/jail/verbs.h"

static int run(struct cli *c, struct err *e)
{
	int status = 0;

	(void)e;
	for (size_t i = 0; i < c->args.n_operands; i++) {
		struct err one = ERR_INIT;
		struct jail_name name;
		int r = name_parse("network", c->args.operands[i], &name, &one);

		if (r >= 0)
			r = network_remove(c->jail, &name, &one);
		if (r < 0) {
			cli_error(&one);
			status = EXIT_FAILED;
		}
	}
	return status;
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
