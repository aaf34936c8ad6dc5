/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail start: returns when the program of the instance has been executed. */
#include "cmd/jail/attachment.h"
#include "cmd/jail/names.h"
#include "cmd/jail/verbs.h"

struct start_values {
	bool all, attach;
};

static const struct option options[] = {
	{ .name = "all",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct start_values, all),
	  .help = "all that do not run" },
	{ .name = "attach",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct start_values, attach),
	  .help = "stay attached and return the program's status" },
	OPTION_END,
};

static int start_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	const struct start_options start = { .attach = false };
	int client = -EBADF;
	bool exec_failed = false;

	(void)arg;
	return instance_start(c->jail, name, &start, &client, &exec_failed, e);
}

static int start_attached(struct cli *c, struct err *e)
{
	const struct start_options start = { .attach = true };
	CLEANUP_INFO struct instance_info info = { .pid = 0 };
	CLEANUP_FD int client = -EBADF;
	bool exec_failed = false;
	struct jail_name name;
	int r = name_parse("instance", c->args.operands[0], &name, e);

	if (r >= 0)
		r = instance_info(c->jail, &name, true, &info, e);
	if (r >= 0)
		r = instance_start(c->jail, &name, &start, &client, &exec_failed, e);
	if (r < 0 && exec_failed)
		c->failed = attachment_exec_status(e->code);
	if (r < 0)
		return r;
	return attachment_run(
		client, &info.spec,
		ATTACHMENT_LOSSLESS | (info.spec.process.stdin_open ? ATTACHMENT_STDIN : 0), e);
}

static int run(struct cli *c, struct err *e)
{
	const struct start_values *v = c->values;

	if (!v->attach)
		return names_run(c, v->all, names_not_alive, start_one, NULL, e);
	c->failed = EXIT_JAIL;
	if (v->all || c->args.n_operands != 1)
		return err_set(e, EINVAL, "start: --attach takes exactly one instance");
	return start_attached(c, e);
}

const struct verb verb_start = {
	.name = "start",
	.operands = "NAME...",
	.help = "Start instances",
	.options = options,
	.values_size = sizeof(struct start_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
