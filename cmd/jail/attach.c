/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail attach: our terminal, or stdio, becomes that of a running instance. Ctrl-P Ctrl-Q leaves. */
#include "cmd/jail/attachment.h"
#include "cmd/jail/verbs.h"

struct attach_values {
	bool no_stdin;
};

static const struct option options[] = {
	{ .name = "no-stdin",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct attach_values, no_stdin),
	  .help = "only watch, send no input" },
	OPTION_END,
};

static int run(struct cli *c, struct err *e)
{
	const struct attach_values *v = c->values;
	CLEANUP_INFO struct instance_info info = { .pid = 0 };
	CLEANUP_FD int client = -EBADF;
	struct jail_name name;
	int r = name_parse("instance", c->args.operands[0], &name, e);

	if (r >= 0)
		r = instance_info(c->jail, &name, true, &info, e);
	if (r >= 0)
		r = instance_attach(c->jail, &name, &client, e);
	if (r < 0)
		return r;
	return attachment_run(client, &info.spec,
			      info.spec.process.stdin_open && !v->no_stdin ? ATTACHMENT_STDIN : 0,
			      e);
}

const struct verb verb_attach = {
	.name = "attach",
	.operands = "NAME",
	.help = "Attach to the console or the output of an instance",
	.options = options,
	.values_size = sizeof(struct attach_values),
	.min_operands = 1,
	.max_operands = 1,
	.flags = VERB_STATE | VERB_PROGRAM,
	.run = run,
};
